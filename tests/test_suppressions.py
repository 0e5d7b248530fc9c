from __future__ import annotations

import pytest

from oxide_analyzer import suppressions
from oxide_analyzer.diagnostics import Diagnostic, Severity
from oxide_analyzer.source import SourceFile, Span


def finding(line: int) -> Diagnostic:
    span = Span("k.py", line, 1, line, 2)
    return Diagnostic(span, "OX104", "shared-memory-race", Severity.ERROR, "race")


def reasons(text: str, line: int) -> list[str | None]:
    """What hides a finding on `line`, then the numbers of what is said about the comments."""
    found = suppressions.apply(SourceFile("k.py", text), (finding(line),))
    return [d.suppressed if d.code == "OX104" else d.code for d in found]


@pytest.mark.parametrize(
    "comment",
    [
        "# oxide: ignore[OX104] one block",
        "# oxide: ignore[shared-memory-race] one block",
        "# oxide: ignore[OX301, ox104] one block",
        "#oxide:ignore[OX104]: one block",
        "# noqa: E501  # oxide: ignore[OX104] one block  # another comment",
    ],
)
def test_comment_with_reason_hides(comment: str) -> None:
    assert reasons(f"x = 1  {comment}\n", 1) == ["one block"]


def test_reason_may_name_an_issue() -> None:
    assert reasons("x = 1  # oxide: ignore[OX104] see #12\n", 1) == ["see #12"]


def test_without_reason_nothing_is_hidden() -> None:
    assert reasons("x = 1  # oxide: ignore[OX104]\n", 1) == [None, "OX704"]
    assert reasons("x = 1  # oxide: ignore[OX104]  # noqa\n", 1) == [None, "OX704"]


def test_other_rule_and_other_line_are_not_hidden() -> None:
    assert reasons("x = 1  # oxide: ignore[OX102] one block\n", 1) == [None]
    assert reasons("x = 1  # oxide: ignore[OX104] one block\ny = 2\n", 2) == [None]


def test_words_in_a_string_are_no_comment() -> None:
    assert reasons('x = "# oxide: ignore[OX104] one block"\n', 1) == [None]


STATEMENT = """\
out[i] = combine(
    a[i],  # oxide: ignore[OX104] one block

    # a comment
    b[i],
)
y = 1
"""


@pytest.mark.parametrize("line", range(1, 7))
def test_any_line_of_a_statement_counts_for_all_of_it(line: int) -> None:
    assert reasons(STATEMENT, line) == ["one block"]


def test_statement_ends_at_its_end() -> None:
    assert reasons(STATEMENT, 7) == [None]
    body = "if x:  # oxide: ignore[OX104] one block\n    y = 1\n"
    assert reasons(body, 1) == ["one block"]
    assert reasons(body, 2) == [None]


def test_place_of_a_comment_without_reason() -> None:
    source = SourceFile("k.py", "é = 1  # oxide: ignore[OX104, ox301]\n")
    (found,) = suppressions.apply(source, ())
    assert source.extract(found.span) == "# oxide: ignore[OX104, ox301]"
    assert "OX104, OX301" in found.message


@pytest.mark.parametrize("tail", ["x = (\n", "   bad\n indent\n", "'''", "x = $\n", "\x00"])
def test_comments_before_a_syntax_error_count(tail: str) -> None:
    assert reasons(f"x = 1  # oxide: ignore[OX104] one block\n{tail}", 1) == ["one block"]
