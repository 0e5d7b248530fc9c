"""Numbers and functions from outside the kernel, from this file and from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontend.reading import HEAD, findings, kernel, statements
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from pathlib import Path

    from oxide_analyzer.ir.kernel import Kernel


def of(before: str, use: str) -> Kernel:
    return kernel(f"{HEAD}{before}\n@kernel\ndef k(out: DisjointSlice[f64]):\n    out[0] = {use}\n")


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("X = 4", 4),
        ("X = 2 * 3 + 1", 7),
        ("X = -1", -1),
        ("Y = 4\nX = Y * Y", 16),
        ("X = 1 / 4", 0.25),
        ("X = 1 << 10", 1024),
        ("X = 2 ** 5", 32),
        ("X = math.pi", 3.141592653589793),
        ("X: float = 0.5", 0.5),
        ("X = 1\nX = 2", None),
        ("X = 1\nX += 1", None),
        ("X = int(input())", None),
        ("X = 1\ndef f():\n    global X\n    X = 2", None),
        ("X = 1\nif (X := 2) > 1:\n    pass", None),
        ("X = 1\nhalf = [X := y for y in (1, 2)]", None),
        ("X = 1\nmatch 2:\n    case X:\n        pass", None),
        ("X = 1\nmatch 2:\n    case _:\n        X = 2", None),
        ("X = 1\ntry:\n    pass\nexcept* OSError:\n    X = 2", None),
        ("X = 1\ntry:\n    pass\nexcept OSError as X:\n    pass", None),
        ("X = 1\nf = lambda: (X := 2)", 1),
        ("for X in range(3): pass", None),
    ],
)
def test_value_that_the_source_says(before: str, value: float | None) -> None:
    (constant,) = of(before, "X").constants
    assert (constant.symbol, constant.attributes, constant.value) == ("X", ("X",), value)


def test_constant_adapts_like_a_literal() -> None:
    made = of("N = 3", "N * 2.0 + N")
    assert statements(made) == "store out[0] = ((f64($N) * (f64 2.0)) + f64($N))  @0"
    assert len(made.constants) == 1


@pytest.mark.parametrize(
    ("use", "text"),
    [
        ("min(N, 3)", "f64(min($N, 3))"),
        ("max(N, 0.5)", "max(f64($N), (f64 0.5))"),
        ("N // 1", "f64(($N // 1))"),
        ("6 // N", "f64((6 //@0 $N))"),
        ("-N", "f64(-$N)"),
        ("N * N + 1", "f64((($N * $N) + 1))"),
        ("N if N else 1", "(f64($N) if ($N != 0) else (f64 1.0))"),
    ],
)
def test_constant_stays_a_symbol_whatever_the_source_says(use: str, text: str) -> None:
    assert f"store out[0] = {text}  @" in statements(of("N = 3", use))


@pytest.mark.parametrize(
    ("keywords", "body", "holders"),
    [
        ("block=n", "pass", {"n": ("block",)}),
        ("block=(n, m)", "pass", {"n": ("block", "0"), "m": ("block", "1")}),
        ("block=32, shared=m", "pass", {"m": ("shared",)}),
        ("requires=lambda a: len(a) > 2 * n", "pass", {"n": ("requires",)}),
        ("block=n, requires=lambda a: len(a) > n", "pass", {"n": ("requires",)}),
        ("block=2 * n", "r = n", {"n": ()}),
        ("block=n, requires=lambda a: len(a) > n", "r = n", {"n": ()}),
        ("block=s", "pass", {"s.0": ("block",), "s.1": ("block",)}),
        ("block=N", "pass", {"N": ()}),
    ],
)
def test_where_the_contract_finds_what_encloses_the_kernel(
    keywords: str, body: str, holders: dict[str, tuple[str, ...]]
) -> None:
    text = (
        f"{HEAD}N = 32\ndef make(n: int, m: int):\n    s = (n, m)\n"
        f"    @kernel({keywords})\n    def k(a: Slice[f32]):\n        {body}\n"
    )
    made = kernel(text)
    assert {constant.symbol: constant.holder for constant in made.constants} == holders


def test_contract_computes_with_a_closure_only_if_the_body_uses_it() -> None:
    text = f"{HEAD}def make(n: int):\n    @kernel(block=2 * n)\n    def k():\n        pass\n"
    (finding,) = findings(text)
    assert " OX404 `n` is a variable of the function round `k`" in finding
    assert "can only stand alone, as in `block=n`" in finding


def test_constant_that_does_not_fit() -> None:
    text = f"{HEAD}N = 1 << 40\n@kernel\ndef k(n: i32):\n    r = n + N\n"
    assert "literal 1099511627776 does not fit" in findings(text)[0]


def test_closure_of_a_factory_is_a_symbol() -> None:
    made = kernel(
        f"""
{HEAD}
def make(n: int, scale: float, size=8):
    half = n // 2

    @kernel(block=n)
    def k(out: DisjointSlice[f32]):
        t = SharedArray(f32, half + size)
        t[n - 1] = scale
    return k
