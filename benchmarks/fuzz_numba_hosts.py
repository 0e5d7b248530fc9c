"""Random host programs round a Numba kernel: does every launch keep what was read of it?

    python benchmarks/fuzz_numba_hosts.py --seed 0 --count 1000 --name fuzz_numba_hosts

Each seed is a program of `tests/programs/hosts.py`, which is run with a stand-in for Numba
(`tests/programs/host_code.py`). A launch of it is false if each launch that the analyzer read says
something of it that does not hold: then the kernel was judged for launches that do not happen.
Prints the counts and the false ones, writes `benchmarks/results/NAME.json`, and ends with 1 if
there was one.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import write

from programs.host_code import kernels, launched, not_read
from programs.hosts import program


def main() -> int:
    """Run the programs, print the counts, write the record."""
    parser = argparse.ArgumentParser(description="Launches that are not what was read of them.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--name", default="fuzz_numba_hosts")
    options = parser.parse_args()
    started = time.perf_counter()
    launches = facts = 0
    false: list[dict[str, object]] = []
    for seed in range(options.seed, options.seed + options.count):
        text = program(seed)
        launches += len(launched(text)[0])
        facts += sum(
            len(site.contract.requires) for k in kernels(text).values() for site in k.launches
        )
        found = not_read(text)
        if found:
            print(f"seed {seed}: {found[0]}")
            false.append({"seed": seed, "launches": found})
    print(f"{options.count} programs, {launches} launches, {facts} facts: {len(false)} false")
    results = {
        "seed": options.seed,
        "programs": options.count,
        "launches": launches,
        "facts": facts,
        "false": false,
    }
    write(options.name, results, started)
    return 1 if false else 0


if __name__ == "__main__":
    raise SystemExit(main())
