"""What a figure was measured on: commit, command, machine, time of day."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


def write(
    name: str, figures: Mapping[str, object], started: float, commit: str | None = None
) -> Path:
    """Write `results/<name>.json`; `started` is `time.perf_counter()` at the beginning.

    `commit`, or the variable OXIDE_COMMIT, is what was measured, where there is no git that could
    say so.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    changes = _git("status", "--porcelain", "--untracked-files=no")
    record = {
        "commit": _git("rev-parse", "HEAD") or commit or os.environ.get("OXIDE_COMMIT"),
        "changed_since": None if changes is None else bool(changes),
        "command": " ".join(["python", *map(_shown, sys.argv)]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "wall_seconds": round(time.perf_counter() - started, 1),
        **figures,
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def load() -> float | None:
    """How many processes wanted a processor in the last minute, None where that is not counted."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def driver_version() -> str | None:
    """What the NVIDIA driver calls itself, as far as it can be asked."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.split("\n")[0].strip()


def byte_code_kept() -> dict[str, str]:
    """The environment without the variable that keeps Python from writing byte code."""
    return {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _shown(argument: str) -> str:
    path = Path(argument).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else argument


def _git(*arguments: str) -> str | None:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()
