"""What a block computes together: interpreter, cpu device and a model agree, and PTX assembles."""

from __future__ import annotations

from functools import reduce
from math import prod

import pytest

from codegen.differential import differences, execute
from codegen.reading import contents, kernel_of, trusted, unproved
from oxide_analyzer.interpreter import arithmetic, run
from oxide_analyzer.interpreter.warps import identity
from oxide_analyzer.ir.nodes import BinaryOp, Inline, Space
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import SCALARS
from oxide_analyzer.launch import Launch
from oxide_codegen import toolchain
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx

OPERATORS = {
    "add": BinaryOp.ADD,
    "min": BinaryOp.MIN,
    "max": BinaryOp.MAX,
    "and": BinaryOp.AND,
    "or": BinaryOp.OR,
    "xor": BinaryOp.XOR,
}
SHAPES = [(1, 1, 1), (33, 1, 1), (96, 1, 1), (16, 5, 1), (5, 3, 7)]


def kernel_text(type: str, calls: list[str], loop: bool = False) -> str:
    """A kernel that stores what each call gives to each thread of one block."""
    outs = ", ".join(f"r{k}: DisjointSlice[{type}]" for k in range(len(calls)))
    lines = [f"r{k}[p] = {call}" for k, call in enumerate(calls)]
    body = "\n            ".join(
        ["for again in range(2):", *(f"    {line}" for line in lines)] if loop else lines
    )
    return f"""
        @kernel
        def k(a: Slice[{type}], {outs}):
            p = thread.x + block_dim.x * (thread.y + block_dim.y * thread.z)
            v = a[p]
            {body}
    """


def values_of(type: str, count: int) -> list[float | int]:
    """Numbers that wrap when they are summed, and floats whose sum depends on the order."""
    scalar = SCALARS[type]
    if scalar.is_float:
        return [
            arithmetic.convert((k * 37 % 101 - 50) / 7, SCALARS["f64"], scalar)
            for k in range(count)
        ]
    return [scalar.wrap(k * 0x9E3779B97F4A7C15 + 12345) for k in range(count)]


def warp_tree(values, combine, nothing):
    """As `warp.reduce_*` defines it: halves of 32 lanes, missing ones hold the identity."""
    lanes = [*values, *[nothing] * (32 - len(values))]
    for distance in (16, 8, 4, 2, 1):
        lanes = [combine(lanes[own], lanes[own ^ distance]) for own in range(32)]
    return lanes[0]


def warp_scan(values, combine):
    """As `warp.scan_*` defines it."""
    for distance in (1, 2, 4, 8, 16):
        values = [
            combine(values[own - distance], value) if own >= distance else value
            for own, value in enumerate(values)
        ]
    return values


def model(call: str, values, scalar):
    """What each thread gets, by the definition."""
    kind, _, name = call.partition("_")
    combine = arithmetic.binary_function(OPERATORS[name], scalar)
    nothing = identity(OPERATORS[name], scalar)
    warps = [values[k : k + 32] for k in range(0, len(values), 32)]
    if kind == "reduce":
        total = reduce(combine, [warp_tree(warp, combine, nothing) for warp in warps])
        return [total] * len(values)
    inclusive = []
    before = None
    for scanned in (warp_scan(warp, combine) for warp in warps):
        inclusive += scanned if before is None else [combine(before, v) for v in scanned]
        before = scanned[-1] if before is None else combine(before, scanned[-1])
    return [nothing, *inclusive[:-1]] if kind == "exclusive" else inclusive


def written(call: str) -> str:
    if call.startswith("exclusive"):
        return f"block.scan_{call.partition('_')[2]}(v, exclusive=True)"
    return f"block.{call}(v)"


FLOAT_CALLS = [
    f"{kind}_{op}" for op in ("add", "min", "max") for kind in ("reduce", "scan", "exclusive")
]
BIT_CALLS = ["reduce_and", "reduce_or", "reduce_xor"]


def test_any_shape():
    compare("f32", FLOAT_CALLS, *SHAPES)


def test_integers():
    compare("i32", [*FLOAT_CALLS, *BIT_CALLS], (31, 1, 3), (64, 2, 1))


@pytest.mark.parametrize("type", ["i8", "u16", "u64", "f16", "bf16", "f64"])
def test_any_type(type):
    calls = ["reduce_add", "exclusive_add", "scan_max"]
    if SCALARS[type].is_integer:
        calls.append("reduce_xor")
    compare(type, calls, (40, 1, 1))


def test_in_a_loop():
    compare("i32", ["reduce_add", "scan_add"], (70, 1, 1), loop=True)


def compare(type, calls, *shapes, loop=False):
    scalar = SCALARS[type]
    checked = unproved(kernel_text(type, [written(call) for call in calls], loop))
    native = compile_native(checked, contract=False)
    for shape in shapes:
        count = prod(shape)
        values = values_of(type, count)
        outs = {f"r{k}": contents(0, count) for k in range(len(calls))}
        launch = Launch((1, 1, 1), shape, {}, {"a": contents(values, count), **outs})
        outcome = run(checked.kernel, launch)
        assert outcome.succeeded, outcome.failures[:1]
        arrays, failure = execute(native, checked.kernel, launch)
        assert failure is None
        assert differences(checked.kernel, outcome.arrays, arrays) == []
        for k, call in enumerate(calls):
            expected = model(call, values, scalar)
            assert [*map(repr, arrays[f"r{k}"].values)] == [*map(repr, expected)], (call, shape)


@pytest.mark.parametrize(("type", "sm"), [("f32", "sm_75"), ("i64", "sm_90")])
def test_assembles(type, sm):
    calls = [written(call) for call in ("reduce_add", "exclusive_max", "scan_min")]
    text = compile_ptx(trusted(kernel_text(type, calls, loop=True)), sm).text
    assert text.count("bar.sync") + text.count("barrier.sync") == 6
    if toolchain.ptxas():
        assert toolchain.registers(text, sm) is not None


def test_each_call_has_scratch_of_its_own():
    kernel = kernel_of(kernel_text("f32", ["block.reduce_add(v)", "block.reduce_add(v)"]))
    shared = [a for a in kernel.arrays.values() if a.space is Space.SHARED]
    assert len(shared) == 2
    names = [s.name for s in statements(kernel.body) if isinstance(s, Inline)]
    assert names == ["block.reduce_add", "block.reduce_add"]


def test_all_of_it_stands_where_the_call_stands():
    kernel = kernel_of(kernel_text("f32", ["block.scan_add(v)"]))
    (region,) = (s for s in statements(kernel.body) if isinstance(s, Inline))
    assert {s.span for s in statements(region.body)} == {region.span}
    assert [f.qualname for f in kernel.functions] == ["k"]
