"""Sessions of an editor that does what it may, in any order: is the server right in the end?

    python benchmarks/editor_fuzz.py [--seed A] [--count N] [--steps S] [--jobs J] [--seconds T]

A session starts the language server, opens, edits and closes files and notebooks, asks everything
at random places, cancels, changes settings, ends the analyzer's process, and compares: the server's
text with the client's, the answers with the requests, what is shown in the end with what
`oxide-check` finds. `tests/lsp/fuzz.py` says what must hold. Session A is determined by its seed,
but for the time that answers take. Writes `benchmarks/results/editor_fuzz.json`.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, RawTextHelpFormatter
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, load, write
from slices import add_options, in_order

sys.path[1:1] = [str(ROOT), str(ROOT / "analyzer"), str(ROOT / "codegen"), str(ROOT / "tests")]

from lsp.fuzz import Session  # noqa: E402  # pyright: ignore[reportMissingImports]
from lsp.fuzz_texts import Wrong  # noqa: E402  # pyright: ignore[reportMissingImports]


def session(work: tuple[int, int]) -> tuple[int, str | None, dict[str, int], float]:
    """The seed, what went wrong, what was done, and the longest that an answer took."""
    seed, steps = work
    with TemporaryDirectory() as folder:
        client = Session(seed, Path(folder))
        problem = None
        try:
            client.run(steps)
        except Wrong as wrong:
            problem = str(wrong)
        return seed, problem, dict(client.counts), client.slowest


def main() -> int:
    """Run the sessions; 1 if one of them went wrong."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--steps", type=int, default=800)
    add_options(parser, "editor_fuzz")
    options = parser.parse_args()
    started, load_before = time.perf_counter(), load()
    counts: Counter[str] = Counter()
    problems: dict[int, str] = {}
    sessions, slowest = 0, 0.0
    pieces = ((seed, options.steps) for seed in range(options.seed, options.seed + options.count))
    for seed, problem, done, longest in in_order(session, pieces, options.jobs, options.seconds):
        sessions += 1
        slowest = max(slowest, longest)
        counts.update(done)
        if problem is not None:
            problems[seed] = problem
            print(f"session {seed}: {problem}")
    requests = sum(n for name, n in counts.items() if name.startswith("answered"))
    print(f"{sessions} sessions, {requests} requests answered, {len(problems)} problems")
    for name, number in sorted(counts.items()):
        print(f"{number:>10}  {name}")
    figures: dict[str, object] = {
        "first_seed": options.seed,
        "sessions": sessions,
        "steps_each": options.steps,
        "requests_answered": requests,
        "slowest_answer_seconds": round(slowest, 2),
        "problems": problems,
        "counts": dict(sorted(counts.items())),
        "load_before": load_before,
    }
    print(write(options.name, figures, started, options.commit).relative_to(ROOT))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
