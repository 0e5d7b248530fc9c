"""Every statement and every expression of a block, for those who ask about all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.nodes import (
    Apply,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    Block,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    Expr,
    Fence,
    For,
    Forget,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    Math,
    MatrixOp,
    Not,
    Param,
    Print,
    Read,
    Reinterpret,
    Return,
    Select,
    Special,
    Stmt,
    Store,
    Symbol,
    Unary,
    Unsafe,
    WarpOp,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.nodes import Local


def blocks(stmt: Stmt) -> tuple[Block, ...]:
    """The blocks directly inside a statement."""
    match stmt:
        case If(then=then, otherwise=otherwise):
            return (then, otherwise)
        case For(body=body) | Inline(body=body) | Unsafe(body=body):
            return (body,)
        case AsyncCopy(body=body) | MatrixOp(body=body):
            return (body,)
        case While(header=header, body=body):
            return (header, body)
        case _:
            return ()


def statements(block: Block) -> Iterator[Stmt]:
    """Every statement in source order, outer before inner."""
    for stmt in block:
        yield stmt
        if stmt.__class__ in _NESTED:
            for inner in blocks(stmt):
                yield from statements(inner)


# Most statements have no blocks.
_NESTED = frozenset((If, For, Inline, Unsafe, AsyncCopy, MatrixOp, While))


def site_of(stmt: Stmt) -> int | None:
    """The number by which facts and proofs know a statement, if it has one."""
    match stmt:
        case (
            Load(site=site)
            | Store(site=site)
            | Atomic(site=site)
            | Fence(site=site)
            | Print(site=site)
            | Breakpoint(site=site)
            | AsyncCopy(site=site)
            | AsyncCommit(site=site)
            | AsyncWait(site=site)
            | MatrixOp(site=site)
            | CheckDivisor(site=site)
            | CheckIndex(site=site)
            | CheckView(site=site)
            | CheckAligned(site=site)
            | Assert(site=site)
            | Barrier(site=site)
            | WarpOp(site=site)
            | Unsafe(site=site)
            | Return(site=site)
            | Forget(site=site)
        ):
            return site
        case _:
            return None


def supplied_by(body: Block, site: int | None) -> str | None:
    """The call, such as `block.reduce_add`, in whose place a statement was supplied.

    The name of a helper of the source has no dot.
    """
    for stmt in statements(body):
        match stmt:
            case Inline(name=name, body=inside) if "." in name:
                if any(site_of(inner) == site for inner in statements(inside)):
                    return name
            case _:
                pass
    return None


def operands(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions directly in a statement."""
    match stmt:
        case Assign(value=value):
            return (value,)
        case Load(index=index):
            return index
        case Store(index=index, value=value):
            return (*index, value)
        case Atomic(index=index, value=value, compare=compare):
            return (*index, *(e for e in (compare, value) if e is not None))
        case CheckDivisor(divisor=divisor):
            return (divisor,)
        case CheckIndex(index=index, extent=extent):
            return (index, extent)
        case CheckView(start=start, stop=stop, extent=extent):
            return (start, stop, extent)
        case CheckAligned(offset=offset):
            return (offset,)
        case Assert(condition=condition):
            return (condition,)
        case Print(values=values):
            return values
        case WarpOp(value=value, lane=lane, mask=mask):
            return tuple(e for e in (value, lane, mask) if e is not None)
        case Forget(of=of):
            return of or ()
        case AsyncCopy(origin=origin, place=place):
            return (*origin, *place)
        case MatrixOp(place=place):
            return place
        case If(condition=condition) | While(condition=condition):
            return (condition,)
        case For(start=start, stop=stop, step=step):
            return (start, stop, step)
        case (
            Declare()
            | Barrier()
            | Fence()
            | AsyncCommit()
            | AsyncWait()
            | Unsafe()
            | Break()
            | Breakpoint()
            | Continue()
            | Return()
            | Inline()
            | Leave()
        ):
            return ()
        case _:
            assert_never(stmt)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands of an expression."""
    match expr:
        case Const() | Symbol() | Read() | Param() | Dim() | Special():
            return ()
        case Unary(operand=a) | Not(operand=a) | Convert(operand=a) | Reinterpret(operand=a):
            return (a,)
        case Binary(left=a, right=b) | Compare(left=a, right=b) | Logic(left=a, right=b):
            return (a, b)
        case Select(condition=c, then=a, otherwise=b):
            return (c, a, b)
        case Apply(operands=operands) | Math(operands=operands):
            return operands
        case _:
            assert_never(expr)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """The expression and all within."""
    yield expr
    for child in children(expr):
        yield from subexpressions(child)


def expressions(block: Block) -> Iterator[Expr]:
    """Every expression of a block, with those inside others."""
    for stmt in statements(block):
        for operand in operands(stmt):
            yield from subexpressions(operand)


def assigned(block: Block) -> set[Local]:
    """The locals that some statement of a block assigns."""
    found: set[Local] = set()
    for stmt in statements(block):
        match stmt:
            case Assign(target=target) | Load(target=target) | Forget(target=target):
                found.add(target)
            case Atomic(target=target) | WarpOp(target=target) if target is not None:
                found.add(target)
            case For(variable=variable):
                found.add(variable)
            case _:
                pass
    return found
