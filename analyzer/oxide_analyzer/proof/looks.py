"""What a thread that comes to an access knows of an atomic: its own, or one of another thread.

    while atomic.load(flag, j) == 0: pass      its own: the loop has ended, so it is not 0
    x = data[j]

    if atomic.add(count, 0, 1) == last:        its own: the branch says what it gave
        x = data[j]

    if t == 0:                                 that of thread 0, which it met at the barrier,
        while atomic.load(flag, j) == 0: pass  and which certainly comes to the loop
    sync_threads()
    x = data[t]

    if t == 0:                                 that of the thread which wrote what it has read
        done[0] = atomic.add(count, 0, 1) == last
    sync_threads()
    if done[0]:
        x = data[t]

The last leans on shared memory: that nobody races for `done` and that it is written before it is
read. Where threads may have returned, nothing is known of others than the thread itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import (
    Condition,
    Opaque,
    all_of,
    any_of,
    condition_level,
    condition_polys,
    equal,
    negate,
)
from oxide_analyzer.facts.polys import Atom, Level, Poly, constant, parts_of
from oxide_analyzer.facts.state import Real
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.nodes import (
    AtomicOp,
    Barrier,
    Break,
    Fence,
    For,
    Leave,
    Order,
    Register,
    Return,
    Scope,
    Space,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.sequence import dominates, leads_straight, placed, precedes
from oxide_analyzer.proof.system import certain_atoms
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Observation, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.state import Value
    from oxide_analyzer.facts.terms import Terms

WIDE = (Scope.DEVICE, Scope.SYSTEM)
_ACQUIRES = (Order.ACQUIRE, Order.ACQ_REL)


@record
class Look:
    """An atomic whose result is `value`, of the element `index`, where all of `known` holds.

    All of it is written in the terms of the thread that comes to the access; what belongs to
    another thread of its block has the suffix `$4`. `fences` stand between the atomic and the
    access; `leans` are the arrays whose proofs it rests on.
    """

    observation: Observation
    value: Poly
    index: tuple[Poly, ...]
    known: tuple[Condition, ...]
    fences: tuple[Fence, ...]
    leans: frozenset[str] = frozenset()

    def acquires(self, across: bool) -> bool:
        """Whether what the atomic reads from has happened before the access."""
        atomic = self.observation.atomic
        if across and atomic.scope not in WIDE:
            return False
        return atomic.order in _ACQUIRES or any(
            not across or fence.scope in WIDE for fence in self.fences
        )


@dataclass
class Places:
    """Where the fences and barriers of a kernel are."""

    analysis: Analysis
    fences: list[tuple[Fence, Position]] = field(default_factory=list["tuple[Fence, Position]"])
    barriers: list[Position] = field(default_factory=list["Position"])
    stay: bool = True

    def __post_init__(self) -> None:
        for stmt, position in placed(self.analysis.kernel.body):
            if isinstance(stmt, Fence):
                self.fences.append((stmt, position))
            elif isinstance(stmt, Barrier):
                self.barriers.append(position)
        departures = self.analysis.uniform.departures
        self.stay = not any(isinstance(d, Return) for d in departures)


def looks(places: Places, access: Access) -> Iterator[Look]:
    """What a thread that comes to `access` knows of atomics."""
    yield from _own(places, access)
    yield from _waited(places, access)
    if places.stay:
        yield from _told(places, access)


def _own(places: Places, access: Access) -> Iterator[Look]:
    """Atomics whose results the way to the access decides on."""
    observed = places.analysis.evaluator.observed
    for atom in decided(access.path):
        found = observed.get(atom)
        if found is not None:
            fences = tuple(
                f
                for f, p in places.fences
                if precedes(found.position, p) and dominates(p, access.position)
            )
            yield Look(
                found,
                Poly({(atom,): 1}),
                found.index,
                access.path,
                fences,
            )


def decided(path: tuple[Condition, ...]) -> dict[Atom, None]:
    """The atoms that every way through the conditions has a value of."""
    found: dict[Atom, None] = {}
    pending = [a for c in path for a in certain_atoms(c)]
    while pending:
        atom = pending.pop()
        if atom not in found:
            found[atom] = None
            pending.extend(a for p in parts_of(atom) for a in p.atoms())
    return found


def _waited(places: Places, access: Access) -> Iterator[Look]:
    """Atomics in the head of a loop that has ended: before the access, or before a barrier."""
    analysis = places.analysis
    for atom, found in list(analysis.evaluator.observed.items()):
        loop = _loop_of(found)
        if not found.throughout or loop is None or not analysis.terms.axioms.get(atom):
            continue
        value = Poly({(atom,): 1})
        if dominates(loop, access.position):
            fences = tuple(
                f for f, p in places.fences if precedes(loop, p) and dominates(p, access.position)
            )
            yield Look(found, value, found.index, access.path, fences)
        elif places.stay:
            yield from _met(places, access, atom, found, loop)


def _loop_of(found: Observation) -> Position | None:
    """The loop in whose head the atomic stands, if it ends there only."""
    for depth, frame in enumerate(found.position):
        owner = frame.owner
        if isinstance(owner, While) and frame.block is owner.header:
            inside = (*statements(owner.header), *statements(owner.body))
            if any(isinstance(s, (Break, Leave)) for s in inside):
                return None
            return found.position[:depth] if depth == len(found.position) - 1 else None
    return None


def _met(
    places: Places, access: Access, atom: Atom, found: Observation, loop: Position
) -> Iterator[Look]:
    """The loop of thread 0, where it certainly comes to it, and a barrier behind."""
    analysis = places.analysis
    terms = analysis.terms
    values: dict[Atom, Poly] = {}
    for axis in range(3):
        thread = analysis.launch.register(Register.THREAD, axis).single()
        if thread is not None:
            values[thread] = constant(0)
    zero = Substitution(terms, values)
    way = [zero.condition(c) for c in found.path]
    index = tuple(zero.poly(p) for p in found.index)
    if any(condition_level(c) > Level.BLOCK for c in way):
        return
    if any(p.level > Level.BLOCK for p in index):
        return
    if not all(refutes(terms, (*access.path, negate(c))) for c in way):
        return
    for barrier in places.barriers:
        if not (precedes(loop, barrier) and dominates(barrier, access.position)):
            continue
        fences = tuple(
            f for f, p in places.fences if leads_straight(loop, p) and precedes(p, barrier)
        )
        value = terms.rename(Poly({(atom,): 1}), "$4", Level.BLOCK)
        yield Look(found, value, index, access.path, fences)
        return


def _told(places: Places, access: Access) -> Iterator[Look]:
    """Atomics whose results another thread has written to shared memory, and this one read."""
    analysis = places.analysis
    terms = analysis.terms
    mentioned = decided(access.path)
    keys = {c.key for c in access.path if isinstance(c, Opaque)}
    for load in analysis.effects.whole:
        result = load.result
        if load.kind is not AccessKind.READ or result is None:
            continue
        if analysis.kernel.arrays[load.array].space is not Space.SHARED:
            continue
        if isinstance(result, Poly):
            atom = result.single()
            if atom is None or atom not in mentioned:
                continue
        elif not (isinstance(result, Opaque) and result.key in keys):
            continue
        writers = [
            a
            for a in analysis.effects.whole
            if a.array == load.array and a.kind is not AccessKind.READ
        ]
        for writer in writers:
            linked = _handed_over(terms, access, writer, result)
            if linked is None:
                continue
            others = [_handed_over(terms, access, o, result) for o in writers if o is not writer]
            if any(o is None or not refutes(terms, o) for o in others):
                continue
            # A fence of the writer behind its store does too, in front of a barrier.
            later = tuple(
                f
                for f, p in places.fences
                if leads_straight(writer.position, p)
                and any(precedes(p, b) and dominates(b, access.position) for b in places.barriers)
            )
            for look in (*_own(places, writer), *_written(places, writer)):
                yield Look(
                    look.observation,
                    terms.rename(look.value, "$4", Level.BLOCK),
                    tuple(terms.rename(p, "$4", Level.BLOCK) for p in look.index),
                    linked,
                    (*look.fences, *later),
                    leans=frozenset({load.array}),
                )


def _written(places: Places, writer: Access) -> Iterator[Look]:
    """Atomics on whose results the value depends that is written."""
    analysis = places.analysis
    value = writer.value
    if value is None or isinstance(value, Real):
        return
    polys = (value,) if isinstance(value, Poly) else tuple(condition_polys(value))
    for atom in analysis.terms.reachable(polys):
        found = analysis.evaluator.observed.get(atom)
        # Who comes to the store has made the atomic, whatever the value is made of.
        if found is None or not dominates(found.position, writer.position):
            continue
        fences = tuple(
            f
            for f, p in places.fences
            if precedes(found.position, p) and dominates(p, writer.position)
        )
        yield Look(found, Poly({(atom,): 1}), found.index, writer.path, fences)


def _handed_over(
    terms: Terms, access: Access, writer: Access, result: Value
) -> tuple[Condition, ...] | None:
    """The way to the access, where what it has read is what `writer` wrote in another thread."""
    value = writer.value
    if writer.atomic is not None and writer.atomic.op not in (AtomicOp.STORE, AtomicOp.EXCHANGE):
        return None
    if any(isinstance(f.owner, (For, While)) for f in writer.position):
        return None  # it may be of another round
    way = tuple(terms.rename_condition(c, "$4", Level.BLOCK) for c in writer.path)
    match result, value:
        case Poly(), Poly():
            link: Condition = equal(result, terms.rename(value, "$4", Level.BLOCK))
        case (Real(), _) | (_, Real()) | (_, None) | (Poly(), _) | (_, Poly()):
            return None
        case _:
            told = terms.rename_condition(value, "$4", Level.BLOCK)
            link = any_of((all_of((result, told)), all_of((negate(result), negate(told)))))
    return (*access.path, *way, link)
