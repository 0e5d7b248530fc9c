"""What a thread has passed between two places: which groups of threads are ordered there.

    tile[t] = x
    if mode == 0:                 who comes to the read has mode == 0, and so has passed the
        sync_threads()            barrier: all threads of its block have
    …
    if mode == 0: y = tile[63 - t]

Statements of one block that stand between a store and a read are passed by whoever comes from one
to the other. Of a branch between them the reader has gone the way that the conditions of its own
path leave; they speak of the same round of the loops round both, unless the statement belongs to
an earlier one: then only conditions that are one for the whole launch tell. The writer has gone
there too, for threads meet at every barrier (`convergence`), on which the proof leans; for the same
reason what follows the store in its own branch has been passed by the reader. A `for` that
certainly goes round has been passed, and of a helper what everybody comes to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import condition_level
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.walk import ordered_by
from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Block,
    Break,
    Const,
    Continue,
    For,
    If,
    Inline,
    Leave,
    MatrixOp,
    Return,
    Stmt,
    Unsafe,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.facts.accesses import Access, Position
    from oxide_analyzer.facts.effects import Analysis

_STEPS = 1_500


def ordered(
    analysis: Analysis, earlier: Iterable[Stmt], own: Iterable[Stmt], read: Access
) -> Level | None:
    """The group that something between orders; a grid's barrier orders a block too.

    The statements of `own` are run in the round in which the read is, those of `earlier` may be
    of another.
    """
    passed = (
        *_passed(analysis, earlier, read, is_own=False),
        *_passed(analysis, own, read, is_own=True),
    )
    groups = [max(g, Level.BLOCK) for s in passed if (g := ordered_by(s)) is not None]
    return min(groups, default=None)


def rest_of_branches(inner: Position) -> Iterator[Stmt]:
    """What comes behind a store in the helpers and branches round it, and has been passed."""
    for frame in inner:
        match frame.owner:
            case Inline() | Unsafe() | AsyncCopy() | MatrixOp():
                yield from _before_returns(frame.block)[frame.index + 1 :]
            case If():
                yield from _before_jumps(frame.block)[frame.index + 1 :]
            case _:
                return


def _passed(
    analysis: Analysis, stmts: Iterable[Stmt], read: Access, *, is_own: bool
) -> Iterator[Stmt]:
    for stmt in stmts:
        yield stmt
        match stmt:
            case Unsafe(body=body) | AsyncCopy(body=body) | MatrixOp(body=body):
                yield from _passed(analysis, body, read, is_own=is_own)
            case Inline(body=body):
                yield from _passed(analysis, _before_returns(body), read, is_own=is_own)
            case For(body=body) if _goes_round(stmt):
                yield from _passed(analysis, _before_jumps(body), read, is_own=False)
            case If():
                branch = _gone(analysis, stmt, read, is_own) if _orders_somebody(stmt) else None
                if branch is not None:
                    yield from _passed(analysis, _before_jumps(branch), read, is_own=is_own)
            case _:
                pass


def _orders_somebody(stmt: If) -> bool:
    return any(ordered_by(s) is not None for s in statements((stmt,)))


def _gone(analysis: Analysis, stmt: If, read: Access, is_own: bool) -> Block | None:
    """The branch that the reader has taken, if that is known."""
    decisions = [d for d in analysis.effects.decisions if d.stmt is stmt]
    if len(decisions) != 1:
        return None
    taken, other = decisions[0].taken, decisions[0].other
    if taken is None or other is None:
        return stmt.otherwise if taken is None else stmt.then
    length = min(len(taken), len(other))
    shared = next((i for i in range(length) if taken[i] != other[i]), length)
    fixed = all(condition_level(c) is Level.LAUNCH for way in (taken, other) for c in way[shared:])
    if not (is_own or fixed):
        return None
    for way, branch in ((other, stmt.then), (taken, stmt.otherwise)):
        conditions = way if is_own else way[shared:]
        if refutes(analysis.terms, (*read.path, *conditions), _STEPS):
            return branch
    return None


def _goes_round(stmt: For) -> bool:
    """Whether a loop over numbers has a round."""
    ends = [e.value for e in (stmt.start, stmt.stop, stmt.step) if isinstance(e, Const)]
    return len(ends) == 3 and ends[2] != 0 and len(range(*map(int, ends))) > 0


def _before_jumps(block: Block) -> Block:
    """The statements of a block in front of the first that may leave it."""
    for number, stmt in enumerate(block):
        if any(isinstance(s, (Break, Continue, Leave, Return)) for s in statements((stmt,))):
            return block[:number]
    return block


def _before_returns(body: Block) -> Block:
    """The statements of a helper that everybody comes to who is behind it later."""
    for number, stmt in enumerate(body):
        inside = tuple(statements((stmt,)))
        labels = {s.label for s in inside if isinstance(s, Inline)}
        if any(isinstance(s, Leave) and s.label not in labels for s in inside):
            return body[:number]
    return body
