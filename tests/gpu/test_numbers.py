"""Functions of numbers on a real device: the same bits as on the cpu, by the same instructions.

Save `exp` of f32, of which a device has a form of its own, and what libdevice gives where it is
found: both are held to their documented error.
"""

import importlib.util
import sys

import numpy as np
import pytest

import oxide
from oxide_analyzer.ir.expressions import MathFunction

pytestmark = pytest.mark.gpu

# What a kernel writes for those that are no function of floats in `math`.
SPELLED = {
    "round": "f64(round({0}))",
    "rsqrt": "rsqrt({0})",
    "fma": "fma({0}, {1}, {0})",
    "ldexp": "math.ldexp({0}, i32({1}))",
    "significand": "math.frexp({0})[0]",
    "exponent": "math.frexp({0})[1]",
}
TO_INTEGERS = {"floor", "ceil", "trunc"}
HEAD = (
    "import math\n"
    "from oxide import DisjointSlice, Slice, f16, f32, f64, fma, i32, kernel, rsqrt, thread\n"
)
KERNEL = """

@kernel
def {name}_(a: Slice[{type}], b: Slice[{type}], out: DisjointSlice[{type}]):
    i = thread.index_1d()
    if i < len(a) and i < len(b) and i < len(out):
        out[i] = {type}({call})
"""
TYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}


def call(function: MathFunction) -> str:
    operands = ("a[i]", "b[i]")
    if function in SPELLED:
        return SPELLED[function].format(*operands)
    text = f"math.{function}({', '.join(operands[: function.arity])})"
    return f"f64({text})" if function in TO_INTEGERS else text


@pytest.fixture(scope="module", params=TYPES)
def kernels(request, tmp_path_factory):
    scalar = request.param
    path = tmp_path_factory.mktemp("numbers") / f"numbers_{scalar}.py"
    bodies = [
        KERNEL.format(name=function, type=scalar, call=call(function)) for function in MathFunction
    ]
    path.write_text(HEAD + "".join(bodies), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return scalar, module


def numbers(scalar, seed, count=20_000):
    """Bits at random, numbers near 1, and the ends."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(TYPES[scalar])
    anything = generator.bytes(count * dtype.itemsize)
    parts = [
        np.frombuffer(anything, dtype),
        generator.uniform(-10, 10, count).astype(dtype),
        generator.uniform(-1, 1, count).astype(dtype),
        np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, 2], dtype),
    ]
    return np.concatenate(parts)


def on_both(kernels, function):
    """The operands, and what the cpu and the device give for them."""
    scalar, module = kernels
    apply = getattr(module, f"{function}_")
    a, b = numbers(scalar, 1), numbers(scalar, 2)
    np.random.default_rng(3).shuffle(b)
    found = []
    for device in ("cpu", "cuda"):
        out = np.zeros_like(a)
        with oxide.device(device):
            apply[(len(a) + 255) // 256, 256](a, b, out)
        found.append(out)
    return a, b, *found


@pytest.mark.parametrize("function", MathFunction, ids=str)
def test_same_bits_as_on_the_cpu(kernels, function, monkeypatch):
    if kernels[0] == "f32" and function is MathFunction.EXP:
        return
    monkeypatch.setenv("OXIDE_LIBDEVICE", "0")
    a, b, cpu, cuda = on_both(kernels, function)
    differ = (cpu.view(f"u{a.itemsize}") != cuda.view(f"u{a.itemsize}")) & ~(
        np.isnan(cpu) & np.isnan(cuda)
    )
    assert not differ.any(), [(a[k], b[k], cpu[k], cuda[k]) for k in np.flatnonzero(differ)[:5]]


@pytest.mark.parametrize("function", [f for f in MathFunction if not f.is_exact], ids=str)
def test_floats_are_near_those_of_the_cpu(kernels, function):
    if kernels[0] != "f32":
        return
    a, b, cpu, cuda = on_both(kernels, function)
    with np.errstate(all="ignore"):
        near = np.abs(cpu.astype(np.float64) - cuda) <= 3.5 * np.spacing(np.abs(cpu))
    # Beyond the largest number a result may round to it or to infinity.
    huge = np.abs(np.nan_to_num(cpu, nan=0)) > 3.4e38
    near |= (np.isnan(cpu) & np.isnan(cuda)) | (cpu == cuda) | (huge & (np.abs(cuda) > 3.4e38))
    assert near.all(), [(a[k], b[k], cpu[k], cuda[k]) for k in np.flatnonzero(~near)[:5]]
