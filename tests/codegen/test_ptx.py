"""What stands in the PTX, and that ptxas takes it for every target."""

from __future__ import annotations

import re

import pytest

from codegen.building import (
    HERE,
    assign,
    at,
    binary,
    block_sum,
    checked,
    compare,
    const,
    kernel,
    load,
    loop,
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
from codegen.test_atomics import histogram
from oxide_analyzer.checked import Fact
from oxide_analyzer.ir.nodes import (
    Barrier,
    BinaryOp,
    CheckDivisor,
    CompareOp,
    Declare,
    Dim,
    DivisorRole,
    Local,
    Math,
    MathFunction,
    Order,
    Ownership,
    Param,
    Register,
    Return,
    Scope,
    Space,
    Store,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.types import F32, F64, I32, I64
from oxide_codegen import toolchain
from oxide_codegen.llvm import lines
from oxide_codegen.ptx import compile_ptx
from oxide_codegen.target import TARGETS, Unsupported, capabilities, nearest

ASSEMBLED = ["sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120"]


def instructions(text, start):
    return [line for line in lines(text) if re.match(rf"(@!?%p\d+ )?{re.escape(start)}", line)]


def test_proved_bounds_emit_no_check():
    unproved, safe = compile_ptx(vecadd(), "sm_80"), compile_ptx(proved(vecadd()), "sm_80")
    assert len(instructions(unproved.text, "bra")) > 1
    assert "exit;" in unproved.text
    # Threads of one launch claim the record, which lies in memory of the host.
    assert "atom.relaxed.gpu.global.cas.b32" in unproved.text
    # The guard of the source is all that is left.
    assert len(instructions(safe.text, "bra")) == 1
    assert "exit;" not in safe.text
    assert "atom" not in safe.text


def test_only_slices_are_read_through_the_texture_path():
    """A slice that the kernel writes is read again after the barrier, with a plain load."""
    x, y, t = Local("x", F32), Local("y", F32), special(Register.THREAD)
    body = [
        load(x, "a", t),
        store("b", t, read(x)),
        Barrier(904, HERE),
        load(y, "b", binary(BinaryOp.SUB, const(63), t)),
        Barrier(905, HERE),
        store("b", t, read(y)),
    ]
    parameters = [slice_of("a", F32), slice_of("b", F32, Ownership.DISJOINT)]
    turned = proved(checked(kernel("turned", parameters, body), initialised=("x", "y")))
    text = compile_ptx(turned, "sm_80").text
    loads = [line.split()[0] for line in lines(text) if line.startswith("ld.global")]
    assert loads == ["ld.global.nc.b32", "ld.global.b32"]
    assert len(instructions(text, "st.global")) == 2
    assert len(instructions(text, "bar.sync")) == 2


def test_shared_memory_is_loaded_again_after_a_barrier():
    x, y, t = Local("x", F32), Local("y", F32), special(Register.THREAD)
    body = [
        store("tile", t, const(1.0, F32)),
        Barrier(906, HERE),
        load(x, "tile", const(0)),
        Barrier(907, HERE),
        when(compare(CompareOp.EQ, t, const(5)), store("tile", const(0), const(2.0, F32))),
        Barrier(908, HERE),
        load(y, "tile", const(0)),
        store("out", thread_index(), binary(BinaryOp.ADD, read(x), read(y))),
    ]
    out = slice_of("out", F32, Ownership.DISJOINT)
    again = kernel("again", [out], body, [scratch("tile", F32, 64)])
    text = compile_ptx(proved(checked(again, initialised=("x", "y", "tile"))), "sm_90").text
    assert len(instructions(text, "ld.shared")) == 2
    assert len(instructions(text, "st.shared")) == 2


def test_compact_kernels_compute_indices_in_32_bits():
    wide = compile_ptx(proved(vecadd()), "sm_80").text
    narrow = compile_ptx(proved(vecadd(), compact=True), "sm_80").text
    assert "mad.lo.s32" in narrow
    assert "setp.ge.s32" in narrow
    # Without the fact a product may need more than 32 bits.
    assert "mad.lo.s32" not in wide
    assert "setp.ge.s64" in wide


def test_a_proved_flattened_index_is_computed_in_32_bits():
    """`a[row * n + k]` lies in the array, whatever a product of two such numbers could be."""
    row, n, x = thread_index(), Param("n", I64, HERE), Local("x", F32)
    index = binary(BinaryOp.ADD, binary(BinaryOp.MUL, row, n), const(3))
    body = [load(x, "a", index), store("out", thread_index(), read(x))]
    parameters = [slice_of("a", F32), slice_of("out", F32, Ownership.DISJOINT), ("n", I64)]
    flat = proved(checked(kernel("flat", parameters, body), initialised=("x",)), compact=True)
    text = compile_ptx(flat, "sm_80").text
    assert not instructions(text, "mul.lo.s64")
    assert not instructions(text, "mad.lo.s64")


def test_facts_that_bound_a_scalar_narrow_it():
    n, i = Param("n", I64, HERE), Local("i", I64)
    body = [
        loop(i, const(0), n, const(1), store("out", read(i), const(1.0, F32))),
    ]
    parameters = [("n", I64), slice_of("out", F32, Ownership.DISJOINT)]
    plain = checked(kernel("plain", parameters, body), initialised=("i",))
    conditions = compare(CompareOp.LE, n, const(1000)), compare(CompareOp.GE, n, const(0))
    facts = tuple(Fact(condition, "", True, HERE) for condition in conditions)
    known = type(plain)(plain.kernel, facts, frozenset(), frozenset(), plain.initialised, False)
    assert "alloca i64" in compile_ptx(plain, "sm_80").llvm.split("%i.")[1].split("%")[0]
    assert "alloca i32" in compile_ptx(known, "sm_80").llvm.split("%i.")[1].split("%")[0]


def test_block_of_the_contract_is_required():
    assert ".reqntid 64, 1, 1" in compile_ptx(block_sum(), "sm_80").text
    assert ".maxntid 1024" in compile_ptx(vecadd(), "sm_80").text


def test_small_constant_loops_are_unrolled_into_registers():
    i, x = Local("i", I64), Local("x", F32)
    body = [
        Declare("mine", HERE),
        loop(
            i,
            const(0),
            const(8),
            const(1),
            load(x, "a", binary(BinaryOp.ADD, thread_index(), read(i))),
            store("mine", read(i), read(x)),
        ),
        loop(
            i,
            const(0),
            const(8),
            const(1),
            load(x, "mine", binary(BinaryOp.SUB, const(7), read(i))),
            store("out", binary(BinaryOp.ADD, thread_index(), read(i)), read(x)),
        ),
    ]
    parameters = [slice_of("a", F32), slice_of("out", F32, Ownership.DISJOINT)]
    mine = scratch("mine", F32, 8, space=Space.LOCAL)
    turned = checked(kernel("turned", parameters, body, [mine]), initialised=("i", "x", "mine"))
    text = compile_ptx(proved(turned), "sm_80").text
    assert ".local" not in text
    assert len(instructions(text, "ld.global")) == 8


def test_lines_of_the_source():
    x = Local("x", F32)
    body = [
        load(x, "a", thread_index()),
        Store("out", (thread_index(),), read(x), 909, at(17)),
    ]
    parameters = [slice_of("a", F32), slice_of("out", F32, Ownership.DISJOINT)]
    placed = proved(checked(kernel("placed", parameters, body), initialised=("x",)))
    text = compile_ptx(placed, "sm_80").text
    assert '.file\t1 "kernel.py"' in text
    code = list(lines(text))
    store_at = next(n for n, line in enumerate(code) if line.startswith("st.global"))
    location = next(line for line in reversed(code[:store_at]) if line.startswith(".loc"))
    assert location.split()[:4] == [".loc", "1", "17", "5"]
    # ptxas would compile without optimisation.
    assert ", debug" not in text


def test_names_that_ptx_does_not_have():
    body = [store("out", const(0), const(1.0, F32))]
    out = slice_of("out", F32, Ownership.DISJOINT)
    for name in ("größe", "ret", "add"):
        text = compile_ptx(checked(kernel(name, [out], body)), "sm_80")
        assert text.entry.isascii()
        assert f".entry {text.entry}(" in text.text


def large(count):
    t, x = special(Register.THREAD), Local("x", F32)
    body = [
        store("tile", t, const(1.0, F32)),
        store("other", t, const(2.0, F32)),
        Barrier(910, HERE),
        load(x, "tile", binary(BinaryOp.SUB, const(63), t)),
        store("out", t, read(x)),
    ]
    out = slice_of("out", F32, Ownership.DISJOINT)
    tiles = [scratch("tile", F32, count), scratch("other", F32, 64)]
    return checked(kernel("large", [out], body, tiles), initialised=("x", "tile", "other"))


def test_large_shared_arrays_are_placed_dynamically():
    small, big = (compile_ptx(proved(large(n)), "sm_90") for n in (64, 16384))
    assert (small.shared, small.dynamic_shared) == (512, 0)
    assert big.dynamic_shared == big.shared == 65536 + 256
    assert ".extern .shared" in big.text
    with pytest.raises(Unsupported, match="shared arrays"):
        compile_ptx(large(60000), "sm_90")
    with pytest.raises(Unsupported, match="sm_75"):
        compile_ptx(large(16384), "sm_75")


def test_targets():
    assert nearest(9, 0) == "sm_90"
    assert nearest(8, 8) == "sm_87"
    assert nearest(13, 0) == TARGETS[-1]
    assert capabilities("sm_90a").number == 90
    for wrong in ("sm_20", "gfx90a", "sm_"):
        with pytest.raises(Unsupported):
            capabilities(wrong)
    with pytest.raises(Unsupported):
        nearest(7, 0)


def arithmetic():
    """Everything that is lowered to more than one instruction, on one page."""
    i, k, x = Local("i", I64), Local("k", I32), Local("x", F32)
    y, d = Local("y", F32), Local("d", F64)
    n = Param("n", I32, HERE)
    integers = [BinaryOp.FLOORDIV, BinaryOp.MOD, BinaryOp.SHL, BinaryOp.SHR, BinaryOp.MIN]
    integers.append(BinaryOp.POW)
    floats = [BinaryOp.FLOORDIV, BinaryOp.MOD, BinaryOp.MIN, BinaryOp.MAX, BinaryOp.DIV]
    body = [
        assign(i, thread_index()),
        CheckDivisor(n, DivisorRole.DIVISOR, 911, HERE),
        load(k, "a", read(i)),
        load(x, "b", read(i)),
        assign(y, read(x)),
        when(compare(CompareOp.EQ, read(k), n), Return(912, HERE)),
        *(assign(k, binary(op, read(k), n)) for op in integers),
        *(assign(y, binary(op, read(x), read(y))) for op in floats),
        assign(d, const(2.0, F64)),
        *(assign(y, Math(f, (read(y),) * f.arity, F32, HERE)) for f in MathFunction),
        *(assign(d, Math(f, (read(d),) * f.arity, F64, HERE)) for f in MathFunction),
        *(assign(k, Unary(op, read(k), I32, HERE)) for op in UnaryOp),
        store("a", read(i), read(k)),
        store("b", read(i), read(y)),
        store("c", (read(i), const(1)), read(d)),
    ]
    parameters = [
        ("n", I32),
        slice_of("a", I32, Ownership.DISJOINT),
        slice_of("b", F32, Ownership.DISJOINT),
        slice_of("c", F64, Ownership.DISJOINT, rank=2),
    ]
    return checked(kernel("arithmetic", parameters, body), initialised=("i", "k", "x", "y", "d"))


KERNELS = {
    "vecadd": vecadd,
    "vecadd, proved": lambda: proved(vecadd(), compact=True),
    "block sum": block_sum,
    "block sum, proved": lambda: proved(block_sum(), compact=True),
    "histogram": lambda: histogram(F64, shared=True),
    "ordered": lambda: histogram(I64, scope=Scope.SYSTEM, order=Order.ACQ_REL),
    "ordered, shared": lambda: histogram(F32, shared=True, order=Order.ACQUIRE),
    "arithmetic": arithmetic,
    "dynamic": lambda: large(13000),
}


@pytest.mark.parametrize("sm", ASSEMBLED)
@pytest.mark.parametrize("name", KERNELS)
def test_compiles_for_every_target(name, sm):
    ptx = compile_ptx(KERNELS[name](), sm)
    assert f".target {sm}" in ptx.text
    resources = toolchain.registers(ptx.text, sm) if toolchain.ptxas() else None
    if resources is not None:
        assert resources.spill_stores == 0
        assert 0 < resources.registers <= 64


def test_division_with_literals_needs_no_guards():
    i = Local("i", I64)
    half = binary(BinaryOp.FLOORDIV, read(i), const(2))
    rest = binary(BinaryOp.MOD, read(i), const(32))
    body = [
        assign(i, thread_index()),
        store("out", binary(BinaryOp.ADD, half, rest), const(1.0, F32)),
        when(compare(CompareOp.LT, read(i), Dim("out", 0, HERE))),
    ]
    out = slice_of("out", F32, Ownership.DISJOINT)
    shifted = proved(checked(kernel("shifted", [out], body), initialised=("i",)), compact=True)
    text = compile_ptx(shifted, "sm_80").text
    assert "div" not in text
    assert "rem" not in text
