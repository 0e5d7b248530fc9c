"""How long `oxide-check` of a whole project takes: 500 kernels, cold and warm, in 1 to 4 processes.

    python benchmarks/project_check.py [--kernels N] [--runs N]

The project is made of copies of the examples and of `tests/kernels`, each a file of its own. Cold
is without known verdicts (`--no-cache`), filling is with an empty cache, warm with what the run
before left. Wall times of the process; peak memory is that of the largest process. Writes
`benchmarks/results/project_check.json`.
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

SOURCES = ("examples", "tests/kernels/safe", "tests/kernels/unsafe")


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, default=500, help="at least so many")
    parser.add_argument("--runs", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    figures: dict[str, object] = {"runs": options.runs, "load_before": load()}
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        project.mkdir()
        figures |= fill(project, options.kernels)
        print(f"{figures['kernels']} kernels in {figures['files']} files")
        rows: dict[str, object] = {}
        for jobs in (1, 2, 4):
            if jobs <= (os.cpu_count() or 1):
                times = [run(project, cache, jobs, "--no-cache") for _ in range(options.runs)]
                rows[f"cold, {jobs} processes"] = told(f"cold, {jobs} processes", times)
        rows["filling, 1 process"] = told("filling, 1 process", [run(project, cache, 1)])
        times = [run(project, cache, 1) for _ in range(options.runs)]
        rows["warm, 1 process"] = told("warm, 1 process", times)
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


def told(title: str, times: list[float]) -> dict[str, float]:
    """Best and worst of some runs, which are also printed."""
    print(f"{title:<20} best {min(times):7.2f} s   worst {max(times):7.2f} s", flush=True)
    return {"best_seconds": round(min(times), 2), "worst_seconds": round(max(times), 2)}


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
