"""Kernels written node by node, for tests of the back end alone."""

from __future__ import annotations

from itertools import count

from oxide_analyzer.checked import CheckedKernel
from oxide_analyzer.ir.kernel import ArrayParameter, Contract, Function, Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Array,
    Assign,
    Atomic,
    AtomicOp,
    Barrier,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Dim,
    For,
    If,
    Load,
    Local,
    Order,
    Ownership,
    Param,
    Read,
    Register,
    Scope,
    Space,
    Special,
    Store,
    While,
)
from oxide_analyzer.language.types import F32, I64, Scalar
from oxide_analyzer.source import Span

HERE = Span("kernel.py", 1, 1, 1, 2)
sites = count()


def at(line: int) -> Span:
    return Span("kernel.py", line, 5, line, 20)


def const(value, scalar: Scalar = I64) -> Const:
    return Const(value, scalar, HERE)


def read(local: Local) -> Read:
    return Read(local, HERE)


def param(name: str, scalar: Scalar) -> Param:
    return Param(name, scalar, HERE)


def special(register: Register, axis: int = 0) -> Special:
    return Special(register, axis, HERE)


def binary(op: BinaryOp, left, right) -> Binary:
    return Binary(op, left, right, left.type, HERE)


def compare(op: CompareOp, left, right) -> Compare:
    return Compare(op, left, right, HERE)


def thread_index():
    product = binary(BinaryOp.MUL, special(Register.BLOCK), special(Register.BLOCK_DIM))
    return binary(BinaryOp.ADD, product, special(Register.THREAD))


def load(target: Local, array: str, *index) -> Load:
    return Load(target, array, index, next(sites), HERE)


def store(array: str, index, value) -> Store:
    return Store(array, index if isinstance(index, tuple) else (index,), value, next(sites), HERE)


def assign(target: Local, value) -> Assign:
    return Assign(target, value, HERE)


def when(condition, *then, otherwise=()) -> If:
    return If(condition, tuple(then), tuple(otherwise), HERE)


def slice_of(name: str, element: Scalar, ownership=Ownership.READ_ONLY, rank: int = 1) -> Array:
    shape = tuple(Dim(name, axis, HERE) for axis in range(rank))
    return Array(name, element, shape, Space.GLOBAL, ownership, HERE)


def scratch(name: str, element: Scalar, *shape: int, space=Space.SHARED) -> Array:
    extents = tuple(const(n) for n in shape)
    return Array(name, element, extents, space, Ownership.SCRATCH, HERE)


def kernel(name: str, parameters, body, others=(), block=None) -> Kernel:
    """`parameters`: arrays, or pairs of a name and a scalar type; `others`: scratch arrays."""
    signature, arrays = [], {}
    for parameter in parameters:
        if isinstance(parameter, Array):
            signature.append(ArrayParameter(parameter.name, HERE))
            arrays[parameter.name] = parameter
        else:
            signature.append(ScalarParameter(*parameter, HERE))
    arrays |= {array.name: array for array in others}
    extents = None if block is None else tuple(const(n) for n in block)
    function = Function((), "kernel.py", name, HERE)
    return Kernel(
        name,
        name,
        "kernel.py",
        HERE,
        HERE,
        tuple(signature),
        arrays,
        Contract(block=extents),
        tuple(body),
        (function,),
    )


def checked(kernel: Kernel, *, bounds=(), divisors=(), initialised=(), compact=False):
    return CheckedKernel(
        kernel, (), frozenset(bounds), frozenset(divisors), frozenset(initialised), compact
    )


def vecadd() -> CheckedKernel:
    """`if i < len(c): c[i] = a[i] + b[i]`, nothing proved."""
    i, x, y = Local("i", I64), Local("%1", F32), Local("%2", F32)
    total = binary(BinaryOp.ADD, read(x), read(y))
    body = (
        assign(i, thread_index()),
        when(
            compare(CompareOp.LT, read(i), Dim("c", 0, HERE)),
            load(x, "a", read(i)),
            load(y, "b", read(i)),
            store("c", read(i), total),
        ),
    )
    arrays = (
        slice_of("a", F32),
        slice_of("b", F32),
        slice_of("c", F32, Ownership.DISJOINT),
    )
    return checked(kernel("vecadd", arrays, body), initialised=("i", "%1", "%2"))


def proved(kernel: CheckedKernel, *, compact: bool = False) -> CheckedKernel:
    """The same kernel with every bound and divisor proved."""
    from oxide_codegen.abi import failure_sites

    every = frozenset(failure_sites(kernel.kernel))
    return CheckedKernel(kernel.kernel, (), every, every, kernel.initialised, compact)


def barrier() -> Barrier:
    return Barrier(next(sites), HERE)


def loop(variable: Local, start, stop, step, *body) -> For:
    return For(variable, start, stop, step, tuple(body), HERE)


def loop_while(condition, *body) -> While:
    return While((), condition, tuple(body), HERE)


def atomic_add(
    target: Local, array: str, index, value, scope=Scope.DEVICE, order=Order.RELAXED
) -> Atomic:
    return Atomic(AtomicOp.ADD, target, array, (index,), value, scope, order, next(sites), HERE)


def block_sum(block: int = 64) -> CheckedKernel:
    """A tree in shared memory: two barriers, one of them in a loop."""
    t, i, stride = special(Register.THREAD), Local("i", I64), Local("stride", I64)
    x, y, z = Local("x", F32), Local("y", F32), Local("z", F32)
    upper = binary(BinaryOp.ADD, t, read(stride))
    body = (
        assign(i, thread_index()),
        when(
            compare(CompareOp.LT, read(i), Dim("a", 0, HERE)),
            load(x, "a", read(i)),
            otherwise=(assign(x, const(0.0, F32)),),
        ),
        store("tile", t, read(x)),
        barrier(),
        assign(stride, const(block // 2)),
        loop_while(
            compare(CompareOp.GT, read(stride), const(0)),
            when(
                compare(CompareOp.LT, t, read(stride)),
                load(y, "tile", t),
                load(z, "tile", upper),
                store("tile", t, binary(BinaryOp.ADD, read(y), read(z))),
            ),
            barrier(),
            assign(stride, binary(BinaryOp.FLOORDIV, read(stride), const(2))),
        ),
        when(
            compare(CompareOp.EQ, t, const(0)),
            load(y, "tile", const(0)),
            store("out", special(Register.BLOCK), read(y)),
        ),
    )
    parameters = (slice_of("a", F32), slice_of("out", F32, Ownership.DISJOINT))
    tile = scratch("tile", F32, block)
    names = ("i", "stride", "x", "y", "z", "tile")
    return checked(kernel("block_sum", parameters, body, (tile,), (block, 1, 1)), initialised=names)
