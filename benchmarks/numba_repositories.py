"""What `oxide-check` says of public repositories with kernels of Numba and CuPy.

    python benchmarks/numba_repositories.py FOLDER [--manifest FILE] [--seed A --count N]
    python benchmarks/numba_repositories.py FOLDER --sample 60 [--seed A] [--reports FOLDER]

FOLDER holds one checkout for each line `owner/name@commit` of the manifest, called `owner+name`;
nothing of it is ever run. Each repository is checked twice with an empty cache of verdicts in
front of the first run: cold, and with what that run left. A row of the result has its kernels by
verdict (`assumed` counts those that have an assumption, whatever their verdict), what ended
otherwise than with 0 or 1 or named an internal error (`crashes`), wall and processor times, and
the largest resident set. Kernels of the same text in several repositories count once in
`distinct`. A slice (`--seed A --count N`) prints its rows; the whole writes
`benchmarks/results/numba_repositories.json`.

`--reports` keeps what `oxide-check` says of each repository, and takes it from there the next
time. `--sample` draws as many violated kernels of distinct text, and prints what is found, to be
judged by hand: `benchmarks/results/numba_violations.md` keeps the judgements.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, byte_code_kept, load, write

MANIFEST = Path(__file__).resolve().parent / "numba_repositories.txt"
VERDICTS = ("proved", "violated", "unproved")

Row: TypeAlias = "dict[str, Any]"


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the checkouts")
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, help="so many repositories, drawn by the seed")
    parser.add_argument("--sample", type=int, help="print so many violated kernels instead")
    parser.add_argument("--reports", type=Path, help="where what is found is kept")
    options = parser.parse_args()
    if options.reports is not None:
        options.reports.mkdir(parents=True, exist_ok=True)
    repositories = read_manifest(options.manifest)
    if options.count is not None:
        repositories = random.Random(options.seed).sample(repositories, options.count)
    before = load()
    rows: list[Row] = []
    texts: dict[str, str] = {}
    violated: dict[str, list[str]] = {}
    for name, commit in repositories:
        checkout = options.folder / name.replace("/", "+")
        kept = options.reports and options.reports / f"{checkout.name}.json"
        if kept and kept.is_file():
            row, report = json.loads(kept.read_text(encoding="utf-8"))
        else:
            row, report = checked(checkout)
            if kept:
                kept.write_text(json.dumps([row, report]), encoding="utf-8")
        rows.append({"repository": name, "commit": commit, **row})
        print(told(rows[-1]), flush=True)
        for kernel in report["kernels"] if report else ():
            text = source_of(checkout, kernel)
            texts.setdefault(text, kernel["verdict"])
            if kernel["verdict"] == "violated" and text not in violated:
                violated[text] = finding_lines(name, commit, kernel, report["diagnostics"])
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key in COUNTED}
    distinct = dict(Counter(texts.values()))
    print(told({"repository": "all", **total, "peak_mib": max(row["peak_mib"] for row in rows)}))
    print(f"distinct kernels: {sum(distinct.values())} {distinct}")
    if options.sample is not None:
        keys = sorted(violated)
        chosen = random.Random(options.seed).sample(keys, min(options.sample, len(keys)))
        for line in sorted(line for key in chosen for line in violated[key]):
            print(line)
    elif options.count is None:
        figures = {
            "repositories": len(rows),
            "total": total,
            "distinct": distinct,
            "peak_mib": max(row["peak_mib"] for row in rows),
            "load_before": before,
            "rows": rows,
        }
        print(write("numba_repositories", figures, started).relative_to(ROOT))
    return 0


COUNTED = (
    "kernels",
    *VERDICTS,
    "assumed",
    "crashes",
    "cold_seconds",
    "cold_cpu_seconds",
    "warm_seconds",
    "warm_cpu_seconds",
)


def read_manifest(path: Path) -> list[tuple[str, str]]:
    """The repositories with their commits."""
    lines = path.read_text(encoding="utf-8").split("\n")
    wanted = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return [(name, commit) for name, _, commit in (line.partition("@") for line in wanted)]


def checked(checkout: Path) -> tuple[Row, Any]:
    """One repository, cold and warm, with the report of the cold run (None after a crash)."""
    if not checkout.is_dir():
        raise SystemExit(f"there is no {checkout}")
    with tempfile.TemporaryDirectory() as cache:
        cold = run(checkout, Path(cache))
        warm = run(checkout, Path(cache))
    report = cold["report"]
    kernels = report["kernels"] if report else []
    verdicts = Counter(kernel["verdict"] for kernel in kernels)
    internal = sum(d["code"] == "OX999" for d in report["diagnostics"]) if report else 0
    row = {
        "kernels": len(kernels),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        "assumed": sum(bool(kernel["assumed"]) for kernel in kernels),
        "crashes": internal + sum(one["report"] is None for one in (cold, warm)),
        "cold_seconds": cold["wall"],
        "cold_cpu_seconds": cold["cpu"],
        "warm_seconds": warm["wall"],
        "warm_cpu_seconds": warm["cpu"],
        "slowest_kernel_ms": max((round(k["milliseconds"]) for k in kernels), default=0),
        "peak_mib": cold["peak_mib"],
    }
    return row, report


def run(checkout: Path, cache: Path) -> Row:
    """One run of `oxide-check` in one process: its report and what it took."""
    command = [sys.executable, "-m", "oxide", "check", ".", "--jobs", "1", "--format", "json"]
    environment = {**byte_code_kept(), "OXIDE_CACHE_DIR": str(cache), "GITHUB_ACTIONS": ""}
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    return {
        "report": json.loads(text) if process.returncode in (0, 1) else None,
        "wall": round(wall, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def source_of(checkout: Path, kernel: Any) -> str:
    """The text of a kernel, shortened; that of a notebook's is its place."""
    path = checkout / kernel["path"]
    if kernel["cell"] is not None or not path.is_file():
        return f"{kernel['path']}:{kernel['cell']}:{kernel['line']}"
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    body = "\n".join(lines[kernel["line"] - 1 : kernel["end_line"]])
    return hashlib.sha256(body.encode()).hexdigest()


def finding_lines(name: str, commit: str, kernel: Any, diagnostics: Any) -> list[str]:
    """What is said of a violated kernel, one line for each error."""
    place = kernel["path"], kernel["cell"], kernel["name"]
    return [
        f"{name} {commit[:8]} {d['path']}:{cell_of(d)}{d['line']} {kernel['name']} {d['code']} "
        f"{d['message']}"
        for d in diagnostics
        if d["severity"] == "error" and (d["path"], d["cell"], d["kernel"]) == place
    ]


def cell_of(finding: Any) -> str:
    """The cell that a finding of a notebook is in."""
    return "" if finding["cell"] is None else f"cell {finding['cell']}:"


def told(row: Row) -> str:
    """A row of the table that is printed."""
    counts = " ".join(f"{row[key]:5}" for key in ("kernels", *VERDICTS, "assumed", "crashes"))
    times = " ".join(f"{row[key]:8.1f}" for key in ("cold_seconds", "warm_seconds"))
    return f"{row['repository'][:48]:48} {counts} {times} {row['peak_mib']:5}"


if __name__ == "__main__":
    raise SystemExit(main())
