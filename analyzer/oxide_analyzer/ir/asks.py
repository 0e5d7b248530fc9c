"""Where lanes ask which others are with them, and which of two lanes has come further.

A place is told by the numbers, in the order of the source, of the loops round it and of the
question itself; a lane is at a place in some turn of each of these loops:

    for k in range(n):                 number 0
        if flag[k]:
            m = cuda.activemask()      number 1: a lane is at (0, k, 1)
    m = cuda.activemask()              number 2: a lane is at (2,)

Of two lanes of which one comes where the other is, or would come, the one with the smaller
sequence is behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir.nodes import For, Forget, Told, While
from oxide_analyzer.ir.walk import blocks
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Stmt

Loop: TypeAlias = For | While


@record
class Route:
    """The loops round a question, and the numbers of these and of the question."""

    loops: tuple[Loop, ...]
    numbers: tuple[int, ...]

    def at(self, turns: Sequence[int]) -> tuple[int, ...]:
        """Where a lane is that is in these turns of the loops."""
        inside = zip(turns, self.numbers[1:], strict=True)
        return (self.numbers[0], *(number for pair in inside for number in pair))


def is_question(stmt: Stmt) -> bool:
    """Whether a lane asks which others are with it."""
    return isinstance(stmt, Forget) and stmt.told is Told.ACTIVE_LANES


def routes(kernel: Kernel) -> dict[int, Route]:
    """The routes to all questions, by their sites."""
    found: dict[int, Route] = {}
    _follow(kernel.body, (), (), found, [0])
    return found


def _follow(
    block: Block,
    loops: tuple[Loop, ...],
    numbers: tuple[int, ...],
    found: dict[int, Route],
    count: list[int],
) -> None:
    for stmt in block:
        if isinstance(stmt, Forget) and is_question(stmt):
            found[stmt.site] = Route(loops, (*numbers, count[0]))
            count[0] += 1
            continue
        own, known = (loops, numbers), len(found)
        if isinstance(stmt, For | While):
            own = (*loops, stmt), (*numbers, count[0])
            count[0] += 1
        for inner in blocks(stmt):
            _follow(inner, *own, found, count)
        if isinstance(stmt, For | While) and len(found) == known:
            # Nobody asks in it.
            count[0] -= 1
