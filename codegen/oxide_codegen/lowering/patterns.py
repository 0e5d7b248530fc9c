"""Patterns of the IR for which a back end has a better form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.asks import is_question
from oxide_analyzer.ir.nodes import (
    Atomic,
    AtomicOp,
    Barrier,
    Binary,
    BinaryOp,
    Break,
    Const,
    For,
    Group,
    Leave,
    Register,
    Return,
    Special,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import children, operands, statements

if TYPE_CHECKING:
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Expr, Stmt


_PLACES = (Register.THREAD, Register.BLOCK, Register.LANE, Register.WARP)


def is_thread_index(expr: Expr) -> bool:
    """`block.x * block_dim.x + thread.x`, in any order."""
    match expr:
        case Binary(op=BinaryOp.ADD, left=Binary() as start, right=Special() as thread):
            pass
        case Binary(op=BinaryOp.ADD, left=Special() as thread, right=Binary() as start):
            pass
        case _:
            return False
    if (thread.register, thread.axis) != (Register.THREAD, 0) or start.op is not BinaryOp.MUL:
        return False
    factors = {(f.register, f.axis) for f in (start.left, start.right) if isinstance(f, Special)}
    return factors == {(Register.BLOCK, 0), (Register.BLOCK_DIM, 0)}


def is_waiting_loop(statement: Stmt) -> bool:
    """Whether a thread may be in this loop until another one has changed an atomic.

    A loop over a range ends by itself, but may be left early because another thread is done.
    """
    match statement:
        case While(header=header, body=body):
            inside = (*statements(header), *statements(body))
            return any(isinstance(s, Atomic) for s in inside)
        case For(body=body):
            inside = tuple(statements(body))
            leaves = any(isinstance(s, Break | Return | Leave) for s in inside)
            return leaves and any(isinstance(s, Atomic) for s in inside)
        case _:
            return False


def waits_for_others(kernel: Kernel) -> bool:
    """Whether threads wait for others by other means than barriers of their block."""
    return any(
        is_waiting_loop(s) or (isinstance(s, Barrier) and s.group is Group.GRID)
        for s in statements(kernel.body)
    )


def waits_for_blocks(kernel: Kernel) -> bool:
    """Whether a block may wait for one that has not begun: then one thread runs all of them.

    A loop round an exchange waits for who was there before, and only it may.
    """
    if any(isinstance(s, Barrier) and s.group is Group.GRID for s in statements(kernel.body)):
        return True
    return any(
        is_waiting_loop(s)
        and not any(
            isinstance(inner, Atomic) and inner.op in (AtomicOp.EXCHANGE, AtomicOp.COMPARE_EXCHANGE)
            for inner in statements((s,))
        )
        for s in statements(kernel.body)
    )


def asks_who_is_there(kernel: Kernel) -> bool:
    """Whether lanes want to know which others are with them."""
    return any(is_question(s) for s in statements(kernel.body))


def meets(kernel: Kernel) -> bool:
    """Whether threads wait for others, at barriers, in warps or in loops."""
    return (
        waits_for_others(kernel)
        or asks_who_is_there(kernel)
        or any(isinstance(s, Barrier | WarpOp) for s in statements(kernel.body))
    )


def divides(block: Block) -> bool:
    """Whether a number is divided by one that is no literal.

    Loops around such a division are not vectorised: where it stands under a condition and its
    operands do not change in the loop, LLVM 22 divides for the first lane alone, if at all, and
    hands the result to all lanes.
    """
    pending = [expr for statement in statements(block) for expr in operands(statement)]
    while pending:
        expr = pending.pop()
        match expr:
            case Binary(op=BinaryOp.FLOORDIV | BinaryOp.MOD, right=right, type=scalar):
                calls = scalar.is_float and expr.op is BinaryOp.MOD
                if calls or not (scalar.is_float or isinstance(right, Const)):
                    return True
            case _:
                pass
        pending.extend(children(expr))
    return False


def is_one_row(kernel: Kernel, ranges: Ranges) -> bool:
    """Whether a launch has all its threads along x."""
    extents = [
        Special(register, axis, kernel.span)
        for register in (Register.BLOCK_DIM, Register.GRID_DIM)
        for axis in (1, 2)
    ]
    return all(ranges.of(extent).literal == 1 for extent in extents)


def reads_places_apart(block: Block) -> bool:
    """Whether a thread or block index is read other than within a thread index along x."""
    pending = [expr for statement in statements(block) for expr in operands(statement)]
    while pending:
        expr = pending.pop()
        if is_thread_index(expr):
            continue
        if isinstance(expr, Special) and expr.register in _PLACES:
            return True
        pending.extend(children(expr))
    return False
