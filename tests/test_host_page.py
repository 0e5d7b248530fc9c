"""The page about the host is true: its examples run, and every exception that it names is there."""

import re
from pathlib import Path

import oxide

PAGE = Path(__file__).parent.parent / "docs" / "host.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_examples_run(tmp_path, monkeypatch):
    fences = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(fences) == 11
    program = tmp_path / "host.py"
    program.write_text("\n".join(fences), encoding="utf-8")
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    names = {"__name__": "host"}
    exec(compile(program.read_text(encoding="utf-8"), str(program), "exec"), names)
    # Four launches of y = 2 * 1 + y.
    assert names["y"][0] == 1 + 4 * 2


def test_every_exception_is_there():
    named = set(re.findall(r"`(?:oxide\.)?(\w+Error|KernelAssertion)`", TEXT))
    assert {"KernelRaceError", "ArtifactDamagedError"} <= named
    assert {n for n in named if not hasattr(oxide, n)} <= {"ValueError", "TypeError"}
