"""Copies that a thread has started and not waited for: which, and in the round of which loop.

A store of an asynchronous copy belongs to every barrier interval from the copy to the thread's
wait for it. So each place of the walk through the whole kernel knows the stores that may be under
way there, with the conditions of their copy, and at least how many commits have come since; a
wait ends those that are old enough. At a barrier they join the accesses of the interval behind it.

    for k in range(n):
        if k + 1 < n:
            async_copy(tile, (k + 1) % 2, …)      under way: tile[(k + 1) % 2]  where  k + 1 < n
        async_commit()                            one commit since
        async_wait(1)                             still under way; that of the round before is not
        sync_threads()                            the interval behind it has that store, too

At the head of a loop that is summarised there may be stores of rounds before. The body is run
once more for each round that a copy can outlast, with unknowns of its own, which are tied to the
head by the values that the rounds hand on; behind a loop, likewise. Where copies outlast four
rounds, or the body waits for nothing, one store stands for those of any earlier round.

What two threads share are the values of the iteration in which both stand. Those of other rounds
and of loops left since may differ, so they become variables of the one thread (`_Private`), and
what is only opaquely known about them is forgotten. All of it over-approximates: a store may be
said to be under way that is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    at_most,
    equal,
    is_zero,
    negate,
)
from oxide_analyzer.facts.loop_heads import counter_names
from oxide_analyzer.facts.polys import (
    Alias,
    Bits,
    Element,
    Level,
    Poly,
    Quotient,
    Variable,
    constant,
)
from oxide_analyzer.ir.nodes import AsyncCommit, AsyncCopy, AsyncWait, For
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.polys import Atom, Monomial
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.facts.values import Evaluator

_MOST_ROUNDS = 4
# Of more, those that outlast a round are not counted, and each statement stores anywhere.
_MOST_STORES = 32
_QUICK = 1_500


@record
class UnderWay:
    """A store of a copy, and how many commits of its thread came behind it, at least.

    `origin` is the store as the walk first met it: it tells which of several it is.
    """

    store: Access
    commits: Poly
    origin: Access


def started(evaluator: Evaluator, state: State, store: Access, mark: int) -> State:
    """Behind a copy, which stores its elements by `store`, made since `mark`."""
    one = UnderWay(store, constant(0), store)
    return _with(state, (*state.under_way, _Private(evaluator, mark).copy(one)))


def committed(state: State) -> State:
    """Behind a commit."""
    return _with(state, (replace(u, commits=u.commits.shift(1)) for u in state.under_way))


def waited(terms: Terms, state: State, pending: int) -> State:
    """Behind a wait for all groups but the last `pending`."""
    left: list[UnderWay] = []
    for one in state.under_way:
        young = at_most(one.commits, constant(pending))
        if young != FALSE and (
            young == TRUE or not refutes(terms, (*one.store.path, young), _QUICK)
        ):
            left.append(_under(one, (young,)))
    return _with(state, left)


def joined(states: Sequence[State], sides: Sequence[Condition]) -> tuple[UnderWay, ...]:
    """What may be under way where paths meet; what only one of them has, under its condition."""
    found: dict[UnderWay, list[Condition]] = {}
    for state, side in zip(states, sides, strict=True):
        for one in state.under_way:
            found.setdefault(one, []).append(side)
    return tuple(
        one if len(on) == len(states) else _under(one, (any_of(on),)) for one, on in found.items()
    )


def changes_them(stmt: Loop) -> bool:
    """Whether a loop starts copies, commits or waits; else all stays under way that was."""
    kinds = (AsyncCopy, AsyncCommit, AsyncWait)
    return any(isinstance(s, kinds) for s in statements((stmt,)))


@record
class Rounds:
    """A loop whose head is asked about: how to stand at it anew, and how to run its body.

    `again` gives a head and the number of rounds before it; `run` the states in which the body
    comes back.
    """

    stmt: Loop
    entry: State
    names: tuple[str, ...]
    again: Callable[[], tuple[State, Poly]]
    run: Callable[[State], list[State]]


def at_head(evaluator: Evaluator, rounds: Rounds, head: State, count: Poly) -> State:
    """The head after `count` rounds, with what may be under way there."""
    mark = evaluator.serial()
    before, number = rounds.again()
    backs = rounds.run(before)
    own = tuple(one for back in backs for one in back.under_way)
    if any(isinstance(s, AsyncWait) for s in statements((rounds.stmt,))):
        found = _from_before(rounds, head, count)
        longest = _outlasted(rounds, own)
        if longest >= _MOST_ROUNDS:
            found.extend(_of_any_earlier(own, number, count, 0))
        elif longest:
            found.extend(_of_last_rounds(rounds, head, count, longest + 1))
        else:
            found.extend(_handed_on(rounds, backs, number, head, count))
    else:
        least = _least_commits(rounds, own)
        more = count.scale(least)
        found = [replace(u, commits=u.commits + more) for u in rounds.entry.under_way]
        found.extend(_of_any_earlier(own, number, count, least))
    private = _Private(evaluator, mark)
    return _with(head, _few(evaluator, [private.copy(one) for one in found]))


def _few(evaluator: Evaluator, found: list[UnderWay]) -> list[UnderWay]:
    """The same, or where they are many one store to anywhere for each statement."""
    if len(found) <= _MOST_STORES:
        return found
    terms = evaluator.launch.terms
    anywhere: dict[int, UnderWay] = {}
    for one in found:
        if one.store.site not in anywhere:
            index = tuple(terms.fresh("place", Level.THREAD) for _ in one.store.index)
            store = replace(one.store, index=index, path=())
            anywhere[store.site] = UnderWay(store, constant(0), store)
    return list(anywhere.values())


def left_behind(evaluator: Evaluator, state: State, mark: int) -> State:
    """Out of a loop by a `break`: threads may leave in different iterations."""
    if not state.under_way:
        return state
    private = _Private(evaluator, mark)
    return _with(state, (private.copy(one) for one in state.under_way))


def _of_any_earlier(
    own: Iterable[UnderWay], number: Poly, count: Poly, least: int
) -> Iterator[UnderWay]:
    """The stores of round `number`, some round before, since when each round has committed."""
    since = (count - number.shift(1)).scale(least)
    earlier = (at_most(number.shift(1), count),)
    return (_under(replace(one, commits=one.commits + since), earlier) for one in own)


def _least_commits(rounds: Rounds, own: Sequence[UnderWay]) -> int:
    """How many commits each round makes, at least."""
    given = own or rounds.entry.under_way
    if not given or not any(isinstance(s, AsyncCommit) for s in statements((rounds.stmt,))):
        return 0
    # A store like one of the round's own, told apart from it.
    probe = UnderWay(given[0].store, constant(0), replace(given[0].origin))
    before, _ = rounds.again()
    backs = rounds.run(_with(before, (probe,)))
    found = [u.commits.value for b in backs for u in b.under_way if u.origin is probe.origin]
    return min((n or 0 for n in found), default=0)


def _outlasted(rounds: Rounds, given: Iterable[UnderWay]) -> int:
    """How many whole rounds some of `given` may outlast, counted up to a few."""
    left = tuple(given)
    for number in range(_MOST_ROUNDS):
        if not left:
            return number - 1 if number else 0
        before, _ = rounds.again()
        # The round starts such stores itself: told apart, they are its own.
        marked = {replace(u.origin): u for u in left}
        older = tuple(replace(u, origin=mark) for mark, u in marked.items())
        backs = rounds.run(_with(before, older))
        left = tuple({u: None for b in backs for u in b.under_way if u.origin in marked})
        if len(left) > _MOST_STORES:
            break
    return _MOST_ROUNDS


def _from_before(rounds: Rounds, head: State, count: Poly) -> list[UnderWay]:
    """Stores from in front of the loop that are still under way after its first rounds."""
    entry = rounds.entry
    below = len(entry.path)
    known = {one.origin for one in entry.under_way}
    found: list[UnderWay] = []
    reached = [entry]
    for number in range(_MOST_ROUNDS):
        left = [s for s in reached if any(u.origin in known for u in s.under_way)]
        if not left:
            return found
        for state in left:
            at = (*state.path[below:], equal(count, constant(number)), *_same(rounds, state, head))
            found.extend(_under(u, at) for u in state.under_way if u.origin in known)
        reached = [back for state in left for back in rounds.run(state)]
    rest = {u.origin for s in reached for u in s.under_way}
    found.extend(replace(u, commits=constant(0)) for u in entry.under_way if u.origin in rest)
    return found


def _of_last_rounds(rounds: Rounds, head: State, count: Poly, most: int) -> list[UnderWay]:
    """The stores of each of the last `most` rounds, run one after the other."""
    heads = [rounds.again() for _ in range(most)]
    kept: list[UnderWay] = []
    for (before, number), (after, total) in zip(heads, [*heads[1:], (head, count)], strict=True):
        kept = _handed_on(rounds, rounds.run(_with(before, kept)), number, after, total)
    return kept


def _handed_on(
    rounds: Rounds, backs: Iterable[State], number: Poly, head: State, count: Poly
) -> list[UnderWay]:
    """What round `number` leaves under way for the next, at whose head are `count` before."""
    below = len(rounds.entry.path)
    handed: list[UnderWay] = []
    for back in backs:
        link = (*back.path[below:], equal(count, number.shift(1)), *_same(rounds, back, head))
        handed.extend(_under(one, link) for one in back.under_way)
    return handed


def _same(rounds: Rounds, back: State, head: State) -> list[Condition]:
    """That a round came back with the values that the next one begins with."""
    names = list(rounds.names)
    if isinstance(rounds.stmt, For):
        names.append(counter_names(rounds.stmt)[0])
    pairs = ((back.values.get(n), head.values.get(n)) for n in names)
    return [equal(p, q) for p, q in pairs if isinstance(p, Poly) and isinstance(q, Poly)]


def _with(state: State, under_way: Iterable[UnderWay]) -> State:
    found = tuple(under_way)
    return state if found == state.under_way else replace(state, under_way=found)


def _under(one: UnderWay, conditions: Iterable[Condition]) -> UnderWay:
    more = tuple(c for c in conditions if c != TRUE)
    if not more:
        return one
    store = replace(one.store, path=(*one.store.path, *more))
    return replace(one, store=store)


class _Private:
    """The same terms of the one thread alone: variables made since `since` become its own."""

    def __init__(self, evaluator: Evaluator, since: int) -> None:
        self._terms = evaluator.launch.terms
        self._undetermined = evaluator.undetermined
        self._since = since
        self._copies: dict[Atom, Atom] = {}

    def copy(self, one: UnderWay) -> UnderWay:
        """The store in terms of which other threads share nothing since then."""
        index = tuple(self._poly(p) for p in one.store.index)
        path = tuple(c for c in (self._condition(c) for c in one.store.path) if c != TRUE)
        store = replace(one.store, index=index, path=path)
        return replace(one, store=store, commits=self._poly(one.commits))

    def _poly(self, poly: Poly) -> Poly:
        if all(self._atom(a) is a for a in poly.atoms()):
            return poly
        terms: dict[Monomial, int] = {}
        for monomial, coefficient in poly.terms.items():
            copy = tuple(sorted(self._atom(a) for a in monomial))
            terms[copy] = terms.get(copy, 0) + coefficient
        return Poly({m: c for m, c in terms.items() if c})

    def _condition(self, condition: Condition) -> Condition:
        match condition:
            case AtLeastZero(poly=p):
                return at_least_zero(self._poly(p))
            case IsZero(poly=p):
                return is_zero(self._poly(p))
            case NotZero(poly=p):
                return negate(is_zero(self._poly(p)))
            case Opaque():
                # Of another round it says nothing; to know less is to allow more.
                return TRUE
            case AllOf(parts=parts):
                return all_of(self._condition(c) for c in parts)
            case AnyOf(parts=parts):
                return any_of(self._condition(c) for c in parts)

    def _atom(self, atom: Atom) -> Atom:
        if atom.serial < self._since or atom.level is Level.LAUNCH:
            return atom
        known = self._copies.get(atom)
        if known is not None:
            return known
        terms = self._terms
        match atom.form:
            case Variable(name=name, low=low, high=high, assumed=assumed):
                if "'" not in name:
                    # A register or a size that was not spoken of before.
                    self._copies[atom] = atom
                    return atom
                fresh = terms.fresh(name, Level.THREAD, low, high, assumed)
                copy = fresh.single()
                assert copy is not None
                self._copies[atom] = copy
                if atom in self._undetermined:
                    self._undetermined.add(copy)
                for axiom in tuple(terms.axioms.get(atom, ())):
                    terms.axiom(fresh, self._condition(axiom))
                return copy
            case Quotient(dividend=p, divisor=q):
                parts = (self._poly(p), self._poly(q))
                copy = terms.atom(Quotient(*parts), _level(parts))
            case Alias(definition=p):
                definition = self._poly(p)
                copy = terms.atom(Alias(definition), definition.level)
            case Element(array=array, index=index, low=low, high=high):
                places = tuple(self._poly(p) for p in index)
                copy = terms.atom(Element(array, places, low, high), _level(places))
            case Bits(op=op, left=p, right=q, low=low, high=high):
                parts = (self._poly(p), self._poly(q))
                copy = terms.atom(Bits(op, *parts, low, high), _level(parts))
        self._copies[atom] = copy
        return copy


def _level(parts: Iterable[Poly]) -> Level:
    return max((p.level for p in parts), default=Level.LAUNCH)
