"""Patterns of the IR for which a back end has a better form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Const,
    Register,
    Special,
)
from oxide_analyzer.ir.walk import children, operands, statements

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Block, Expr


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


def reads_places_apart(block: Block) -> bool:
    """Whether a thread or block index is read other than within a thread index along x."""
    pending = [expr for statement in statements(block) for expr in operands(statement)]
    while pending:
        expr = pending.pop()
        if is_thread_index(expr):
            continue
        if isinstance(expr, Special) and expr.register in (Register.THREAD, Register.BLOCK):
            return True
        pending.extend(children(expr))
    return False
