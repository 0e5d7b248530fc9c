"""All statements and expressions of a kernel, whatever they are nested in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    Binary,
    BinaryOp,
    CheckDivisor,
    Compare,
    Const,
    Convert,
    For,
    If,
    Inline,
    Load,
    Logic,
    Math,
    Not,
    Register,
    Select,
    Special,
    Store,
    Unary,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.nodes import Block, Expr, Local, Stmt


def nested(block: Block) -> Iterator[Stmt]:
    """The statements of a block in source order, each before what it contains."""
    for statement in block:
        yield statement
        match statement:
            case If(then=then, otherwise=otherwise):
                yield from nested(then)
                yield from nested(otherwise)
            case For(body=body) | Inline(body=body):
                yield from nested(body)
            case While(header=header, body=body):
                yield from nested(header)
                yield from nested(body)
            case _:
                pass


def assigned(block: Block) -> set[Local]:
    """The locals that some statement of a block assigns."""
    found: set[Local] = set()
    for statement in nested(block):
        match statement:
            case Assign(target=target) | Load(target=target) | Atomic(target=target):
                found.add(target)
            case For(variable=variable):
                found.add(variable)
            case _:
                pass
    return found


def operands(statement: Stmt) -> tuple[Expr, ...]:
    """The expressions of a statement itself, without those of the statements in it."""
    match statement:
        case Assign(value=value):
            return (value,)
        case Load(index=index):
            return index
        case Store(index=index, value=value) | Atomic(index=index, value=value):
            return (*index, value)
        case CheckDivisor(divisor=divisor):
            return (divisor,)
        case If(condition=condition) | While(condition=condition):
            return (condition,)
        case For(start=start, stop=stop, step=step):
            return start, stop, step
        case _:
            return ()


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands of an expression."""
    match expr:
        case Unary(operand=operand) | Not(operand=operand):
            return (operand,)
        case Convert(operand=operand) | Math(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return left, right
        case Logic(left=left, right=right):
            return left, right
        case Select(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case _:
            return ()


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
    pending = [expr for statement in nested(block) for expr in operands(statement)]
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
    pending = [expr for statement in nested(block) for expr in operands(statement)]
    while pending:
        expr = pending.pop()
        if is_thread_index(expr):
            continue
        if isinstance(expr, Special) and expr.register in (Register.THREAD, Register.BLOCK):
            return True
        pending.extend(children(expr))
    return False
