"""Tickets: what a counter that many threads raise by one tells each of them.

Last. Of a counter C that starts at 0 (`within(C, 0, 1)`), that each block raises by 1 at most
once, by one statement A, and that nothing else changes before the last has come: who has drawn
N - 1, for N blocks of the grid, or has seen N, knows that every block has drawn. A counter that
goes round (`inc`) shows no more than has been drawn, wherever it turns. A ticket is part of one
chain of read-modify-writes, so what each block did before its own, released, has happened before,
acquired. What a block did is what the thread that drew has done, or what the others did before a
barrier in front of it.

    partial[block.x] = s;  fence();  t = atomic.add(count, 0, 1)
    if t == grid_dim.x - 1:  fence();  … partial[b] …

Different. Two results of one such A are different numbers, as long as so many threads as the
launch has cannot bring it round. That tells apart two blocks that both believe to be last, and
the elements that tickets index:

    out[atomic.add(count, 0, 1)] = x
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from oxide_analyzer.facts.checks import goes_on
from oxide_analyzer.facts.conditions import (
    Condition,
    any_of,
    at_least_zero,
    equal,
    is_zero,
    negate,
)
from oxide_analyzer.facts.polys import Atom, Level, Poly, Variable, constant
from oxide_analyzer.ir.nodes import (
    Atomic,
    AtomicOp,
    Const,
    For,
    Ownership,
    Register,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.exits import may_follow
from oxide_analyzer.proof.links import Missing, Published, apart, releases, same, start_of
from oxide_analyzer.proof.looks import WIDE, Look, Places, decided, looks
from oxide_analyzer.proof.sequence import dominates, precedes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.subjects import Query

_MOST_TICKETS = 12
_DRAWS = (AtomicOp.ADD, AtomicOp.INC)


def by_tickets(places: Places, write: Access, look: Look) -> Published | None:
    """`look` says that every block has drawn a ticket, and each did so behind its `write`."""
    analysis = places.analysis
    terms = analysis.terms
    draw = _only_draw(analysis, look.observation.atomic.array)
    if draw is None or draw.atomic is None or not _once_a_block(analysis, draw):
        return None
    if not _all_have_drawn(places, draw, look):
        return None
    if not _only_last_change(places, draw):
        return None
    missing: list[Missing] = []
    if not look.acquires(across=True):
        missing.append(Missing(draw.array, False, look.observation.atomic, True))
    # The thread that draws for the block of the writer is the writer, or has met it.
    if may_follow(draw.position, write.position):
        return None
    meet = (
        *(terms.rename_condition(c, "$1", Level.LAUNCH) for c in write.path),
        *(terms.rename_condition(c, "$3", Level.LAUNCH) for c in draw.path),
        *same(analysis, Register.BLOCK, "$1", "$3"),
    )
    if refutes(terms, (*meet, any_of(apart(analysis, (Register.THREAD,), "$1", "$3")))):
        if not precedes(write.position, draw.position):
            return None
        if not releases(places, write.position, draw, across=True, once=False):
            missing.append(Missing(draw.array, True, draw.atomic, True))
        return Published(look.leans | {draw.array}, tuple(missing))
    for barrier in places.barriers if places.stay else ():
        if not dominates(barrier, draw.position) or may_follow(barrier, write.position):
            continue
        if precedes(write.position, barrier):
            if not releases(places, barrier, draw, across=True, once=False):
                missing.append(Missing(draw.array, True, draw.atomic, True))
            return Published(look.leans | {draw.array}, tuple(missing))
    return None


def _only_draw(analysis: Analysis, counter: str) -> Access | None:
    """The one statement that raises a counter by 1, if it starts at 0 and there is one."""
    if start_of(analysis, counter) != (0, 0):
        return None
    draws = [
        a
        for a in analysis.effects.whole
        if a.array == counter and a.atomic is not None and a.atomic.op in _DRAWS
    ]
    if len(draws) != 1:
        return None
    (draw,) = draws
    # Who counts round shows no number that it has not come to by ones.
    one = draw.atomic is not None and draw.atomic.op is AtomicOp.INC
    one = one or (isinstance(draw.value, Poly) and draw.value.value == 1)
    alike = all(p.level is Level.LAUNCH for p in draw.index)
    looped = any(isinstance(f.owner, (For, While)) for f in draw.position)
    wide = draw.atomic is not None and draw.atomic.scope in WIDE
    return draw if one and alike and wide and not looped else None


def _once_a_block(analysis: Analysis, draw: Access) -> bool:
    """Whether two threads of a block cannot both draw."""
    terms = analysis.terms
    return refutes(
        terms,
        (
            *(terms.rename_condition(c, "$1", Level.LAUNCH) for c in draw.path),
            *(terms.rename_condition(c, "$2", Level.LAUNCH) for c in draw.path),
            *same(analysis, Register.BLOCK, "$1", "$2"),
            any_of(apart(analysis, (Register.THREAD,), "$1", "$2")),
        ),
    )


def _all_have_drawn(places: Places, draw: Access, look: Look) -> bool:
    """Whether what was seen says that every block has drawn."""
    analysis = places.analysis
    atomic = look.observation.atomic
    if look.index != draw.index:
        return False
    blocks = constant(1)
    for axis in range(3):
        extent = analysis.launch.register(Register.GRID_DIM, axis)
        blocks = analysis.terms.multiply(blocks, extent)
    if atomic is draw.atomic:
        fewer = blocks.shift(-2) - look.value
    elif atomic.op is AtomicOp.LOAD and not _resets(analysis, draw):
        fewer = blocks.shift(-1) - look.value
    else:
        return False
    return refutes(analysis.terms, (*look.known, at_least_zero(fewer)))


def _resets(analysis: Analysis, draw: Access) -> list[Access]:
    """What else changes the counter."""
    return [
        a for a in analysis.effects.whole if a.array == draw.array and a is not draw and a.changes
    ]


def _only_last_change(places: Places, draw: Access) -> bool:
    """Whether what else changes the counter does so behind the last ticket."""
    for reset in _resets(places.analysis, draw):
        if not any(
            look.observation.atomic is draw.atomic and _all_have_drawn(places, draw, look)
            for look in looks(places, reset)
        ):
            return False
    return True


def exclusive(places: Places, one: Access, other: Access) -> Published | None:
    """Two blocks that both hold the last ticket are one."""
    terms = places.analysis.terms
    for first in looks(places, one):
        draw = _only_draw(places.analysis, first.observation.atomic.array)
        if draw is None or first.observation.atomic is not draw.atomic:
            continue
        if not _once_a_block(places.analysis, draw) or not _only_last_change(places, draw):
            continue
        for second in looks(places, other):
            if second.observation.atomic is not draw.atomic:
                continue
            if first.index != draw.index or second.index != draw.index:
                continue
            both = (
                *(terms.rename_condition(c, "$1", Level.LAUNCH) for c in first.known),
                *(terms.rename_condition(c, "$2", Level.LAUNCH) for c in second.known),
                negate(
                    is_zero(
                        terms.rename(first.value, "$1", Level.LAUNCH)
                        - terms.rename(second.value, "$2", Level.LAUNCH)
                    )
                ),
            )
            if refutes(terms, both) and _all_have_drawn(places, draw, first):
                return Published(first.leans | second.leans | {draw.array})
    return None


def tickets_differ(analysis: Analysis, query: Query) -> Iterator[Condition]:
    """That one counter does not give two threads of a query the same ticket.

    Its one statement raises it by 1, nothing else changes it, and there are fewer threads than
    numbers, or it has 64 bits (nobody counts so far).
    """
    observed = analysis.evaluator.observed
    # Who goes on behind an atomic that is out of bounds has no ticket.
    if not observed or goes_on(analysis.kernel):
        return
    terms = analysis.terms
    by_site: dict[int, list[tuple[Atom, Atom]]] = {}
    for atom in decided(query):
        origin = atom
        while origin in terms.originals:
            origin = terms.originals[origin]
        found = observed.get(origin)
        if origin is not atom and found is not None and _is_ticket(analysis, found.atomic):
            by_site.setdefault(found.atomic.site, []).append((atom, origin))
    for tickets in by_site.values():
        for (one, first), (two, second) in combinations(tickets[:_MOST_TICKETS], 2):
            if _thread_of(one) == _thread_of(two):
                continue
            here, there = observed[first].index, observed[second].index
            level = max((p.level for p in (*here, *there)), default=Level.LAUNCH)
            if level is Level.LAUNCH and here == there:
                yield negate(equal(Poly({(one,): 1}), Poly({(two,): 1})))


def _thread_of(atom: Atom) -> str:
    """Whose copy an atom is, as its name says."""
    name = atom.form.name if isinstance(atom.form, Variable) else ""
    return name[name.rfind("$") :].partition("@")[0] if "$" in name else ""


def _is_ticket(analysis: Analysis, atomic: Atomic) -> bool:
    """Whether an atomic gives each thread another number."""
    kernel = analysis.kernel
    array = kernel.arrays[atomic.array]
    if array.ownership is not Ownership.ATOMIC or atomic.op is not AtomicOp.ADD:
        return False
    value = atomic.value
    if not (isinstance(value, Const) and value.value == 1) or atomic.scope not in WIDE:
        return False
    for stmt in statements(kernel.body):
        if not isinstance(stmt, Atomic) or stmt.array != atomic.array or stmt is atomic:
            continue
        if stmt.op is not AtomicOp.LOAD:
            return False
    if array.element.bits == 64:
        return True
    looped = any(
        any(s is atomic for s in statements((loop,)))
        for loop in statements(kernel.body)
        if isinstance(loop, (For, While))
    )
    threads = constant(1)
    for axis in range(3):
        for register in (Register.BLOCK_DIM, Register.GRID_DIM):
            extent = analysis.launch.register(register, axis)
            threads = analysis.terms.multiply(threads, extent)
    more = at_least_zero(threads.shift(-(1 << array.element.bits) - 1))
    return not looped and refutes(analysis.terms, (more,))
