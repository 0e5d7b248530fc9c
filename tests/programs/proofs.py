"""Each proof of a random kernel by itself: does anything break what one of the provers has shown?

The analyzer runs small launches before it asks z3, and what these break nobody tries to prove; of a
kernel that is broken in one place, the proofs about its other places are never looked at. Here no
launch comes first, and every obligation is decided by the provers alone. Then the kernel is run,
and a failure that no other one can have caused must break something that is not proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

from oxide_analyzer import analysis
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import HarmfulExit, run
from oxide_analyzer.modules import NoModules
from oxide_analyzer.proof import ladder
from oxide_analyzer.proof.refute import breaks, kind_of
from oxide_analyzer.proof.subjects import Kind
from oxide_analyzer.proof.verdicts import Proved, Violation

from .features import features, spoken
from .generate import KINDS, launches_of
from .program import is_telling
from .soundness import Refutation, Tally, said, schedule_of, under_its_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.report import KernelReport

    from .program import Program


def prove_all(seeds: Iterable[int], *, runs: int, budget: int = 200_000, kind: str) -> Tally:
    """Judge the program of each seed and run it on at most `runs` random launches.

    The tally's reasons count obligations: what they are about, and what came of them.
    """
    tally = Tally()
    for seed in seeds:
        try:
            _try(KINDS[kind](seed), runs, budget, tally)
        except Exception as error:  # one crash is a finding, and not the end of a long run
            tally.refutations.append(Refutation(seed, f"raised {error!r}"))
    return tally


def judged_by_provers(program: Program) -> tuple[KernelReport, Judgement] | None:
    """What the provers say of a program with no launch run before; None if it cannot be read."""
    found: list[Judgement] = []

    def examined(kernel: Kernel) -> Judgement:
        found.append(honest(kernel))
        return found[-1]

    honest = analysis.examined
    with (
        patch.object(ladder, "_violate", lambda *_: []),
        patch.object(ladder, "replay", lambda *_: []),
        patch.object(analysis, "examined", examined),
    ):
        reports = analysis.check(program.file, NoModules()).kernels
    return (reports[0], found[0]) if len(reports) == len(found) == 1 else None


def _try(program: Program, runs: int, budget: int, tally: Tally) -> None:
    tally.programs += 1
    judged = judged_by_provers(program)
    if judged is None or judged[0].kernel is None:
        tally.refutations.append(Refutation(program.seed, "the kernel could not be read"))
        return
    report, judgement = judged
    tally.verdicts[report.verdict.value] += 1
    made_of = features(report.kernel) | spoken(program.source)
    tally.features.update(made_of)
    if report.verdict is Verdict.PROVED:
        tally.features_of_proved.update(made_of)
    if judgement.contradictory:
        tally.contradictory += 1
        return
    for one in judgement.judged:
        how = f" by {one.result.tier}" if isinstance(one.result, Proved) else ""
        tally.reasons[f"{one.obligation.kind}: {type(one.result).__name__.lower()}{how}"] += 1
    kernel = under_its_facts(report, report.kernel)
    count = 0
    telling = False
    for launch in launches_of(program, kernel, 20 * runs):
        if count >= runs:
            break
        schedule = schedule_of(count)
        count += 1
        outcome = run(kernel, launch, schedule=schedule, budget=budget)
        tally.exhausted += outcome.exhausted
        telling = telling or is_telling(kernel, outcome)
        for failure in outcome.failures:
            found = Violation(failure, launch, schedule)
            if failure.clean and (reason := _is_proved_not_to(judgement, found)):
                shown = f"{reason}, but {said(failure)}"
                tally.refutations.append(Refutation(program.seed, shown, launch, schedule))
                tally.runs += count
                return
    tally.runs += count
    tally.never_run += count == 0
    tally.telling[report.verdict.value] += telling


def _is_proved_not_to(judgement: Judgement, found: Violation) -> str | None:
    """What is proved and says that this failure cannot be; None if something open may be it."""
    kind = kind_of(found.failure)
    about = [one for one in judgement.judged if breaks(found, one.obligation)]
    if isinstance(found.failure, HarmfulExit):
        # Who has left may have left an element unwritten that another thread reads.
        site = found.failure.access.site
        elements = (j for j in judgement.judged if j.obligation.kind is Kind.ELEMENT)
        about.extend(one for one in elements if site in one.obligation.sites)
    if kind is Kind.LOCAL and not about:
        # An undefined number may be handed on for a while, and read where nothing is asked.
        about = [one for one in judgement.judged if one.obligation.kind is kind]
    if not about:
        return f"nothing is asked about {kind}"
    proved = [one.result for one in about if isinstance(one.result, Proved)]
    return f"{kind} proved by {proved[0].tier}" if len(proved) == len(about) else None
