"""The harness itself: what it must let pass and what it must report."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations import BadAnnotation, expectations, mismatches
from mdtest import sections
from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.source import Span


def finding(line: int, column: int = 5, severity: Severity = Severity.ERROR) -> Diagnostic:
    span = Span("k.py", line, column, line, column + 1)
    return Diagnostic(span, "OX301", "out-of-bounds", severity, "index reaches 256")


def wrong(text: str, *found: Diagnostic) -> list[str]:
    return mismatches(expectations("k.py", text), found)


@pytest.mark.parametrize(
    "annotation",
    [
        "# error:",
        "# error: [OX301]",
        "# error: [out-of-bounds]",
        '# error: "reaches 256"',
        '# error: 5 [OX301] "reaches 256"',
        "#error: 5",
    ],
)
def test_annotation_that_fits(annotation: str) -> None:
    assert wrong(f"a[i] = 1  {annotation}\n", finding(1)) == []
    assert wrong(f"{annotation}\n\n# why\na[i] = 1\n", finding(4)) == []


@pytest.mark.parametrize(
    "annotation",
    ["# warning:", "# error: [OX302]", "# error: 6", '# error: "reaches 255"'],
)
def test_annotation_that_does_not_fit(annotation: str) -> None:
    messages = wrong(f"a[i] = 1  {annotation}\n", finding(1))
    assert len(messages) == 2
    assert messages[0].startswith("k.py:1: expected ")
    assert messages[1] == 'k.py:1: unexpected error: 5 [OX301] "index reaches 256"'


def test_unannounced_finding_fails() -> None:
    assert len(wrong("a[i] = 1\n", finding(1))) == 1
    assert len(wrong("a[i] = 1  # error:\n", finding(1), finding(1))) == 1


def test_information_may_go_unannounced_but_not_missing() -> None:
    assert wrong("a[i] = 1\n", finding(1, severity=Severity.INFORMATION)) == []
    assert len(wrong("a[i] = 1  # information:\n")) == 1


def test_suppressed_findings_are_not_there() -> None:
    assert wrong("a[i] = 1\n", finding(1).suppress("why")) == []


def test_several_on_a_line_and_the_precise_one_chooses_first() -> None:
    text = "a[i] = b[j]  # error: # error: 5 [OX301]\n"
    assert wrong(text, finding(1, 5), finding(1, 12)) == []


def test_what_may_be_said_beside_it_need_not_be_said() -> None:
    text = "a[i] = b[j]  # error: [OX301] # also: [OX301]\n"
    assert wrong(text, finding(1)) == []
    assert wrong(text, finding(1), finding(1, 12, Severity.WARNING)) == []
    assert len(wrong(text, finding(1), finding(1), finding(1))) == 1
    assert len(wrong(text, finding(1, severity=Severity.WARNING))) == 1


def test_unreadable_annotation_is_an_error() -> None:
    with pytest.raises(BadAnnotation, match=r"k\.py:1"):
        expectations("k.py", "a[i] = 1  # error: OX301\n")
    with pytest.raises(BadAnnotation):
        expectations("k.py", "# error: [OX301]\n")


def test_fences_under_a_heading_are_one_file_with_the_lines_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n\n```python\nx = 1\n```\n\ntext\n\n```py\ny = 2\n```\n\n"
        "```toml\n# not = this\n```\n\n## Two\n\n````python\nz = '```'\n````\n"
    )
    first, second = sections(page, "page.md")
    assert (first.title, second.title) == ("One", "Two")
    assert first.text.splitlines()[3] == "x = 1"
    assert first.text.splitlines()[9] == "y = 2"
    assert first.text.split() == ["x", "=", "1", "y", "=", "2"]
    assert second.text.splitlines()[19] == "z = '```'"


def test_open_fence_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n")
    with pytest.raises(ValueError, match="not closed"):
        sections(page, "page.md")
