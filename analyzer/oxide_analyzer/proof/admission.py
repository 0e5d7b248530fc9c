"""Which of the facts that would do are taken for granted, and which are only offered.

Facts are inferred together: they must admit a launch of two blocks of 64 threads, which the
interpreter finds and runs, and in which every access and barrier still happens in both blocks,
by two threads wherever it did without them. Facts that silence the kernel prove nothing.

A fact about lengths, block extents, or a scalar beyond its sign repairs what one thread owes to
memory. Two threads are judged without it: a length that is longer than the contract asks for
must not rule out the launches in which they race (`for_threads`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import negate
from oxide_analyzer.interpreter import sites, visited
from oxide_analyzer.ir.nodes import Compare, CompareOp, Param, Symbol
from oxide_analyzer.ir.specialise import StandIn, fold, specialise, with_functions
from oxide_analyzer.ir.walk import expressions, subexpressions
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.inference import Candidate, infer
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.proof.plain import plainly_contradict
from oxide_analyzer.proof.subjects import TOGETHER
from oxide_analyzer.proof.trials import EXACT, SHORT

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Number
    from oxide_analyzer.proof.subjects import Obligation

_ADMISSION_STEPS = 150_000
_ADMISSION_TOTAL = 2_000_000
_USUAL_THREADS = 256
_QUICK = 500
_SYMBOL_VALUES = (8, 32, 3)


def chosen(
    analysis: Analysis,
    todo: tuple[Obligation, ...],
    answered: Container[Obligation],
    flat: frozenset[int],
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """Facts that prove more and are admitted; and those that are only offered."""
    wanted: dict[str, Candidate] = {}
    for obligation in todo:
        if obligation in answered:
            continue
        if proved_under(analysis, obligation, tuple(wanted.values())):
            continue
        for candidate in infer(analysis, obligation) or ():
            if not _is_given(analysis.kernel, candidate):
                wanted.setdefault(candidate.text, candidate)
    facts = _useful(tuple(f for f in wanted.values() if not _silences(analysis, f)))
    if not facts:
        return (), tuple(wanted.values())
    admission = _Admission(analysis.kernel, flat)
    if admission.admits(facts):
        return facts, ()
    single = tuple(f for f in facts if admission.admits((f,)))
    if single and admission.admits(single):
        return single, tuple(f for f in facts if f not in single)
    return (), facts


def admitted(analysis: Analysis, flat: frozenset[int], facts: tuple[Candidate, ...]) -> bool:
    """Whether facts may be taken together, and some launch fulfils them."""
    if _silences(analysis, *facts):
        return False
    kernel, exprs = analysis.kernel, tuple(f.expr for f in facts)
    for _, launches in instances(kernel, Admitted(kernel, exprs, flat)):
        if next(launches.small(1), None) is None:
            return False
    return _Admission(kernel, flat).admits(facts)


def strongest(facts: Collection[Candidate]) -> tuple[Candidate, ...]:
    """The facts that no other one implies: of `len(a) >= 1` and `len(a) >= 2` the second."""
    kept = list(facts)
    for fact in facts:
        unless = negate(fact.condition)
        others = (other for other in kept if other is not fact)
        if any(plainly_contradict((o.condition, unless)) for o in others):
            kept.remove(fact)
    return tuple(kept)


def _useful(facts: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """The strongest, and signs, which may serve two threads where what implies them may not."""
    kept = strongest(facts)
    return tuple(f for f in facts if f.is_sign or f in kept)


def _is_given(kernel: Kernel, fact: Candidate) -> bool:
    """Whether a launch that the source shows says which values a scalar of the fact takes.

    for step in range(n): k[8, 64](a, step)      `step < len(a) - 1` is not for the kernel to ask
    """
    if not kernel.launches:
        return False
    ends: dict[CompareOp, set[str]] = {CompareOp.GE: set(), CompareOp.LT: set()}
    for requirement in kernel.contract.requires:
        condition = requirement.condition
        if isinstance(condition, Compare) and condition.op in ends:
            left = subexpressions(condition.left)
            ends[condition.op].update(e.name for e in left if isinstance(e, Param))
    given = ends[CompareOp.GE] & ends[CompareOp.LT]
    return any(isinstance(e, Param) and e.name in given for e in subexpressions(fact.expr))


def _silences(analysis: Analysis, *facts: Candidate) -> bool:
    """Whether facts rule out an access: `mode >= 1`, where there is one under `mode == 0`."""
    ways = dict.fromkeys(a.path for a in analysis.effects.whole)
    conditions = tuple(fact.condition for fact in facts)
    return any(
        refutes(analysis.terms, (*conditions, *way), _QUICK)
        and not refutes(analysis.terms, way, _QUICK)
        for way in ways
    )


def proved_under(analysis: Analysis, obligation: Obligation, facts: Collection[Candidate]) -> bool:
    """Whether `facts`, as far as they may serve it, prove an obligation."""
    useful = for_threads(facts) if obligation.kind in TOGETHER else tuple(facts)
    if not useful or obligation.queries is None:
        return False
    assumed = tuple(c.condition for c in useful)
    return all(refutes(analysis.terms, (*assumed, *q)) for q in obligation.queries)


def for_threads(facts: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The facts that may serve what two threads owe each other: scalars that are not negative."""
    return tuple(f for f in facts if f.is_sign)


