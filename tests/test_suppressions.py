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


def about(text: str, *findings: Diagnostic) -> list[Diagnostic]:
    """What is said about the comments of a file of which everything is known."""
    source = SourceFile("k.py", text)
    everything = Span("k.py", 1, 1, 1000, 1)
    found = suppressions.apply(source, findings, judged=[everything])
    return [d for d in found if d.code.startswith("OX7")]


def fixed(text: str, *findings: Diagnostic) -> str:
    """The text after the fixes of what is said about its comments."""
    (said,) = about(text, *findings)
    (edit,) = said.fixes[0].edits
    lines = text.splitlines(keepends=True)
    span = edit.span
    head = "".join(lines[: span.line - 1]) + "".join(lines[span.line - 1 :])[: span.column - 1]
    tail = "".join(lines[span.end_line - 1 :])[span.end_column - 1 :]
    return head + edit.text + tail


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1  # oxide: ignore[OX301] reason\n", "x = 1\n"),
        ("x = 1  # oxide: ignore[OX301] reason", "x = 1"),
        ("x = 1  # oxide: ignore[OX301] reason  # noqa\n", "x = 1  # noqa\n"),
        ("x = 1  # noqa  # oxide: ignore[OX301] reason\n", "x = 1  # noqa\n"),
        ("y = 1\n# oxide: ignore[OX301] reason\nx = 1\n", "y = 1\nx = 1\n"),
    ],
)
def test_unused_comment_is_removed(before: str, after: str) -> None:
    (said,) = about(before)
    assert (said.code, said.message) == ("OX701", "suppression of OX301 hides nothing")
    assert said.fixes[0].safe
    assert fixed(before) == after


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ("OX104, OX301", "OX104"),
        ("ox301 ,shared-memory-race", "shared-memory-race"),
        ("OX301,OX104,OX302", "OX104"),
        ("OX104,  shared-memory-race, OX302", "OX104, shared-memory-race"),
    ],
)
def test_of_several_rules_those_that_are_not_needed_go(rules: str, kept: str) -> None:
    text = f"x = 1  # oxide: ignore[{rules}] one block\n"
    assert fixed(text, finding(1)) == f"x = 1  # oxide: ignore[{kept}] one block\n"


def test_comment_that_hides_is_used() -> None:
    assert about("x = 1  # oxide: ignore[OX104] one block\n", finding(1)) == []


def test_only_what_is_known_in_full_is_judged() -> None:
    source = SourceFile("k.py", "x = 1  # oxide: ignore[OX104] one block\n")
    assert suppressions.apply(source, ()) == ()
    assert suppressions.apply(source, (), judged=[Span("k.py", 2, 1, 9, 1)]) == ()


def test_unknown_rule_names_the_nearest() -> None:
    (said,) = about("x = 1  # oxide: ignore[OX104, shared-memory-rac] one\n", finding(1))
    assert said.code == "OX705"
    assert said.message == (
        "there is no rule `shared-memory-rac`; did you mean `shared-memory-race`?"
    )
    assert said.span.column == 31
    assert not said.fixes[0].safe
    assert fixed("x = 1  # oxide: ignore[shared-memory-rac] one\n") == (
        "x = 1  # oxide: ignore[shared-memory-race] one\n"
    )
    (said,) = about("x = 1  # oxide: ignore[%&$] one\n")
    assert said.message == "there is no rule `%&$`, so this suppresses nothing"


def test_comment_in_the_file_of_a_helper_hides_what_is_found_there() -> None:
    source = SourceFile("k.py", "import h\n")
    helper = SourceFile("h.py", "\nx = 1  # oxide: ignore[OX104] one block\n")
    span = Span("h.py", 2, 1, 2, 2)
    race = Diagnostic(span, "OX104", "shared-memory-race", Severity.ERROR, "race")
    (found,) = suppressions.apply(source, (race,), {"h.py": helper})
    assert found.suppressed == "one block"
    same_line = SourceFile("k.py", "\nx = 1  # oxide: ignore[OX104] one block\n")
    (found,) = suppressions.apply(same_line, (race,), {})
    assert found.suppressed is None


KERNEL = """\
# {above}
'''What it does.'''
# {below}
import oxide
# {late}

def f(
    a,
):  # {on_def}
    a[0] = 1
    a[1] = 1

x = 2
"""


@pytest.mark.parametrize(
    ("where", "hidden"),
    [
        ("above", [10, 11, 13]),
        ("below", [10, 11, 13]),
        ("late", []),
        ("on_def", [10, 11]),
    ],
)
def test_comments_of_kernels_and_files(where: str, hidden: list[int]) -> None:
    text = dict.fromkeys(("above", "below", "late", "on_def"), "nothing")
    source = SourceFile("k.py", KERNEL.format(**{**text, where: "oxide: ignore[OX104] one block"}))
    kernels = [Span("k.py", 7, 1, 11, 13)]
    findings = tuple(finding(line) for line in (10, 11, 13))
    found = suppressions.apply(source, findings, None, kernels, kernels)
    assert [d.span.line for d in found if d.suppressed] == hidden
    # Where one hides nothing that is said too, but for one that no kernel has.
    idle = suppressions.apply(source, (), None, kernels, kernels)
    assert [d.code for d in idle] == ([] if where == "late" else ["OX701"])
    assert suppressions.apply(source, (), None, (), kernels) == ()
