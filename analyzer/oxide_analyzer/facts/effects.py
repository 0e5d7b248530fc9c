"""The effects of a kernel: one walk through the whole, and one for each barrier interval.

What uniformity calls private, and the provers show to be taken alike by all threads of a group
(`together`), is known to a second walk, which then finds more values that are one for the group.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from oxide_analyzer.contract import limits
from oxide_analyzer.facts.accesses import Arrival, Effects, Interval
from oxide_analyzer.facts.flow import Collected
from oxide_analyzer.facts.launch_terms import LaunchTerms
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.state import State
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.facts.together import alike
from oxide_analyzer.facts.uniformity import Uniformity, assigned, uniformity
from oxide_analyzer.facts.values import Evaluator
from oxide_analyzer.facts.walk import Walk, ordered_by
from oxide_analyzer.facts.warps import doubtful
from oxide_analyzer.ir.kernel import DataProperty
from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    Block,
    Expr,
    For,
    Forget,
    Load,
    Ownership,
    Stmt,
    WarpOp,
)
from oxide_analyzer.ir.walk import blocks, statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.rounds import Repetition
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span


@record
class Analysis:
    """A kernel with everything that is known of it before anything is proved.

    No two elements of an `injective` array are equal. Of the branches in `alike` the provers know
    the group whose threads all go the same way. `repetitions` are its loops, to be asked for one
    more round.
    """

    kernel: Kernel
    launch: LaunchTerms
    evaluator: Evaluator
    uniform: Uniformity
    effects: Effects
    may_wrap: tuple[Span, ...]
    locals: frozenset[str]
    injective: frozenset[str] = frozenset()
    alike: Mapping[Stmt, Level] = field(default_factory=dict["Stmt", Level])
    repetitions: Mapping[Stmt, Repetition] = field(default_factory=dict["Stmt", "Repetition"])

    @property
    def terms(self) -> Terms:
        """The terms that everything is written in."""
        return self.launch.terms


def analyse(
    kernel: Kernel,
    facts: Iterable[Expr] = (),
    flat: frozenset[int] = frozenset(),
    *,
    compact: bool,
    distrusted: frozenset[str] = frozenset(),
) -> Analysis:
    """Walk a kernel under its contract, further `facts`, and axes that are `flat`.

    What the contract says of the elements of `distrusted` arrays is not used.
    """
    terms = Terms()
    launch = LaunchTerms(terms, kernel, flat, compact)
    evaluator = Evaluator(launch)
    for condition in requirements(kernel, launch, facts):
        launch.assume(condition)
    injective = _declare(kernel, launch, distrusted)
    types = evaluator.types = dict(_types(kernel.body))
    known: dict[Stmt, Level] = {}
    while True:
        uniform = uniformity(kernel, launch, known)
        evaluator.doubtful = doubtful(kernel, evaluator, uniform)
        mark = len(evaluator.may_wrap), len(evaluator.reads)
        whole = Walk(kernel, evaluator, uniform, frozenset(), None, types)
        whole.block(kernel.body, State({}, ()), None, ())
        # Repetitions lead back to the walk: what it has seen is let go of by it.
        seen, whole.collected = whole.collected or Collected(), None
        more = alike(launch, uniform, seen, known)
        if not more:
            break
        # The branches are taken alike by a group: once more, with what that makes one value.
        known.update(more)
        del evaluator.may_wrap[mark[0] :]
        del evaluator.reads[mark[1] :]
        evaluator.carried.clear()
    may_wrap = tuple(dict.fromkeys(evaluator.may_wrap))
    reads = tuple(evaluator.reads)
    effects = Effects(
        tuple(seen.accesses),
        tuple(seen.divisors),
        tuple(seen.claims),
        reads,
        tuple(seen.arrivals),
        tuple(seen.decisions),
        tuple(_intervals(kernel, evaluator, uniform, types, seen.arrivals)),
        tuple(seen.touches),
    )
    names = assigned(kernel.body)
    return Analysis(
        kernel,
        launch,
        evaluator,
        uniform,
        effects,
        may_wrap,
        names,
        injective,
        known,
        seen.repetitions,
    )


def _declare(kernel: Kernel, launch: LaunchTerms, distrusted: frozenset[str]) -> frozenset[str]:
    """Note what the contract says of elements that nobody changes; the injective arrays."""
    exact = Evaluator(launch, exact=True)
    state = State({}, ())
    injective: set[str] = set()
    for fact in kernel.contract.data:
        if fact.array in distrusted:
            continue
        if kernel.arrays[fact.array].ownership is not Ownership.READ_ONLY:
            continue
        match fact.property:
            case DataProperty.INJECTIVE:
                injective.add(fact.array)
            case DataProperty.WITHIN:
                if fact.low is not None and fact.high is not None:
                    bounds = (exact.integer(fact.low, state), exact.integer(fact.high, state))
                    launch.terms.within.setdefault(fact.array, []).append(bounds)
    return frozenset(injective)


def requirements(kernel: Kernel, launch: LaunchTerms, facts: Iterable[Expr]) -> list[Condition]:
    """The contract and further facts as conditions over Z."""
    exact = Evaluator(launch, exact=True)
    state = State({}, ())
    declared = (*kernel.contract.requires, *limits(kernel))
    found = [exact.condition(r.condition, state) for r in declared]
    found.extend(exact.condition(f, state) for f in facts)
    return found


def contradicts_itself(kernel: Kernel) -> bool:
    """Whether no launch fulfils the contract, as far as linear arithmetic sees."""
    if not kernel.contract.requires and not kernel.contract.data:
        return False
    terms = Terms()
    return refutes(terms, requirements(kernel, LaunchTerms(terms, kernel, frozenset(), False), ()))


def _intervals(
    kernel: Kernel,
    evaluator: Evaluator,
    uniform: Uniformity,
    types: dict[str, Scalar],
    arrivals: list[Arrival],
) -> Iterator[Interval]:
    """The intervals of blocks, and those of warps and of the grid if something orders them.

    An interval of a group starts where something orders its threads, and so ends.
    """
    starts = {arrival: level for arrival in arrivals if (level := ordered_by(arrival.stmt))}
    for group in (Level.BLOCK, Level.WARP, Level.GRID):
        if group is not Level.BLOCK and group not in starts.values():
            continue
        stops = frozenset(_round_stops(kernel.body, group))
        entry: list[Arrival | None] = [None]
        for start in (*entry, *(a for a, level in starts.items() if level <= group)):
            known = len(start.state.path) if start is not None else 0
            since = evaluator.serial()
            walk = Walk(kernel, evaluator, uniform, stops, group, types, known, since)
            if start is None:
                walk.block(kernel.body, State({}, ()), None, ())
            else:
                walk.resume(start.position, start.state)
            seen = walk.collected or Collected()
            stmt = start.stmt if start is not None else None
            left = [u.store for u in start.state.under_way] if start is not None else []
            yield Interval(group, stmt, (*left, *seen.accesses), tuple(seen.exits))


def _round_stops(block: Block, group: Level) -> Iterator[Stmt]:
    """The statements that contain something which orders the threads of a group."""
    for stmt in block:
        inner = [s for part in blocks(stmt) for s in statements(part)]
        if any((level := ordered_by(s)) is not None and level <= group for s in inner):
            yield stmt
            for part in blocks(stmt):
                yield from _round_stops(part, group)


def _types(block: Block) -> Iterator[tuple[str, Scalar]]:
    for stmt in statements(block):
        match stmt:
            case (
                Assign(target=target)
                | Load(target=target)
                | Forget(target=target)
                | Atomic(target=target)
                | WarpOp(target=target)
            ):
                if target is not None:
                    yield target.name, target.type
            case For(variable=variable):
                yield variable.name, variable.type
            case _:
                pass
