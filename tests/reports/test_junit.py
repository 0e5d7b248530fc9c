from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from oxide_analyzer.diagnostics import Diagnostic, Severity, Verdict
from oxide_analyzer.report import Report
from oxide_analyzer.reports import junit
from oxide_analyzer.source import Span
from reports.findings import RACE, REPORT, UNPROVED, kernel

ROOT = Path.cwd()
SYNTAX = Diagnostic(Span("b.py", 2, 5, 2, 6), "OX001", "syntax-error", Severity.ERROR, "no")


def suites(*reports: Report, strict: bool = False) -> ElementTree.Element:
    findings = [d for report in reports for d in report.diagnostics]
    return ElementTree.fromstring(junit.render(reports, findings, ROOT, strict=strict))


def test_a_kernel_is_a_case() -> None:
    proved = replace(kernel(Verdict.PROVED), name="ok", qualname="ok")
    every = suites(replace(REPORT, kernels=(*REPORT.kernels, proved)))
    assert every.attrib == {
        "name": "oxide-check",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
        "time": "0.006",
    }
    (suite,) = every
    assert suite.get("name") == "k.py"
    bad, good = suite
    assert bad.attrib == {
        "classname": "k",
        "name": "block_sum",
        "file": "k.py",
        "line": "2",
        "time": "0.003",
    }
    (failure,) = bad
    assert failure.tag == "failure"
    assert failure.get("type") == "OX104"
    assert failure.get("message") == RACE.message
    assert "k.py:3:5: OX901 [unproved-race]" in (failure.text or "")
    assert "    launch: block_sum[2, 256] with len(a) = 7" in (failure.text or "")
    assert (good.get("name"), len(good)) == ("ok", 0)


def test_unproved_is_skipped_and_fails_if_strict() -> None:
    report = Report("k.py", (kernel(Verdict.UNPROVED),), (UNPROVED,))
    ((case,),) = suites(report)
    assert [(e.tag, e.get("message")) for e in case] == [
        ("skipped", "unproved: `tile` may be touched by two threads")
    ]
    ((case,),) = suites(report, strict=True)
    assert [e.tag for e in case] == ["failure"]


def test_suppressed_violation_does_not_pass() -> None:
    ((case,),) = suites(Report("k.py", (kernel(Verdict.VIOLATED),), (RACE.suppress("x"),)))
    assert [e.tag for e in case] == ["skipped"]


def test_what_belongs_to_no_kernel() -> None:
    ((case,),) = suites(Report("b.py", (), (SYNTAX,)))
    assert (case.get("name"), case.get("line")) == ("(file)", "2")
    assert [e.tag for e in case] == ["failure"]
    bug = replace(SYNTAX, code="OX999")
    every = suites(Report("b.py", (), (bug,)))
    assert (every.get("errors"), every[0][0][0].tag) == ("1", "error")
    assert len(suites(Report("empty.py", (), ()))) == 0


def test_what_xml_cannot_say_is_replaced() -> None:
    strange = replace(SYNTAX, message="\x00\x1b<&>\"'\ud800\uffff\n]]>")
    text = junit.render(
        [report := Report("a&\x01.py", (), (strange,))], [strange], ROOT, strict=False
    )
    (suite,) = ElementTree.fromstring(text)
    assert suite.get("name") == "a&\ufffd.py"
    assert suite[0][0].get("message") == "\ufffd\ufffd<&>\"'\ufffd\ufffd\ufffd]]>"
    assert report.path.isprintable() is False
