"""Break correct kernels in many small ways, and try to refute every proof that is left.

    python benchmarks/mutate_kernels.py --seed 0 --count 10000 --jobs 2

Mutant number N is the N-th of all mutants (`tests/programs/mutation.py`) of the safe kernels and
the examples, in the order of their paths; `--seed A --count N` takes a slice. A mutant's verdict
must differ from its original's, or the interpreter, over all small launches that the facts admit,
must agree that it need not. Prints the counts, writes `benchmarks/results/NAME.json`, and ends
with 1 if a proof did not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile
from programs.mutation import Mutant, mutants, refuted

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Mutate, check, try to refute."""
    parser = argparse.ArgumentParser(description="Try to refute proofs of mutated kernels.")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first mutant")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th mutant")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--name", default="mutants", help="of the file of results")
    options = parser.parse_args()
    started = time.perf_counter()
    paths = [*sorted((ROOT / "tests/kernels/safe").glob("*.py"))]
    paths += [p for p in sorted((ROOT / "examples").glob("*.py")) if p.name != "run_all.py"]
    end = options.seed + options.count
    chosen = islice(_all(paths), options.seed, end, options.step)
    outcomes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    wrong: list[str] = []
    number = 0
    with ProcessPoolExecutor(options.jobs) as workers:
        for path, mutant, verdicts, failures in workers.map(_judge, chosen, chunksize=8):
            number += 1
            kinds[mutant.what] += 1
            outcomes.update(verdicts)
            for failure in failures:
                wrong.append(f"{path.name}:{mutant.line} {mutant.what}: {failure}")
                print(f"false proof: {wrong[-1]}", flush=True)
    figures = {
        "mutants": number,
        "slice": [options.seed, end, options.step],
        "files": len(paths),
        "verdicts_of_kernels": dict(sorted(outcomes.items())),
        "changes": dict(kinds.most_common()),
        "false_proofs": wrong,
    }
    path = write(options.name, figures, started)
    print(f"{number} mutants of {len(paths)} files: {dict(sorted(outcomes.items()))}")
    print(f"{len(wrong)} false proofs\n{path}")
    return 1 if wrong else 0


def _all(paths: list[Path]) -> Iterator[tuple[Path, Mutant]]:
    for path in paths:
        for mutant in mutants(path.read_text(encoding="utf-8")):
            yield path, mutant


def _judge(entry: tuple[Path, Mutant]) -> tuple[Path, Mutant, list[str], list[str]]:
    """The verdicts on a mutant's kernels, and how a launch breaks those that were proved."""
    path, mutant = entry
    source = SourceFile(path.name, mutant.text)
    kernels = check(source, ProjectModules((path.parent,))).kernels
    failures = [failure for kernel in kernels if (failure := refuted(kernel))]
    return path, mutant, [str(kernel.verdict) for kernel in kernels], failures


if __name__ == "__main__":
    raise SystemExit(main())
