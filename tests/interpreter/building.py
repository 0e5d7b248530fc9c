"""Kernel IR by hand: short constructors for tests of what reads IR."""

from __future__ import annotations

from itertools import count
from typing import TypeAlias

from oxide_analyzer.ir import nodes as ir
from oxide_analyzer.ir.kernel import ArrayParameter, Contract, Kernel, Parameter, ScalarParameter
from oxide_analyzer.language.types import BOOL, I64, U32, Scalar
from oxide_analyzer.launch import Contents, Launch, Number
from oxide_analyzer.source import Span

Operand: TypeAlias = "ir.Expr | ir.Local | int | float"

_lines = count(1)


def at() -> Span:
    """A fresh place: every node stands on a line of its own."""
    line = next(_lines)
    return Span("k.py", line, 1, line, 2)


def expr(value: Operand, type: Scalar = I64) -> ir.Expr:
    if isinstance(value, ir.Local):
        return ir.Read(value, at())
    if isinstance(value, int | float):
        return ir.Const(value, type, at())
    return value


def special(register: str, axis: int = 0) -> ir.Expr:
    return ir.Special(ir.Register(register), axis, at())


THREAD = special("thread")
BLOCK = special("block")
BLOCK_DIM = special("block_dim")
GRID_DIM = special("grid_dim")
LANE = special("lane")


def binary(op: str, a: Operand, b: Operand) -> ir.Expr:
    left = expr(a, b.type if isinstance(b, ir.Local) else I64)
    right = expr(b, left.type)
    return ir.Binary(ir.BinaryOp(op), left, right, left.type, at())


def add(a: Operand, b: Operand) -> ir.Expr:
    return binary("+", a, b)


def mul(a: Operand, b: Operand) -> ir.Expr:
    return binary("*", a, b)


def compare(op: str, a: Operand, b: Operand) -> ir.Expr:
    left = expr(a)
    return ir.Compare(ir.CompareOp(op), left, expr(b, left.type), at())


def both(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return ir.Logic(ir.LogicOp.AND, a, b, at())


INDEX = add(mul(BLOCK, BLOCK_DIM), THREAD)


def local(name: str, type: Scalar = I64) -> ir.Local:
    return ir.Local(name, type)


def dim(array: str, axis: int = 0) -> ir.Expr:
    return ir.Dim(array, axis, at())


def assign(target: ir.Local, value: Operand) -> ir.Stmt:
    return ir.Assign(target, expr(value, target.type), at())


def load(target: ir.Local, array: str, *index: Operand, site: int) -> ir.Stmt:
    return ir.Load(target, array, tuple(expr(i) for i in index), site, at())


def store(array: str, *index: Operand, value: Operand, site: int, type: Scalar = I64) -> ir.Stmt:
    return ir.Store(array, tuple(expr(i) for i in index), expr(value, type), site, at())


def atomic_add(
    target: ir.Local,
    array: str,
    *index: Operand,
    value: Operand,
    site: int,
    scope: str = "device",
    order: str = "relaxed",
) -> ir.Stmt:
    where = tuple(expr(i) for i in index)
    amount = expr(value, target.type)
    return ir.Atomic(
        ir.AtomicOp.ADD, target, array, where, amount, ir.Scope(scope), ir.Order(order), site, at()
    )


def atomic(
    op: str,
    target: ir.Local | None,
    array: str,
    index: Operand,
    value: Operand | None = None,
    *,
    site: int,
    compare: Operand | None = None,
    type: Scalar = I64,
    scope: str = "device",
    order: str = "relaxed",
) -> ir.Stmt:
    amount = None if value is None else expr(value, type)
    wanted = None if compare is None else expr(compare, type)
    where = (expr(index),)
    return ir.Atomic(
        ir.AtomicOp(op),
        target,
        array,
        where,
        amount,
        ir.Scope(scope),
        ir.Order(order),
        site,
        at(),
        wanted,
    )


def fence(site: int, scope: str = "device") -> ir.Stmt:
    return ir.Fence(ir.Scope(scope), site, at())


def barrier(site: int) -> ir.Stmt:
    return ir.Barrier(site, at())


def grid_barrier(site: int) -> ir.Stmt:
    return ir.Barrier(site, at(), ir.Group.GRID)


def warp(
    function: str,
    target: ir.Local | None = None,
    value: Operand | None = None,
    *,
    site: int,
    lane: Operand | None = None,
    mask: int | ir.Expr | None = None,
    width: int = 32,
    exclusive: bool = False,
    type: Scalar = I64,
) -> ir.Stmt:
    return ir.WarpOp(
        ir.WarpFunction(function),
        target,
        None if value is None else expr(value, type),
        None if lane is None else expr(lane),
        None if mask is None else expr(mask, U32),
        width,
        exclusive,
        site,
        at(),
    )


def leave_kernel(site: int) -> ir.Stmt:
    return ir.Return(site, at())


def when(condition: ir.Expr, *then: ir.Stmt, otherwise: ir.Block = ()) -> ir.Stmt:
    return ir.If(condition, then, otherwise, at())


def loop(variable: ir.Local, start: Operand, stop: Operand, *body: ir.Stmt, step: Operand = 1):
    return ir.For(variable, expr(start), expr(stop), expr(step), body, at())


def repeat(condition: ir.Expr, *body: ir.Stmt, header: ir.Block = ()) -> ir.Stmt:
    return ir.While(header, condition, body, at())


def inline(label: int, *body: ir.Stmt) -> ir.Stmt:
    return ir.Inline(label, "helper", body, at())


def leave(label: int) -> ir.Stmt:
    return ir.Leave(label, at())


def slice_of(name: str, type: Scalar = I64, rank: int = 1) -> ir.Array:
    shape = tuple(dim(name, axis) for axis in range(rank))
    return ir.Array(name, type, shape, ir.Space.GLOBAL, ir.Ownership.DISJOINT, at())


def scratch(name: str, *shape: int, space: str = "shared", type: Scalar = I64) -> ir.Array:
    extents = tuple(expr(extent) for extent in shape)
    return ir.Array(name, type, extents, ir.Space(space), ir.Ownership.SCRATCH, at())


def dynamic(name: str, type: Scalar = I64) -> ir.Array:
    return ir.Array(name, type, (dim(name),), ir.Space.SHARED, ir.Ownership.SCRATCH, at())


def kernel(*body: ir.Stmt, arrays: tuple[ir.Array, ...] = (), **scalars: Scalar) -> Kernel:
    parameters: list[Parameter] = [
        ArrayParameter(a.name, a.span) for a in arrays if a.space is ir.Space.GLOBAL
    ]
    parameters += [ScalarParameter(name, type, at()) for name, type in scalars.items()]
    return Kernel(
        "k",
        "k",
        "k.py",
        at(),
        at(),
        tuple(parameters),
        {a.name: a for a in arrays},
        Contract(),
        body,
        (),
    )


def launch(
    block: int,
    grid: int = 1,
    *,
    scalars: dict[str, Number] | None = None,
    shared: int = 0,
    **arrays: list[Number],
) -> Launch:
    contents = {name: Contents((len(v),), tuple(v)) for name, v in arrays.items()}
    return Launch((grid, 1, 1), (block, 1, 1), scalars or {}, contents, shared)


TRUE = ir.Const(True, BOOL, at())
