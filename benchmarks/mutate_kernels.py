"""Break correct kernels in many small ways, and try to refute every proof that is left.

    python benchmarks/mutate_kernels.py --seed 0 --count 10000 --jobs 2

Mutant number N is the N-th of all mutants (`tests/programs/mutation.py`) of the safe kernels and
the examples, in the order of their paths; `--seed A --count N` takes a slice, `--seconds` ends it
early. A mutant's verdict must differ from its original's, or the interpreter, over all small
launches that the facts admit, must agree that it need not. Prints the counts, writes
`benchmarks/results/NAME.json`, and ends with 1 if a proof did not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import write
from slices import add_options, in_order

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.record import record
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
    parser.add_argument("--launches", type=int, default=60, help="of each mutant that is proved")
    add_options(parser, "mutants")
    options = parser.parse_args()
    started = time.perf_counter()
    paths = [*sorted((ROOT / "tests/kernels/safe").glob("*.py"))]
    paths += [p for p in sorted((ROOT / "examples").glob("*.py")) if p.name != "run_all.py"]
    end = options.seed + options.count
    chosen = islice(_all(paths, options.launches), options.seed, end, options.step)
    ends: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    number = 0
    seconds = 0.0
    for judged in in_order(_judge, chosen, options.jobs, options.seconds):
        number += 1
        seconds += judged.seconds
        ends[judged.end] += 1
        kinds.setdefault(judged.what, Counter())[judged.end] += 1
        if judged.failure is not None:
            wrong.append(f"{judged.place} {judged.what}: {judged.failure}")
            print(f"false proof: {wrong[-1]}", file=sys.stderr, flush=True)
    figures = {
        "mutants": number,
        "slice": [options.seed, options.seed + number * options.step, options.step],
        "finished": next(chosen, None) is None,
        "files": len(paths),
        "ends": dict(sorted(ends.items())),
        "ends_by_change": {what: dict(sorted(c.items())) for what, c in sorted(kinds.items())},
        "processor_seconds": round(seconds),
        "false_proofs": wrong,
    }
    path = write(options.name, figures, started, options.commit)
    print(f"{number} mutants of {len(paths)} files in {seconds:.0f} processor seconds")
    for end_, count in sorted(ends.items()):
        print(f"{count:6} {end_}")
    print(f"{len(wrong)} false proofs\n{path}")
    return 1 if wrong else 0


@record
class Judged:
    """What became of a mutant; `failure` is how a launch breaks it although it was proved."""

    place: str
    what: str
    end: str
    failure: str | None
    seconds: float


def _all(paths: list[Path], launches: int) -> Iterator[tuple[Path, Mutant, int]]:
    for path in paths:
        for mutant in mutants(path.read_text(encoding="utf-8")):
            yield path, mutant, launches


def _judge(entry: tuple[Path, Mutant, int]) -> Judged:
    """The verdict on a mutant; if all its kernels are proved still, what the interpreter says."""
    path, mutant, launches = entry
    started = time.process_time()
    failure: str | None = None
    try:
        source = SourceFile(path.name, mutant.text)
        report = check(source, ProjectModules((path.parent,)))
        kernels = report.kernels
        verdicts = {kernel.verdict for kernel in kernels}
        if any(d.code.startswith("OX0") for d in report.diagnostics) or not kernels:
            end = "refused"
        elif verdicts == {Verdict.PROVED}:
            said = {d.code for d in report.diagnostics if d.severity is not Severity.INFORMATION}
            end = "proved, and a finding says so" if said else "proved, and no launch fails"
        else:
            end = str(max(verdicts, key=_WORST.index))
        failure = next(
            (f for kernel in kernels if (f := refuted(kernel, launches_each=launches))), None
        )
        if failure is not None:
            end = "false proof"
    except Exception as error:  # one crash is a finding, and not the end of a long run
        end, failure = "crash", repr(error)
    place = f"{path.name}:{mutant.line}"
    return Judged(place, mutant.what, end, failure, time.process_time() - started)


_WORST = (Verdict.PROVED, Verdict.UNPROVED, Verdict.VIOLATED)


if __name__ == "__main__":
    raise SystemExit(main())
