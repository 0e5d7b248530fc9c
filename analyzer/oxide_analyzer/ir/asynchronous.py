"""Copies to shared memory that a thread does not wait for until it says so.

async_copy(tile, t, a, i, 4)        async copy a to tile:
                                        %1 = load a[i]; …; %4 = load a[i + 3]
                                        store tile[t] = %1; …; store tile[t + 3] = %4
async_commit()                 is   async commit
…                                   …
async_wait(0)                       async wait 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from oxide_analyzer.ir.expressions import Expr
    from oxide_analyzer.ir.nodes import Block
    from oxide_analyzer.source import Span


@distinct
class AsyncCopy:
    """`async_copy(…)`: what `body` does, at any time up to the `AsyncWait` for its group.

    The body is a loop over `count` neighbours, or the one alone: it loads one of `source`, which
    nobody writes, and stores it to the shared array `target`; the first ones have the indices
    `origin` and `place`. Until the thread has waited, its stores count as under way: nobody
    touches their elements, the thread itself included; for others they are as if done at the
    wait. A device that has no such copies does the body at once.
    """

    source: str
    target: str
    origin: tuple[Expr, ...]
    place: tuple[Expr, ...]
    count: int
    body: Block
    site: int
    span: Span


@distinct
class AsyncCommit:
    """`async_commit()`: the copies of this thread since its last commit are one group."""

    site: int
    span: Span


@distinct
class AsyncWait:
    """`async_wait(pending)`: all groups of this thread but the last `pending` are done.

    What no commit has put into a group yet is not waited for.
    """

    pending: int
    site: int
    span: Span
