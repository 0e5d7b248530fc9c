"""Atomics: none is lost on the host; on the device order and scope reach the PTX."""

from __future__ import annotations

import pytest

from codegen.building import (
    assign,
    atomic_add,
    barrier,
    binary,
    checked,
    compare,
    const,
    kernel,
    load,
    loop_while,
    proved,
    read,
    scratch,
    slice_of,
    special,
    store,
    thread_index,
    when,
)
from codegen.differential import execute
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, Local, Order, Ownership, Register, Scope
from oxide_analyzer.language.types import F32, F64, I32, I64, U32, U64
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx
from oxide_codegen.target import Unsupported

TYPES = [I32, I64, U32, U64, F32, F64]


def histogram(scalar, *, shared=False, scope=Scope.DEVICE, order=Order.RELAXED):
    """Count threads by their index modulo 4."""
    i, old = Local("i", I64), Local("old", scalar)
    bin_ = binary(BinaryOp.MOD, read(i), const(4))
    one = const(1.0 if scalar.is_float else 1, scalar)
    counts = slice_of("counts", scalar, Ownership.ATOMIC)
    body = [assign(i, thread_index())]
    others = ()
    if shared:
        others = (scratch("tile", scalar, 4),)
        value = Local("value", scalar)
        body += [
            atomic_add(old, "tile", bin_, one, scope, order),
            barrier(),
            when(
                compare(CompareOp.LT, special(Register.THREAD), const(4)),
                load(value, "tile", special(Register.THREAD)),
                atomic_add(old, "counts", special(Register.THREAD), read(value)),
            ),
        ]
    else:
        body.append(atomic_add(old, "counts", bin_, one, scope, order))
    # `tile` is not initialised: the compiler has to zero it.
    return checked(kernel("histogram", [counts], body, others), initialised=("i", "old", "value"))


@pytest.mark.parametrize("shared", [False, True], ids=["global", "shared"])
@pytest.mark.parametrize("scalar", TYPES, ids=str)
def test_nothing_is_lost(scalar, shared):
    count = histogram(scalar, shared=shared, order=Order.ACQ_REL)
    zero = 0.0 if scalar.is_float else 0
    launch = Launch((64, 1, 1), (32, 1, 1), {}, {"counts": Contents((4,), (zero,) * 4)})
    after, failure = execute(compile_native(count), count.kernel, launch, workers=4)
    assert failure is None
    assert after["counts"].values == (512,) * 4


def test_a_thread_that_waits_for_another_is_not_starved():
    """Thread 0 spins until thread 3 has counted; its block has no barrier."""
    t, seen = special(Register.THREAD), Local("seen", I32)
    last = binary(BinaryOp.SUB, special(Register.BLOCK_DIM), const(1))
    flag = const(0, I32)
    body = [
        when(
            compare(CompareOp.EQ, t, last),
            atomic_add(seen, "flag", const(0), const(1, I32), order=Order.RELEASE),
        ),
        assign(seen, flag),
        loop_while(
            compare(CompareOp.EQ, read(seen), const(0, I32)),
            atomic_add(seen, "flag", const(0), const(0, I32), order=Order.ACQUIRE),
        ),
        store("out", t, read(seen)),
    ]
    parameters = [slice_of("flag", I32, Ownership.ATOMIC), slice_of("out", I32, Ownership.DISJOINT)]
    waiting = checked(kernel("waiting", parameters, body), initialised=("seen",))
    arrays = {"flag": Contents((1,), (0,)), "out": Contents((4,), (0,) * 4)}
    launch = Launch((1, 1, 1), (4, 1, 1), {}, arrays)
    after, failure = execute(compile_native(waiting), waiting.kernel, launch)
    assert failure is None
    assert after["out"].values == (1,) * 4


SCOPES = {
    Scope.BLOCK: "cta",
    Scope.DEVICE: "gpu",
    Scope.CLUSTER: "cluster",
    Scope.SYSTEM: "sys",
}
SUFFIXES = {I32: "u32", I64: "u64", U32: "u32", U64: "u64", F32: "f32", F64: "f64"}


@pytest.mark.parametrize("shared", [False, True], ids=["global", "shared"])
@pytest.mark.parametrize("order", Order, ids=str)
@pytest.mark.parametrize("scope", Scope, ids=str)
def test_order_and_scope_reach_the_ptx(scope, order, shared):
    """LLVM's own atomicrmw would drop both."""
    space = "shared" if shared else "global"
    every = scope is Scope.SYSTEM and order is Order.ACQ_REL
    for scalar in TYPES if every else [I32]:
        count = proved(histogram(scalar, shared=shared, scope=scope, order=order))
        text = compile_ptx(count, "sm_90").text
        if order is Order.RELAXED and scope in (Scope.BLOCK, Scope.DEVICE):
            # Plain atom is relaxed at device scope: as much as a block needs, and more.
            wanted = f"atom.{space}.add.{SUFFIXES[scalar]}"
        else:
            wanted = f"atom.{order.value}.{SCOPES[scope]}.{space}.add.{SUFFIXES[scalar]}"
        assert wanted in text


def test_cluster_scope_is_refused_in_front_of_llvm():
    count = histogram(I32, scope=Scope.CLUSTER)
    with pytest.raises(Unsupported, match="sm_90"):
        compile_ptx(count, "sm_80")
