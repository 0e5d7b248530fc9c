"""Loops, ways out and barriers on the host do what they do in the interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from codegen.building import (
    HERE,
    assign,
    barrier,
    binary,
    block_sum,
    checked,
    compare,
    const,
    kernel,
    load,
    loop,
    loop_while,
    param,
    proved,
    read,
    scratch,
    slice_of,
    special,
    store,
    thread_index,
    vecadd,
    when,
)
from codegen.differential import check_same, execute
from oxide_analyzer.ir.nodes import (
    BinaryOp,
    Break,
    CheckDivisor,
    CompareOp,
    Continue,
    Declare,
    Dim,
    DivisorRole,
    Inline,
    Leave,
    Local,
    Ownership,
    Register,
    Return,
    Space,
)
from oxide_analyzer.language.types import F32, I32, I64, U32, U64
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen.abi import FailureKind
from oxide_codegen.lowering.guards import folded_guard
from oxide_codegen.native import compile_native

if TYPE_CHECKING:
    from oxide_analyzer.checked import CheckedKernel

HIGH, LOW = I32.max, I32.min


@pytest.mark.parametrize("literal", [False, True], ids=["parameters", "literals"])
@pytest.mark.parametrize(
    ("scalar", "start", "stop", "step"),
    [
        (I32, 0, 10, 3),
        (I32, 10, 0, -3),
        (I32, 0, 10, -1),
        (I32, HIGH - 5, HIGH, 3),
        (I32, LOW + 5, LOW, -3),
        (I32, LOW, HIGH, 1 << 30),
        (I32, HIGH, LOW, LOW),
        (I64, I64.max - 2, I64.max, 2),
        (I64, 5, 5, 1),
        (U32, 5, U32.max, 1 << 30),
        (U64, 0, U64.max, 1 << 62),
    ],
)
def test_range(scalar, start, stop, step, literal):
    """The number of trips, the last value, and a body that assigns the loop variable."""
    i, n = Local("i", scalar), Local("n", I64)
    numbers = {"start": start, "stop": stop, "step": step}
    head = [
        const(value, scalar) if literal else param(name, scalar) for name, value in numbers.items()
    ]
    one = const(1, scalar)
    body = [
        assign(n, const(0)),
        assign(i, const(7, scalar)),
        CheckDivisor(head[2], DivisorRole.STEP, 900, HERE),
        loop(
            i,
            *head,
            store("seen", read(n), read(i)),
            assign(i, binary(BinaryOp.XOR, read(i), one)),
            assign(n, binary(BinaryOp.ADD, read(n), const(1))),
        ),
        store("trips", const(0), read(n)),
        store("last", const(0), read(i)),
    ]
    parameters = [
        *((name, scalar) for name in numbers),
        slice_of("seen", scalar, Ownership.DISJOINT),
        slice_of("trips", I64, Ownership.DISJOINT),
        slice_of("last", scalar, Ownership.DISJOINT),
    ]
    ranged = checked(kernel("ranged", parameters, body), initialised=("i", "n"))
    arrays = {
        "seen": Contents((8,), (0,) * 8),
        "trips": Contents((1,), (0,)),
        "last": Contents((1,), (0,)),
    }
    after = check_same(ranged, Launch((1, 1, 1), (1, 1, 1), numbers, arrays))
    assert after["trips"].values == (len(range(start, stop, step)),)


def test_break_continue_return_and_inlined_helpers():
    """Sum what is odd, stop at 7; a helper that leaves a loop early; threads that return."""
    i, t, total = Local("i", I64), Local("t", I64), Local("total", I64)
    mod = binary(BinaryOp.MOD, read(i), const(2))
    body = [
        assign(t, thread_index()),
        assign(total, const(0)),
        loop(
            i,
            const(0),
            read(t),
            const(1),
            when(compare(CompareOp.EQ, mod, const(0)), Continue(HERE)),
            when(compare(CompareOp.GT, read(i), const(7)), Break(HERE)),
            assign(total, binary(BinaryOp.ADD, read(total), read(i))),
        ),
        Inline(
            0,
            "helper",
            (
                loop_while(
                    compare(CompareOp.LT, read(total), const(100)),
                    when(compare(CompareOp.GT, read(total), const(50)), Leave(0, HERE)),
                    assign(total, binary(BinaryOp.ADD, read(total), const(13))),
                ),
                assign(total, const(-1)),
            ),
            HERE,
        ),
        when(compare(CompareOp.GT, read(t), const(12)), Return(901, HERE)),
        store("out", read(t), read(total)),
    ]
    mixed = checked(
        kernel("mixed", [slice_of("out", I64, Ownership.DISJOINT)], body),
        initialised=("i", "t", "total"),
    )
    launch = Launch((2, 1, 1), (8, 1, 1), {}, {"out": Contents((16,), (5,) * 16)})
    check_same(mixed, launch)


def test_local_array_is_a_thread_s_own():
    i, t, x = Local("i", I64), Local("t", I64), Local("x", I32)
    square = binary(BinaryOp.MUL, read(x), read(x))
    body = [
        assign(t, thread_index()),
        Declare("mine", HERE),
        loop(
            i,
            const(0),
            const(4),
            const(1),
            load(x, "a", read(t)),
            store("mine", read(i), binary(BinaryOp.ADD, read(x), param("n", I32))),
        ),
        load(x, "mine", binary(BinaryOp.MOD, read(t), const(4))),
        store("out", read(t), square),
    ]
    mine = scratch("mine", I32, 4, space=Space.LOCAL)
    parameters = [slice_of("a", I32), slice_of("out", I32, Ownership.DISJOINT), ("n", I32)]
    local = checked(kernel("local", parameters, body, [mine]), initialised=("i", "t", "x", "mine"))
    arrays = {"a": Contents((8,), tuple(range(8))), "out": Contents((8,), (0,) * 8)}
    check_same(local, Launch((1, 1, 1), (8, 1, 1), {"n": 3}, arrays))


@pytest.mark.parametrize("length", [0, 1, 100, 256])
def test_vecadd_and_its_folded_guard(length):
    arrays = {name: Contents((length,), (1.5,) * length) for name in "abc"}
    for add in (vecadd(), proved(vecadd()), along_x(vecadd()), proved(along_x(vecadd()))):
        assert folded_guard(add.kernel) is not None
        check_same(add, Launch((4, 1, 1), (64, 1, 1), {}, arrays), workers=2)


def along_x(kernel: CheckedKernel) -> CheckedKernel:
    """The same kernel with extents of 1 along y and z."""
    contract = replace(kernel.kernel.contract, domain=1)
    return replace(kernel, kernel=replace(kernel.kernel, contract=contract))


def test_threads_of_one_dimension_are_one_loop():
    known = compile_native(along_x(vecadd()))
    assert "urem" in known.llvm.partition("failure")[2]
    assert known.llvm.count("endloop") < compile_native(vecadd()).llvm.count("endloop")


def test_guard_that_returns_early_is_folded():
    i, x = Local("i", I64), Local("x", F32)
    outside = compare(CompareOp.GE, read(i), Dim("c", 0, HERE))
    body = [
        assign(i, thread_index()),
        when(outside, Return(905, HERE)),
        load(x, "c", read(i)),
        store("c", read(i), binary(BinaryOp.ADD, read(x), const(1.0, F32))),
    ]
    early = kernel("early", [slice_of("c", F32, Ownership.DISJOINT)], body)
    assert folded_guard(early) is not None
    arrays = {"c": Contents((10,), tuple(float(v) for v in range(10)))}
    for variant in (checked(early, initialised=("i", "x")), checked(early)):
        for one in (variant, along_x(variant)):
            check_same(one, Launch((3, 1, 1), (4, 1, 1), {}, arrays))


@pytest.mark.parametrize("grid", [1, 5])
def test_barriers(grid):
    length = 64 * grid - 10
    arrays = {
        "a": Contents((length,), tuple(float(v) for v in range(length))),
        "out": Contents((grid,), (0.0,) * grid),
    }
    for add in (block_sum(), proved(block_sum())):
        check_same(add, Launch((grid, 1, 1), (64, 1, 1), {}, arrays), workers=2)


def test_threads_that_return_count_as_arrived():
    """In three dimensions, so that the order of threads and blocks shows."""
    x, y, z = (special(Register.THREAD, axis) for axis in range(3))
    flat = Local("flat", I64)
    row = binary(BinaryOp.ADD, binary(BinaryOp.MUL, z, const(2)), y)
    number = binary(BinaryOp.ADD, binary(BinaryOp.MUL, row, const(3)), x)
    v = Local("v", I64)
    body = [
        assign(flat, number),
        store("tile", read(flat), binary(BinaryOp.MUL, read(flat), special(Register.BLOCK, 1))),
        when(compare(CompareOp.GE, read(flat), const(8)), Return(902, HERE)),
        barrier(),
        load(v, "tile", binary(BinaryOp.SUB, const(7), read(flat))),
        store("out", (special(Register.BLOCK, 1), read(flat)), read(v)),
    ]
    out = slice_of("out", I64, Ownership.DISJOINT, rank=2)
    returning = checked(
        kernel("returning", [out], body, [scratch("tile", I64, 12)]),
        initialised=("flat", "v", "tile"),
    )
    launch = Launch((1, 3, 1), (3, 2, 2), {}, {"out": Contents((3, 8), (0,) * 24)})
    check_same(returning, launch)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_failed_check_says_where(dimensions):
    add = vecadd() if dimensions == 3 else along_x(vecadd())
    arrays = {name: Contents((10,), (1.0,) * 10) for name in "abc"}
    arrays["b"] = Contents((7,), (1.0,) * 7)
    native = compile_native(add)
    after, failure = execute(native, add.kernel, Launch((3, 1, 1), (4, 1, 1), {}, arrays))
    assert failure is not None
    assert (failure.kind, failure.axis, failure.length) == (FailureKind.BOUNDS, 0, 7)
    assert native.sites[failure.site].array == "b"
    assert (failure.index, failure.block, failure.thread) == (7, (1, 0, 0), (3, 0, 0))
    # The others went on.
    assert after["c"].values == (2.0,) * 7 + (1.0,) * 3


def test_failed_check_counts_as_arrived_at_the_barrier():
    broken = block_sum()
    arrays = {"a": Contents((64,), (1.0,) * 64), "out": Contents((1,), (0.0,))}
    native = compile_native(broken)
    _, failure = execute(native, broken.kernel, Launch((2, 1, 1), (64, 1, 1), {}, arrays))
    assert failure is not None
    assert (failure.index, failure.length, failure.block) == (1, 1, (1, 0, 0))


def test_zero_divisor_and_zero_step():
    n, i = param("n", I32), Local("i", I32)
    for role, kind in (
        (DivisorRole.DIVISOR, FailureKind.DIVISOR),
        (DivisorRole.STEP, FailureKind.STEP),
    ):
        body = [
            CheckDivisor(n, role, 903, HERE),
            loop(i, const(0, I32), const(3, I32), n, store("out", const(0), const(1.0, F32))),
        ]
        parameters = [("n", I32), slice_of("out", F32, Ownership.DISJOINT)]
        stepping = checked(kernel("stepping", parameters, body), initialised=("i",))
        native = compile_native(stepping)
        arrays = {"out": Contents((1,), (0.0,))}
        for value in (0, 1):
            launch = Launch((1, 1, 1), (1, 1, 1), {"n": value}, arrays)
            after, failure = execute(native, stepping.kernel, launch)
            assert after["out"].values == (float(value),)
            assert (failure.kind if failure else None) == (None if value else kind)


def test_diverging_barriers_are_reported_and_do_not_hang():
    """No checked kernel does this; the scheduler must not trust that."""
    t = special(Register.THREAD)
    either = kernel(
        "either",
        [],
        [when(compare(CompareOp.LT, t, const(2)), barrier(), otherwise=(barrier(),))],
    )
    skipping = kernel("skipping", [], [when(compare(CompareOp.LT, t, const(2)), barrier())])
    for diverging in (either, skipping):
        native = compile_native(checked(diverging))
        failure = native.run((2, 1, 1), (4, 1, 1), [], 1)
        assert failure is not None
        assert failure.kind is FailureKind.DIVERGENCE


def test_uninitialised_memory_is_zero():
    t, x, y = special(Register.THREAD), Local("x", F32), Local("y", F32)
    body = [
        when(compare(CompareOp.LT, t, const(2)), assign(x, const(1.0, F32))),
        load(y, "tile", t),
        store("out", thread_index(), binary(BinaryOp.ADD, read(x), read(y))),
        store("tile", t, const(9.0, F32)),
    ]
    out = slice_of("out", F32, Ownership.DISJOINT)
    for others in ((), (barrier(),)):
        undefined = checked(
            kernel("undefined", [out], [*body, *others], [scratch("tile", F32, 4)]),
            initialised=("y",),
        )
        native = compile_native(undefined)
        launch = Launch((3, 1, 1), (4, 1, 1), {}, {"out": Contents((12,), (5.0,) * 12)})
        after, failure = execute(native, undefined.kernel, launch)
        assert failure is None
        assert after["out"].values == (1.0, 1.0, 0.0, 0.0) * 3


def test_guard_is_not_folded_where_it_does_not_cover_everything():
    i, x = Local("i", I64), Local("x", F32)
    test = compare(CompareOp.LT, read(i), Dim("c", 0, HERE))
    c = slice_of("c", F32, Ownership.DISJOINT)
    work = store("c", const(0), const(1.0, F32))
    start = assign(i, thread_index())
    behind = kernel("behind", [c], [start, when(test, work), work])
    before = kernel("before", [c], [start, load(x, "c", read(i)), when(test, work)])
    otherwise = kernel("otherwise", [c], [start, when(test, work, otherwise=(work,))])
    for one in (behind, before, otherwise):
        assert folded_guard(one) is None


@pytest.mark.parametrize("remainder", [False, True])
@pytest.mark.parametrize("first", [0, 7, 40])
def test_what_is_the_same_for_all_threads_under_a_condition_of_some(first, remainder):
    """The first lanes of a vector are idle; what they would compute, the others still need."""
    t, x, y = special(Register.THREAD), Local("x", I32), Local("y", I32)
    place = const(3)
    if remainder:
        place = binary(BinaryOp.MOD, const(7), Dim("a", 0, HERE))
    body = [
        assign(x, const(-5, I32)),
        when(
            compare(CompareOp.GE, t, const(first)),
            load(x, "a", place),
            load(y, "b", t),
            assign(x, binary(BinaryOp.ADD, read(x), read(y))),
        ),
        when(compare(CompareOp.EQ, t, const(first + 1)), store("one", const(0), read(x))),
        store("out", t, read(x)),
    ]
    parameters = [
        slice_of("a", I32),
        slice_of("b", I32),
        slice_of("one", I32, Ownership.DISJOINT),
        slice_of("out", I32, Ownership.DISJOINT),
    ]
    some = proved(checked(kernel("some", parameters, body), initialised=("x", "y")))
    arrays = {
        "a": Contents((5,), (10, 20, 30, 40, 50)),
        "b": Contents((64,), tuple(range(64))),
        "one": Contents((1,), (0,)),
        "out": Contents((64,), (0,) * 64),
    }
    check_same(some, Launch((1, 1, 1), (64, 1, 1), {}, arrays))
