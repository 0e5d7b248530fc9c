"""Program order: which of two statements a thread comes to first, as their places tell.

Positions are lists of frames from the body of the kernel inwards; where two of them part, in one
block, the smaller index comes first.

    if t == 0:
        data[b] = x               precedes the store, in one execution of what is round both
        fence()                   dominates the store: who comes there was here
        atomic.store(flag, b, 1)
    behind()                      is dominated by neither: not everybody was in the branch
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.accesses import Frame
from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Break,
    Continue,
    For,
    Inline,
    Leave,
    MatrixOp,
    Return,
    Unsafe,
    While,
)
from oxide_analyzer.ir.walk import blocks, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Position
    from oxide_analyzer.ir.nodes import Block, Stmt


def placed(
    block: Block, owner: Stmt | None = None, prefix: Position = ()
) -> Iterator[tuple[Stmt, Position]]:
    """Every statement with its position, in the order of the source."""
    for index, stmt in enumerate(block):
        position = (*prefix, Frame(owner, block, index))
        yield stmt, position
        for inner in blocks(stmt):
            yield from placed(inner, stmt, position)


def precedes(first: Position, second: Position) -> bool:
    """Whether `first` comes before `second` in one execution of every loop round both."""
    for left, right in zip(first, second, strict=False):
        if left.block is not right.block:
            owner = left.owner
            same = isinstance(owner, While) and owner is right.owner
            return same and isinstance(owner, While) and left.block is owner.header
        if left.index != right.index:
            return left.index < right.index
    return False


def dominates(first: Position, second: Position) -> bool:
    """Whether who comes to `second` has been at `first` before, in that execution."""
    for depth, (left, right) in enumerate(zip(first, second, strict=False)):
        if left.block is not right.block:
            return False
        if left.index != right.index:
            inner = first[depth + 1 :]
            return left.index < right.index and all(_is_passed(f.owner) for f in inner)
    return False


def leads_straight(first: Position, second: Position) -> bool:
    """Whether who has been at `first` comes to `second`, unless the kernel ends for it."""
    depth = len(second) - 1
    if len(first) < len(second):
        return False
    for left, right in zip(first[:depth], second[:depth], strict=True):
        if left.block is not right.block or left.index != right.index:
            return False
    left, right = first[depth], second[depth]
    if left.block is not right.block or left.index >= right.index:
        return False
    between = left.block[left.index : right.index]
    return not any(isinstance(s, (Break, Continue, Leave, Return)) for s in statements(between))


def loops_round(first: Position, second: Position) -> tuple[For | While, ...]:
    """The loops that are round both."""
    found: list[For | While] = []
    for left, right in zip(first, second, strict=False):
        if left.block is not right.block:
            break
        if isinstance(left.owner, (For, While)):
            found.append(left.owner)
        if left.index != right.index:
            break
    return tuple(found)


def _is_passed(owner: Stmt | None) -> bool:
    """Whether who passes a statement has run its whole body."""
    if isinstance(owner, Inline):
        return not any(
            isinstance(s, Leave) and s.label == owner.label for s in statements(owner.body)
        )
    return isinstance(owner, (Unsafe, AsyncCopy, MatrixOp))
