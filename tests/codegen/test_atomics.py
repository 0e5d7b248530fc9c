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
from codegen.differential import check_same, execute
from codegen.reading import contents, trusted
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, Local, Order, Ownership, Register, Scope
from oxide_analyzer.language.types import F32, F64, I32, I64, U32, U64
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen import toolchain
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


OTHERS = ("sub", "min", "max", "and_", "or_", "xor", "exchange")
NAMES = {"sub": "add", "and_": "and", "or_": "or", "exchange": "exch"}
PTX_TYPES = {
    ("add", "i32"): "u32",
    ("add", "u64"): "u64",
    ("add", "f32"): "f32",
    ("min", "i32"): "s32",
    ("min", "u64"): "u64",
    ("max", "i32"): "s32",
    ("max", "u64"): "u64",
}


def one_atomic(call: str, type: str, array: str = "AtomicSlice") -> str:
    return f"""
        @kernel
        def k(a: {array}[{type}], v: {type}, out: DisjointSlice[{type}]):
            i = thread.index_1d()
            if i < len(a) and i < len(out):
                {call}
    """


@pytest.mark.parametrize("type", ["i32", "u64", "f32"])
@pytest.mark.parametrize("op", OTHERS)
def test_every_operation_in_ptx(op, type):
    """Of every order, and of the scopes that LLVM would drop."""
    if type == "f32" and op in ("and_", "or_", "xor"):
        return
    bits = "64" if type == "u64" else "32"
    name = NAMES.get(op, op)
    kind = PTX_TYPES.get((name, type), f"b{bits}")
    for order, scope in ((o, s) for o in Order for s in Scope):
        call = f'out[i] = atomic.{op}(a, i, v, scope="{scope}", order="{order}")'
        text = compile_ptx(trusted(one_atomic(call, type)), "sm_90").text
        if type == "f32" and op in ("min", "max"):
            assert f"atom.{order}.{SCOPES[scope]}.global.cas.b32" in text
        elif order is Order.RELAXED and scope in (Scope.BLOCK, Scope.DEVICE):
            assert f"atom.global.{name}.{kind}" in text
        else:
            assert f"atom.{order}.{SCOPES[scope]}.global.{name}.{kind}" in text


def test_counting_round_in_ptx():
    """Of 32 bits it is one instruction; of 64 bits devices have none."""
    for op, array in (("inc", "a"), ("dec", "a"), ("inc", "tile"), ("dec", "tile")):
        for order, scope in (("relaxed", "device"), ("acq_rel", "block"), ("relaxed", "system")):
            for type in ("u32", "u64"):
                call = f'out[i] = atomic.{op}({array}, i % 4, v, scope="{scope}", order="{order}")'
                tile = f"tile = SharedArray({type}, 4)\n            i = thread"
                text = one_atomic(call, type).replace("i = thread", tile)
                ptx = compile_ptx(trusted(text), "sm_75").text
                space = "global" if array == "a" else "shared"
                plain = (order, scope) == ("relaxed", "device")
                how = "" if plain and type == "u32" else f"{order}.{SCOPES[Scope(scope)]}."
                name = f"{op}.u32" if type == "u32" else "cas.b64"
                assert f"atom.{how}{space}.{name}" in ptx
                if toolchain.ptxas():
                    assert toolchain.registers(ptx, "sm_75") is not None


@pytest.mark.parametrize("type", ["i32", "u64", "f64"])
def test_exchanges_loads_and_stores_in_ptx(type):
    bits = "b32" if type == "i32" else "b64"
    for scope in Scope:
        at = SCOPES[scope]
        for order in Order:
            how = f'scope="{scope}", order="{order}"'
            call = f"out[i] = atomic.compare_exchange(a, i, v, v, {how})"
            text = compile_ptx(trusted(one_atomic(call, type)), "sm_90").text
            assert f"atom.{order}.{at}.global.cas.{bits}" in text
        for order in ("relaxed", "acquire"):
            call = f'out[i] = atomic.load(a, i, scope="{scope}", order="{order}")'
            text = compile_ptx(trusted(one_atomic(call, type)), "sm_90").text
            assert f"ld.{order}.{at}.global.{bits}" in text
        for order in ("relaxed", "release"):
            call = f'atomic.store(a, i, v, scope="{scope}", order="{order}")'
            text = compile_ptx(trusted(one_atomic(call, type)), "sm_90").text
            assert f"st.{order}.{at}.global.{bits}" in text


def test_what_comes_out_assembles():
    """PTX of every kind, in global and in shared memory, from the oldest target on."""
    calls = [
        f'atomic.{op}({array}, i % 4, v, scope="{scope}", order="{order}")'
        for op in ("add", *OTHERS)
        for array in ("a", "tile")
        for scope, order in (("block", "relaxed"), ("device", "acq_rel"), ("system", "relaxed"))
    ]
    calls += [
        "atomic.store(tile, i % 4, v)",
        "out[i] = atomic.load(tile, i % 4)",
        "out[i] = atomic.compare_exchange(tile, i % 4, v, v)",
    ]
    body = "\n                ".join(calls)
    text = one_atomic(body, "i32").replace(
        "i = thread", "tile = SharedArray(i32, 4)\n            i = thread"
    )
    for sm in ("sm_75", "sm_90", "sm_120"):
        ptx = compile_ptx(trusted(text), sm)
        if toolchain.ptxas():
            assert toolchain.registers(ptx.text, sm) is not None


@pytest.mark.parametrize("type", ["i32", "u32", "i64", "u64", "f32", "f64"])
def test_every_operation_on_the_host(type):
    """On elements of a thread's own, where the old value says whether it was one step."""
    real = type.startswith("f")
    values = [float("nan"), -0.0, 1.5, -3.0] if real else [0, 1, 7, 100]
    ops = ["add", "sub", "min", "max", "exchange"] + ([] if real else ["and_", "or_", "xor"])
    ops += ["inc", "dec"] if type.startswith("u") else []
    for op in ops:
        text = one_atomic(f"out[i] = atomic.{op}(a, i, v)", type)
        for v in values:
            arrays = {"a": contents(values, 4), "out": contents(values[:1] * 4, 4)}
            check_same(trusted(text), Launch((1, 1, 1), (4, 1, 1), {"v": v}, arrays))
    text = one_atomic("out[i] = atomic.compare_exchange(a, i, v, v + v)", type)
    arrays = {"a": contents(values, 4), "out": contents(values[:1] * 4, 4)}
    check_same(trusted(text), Launch((1, 1, 1), (4, 1, 1), {"v": values[2]}, arrays))
