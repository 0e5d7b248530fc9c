"""Does the analyzer's answer about a random kernel hold? The interpreter tries to refute it.

A kernel that is proved must run without a failure on every launch that its contract and the
facts of its proof admit, whatever the order in which its threads take turns: each launch runs
under another schedule. One that is violated must come with a witness that was replayed. What
is unproved may be either; whether any launch fails says how often the analyzer gave up on a
kernel that is in fact safe, as far as these launches tell.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.analysis import check, check_kernel
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import Named, run
from oxide_analyzer.ir.kernel import Requirement
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.modules import NoModules
from oxide_analyzer.rules.ox403_contradictory_contract import RULE as CONTRADICTORY

from .features import features, spoken
from .generate import KINDS, launches_of
from .launches import describe
from .program import is_telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.interpreter import Failure, Schedule
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.report import KernelReport

    from .program import Program


@dataclass(frozen=True)
class Refutation:
    """A verdict that does not hold, with the launch that shows it where there is one."""

    seed: int
    reason: str
    launch: Launch | None = None
    schedule: Schedule | None = None

    def as_json(self) -> dict[str, object]:
        shown = None if self.launch is None else describe(self.launch)
        return {
            "seed": self.seed,
            "reason": self.reason,
            "launch": shown,
            "schedule": self.schedule,
        }


@dataclass
class Tally:
    """What came of a number of programs."""

    programs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    proved_runs: int = 0
    never_run: int = 0
    exhausted: int = 0
    # Unproved because no launch can fulfil the contract; not counted in the next.
    contradictory: int = 0
    unproved_without_failure: int = 0
    # Of those, the rule and the reason of the first unproved finding.
    reasons: Counter[str] = field(default_factory=Counter)
    # Programs of which a run had two threads at an access in a loop or a branch, by verdict.
    telling: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    features_of_proved: Counter[str] = field(default_factory=Counter)
    refutations: list[Refutation] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.programs += other.programs
        self.verdicts += other.verdicts
        self.runs += other.runs
        self.proved_runs += other.proved_runs
        self.never_run += other.never_run
        self.exhausted += other.exhausted
        self.contradictory += other.contradictory
        self.unproved_without_failure += other.unproved_without_failure
        self.reasons += other.reasons
        self.telling += other.telling
        self.features += other.features
        self.features_of_proved += other.features_of_proved
        self.refutations += other.refutations


def try_all(
    seeds: Iterable[int],
    *,
    runs: int,
    budget: int = 300_000,
    kind: str = "wild",
    foreign: bool = False,
) -> Tally:
    """Check the program of each seed and run it on at most `runs` random launches; `foreign` ones
    as if they were of Numba, where facts stand in for what a contract lacks."""
    tally = Tally()
    for seed in seeds:
        try:
            _try(KINDS[kind](seed), runs, budget, tally, foreign)
        except Exception as error:  # one crash is a finding, and not the end of a long run
            tally.refutations.append(Refutation(seed, f"raised {error!r}"))
    return tally


def schedule_of(number: int) -> Schedule:
    """The schedule of the `number`-th run: the named ones by turns, and seeds of random ones."""
    named = (Named.IN_ORDER, Named.REVERSE, Named.ROUND_ROBIN, Named.WARPS)
    turn, which = divmod(number, 2 * len(named))
    return named[which] if which < len(named) else turn * len(named) + which


def _foreign(kernel: Kernel, seed: int) -> KernelReport:
    """The report on a kernel as one of Numba, without most of its contract."""
    random = Random(seed)
    requires = tuple(r for r in kernel.contract.requires if random.random() < 0.3)
    contract = replace(kernel.contract, requires=requires)
    return check_kernel(replace(kernel, dialect="numba", contract=contract))


def _try(program: Program, runs: int, budget: int, tally: Tally, foreign: bool) -> None:
    seed = program.seed
    tally.programs += 1
    reports = check(program.file, NoModules()).kernels
    report = reports[0] if len(reports) == 1 else None
    if report is not None and report.kernel is not None and foreign:
        report = _foreign(report.kernel, seed)
    if report is None or report.kernel is None:
        tally.refutations.append(Refutation(seed, "the kernel could not be read"))
        return
    tally.verdicts[report.verdict.value] += 1
    made_of = features(report.kernel) | spoken(program.source)
    tally.features.update(made_of)
    if report.verdict is Verdict.PROVED:
        tally.features_of_proved.update(made_of)
    if report.verdict is Verdict.VIOLATED:
        problem = _witnesses(report)
        if problem is not None:
            tally.refutations.append(Refutation(seed, problem))
    # Of a violated kernel the witness was replayed; its runs only say whether it tells something.
    wanted = 1 if report.verdict is Verdict.VIOLATED else runs
    kernel = under_its_facts(report, report.kernel)
    failed = telling = False
    count = 0
    for launch in launches_of(program, kernel, 40 * runs):
        schedule = schedule_of(count)
        outcome = run(kernel, launch, schedule=schedule, budget=budget, failures_limit=1)
        tally.exhausted += outcome.exhausted
        telling = telling or is_telling(kernel, outcome)
        count += 1
        if outcome.failures:
            failed = True
            if report.verdict is Verdict.PROVED:
                reason = f"proved, but {said(outcome.failures[0])}"
                tally.refutations.append(Refutation(seed, reason, launch, schedule))
            break
        if count >= wanted:
            break
    tally.runs += count
    tally.telling[report.verdict.value] += telling
    tally.never_run += count == 0
    if report.verdict is Verdict.PROVED:
        tally.proved_runs += count
    elif any(d.code == CONTRADICTORY.code for d in report.diagnostics):
        tally.contradictory += 1
    elif report.verdict is Verdict.UNPROVED and not failed:
        tally.unproved_without_failure += 1
        tally.reasons[_reason(report)] += 1


def under_its_facts(report: KernelReport, kernel: Kernel) -> Kernel:
    """The kernel with the facts of its proof as part of its contract, and without symbols."""
    facts = tuple(Requirement(f.condition, f.text, f.span) for f in report.facts if not f.declared)
    contract = replace(kernel.contract, requires=(*kernel.contract.requires, *facts))
    stated = replace(kernel, contract=contract)
    return specialise(stated, source_values(stated))


def _reason(report: KernelReport) -> str:
    """Why a kernel is unproved, without the names that it uses."""
    first = next(d for d in report.diagnostics if d.verdict is Verdict.UNPROVED)
    said = first.reason or "a warning by design"
    return f"{first.code} {re.sub('`[^`]*`', '`…`', said)}"


def _witnesses(report: KernelReport) -> str | None:
    """What is wrong with the witnesses of a violated kernel."""
    found = [d for d in report.diagnostics if d.verdict is Verdict.VIOLATED]
    if not found:
        return "violated, without a finding that says so"
    for diagnostic in found:
        if diagnostic.witness is None:
            return f"violated, {diagnostic.code} without a witness"
        if not diagnostic.witness.replayed:
            return f"violated, {diagnostic.code} with a witness that was not replayed"
    return None


def said(failure: Failure) -> str:
    """A failure in one line."""
    kind = type(failure).__name__
    names = ("event", "first", "second", "waiting", "other", "exit", "access")
    events = [getattr(failure, name, None) for name in names]
    places = [
        f"{e.kind} of {e.array}{e.index}, line {e.span.line}, block {e.block}, thread {e.thread}"
        for e in events
        if e is not None
    ]
    return f"{kind}: {'; '.join(places)}"
