"""How long `oxide-check` of a whole project takes: 500 kernels, cold and warm, in 1 to 4 processes.

    python benchmarks/project_check.py [--kernels N]

The project is made of copies of the examples and of `tests/kernels`, each with a name of its own
in the text, so that no two are equal. Cold is without known verdicts (`--no-cache`), filling is
with an empty cache, warm with what the run before left. Wall times of the process, the best of
three; peak memory is that of the largest process. Writes `benchmarks/results/project_check.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, byte_code_kept, load, write

RUNS = 3
SOURCES = ("examples", "tests/kernels/safe", "tests/kernels/unsafe")


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, default=500, help="at least so many")
    options = parser.parse_args()
    figures: dict[str, object] = {"runs": RUNS, "load_before": load()}
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        project.mkdir()
        figures |= fill(project, options.kernels)
        print(f"{figures['kernels']} kernels in {figures['files']} files")
        rows: dict[str, object] = {}
        for jobs in (1, 2, 4):
            if jobs <= (os.cpu_count() or 1):
                rows[f"cold, {jobs} processes"] = measure(project, cache, jobs, "--no-cache")
        run(project, cache, 1)
        rows["warm, 1 process"] = measure(project, cache, 1)
        for title, row in rows.items():
            print(f"{title:<20} {row}")
        figures["times"] = rows
    figures["peak_process_mib"] = round(
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    )
    print(f"\n{write('project_check', figures, started).relative_to(ROOT)}")
    return 0


def fill(project: Path, wanted: int) -> dict[str, int]:
    """Copy files until there are so many kernels."""
    paths = [path for source in SOURCES for path in sorted((ROOT / source).glob("*.py"))]
    kernels = files = 0
    while kernels < wanted:
        for path in paths:
            text = path.read_text(encoding="utf-8")
            name = f"{path.stem}_{files}"
            (project / f"{name}.py").write_text(f"{text}\n\nCOPY = {files}\n", encoding="utf-8")
            files += 1
            kernels += text.count("@kernel")
            if kernels >= wanted:
                break
    return {"kernels": kernels, "files": files}


def measure(project: Path, cache: Path, jobs: int, *options: str) -> dict[str, float]:
    """Seconds of `RUNS` runs, best and median."""
    times = sorted(run(project, cache, jobs, *options) for _ in range(RUNS))
    return {"best_seconds": round(times[0], 2), "median_seconds": round(times[RUNS // 2], 2)}


def run(project: Path, cache: Path, jobs: int, *options: str) -> float:
    """The seconds of one run, which must end as runs with findings do."""
    command = [sys.executable, "-m", "oxide", "check", ".", "--jobs", str(jobs)]
    environment = {**byte_code_kept(), "OXIDE_CACHE_DIR": str(cache), "GITHUB_ACTIONS": ""}
    begin = time.perf_counter()
    done = subprocess.run(
        [*command, "--format", "json", *options],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in (0, 1):
        raise SystemExit(f"oxide-check ended with {done.returncode}:\n{done.stderr}")
    json.loads(done.stdout)
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
