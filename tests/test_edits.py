"""Fixes become text: in order, whole or not at all, and never into what does not parse."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide_analyzer import edits, ignoring, suppressions
from oxide_analyzer.diagnostics import Diagnostic, Edit, Fix, Severity
from oxide_analyzer.source import SourceFile, Span


def edit(line: int, column: int, end_line: int, end_column: int, text: str) -> Edit:
    return Edit(Span("k.py", line, column, end_line, end_column), text)


def finding(*fixes: Fix, line: int = 1, code: str = "OX104") -> Diagnostic:
    span = Span("k.py", line, 1, line, 2)
    return Diagnostic(span, code, "shared-memory-race", Severity.ERROR, "race", fixes=fixes)


def safe(*edits_of_it: Edit) -> Fix:
    return Fix("a fix", edits_of_it, safe=True)


def fixed(text: str, *diagnostics: Diagnostic, unsafe: bool = False) -> tuple[str, int]:
    source, applied = edits.fix(SourceFile("k.py", text), diagnostics, unsafe=unsafe)
    return source.text, len(applied)


def test_edits_of_several_findings() -> None:
    first = finding(safe(edit(1, 1, 1, 2, "a"), edit(2, 5, 2, 6, "3")))
    second = finding(safe(edit(3, 1, 3, 1, "z = 0\n")))
    assert fixed("x = 1\ny = 2\nw = 4\n", first, second) == ("a = 1\ny = 3\nz = 0\nw = 4\n", 2)


def test_first_wins_where_two_overlap_and_the_other_is_taken_whole_or_not() -> None:
    first = finding(safe(edit(1, 1, 1, 3, "ab")))
    second = finding(safe(edit(2, 1, 2, 2, "q"), edit(1, 2, 1, 4, "cd")))
    assert fixed("xyz = 1\ny = 2\n", first, second) == ("abz = 1\ny = 2\n", 1)
    inserted = [finding(safe(edit(1, 1, 1, 1, f"{name} = 0\n"))) for name in "ab"]
    assert fixed("x = 1\n", *inserted) == ("a = 0\nx = 1\n", 1)


def test_what_two_findings_ask_for_is_done_once() -> None:
    same = finding(safe(edit(1, 1, 1, 1, "a = 0\n")))
    assert fixed("x = 1\n", same, same) == ("a = 0\nx = 1\n", 1)


def test_only_safe_fixes_unless_asked_and_the_first_of_each_finding() -> None:
    unsafe = Fix("unsafe", (edit(1, 1, 1, 2, "u"),))
    assert fixed("x = 1\n", finding(unsafe)) == ("x = 1\n", 0)
    assert fixed("x = 1\n", finding(unsafe, safe(edit(1, 1, 1, 2, "s")))) == ("s = 1\n", 1)
    both = finding(unsafe, safe(edit(1, 1, 1, 2, "s")))
    assert fixed("x = 1\n", both, unsafe=True) == ("u = 1\n", 1)


def test_fix_that_would_break_the_file_is_left_out() -> None:
    bad = finding(safe(edit(1, 1, 1, 1, "(")))
    good = finding(safe(edit(1, 5, 1, 6, "2")))
    assert fixed("x = 1\n", bad, good) == ("x = 2\n", 1)


def test_suppressed_findings_and_other_files_are_left_alone() -> None:
    change = safe(edit(1, 5, 1, 6, "2"))
    assert fixed("x = 1\n", finding(change).suppress("why")) == ("x = 1\n", 0)
    elsewhere = Fix("", (Edit(Span("h.py", 1, 1, 1, 2), "y"),), safe=True)
    assert fixed("x = 1\n", finding(elsewhere)) == ("x = 1\n", 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_new_lines_end_as_the_others_do(end: str) -> None:
    text = f"x = 1{end}y = 2{end}"
    added = finding(safe(edit(2, 1, 2, 1, "a = 0\nb = 0\n")))
    assert fixed(text, added)[0] == f"x = 1{end}a = 0{end}b = 0{end}y = 2{end}"


def test_behind_the_last_line() -> None:
    added = finding(safe(edit(2, 1, 2, 1, "a = 0\n")))
    assert fixed("x = 1", added)[0] == "x = 1\na = 0"
    assert fixed("x = 1\n", added)[0] == "x = 1\na = 0\n"
    removed = finding(safe(edit(2, 1, 3, 1, "")))
    assert fixed("x = 1\n# c", removed)[0] == "x = 1\n"


@given(
    st.lists(st.sampled_from(["x = 1", "", "# é", "\ty", "'𝔸'"]), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 8),
    st.integers(1, 9),
)
def test_an_edit_of_nothing_changes_nothing(
    lines: list[str], end: str, line: int, column: int
) -> None:
    source = SourceFile("k.py", end.join(lines))
    assert edits.apply(source, [edit(line, column, line, column, "")]) == source.text


def test_fix_after_which_its_finding_is_still_there_is_useless() -> None:
    before, after = SourceFile("k.py", "x = i\ny = i\n"), SourceFile("k.py", "x = int(i)\ny = i\n")
    convert = [finding(safe(edit(n, 5, n, 6, "int(i)")), line=n) for n in (1, 2)]
    _, applied = edits.fix(before, convert[:1], unsafe=False)
    aim = ("OX104", None, "a fix")
    assert edits.useless(applied, (before, convert), (after, convert)) == {aim}
    assert edits.useless(applied, (before, convert), (after, convert[1:])) == frozenset()
    # Offered otherwise, and for the same statement.
    same = finding(Fix("another", (), safe=True), line=2)
    third = SourceFile("k.py", "z = 0\nx = i\ny = i\n")
    assert edits.useless(applied, (before, convert[:1]), (third, [same])) == {aim}
    assert edits.useless(applied, (before, convert[:1]), (third, [])) == frozenset()


# ---------------------------------------------------------------- comments


def ignored(text: str, line: int, reason: str = "one block", code: str = "OX104") -> str:
    added = ignoring.add(SourceFile("k.py", text), [finding(line=line, code=code)], reason)
    assert added is not None
    assert ast.dump(ast.parse(added.source.text)) == ast.dump(ast.parse(text))
    return added.source.text


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("x = 1\n", 1, "x = 1  # oxide: ignore[OX104] one block\n"),
        ("x = 1", 1, "x = 1  # oxide: ignore[OX104] one block"),
        ("x = 1  \r\ny\r\n", 1, "x = 1  # oxide: ignore[OX104] one block\r\ny\r\n"),
        ("x = 1  # noqa\n", 1, "x = 1  # noqa  # oxide: ignore[OX104] one block\n"),
        (
            "x = 1  # oxide: ignore[OX301] other\n",
            1,
            "x = 1  # oxide: ignore[OX301, OX104] other; one block\n",
        ),
        (
            "x = 1  # oxide: ignore[OX104]  # noqa\n",
            1,
            "x = 1  # oxide: ignore[OX104] one block  # noqa\n",
        ),
        ("x = f(\n    a,\n    b,\n)\n", 2, None),
        ("x = '''\n\n''' + y\n", 1, "x = '''\n\n''' + y  # oxide: ignore[OX104] one block\n"),
        ("x = 1 + \\\n    2\n", 1, "x = 1 + \\\n    2  # oxide: ignore[OX104] one block\n"),
        (
            "x = f'''\n{1}\n''' + y\n",
            1,
            "x = f'''\n{1}\n''' + y  # oxide: ignore[OX104] one block\n",
        ),
        ("if x:\n    y = 1\n", 1, "if x:  # oxide: ignore[OX104] one block\n    y = 1\n"),
    ],
)
def test_comment_is_added(before: str, line: int, after: str | None) -> None:
    text = ignored(before, line)
    if after is not None:
        assert text == after
    (hidden,) = (
        d
        for d in suppressions.apply(SourceFile("k.py", text), (finding(line=line),))
        if d.code == "OX104"
    )
    assert hidden.suppressed is not None
    assert "one block" in hidden.suppressed


def test_reason_cannot_end_the_comment() -> None:
    assert ignored("x = 1\n", 1, "see #12\nand  more") == (
        "x = 1  # oxide: ignore[OX104] see 12 and more\n"
    )


def test_some_findings_are_not_talked_away() -> None:
    for code in ("OX001", "OX704", "OX999"):
        assert ignored("x = 1\n", 1, code=code) == "x = 1\n"
    assert ignoring.add(SourceFile("k.py", "x = (\n"), [finding()], "why") is None
    # A comment line belongs to no statement.
    assert ignored("# x\ny = 1\n", 1) == "# x\ny = 1\n"
