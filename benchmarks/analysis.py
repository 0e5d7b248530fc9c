"""How long the analysis of a kernel takes, which prover it needed, and how much memory.

    python benchmarks/analysis.py [FILE…] [--rounds N] [--no-project]

Reads and checks each example and each kernel of `tests/kernels` in one warm process: with sizes
symbolic as their contracts leave them, and once more with fixed blocks, where the contract leaves
the block open. Then kernels of 300 accesses and one with helpers five deep (`long_kernels`), and
a project of 500 kernels on the command line, once cold and once warm (`project_check` measures that
more closely).

A kernel's time is the processor's for its file, from text to report, the median of several rounds,
divided among the kernels of the file as their reports say. A kernel belongs to the heaviest tier
that settled one of its obligations; `broken` ones are settled by a launch that breaks them; what
is left of the obligations is unproved. The collector of garbage is set as the
commands set it. Writes `benchmarks/results/analysis.json`, unless files are named.
"""

from __future__ import annotations

import argparse
import gc
import re
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import project_check
from long_kernels import LONG
from machine_record import ROOT, load, write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.report import KernelReport

ROUNDS = 5
TIERS = ("none", "syntax", "order", "affine", "z3", "broken")  # the light ones first
SETS = {
    "examples": "examples",
    "safe kernels": "tests/kernels/safe",
    "unproved kernels": "tests/kernels/unproved",
    "broken kernels": "tests/kernels/unsafe",
}
PROJECT = 500
# As `oxide-check` and the language server have it.
COLLECT_AFTER = 50_000


