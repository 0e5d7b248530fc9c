"""What a finding offers to do: fixes, comments that hide it, and all safe fixes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from lsp.desk import Desk
from oxide_analyzer.source import SourceFile
from oxide_lsp.features.code_actions import FIX_ALL, code_actions

if TYPE_CHECKING:
    from pathlib import Path

RACES = '''\
#!/usr/bin/env python
"""Two of them."""
from oxide import DisjointSlice, SharedArray, f32, kernel, thread


@kernel(block=64, requires=lambda out: len(out) >= 64)
def turn(out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    t = thread.x
    tile[t] = 1.0
    if thread.index_1d() == t:
        out[t] = tile[63 - t]
'''
IDLE = """\
from oxide import DisjointSlice, f32, kernel, sync_threads, thread


@kernel
def fill(out: DisjointSlice[f32]):
    i = thread.index_1d()
    sync_threads()
    if i < len(out):
        out[i] = 0.0  # oxide: ignore[OX301] it is tested
"""


def asked(desk: Desk, pattern: str, *only: str) -> list[types.CodeAction]:
    place = desk.place(pattern)
    context = types.CodeActionContext(diagnostics=[], only=list(only) or None)
    return code_actions(
        desk.ls,
        types.CodeActionParams(
            types.TextDocumentIdentifier(desk.uri), types.Range(place, place), context
        ),
    )


def after(desk: Desk, action: types.CodeAction) -> str:
    """The text with the edits of an action, which the solver then has seen."""
    assert action.edit is not None
    assert action.edit.changes is not None
    (edits,) = action.edit.changes.values()
    lines = desk.document.source.text.split("\n")
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character))[::-1]:
        start, end = edit.range.start, edit.range.end
        assert isinstance(edit, types.TextEdit)
        new = lines[start.line][: start.character] + edit.new_text
        new += lines[end.line][end.character :]
        lines[start.line : end.line + 1] = new.split("\n")
    text = "\n".join(lines)
    desk.document.update(desk.document.version + 1, SourceFile(desk.document.source.path, text))
    desk.check()
    return text


def codes(desk: Desk) -> list[str]:
    return [d.code for d in desk.document.findings() if d.severity != "hint"]


def test_a_fix_is_applied(tmp_path: Path) -> None:
    desk = Desk(RACES, tmp_path)
    assert codes(desk) == ["OX104"]
    fix = asked(desk, "tile[|t] = 1.0")[0]
    assert fix.title == "insert `sync_threads()` above `if thread.index_1d() == t:`"
    assert "    sync_threads()\n    if thread" in after(desk, fix)
    assert codes(desk) == []


def test_a_finding_is_hidden_on_its_line_in_its_kernel_and_in_its_file(tmp_path: Path) -> None:
    comment = "# oxide: ignore[OX104] reason"
    for where, line, text in (
        ("on this line", 10, f"    tile[t] = 1.0  {comment}"),
        ("in this kernel", 7, f"def turn(out: DisjointSlice[f32]):  {comment}"),
        ("in this file", 2, comment),
    ):
        desk = Desk(RACES, tmp_path)
        titles = [a.title for a in asked(desk, "tile[|t] = 1.0")]
        title = f"Suppress OX104 (shared-memory-race) {where}"
        assert title in titles
        action = next(a for a in asked(desk, "tile[|t] = 1.0") if a.title == title)
        assert after(desk, action).split("\n")[line - 1] == text
        assert codes(desk) == []


def test_a_comment_that_is_there_takes_another_rule(tmp_path: Path) -> None:
    comment = "# oxide: ignore[OX402] every launch"
    on_def = RACES.replace("f32]):\n", f"f32]):  {comment}\n")
    for where, text in (("kernel", on_def), ("file", f"{comment}\n{RACES}")):
        desk = Desk(text, tmp_path)
        action = next(a for a in asked(desk, "tile[|t] = 1.0") if a.title.endswith(f"this {where}"))
        assert "# oxide: ignore[OX402, OX104] every launch" in after(desk, action)
        assert "OX104" not in codes(desk)


def test_all_safe_fixes_are_applied_for_who_asks(tmp_path: Path) -> None:
    desk = Desk(IDLE, tmp_path)
    assert codes(desk) == ["OX205", "OX701"]
    for only in ((), ("quickfix",), ("source.organizeImports",)):
        assert FIX_ALL not in [a.kind for a in asked(desk, "sync_threads|()", *only)]
    for only in (FIX_ALL, "source.fixAll", "source"):
        (action,) = asked(desk, "|from oxide", only)
        assert action.kind == FIX_ALL
    assert action.diagnostics is not None
    assert [d.code for d in action.diagnostics] == ["OX205", "OX701"]
    text = after(desk, action)
    assert text == IDLE.replace("    sync_threads()\n", "").replace(
        "  # oxide: ignore[OX301] it is tested", ""
    )
    assert asked(desk, "|from oxide", FIX_ALL) == []


def test_unsafe_fixes_are_not_among_the_safe_ones(tmp_path: Path) -> None:
    assert asked(Desk(RACES, tmp_path), "|from oxide", FIX_ALL) == []
