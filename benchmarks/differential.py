"""Random kernels, hundreds in a module: the same arrays as in the interpreter, on every device.

    python benchmarks/differential.py --target cpu --seed 0 --count 100000 --jobs 32
    python benchmarks/differential.py --target gpu --seed 0 --count 10000 --jobs 16
    python benchmarks/differential.py --target assemble --count 1000 --kind together

Each seed is a kernel of `tests/programs`; without a kind, of each of them by turns. `cpu` and `gpu`
compare every element bit for bit with what the interpreter left, `assemble` has ptxas take the PTX
for six SMs by turns. What is compared, and on which launches, says `tests/codegen/agreement.py`.
Prints the counts and each kernel that differs, writes `benchmarks/results/NAME.json` with what the
kernels were made of, and ends with 1 if one differed. `--seed` and `--count` choose a slice that is
the same each time; `--seconds` ends it early, and the record says how far it came.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tests")]

from machine_record import driver_version, write  # noqa: E402
from slices import add_options, in_order  # noqa: E402

from codegen.agreement import PROGRAMS, SMS, Tally, assembled, cases, on_cpu, on_gpu  # noqa: E402
from codegen.driver import Driver, DriverError  # noqa: E402

if TYPE_CHECKING:
    from argparse import Namespace

MIXED = "mixed"
TARGETS = ("cpu", "gpu", "assemble")


def main() -> int:
    """Compare the kernels, print the counts, write the record."""
    parser = argparse.ArgumentParser(description="Compare devices with the interpreter.")
    parser.add_argument("--target", choices=TARGETS, default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--kind", choices=[MIXED, *PROGRAMS], default=MIXED)
    parser.add_argument("--chunk", type=int, default=0, help="seeds of a module (default: 100)")
    parser.add_argument(
        "--optimise-every",
        type=int,
        default=1,
        metavar="N",
        help="on the cpu, LLVM's optimiser runs on each N-th module of a kind: most time is its",
    )
    add_options(parser, "")
    options = parser.parse_args()
    started = time.perf_counter()
    kinds = list(PROGRAMS) if options.kind == MIXED else [options.kind]
    tally, refused = Tally(), 0
    for part, error in in_order(_try, _pieces(options, kinds), options.jobs, options.seconds):
        tally.add(part)
        refused += bool(error)
        for line in [*part.differing, *([error] if error else [])]:
            print(line, file=sys.stderr, flush=True)
    figures = {
        "target": options.target,
        "kinds": kinds,
        "first_seed": options.seed,
        "programs": tally.programs,
        "finished": tally.programs == options.count,
        "compared": tally.compared,
        "launches": tally.launches,
        "with_an_access_in_a_loop_or_branch_by_two_threads": tally.telling,
        "variants": dict(tally.variants),
        "optimised_by_llvm": tally.optimised if options.target == "cpu" else tally.compared,
        "launches_left_out": dict(tally.left_out.most_common()),
        "modules_that_failed_as_a_whole": refused,
        "differing": tally.differing,
        "made_of": dict(tally.features.most_common()),
    }
    if options.target == "gpu":
        figures |= {"device": _driver().name, "driver": driver_version()}
    name = options.name or f"differential_{options.target}"
    path = write(name, figures, started, options.commit)
    for key, figure in figures.items():
        if key != "differing":
            print(f"{key.replace('_', ' '):52} {figure}")
    print(f"{'differing':52} {len(tally.differing)}\n{path}")
    return 1 if tally.differing or refused else 0


def _pieces(options: Namespace, kinds: list[str]):
    """Seeds by the module; kinds by turns, so that the first pieces have some of each."""
    chunk = options.chunk or 100
    end = options.seed + options.count
    for number, first in enumerate(range(options.seed, end, chunk)):
        seeds = range(first, min(first + chunk, end))
        optimises = number // len(kinds) % options.optimise_every == 0
        yield options.target, kinds[number % len(kinds)], seeds, SMS[number % len(SMS)], optimises


def _try(piece: tuple[str, str, range, str, bool]) -> tuple[Tally, str]:
    """One module; and what kept all of it from being compared, if something did."""
    target, kind, seeds, sm, optimises = piece
    tally = Tally()
    try:
        found = cases(kind, seeds, tally, inexact=target == "assemble")
        if target == "cpu":
            on_cpu(found, tally, optimises=optimises)
            tally.optimised += len(found) if optimises else 0
        elif target == "gpu":
            on_gpu(found, _driver(), tally)
        else:
            assembled(found, sm, tally)
    except (RuntimeError, ValueError, AssertionError, DriverError) as error:
        return tally, f"{kind} {seeds}: {type(error).__name__}: {error}"
    return tally, ""


@cache
def _driver() -> Driver:
    return Driver()


if __name__ == "__main__":
    raise SystemExit(main())
