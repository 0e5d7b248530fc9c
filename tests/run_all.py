"""Install what the tests need and run them: `python3 tests/run_all.py [ARGUMENTS OF PYTEST]`.

Without arguments all tests run, on all processors, and then the slices of random programs.

Needs Python 3.11 or newer with pip and venv, and nothing else: it makes `.venv` in the
repository and installs Oxide with every extra, and the tools, there. No GPU, no CUDA, no Node.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    """Install, test, then run the slices of random programs; the exit code is pytest's."""
    install()
    if sys.argv[1:]:
        return _pytest(*sys.argv[1:])
    everywhere = ("-n", "auto")
    return _pytest(*everywhere) or _pytest(*everywhere, "-m", "fuzz")


def _pytest(*arguments: str) -> int:
    command = [str(PYTHON), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def install() -> None:
    """Make the environment and install everything in it, unless this was done already."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / "oxide-tests"
    if PYTHON.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"== installing oxide-kernels[all] and the tools in {VENV.name}", flush=True)
    if not PYTHON.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # Groups of dependencies are read by pip 25.1 and newer; Debian 12 brings 23.
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    # --group reads pyproject.toml of the working folder.
    subprocess.run([*pip, "--editable", ".[all]", "--group", "dev"], check=True, cwd=ROOT)
    stamp.write_text(wanted)


if __name__ == "__main__":
    raise SystemExit(main())
