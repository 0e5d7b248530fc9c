"""Random kernels against the prover: is anything proved that a launch can break?

    python benchmarks/fuzz_soundness.py --seed 0 --count 1000 --runs 40 --kind lanes
    python benchmarks/fuzz_soundness.py --seed 0 --count 1000 --each

Each seed is a kernel of `tests/programs/KIND.py`; without a kind, of each of them by turns. What
the analyzer proves is run in the reference interpreter on random small launches that keep the
contract and the inferred facts, under schedules by turns, and must not fail; what it calls
violated must carry a witness that was replayed. Prints the counts, what the kernels were made of,
and each verdict that did not hold, writes `benchmarks/results/NAME.json`, and ends with 1 if there
was one. `--seed` and `--count` choose a slice that is the same each time; `--seconds` ends it
early, and the record says how far it came. With `--each` the provers are asked alone, and each of
their answers is tried by itself (`tests/programs/proofs.py`). With `--foreign` the kernels count
as Numba's, without most of their contracts: what is stated instead must be enough.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import write
from slices import add_options, in_order

from programs.generate import KINDS
from programs.proofs import prove_all
from programs.soundness import Tally, try_all

CHUNK = 20


def main() -> int:
    """Check the programs, print the counts, write the record."""
    parser = argparse.ArgumentParser(description="Try to refute the analyzer's verdicts.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--runs", type=int, default=30, help="launches of each kernel")
    parser.add_argument("--kind", choices=list(KINDS), default="mixed")
    parser.add_argument("--each", action="store_true", help="try each proof by itself")
    parser.add_argument("--foreign", action="store_true", help="as kernels of Numba")
    add_options(parser, "fuzz_soundness")
    options = parser.parse_args()
    started = time.perf_counter()
    end = options.seed + options.count
    pieces = (
        (range(s, min(s + CHUNK, end)), options.runs, options.kind, options.each, options.foreign)
        for s in range(options.seed, end, CHUNK)
    )
    tally = Tally()
    for part in in_order(_try, pieces, options.jobs, options.seconds):
        tally.add(part)
        for refutation in part.refutations:
            print(f"seed {refutation.seed}: {refutation.reason}", file=sys.stderr, flush=True)
    figures = {
        "kind": options.kind,
        "each_proof_by_itself": options.each,
        "as_kernels_of_numba": options.foreign,
        "seeds": [options.seed, options.seed + tally.programs - 1],
        "finished": tally.programs == options.count,
        "runs_per_kernel": options.runs,
        "programs": tally.programs,
        "verdicts": dict(tally.verdicts),
        "with_an_access_in_a_loop_or_branch_by_two_threads": dict(tally.telling),
        "runs": tally.runs,
        "runs_of_proved_kernels": tally.proved_runs,
        "kernels_without_an_admitted_launch": tally.never_run,
        "runs_out_of_budget": tally.exhausted,
        "contradictory_contracts": tally.contradictory,
        "unproved_and_no_launch_failed": tally.unproved_without_failure,
        "obligations" if options.each else "why_unproved": dict(tally.reasons.most_common(40)),
        "made_of": dict(tally.features.most_common()),
        "proved_ones_made_of": dict(tally.features_of_proved.most_common()),
        "refuted": [refutation.as_json() for refutation in tally.refutations],
    }
    path = write(options.name, figures, started, options.commit)
    for name, figure in figures.items():
        if name != "refuted":
            print(f"{name.replace('_', ' '):52} {figure}")
    print(f"{'refuted':52} {len(tally.refutations)}\n{path}")
    return 1 if tally.refutations else 0


def _try(piece: tuple[range, int, str, bool, bool]) -> Tally:
    seeds, runs, kind, each, foreign = piece
    if each:
        return prove_all(seeds, runs=runs, kind=kind)
    return try_all(seeds, runs=runs, kind=kind, foreign=foreign)


if __name__ == "__main__":
    raise SystemExit(main())
