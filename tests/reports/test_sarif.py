"""Logs are held against a schema of exactly what Oxide writes, and against the standard's own.

The standard's schema is not part of this repository: SARIF_SCHEMA names a copy of it
(sarif-schema-2.1.0.json, in the repository oasis-tcs/sarif-spec).
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from oxide_analyzer import rules
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.modules import NoModules
from oxide_analyzer.reports import sarif
from oxide_analyzer.source import SourceFile, Span
from reports.findings import RACE, REPORT, SOURCE, UNPROVED

HERE = Path(__file__).parent
ROOT = Path.cwd()
KERNELS = HERE.parent / "kernels"


def assert_valid(log: sarif.Object) -> None:
    subset = json.loads((HERE / "sarif_subset.json").read_text(encoding="utf-8"))
    assert [e.message for e in Draft202012Validator(subset).iter_errors(log)] == []
    standard = os.environ.get("SARIF_SCHEMA")
    if standard is not None:
        schema = json.loads(Path(standard).read_text(encoding="utf-8"))
        assert schema["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
        assert [e.message for e in Draft4Validator(schema).iter_errors(log)] == []


def log(*diagnostics: Diagnostic) -> sarif.Object:
    text = sarif.render([REPORT], diagnostics, {"k.py": SOURCE}, ROOT)
    made = json.loads(text)
    assert_valid(made)
    return made


def results(*diagnostics: Diagnostic) -> list[sarif.Object]:
    return log(*diagnostics)["runs"][0]["results"]


def test_empty_log() -> None:
    (run,) = log()["runs"]
    assert run["results"] == []
    assert run["properties"]["kernels"]["violated"] == 1


def test_place_message_and_rule() -> None:
    (run,) = log(UNPROVED, RACE)["runs"]
    unproved, race = run["results"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["OX104", "OX901"]
    for result in (unproved, race):
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
    assert rule["shortDescription"]["text"].startswith("Finds two threads of a block that touch")
    assert rule["help"]["markdown"].startswith("# OX104: shared-memory-race")
    assert (unproved["level"], race["level"]) == ("warning", "error")
    place = race["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "k.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 7, "startColumn": 13, "endLine": 7, "endColumn": 20}
    assert race["locations"][0]["logicalLocations"][0]["name"] == "block_sum"
    assert race["message"]["text"].startswith(RACE.message)
    assert "launch: block_sum[2, 256] with len(a) = 7" in race["message"]["text"]


def test_other_access_threads_and_fix() -> None:
    (race,) = results(RACE)
    (related,) = race["relatedLocations"]
    assert related["message"]["text"] == "read here"
    (flow,) = race["codeFlows"]
    reader, writer = flow["threadFlows"]
    assert (reader["id"], writer["id"]) == ("thread 3 of block 0", "thread 35 of block 0")
    read, write = (thread["locations"][0]["location"] for thread in (reader, writer))
    assert read["message"]["text"] == "thread 3 of block 0 reads tile[35]"
    assert read["physicalLocation"]["region"]["startColumn"] == 24
    assert write["physicalLocation"]["region"]["startColumn"] == 13
    (fix,) = race["fixes"]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    assert replacement["insertedContent"]["text"] == "        sync_threads()\n"
    assert fix["properties"]["safe"]


def test_suppression_has_its_reason() -> None:
    (race,) = results(RACE.suppress("one block"))
    assert race["suppressions"] == [{"kind": "inSource", "justification": "one block"}]


def test_fingerprints_differ_and_do_not_depend_on_the_line() -> None:
    first, second = results(RACE, RACE)
    assert first["partialFingerprints"] != second["partialFingerprints"]
    lower = SourceFile("k.py", "# new\n" + SOURCE.text)
    moved = replace(RACE, span=Span("k.py", 8, 13, 8, 20), message="other words")
    made = sarif.document([REPORT], [moved], {"k.py": lower}, ROOT)
    assert made["runs"][0]["results"][0]["partialFingerprints"] == first["partialFingerprints"]


@pytest.mark.parametrize(
    ("path", "artifact"),
    [
        ("./a b/é.py", {"uri": "a%20b/%C3%A9.py", "uriBaseId": "%SRCROOT%"}),
        ("bad\udcff.py", {"uri": "bad%FF.py", "uriBaseId": "%SRCROOT%"}),
        (str(ROOT / "x.py"), {"uri": "x.py", "uriBaseId": "%SRCROOT%"}),
        ("-", {"uri": "stdin:", "description": {"text": "standard input"}}),
    ],
)
def test_paths(path: str, artifact: object) -> None:
    (found,) = results(Diagnostic(Span(path, 1, 1, 1, 1), "OX001", "x", Severity.ERROR, "m"))
    assert found["locations"][0]["physicalLocation"]["artifactLocation"] == artifact


def test_every_rule_has_a_description() -> None:
    span = Span("k.py", 1, 1, 1, 2)
    (run,) = log(*(rule.diagnostic(span, "message") for rule in rules.RULES))["runs"]
    assert len(run["tool"]["driver"]["rules"]) == len(rules.RULES)


@pytest.mark.parametrize(
    "path", sorted((KERNELS / "unsafe").glob("*.py"))[::6], ids=lambda p: p.stem
)
def test_real_findings(path: Path) -> None:
    source = SourceFile(str(path), path.read_text(encoding="utf-8"))
    report = check(source, NoModules())
    assert_valid(sarif.document([report], report.diagnostics, {source.path: source}, ROOT))


def test_the_subset_refuses_what_the_standard_does_not_know() -> None:
    made = log(RACE)
    made["runs"][0]["results"][0]["lvl"] = "error"
    with pytest.raises(AssertionError):
        assert_valid(made)
