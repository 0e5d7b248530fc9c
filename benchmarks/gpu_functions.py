"""Functions of f32 on a GPU: ours, libdevice's and the approximate ones; how long, and how far off.

    python benchmarks/gpu_functions.py

A row is a function over `ELEMENTS` numbers: microseconds a launch, the largest error in units of
the last place over `SAMPLES` numbers of its range, and as a difference. What reads and writes the
numbers and nothing else stands in the first row. The functions of each kind are compiled with
`OXIDE_LIBDEVICE` set to what that kind means.
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cuda_c import seconds_per_launch, write

import oxide

if TYPE_CHECKING:
    from types import ModuleType

ELEMENTS = 1 << 26
SAMPLES = 1 << 18
BLOCK = 256
HEAD = """
import math
from oxide import DisjointSlice, Slice, f32, fast, kernel, rsqrt, thread
"""
KERNEL = """

@kernel
def {name}_(a: Slice[f32], b: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(b) and i < len(out):
        out[i] = {expression}
"""


def inverse_root(x: Any) -> Any:
    """What `rsqrt` is."""
    return 1 / np.sqrt(x)


# The call, the range of the operand, what gives the truth in doubles, whether `fast` has it.
FUNCTIONS: dict[str, tuple[str, tuple[float, float], Any, bool]] = {
    "sin": ("sin(a[i])", (-math.pi, math.pi), np.sin, True),
    "cos": ("cos(a[i])", (-math.pi, math.pi), np.cos, True),
    "tan": ("tan(a[i])", (-1.5, 1.5), np.tan, True),
    "exp": ("exp(a[i])", (-80, 80), np.exp, True),
    "exp2": ("exp2(a[i])", (-120, 120), np.exp2, True),
    "log": ("log(a[i])", (1e-3, 1e3), np.log, True),
    "log2": ("log2(a[i])", (1e-3, 1e3), np.log2, True),
    "log10": ("log10(a[i])", (1e-3, 1e3), np.log10, True),
    "pow": ("pow(a[i], b[i])", (1e-2, 1e2), np.power, True),
    "tanh": ("tanh(a[i])", (-8, 8), np.tanh, True),
    "sqrt": ("sqrt(a[i])", (0, 1e4), np.sqrt, True),
    "rsqrt": ("rsqrt(a[i])", (1e-4, 1e4), inverse_root, True),
    "erf": ("erf(a[i])", (-4, 4), np.vectorize(math.erf), False),
    "atan2": ("atan2(a[i], b[i])", (-10, 10), np.arctan2, False),
    "cbrt": ("cbrt(a[i])", (-1e3, 1e3), np.cbrt, False),
    "asinh": ("asinh(a[i])", (-100, 100), np.arcsinh, False),
}
OF_TWO = {"pow", "atan2"}
KINDS = {"ours": "0", "libdevice": "", "fast": "0"}


def expression(kind: str, name: str) -> str:
    """How a kernel of a kind calls a function."""
    call = FUNCTIONS[name][0]
    if kind == "fast":
        return f"fast.{call}"
    return call if name == "rsqrt" else f"math.{call}"


def module_of(kind: str, folder: Path) -> ModuleType:
    """The kernels of a kind."""
    names = [name for name in FUNCTIONS if kind != "fast" or FUNCTIONS[name][3]]
    bodies = [KERNEL.format(name=name, expression=expression(kind, name)) for name in names]
    path = folder / f"functions_{kind}.py"
    path.write_text(HEAD + "".join(bodies) + KERNEL.format(name="copy", expression="a[i]"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def errors(kernel: Any, name: str, generator: np.random.Generator) -> tuple[float, float]:
    """The largest error over the range, in units of the last place and as a difference."""
    _, (low, high), truth, _ = FUNCTIONS[name]
    a = generator.uniform(low, high, SAMPLES).astype(np.float32)
    b = generator.uniform(-8, 8, SAMPLES).astype(np.float32)
    out = np.zeros_like(a)
    with oxide.device("cuda"):
        kernel[SAMPLES // BLOCK, BLOCK](a, b, out)
    operands = (a, b) if name in OF_TWO else (a,)
    exact = np.asarray(truth(*(one.astype(np.float64) for one in operands)), np.float64)
    difference = np.abs(out - exact)
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return float((difference / unit).max()), float(difference.max())


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    from oxide_codegen.cuda import cuda

    device = cuda(0)
    generator = np.random.default_rng(0)
    numbers = generator.uniform(0.1, 1.0, ELEMENTS).astype(np.float32)
    a, b = (oxide.asarray(numbers, device="cuda:0") for _ in range(2))
    out = oxide.zeros(ELEMENTS, oxide.f32, device="cuda:0")

    def microseconds(kernel: Any) -> float:
        launch = kernel.prepare(grid=ELEMENTS // BLOCK, block=BLOCK).bind(a, b, out)
        return seconds_per_launch(device, launch, batch=10, rounds=5) * 1e6

    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, library in KINDS.items():
            os.environ["OXIDE_LIBDEVICE"] = library
            module = module_of(kind, Path(folder))
            rows.setdefault("copy", {})[kind] = {"us": microseconds(module.copy_)}
            for name in FUNCTIONS:
                kernel = getattr(module, f"{name}_", None)
                if kernel is not None:
                    ulp, difference = errors(kernel, name, generator)
                    found = {"us": microseconds(kernel), "ulp": ulp, "difference": difference}
                    rows.setdefault(name, {})[kind] = found
    for name, found in rows.items():
        cells = [
            f"{kind} {cell['us']:.0f} us, {cell.get('ulp', 0):.2f} ulp, "
            f"{cell.get('difference', 0):.1e}"
            for kind, cell in found.items()
        ]
        print(f"{name:6} {' | '.join(cells)}")
    path = write("gpu_functions", device, {"elements": ELEMENTS, "rows": rows}, started)
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