"""
    )
    assert made.qualname == "make.<locals>.k"
    found = {c.symbol: (str(c.type), c.value) for c in made.constants}
    assert found == {
        "n": ("i64", None),
        "half": ("i64", None),
        "size": ("i64", None),
        "scale": ("f64", None),
    }


def test_items_of_a_tuple() -> None:
    made = kernel(
        f"{HEAD}SHAPE = (4, 8)\n@kernel(block=SHAPE)\ndef k():\n    t = SharedArray(f32, SHAPE)\n"
    )
    assert [(c.attributes, c.value) for c in made.constants] == [
        (("SHAPE", "0"), 4),
        (("SHAPE", "1"), 8),
    ]


@pytest.mark.parametrize(
    "imports",
    [
        "import oxide as ox\nkernel = ox.kernel\n"
        "from oxide import DisjointSlice as D, f32 as F, thread as t",
        "from oxide import kernel\nfrom oxide import *\nD = DisjointSlice\nF = f32\nt = thread",
        "from oxide import kernel, thread\nimport oxide\n"
        "D = oxide.DisjointSlice\nF = oxide.f32\nt = oxide.thread",
        "try:\n    from oxide import kernel, DisjointSlice as D, f32 as F, thread as t\n"
        "except ImportError:\n    pass",
    ],
)
def test_aliases_are_followed(imports: str) -> None:
    made = kernel(
        f"{imports}\n@kernel\ndef k(out: 'D[F]'):\n    i = t.index_1d()\n    out[i] = F(1)\n"
    )
    assert "store out[i] = 1.0" in statements(made)


def project(folder: Path, files: dict[str, str], main: str) -> tuple[Kernel | None, list[str]]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / main
    source = SourceFile(str(path), path.read_text(encoding="utf-8"))
    found = read(source, ProjectModules((folder,)))
    for one in found.kernels:
        assert verify(one) == []
    messages = [f"{d.span.line} {d.code} {d.message}" for d in found.diagnostics]
    return (found.kernels[0] if found.kernels else None), messages


OPS = """
from oxide import device, f32
LIMIT = 4.0
@device
def clip(x: f32) -> f32:
    return min(x, LIMIT)
"""


@pytest.mark.parametrize(
    ("imports", "call", "route"),
    [
        ("from pkg.ops import clip", "clip", ("clip",)),
        ("from .ops import clip as c", "c", ("c",)),
        ("from . import ops", "ops.clip", ("ops", "clip")),
        ("import pkg.ops", "pkg.ops.clip", ("pkg", "ops", "clip")),
        ("import pkg.ops as o", "o.clip", ("o", "clip")),
        ("from .again import *", "clip", ("clip",)),
        ("from .again import clip", "clip", ("clip",)),
    ],
)
def test_helpers_of_other_modules(
    tmp_path: Path, imports: str, call: str, route: tuple[str, ...]
) -> None:
    main = (
        f"from oxide import *\n{imports}\n@kernel\ndef k(out: DisjointSlice[f32]):\n"
        f"    out[0] = {call}(2)\n"
    )
    files = {
        "pkg/__init__.py": "",
        "pkg/ops.py": OPS,
        "pkg/again.py": "from .ops import clip\n",
        "pkg/k.py": main,
    }
    made, messages = project(tmp_path, files, "pkg/k.py")
    assert messages == []
    assert made is not None
    assert made.functions[1].route == (route,)
    (constant,) = made.constants
    assert (constant.attributes, constant.value) == (("LIMIT",), 4.0)
    assert constant.owner == made.functions[1]


def test_constant_of_another_module(tmp_path: Path) -> None:
    main = (
        "from oxide import *\nimport config\nfrom config import WIDTH as W\n"
        "@kernel(block=config.BLOCK)\ndef k(out: DisjointSlice[f32]):\n    out[W] = config.BLOCK\n"
    )
    files = {"config.py": "BLOCK = 64\nWIDTH = BLOCK // 2\n", "k.py": main}
    made, messages = project(tmp_path, files, "k.py")
    assert messages == []
    assert made is not None
    assert [(c.symbol, c.attributes, c.value) for c in made.constants] == [
        ("config.BLOCK", ("config", "BLOCK"), 64),
        ("W", ("W",), 32),
    ]


def test_mistake_in_another_module_is_told_at_the_call(tmp_path: Path) -> None:
    ops = "from oxide import device, f32\n@device\ndef bad(x: f32):\n    return x & 1\n"
    main = (
        "from oxide import *\nfrom ops import bad\n"
        "@kernel\ndef k(out: DisjointSlice[f32]):\n    out[0] = bad(2)\n"
    )
    made, messages = project(tmp_path, {"ops.py": ops, "k.py": main}, "k.py")
    assert made is None
    assert messages == ["5 OX003 in `bad` (ops.py:4): `&` is for integers, the operands are f32"]


def test_imports_in_a_ring(tmp_path: Path) -> None:
    files = {
        "one.py": "from two import X\n",
        "two.py": "from one import X\n",
        "k.py": "from oxide import *\nfrom one import X\n@kernel\ndef k():\n    r = X\n",
    }
    made, messages = project(tmp_path, files, "k.py")
    assert made is None
    assert [message[:7] for message in messages] == ["5 OX006"]


def test_number_that_no_machine_would_build() -> None:
    text = f"{HEAD}X = 10 ** 10 ** 10\n@kernel\ndef k():\n    r = X\n"
    assert findings(text)[0].startswith("6 OX006 `X` is ")
