"""The page about several devices is true: its examples run, and every exception is there."""

import re
from pathlib import Path

import pytest

import oxide
from runtime import processes

PAGE = Path(__file__).parent.parent / "docs" / "collectives.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def alone(monkeypatch):
    """The first of one process."""
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("MASTER_PORT", str(processes.free_port()))


def test_the_examples_run(tmp_path, alone):
    fences = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(fences) == 6
    program = tmp_path / "several.py"
    program.write_text("\n".join(fences), encoding="utf-8")
    names = {"__name__": "several"}
    exec(compile(program.read_text(encoding="utf-8"), str(program), "exec"), names)
    assert names["first"].numpy().tolist() == [[3] * 1000] * 2


def test_every_exception_is_there():
    named = set(re.findall(r"`(\w+Error)`", TEXT))
    assert {"RankLostError", "MissingExtraError"} <= named
    assert {name for name in named if not hasattr(oxide, name)} == set()
