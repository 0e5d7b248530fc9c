"""What is read of complex numbers and records: well-formed IR, and assumptions where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide_analyzer.frontends.numba import read
from oxide_analyzer.ir.nodes import Forget
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile

HERE = Path(__file__).parent
PROGRAM = """\
import cmath, math
import numpy as np
from numba import complex64, cuda
from layouts import inner

rec = np.dtype([("x", "f4"), ("v", np.float32, (3,)), ("z", "c8"), ("s", inner, 2)])

@cuda.jit
def k(p, c, s):
    i = cuda.grid(1)
    {body}

n = 64
k[1, n](np.zeros(n, rec), np.zeros(n, np.complex64), cuda.device_array(n, np.float32))
"""
LAYOUTS = 'import numpy as np\ninner = np.dtype([("a", "i4"), ("b", "f8")], align=True)\n'


@pytest.mark.parametrize("name", ["safe/records", "safe/complex_numbers", "unsafe/records"])
def test_programs_are_well_formed(name: str) -> None:
    path = HERE / f"{name}.py"
    kernels = read(SourceFile(path.name, path.read_text(encoding="utf-8")), ProjectModules(()))
    assert [verify(kernel) for kernel in kernels.kernels] == [[]] * len(kernels.kernels)


@pytest.mark.parametrize(
    ("body", "assumed", "stored"),
    [
        ("p[i].s[1].a += p[i].s[i].b", 0, {"p.s.a"}),
        ("p.s.b[i, 0] = p['s']['b'][i, 1]", 0, {"p.s.b"}),
        ("c[i], p[i].x = p[i].z, abs(c[i])", 0, {"c", "c.imag", "p"}),
        ("for r in p: r.v[1] = r.z.imag", 0, {"p.v"}),
        ("c.real[i] = cmath.polar(np.conj(c[i]))[0] if i else 0j.imag", 0, {"c"}),
        ("z = 0; z = c[i]; z = 1; c[i] = -z ** 2 / (2 if z == 1j else z)", 0, {"c", "c.imag"}),
        ("r = p[i]; q = r.s; q[0].b = 1", 0, {"p.s.b"}),
        (
            "t = cuda.local.array((2, 2), complex64); t[1][0] = 1j; c[i] = t[1, 0]",
            0,
            {"t.imag", "c"},
        ),
        ("p[i] = 3", 1, set()),
        ("r = p[i]; r = p[i - 1]; r.x = 1", 0, {"p"}),
        ("c[i].real = 1", 1, {"c", "c.imag"}),
        ("p.nothing[i] = 1", 1, set()),
        ("s[i] = c[i] // 2", 1, {"s"}),
        ("cuda.atomic.add(c, i, 1j)", 1, set()),
        ("p[:].x = 0", 1, set()),
    ],
)
def test_statements(body: str, assumed: int, stored: set[str], tmp_path: Path) -> None:
    (tmp_path / "layouts.py").write_text(LAYOUTS, encoding="utf-8")
    text = PROGRAM.format(body="\n    ".join(body.split("; ")))
    source = SourceFile(str(tmp_path / "k.py"), text)
    kernel = read(source, ProjectModules((tmp_path,))).kernels[0]
    assert verify(kernel) == []
    assert len(kernel.assumptions) == assumed, kernel.assumptions
    inside = list(statements(kernel.body))
    written = {s.array for s in inside if hasattr(s, "array") and hasattr(s, "value")}
    assert stored <= written
    if not assumed:
        assert not any(isinstance(s, Forget) for s in inside)
