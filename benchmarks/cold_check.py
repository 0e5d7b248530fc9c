"""How long a cold `oxide-check` of one file takes: a new process, no verdict cache.

    python benchmarks/cold_check.py [FILE]

Wall times of the process, from start to exit, and the processor's time, which depends less on what
else the machine does. One run before the measured ones warms the disk's cache and writes byte code,
as a first use does. Beside it stand a Python that does nothing, which is the floor, and
`oxide-check` of a file without kernels, which is the price of starting, and of the same files once
their verdicts are known (`warm`). Writes `benchmarks/results/cold_check.json`.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, byte_code_kept, load, write

RUNS = 10


def main(arguments: list[str]) -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    figures: dict[str, object] = {"runs": RUNS, "load_before": load()}
    files = [Path(a) for a in arguments] or [
        ROOT / "examples/vecadd.py",
        ROOT / "examples/block_sum.py",
    ]
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text("x = 1\n", encoding="utf-8")
        check = [sys.executable, "-m", "oxide", "check"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "oxide-check of a file without kernels": [*check, str(empty)],
            **{f"oxide-check {file.name}": [*check, "--no-cache", str(file)] for file in files},
            **{f"oxide-check {file.name}, warm": [*check, str(file)] for file in files},
        }
        for title, command in commands.items():
            times, busy, code = measure(command, folder)
            print(
                f"{title:<40} median {statistics.median(times):6.0f} ms   "
                f"best {min(times):6.0f}   worst {max(times):6.0f}   "
                f"processor {statistics.median(busy):6.0f}   exit {code}"
            )
            figures[title] = {
                "median_ms": round(statistics.median(times), 1),
                "best_ms": round(min(times), 1),
                "worst_ms": round(max(times), 1),
                "processor_median_ms": round(statistics.median(busy), 1),
                "exit": code,
            }
    print(f"\n{write('cold_check', figures, started).relative_to(ROOT)}")
    return 0


def measure(command: list[str], folder: str) -> tuple[list[float], list[float], int]:
    """Wall and processor times of `RUNS` processes in ms, and how the last one ended."""
    environment = {**byte_code_kept(), "OXIDE_CACHE_DIR": folder, "NO_COLOR": "1"}
    times: list[float] = []
    busy: list[float] = []
    code = 0
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        code = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, check=False
        ).returncode
        times.append((time.perf_counter() - begin) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        busy.append(used * 1000)
    return times[1:], busy[1:], code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
