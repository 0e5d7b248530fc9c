"""Quick fixes: those that a finding brings along, and a comment that hides it.

    tile[t] = a[i]
    tile[t] = a[i]  # oxide: ignore[OX104] reason

The reason is a placeholder: a suppression says why it is right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.source import Span
from oxide_lsp.features import navigation

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

_PLACEHOLDER = "reason"
_IGNORE = re.compile(r"#\s*oxide:\s*ignore\[([^\]]*)\]")

# A file that does not parse, and a comment about comments, cannot be talked away.
_NOT_SUPPRESSED = {
    "syntax-error",
    "unused-suppression",
    "suppression-without-reason",
    "unknown-rule-in-suppression",
    "internal-error",
}


def register(ls: OxideServer) -> None:
    """Offer quick fixes."""
    options = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    ls.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)(code_actions)


def code_actions(ls: OxideServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The quick fixes of every finding that the range touches."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not _wants_quick_fixes(params.context.only):
        return []
    selected = ls.converter.span(document.source, params.range)
    actions: list[types.CodeAction] = []
    for finding in document.findings():
        if not _touch(finding.span, selected):
            continue
        shown = ls.converter.diagnostic(document.source, finding)
        actions += [
            types.CodeAction(
                title=fix.title,
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[shown],
                is_preferred=True if fix.safe else None,
                edit=ls.converter.workspace_edit(
                    document.uri, document.version, document.source, fix.edits
                ),
            )
            for fix in finding.fixes
        ]
        if finding.name not in _NOT_SUPPRESSED:
            actions.append(_suppress(ls, document, finding, shown))
    actions += navigation.actions(ls, document, params)
    return actions


def suppression(source: SourceFile, finding: Diagnostic) -> Edit:
    """The edit that hides a finding: a comment on its line, or its number in the one there."""
    line = finding.span.line
    text = source.line(line)
    # A comment cannot stand behind a backslash; any line of the statement will do.
    while text.endswith("\\") and line < len(source.lines):
        line += 1
        text = source.line(line)
    if (comment := _IGNORE.search(text)) is not None:
        column = comment.end(1) + 1
        separator = ", " if comment[1].strip() else ""
        return Edit(_empty(source, line, column), f"{separator}{finding.code}")
    column = len(text.rstrip()) + 1
    return Edit(
        Span(source.path, line, column, line, len(text) + 1),
        f"  # oxide: ignore[{finding.code}] {_PLACEHOLDER}",
    )


def _suppress(
    ls: OxideServer, document: Document, finding: Diagnostic, shown: types.Diagnostic
) -> types.CodeAction:
    source = document.source
    edit = suppression(source, finding)
    if edit.text.endswith(_PLACEHOLDER):
        change = ls.converter.snippet_edit(
            document.uri, document.version, source, edit, _PLACEHOLDER
        )
    else:
        change = ls.converter.workspace_edit(document.uri, document.version, source, (edit,))
    return types.CodeAction(
        title=f"Suppress {finding.code} ({finding.name}) on this line",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[shown],
        edit=change,
    )


def _wants_quick_fixes(only: object) -> bool:
    if not isinstance(only, (list, tuple)) or not only:
        return True
    quick_fix = types.CodeActionKind.QuickFix.value
    kinds = [kind.value if isinstance(kind, types.CodeActionKind) else str(kind) for kind in only]
    return any(kind in (quick_fix, "") for kind in kinds)


def _touch(one: Span, other: Span) -> bool:
    return (one.line, one.column) <= (other.end_line, other.end_column) and (
        other.line,
        other.column,
    ) <= (one.end_line, one.end_column)


def _empty(source: SourceFile, line: int, column: int) -> Span:
    return Span(source.path, line, column, line, column)
