"""pyright and mypy accept kernels as they stand, and find what declarations alone can tell.

A line that a checker must complain about ends in `# expect: pyright mypy`; no other line may be
complained about. Each checker runs once over the whole folder and the examples.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = os.pathsep.join(str(ROOT / part) for part in ("", "analyzer", "codegen"))
FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*_*.py"))
CASES = [path for path in FILES if path.name.startswith(("pass_", "fail_"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def expected(checker: str) -> set[tuple[str, int]]:
    found = set()
    for path in CASES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.search(r"# expect: (.*)$", line)
            if match and checker in match[1].split():
                found.add((path.name, number))
    return found


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_there_are_cases_of_both_kinds():
    assert {path.name.partition("_")[0] for path in CASES} == {"pass", "fail"}
    assert len(expected("pyright")) >= 30


SHIPPED = """
from oxide import DisjointSlice, Slice, f32, i32, kernel, struct, thread

@struct
class Step:
    dt: f32
    n: i32

@kernel
def scale(factor: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = factor * x[i]

@kernel
def advance(step: Step, x: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(x):
        x[i] += step.dt * f32(step.n)
"""


@pytest.fixture
def stubs(tmp_path):
    """The stub of an artifact, where the checkers look for imports."""
    from oxide_analyzer.analysis import check
    from oxide_analyzer.modules import NoModules
    from oxide_analyzer.source import SourceFile
    from oxide_codegen.stubs import write_stubs

    report = check(SourceFile("kernels.py", SHIPPED), NoModules())
    write_stubs(tmp_path / "kernels.oxide", [one.checked.kernel for one in report.kernels])


def test_pyright(tmp_path, stubs):
    # Away from the project's own settings: files are checked as a user's are, in standard mode.
    run = subprocess.run(
        [
            tool("pyright"),
            "--outputjson",
            "--pythonpath",
            sys.executable,
            *map(str, [*CASES, *EXAMPLES]),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((SOURCES, str(tmp_path)))},
    )
    found = {
        (Path(d["file"]).name, d["range"]["start"]["line"] + 1): d["message"]
        for d in json.loads(run.stdout)["generalDiagnostics"]
        if d["severity"] == "error"
    }
    assert not (wrong := compare(found, expected("pyright"))), "\n".join(wrong)


def test_mypy(tmp_path, stubs):
    run = subprocess.run(
        [
            tool("mypy"),
            "--config-file=",
            "--no-error-summary",
            "--no-pretty",
            "--hide-error-context",
            "--follow-imports=silent",
            f"--cache-dir={tmp_path / 'cache'}",
            f"--python-executable={sys.executable}",
            *map(str, CASES),
            *map(str, EXAMPLES),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": os.pathsep.join((SOURCES, str(tmp_path)))},
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = {}
    for line in run.stdout.splitlines():
        match = re.match(r"(.*?):(\d+): error: (.*)", line)
        if match:
            found[Path(match[1]).name, int(match[2])] = match[3]
    assert not (wrong := compare(found, expected("mypy"))), "\n".join(wrong)


def compare(found: dict[tuple[str, int], str], wanted: set[tuple[str, int]]) -> list[str]:
    wrong = [f"{name}:{line}: {found[name, line]}" for name, line in sorted(found.keys() - wanted)]
    return wrong + [f"{name}:{line}: not found" for name, line in sorted(wanted - found.keys())]
