"""A slice of `benchmarks/fuzz_soundness.py`: nothing proved is broken by a launch."""

from dataclasses import replace

import pytest

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import Named
from oxide_analyzer.proof.verdicts import Proved
from programs import proofs, soundness

pytestmark = pytest.mark.fuzz

# Kinds and seeds that the analyzer once failed on.
FAILED = [("mixed", 2030631)]


@pytest.mark.parametrize(
    "kind", ["wild", "tangled", "lanes", "handover", "forms", "calls", "waits"]
)
@pytest.mark.parametrize("seeds", [range(start, start + 6) for start in (0, 20)], ids=str)
def test_verdicts_on_random_kernels_hold(seeds, kind):
    tally = soundness.try_all(seeds, runs=6, kind=kind)
    assert [(r.seed, r.reason) for r in tally.refutations] == []
    assert tally.runs > 8


def test_runs_come_under_all_schedules():
    schedules = [soundness.schedule_of(number) for number in range(40)]
    assert set(Named) <= set(schedules)
    seeds = [s for s in schedules if not isinstance(s, Named)]
    assert len(set(seeds)) == len(seeds) == 20


@pytest.mark.parametrize(("kind", "verdict"), [
    ("wild", Verdict.PROVED), ("wild", Verdict.VIOLATED), ("lanes", Verdict.PROVED),
    ("handover", Verdict.PROVED), ("forms", Verdict.PROVED),
])  # fmt: skip
def test_verdicts_that_do_not_hold_are_refuted(monkeypatch, kind, verdict):
    honest = soundness.check

    def rash(source, modules):
        report = honest(source, modules)
        kernels = tuple(replace(k, verdict=verdict, diagnostics=()) for k in report.kernels)
        return replace(report, kernels=kernels)

    monkeypatch.setattr(soundness, "check", rash)
    tally = soundness.try_all(range(12), runs=8, kind=kind)
    assert len(tally.refutations) >= 2
    if verdict is Verdict.PROVED:
        assert all(r.launch is not None for r in tally.refutations)


@pytest.mark.parametrize("kind", ["mixed", "hidden"])
def test_each_proof_holds_by_itself(kind):
    tally = proofs.prove_all(range(100, 116), runs=6, kind=kind)
    assert [(r.seed, r.reason) for r in tally.refutations] == []
    assert tally.reasons["race: proved by affine"] > 5


def test_a_proof_that_does_not_hold_is_refuted(monkeypatch):
    honest = proofs.analysis.examined

    def rash(kernel):
        judgement = honest(kernel)
        judged = tuple(replace(one, result=Proved("rash")) for one in judgement.judged)
        return replace(judgement, judged=judged)

    monkeypatch.setattr(proofs.analysis, "examined", rash)
    tally = proofs.prove_all(range(12), runs=6, kind="mixed")
    assert len(tally.refutations) >= 3
    assert all(r.launch is not None for r in tally.refutations)


@pytest.mark.parametrize(("kind", "seed"), FAILED)
def test_what_once_failed(kind: str, seed: int) -> None:
    assert soundness.try_all([seed], runs=6, kind=kind).refutations == []


@pytest.mark.parametrize(("kind", "seed"), [("wild", 7149), ("lanes", 7108)])
def test_what_once_failed_as_a_kernel_of_numba(kind: str, seed: int) -> None:
    tally = soundness.try_all([seed], runs=6, kind=kind, foreign=True)
    assert tally.refutations == []
    assert Verdict.PROVED.value not in tally.verdicts
