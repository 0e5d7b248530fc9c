"""Check every example and run it: `python3 examples/run_all.py`.

Needs Python 3.11 or newer with pip and venv, and nothing else: it makes `.venv` beside the
examples' folder, installs Oxide there, with the CUDA packages where there is an NVIDIA driver,
proves the examples, and runs each on the GPU, or on the CPU where there is none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# The first driver that CUDA 13 runs on.
CUDA_13 = 580


def main() -> int:
    """Install, check, run; 0 if every example is proved and every comparison holds."""
    install(extra())
    checked = run("-m", "oxide", "check", "--strict", "examples")
    if checked:
        return checked
    failed = []
    for example in sorted((ROOT / "examples").glob("*.py")):
        if example != Path(__file__).resolve() and run(str(example)):
            failed.append(example.stem)
    say(
        f"failed: {', '.join(failed)}"
        if failed
        else "every example is proved and agrees with numpy"
    )
    return 1 if failed else 0


def extra() -> str:
    """Which packages this machine's driver can use."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return "cpu"
    query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
    # A line for each GPU.
    drivers = answer.splitlines()
    major = answer.partition(".")[0]
    if not major.isdigit():
        return "cpu"
    if int(major) < CUDA_13:
        return "cu12"
    return "nccl" if len(drivers) > 1 and sys.platform == "linux" else "cu13"


def install(extra: str) -> None:
    """Make the environment and install Oxide in it, unless this was done for these settings."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + extra.encode()).hexdigest()
    stamp = VENV / "oxide-examples"
    if PYTHON.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return
    say(f"installing oxide-kernels[{extra}] in {VENV.name}")
    if not PYTHON.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--editable", f"{ROOT}[{extra}]"], check=True)
    stamp.write_text(wanted)


def run(*arguments: str) -> int:
    """Run Python in the environment, its output going where ours goes."""
    sys.stdout.flush()
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, check=False).returncode


def say(text: str) -> None:
    """One line, in order with what the programs print."""
    print(f"== {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
