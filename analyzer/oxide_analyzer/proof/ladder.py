"""The proof ladder: uniformity and affine forms, small launches, then z3.

Each tier sees what the one before left open. What a fact about launches would prove is proved
under that fact, if all facts together admit a launch of two blocks of 64 threads in which every
statement still runs (`admission`); a concrete launch that breaks the rest is a violation; what z3
refutes is proved; what z3 has a model of is replayed, and is a violation if the interpreter runs
into a failure and unproved if not.

Budgets count steps, so there is one verdict for one kernel. What the affine prover found nothing
about because its steps ended is asked with more, if that is little, before facts and launches are
looked for; about what it had to the end it is not asked again.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from oxide_analyzer import deadline
from oxide_analyzer.facts.conditions import condition_polys, is_arithmetic
from oxide_analyzer.facts.effects import Analysis, analyse, contradicts_itself
from oxide_analyzer.facts.polys import Element, Variable
from oxide_analyzer.ir.nodes import Atomic, Const, MatrixOp, Space, Store
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.admission import (
    admitted,
    chosen,
    for_threads,
    instances,
    proved_under,
    symbols,
)
from oxide_analyzer.proof.affine import is_unfinished, refutes, refutes_patiently
from oxide_analyzer.proof.allowance import SPENT, current
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.proof.leaning import lean
from oxide_analyzer.proof.links import Published
from oxide_analyzer.proof.obligations import obligations
from oxide_analyzer.proof.publication import published
from oxide_analyzer.proof.realisation import launch_of
from oxide_analyzer.proof.refute import breaks, kind_of, minimised, place_of, refute, replay
from oxide_analyzer.proof.shapes import one_shape
from oxide_analyzer.proof.subjects import TOGETHER, Bound, Kind, Obligation, Pair, Query
from oxide_analyzer.proof.trials import axes_read
from oxide_analyzer.proof.verdicts import (
    ELSEWHERE,
    Judged,
    Lifted,
    Proved,
    Refuted,
    Result,
    Unknown,
    Violation,
)
from oxide_analyzer.proof.vouched import Vouched, vouched
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.inference import Candidate


# So many questions are asked at length before facts and launches are looked for.
_INSISTENT = 4


@record
class Judgement:
    """All obligations of a kernel with their answers, and what they hold under.

    `violations` are what the interpreter ran into, those of no obligation included. `flat` are
    the axes whose extent the proof takes to be 1; `compact` says that it takes sizes to fit 32
    bits. `handed` says of races how atomics order the two, or would but for a fence. Under a
    `contradictory` contract nothing is judged.
    """

    analysis: Analysis
    judged: tuple[Judged, ...]
    violations: tuple[Violation, ...]
    facts: tuple[Candidate, ...]
    offered: tuple[Candidate, ...]
    flat: frozenset[int]
    compact: bool
    distrusted: frozenset[str] = frozenset()
    contradictory: bool = False
    handed: Mapping[Obligation, Published] = field(default_factory=dict[Obligation, Published])


def judge(kernel: Kernel) -> Judgement:
    """Climb the ladder for one kernel; its known constants are already put in.

    What is declared of the elements of an array holds of a load that is inside it. Where that
    is not proved, the declaration is not used.
    """
    distrusted: frozenset[str] = frozenset()
    while True:
        judgement = _judge(kernel, distrusted)
        strays = _strays(judgement) - distrusted
        if judgement.violations or not strays:
            return judgement
        distrusted |= strays


def _judge(kernel: Kernel, distrusted: frozenset[str]) -> Judgement:
    flat = _flat(kernel)
    compact = False
    analysis = analyse(kernel, (), flat, compact=False, distrusted=distrusted)
    if contradicts_itself(kernel):
        return Judgement(analysis, (), (), (), (), flat, compact, contradictory=True)
    todo = obligations(analysis)
    answers = _affine(analysis, todo)
    # Tickets may come round where there are more threads than numbers.
    counted = analysis.may_wrap or analysis.evaluator.observed
    if counted and len(answers) < len(todo):
        narrow = analyse(kernel, (), flat, compact=True, distrusted=distrusted)
        narrow_todo = obligations(narrow)
        narrow_answers = _affine(narrow, narrow_todo)
        # What wraps may be data that no proof reads: then the fact would help nobody.
        if len(narrow_answers) > len(answers) or len(narrow.may_wrap) < len(analysis.may_wrap):
            compact = True
            analysis, todo, answers = narrow, narrow_todo, narrow_answers
    _insist(analysis, todo, answers)
    lifted = vouched(kernel)
    _lift(lifted, analysis, todo, answers)
    if any(isinstance(s, MatrixOp) for s in statements(kernel.body)):
        # What a warp multiplies is long to play on small launches, so that is left for the rest.
        for obligation in todo:
            settled = None if obligation in answers else _settled(analysis, obligation)
            if settled is not None:
                answers[obligation] = settled
    facts, offered = chosen(analysis, todo, answers, flat)
    for obligation in todo:
        if obligation not in answers and proved_under(analysis, obligation, facts):
            answers[obligation] = Proved("affine")

    def under(assumed: tuple[Candidate, ...]) -> _Case:
        exprs = tuple(f.expr for f in assumed)
        # What is still open may need the facts where values are made: a wrap, a closed form.
        again = analyse(kernel, exprs, flat, compact=compact, distrusted=distrusted)
        asked = obligations(again)
        found = _affine(again, asked)
        _lift(lifted, again, asked, found)
        return _Case(again, Admitted(kernel, exprs, flat), asked, found)

    if any(o.kind is Kind.BOUNDS and o not in answers for o in todo):
        facts = _of_one_shape(under, analysis, flat) or facts
    exprs = tuple(f.expr for f in facts)
    signs = for_threads(facts)
    alone = _Case(analysis, Admitted(kernel, exprs, flat), todo, answers)
    launched = tuple(f.expr for f in signs)
    together = _Case(analysis, Admitted(kernel, launched, flat), todo, answers)
    if facts and alone.is_open(together=False):
        alone = under(facts)
    if signs and together.is_open(together=True):
        together = alone if signs == facts else under(signs)
    handed = _publish(together)
    asked = [(together, o) for o in together.todo if o.kind in TOGETHER]
    asked += [(alone, o) for o in alone.todo if o.kind not in TOGETHER]
    violations: list[Violation] = []
    try:
        violations.extend(_violate(together, alone, asked))
        for case, obligation in asked:
            if obligation in case.answers:
                continue
            if violations:
                case.answers[obligation] = Unknown(ELSEWHERE)
            else:
                case.answers[obligation] = _decide(case, obligation, violations)
    except deadline.Stopped as stopped:
        for case, obligation in asked:
            case.answers.setdefault(obligation, Unknown(str(stopped)))
    judged = tuple(Judged(o, case.answers[o]) for case, o in asked)
    judged = lean(alone.analysis, judged)
    judged = _rest(judged, handed)
    return Judgement(
        alone.analysis,
        judged,
        tuple(violations),
        facts,
        offered,
        flat,
        compact,
        distrusted,
        handed=handed,
    )


def _of_one_shape(
    under: Callable[[tuple[Candidate, ...]], _Case], analysis: Analysis, flat: frozenset[int]
) -> tuple[Candidate, ...]:
    """Facts under which every index is inside, if it is for arrays of one shape."""
    shapes = one_shape(analysis)
    if not shapes:
        return ()
    case = under(shapes)
    more, _ = chosen(case.analysis, case.todo, case.answers, flat)
    facts = (*shapes, *more)
    is_settled = all(
        o in case.answers or proved_under(case.analysis, o, more)
        for o in case.todo
        if o.kind is Kind.BOUNDS
    )
    return facts if is_settled and admitted(analysis, flat, facts) else ()


@record
class _Case:
    """An analysis under some facts, the launches that it speaks of, and what became of it."""

    analysis: Analysis
    admitted: Admitted
    todo: tuple[Obligation, ...]
    answers: dict[Obligation, Result]

    def is_open(self, *, together: bool) -> bool:
        """Whether something about two threads, or about one, has no answer."""
        return any(o not in self.answers and (o.kind in TOGETHER) is together for o in self.todo)


def _publish(case: _Case) -> dict[Obligation, Published]:
    """Answer the races whose two statements atomics order; say which lack a fence only."""
    found: dict[Obligation, Published] = {}
    for obligation in case.todo:
        if obligation in case.answers or obligation.kind not in (Kind.RACE, Kind.BLOCK_RACE):
            continue
        subject = obligation.subject
        if isinstance(subject, Pair) and (
            subject.first.is_asynchronous or subject.second.is_asynchronous
        ):
            # What publishes it does not wait for it.
            continue
        order = published(case.analysis, obligation)
        if order is None:
            continue
        found[obligation] = order
        if not order.missing:
            case.answers[obligation] = Proved("order")
    return found


def _rest(judged: tuple[Judged, ...], handed: Mapping[Obligation, Published]) -> tuple[Judged, ...]:
    """What rests on the order of atomics rests on their bounds, on what shared memory hands on,
    and on who meets at barriers."""
    ordered = [j.obligation for j in judged if j.result == Proved("order")]
    if not ordered:
        return judged
    open_arrays: set[str] = set()
    parted = False
    for one in judged:
        if isinstance(one.result, Proved):
            continue
        subject = one.obligation.subject
        if isinstance(subject, Pair):
            open_arrays.update((subject.first.array, subject.second.array))
        elif isinstance(subject, Bound):
            open_arrays.add(subject.access.array)
        else:
            open_arrays.add(one.obligation.memory)
        parted = parted or one.obligation.kind in (Kind.CONVERGENCE, Kind.EXIT)
    result: list[Judged] = []
    for one in judged:
        broken = one.obligation in ordered and sorted(handed[one.obligation].leans & open_arrays)
        if broken:
            reason = f"it rests on `{broken[0]}`, of which not everything is proved"
            result.append(Judged(one.obligation, Unknown(reason)))
        elif parted and one.obligation in ordered:
            reason = "it rests on barriers at which not all threads are proved to meet"
            result.append(Judged(one.obligation, Unknown(reason)))
        else:
            result.append(one)
    return tuple(result)


def _strays(judgement: Judgement) -> frozenset[str]:
    """Arrays of which something is declared, and a load may be outside."""
    declared = {fact.array for fact in judgement.analysis.kernel.contract.data}
    return frozenset(
        access.array
        for judged in judgement.judged
        if judged.obligation.kind is Kind.BOUNDS and not isinstance(judged.result, Proved)
        for access in judgement.analysis.effects.whole
        if access.array in declared and access.site in judged.obligation.sites
    )


def _lift(
    lifted: Vouched,
    analysis: Analysis,
    todo: tuple[Obligation, ...],
    answers: dict[Obligation, Result],
) -> None:
    """Answer what an `unsafe` block lifts, proved where it is proved without it."""
    for obligation in todo:
        if obligation not in answers and lifted.covers(obligation):
            answers[obligation] = _settled(analysis, obligation) or Lifted()


def _settled(analysis: Analysis, obligation: Obligation) -> Proved | None:
    from oxide_analyzer.proof.smt import Contradiction, decide

    if obligation.queries is None:
        return None
    for query in obligation.queries:
        if refutes(analysis.terms, query):
            continue
        if not isinstance(decide(analysis.terms, query), Contradiction):
            return None
    return Proved("z3")


def _flat(kernel: Kernel) -> frozenset[int]:
    """Axes y and z that the kernel does not read, where that matters: it writes something."""
    writes = any(
        isinstance(s, (Store, Atomic)) and kernel.arrays[s.array].space is not Space.LOCAL
        for s in statements(kernel.body)
    )
    if not writes:
        return frozenset()
    contract = kernel.contract
    read = axes_read(kernel)
    flat: set[int] = set()
    for axis in (1, 2):
        if axis in read or (contract.domain is not None and axis >= contract.domain):
            continue
        extent = contract.block[axis] if contract.block is not None else None
        if extent is None or (isinstance(extent, Const) and extent.value == 1):
            flat.add(axis)
    return frozenset(flat)


# ---------------------------------------------------------------- tiers


def _affine(analysis: Analysis, todo: Iterable[Obligation]) -> dict[Obligation, Result]:
    answers: dict[Obligation, Result] = {}
    known: dict[Query, bool] = {}
    for obligation in todo:
        if obligation.queries is None:
            continue
        if not obligation.queries:
            answers[obligation] = Proved("syntax")
            continue
        proved = True
        for query in obligation.queries:
            found = known.get(query)
            if found is None:
                found = known[query] = refutes(analysis.terms, query)
            if not found:
                proved = False
                break
        if proved:
            answers[obligation] = Proved("affine")
    return answers


def _insist(
    analysis: Analysis, todo: Iterable[Obligation], answers: dict[Obligation, Result]
) -> None:
    """Ask with more steps where these ended, if that is little: it is quicker than what follows."""
    left = [o for o in todo if o not in answers and o.queries]
    short = {q for o in left for q in o.queries or () if is_unfinished(analysis.terms, q)}
    if not 0 < len(short) <= _INSISTENT:
        return
    for obligation in left:
        queries = obligation.queries or ()
        if short.isdisjoint(queries):
            continue
        if all(refutes_patiently(analysis.terms, q) for q in queries):
            answers[obligation] = Proved("affine")


def _violate(
    together: _Case, alone: _Case, asked: list[tuple[_Case, Obligation]]
) -> list[Violation]:
    """What breaks on small launches of what is open."""
    left = [o for case, o in asked if o not in case.answers]
    if not left:
        return []
    lifted = [o for case, o in asked if isinstance(case.answers.get(o), Lifted)]
    found = _refute(alone, left, lifted)
    if together.admitted.facts != alone.admitted.facts:
        known = {place_of(v.failure) for v in found}
        # Two threads race on these launches too, which the facts about lengths rule out.
        rest = [o for o in left if o.kind in TOGETHER and not any(breaks(v, o) for v in found)]
        more = _refute(together, rest, lifted) if rest else []
        found += [
            v for v in more if kind_of(v.failure) in TOGETHER and place_of(v.failure) not in known
        ]
    for case, obligation in asked:
        for violation in found:
            if obligation not in case.answers and breaks(violation, obligation):
                case.answers[obligation] = Refuted(violation)
    return found


def _refute(case: _Case, left: list[Obligation], lifted: list[Obligation]) -> list[Violation]:
    analysis = case.analysis

    def is_enough(found: list[Violation]) -> bool:
        return all(any(breaks(v, o) for v in found) for o in left)

    # Without values of memory, what a failure left in memory changes nothing.
    steady = [o for o in left if _is_steady(analysis, o)]

    def is_certain(found: Violation) -> bool:
        return any(breaks(found, o) for o in steady)

    for concrete, launches in instances(analysis.kernel, case.admitted):
        found = refute(concrete, launches, is_enough, is_certain)
        # What somebody vouches for is not held against the kernel, and neither is an assertion
        # about data: it is there to be checked.
        spared = [*lifted, *(o for o in left if _is_about_data(analysis, o))]
        violations = [v for v in found if not any(breaks(v, o) for o in spared)]
        if violations:
            return minimised(concrete, launches, violations)
    return []


def _is_steady(analysis: Analysis, obligation: Obligation) -> bool:
    """Whether a failure of `obligation` depends on indices and sizes alone."""
    for query in obligation.queries or ():
        for condition in query:
            if not is_arithmetic(condition):
                return False
            for poly in condition_polys(condition):
                for atom in analysis.terms.reachable((poly,)):
                    if isinstance(atom.form, Element) or atom in analysis.evaluator.undetermined:
                        return False
    return obligation.queries is not None


def _is_about_data(analysis: Analysis, obligation: Obligation) -> bool:
    """Whether it is an assertion that data can break, not sizes and indices alone."""
    return obligation.kind is Kind.ASSERTION and not _is_steady(analysis, obligation)


def _decide(case: _Case, obligation: Obligation, violations: list[Violation]) -> Result:
    from oxide_analyzer.proof.smt import Contradiction, Model, Undecided, decide

    analysis, admitted = case.analysis, case.admitted
    if obligation.queries is None:
        return Unknown(obligation.reason)
    by_affine = True
    for query in obligation.queries:
        if refutes_patiently(analysis.terms, query):
            continue
        by_affine = False
        match decide(analysis.terms, query):
            case Contradiction():
                continue
            case Undecided(reason=reason):
                return Unknown(reason)
            case Model() as model:
                if symbols(analysis.kernel) or analysis.kernel.callables:
                    return Unknown(_missing(query))
                if _is_about_data(analysis, obligation):
                    return Unknown("it is about data, which the launch brings")
                launch = launch_of(analysis, admitted, model)
                if launch is None:
                    return Unknown(_missing(query))
                known = {place_of(v.failure) for v in violations}
                for violation in replay(analysis.kernel, launch):
                    if place_of(violation.failure) not in known:
                        violations.append(violation)
                    if breaks(violation, obligation):
                        return Refuted(violation)
                return Unknown(_missing(query))
    return Proved("affine" if by_affine else "z3")


def _missing(query: Query) -> str:
    """What a model had to assume, for the reason of an unproved obligation."""
    if current().is_spent:
        return SPENT
    for condition in query:
        for poly in condition_polys(condition):
            for atom in poly.atoms():
                if isinstance(atom.form, Variable) and atom.form.assumed is not None:
                    return f"it depends on {atom.form.assumed}"
    return "the prover found neither a proof nor a launch that breaks it"