@dataclass(frozen=True)
class Timing:
    """One kernel: `milliseconds` is the median of all rounds, `first` the first one."""

    path: str
    kernel: str
    verdict: str
    milliseconds: float
    first: float
    settled: Mapping[str, int]
    unproved: int

    @property
    def tier(self) -> str:
        """The heaviest tier that settled an obligation."""
        return max((t for t in self.settled if self.settled[t]), key=_weight, default="none")


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description="How long the analysis of a kernel takes.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-project", action="store_true", help="not the command line")
    options = parser.parse_args()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    if options.files:
        found = [t for file in options.files for t in measure(_read(file), options.rounds)]
        _print_set("files", found)
        for timing in found:
            _print_kernel(timing)
        return 0
    figures: dict[str, object] = {"rounds": options.rounds, "load_before": load()}
    for sizes in ("symbolic", "fixed"):
        measured: list[Timing] = []
        for title, folder in SETS.items():
            timings = [t for s in _sources(folder, sizes) for t in measure(s, options.rounds)]
            if timings:
                _print_set(f"{title}, {sizes} sizes", timings)
                figures[f"{title}, {sizes}"] = _figures(timings)
            measured += timings
        _print_set(f"all, {sizes} sizes", measured)
        figures[f"all, {sizes}"] = _figures(measured)
        if sizes == "symbolic":
            figures["kernels"] = {f"{t.path}:{t.kernel}": _shown(t) for t in measured}
    figures["long"] = _long(options.rounds)
    figures["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(f"\npeak memory of this process: {figures['peak_mib']} MiB")
    if not options.no_project:
        figures["project"] = _project()
    print(f"\n{write('analysis', figures, started).relative_to(ROOT)}")
    return 0


def measure(source: SourceFile, rounds: int) -> list[Timing]:
    """The kernels of one file."""
    times: list[float] = []
    reports: tuple[KernelReport, ...] = ()
    for _ in range(rounds):
        begin = time.process_time()
        reports = check(source, NoModules()).kernels
        times.append((time.process_time() - begin) * 1000)
    whole = sum(report.milliseconds for report in reports) or 1.0
    return [
        Timing(
            source.path,
            report.name,
            report.verdict.value,
            statistics.median(times) * report.milliseconds / whole,
            times[0] * report.milliseconds / whole,
            {**report.obligations.proved, "broken": report.obligations.violated},
            report.obligations.unproved,
        )
        for report in reports
    ]


def fixed(text: str) -> str:
    """The text with a block in the contract of each kernel that leaves it open."""
    if re.search(r"index_3d|(thread|block|block_dim)\.z", text):
        block = "(8, 4, 4)"
    elif re.search(r"index_2d|(thread|block|block_dim)\.y", text):
        block = "(16, 16)"
    else:
        block = "256"
    text = re.sub(r"^@kernel$", f"@kernel(block={block})", text, flags=re.MULTILINE)
    return re.sub(
        r"^@kernel\((?![^\n]*block=)", f"@kernel(block={block}, ", text, flags=re.MULTILINE
    )


def _sources(folder: str, sizes: str) -> Iterable[SourceFile]:
    for path in sorted((ROOT / folder).glob("*.py")):
        if path.name != "run_all.py":
            source = _read(path)
            yield SourceFile(source.path, fixed(source.text)) if sizes == "fixed" else source


def _read(path: Path) -> SourceFile:
    path = path.resolve()
    shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    return SourceFile(shown, path.read_text(encoding="utf-8"))


def _long(rounds: int) -> dict[str, object]:
    print("\nlong kernels")
    figures: dict[str, object] = {}
    for title, text in LONG.items():
        for timing in measure(SourceFile("long.py", text), min(rounds, 3)):
            print(f"  {title:<36} {timing.verdict:<9} {timing.milliseconds:8.1f} ms")
            figures[title] = _shown(timing)
    return figures


def _project() -> dict[str, object]:
    """`oxide-check` over a project, without known verdicts and with those of the run before."""
    print("\ncommand line, one process")
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        project.mkdir()
        figures |= project_check.fill(project, PROJECT)
        for title, options in (("cold", ["--no-cache"]), ("filling", []), ("warm", [])):
            times = [project_check.run(project, cache, 1, *options)]
            figures[title] = project_check.told(title, times)
    figures["peak_mib"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    return figures


# ---------------------------------------------------------------- figures


def _figures(timings: list[Timing]) -> dict[str, object]:
    times = [t.milliseconds for t in timings]
    obligations = _sum(t.settled for t in timings)
    whole = sum(obligations.values()) + sum(t.unproved for t in timings)
    return {
        "kernels": len(timings),
        "verdicts": dict(Counter(t.verdict for t in timings)),
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(_percentile(times, 0.95), 2),
        "worst_ms": round(max(times), 2),
        "worst": max(timings, key=lambda t: t.milliseconds).path,
        "by_tier": {
            tier: {
                "kernels": len(own),
                "share_of_kernels": round(len(own) / len(timings), 3),
                "obligations": obligations[tier],
                "share_of_obligations": round(obligations[tier] / max(1, whole), 3),
                "median_ms": round(statistics.median(own), 2),
                "worst_ms": round(max(own), 2),
            }
            for tier, own in _by_tier(timings).items()
        },
    }


def _shown(timing: Timing) -> dict[str, object]:
    return {
        "verdict": timing.verdict,
        "milliseconds": round(timing.milliseconds, 2),
        "first": round(timing.first, 2),
        "tier": timing.tier,
        "settled": {tier: count for tier, count in timing.settled.items() if count},
        "unproved": timing.unproved,
    }


def _print_kernel(timing: Timing) -> None:
    print(
        f"    {timing.kernel:<24} {timing.verdict:<9} {timing.milliseconds:7.2f} ms   {timing.tier}"
    )


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
    obligations = _sum(t.settled for t in timings)
    whole = max(1, sum(obligations.values()) + sum(t.unproved for t in timings))
    for tier, own in _by_tier(timings).items():
        print(
            f"  {tier:<8} {len(own):4} kernels {len(own) / len(timings):6.1%}   "
            f"{obligations[tier]:5} obligations {obligations[tier] / whole:6.1%}   "
            f"median {statistics.median(own):7.2f} ms   worst {max(own):7.2f} ms"
        )


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
    raise SystemExit(main())
