"""Whatever is in a file, `oxide-check` neither crashes nor hangs, in bounded memory.

    python benchmarks/robustness.py [--files N] [--edits N] [--seed A] [--jobs N]

Two parts, both through the command itself, in batches that each have a limit of time:

* every .py of the standard library and of installed packages (`--files`: so many, drawn by the
  seed), copied, with a line behind it that makes the analyzer read all of it;
* random edits of the bytes of the examples, among them what is no text (`--edits`).

A batch crashed if its exit code says so or its errors show a traceback. Peak memory is that of the
largest process. Writes `benchmarks/results/robustness.json`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from machine_record import ROOT, byte_code_kept, load, write

from byte_edits import edited

BATCH = 500
LIMIT_SECONDS = 600
MARK = b"\nfrom oxide import kernel as oxide_kernel  # the analyzer reads what has this word\n"


def main() -> int:
    """Run both parts, print, write; 1 if anything crashed or hung."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=None, help="so many files (default: all)")
    parser.add_argument("--edits", type=int, default=2000, help="so many edited examples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chosen = random.Random(options.seed)
    found = installed()
    files = found if options.files is None else chosen.sample(found, min(options.files, len(found)))
    parts = {
        "installed files": ([path.read_bytes() + MARK for path in files], len(found)),
        "edited examples": (edits(chosen, options.edits), None),
    }
    figures: dict[str, object] = {
        "seed": options.seed,
        "jobs": options.jobs,
        "load_before": load(),
    }
    bad = 0
    for title, (contents, known) in parts.items():
        part = run(title, contents, options.jobs)
        figures[title] = {**part, **({} if known is None else {"of": known})}
        bad += len(part["crashed"]) + len(part["hung"])
    print(f"\n{write('robustness', figures, started).relative_to(ROOT)}")
    return 1 if bad else 0


def installed() -> list[Path]:
    """The files of the standard library and of what is installed, each once, sorted."""
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib")}
    return sorted({path for folder in folders for path in folder.rglob("*.py") if path.is_file()})


def edits(chosen: random.Random, count: int) -> list[bytes]:
    """Edited examples, in turn."""
    examples = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.py"))]
    return [edited(examples[number % len(examples)], chosen) for number in range(count)]


def run(title: str, contents: list[bytes], jobs: int) -> dict[str, object]:
    """Check files of these contents, batch by batch."""
    crashed: list[str] = []
    hung: list[str] = []
    kernels = findings = 0
    slowest = 0.0
    begin = time.perf_counter()
    for first in range(0, len(contents), BATCH):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "pyproject.toml").write_text("[tool.oxide]\n", encoding="utf-8")
            for number, content in enumerate(contents[first : first + BATCH], first):
                (place / f"f{number:06}.py").write_bytes(content)
            start = time.perf_counter()
            done = check(place, jobs)
            slowest = max(slowest, time.perf_counter() - start)
            if done is None:
                hung.append(f"{title} from {first}")
                continue
            if done.returncode not in (0, 1) or done.stderr:
                lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
                crashed.append(f"from {first}: {lines[-1]}")
                print(done.stderr, file=sys.stderr)
            report = place / "report.json"
            if report.is_file():
                document = json.loads(report.read_text(encoding="utf-8"))
                kernels += len(document["kernels"])
                findings += len(document["diagnostics"])
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{title:<16} {len(contents):>6} files {sum(map(len, contents)) / 1e6:7.1f} MB "
        f"{seconds:7.1f} s   peak {peak:5.0f} MiB   {kernels} kernels, {findings} findings   "
        f"crashes {len(crashed)}, hangs {len(hung)}"
    )
    return {
        "files": len(contents),
        "megabytes": round(sum(map(len, contents)) / 1e6, 1),
        "seconds": round(seconds, 1),
        "slowest_batch_seconds": round(slowest, 1),
        "peak_process_mib": round(peak),
        "kernels": kernels,
        "findings": findings,
        "crashed": crashed,
        "hung": hung,
    }


def check(folder: Path, jobs: int) -> subprocess.CompletedProcess[str] | None:
    """`oxide-check` of a folder; None if it did not end in time."""
    command = [sys.executable, "-m", "oxide", "check", ".", "--no-cache", "--jobs", str(jobs)]
    command += ["--format", "json", "--output-file", "report.json"]
    environment = {**byte_code_kept(), "GITHUB_ACTIONS": ""}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
