"""Data that one thread hands to another through an atomic: why the two do not race.

Thread T1 writes an element of plain memory at a statement W, thread T2 touches it at R. Both are
ordered if T2 has *looked* at an atomic (`looks`) whose result can only come from an atomic that
T1, or a thread that T1 met before, made after W:

    W  →  release, or fence and atomic  →(is read by)→  acquire, or atomic and fence  →  R

Flags. Of an array F that only atomics change and that starts with known numbers
(`within(F, 0, 1)` in the contract), T2 has looked at F[g] and found v. Each statement S that may
have written F[g] is ruled out by v (as are the numbers at the start), or

* it stores: nothing that changes an element depends on what it was, so v is of one store;
* whatever thread makes it for F[g] is T1, where W of T1 and R of T2 touch one element; so there
  are not two producers of one flag. Or both are of one block and a barrier lies between;
* W comes before S in T1: nowhere round a loop behind it, or both in one iteration;
* S releases, or a fence stands between W and S; T2's atomic acquires, or a fence stands behind.

Tickets. Of a counter C that starts at 0 (`within(C, 0, 1)`), that each block raises by 1 at most
once, by one statement A, and that nothing else changes before the last has come: who has drawn
N - 1, for N blocks of the grid, or has seen N, knows that every block has drawn. A ticket is
part of one chain of read-modify-writes, so what each block did before its own, released, has
happened before, acquired.

    partial[block.x] = s;  fence();  t = atomic.add(count, 0, 1)
    if t == grid_dim.x - 1:  fence();  … partial[b] …

Tickets differ. Two results of one such A are different numbers, as long as so many threads as
the launch has cannot bring it round: that tells apart two blocks that both believe to be last,
and the elements that tickets index (`tickets_differ`).

Scopes: between blocks every link is of device or system scope. Memory order is proved for all
executions at once: nothing here speaks of one interleaving. What is not of these forms is not
ordered: two rounds with one flag, a flag that is written before the data, a value of the start
that passes the test, a ticket compared with another number.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import (
    Condition,
    any_of,
    at_least_zero,
    condition_polys,
    equal,
    is_zero,
    negate,
)
from oxide_analyzer.facts.polys import Atom, Level, Poly, Variable, constant
from oxide_analyzer.facts.walk import goes_on
from oxide_analyzer.ir.kernel import DataProperty
from oxide_analyzer.ir.nodes import (
    Atomic,
    AtomicOp,
    Const,
    For,
    Order,
    Ownership,
    Register,
    Space,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.exits import may_follow
from oxide_analyzer.proof.looks import WIDE, Look, Places, decided, looks
from oxide_analyzer.proof.sequence import dominates, loops_round, precedes
from oxide_analyzer.proof.subjects import Kind, Obligation, Pair
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.subjects import Query

_RELEASES = (Order.RELEASE, Order.ACQ_REL)
_PLAIN = (AtomicOp.STORE, AtomicOp.EXCHANGE)
_MOST_TICKETS = 12


@record
class Missing:
    """A link that is not there: the atomic `array` neither releases nor acquires.

    The two threads may be of different blocks if it is `across`.
    """

    array: str
    releases: bool
    atomic: Atomic
    across: bool


@record
class Published:
    """Two accesses are ordered if nothing is `missing` and the arrays of `leans` are proved."""

    leans: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()


def published(analysis: Analysis, obligation: Obligation) -> Published | None:
    """How atomics order the two statements of a race, if they do, or would but for a fence."""
    if not isinstance(obligation.subject, Pair) or not analysis.evaluator.observed:
        return None
    if obligation.kind not in (Kind.RACE, Kind.BLOCK_RACE):
        return None
    across = obligation.kind is Kind.BLOCK_RACE
    first, second = obligation.subject.first, obligation.subject.second
    if first.atomic is not None or second.atomic is not None:
        return None
    whole = analysis.effects.whole
    ones = [a for a in whole if a.site == first.site]
    others = [a for a in whole if a.site == second.site]
    places = Places(analysis)
    found = Published()
    for one in ones:
        for other in others:
            order = (
                _ordered(places, one, other, across)
                or _ordered(places, other, one, across)
                or (_exclusive(places, one, other) if across else None)
            )
            if order is None:
                return None
            found = Published(found.leans | order.leans, (*found.missing, *order.missing))
    return found


def _ordered(places: Places, write: Access, other: Access, across: bool) -> Published | None:
    """`write` of one thread has happened before `other` of another."""
    if write.kind is not AccessKind.WRITE:
        return None
    best: Published | None = None
    for look in looks(places, other):
        for theorem in (_by_flag, _by_tickets):
            found = theorem(places, write, other, look, across)
            if found is not None and not found.missing:
                return found
            best = best or found
    return best


# ---------------------------------------------------------------- flags


def _by_flag(
    places: Places, write: Access, other: Access, look: Look, across: bool
) -> Published | None:
    analysis = places.analysis
    terms = analysis.terms
    flag = look.observation.atomic.array
    array = analysis.kernel.arrays[flag]
    if look.observation.atomic.op is not AtomicOp.LOAD or not _is_integer(analysis, flag):
        return None
    shared = array.space is Space.SHARED
    if shared and across:
        return None
    if not shared:
        start = _start(analysis, flag)
        if start is None:
            return None
        low, high = start
        still = (at_least_zero(look.value.shift(-low)), at_least_zero((-look.value).shift(high)))
        if not refutes(terms, (*look.known, *still)):
            return None
    missing: list[Missing] = []
    if not look.acquires(across):
        missing.append(Missing(flag, False, look.observation.atomic, across))

    def two(condition: Condition) -> Condition:
        return terms.rename_condition(condition, "$2", Level.LAUNCH)

    def three(poly: Poly) -> Poly:
        return terms.rename(poly, "$3", Level.LAUNCH)

    known = tuple(two(c) for c in look.known)
    value = terms.rename(look.value, "$2", Level.LAUNCH)
    for store in analysis.effects.whole:
        if store.array != flag or not store.changes:
            continue
        at = zip(store.index, look.index, strict=True)
        seen = [equal(three(i), terms.rename(j, "$2", Level.LAUNCH)) for i, j in at]
        plain = store.atomic is None or store.atomic.op in _PLAIN
        if plain and isinstance(store.value, Poly):
            seen.append(equal(value, three(store.value)))
        way = [terms.rename_condition(c, "$3", Level.LAUNCH) for c in store.path]
        if shared:
            seen.extend(_same(analysis, Register.BLOCK, "$2", "$3"))
        given = (*known, *way, *seen)
        if refutes(terms, given):
            continue
        if store.atomic is None or store.atomic.op not in _PLAIN:
            return None
        link = _made_before(places, write, other, store, given, across)
        if link is None:
            return None
        missing.extend(link)
    return Published(look.leans | {flag}, tuple(missing))


def _made_before(
    places: Places,
    write: Access,
    other: Access,
    store: Access,
    given: Query,
    across: bool,
) -> tuple[Missing, ...] | None:
    """What is missing if `store` is of the writer, or of one that it met, behind `write`."""
    analysis = places.analysis
    terms = analysis.terms
    assert store.atomic is not None
    touch = zip(write.index, other.index, strict=True)
    meet = (
        *given,
        *(terms.rename_condition(c, "$1", Level.LAUNCH) for c in write.path),
        *(
            equal(terms.rename(i, "$1", Level.LAUNCH), terms.rename(j, "$2", Level.LAUNCH))
            for i, j in touch
        ),
    )
    if across:
        meet = (*meet, any_of(_apart(analysis, (Register.BLOCK,), "$1", "$2")))
    else:
        meet = (*meet, *_same(analysis, Register.BLOCK, "$1", "$2"))
    rounds = _same_round(analysis, write, store)
    if rounds is not None:
        apart = _apart(analysis, (Register.BLOCK, Register.THREAD), "$1", "$3")
        apart.extend(
            negate(
                is_zero(terms.rename(k, "$1", Level.LAUNCH) - terms.rename(k, "$3", Level.LAUNCH))
            )
            for k in rounds
        )
        if refutes(terms, (*meet, any_of(apart))):
            once = bool(rounds)
            fenced = _releases(places, write.position, store, across, once)
            return () if fenced else (Missing(store.array, True, store.atomic, across),)
    for barrier in places.barriers if places.stay else ():
        if not dominates(barrier, store.position) or may_follow(barrier, write.position):
            continue
        if not precedes(write.position, barrier):
            continue
        apart = _apart(analysis, (Register.BLOCK,), "$1", "$3")
        if refutes(terms, (*meet, any_of(apart))):
            fenced = _releases(places, barrier, store, across, False)
            return () if fenced else (Missing(store.array, True, store.atomic, across),)
    return None


def _same_round(analysis: Analysis, write: Access, store: Access) -> tuple[Poly, ...] | None:
    """Counters that must agree for the write to come before the store; None if it may not."""
    if not may_follow(store.position, write.position):
        return () if may_follow(write.position, store.position) else None
    if not precedes(write.position, store.position):
        return None
    counts: list[Poly] = []
    iterations = analysis.evaluator.iterations
    mentioned = [_mentions(analysis, a) for a in (write, store)]
    for loop in loops_round(write.position, store.position):
        shared = [a for a in mentioned[0] if a in mentioned[1] and iterations.get(a) is loop]
        if not isinstance(loop, For) or not shared:
            return None
        counts.extend(Poly({(a,): 1}) for a in shared)
    return tuple(counts)


def _mentions(analysis: Analysis, access: Access) -> dict[Atom, None]:
    polys = (*access.index, *(p for c in access.path for p in condition_polys(c)))
    return analysis.terms.reachable(polys)


def _releases(places: Places, before: Position, store: Access, across: bool, once: bool) -> bool:
    """Whether what lies before, at `before`, is released by the atomic `store`.

    With `once` both are in one round of the loops round them.
    """
    atomic = store.atomic
    if atomic is None or (across and atomic.scope not in WIDE):
        return False
    if atomic.order in _RELEASES:
        return True
    return any(
        (not across or fence.scope in WIDE)
        and dominates(position, store.position)
        and precedes(before, position)
        and (once or not may_follow(position, before))
        for fence, position in places.fences
    )


# ---------------------------------------------------------------- tickets


def _by_tickets(
    places: Places, write: Access, other: Access, look: Look, across: bool
) -> Published | None:
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
    del other
    # The thread that draws for the block of the writer is the writer, or has met it.
    if may_follow(draw.position, write.position):
        return None
    meet = (
        *(terms.rename_condition(c, "$1", Level.LAUNCH) for c in write.path),
        *(terms.rename_condition(c, "$3", Level.LAUNCH) for c in draw.path),
        *_same(analysis, Register.BLOCK, "$1", "$3"),
    )
    if refutes(terms, (*meet, any_of(_apart(analysis, (Register.THREAD,), "$1", "$3")))):
        if not precedes(write.position, draw.position):
            return None
        if not _releases(places, write.position, draw, across=True, once=False):
            missing.append(Missing(draw.array, True, draw.atomic, True))
        return Published(look.leans | {draw.array}, tuple(missing))
    for barrier in places.barriers if places.stay else ():
        if not dominates(barrier, draw.position) or may_follow(barrier, write.position):
            continue
        if precedes(write.position, barrier):
            if not _releases(places, barrier, draw, across=True, once=False):
                missing.append(Missing(draw.array, True, draw.atomic, True))
            return Published(look.leans | {draw.array}, tuple(missing))
    return None


def _only_draw(analysis: Analysis, counter: str) -> Access | None:
    """The one statement that raises a counter by 1, if it starts at 0 and there is one."""
    if _start(analysis, counter) != (0, 0):
        return None
    draws = [
        a
        for a in analysis.effects.whole
        if a.array == counter and a.atomic is not None and a.atomic.op is AtomicOp.ADD
    ]
    if len(draws) != 1:
        return None
    (draw,) = draws
    one = isinstance(draw.value, Poly) and draw.value.value == 1
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
            *_same(analysis, Register.BLOCK, "$1", "$2"),
            any_of(_apart(analysis, (Register.THREAD,), "$1", "$2")),
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


def _exclusive(places: Places, one: Access, other: Access) -> Published | None:
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


# ---------------------------------------------------------------- parts


def _is_integer(analysis: Analysis, array: str) -> bool:
    return analysis.kernel.arrays[array].element.is_integer


def _start(analysis: Analysis, array: str) -> tuple[int, int] | None:
    """The least and the most that the elements of an array are when the launch starts."""
    found: tuple[int, int] | None = None
    for fact in analysis.kernel.contract.data:
        if fact.array != array or fact.property is not DataProperty.WITHIN:
            continue
        if isinstance(fact.low, Const) and isinstance(fact.high, Const):
            found = (int(fact.low.value), int(fact.high.value) - 1)
    return found


def _same(analysis: Analysis, register: Register, one: str, two: str) -> list[Condition]:
    terms = analysis.terms
    found: list[Condition] = []
    for axis in range(3):
        place = analysis.launch.register(register, axis)
        found.append(
            equal(terms.rename(place, one, Level.LAUNCH), terms.rename(place, two, Level.LAUNCH))
        )
    return found


def _apart(
    analysis: Analysis, registers: tuple[Register, ...], one: str, two: str
) -> list[Condition]:
    return [negate(c) for r in registers for c in _same(analysis, r, one, two)]
