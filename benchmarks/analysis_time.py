"""How long the analysis of a kernel takes, and which prover it needed.

    python benchmarks/analysis_time.py [FILE…]

Reads and checks each example and each kernel of `tests/kernels` in one warm process, sizes
symbolic as their contracts leave them. A kernel's time is the median of several checks of its
file, from text to report. A kernel belongs to the heaviest tier that proved one of its
obligations. Writes `benchmarks/results/analysis_time.json`, unless files are named.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.report import KernelReport

ROUNDS = 5
TIERS = ("none", "syntax", "affine", "z3")  # the light ones first
SETS = {
    "examples": "examples",
    "safe kernels": "tests/kernels/safe",
    "unproved kernels": "tests/kernels/unproved",
    "broken kernels": "tests/kernels/unsafe",
}


@dataclass(frozen=True)
class Timing:
    """One kernel: `milliseconds` is the median of all rounds, `first` the first one."""

    path: str
    kernel: str
    verdict: str
    milliseconds: float
    first: float
    proved: Mapping[str, int]
    unproved: int

    @property
    def tier(self) -> str:
        """The heaviest tier that proved an obligation."""
        return max((tier for tier in self.proved if self.proved[tier]), key=_weight, default="none")


def main(files: list[str]) -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    if files:
        _print_set("files", [t for file in files for t in measure(Path(file))])
        return 0
    figures: dict[str, object] = {"rounds": ROUNDS}
    measured: list[Timing] = []
    for title, folder in SETS.items():
        paths = sorted(p for p in (ROOT / folder).glob("*.py") if p.name != "run_all.py")
        timings = [timing for path in paths for timing in measure(path)]
        _print_set(title, timings)
        figures[title] = _figures(timings)
        measured += timings
    _print_set("all", measured)
    figures["all"] = _figures(measured)
    figures["kernels"] = {
        t.path: {
            "verdict": t.verdict,
            "milliseconds": round(t.milliseconds, 2),
            "first": round(t.first, 2),
            "tier": t.tier,
            "proved": dict(t.proved),
            "unproved": t.unproved,
        }
        for t in measured
    }
    print(f"\n{write('analysis_time', figures, started).relative_to(ROOT)}")
    return 0


def measure(path: Path) -> list[Timing]:
    """The kernels of one file; a file's time is divided among its kernels as their reports say."""
    shown = path.resolve().relative_to(ROOT).as_posix() if path.is_absolute() else str(path)
    source = SourceFile(shown, path.read_text(encoding="utf-8"))
    times: list[float] = []
    reports: tuple[KernelReport, ...] = ()
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        reports = check(source, NoModules()).kernels
        times.append((time.perf_counter() - begin) * 1000)
    whole = sum(report.milliseconds for report in reports) or 1.0
    return [
        Timing(
            shown,
            report.name,
            report.verdict.value,
            statistics.median(times) * report.milliseconds / whole,
            times[0] * report.milliseconds / whole,
            report.obligations.proved,
            report.obligations.unproved,
        )
        for report in reports
    ]


def _figures(timings: list[Timing]) -> dict[str, object]:
    times = [t.milliseconds for t in timings]
    return {
        "kernels": len(timings),
        "verdicts": dict(Counter(t.verdict for t in timings)),
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(_percentile(times, 0.95), 2),
        "worst_ms": round(max(times), 2),
        "worst": max(timings, key=lambda t: t.milliseconds).path,
        "obligations": dict(_sum(t.proved for t in timings)),
        "by_tier": {
            tier: {
                "kernels": len(own),
                "median_ms": round(statistics.median(own), 2),
                "worst_ms": round(max(own), 2),
            }
            for tier, own in _by_tier(timings).items()
        },
    }


def _print_set(title: str, timings: list[Timing]) -> None:
    if not timings:
        print(f"\n{title}: no kernels")
        return
    times = [t.milliseconds for t in timings]
    verdicts = Counter(t.verdict for t in timings)
    print(
        f"\n{title}: {len(timings)} kernels, "
        + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    )
    print(
        f"  median {statistics.median(times):7.2f} ms   "
        f"p95 {_percentile(times, 0.95):7.2f} ms   worst {max(times):7.2f} ms "
        f"({max(timings, key=lambda t: t.milliseconds).path})"
    )
    obligations = _sum(t.proved for t in timings)
    for tier, own in _by_tier(timings).items():
        print(
            f"  {tier:<12} {len(own):4} kernels   {obligations[tier]:5} obligations   "
            f"median {statistics.median(own):7.2f} ms   worst {max(own):7.2f} ms"
        )
    if title in ("examples", "files"):
        for t in timings:
            print(f"    {t.kernel:<16} {t.verdict:<9} {t.milliseconds:7.2f} ms   {t.tier}")


def _by_tier(timings: list[Timing]) -> dict[str, list[float]]:
    tiers: dict[str, list[float]] = {}
    for timing in timings:
        tiers.setdefault(timing.tier, []).append(timing.milliseconds)
    return dict(sorted(tiers.items(), key=lambda item: _weight(item[0])))


def _weight(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