class _Admission:
    """Which facts a launch of two blocks of 64 threads fulfils that still does everything.

    Every access and barrier that runs without the facts runs with them: in both blocks, and by
    two threads wherever it did. A kernel that is long to run is asked about few facts.
    """

    def __init__(self, kernel: Kernel, flat: frozenset[int]) -> None:
        self._kernel = kernel
        self._flat = flat
        self._steps = 0
        self._without: tuple[dict[tuple[int, int], int] | None] | None = None

    def admits(self, facts: tuple[Candidate, ...]) -> bool:
        """Whether there is such a launch for all of these together."""
        if self._steps > _ADMISSION_TOTAL:
            return False
        exprs = tuple(f.expr for f in facts)
        for concrete, launches in instances(
            self._kernel, Admitted(self._kernel, exprs, self._flat)
        ):
            if self._without is None:
                # That two threads of each block come somewhere is all that is ever asked for.
                every = {(site, block): 2 for site in sites(concrete) for block in (0, 1)}
                without = self._visits(concrete, Admitted(concrete, (), self._flat), every)
                self._without = (without,)
            (without,) = self._without
            if without is None:
                return True
            asked = {place: min(count, 2) for place, count in without.items()}
            under = self._visits(concrete, launches, asked)
            return under is not None and not _missing(asked, under)
        return False

    def _visits(
        self, kernel: Kernel, launches: Admitted, asked: dict[tuple[int, int], int]
    ) -> dict[tuple[int, int], int] | None:
        """How many threads of a block come to a site, (site, block), where most do, as far as that
        is asked; None: no launch."""
        found: dict[tuple[int, int], int] = {}
        chosen = [launch for v in (EXACT, SHORT) if (launch := launches.two_blocks(v)) is not None]
        if not chosen:
            return None
        for launch in chosen:
            missing = _missing(asked, found)
            if not missing:
                break
            threads = launch.block[0] * launch.block[1] * launch.block[2]
            # Blocks that the contract makes large take more steps for the same.
            budget = _ADMISSION_STEPS * max(1, threads // _USUAL_THREADS)
            visits, steps = visited(kernel, launch, missing, budget)
            self._steps += steps
            for site, block in asked:
                count = sum(t // threads == block for t in visits.get(site, ()))
                found[site, block] = max(found.get((site, block), 0), count)
        return found


def _missing(
    asked: dict[tuple[int, int], int], found: dict[tuple[int, int], int]
) -> dict[tuple[int, int], int]:
    """What was asked for and not found."""
    return {place: count for place, count in asked.items() if found.get(place, 0) < count}


# ---------------------------------------------------------------- compile-time constants


def instances(kernel: Kernel, admitted: Admitted) -> Iterable[tuple[Kernel, Admitted]]:
    """The kernel with its open compile-time constants put in."""
    names = symbols(kernel)
    if kernel.callables:
        for choice in StandIn:
            closed = with_functions(kernel, choice)
            yield from instances(closed, Admitted(closed, admitted.facts, admitted.flat))
        return
    if not names:
        yield kernel, admitted
        return
    for value in _SYMBOL_VALUES:
        values: dict[str, Number] = {
            s.name: s.type == BOOL or (float(value) if s.type.is_float else value) for s in names
        }
        concrete = specialise(kernel, values)
        facts = tuple(fold(fact, values) for fact in admitted.facts)
        yield concrete, Admitted(concrete, facts, admitted.flat)


def symbols(kernel: Kernel) -> list[Symbol]:
    """The compile-time constants whose value is not known."""
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
