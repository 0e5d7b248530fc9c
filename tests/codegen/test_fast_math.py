"""`fast.*` and `fast_math=True`: approximations on devices, the accurate functions elsewhere."""

import math
import re

import pytest

from codegen.differential import execute
from codegen.reading import contents, kernel_of, trusted
from oxide_analyzer.ir.nodes import MathFunction
from oxide_analyzer.launch import Launch
from oxide_codegen import toolchain
from oxide_codegen.lowering.approximations import APPROXIMATIONS
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx

KERNEL = """
@kernel{decorator}
def k(a: Slice[{type}], b: Slice[{type}], out: DisjointSlice[{type}]):
    i = thread.index_1d()
    if i < len(a) and i < len(b) and i < len(out):
        out[i] = {expression}
"""
INSTRUCTIONS = {
    MathFunction.SQRT: ["sqrt.approx.f32"],
    MathFunction.RSQRT: ["rsqrt.approx.f32"],
    MathFunction.EXP: ["ex2.approx.f32"],
    MathFunction.EXP2: ["ex2.approx.f32"],
    MathFunction.LOG: ["lg2.approx.f32"],
    MathFunction.LOG2: ["lg2.approx.f32"],
    MathFunction.LOG10: ["lg2.approx.f32"],
    MathFunction.POW: ["ex2.approx.f32", "lg2.approx.f32"],
    MathFunction.SIN: ["sin.approx.f32"],
    MathFunction.COS: ["cos.approx.f32"],
    MathFunction.TAN: ["sin.approx.f32", "cos.approx.f32", "div.approx.f32"],
    MathFunction.TANH: ["ex2.approx.f32", "div.approx.f32"],
}


@pytest.fixture(autouse=True)
def without_libdevice(monkeypatch):
    monkeypatch.setenv("OXIDE_LIBDEVICE", "0")


def text(expression, scalar="f32", decorator=""):
    return KERNEL.format(expression=expression, type=scalar, decorator=decorator)


def call(name, function):
    return f"{name}({', '.join(('a[i]', 'b[i]')[: function.arity])})"


def approximate(ptx):
    return set(re.findall(r"\b[a-z0-9]+\.approx[.a-z0-9]*", ptx))


@pytest.mark.parametrize("function", APPROXIMATIONS, ids=str)
def test_a_device_takes_its_instructions(function):
    named = compile_ptx(trusted(text(call(f"fast.{function}", function))), "sm_75")
    wanted = set(INSTRUCTIONS[function])
    assert approximate(named.text) == wanted
    assert ".f64" not in named.text
    if toolchain.ptxas():
        assert toolchain.registers(named.text, "sm_75").spill_stores == 0
    spelled = "rsqrt" if function is MathFunction.RSQRT else f"math.{function}"
    fast = compile_ptx(
        trusted(text(call(spelled, function), decorator="(fast_math=True)")), "sm_90"
    )
    assert approximate(fast.text) == wanted
    accurate = compile_ptx(trusted(text(call(spelled, function))), "sm_90")
    assert not approximate(accurate.text) - {"ex2.approx.ftz.f32"}


def test_halves_are_computed_in_f32_and_doubles_accurately():
    half = compile_ptx(trusted(text("fast.sin(a[i])", "f16")), "sm_90").text
    assert approximate(half) == {"sin.approx.f32"}
    double = compile_ptx(trusted(text("fast.sin(a[i])", "f64")), "sm_90").text
    assert not approximate(double)


def test_a_fast_kernel_divides_approximately_and_keeps_nan_and_infinity():
    fast = compile_ptx(trusted(text("a[i] / b[i]", decorator="(fast_math=True)")), "sm_90")
    assert "div.approx.f32" in fast.text
    assert "fdiv contract afn arcp nsz reassoc float" in fast.llvm
    assert not re.search(r"\b(nnan|ninf|fast)\b", fast.llvm)
    accurate = compile_ptx(trusted(text("a[i] / b[i]")), "sm_90")
    assert "div.rn.f32" in accurate.text
    kept = compile_ptx(trusted(text("a[i] / b[i]", decorator="(fast_math=False)")), "sm_90")
    assert "div.rn.f32" in kept.text


def test_the_host_computes_the_accurate_functions():
    values = [0.25, 0.5, 1.5, 3.0]
    found = []
    for expression in ("fast.sin(a[i]) + fast.pow(a[i], b[i])", "math.sin(a[i]) + a[i] ** b[i]"):
        native = compile_native(trusted(text(expression)))
        arrays = {"a": contents(values, 4), "b": contents(0.7, 4), "out": contents(0.0, 4)}
        launch = Launch((1, 1, 1), (4, 1, 1), {}, arrays)
        after, _ = execute(native, kernel_of(text(expression)), launch)
        found.append(after["out"].values)
    assert found[0] == found[1]
    exact = [math.sin(v) + v**0.7 for v in values]
    assert all(abs(a - b) < 1e-6 for a, b in zip(found[0], exact, strict=True))
