"""Random kernels through the back end: the same arrays as in the interpreter, and valid PTX.

    python benchmarks/fuzz_codegen.py --seed 0 --count 1000 --target cpu
    python benchmarks/fuzz_codegen.py --seed 0 --count 100 --target ptx-assemble
    python benchmarks/fuzz_codegen.py --seed 0 --count 300 --programs together

`cpu` runs each kernel as the interpreter did and compares every element bit for bit (`contract`
off): once with all checks in place, once with none, its indices in 32 bits. `ptx-assemble`
compiles it for a target and has ptxas take the result.
`together` are kernels with warps, barriers of the grid, atomics of every kind and small integers.
Writes `benchmarks/results/fuzz_codegen_<target>.json`, for those with `_together` behind it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tests")]

from machine_record import ROOT, write  # noqa: E402

from codegen.differential import differences, execute, variants  # noqa: E402
from oxide_analyzer.interpreter import run  # noqa: E402
from oxide_codegen import toolchain  # noqa: E402
from oxide_codegen.native import compile_native  # noqa: E402
from oxide_codegen.ptx import compile_ptx  # noqa: E402
from programs.generate import deterministic  # noqa: E402
from programs.together import together  # noqa: E402

if TYPE_CHECKING:
    from programs.program import Program

PROGRAMS = {"deterministic": deterministic, "together": together}
SMS = ("sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120")


def compare(program: Program, seed: int) -> list[str]:
    """How the host differs from the interpreter."""
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


def assemble(program: Program, seed: int) -> list[str]:
    """What ptxas says against the PTX."""
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
    """Run the seeds, print what differs, write the record."""
    parser = argparse.ArgumentParser(description="Random kernels through the back end.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--target", choices=TARGETS, default="cpu")
    parser.add_argument("--programs", choices=PROGRAMS, default="deterministic")
    options = parser.parse_args()
    started = time.perf_counter()
    failing: list[int] = []
    for seed in range(options.seed, options.seed + options.count):
        inexact = options.target == "ptx-assemble"
        found = TARGETS[options.target](PROGRAMS[options.programs](seed, inexact=inexact), seed)
        if found:
            failing.append(seed)
            print(f"seed {seed}:", *found[:5], sep="\n  ")
    agree = options.count - len(failing)
    figures = {"seed": options.seed, "count": options.count, "agree": agree, "failing": failing}
    name = "" if options.programs == "deterministic" else f"_{options.programs}"
    path = write(f"fuzz_codegen_{options.target}{name}", figures, started)
    print(f"{options.target}: {agree} agree, {len(failing)} differ; {path.relative_to(ROOT)}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
