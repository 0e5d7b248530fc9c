"""Data that one thread hands to another through an atomic: why the two do not race.

Thread T1 writes an element of plain memory at a statement W, thread T2 touches it at R. Both are
ordered if T2 has *looked* at an atomic (`looks`) whose result can only come from an atomic that
T1, or a thread that T1 met before, made after W:

    W  →  release, or fence and atomic  →(is read by)→  acquire, or atomic and fence  →  R

Flags. Of an array F that only atomics change and that starts with known numbers
(`within(F, 0, 1)` in the contract), T2 has looked at F[g] and found v. Each statement S that may
have written F[g] is ruled out by v (as are the numbers at the start), or

* it is atomic. What v was read from is one of these statements; of one that stores, v is its value,
  of one that adds or the like nothing is known of v, and it counts wherever it may be made;
* whatever thread makes it for F[g] is T1, where W of T1 and R of T2 touch one element; so there
  are not two producers of one flag. Or both are of one block and a barrier lies between;
* W comes before S in T1: nowhere round a loop behind it, or both in one iteration;
* S releases, or a fence stands between W and S; T2's atomic acquires, or a fence stands behind.

Tickets (`tickets`). Who has drawn the last of the tickets that every block draws once knows that
all have done what they did before.

Locks (`locks`). Both lie in critical sections of one lock.

Scopes: between blocks every link is of device or system scope. Memory order is proved for all
executions at once: nothing here speaks of one interleaving. What is not of these forms is not
ordered: two rounds with one flag, a flag that is written before the data, a value of the start
that passes the test, a ticket compared with another number.
"""

from __future__ import annotations

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
from oxide_analyzer.facts.polys import Atom, Level, Poly
from oxide_analyzer.ir.nodes import (
    AtomicOp,
    For,
    Register,
    Space,
)
from oxide_analyzer.proof.affine import PATIENT, refutes
from oxide_analyzer.proof.exits import may_follow
from oxide_analyzer.proof.links import Missing, Published, apart, releases, same, start_of
from oxide_analyzer.proof.locks import locked
from oxide_analyzer.proof.looks import Look, Places, looks
from oxide_analyzer.proof.sequence import dominates, loops_round, precedes
from oxide_analyzer.proof.subjects import Kind, Obligation, Pair
from oxide_analyzer.proof.tickets import by_tickets, exclusive

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.subjects import Query
_PLAIN = (AtomicOp.STORE, AtomicOp.EXCHANGE)


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
                or (exclusive(places, one, other) if across else None)
                or locked(analysis, one, other)
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
        for found in (
            _by_flag(places, write, other, look, across),
            by_tickets(places, write, look),
        ):
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
        start = start_of(analysis, flag)
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
            seen.extend(same(analysis, Register.BLOCK, "$2", "$3"))
        given = (*known, *way, *seen)
        if refutes(terms, given):
            continue
        if store.atomic is None:
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
        meet = (*meet, any_of(apart(analysis, (Register.BLOCK,), "$1", "$2")))
    else:
        meet = (*meet, *same(analysis, Register.BLOCK, "$1", "$2"))
    rounds = _same_round(analysis, write, store)
    if rounds is not None:
        ways = apart(analysis, (Register.BLOCK, Register.THREAD), "$1", "$3")
        ways.extend(
            negate(
                is_zero(terms.rename(k, "$1", Level.LAUNCH) - terms.rename(k, "$3", Level.LAUNCH))
            )
            for k in rounds
        )
        if refutes(terms, (*meet, any_of(ways)), PATIENT):
            once = bool(rounds)
            fenced = releases(places, write.position, store, across, once)
            return () if fenced else (Missing(store.array, True, store.atomic, across),)
    for barrier in places.barriers if places.stay else ():
        if not dominates(barrier, store.position) or may_follow(barrier, write.position):
            continue
        if not precedes(write.position, barrier):
            continue
        ways = apart(analysis, (Register.BLOCK,), "$1", "$3")
        if refutes(terms, (*meet, any_of(ways))):
            fenced = releases(places, barrier, store, across, False)
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


def _is_integer(analysis: Analysis, array: str) -> bool:
    return analysis.kernel.arrays[array].element.is_integer
