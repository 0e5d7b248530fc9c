"""What is known about a file: `check(source) -> Report`, and the only place that makes proofs.

    source ─► frontend ─► kernels ─► proof ladder ─► findings ─► suppressions ─► Report

Never raises for a user's file: whatever is wrong with it is a diagnostic with a code and a place.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from oxide_analyzer import deadline, suppressions
from oxide_analyzer.checked import CheckedKernel, Fact
from oxide_analyzer.contract import limits
from oxide_analyzer.diagnostics import ObligationCounts, Place, Severity, Verdict
from oxide_analyzer.findings import findings
from oxide_analyzer.fixes.names import Writer
from oxide_analyzer.frontends import read
from oxide_analyzer.instances import by_source
from oxide_analyzer.ir.kernel import OWN_DIALECT, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Logic,
    LogicOp,
    Ownership,
    Param,
    Register,
    Space,
    Special,
)
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.language.types import BOOL, I64
from oxide_analyzer.modules import RecordedModules
from oxide_analyzer.proof.admission import strongest
from oxide_analyzer.proof.allowance import allowed
from oxide_analyzer.proof.ladder import Judgement, judge
from oxide_analyzer.proof.memory import kind_of_claim
from oxide_analyzer.proof.natural import answered_for
from oxide_analyzer.proof.subjects import TOGETHER, Kind
from oxide_analyzer.proof.verdicts import Lifted, Proved, Refuted, Unknown
from oxide_analyzer.proof.vouched import unsafe_blocks
from oxide_analyzer.report import KernelReport, Report
from oxide_analyzer.rules import ox901_unproved_race as ox901
from oxide_analyzer.situations import in_situations
from oxide_analyzer.wording import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends import Earlier
    from oxide_analyzer.frontends.oxide import Unread
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile, Span

_COMPACT_LIMIT = 2**31


def check(
    source: SourceFile,
    modules: Modules,
    check_one: Callable[[Kernel], KernelReport] | None = None,
    earlier: Earlier | None = None,
) -> Report:
    """The kernels of a file with their verdicts, and all its diagnostics.

    `check_one` stands in for `check_kernel`, for who remembers verdicts of unchanged kernels, and
    `earlier` is what such a one remembers of what was read.
    """
    # Who checks one kernel does without it.
    from oxide_analyzer import host

    seen = RecordedModules(modules)
    reading = read(source, seen, earlier)
    check_one = check_one or check_kernel
    kernels = by_source(
        [(k, _with_reading(check_one(k), reading.diagnostics)) for k in reading.kernels]
    )
    judged = _judged(kernels)
    kernels += [_unread(unread, reading.diagnostics) for unread in reading.unread]
    kernels.sort(key=lambda report: report.span)
    writer = Writer(source)
    kernels = [
        replace(report, diagnostics=writer.written(report.diagnostics, report.dialect))
        for report in kernels
    ]
    read_ones = writer.written(reading.diagnostics, OWN_DIALECT)
    found = [*read_ones, *(d for kernel in kernels for d in kernel.diagnostics)]
    found += host.findings(source, seen, reading.kernels, kernels)
    once = {(d.span, d.code, d.message, d.kernel): d for d in found}
    places = [report.span for report in kernels]
    diagnostics = suppressions.apply(source, tuple(once.values()), seen.found, judged, places)
    return Report(source.path, tuple(kernels), diagnostics)


def _judged(kernels: list[KernelReport]) -> list[Span]:
    """The kernels about which everything is said that can be said; OX701 needs that."""
    return [
        report.span
        for report in kernels
        if report.verdict is not Verdict.VIOLATED
        and not report.stopped
        and all(d.code != "OX403" for d in report.diagnostics)
    ]


def check_kernel(kernel: Kernel) -> KernelReport:
    """The verdict on one kernel, in all its situations.

    Under a deadline it may be `stopped`: unproved for now, and not to be remembered.
    """
    return in_situations(kernel, _check)


def check_kernel_to_show(kernel: Kernel) -> KernelReport:
    """The same, with what an editor shows beside the lines of the kernel."""
    return in_situations(kernel, _check_to_show)


def runnable(kernel: Kernel, may_overlap: bool = False) -> tuple[KernelReport, CheckedKernel]:
    """The verdict on a kernel of a dialect in which everything runs, and what runs: with a check
    in the place of whatever is not proved. Of a kernel that is violated nothing is taken as proved,
    nor of one whose arrays `may_overlap`."""
    start = perf_counter()
    report, judgement = _judged_once(kernel)
    report = replace(
        report,
        diagnostics=tuple(spoken(d, kernel.dialect) for d in report.diagnostics),
        milliseconds=1e3 * (perf_counter() - start),
    )
    if judgement is None or report.verdict is Verdict.VIOLATED or judgement.contradictory:
        return report, unproved(kernel, may_overlap)
    if may_overlap:
        return report, unproved(kernel, may_overlap)
    return report, _admitted(judgement, report.facts)


def _check(kernel: Kernel) -> KernelReport:
    """The verdict on one kernel under its contract, for the constants whose values are known."""
    return _judged_once(kernel)[0]


def _check_to_show(kernel: Kernel) -> KernelReport:
    from oxide_analyzer.insights import insights

    report, judgement = _judged_once(kernel)
    if judgement is None:
        return report
    return replace(report, insights=insights(judgement, report.facts))


def _judged_once(kernel: Kernel) -> tuple[KernelReport, Judgement | None]:
    start = perf_counter()
    try:
        with allowed():
            judgement = examined(kernel)
            facts = _facts(judgement)
            diagnostics = findings(judgement, facts)
    except deadline.Stopped as stopped:
        return _stopped(kernel, str(stopped), 1e3 * (perf_counter() - start)), None
    verdict = _verdict(judgement, diagnostics)
    report = KernelReport(
        name=kernel.name,
        qualname=kernel.qualname,
        span=kernel.span,
        name_span=kernel.name_span,
        dialect=kernel.dialect,
        verdict=verdict,
        kernel=kernel,
        facts=facts,
        obligations=_counts(judgement),
        diagnostics=diagnostics,
        checked=_checked(judgement, facts, diagnostics),
        milliseconds=1e3 * (perf_counter() - start),
        assumed=tuple(Place(a.span.line, a.span.column, a.what) for a in kernel.assumptions),
        unsafe=_unsafe(kernel),
    )
    return report, judgement


# ---------------------------------------------------------------- verdicts


def examined(kernel: Kernel) -> Judgement:
    """What stands behind the verdict on a kernel, for the constants whose values are known."""
    known = {c.symbol: c.value for c in kernel.constants if c.value is not None}
    return answered_for(judge(specialise(kernel, known) if known else kernel))


def unproved(kernel: Kernel, may_overlap: bool = False) -> CheckedKernel:
    """A kernel of which nothing is proved, races included: for who watches it while it runs, and
    for dialects in which everything runs."""
    nothing: frozenset[int] = frozenset()
    if may_overlap:
        # What one array reads, another may write.
        kernel = replace(kernel, arrays={n: _written(a) for n, a in kernel.arrays.items()})
    return CheckedKernel(kernel, (), nothing, nothing, frozenset(), False, may_overlap=may_overlap)


def _verdict(judgement: Judgement, diagnostics: tuple[Diagnostic, ...]) -> Verdict:
    if any(d.verdict is Verdict.VIOLATED for d in diagnostics):
        return Verdict.VIOLATED
    if judgement.contradictory:
        return Verdict.UNPROVED
    held = all(isinstance(j.result, (Proved, Lifted)) for j in judgement.judged)
    if held and not judgement.violations and not any(d.code == "OX304" for d in diagnostics):
        return Verdict.PROVED
    return Verdict.UNPROVED


def _counts(judgement: Judgement) -> ObligationCounts:
    proved: dict[str, int] = {}
    violated = unproved = lifted = 0
    for judged in judgement.judged:
        match judged.result:
            case Proved(tier=tier):
                proved[tier] = proved.get(tier, 0) + 1
            case Refuted():
                violated += 1
            case Unknown():
                unproved += 1
            case Lifted():
                lifted += 1
    return ObligationCounts(proved, violated, unproved, lifted)


def _written(array: Array) -> Array:
    if array.space is Space.GLOBAL and array.ownership is Ownership.READ_ONLY:
        return replace(array, ownership=Ownership.DISJOINT)
    return array


# What a run-time check can take the place of.
_CHECKED = (Kind.BOUNDS, Kind.DIVISOR, Kind.ALIGNMENT, Kind.ASSERTION)


def _checked(
    judgement: Judgement, facts: tuple[Fact, ...], diagnostics: tuple[Diagnostic, ...]
) -> CheckedKernel | None:
    """The proof that the back end asks for, if there is one."""
    if judgement.violations or any(d.severity is Severity.ERROR for d in diagnostics):
        return None
    if judgement.analysis.kernel.callables or judgement.analysis.kernel.constants:
        # A launch says what is open, and has that kernel judged.
        return None
    for judged in judgement.judged:
        if judged.obligation.kind in TOGETHER and not isinstance(judged.result, Proved | Lifted):
            return None
    return _admitted(judgement, facts)


def _admitted(judgement: Judgement, facts: tuple[Fact, ...]) -> CheckedKernel:
    """What runs, with a check where there is no proof; races and barriers have none."""
    unchecked: dict[Kind, set[int]] = {kind: set() for kind in _CHECKED}
    open_arrays: set[str] = set()
    for judged in judgement.judged:
        obligation = judged.obligation
        if isinstance(judged.result, Proved) or obligation.kind in TOGETHER:
            continue
        if obligation.kind in _CHECKED:
            unchecked[obligation.kind] |= obligation.sites
        else:
            open_arrays.add(obligation.memory)
    effects = judgement.analysis.effects
    kernel = judgement.analysis.kernel
    sites: dict[Kind, set[int]] = {kind: set() for kind in _CHECKED}
    sites[Kind.BOUNDS].update(a.site for a in effects.whole)
    sites[Kind.DIVISOR].update(d.site for d in effects.divisors)
    for claim in effects.claims:
        sites[kind_of_claim(claim)].add(claim.stmt.site)
    proved = {kind: frozenset(sites[kind] - unchecked[kind]) for kind in _CHECKED}
    names = {*kernel.arrays, *(r.name for r in effects.reads), *judgement.analysis.locals}
    return CheckedKernel(
        kernel,
        facts,
        proved[Kind.BOUNDS],
        proved[Kind.DIVISOR],
        frozenset(names - open_arrays),
        judgement.compact,
        proved[Kind.ALIGNMENT],
        proved[Kind.ASSERTION],
        kernel.contract.data,
    )


# ---------------------------------------------------------------- facts


def _facts(judgement: Judgement) -> tuple[Fact, ...]:
    """What every launch is checked for: the contract, and what the proof adds."""
    kernel = judgement.analysis.kernel
    declared = (*kernel.contract.requires, *limits(kernel))
    is_declared = not kernel.contract.is_inferred
    found = [Fact(r.condition, r.text, is_declared, r.span) for r in declared]
    if kernel.contract.is_inferred and kernel.contract.block is not None:
        for axis, extent in enumerate(kernel.contract.block):
            found.append(_is(kernel, Register.BLOCK_DIM, axis, extent))
    inferred = strongest(judgement.facts)
    found.extend(Fact(c.expr, c.text, False, kernel.name_span) for c in inferred)
    for axis in sorted(judgement.flat):
        registers = [Register.GRID_DIM]
        if kernel.contract.block is None:
            registers.insert(0, Register.BLOCK_DIM)
        for register in registers:
            found.append(_is(kernel, register, axis, Const(1, I64, kernel.name_span)))
    if judgement.compact:
        found.append(_compact(kernel))
    always = Const(True, BOOL, kernel.name_span)
    assumed = (fact for fact in kernel.contract.data if not fact.declared)
    found.extend(Fact(always, fact.text, False, fact.span) for fact in assumed)
    if _is_taken_apart(kernel):
        found.append(Fact(always, "arrays do not overlap", False, kernel.name_span))
    # What a launch shows need not be inferred as well.
    return tuple({fact.text: fact for fact in reversed(found)}.values())[::-1]


def _is_taken_apart(kernel: Kernel) -> bool:
    """Whether its arrays lie apart because nobody says otherwise: no launch is there to see."""
    arrays = [array.ownership for array in kernel.array_parameters()]
    is_unseen = kernel.dialect != OWN_DIALECT and not kernel.launches
    return is_unseen and len(arrays) > 1 and set(arrays) != {Ownership.READ_ONLY}


def _is(kernel: Kernel, register: Register, axis: int, extent: Expr) -> Fact:
    span = kernel.name_span
    condition = Compare(CompareOp.EQ, Special(register, axis, span), extent, span)
    return Fact(condition, f"{register}.{'xyz'[axis]} == {show_expr(extent)}", False, span)


def _compact(kernel: Kernel) -> Fact:
    """Every length, grid extent times block extent, and integer scalar is below 2**31."""
    span = kernel.name_span
    limit = Const(_COMPACT_LIMIT, I64, span)
    condition: Expr | None = None
    for quantity in _quantities(kernel):
        below: Expr = Compare(CompareOp.LT, quantity, limit, span)
        if isinstance(quantity, Convert):
            above = Compare(CompareOp.GT, quantity, Const(-_COMPACT_LIMIT, I64, span), span)
            below = Logic(LogicOp.AND, above, below, span)
        condition = below if condition is None else Logic(LogicOp.AND, condition, below, span)
    if condition is None:
        condition = Const(True, BOOL, span)
    return Fact(condition, "sizes fit 32 bits", False, span)


def _quantities(kernel: Kernel) -> Iterator[Expr]:
    span = kernel.name_span
    for array in kernel.array_parameters():
        for axis in range(array.held_rank if array.memory == array.name else 0):
            yield Dim(array.name, axis, span)
    for axis in range(3):
        grid, block = (
            Special(register, axis, span) for register in (Register.GRID_DIM, Register.BLOCK_DIM)
        )
        yield Binary(BinaryOp.MUL, grid, block, I64, span)
    for parameter in kernel.parameters:
        if isinstance(parameter, ScalarParameter) and parameter.type.is_integer:
            yield Convert(Param(parameter.name, parameter.type, span), I64, span)


# ---------------------------------------------------------------- readings


def _with_reading(report: KernelReport, diagnostics: tuple[Diagnostic, ...]) -> KernelReport:
    """A kernel that was read only without some of its statements is violated by those."""
    own = tuple(d for d in diagnostics if d.kernel == report.name and d.severity is Severity.ERROR)
    if not own:
        return report
    return replace(report, verdict=Verdict.VIOLATED, checked=None, promised="")


def _stopped(kernel: Kernel, reason: str, milliseconds: float) -> KernelReport:
    """A kernel that nobody waited for: unproved, with nothing known of it."""
    finding = ox901.RULE.diagnostic(
        kernel.name_span,
        ox901.stopped_message(),
        kernel=kernel.name,
        verdict=Verdict.UNPROVED,
        reason=reason,
    )
    return replace(
        _nothing_known(kernel, kernel.dialect, (finding,)),
        kernel=kernel,
        milliseconds=milliseconds,
        unsafe=_unsafe(kernel),
        stopped=True,
    )


def _unsafe(kernel: Kernel) -> tuple[Place, ...]:
    """The `unsafe` blocks of a kernel, with their reasons."""
    return tuple(
        Place(block.span.line, block.span.column, block.reason) for block in unsafe_blocks(kernel)
    )


def _unread(unread: Unread, diagnostics: tuple[Diagnostic, ...]) -> KernelReport:
    """A kernel that could not be read is unproved; its findings say why."""
    own = tuple(d for d in diagnostics if d.kernel == unread.name)
    return _nothing_known(unread, unread.dialect, own)


def _nothing_known(
    kernel: Kernel | Unread, dialect: str, diagnostics: tuple[Diagnostic, ...]
) -> KernelReport:
    return KernelReport(
        name=kernel.name,
        qualname=kernel.qualname,
        span=kernel.span,
        name_span=kernel.name_span,
        dialect=dialect,
        verdict=Verdict.UNPROVED,
        kernel=None,
        facts=(),
        obligations=ObligationCounts(),
        diagnostics=diagnostics,
        checked=None,
        milliseconds=0.0,
    )
