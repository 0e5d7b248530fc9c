"""Two versions of the analyzer by turns, file by file: what a change is worth on a busy machine.

    git clone -q . ../before && git -C ../before checkout -q COMMIT
    python benchmarks/analysis_by_turns.py ../before [--rounds N]

Each file of `tests/kernels/safe` and of the examples of this version is checked by a process of
either version, one right after the other, so that what else runs slows both; of each the least of
several rounds counts, in processor time of the process. A kernel's time is that of its file
divided among its kernels. Kernels whose verdicts differ are named. Writes
`benchmarks/results/analysis_by_turns.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, load, write

FOLDERS = ("tests/kernels/safe", "examples")
CHECKER = """
import gc, json, sys, time
from pathlib import Path
tree = sys.argv[1]
sys.path[:0] = [tree, tree + "/analyzer", tree + "/codegen"]
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
gc.freeze()
gc.set_threshold(50_000)
for line in sys.stdin:
    source = SourceFile("k.py", Path(line.strip()).read_text(encoding="utf-8"))
    start = time.process_time()
    kernels = check(source, NoModules()).kernels
    took = 1e3 * (time.process_time() - start)
    print(json.dumps([took, [[k.name, k.verdict.value] for k in kernels]]), flush=True)
"""


class Version:
    """The analyzer of one tree, in a process of its own."""

    def __init__(self, tree: Path) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHECKER, str(tree)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, file: Path) -> tuple[float, list[list[str]]]:
        """The milliseconds that a check takes, and the verdicts."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{file}\n")
        self._process.stdin.flush()
        took, verdicts = json.loads(self._process.stdout.readline())
        return took, verdicts


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description="Two versions of the analyzer by turns.")
    parser.add_argument("before", type=Path, help="a checkout of the other version")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    git = ["git", "-C", str(options.before), "rev-parse", "HEAD"]
    before = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    versions = {"before": Version(options.before.resolve()), "after": Version(ROOT)}
    figures: dict[str, object] = {
        "before": before,
        "rounds": options.rounds,
        "load_before": load(),
    }
    for folder in FOLDERS:
        figures[folder] = _compared(versions, folder, options.rounds)
    figures["load_after"] = load()
    print(write("analysis_by_turns", figures, started).relative_to(ROOT))
    return 0


def _compared(versions: dict[str, Version], folder: str, rounds: int) -> dict[str, Any]:
    times: dict[str, dict[str, float]] = {name: {} for name in versions}
    counts: dict[str, int] = {}
    differing: set[str] = set()
    files = [f for f in sorted((ROOT / folder).glob("*.py")) if f.name != "run_all.py"]
    for file in [f for _ in range(rounds) for f in files]:
        found: list[list[list[str]]] = []
        for name, version in versions.items():
            took, verdicts = version.check(file)
            found.append(verdicts)
            if verdicts:
                counts[file.name] = len(verdicts)
                took /= len(verdicts)
                times[name][file.name] = min(took, times[name].get(file.name, took))
        if found[0] != found[1]:
            differing.add(file.name)
    result: dict[str, Any] = {"verdicts_differ": sorted(differing)}
    for name, own in times.items():
        each = sorted(t for file, t in own.items() for _ in range(counts[file]))
        result[name] = {
            "kernels": len(each),
            "median_ms": round(statistics.median(each), 2),
            "p95_ms": round(each[round(0.95 * (len(each) - 1))], 2),
            "worst_ms": round(each[-1], 2),
            "sum_ms": round(sum(each), 1),
        }
    shares = [times["after"][file] / times["before"][file] for file in counts]
    result["median_share"] = round(statistics.median(shares), 3)
    result["share_of_sums"] = round(result["after"]["sum_ms"] / result["before"]["sum_ms"], 3)
    print(folder, json.dumps(result, indent=2))
    return result


if __name__ == "__main__":
    raise SystemExit(main())
