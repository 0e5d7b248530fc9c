"""The proof ladder: uniformity and affine forms, small launches, then z3.

Each tier sees what the one before left open. What a fact about launches would prove is proved
under that fact, if all facts together admit a launch of two blocks of 64 threads in which every
statement still runs (`admits`); a concrete launch that breaks the rest is a violation; what z3
refutes is proved; what z3 has a model of is replayed, and is a violation if the interpreter runs
into a failure and unproved if not.

Budgets count steps, so there is one verdict for one kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import condition_polys, is_arithmetic
from oxide_analyzer.facts.effects import Analysis, analyse, contradicts_itself
from oxide_analyzer.facts.polys import Element, Variable
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.nodes import Atomic, Const, Space, Store, Symbol
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.inference import Candidate, infer
from oxide_analyzer.proof.launches import EXACT, SHORT, Admitted, axes_read
from oxide_analyzer.proof.obligations import obligations
from oxide_analyzer.proof.realisation import launch_of
from oxide_analyzer.proof.refute import breaks, place_of, refute, replay
from oxide_analyzer.proof.subjects import Kind, Obligation, Query
from oxide_analyzer.proof.verdicts import Judged, Proved, Refuted, Result, Unknown, Violation
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Number

_ADMISSION_STEPS = 150_000
_SYMBOL_VALUES = (8, 32, 3)


@record
class Judgement:
    """All obligations of a kernel with their answers, and what they hold under.

    `violations` are what the interpreter ran into, those of no obligation included. `flat` are
    the axes whose extent the proof takes to be 1; `compact` says that it takes sizes to fit 32
    bits. Under a `contradictory` contract nothing is judged.
    """

    analysis: Analysis
    judged: tuple[Judged, ...]
    violations: tuple[Violation, ...]
    facts: tuple[Candidate, ...]
    offered: tuple[Candidate, ...]
    flat: frozenset[int]
    compact: bool
    contradictory: bool = False


def judge(kernel: Kernel) -> Judgement:
    """Climb the ladder for one kernel; its known constants are already put in."""
    flat = _flat(kernel)
    compact = False
    analysis = analyse(kernel, (), flat, compact=False)
    if contradicts_itself(kernel):
        return Judgement(analysis, (), (), (), (), flat, compact, contradictory=True)
    todo = obligations(analysis)
    answers = _affine(analysis, todo)
    if analysis.may_wrap and len(answers) < len(todo):
        narrow = analyse(kernel, (), flat, compact=True)
        narrow_todo = obligations(narrow)
        narrow_answers = _affine(narrow, narrow_todo)
        # What wraps may be data that no proof reads: then the fact would help nobody.
        if len(narrow_answers) > len(answers) or len(narrow.may_wrap) < len(analysis.may_wrap):
            compact = True
            analysis, todo, answers = narrow, narrow_todo, narrow_answers
    facts, offered = _facts(analysis, todo, answers, flat)
    for obligation in todo:
        if obligation not in answers and _proved_under(analysis, obligation, facts):
            answers[obligation] = Proved("affine")
    if facts and len(answers) < len(todo):
        # What is still open may need the facts where values are made: a wrap, a closed form.
        analysis = analyse(kernel, tuple(f.expr for f in facts), flat, compact=compact)
        todo = obligations(analysis)
        answers = _affine(analysis, todo)
    admitted = Admitted(kernel, tuple(f.expr for f in facts), flat)
    violations: list[Violation] = []
    if len(answers) < len(todo):
        violations = _refute(analysis, admitted, todo, answers)
        for obligation in todo:
            if obligation in answers:
                continue
            if violations:
                answers[obligation] = Unknown("the kernel is violated elsewhere")
            else:
                answers[obligation] = _decide(analysis, obligation, admitted, violations)
    _lean(analysis, todo, answers)
    judged = tuple(Judged(o, answers[o]) for o in todo)
    return Judgement(analysis, judged, tuple(violations), facts, offered, flat, compact)


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


def _refute(
    analysis: Analysis,
    admitted: Admitted,
    todo: tuple[Obligation, ...],
    answers: dict[Obligation, Result],
) -> list[Violation]:
    left = [o for o in todo if o not in answers]

    def is_enough(found: list[Violation]) -> bool:
        return all(any(breaks(v, o) for v in found) for o in left)

    # Without values of memory, what a failure left in memory changes nothing.
    steady = [o for o in left if _is_steady(analysis, o)]

    def is_certain(found: Violation) -> bool:
        return any(breaks(found, o) for o in steady)

    violations: list[Violation] = []
    for concrete, launches in _instances(analysis.kernel, admitted):
        violations = refute(concrete, launches, is_enough, is_certain)
        if violations:
            break
    for obligation in todo:
        for violation in violations:
            if breaks(violation, obligation):
                answers[obligation] = Refuted(violation)
                break
    return violations


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


def _instances(kernel: Kernel, admitted: Admitted) -> Iterable[tuple[Kernel, Admitted]]:
    """The kernel with its open compile-time constants put in."""
    symbols = _symbols(kernel)
    if not symbols:
        yield kernel, admitted
        return
    for value in _SYMBOL_VALUES:
        values: dict[str, Number] = {
            s.name: s.type == BOOL or (float(value) if s.type.is_float else value) for s in symbols
        }
        concrete = specialise(kernel, values)
        yield concrete, Admitted(concrete, admitted.facts, admitted.flat)


def _symbols(kernel: Kernel) -> list[Symbol]:
    found: dict[str, Symbol] = {}
    everywhere = list(expressions(kernel.body))
    everywhere.extend(e for a in kernel.arrays.values() for e in a.shape)
    everywhere.extend(kernel.contract.block or ())
    everywhere.extend(r.condition for r in kernel.contract.requires)
    for expr in everywhere:
        if isinstance(expr, Symbol):
            found.setdefault(expr.name, expr)
    for constant in kernel.constants:
        if constant.value is None and constant.symbol not in found:
            found[constant.symbol] = Symbol(constant.symbol, constant.type, constant.span)
    return list(found.values())


def _decide(
    analysis: Analysis, obligation: Obligation, admitted: Admitted, violations: list[Violation]
) -> Result:
    from oxide_analyzer.proof.smt import Contradiction, Model, Undecided, decide

    if obligation.queries is None:
        return Unknown(obligation.reason)
    for query in obligation.queries:
        if refutes(analysis.terms, query):
            continue
        match decide(analysis.terms, query):
            case Contradiction():
                continue
            case Undecided(reason=reason):
                return Unknown(reason)
            case Model() as model:
                if _symbols(analysis.kernel):
                    return Unknown(_missing(query))
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
    return Proved("z3")


def _missing(query: Query) -> str:
    """What a model had to assume, for the reason of an unproved obligation."""
    for condition in query:
        for poly in condition_polys(condition):
            for atom in poly.atoms():
                if isinstance(atom.form, Variable) and atom.form.assumed is not None:
                    return f"it depends on {atom.form.assumed}"
    return "the prover found neither a proof nor a launch that breaks it"


def _lean(
    analysis: Analysis, todo: tuple[Obligation, ...], answers: dict[Obligation, Result]
) -> None:
    """Convergence that rests on a uniform load needs the array to be free of races."""
    racy = {
        access.array
        for obligation in todo
        if obligation.kind in (Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT)
        and not isinstance(answers[obligation], Proved)
        for access in analysis.effects.whole
        if access.site in obligation.sites or obligation.kind is Kind.EXIT
    }
    broken = sorted(racy & analysis.uniform.leans)
    if not broken:
        return
    for obligation in todo:
        if obligation.kind is Kind.CONVERGENCE and isinstance(answers[obligation], Proved):
            answers[obligation] = Unknown(
                f"a condition is read from `{broken[0]}`, which is not proved free of races"
            )


# ---------------------------------------------------------------- facts


def _facts(
    analysis: Analysis,
    todo: tuple[Obligation, ...],
    answers: dict[Obligation, Result],
    flat: frozenset[int],
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """Facts that prove more and are admitted; and those that are only offered."""
    wanted: dict[str, Candidate] = {}
    for obligation in todo:
        if obligation in answers:
            continue
        if _proved_under(analysis, obligation, wanted.values()):
            continue
        for candidate in infer(analysis, obligation) or ():
            wanted.setdefault(candidate.text, candidate)
    if not wanted:
        return (), ()
    facts = tuple(wanted.values())
    if admits(analysis.kernel, facts, flat):
        return facts, ()
    single = tuple(f for f in facts if admits(analysis.kernel, (f,), flat))
    if single and admits(analysis.kernel, single, flat):
        return single, tuple(f for f in facts if f not in single)
    return (), facts


def _proved_under(analysis: Analysis, obligation: Obligation, facts: Collection[Candidate]) -> bool:
    if not facts or obligation.queries is None:
        return False
    assumed = tuple(c.condition for c in facts)
    return all(refutes(analysis.terms, (*assumed, *q)) for q in obligation.queries)


def admits(kernel: Kernel, facts: tuple[Candidate, ...], flat: frozenset[int]) -> bool:
    """Whether a launch of two blocks of 64 threads fulfils `facts` and still does everything.

    Every access and barrier that runs without the facts runs with them: in both blocks, and by
    two threads wherever it did.
    """
    exprs = tuple(f.expr for f in facts)
    for concrete, launches in _instances(kernel, Admitted(kernel, exprs, flat)):
        free = Admitted(concrete, (), flat)
        without, under = _visits(concrete, free), _visits(concrete, launches)
        if under is None or without is None:
            return without is None
        return all(min(count, 2) <= under.get(place, 0) for place, count in without.items())
    return False


def _visits(kernel: Kernel, launches: Admitted) -> dict[tuple[int, int], int] | None:
    """How many threads of a block come to a site, (site, block), where most do; None: no launch."""
    found: dict[tuple[int, int], int] = {}
    chosen = [launch for v in (EXACT, SHORT) if (launch := launches.two_blocks(v)) is not None]
    if not chosen:
        return None
    for launch in chosen:
        threads = launch.block[0] * launch.block[1] * launch.block[2]
        outcome = run(kernel, launch, budget=_ADMISSION_STEPS)
        for site, visits in outcome.visits.items():
            for block in (0, 1):
                count = sum(t // threads == block for t in visits)
                found[site, block] = max(found.get((site, block), 0), count)
    return found
