"""Where a barrier is missing, or stands where not all threads come.

    tile[t] = a[i]                      tile[t] = a[i]
    x = tile[63 - t]          ─►        sync_threads()
                                        x = tile[63 - t]

    if i < n:                           if i < n:
        tile[t] = a[i]                      tile[t] = a[i]
        sync_threads()        ─►        sync_threads()
        out[i] = tile[63 - t]           if i < n:
                                            out[i] = tile[63 - t]

Both are tried on the IR first: a barrier is offered where uniformity says that all threads of the
block come to it, and, of two accesses, where none of the intervals between barriers then holds
both, or the affine prover tells their elements apart. Accesses of one round of a loop and of the
next get it at the end of the loop's body.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.facts.effects import analyse
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.fixes.outline import outline
from oxide_analyzer.ir.nodes import (
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Barrier,
    For,
    Group,
    If,
    Inline,
    Space,
    Unsafe,
    While,
)
from oxide_analyzer.ir.walk import blocks, site_of, statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.races import races
from oxide_analyzer.record import record
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.facts.accesses import Access, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.fixes.outline import Outline, Written
    from oxide_analyzer.ir.nodes import Block, Stmt

SYNC = "sync_threads()"
_STEADY = {"len", "min", "max", "abs"}


def separate(analysis: Analysis, first: Access, second: Access) -> Iterator[Fix]:
    """A barrier between two accesses to shared memory of which two threads make one each."""
    kernel = analysis.kernel
    if kernel.arrays[first.array].space is not Space.SHARED or first.site == second.site:
        return
    written = outline(kernel)
    for place in _places(written, first, second):
        fix = _inserted(written, place)
        if fix is not None and _separates(analysis, place, first.site, second.site):
            yield fix
            return


# ---------------------------------------------------------------- between two accesses


@record
class _Place:
    """In front of number `index` of a block of the IR; behind its end if there is none."""

    block: Block
    index: int


def _places(written: Outline, first: Access, second: Access) -> Iterator[_Place]:
    """Where a barrier would come between them, nearest to the later one first."""
    early, late = sorted((first, second), key=lambda a: (a.span, a.changes))
    depth = _shared(early.position, late.position)
    if any(isinstance(f.owner, Inline) for f in (*early.position, *late.position)):
        return
    if depth:
        frame, other = late.position[depth - 1], early.position[depth - 1]
        is_header = isinstance(frame.owner, While) and frame.block is frame.owner.header
        if frame.index != other.index and not is_header:
            yield _Place(frame.block, _start(written, frame.block, frame.index))
    # From one round to the next: at the end of the innermost loop round both.
    for frame in reversed(late.position[:depth]):
        if isinstance(frame.owner, (For, While)) and frame.block is frame.owner.body:
            yield _Place(frame.block, len(frame.block))
            return


def _shared(first: Position, second: Position) -> int:
    """How many steps both positions have in the same blocks."""
    depth = 0
    for one, other in zip(first, second, strict=False):
        if one.block is not other.block:
            break
        depth += 1
        if one.index != other.index:
            break
    return depth


def _start(written: Outline, block: Block, index: int) -> int:
    """The first statement of the IR that is made of the same statement of the source."""
    own = written.at(block[index].span)
    while index > 0:
        before = written.at(block[index - 1].span)
        if own is None or before is None or before.node is not own.node:
            break
        index -= 1
    return index


def _inserted(written: Outline, place: _Place) -> Fix | None:
    """The barrier as a line of its own."""
    title = f"insert `{SYNC}`"
    if place.index < len(place.block):
        target = written.at(place.block[place.index].span)
        if target is None or not written.stands_alone(target):
            return None
        return Fix(f"{title} above `{written.head(target)}`", (written.above(target, SYNC),))
    if not place.block:
        return None
    inside = written.at(place.block[-1].span)
    if inside is None:
        return None
    last = next((w for w in written.statements if w.node is inside.body[-1]), None)
    if last is None or not written.stands_alone(last):
        return None
    return Fix(f"{title} below `{written.head(last)}`", (written.below(last, SYNC),))


def _separates(analysis: Analysis, place: _Place, first: int, second: int) -> bool:
    """Whether with the barrier all threads come to it, and the accesses do not meet any more."""
    barrier = Barrier(_fresh(analysis), analysis.kernel.name_span)
    after = _with(analysis, place, (barrier,))
    if barrier.site in after.uniform.divergent:
        return False
    return not _meet(after, first, second) or _is_disproved(after, first, second)


def _fresh(analysis: Analysis) -> int:
    return 1 + max((site_of(s) or 0 for s in statements(analysis.kernel.body)), default=0)


def _with(analysis: Analysis, place: _Place, more: Block) -> Analysis:
    """The kernel with further statements at a place."""

    def put(block: Block) -> Block:
        if block is not place.block:
            return block
        return (*block[: place.index], *more, *block[place.index :])

    return _changed(analysis, put)


def _changed(analysis: Analysis, change: Callable[[Block], Block]) -> Analysis:
    launch = analysis.launch
    kernel = replace(analysis.kernel, body=rebuilt(analysis.kernel.body, change))
    return analyse(kernel, (), launch.flat, compact=launch.compact)


def _meet(analysis: Analysis, first: int, second: int) -> bool:
    """Whether an interval holds accesses of both statements."""
    return any(
        {first, second} <= {access.site for access in interval.accesses}
        for interval in analysis.effects.intervals
        if interval.group is Level.BLOCK
    )


def _is_disproved(analysis: Analysis, first: int, second: int) -> bool:
    """Whether two threads touch different elements in each interval that holds both accesses.

    `tile[t] += tile[t + stride]` does, once rounds with different strides are in different ones.
    """
    refuted = partial(refutes, analysis.terms)
    return all(
        obligation.queries is not None and all(map(refuted, obligation.queries))
        for obligation in races(analysis, refuted)
        if obligation.sites <= {first, second}
    )


# ---------------------------------------------------------------- out of a branch


def moved_out(analysis: Analysis, site: int | None) -> Iterator[Fix]:
    """The barrier of a branch behind the branch, in front of it, or between its halves."""
    kernel = analysis.kernel
    arrival = next((a for a in analysis.effects.arrivals if a.stmt.site == site), None)
    if arrival is None or not isinstance(arrival.stmt, Barrier):
        return
    if arrival.stmt.group is not Group.BLOCK or len(arrival.position) < 2:
        return
    frame, outer = arrival.position[-1], arrival.position[-2]
    owner = frame.owner
    if not isinstance(owner, If) or any(isinstance(f.owner, Inline) for f in arrival.position):
        return
    written = outline(kernel)
    own = written.at(arrival.stmt.span)
    if own is None or not written.stands_alone(own) or not isinstance(own.around[-1], ast.If):
        return
    branch = next(w for w in written.statements if w.node is own.around[-1])
    edits = _moved(written, own, branch)
    if not edits:
        return
    if sum(isinstance(s, Barrier) for s in statements((owner,))) > 1:
        return
    before, behind = frame.block[: frame.index], frame.block[frame.index + 1 :]

    def move(block: Block) -> Block:
        if block is not outer.block:
            return block
        parts: list[Stmt] = []
        if frame.block is owner.then:
            parts = [replace(owner, then=before), arrival.stmt]
            parts += [replace(owner, then=behind, otherwise=())] if behind else []
        elif not behind:
            parts = [replace(owner, otherwise=before), arrival.stmt]
        else:
            parts = [arrival.stmt, replace(owner, otherwise=behind)]
        return (*block[: outer.index], *parts, *block[outer.index + 1 :])

    after = _changed(analysis, move)
    if site not in after.uniform.divergent:
        yield Fix(f"move `{SYNC}` out of the branch", edits)


def _moved(written: Outline, own: Written, branch: Written) -> tuple[Edit, ...]:
    """How the source moves it; nothing where that would need more than lines."""
    node = branch.node
    assert isinstance(node, ast.If)
    starts = written.source.line(branch.span.line)[branch.span.column - 1 :]
    if (
        not starts.startswith("if")
        or not written.source.line(branch.span.line)[: branch.span.column - 1].isspace()
    ):
        return ()
    if len(own.body) == 1 and not node.orelse:
        return (Edit(branch.span, SYNC),)
    if own.index == len(own.body) - 1:
        return written.gone(own), written.below(branch, SYNC)
    if own.index == 0:
        return written.above(branch, SYNC), written.gone(own)
    if node.orelse or not _lasts(node.test, own) or "\n" in written.text(node.test):
        return ()
    outer = written.indent(branch)
    span = Span(own.span.path, own.span.line, 1, own.span.end_line, own.span.end_column)
    return (Edit(span, f"{outer}{SYNC}\n{outer}if {written.text(node.test)}:"),)


def _lasts(test: ast.expr, own: Written) -> bool:
    """Whether a condition is surely what it was, behind the statements in front of the barrier."""
    for part in ast.walk(test):
        if isinstance(part, (ast.Subscript, ast.NamedExpr, ast.Await)):
            return False
        if isinstance(part, ast.Call):
            called = part.func
            if not (isinstance(called, ast.Name) and called.id in _STEADY):
                return False
    names = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)}
    changed = {
        part.id
        for stmt in own.body[: own.index]
        for part in ast.walk(stmt)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    return not names & changed


# ---------------------------------------------------------------- copies


def wait_for(analysis: Analysis, access: Access, copy: Access, *, by_others: bool) -> Iterator[Fix]:
    """`async_wait(0)` in front of an access that comes before its copy is done.

    What no commit has put into a group is not waited for, and what one thread has waited for the
    others see behind the next barrier.
    """
    written = outline(analysis.kernel)
    if any(isinstance(f.owner, Inline) for f in access.position):
        return
    # An access of a copy lies inside of it.
    frame = next((f for f in access.position if isinstance(f.block[f.index], AsyncCopy)), None)
    frame = frame or access.position[-1]
    target = written.at(frame.block[frame.index].span)
    if target is None or not written.stands_alone(target):
        return
    place = _Place(frame.block, _start(written, frame.block, frame.index))
    site, span = _fresh(analysis), analysis.kernel.name_span
    wait: tuple[Stmt, ...] = (AsyncWait(0, site, span),)
    barrier: tuple[Stmt, ...] = (Barrier(site + 2, span),) if by_others else ()
    for words, more in (
        (("async_wait(0)",), (*wait, *barrier)),
        (("async_commit()", "async_wait(0)"), (AsyncCommit(site + 1, span), *wait, *barrier)),
    ):
        after = _with(analysis, place, more)
        early = any({s.site, a.site} == {copy.site, access.site} for s, a in after.effects.touches)
        apart = not by_others or (
            site + 2 not in after.uniform.divergent and not _meet(after, copy.site, access.site)
        )
        if apart and not early:
            lines = (*words, SYNC) if by_others else words
            edit = written.above(target, f"\n{written.indent(target)}".join(lines))
            said = " and ".join(f"`{line}`" for line in lines)
            yield Fix(f"insert {said} above `{written.head(target)}`", (edit,))
            return


# ---------------------------------------------------------------- the IR


def rebuilt(block: Block, change: Callable[[Block], Block]) -> Block:
    """The block with `change` applied to it and to all blocks inside."""
    changed = change(block)
    return tuple(_with_blocks(stmt, change) for stmt in changed)


def _with_blocks(stmt: Stmt, change: Callable[[Block], Block]) -> Stmt:
    if not blocks(stmt):
        return stmt
    match stmt:
        case If(then=then, otherwise=otherwise):
            new = rebuilt(then, change), rebuilt(otherwise, change)
            return (
                stmt if new == (then, otherwise) else replace(stmt, then=new[0], otherwise=new[1])
            )
        case While(header=header, body=body):
            both = rebuilt(header, change), rebuilt(body, change)
            return stmt if both == (header, body) else replace(stmt, header=both[0], body=both[1])
        case For(body=body) | Inline(body=body) | Unsafe(body=body):
            inner = rebuilt(body, change)
            return stmt if inner == body else replace(stmt, body=inner)
        case _:
            return stmt
