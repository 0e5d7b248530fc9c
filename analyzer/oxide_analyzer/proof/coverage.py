"""Was an element written before it is read? Finding the thread that did it.

An element of shared memory is initialised for a read if some thread of the block has written it
and a barrier lies between, or one of the warp and a `sync_warp`, or if the reading thread itself
has. So the prover must name a writer (`writers`), and show that this thread makes the store.
Several stores may cover an element together (a tile and its halo): it is uninitialised only where
none of the writers exists.

A writer may have chosen any iteration of the loops round the store alone, if each of them is run;
so stores in loops that can be left early and in `while` loops are not used, nor those into a
local array that such an iteration declares anew.

A loop round both gives another order: the store of an earlier iteration.

    power[0] = 1.0
    for k in range(1, 4):
        power[k] = power[k - 1] * x     read element k - 1:  k' = k - 1 >= 1, or the first store

Where the index is made of values that a loop carries otherwise, an earlier iteration is none that
could be chosen; but the one before can be run (`facts.rounds`), and either there was none, or its
stores have written the element.

    tile[0, t] = …;  side = 0
    while offset < n:
        tile[1 - side, t] = … tile[side, t] …     side == 0 in the first round; else the round
        side = 1 - side                           before wrote tile[1 - side'', t], where
                                                  1 - side'' is side
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer import deadline
from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import Condition, all_of, any_of, negate
from oxide_analyzer.ir.nodes import (
    Break,
    Declare,
    For,
    Leave,
    Return,
    Space,
    Stmt,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.iterations import is_left_for_good
from oxide_analyzer.proof.passed import ordered, rest_of_branches
from oxide_analyzer.proof.writers import written
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Level
    from oxide_analyzer.facts.rounds import Repetition
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.uniformity import Loop

_MOST_WRITERS = 8
# So many are asked about by themselves.
_LIKELIEST = 2
# The stores that are looked at for a writer: with more, the farther ones seldom are.
_MOST_TRIED = 3 * _MOST_WRITERS


def uncovered(analysis: Analysis, read: Access) -> tuple[Condition, ...]:
    """Conditions that all hold if no known writer wrote what `read` reads.

    Mostly the likeliest writer wrote it: then no other is looked for, and nothing is to be shown
    of theirs.
    """
    found: list[Condition] = []
    # The likeliest writer of each store first: there may be one store for each edge of a tile.
    left = [_covers(analysis, write, read) for write in _writes(analysis, read)]
    while left:
        before, left = left, []
        for ways in before:
            covered = next(ways, None)
            if covered is None:
                continue
            left.append(ways)
            found.append(negate(covered))
            if len(found) >= _MOST_WRITERS:
                return tuple(found)
            if len(found) <= _LIKELIEST and refutes(analysis.terms, (*read.path, *found)):
                return tuple(found)
    loops = list(_handing_on(analysis, read))
    if loops and not refutes(analysis.terms, (*read.path, *found)):
        found.extend(_not_handed_on(analysis, read, *loop) for loop in loops)
    return tuple(found) or (all_of(()),)


def _writes(analysis: Analysis, read: Access) -> list[Access]:
    """The stores into the array of a read; of many, those with the nearest offsets first."""
    found = _all_writes(analysis, read)
    if len(found) > _MOST_WRITERS:
        found.sort(
            key=lambda a: sum(
                abs(i.offset - j.offset) for i, j in zip(a.index, read.index, strict=True)
            )
        )
    return found[:_MOST_TRIED]


def _all_writes(analysis: Analysis, read: Access) -> list[Access]:
    """The stores into the array of a read."""
    whole = analysis.effects.whole
    return [a for a in whole if a.array == read.array and a.kind is AccessKind.WRITE]


def _handing_on(analysis: Analysis, read: Access) -> Iterator[tuple[Repetition, State]]:
    """The loops whose carried values the index of `read` is made of, in one of their rounds."""
    reached = analysis.terms.reachable(read.index)
    writes = _all_writes(analysis, read)
    for repetition in analysis.repetitions.values():
        loop = repetition.loop
        depths = [
            (write, depth)
            for write in writes
            for depth, frame in enumerate(write.position)
            if frame.owner is loop
        ]
        if not depths:
            continue
        for head in (repetition.inside, repetition.behind):
            if head is None:
                continue
            ended = head is repetition.behind and not _can_be_left(loop)
            write, depth = depths[0]
            if any(a in reached for a in repetition.carried(head)) or (
                ended and _is_behind(write.position[:depth], read.position)
            ):
                yield repetition, head


def _is_behind(place: Position, read: Position) -> bool:
    """Whether `read` comes after the statement at `place` in the same block."""
    last = len(place) - 1
    return (
        0 <= last < len(read)
        and read[last].block is place[last].block
        and read[last].index > place[last].index
    )


def _not_handed_on(
    analysis: Analysis, read: Access, repetition: Repetition, head: State
) -> Condition:
    """That the round before did not write the element, or that there was none."""
    shared = analysis.kernel.arrays[read.array].space is Space.SHARED
    before = repetition.run(head)
    missed: list[Condition] = [repetition.follows(head, before)]
    for write in before.accesses:
        if write.array != read.array or write.kind is not AccessKind.WRITE:
            continue
        depth = next((d for d, f in enumerate(write.position) if f.owner is repetition.loop), None)
        if depth is None or _declares(repetition.loop, read.array):
            continue
        own_loops = _whole_loops(write, depth)
        if own_loops is None:
            continue
        group = _ordered_until(analysis, write, depth, read, repetition.loop)
        for among in _writers(group if shared and repetition.together else None):
            ways = written(analysis, write, read, own_loops=own_loops, again=None, among=among)
            missed.extend(negate(covered) for covered in ways)
    return any_of((repetition.is_first(head), all_of(missed)))


def _ordered_until(
    analysis: Analysis, write: Access, depth: int, read: Access, loop: Loop
) -> Level | None:
    """Whose threads are ordered between a store in one round of `loop` and a read in the next.

    Or behind the loop: then the statements from its end to the read count too.
    """
    inside = write.position[depth]
    after = [*rest_of_branches(write.position[depth + 1 :]), *inside.block[inside.index + 1 :]]
    before: list[Stmt] = []
    reader = next((d for d, f in enumerate(read.position) if f.owner is loop), None)
    if reader is None:
        reader = depth - 1
        frame = write.position[reader]
        if reader >= len(read.position) or read.position[reader].block is not frame.block:
            return ordered(analysis, after, (), read)
        before.extend(frame.block[frame.index + 1 : read.position[reader].index])
    else:
        frame = read.position[reader]
        before.extend(frame.block[: frame.index])
    for deeper in read.position[reader + 1 :]:
        before.extend(deeper.block[: deeper.index])
    return ordered(analysis, after, before, read)


@record
class _Order:
    """How a store can come before a read.

    `own_loops` are loops whose iterations the store can choose from: those round it alone, all
    over when the read runs, and, if `again` is set, that loop round both, of which the store may
    be in any earlier iteration. `among` is the group whose threads something orders that lies
    between in any case: the block at a barrier, the warp at a `sync_warp`.
    """

    own_loops: frozenset[Loop]
    again: Loop | None
    among: Level | None


def _covers(analysis: Analysis, write: Access, read: Access) -> Iterator[Condition]:
    """Conditions under which `write`, by some thread, has written the element of `read`."""
    deadline.check()
    shared = analysis.kernel.arrays[read.array].space is Space.SHARED
    for order in _orders(analysis, write, read):
        if any(_declares(loop, read.array) for loop in order.own_loops):
            continue
        for among in _writers(order.among if shared else None):
            yield from written(
                analysis,
                write,
                read,
                own_loops=order.own_loops,
                again=order.again,
                among=among,
            )


def _orders(analysis: Analysis, write: Access, read: Access) -> Iterator[_Order]:
    """The ways in which the store is certainly before the read."""
    common: Loop | None = None
    for depth, (left, right) in enumerate(zip(write.position, read.position, strict=False)):
        if left.block is not right.block:
            return
        if isinstance(left.owner, (For, While)):
            common = left.owner
        if left.index == right.index:
            continue
        inner = _whole_loops(write, depth)
        if inner is None:
            return
        after = tuple(rest_of_branches(write.position[depth + 1 :]))
        before = tuple(s for f in read.position[depth + 1 :] for s in f.block[: f.index])
        if left.index < right.index:
            between = (*left.block[left.index + 1 : right.index], *before)
            yield _Order(inner, None, ordered(analysis, after, between, read))
        if common is not None and left.owner is common and not is_left_for_good(common):
            after = (*after, *left.block[left.index + 1 :])
            before = (*right.block[: right.index], *before)
            yield _Order(inner | {common}, common, ordered(analysis, after, before, read))
        return


def _writers(among: Level | None) -> tuple[Level | None, ...]:
    """Who may have written: a thread of the group that is ordered, or the reader itself."""
    return (among, None) if among is not None else (None,)


def _can_be_left(loop: Loop) -> bool:
    return any(isinstance(s, (Break, Leave, Return)) for s in statements(loop.body))


def _declares(loop: Loop, array: str) -> bool:
    return any(isinstance(s, Declare) and s.array == array for s in statements(loop.body))


def _whole_loops(write: Access, depth: int) -> frozenset[Loop] | None:
    """The loops round the store below `depth`, if nobody returns from within one."""
    owners = [f.owner for f in write.position[depth + 1 :]]
    loops = frozenset(o for o in owners if isinstance(o, (For, While)))
    return None if any(map(is_left_for_good, loops)) else loops
