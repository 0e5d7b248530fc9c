"""Kernels as test cases, in the XML that Jenkins, GitLab and Azure read.

A file is a suite, a kernel a case: proved ones pass, violated ones fail, unproved ones are skipped
(with `strict` they fail). What belongs to no kernel fails a case of the file's own. A case has at
most one failure, because readers keep one, and its text holds all findings.

    <testsuites name="oxide-check" tests="2" failures="1" errors="0" skipped="0" time="0.012">
      <testsuite name="k.py" tests="2" failures="1" errors="0" skipped="0" time="0.012">
        <testcase classname="k" name="scale" file="k.py" line="5" time="0.003" />
        <testcase classname="k" name="block_sum" file="k.py" line="12" time="0.009">
          <failure message="…" type="OX104">k.py:19:13: OX104 …</failure>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.record import record
from oxide_analyzer.reports.frame import printable
from oxide_analyzer.reports.full import notes
from oxide_analyzer.reports.places import file_place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import SourceFile

# XML 1.0 has no way to write these, escaped or not.
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


@record
class _Case:
    """One case: its name and place, how long it took, and `failure`, `error` or `skipped`."""

    name: str
    line: int
    seconds: float
    outcome: str | None
    kind: str
    message: str
    text: str


def render(
    reports: Sequence[Report],
    diagnostics: Iterable[Diagnostic],
    root: Path,
    *,
    strict: bool,
    sources: Mapping[str, SourceFile] | None = None,
) -> str:
    """The kernels of `reports`, with those of their findings that are among `diagnostics`.

    `sources` holds the cells of notebooks by the paths of the spans.
    """
    asked = {id(diagnostic) for diagnostic in diagnostics}
    every = ElementTree.Element("testsuites", {"name": "oxide-check"})
    total: list[_Case] = []
    for report in sorted(reports, key=lambda report: report.path):
        own = [d for d in report.diagnostics if id(d) in asked]
        cases = _cases(report, own, strict, sources or {})
        if cases:
            path = shown(report.path, root)
            _suite(every, path, cases)
            total += cases
    _count(every, total)
    ElementTree.indent(every)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(every, "unicode")}\n'


def _cases(
    report: Report,
    findings: list[Diagnostic],
    strict: bool,
    sources: Mapping[str, SourceFile],
) -> list[_Case]:
    names = {kernel.name for kernel in report.kernels}
    cases = [
        _kernel(
            kernel,
            [d for d in findings if d.kernel == kernel.name],
            strict,
            file_place(kernel.span, sources).line,
        )
        for kernel in report.kernels
    ]
    rest = [d for d in findings if d.kernel not in names]
    if rest:
        errors = [d for d in rest if d.severity is Severity.ERROR]
        outcome = "failure" if errors else None
        if any(d.code == "OX999" for d in errors):
            outcome = "error"
        first = (errors or rest)[0]
        line = file_place(first.span, sources).line
        cases.append(_case("(file)", line, 0.0, outcome, first, rest))
    return cases


def _kernel(kernel: KernelReport, findings: list[Diagnostic], strict: bool, line: int) -> _Case:
    seconds = kernel.milliseconds / 1000
    name = kernel.qualname
    open_ones = [d for d in findings if d.suppressed is None]
    errors = [d for d in open_ones if d.severity is Severity.ERROR]
    unproved = [d for d in open_ones if d.verdict is Verdict.UNPROVED]
    if errors:
        return _case(name, line, seconds, "failure", errors[0], findings)
    if kernel.verdict is Verdict.PROVED:
        return _case(name, line, seconds, None, None, findings)
    if strict and unproved:
        return _case(name, line, seconds, "failure", unproved[0], findings)
    reason = f"{kernel.verdict}; what is found is suppressed or was not asked for"
    first = unproved[0] if unproved else None
    message = f"unproved: {first.message}" if first else reason
    return _Case(name, line, seconds, "skipped", "", message, _text(findings))


def _case(
    name: str,
    line: int,
    seconds: float,
    outcome: str | None,
    first: Diagnostic | None,
    findings: list[Diagnostic],
) -> _Case:
    kind, message = (first.code, first.message) if first is not None else ("", "")
    return _Case(name, line, seconds, outcome, kind, message, _text(findings))


def _text(findings: list[Diagnostic]) -> str:
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.span}: {finding.code} [{finding.name}] {finding.message}")
        lines += [f"    {word}: {text}" for word, text in notes(finding)]
    return "\n".join(_xml(line) for line in lines)


def _suite(every: ElementTree.Element, path: str, cases: list[_Case]) -> None:
    suite = ElementTree.SubElement(every, "testsuite", {"name": _xml(path)})
    _count(suite, cases)
    module = path.removesuffix(".py").replace("/", ".").strip(".")
    for case in cases:
        attributes = {
            "classname": _xml(module),
            "name": _xml(case.name),
            "file": _xml(path),
            "line": str(case.line),
            "time": f"{case.seconds:.3f}",
        }
        element = ElementTree.SubElement(suite, "testcase", attributes)
        if case.outcome is None:
            if case.text:
                ElementTree.SubElement(element, "system-out").text = case.text
            continue
        inner = {"message": _xml(case.message)}
        if case.outcome != "skipped":
            inner["type"] = case.kind
        ElementTree.SubElement(element, case.outcome, inner).text = case.text or None


def _count(element: ElementTree.Element, cases: list[_Case]) -> None:
    element.set("tests", str(len(cases)))
    for attribute, outcome in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        element.set(attribute, str(sum(case.outcome == outcome for case in cases)))
    element.set("time", f"{sum(case.seconds for case in cases):.3f}")


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", printable(text))
