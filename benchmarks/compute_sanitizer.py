"""Every example under each tool of NVIDIA's compute-sanitizer, on a GPU.

    python benchmarks/compute_sanitizer.py --jobs 4

Runs `oxide sanitize --gpu --tool TOOL examples/NAME.py`, prints what came of each, and writes
`benchmarks/results/compute_sanitizer.json` with the tool's own last line. It ends with 1 if
something was reported, or if a run ended otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, driver_version, write

from oxide.cli.sanitize import TOOLS

# What a tool says last, `ERROR SUMMARY: …` and `RACECHECK SUMMARY: …`.
_SUMMARY = "SUMMARY:"
CLEAN = ("ERROR SUMMARY: 0 errors", "RACECHECK SUMMARY: 0 hazards")


def main() -> int:
    """Run all, print, write."""
    parser = ArgumentParser(description="Run every example under compute-sanitizer.")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--commit", help="what is measured, where git cannot say so")
    parser.add_argument("--seconds", type=float, default=300, help="of one run, at most")
    options = parser.parse_args()
    started = time.perf_counter()
    examples = sorted(p for p in (ROOT / "examples").glob("*.py") if p.name != "run_all.py")
    runs = [(tool, example) for example in examples for tool in TOOLS]
    with ThreadPoolExecutor(options.jobs) as pool:
        ended = list(pool.map(lambda run: watched(*run, options.seconds), runs))
    for (tool, example), (code, summary) in zip(runs, ended, strict=True):
        print(f"{example.stem:<14}{tool:<12}{code:>4}  {summary}")
    reported = [
        f"{example.stem} {tool}"
        for (tool, example), (code, summary) in zip(runs, ended, strict=True)
        if code or not summary.startswith(CLEAN)
    ]
    figures = {
        "driver": driver_version(),
        "runs": len(runs),
        "reported": reported,
        "examples": {
            example.stem: {
                tool: summary
                for (tool, other), (_, summary) in zip(runs, ended, strict=True)
                if other == example
            }
            for example in examples
        },
    }
    print(f"{len(runs)} runs, {len(reported)} with a report")
    print(f"wrote {write('compute_sanitizer', figures, started, options.commit)}")
    return 1 if reported else 0


def watched(tool: str, program: Path, seconds: float, *arguments: str) -> tuple[int, str]:
    """How a program ended under a tool, and what the tool said last."""
    python = [sys.executable, "-m", "oxide", "sanitize", "--gpu", "--tool", tool]
    command = [*python, str(program), *arguments]
    environment = {**os.environ, "OXIDE_DEVICE": "cuda"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"still running after {seconds:.0f} s"
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    summaries = [line.split("= ")[-1].strip() for line in said if _SUMMARY in line]
    return done.returncode, summaries[-1] if summaries else (said[-1] if said else "nothing said")


if __name__ == "__main__":
    raise SystemExit(main())
