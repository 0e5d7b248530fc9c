"""How far functions of `math` are from the truth, in units of the last place.

Each function runs in a kernel on a device, over operands of every size, those near its zeros and
poles among them; what it gives is compared with results of many digits (mpmath). The exact
functions are not here: they are compared bit for bit, in `tests/codegen/test_math.py`.

    python benchmarks/math_ulp.py --device cpu --count 20000
    python benchmarks/math_ulp.py --device cuda

On a GPU most functions of f32 are those of libdevice, which are held to what is documented of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import mpmath
import numpy as np
from machine_record import write

import oxide
from oxide_analyzer.ir.expressions import MathFunction
from oxide_codegen.lowering.mathematics import ULP

BITS = {"f32": (24, -149, 127, np.float32), "f64": (53, -1074, 1023, np.float64)}
REFERENCES = {
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "pow": mpmath.power,
    # Its zeros below 0 are no place for units of the last place.
    "lgamma": lambda x: mpmath.loggamma(x) if x > 0 else mpmath.inf,
}
KERNEL = """
import math
from oxide import DisjointSlice, Slice, {type}, kernel, rsqrt, thread


@kernel(requires=lambda a, b, out: len(a) >= len(out) and len(b) >= len(out))
def apply(a: Slice[{type}], b: Slice[{type}], out: DisjointSlice[{type}]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = {call}
"""


def operands(function: str, scalar: str, count: int, generator) -> list:
    """Columns of operands: of every size, near 1, small, where the function changes."""
    _, _, top, dtype = BITS[scalar]

    def column():
        sign = generator.choice([-1.0, 1.0], count)
        parts = [
            sign * np.ldexp(generator.uniform(0.5, 1, count), generator.integers(-top, top, count)),
            sign * np.ldexp(generator.uniform(0.5, 1, count), generator.integers(-30, 8, count)),
            generator.uniform(-5, 5, count),
            1
            + sign * np.ldexp(generator.uniform(0.5, 1, count), generator.integers(-22, -1, count)),
            generator.uniform(-750 if top > 200 else -110, 720 if top > 200 else 90, count),
            generator.integers(1, 600_000, count) * (np.pi / 2),
        ]
        return np.concatenate(parts).astype(dtype)

    del function
    return [column(), column()]


def error(got: float, exact, scalar: str) -> float | None:
    """In units of the last place; None where the exact result is no number of the type."""
    digits, least, top, _ = BITS[scalar]
    if not mpmath.isfinite(exact) or isinstance(exact, mpmath.mpc) or exact == 0:
        return None
    exponent = int(mpmath.floor(mpmath.log(abs(exact), 2))) + 1
    if exponent > top:
        return None
    if not np.isfinite(got):
        return float("inf")
    unit = mpmath.mpf(2) ** max(exponent - digits, least)
    return float(abs(mpmath.mpf(float(got)) - exact) / unit)


def load(text: str, folder: Path, name: str):
    """The kernel of a file."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.apply


def measure(function: MathFunction, scalar: str, count: int, seed: int, folder: Path) -> dict:
    """The worst error of one function, and where it is."""
    name = "rsqrt" if function is MathFunction.RSQRT else f"math.{function}"
    call = f"{name}(a[i], b[i])" if function.arity == 2 else f"{name}(a[i])"
    kernel = load(KERNEL.format(type=scalar, call=call), folder, f"{function}_{scalar}")
    # sin and cos of the largest doubles need all the digits of π.
    mpmath.mp.prec = 1300 if function in ("sin", "cos", "tan") and scalar == "f64" else 250
    reference = REFERENCES.get(function) or getattr(mpmath, function)
    generator = np.random.default_rng(seed)
    a, b = operands(function, scalar, max(count // 6, 1), generator)
    out = np.zeros_like(a)
    kernel[(len(a) + 255) // 256, 256](a, b, out)
    worst, place, measured = 0.0, None, 0
    for x, y, got in zip(a, b, out, strict=True):
        given = (float(x), float(y))[: function.arity]
        try:
            exact = reference(*map(mpmath.mpf, given))
        except (ZeroDivisionError, OverflowError, ValueError):
            continue
        off = error(got, exact, scalar)
        if off is None:
            continue
        measured += 1
        if off > worst:
            worst, place = off, given
    return {"measured": measured, "worst": round(worst, 4), "at": place}


def main() -> int:
    """Print the table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", help="of the file of results")
    parser.add_argument("functions", nargs="*")
    options = parser.parse_args()
    started = time.perf_counter()
    kind = options.device.partition(":")[0]
    found: dict[str, dict] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder, oxide.device(options.device):
        for function in ULP:
            if options.functions and function not in options.functions:
                continue
            row = {
                scalar: measure(function, scalar, options.count, options.seed, Path(folder))
                for scalar in BITS
            }
            limits = documented(function, kind)
            found[str(function)] = row | {"documented": limits}
            over = any(row[scalar]["worst"] > limits[scalar] for scalar in BITS)
            failed |= over
            print(
                f"{function:8} f32 {row['f32']['worst']:.3f} of {limits['f32']}"
                f"  f64 {row['f64']['worst']:.3f} of {limits['f64']}{'  OVER' if over else ''}",
                flush=True,
            )
    figures = {"device": options.device, "seed": options.seed, "functions": found}
    name = "math_ulp" if kind == "cpu" else "math_ulp_gpu"
    print(write(options.name or name, figures, started))
    return int(failed)


def documented(function: MathFunction, kind: str) -> dict[str, float]:
    """By how much results of each type may be off: see `docs/language.md`."""
    own = ULP[function]
    on_gpu = {MathFunction.EXP: 2.0, MathFunction.GAMMA: own, MathFunction.LGAMMA: own}
    return {"f32": own if kind == "cpu" else on_gpu.get(function, 3.0), "f64": own}


if __name__ == "__main__":
    raise SystemExit(main())
