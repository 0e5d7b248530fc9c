"""The effects of a kernel: one walk through the whole, and one for each barrier interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.accesses import Arrival, Effects, Interval
from oxide_analyzer.facts.flow import Collected
from oxide_analyzer.facts.launch_terms import LaunchTerms
from oxide_analyzer.facts.state import State
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.facts.uniformity import Uniformity, assigned, uniformity
from oxide_analyzer.facts.values import Evaluator
from oxide_analyzer.facts.walk import Walk
from oxide_analyzer.ir.nodes import Assign, Atomic, Barrier, Block, Expr, For, Load, Stmt
from oxide_analyzer.ir.walk import blocks, statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span


@record
class Analysis:
    """A kernel with everything that is known of it before anything is proved."""

    kernel: Kernel
    launch: LaunchTerms
    evaluator: Evaluator
    uniform: Uniformity
    effects: Effects
    may_wrap: tuple[Span, ...]
    locals: frozenset[str]

    @property
    def terms(self) -> Terms:
        """The terms that everything is written in."""
        return self.launch.terms


def analyse(
    kernel: Kernel, facts: Iterable[Expr] = (), flat: frozenset[int] = frozenset(), *, compact: bool
) -> Analysis:
    """Walk a kernel under its contract, further `facts`, and axes that are `flat`."""
    terms = Terms()
    launch = LaunchTerms(terms, kernel, flat, compact)
    evaluator = Evaluator(launch)
    for condition in requirements(kernel, launch, facts):
        launch.assume(condition)
    uniform = uniformity(kernel)
    with_barriers = frozenset(_around_barriers(kernel.body))
    types = dict(_types(kernel.body))
    entry = State({}, ())
    whole = Walk(kernel, evaluator, uniform, with_barriers, False, types)
    whole.block(kernel.body, entry, None, ())
    seen = whole.collected or Collected()
    may_wrap = tuple(dict.fromkeys(evaluator.may_wrap))
    reads = tuple(evaluator.reads)
    intervals = [_interval(kernel, evaluator, uniform, with_barriers, types, None)]
    intervals.extend(
        _interval(kernel, evaluator, uniform, with_barriers, types, a) for a in seen.arrivals
    )
    effects = Effects(
        tuple(seen.accesses),
        tuple(seen.divisors),
        tuple(seen.claims),
        reads,
        tuple(seen.arrivals),
        tuple(intervals),
    )
    names = assigned(kernel.body)
    return Analysis(kernel, launch, evaluator, uniform, effects, may_wrap, names)


def requirements(kernel: Kernel, launch: LaunchTerms, facts: Iterable[Expr]) -> list[Condition]:
    """The contract and further facts as conditions over Z."""
    exact = Evaluator(launch, exact=True)
    state = State({}, ())
    found = [exact.condition(r.condition, state) for r in kernel.contract.requires]
    found.extend(exact.condition(f, state) for f in facts)
    return found


def contradicts_itself(kernel: Kernel) -> bool:
    """Whether no launch fulfils the contract, as far as linear arithmetic sees."""
    if not kernel.contract.requires:
        return False
    terms = Terms()
    return refutes(terms, requirements(kernel, LaunchTerms(terms, kernel, frozenset(), False), ()))


def _interval(
    kernel: Kernel,
    evaluator: Evaluator,
    uniform: Uniformity,
    with_barriers: frozenset[Stmt],
    types: dict[str, Scalar],
    arrival: Arrival | None,
) -> Interval:
    known = len(arrival.state.path) if arrival is not None else 0
    since = evaluator.serial()
    walk = Walk(kernel, evaluator, uniform, with_barriers, True, types, known, since)
    if arrival is None:
        walk.block(kernel.body, State({}, ()), None, ())
    else:
        walk.resume(arrival.position, arrival.state)
    seen = walk.collected or Collected()
    start = arrival.barrier if arrival is not None else None
    return Interval(start, tuple(seen.accesses), tuple(seen.exits))


def _around_barriers(block: Block) -> Iterator[Stmt]:
    for stmt in block:
        if any(isinstance(s, Barrier) for inner in blocks(stmt) for s in statements(inner)):
            yield stmt
            for inner in blocks(stmt):
                yield from _around_barriers(inner)


def _types(block: Block) -> Iterator[tuple[str, Scalar]]:
    for stmt in statements(block):
        match stmt:
            case Assign(target=target) | Load(target=target) | Atomic(target=target):
                if target is not None:
                    yield target.name, target.type
            case For(variable=variable):
                yield variable.name, variable.type
            case _:
                pass
