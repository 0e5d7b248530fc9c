"""Random kernels through the back end: the same arrays as in the interpreter, and valid PTX.

    python -m benchmarks.fuzz_codegen --seed 0 --count 1000 --target cpu
    python -m benchmarks.fuzz_codegen --seed 0 --count 100 --target ptx-assemble

`cpu` runs each kernel as the interpreter did and compares every element bit for bit (`contract`
off): once with all checks in place, once with none, its indices in 32 bits. `ptx-assemble`
compiles it for a target and has ptxas take the result. Writes benchmarks/results/fuzz_codegen.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from codegen.differential import differences, execute, variants  # noqa: E402
from oxide_analyzer.interpreter import run  # noqa: E402
from oxide_codegen import toolchain  # noqa: E402
from oxide_codegen.native import compile_native  # noqa: E402
from oxide_codegen.ptx import compile_ptx  # noqa: E402
from programs.generate import deterministic  # noqa: E402

SMS = ("sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120")
RESULTS = Path(__file__).parent / "results"


def compare(seed: int) -> list[str]:
    """How the host differs from the interpreter on the program of a seed."""
    program = deterministic(seed)
    kernel = program.kernel()
    outcome = run(kernel, program.launch)
    if not outcome.succeeded:
        return [f"the interpreter does not succeed: {outcome.failures[:1]}"]
    found: list[str] = []
    for name, checked in variants(kernel, program.launch).items():
        native = compile_native(checked, contract=False, narrows=name == "proved")
        arrays, failure = execute(native, kernel, program.launch, 1 + seed % 3)
        if failure is not None:
            found.append(f"{name}: {failure}")
        found += [f"{name}: {line}" for line in differences(kernel, outcome.arrays, arrays)]
    return found


def assemble(seed: int) -> list[str]:
    """What ptxas says against the PTX of the program of a seed."""
    program = deterministic(seed, inexact=True)
    kernel = program.kernel()
    sm = SMS[seed % len(SMS)]
    found: list[str] = []
    for name, checked in variants(kernel, program.launch).items():
        ptx = compile_ptx(checked, sm)
        try:
            resources = toolchain.registers(ptx.text, sm)
        except toolchain.AssemblyError as error:
            found.append(f"{name}, {sm}: {error}")
        else:
            if resources is None:
                raise SystemExit("neither ptxas nor nvJitLink is installed")
    return found


TARGETS = {"cpu": compare, "ptx-assemble": assemble}


def main() -> int:
    parser = argparse.ArgumentParser(description="Random kernels through the back end.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--target", choices=TARGETS, default="cpu")
    options = parser.parse_args()
    start = time.perf_counter()
    ends: Counter[str] = Counter()
    failing: list[int] = []
    for seed in range(options.seed, options.seed + options.count):
        found = TARGETS[options.target](seed)
        ends["differ" if found else "agree"] += 1
        if found:
            failing.append(seed)
            print(f"seed {seed}:", *found[:5], sep="\n  ")
    seconds = time.perf_counter() - start
    row = {
        "seed": options.seed,
        "count": options.count,
        "agree": ends["agree"],
        "differ": ends["differ"],
        "failing": failing,
        "seconds": round(seconds, 1),
    }
    path = RESULTS / "fuzz_codegen.json"
    RESULTS.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    results[options.target] = row
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"{options.target}: {row['agree']} agree, {row['differ']} differ, {seconds:.0f} s")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
