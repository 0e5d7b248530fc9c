from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.reports import github
from oxide_analyzer.source import Span
from reports.findings import RACE, UNPROVED

ROOT = Path.cwd()


def test_one_command_a_finding() -> None:
    first, second = github.render([UNPROVED, RACE], ROOT).splitlines()
    assert first == (
        "::warning title=OX901 (unproved-race),file=k.py,line=3,endLine=3,col=5,endColumn=9::"
        "k.py:3:5: OX901 `tile` may be touched by two threads"
        "%0Anot proved: the index is loaded from memory"
    )
    assert second.startswith("::error title=OX104 (shared-memory-race),file=k.py,line=7,")
    assert "%0Alaunch: block_sum[2, 256] with len(a) = 7%0A" in second


def test_what_would_end_a_command_is_escaped() -> None:
    strange = replace(
        UNPROVED,
        span=Span("a,b:c%.py", 1, 1, 2, 3),
        severity=Severity.INFORMATION,
        message="100 %\r\n::set-output name=x::y",
        reason=None,
    )
    (line,) = github.render([strange], ROOT).splitlines()
    command, message = line[2:].split("::", 1)
    assert command == "notice title=OX901 (unproved-race),file=a%2Cb%3Ac%25.py,line=1,endLine=2"
    assert message == "a,b:c%25.py:1:1: OX901 100 %25\ufffd\ufffd::set-output name=x::y"


def test_path_starts_from_the_checkout() -> None:
    found = replace(RACE, span=replace(RACE.span, path=str(ROOT / "src" / "k.py")))
    assert ",file=src/k.py," in github.render([found], ROOT)
    elsewhere = str(ROOT.parent / "other" / "k.py")
    found = replace(RACE, span=replace(RACE.span, path=elsewhere))
    assert f",file={elsewhere}," in github.render([found], ROOT)
