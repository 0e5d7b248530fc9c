from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from oxide_analyzer.reports import gitlab
from oxide_analyzer.source import SourceFile, Span
from reports.findings import RACE, SOURCE, UNPROVED

ROOT = Path.cwd()
SOURCES = {"k.py": SOURCE}


def test_what_gitlab_reads() -> None:
    (found,) = json.loads(gitlab.render([RACE], SOURCES, ROOT))
    assert found.pop("fingerprint").isalnum()
    assert found == {
        "check_name": "OX104",
        "description": "OX104 shared-memory-race: "
        "`tile[t]` is written while another thread reads it",
        "severity": "critical",
        "location": {"path": "k.py", "lines": {"begin": 7, "end": 7}},
    }
    assert json.loads(gitlab.render([], {}, ROOT)) == []


def test_severities_are_those_of_the_format() -> None:
    found = gitlab.document([UNPROVED, RACE, replace(RACE, verdict=None)], SOURCES, ROOT)
    assert [issue["severity"] for issue in found] == ["minor", "critical", "major"]


def test_fingerprints_are_unique_and_stable() -> None:
    marks = [i["fingerprint"] for i in gitlab.document([UNPROVED, RACE, RACE], SOURCES, ROOT)]
    assert len(set(marks)) == 3
    lower = {"k.py": SourceFile("k.py", "\n\n" + SOURCE.text.replace("tile[t] +=", "tile[t]  +="))}
    moved = replace(RACE, span=Span("k.py", 9, 13, 9, 20), message="said otherwise")
    (issue,) = gitlab.document([moved], lower, ROOT)
    assert issue["fingerprint"] == marks[1]


def test_paths_are_those_of_the_project() -> None:
    for path in ("./k.py", str(ROOT / "k.py")):
        found = replace(RACE, span=replace(RACE.span, path=path))
        (issue,) = gitlab.document([found], {path: SOURCE}, ROOT)
        assert issue["location"]["path"] == "k.py"
        (plain,) = gitlab.document([RACE], SOURCES, ROOT)
        assert issue["fingerprint"] == plain["fingerprint"]
