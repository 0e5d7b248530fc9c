"""How long the first launch of a process takes, with and without the cache of compiled code.

    python benchmarks/first_launch.py [--rounds N]

Each figure is the median over fresh processes, with and without in turn, in milliseconds: for
Python and imports, for the proof, for the code; and from the start of the process to the end of
its first launch on the cpu device. PTX is made and not run, so this needs no GPU. Writes
`benchmarks/results/first_launch.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, write

KERNELS = ("vecadd", "block_sum", "softmax", "gemm")
STEPS = ("imports", "proof", "code")

# What a process does, and says when.
PROGRAM = """
import json, sys, time
from importlib import import_module
sys.path.insert(0, "examples")
module = import_module(sys.argv[1])
import oxide
kernels = [k for k in vars(module).values() if isinstance(k, oxide.Kernel)]
times = [time.time()]
found = [k._program.specialisation() for k in kernels]
times.append(time.time())
for one in found:
    if sys.argv[2] == "native":
        one.native()
    else:
        from oxide_codegen import compiled
        compiled.ptx(one.checked, "sm_90")
times.append(time.time())
print(json.dumps(times))
"""
LAUNCH = """
import sys, time
sys.path.insert(0, "examples")
import numpy as np
from vecadd import vecadd
a, b, c = (np.ones(1000, np.float32) for _ in range(3))
vecadd[4, 256](a, b, c)
print([time.time()])
"""


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    started = time.perf_counter()
    figures: dict[str, object] = {"rounds": rounds}
    print(f"{'ms':<26}" + "".join(f"{step:>12}" for step in STEPS))
    for name in KERNELS:
        for target in ("native", "ptx"):
            rows = _compared(PROGRAM, (name, target), rounds)
            figures[f"{name} {target}"] = {
                state: dict(zip(STEPS, row, strict=True)) for state, row in rows.items()
            }
            for state, row in rows.items():
                print(f"{f'{name} {target}, {state}':<26}" + "".join(f"{v:>12}" for v in row))
    launches = {state: row[0] for state, row in _compared(LAUNCH, (), rounds).items()}
    figures["first launch of vecadd on the cpu"] = launches
    print(f"first launch of vecadd on the cpu: {launches}")
    print(write("first_launch", figures, started).relative_to(ROOT))
    return 0


def _compared(program: str, words: tuple[str, ...], rounds: int) -> dict[str, list[float]]:
    sizes = {"no cache": "0", "cached": "256"}
    runs: dict[str, list[list[float]]] = {state: [] for state in sizes}
    with tempfile.TemporaryDirectory() as folder:
        _run(program, words, folder, "256")
        for _ in range(rounds):
            for state, size in sizes.items():
                runs[state].append(_run(program, words, folder, size))
    return {
        state: [round(statistics.median(column), 1) for column in zip(*rows, strict=True)]
        for state, rows in runs.items()
    }


def _run(program: str, words: tuple[str, ...], folder: str, size: str) -> list[float]:
    environment = {
        **os.environ,
        "OXIDE_CACHE_DIR": folder,
        "OXIDE_CACHE_SIZE": size,
        "OXIDE_DEVICE": "cpu",
    }
    begin = time.time()
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    moments: list[float] = json.loads(done.stdout)
    return [1000 * (end - start) for start, end in pairwise([begin, *moments])]


if __name__ == "__main__":
    raise SystemExit(main())
