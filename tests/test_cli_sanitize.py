"""`oxide sanitize`: it runs a program, says what its launches break, and leaves the rest alone."""

import json
import sys
from pathlib import Path

import pytest

from oxide.cli import main

PROGRAM = """\
import sys

import numpy as np

import oxide
from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread


@kernel
def backwards(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    BARRIER
    out[thread.x] = tile[63 - thread.x]


a = np.arange(64, dtype=np.float32)
out = np.zeros_like(a)
with oxide.device("cpu"):
    backwards[1, 64](a, out)
print(__name__, sys.argv[1:], out[1])
sys.exit(3)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(barrier):
        (tmp_path / "work.py").write_text(PROGRAM.replace("BARRIER", barrier))
        return "work.py"

    return write


def test_a_race_is_a_finding(program, capsys):
    before = list(sys.argv), list(sys.path)
    assert main(["sanitize", program("pass"), "--fast", "1"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("__main__ ['--fast', '1'] 0.0\n")
    assert "error[OX104] shared-memory-race: " in out
    assert "work.py:12:5 in `backwards`" in out
    assert out.endswith("1 launch of 1 kernel watched: 1 finding.\n")
    assert (sys.argv, sys.path) == before


def test_without_one_the_program_says_how_it_ends(program, capsys):
    assert main(["sanitize", program("sync_threads()")]) == 3
    assert "1 launch of 1 kernel watched: no findings." in capsys.readouterr().out


def test_findings_go_to_a_file(program, capsys):
    assert main(["sanitize", "--format", "json", "--output-file", "o", program("pass")]) == 1
    (found,) = json.loads(Path("o").read_text())["diagnostics"]
    assert (found["code"], found["line"], found["verdict"]) == ("OX104", 12, "violated")
    assert found["witness"]["array"] == "tile"


def test_an_error_of_the_program_is_its_own(tmp_path, capsys):
    script = tmp_path / "broken.py"
    script.write_text("raise KeyError('mine')\n")
    assert main(["sanitize", str(script)]) == 1
    shown = capsys.readouterr()
    assert "KeyError: 'mine'" in shown.err
    assert "No kernel was launched" in shown.out


def test_wrong_use(tmp_path, monkeypatch, capsys):
    from oxide_codegen import toolchain

    assert main(["sanitize", "nothing.py"]) == 2
    assert "there is no file `nothing.py`" in capsys.readouterr().err
    monkeypatch.setattr(toolchain, "compute_sanitizer", lambda: None)
    (tmp_path / "a.py").touch()
    assert main(["sanitize", "--gpu", str(tmp_path / "a.py")]) == 2
    assert "compute-sanitizer was not found" in capsys.readouterr().err


@pytest.mark.parametrize(("ends", "code"), [({}, 0), ({"racecheck": 86}, 1), ({"memcheck": 5}, 5)])
def test_on_a_gpu_each_tool_runs_once(tmp_path, monkeypatch, ends, code):
    from oxide.cli import sanitize
    from oxide_codegen import toolchain

    asked = []

    class Done:
        def __init__(self, command, check):
            asked.append(command)
            self.returncode = ends.get(command[2], 0)

    monkeypatch.setattr(toolchain, "compute_sanitizer", lambda: tmp_path / "compute-sanitizer")
    monkeypatch.setattr(sanitize.subprocess, "run", Done)
    (tmp_path / "a.py").touch()
    assert main(["sanitize", "--gpu", str(tmp_path / "a.py"), "x"]) == code
    assert [command[2] for command in asked] == list(sanitize.TOOLS)
    assert asked[0][-3:] == [sys.executable, str(tmp_path / "a.py"), "x"]
