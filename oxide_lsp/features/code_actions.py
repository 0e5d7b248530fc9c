"""Quick fixes: those that a finding brings along, and comments that hide it.

    tile[t] = a[i]
    tile[t] = a[i]  # oxide: ignore[OX104] reason

The comment goes on the line of the finding, on the `def` of its kernel, or above the file. The
reason is a placeholder: a suppression says why it is right.

`source.fixAll.oxide`, which editors may run when a file is saved, applies what is safe: fixes that
keep what every kernel computes. It is offered only to who asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_lsp.documents import CellSource
from oxide_lsp.features import navigation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

FIX_ALL = "source.fixAll.oxide"
_PLACEHOLDER = "reason"


def register(ls: OxideServer) -> None:
    """Offer quick fixes, and all safe ones together."""
    options = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL])
    ls.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)(code_actions)


def code_actions(ls: OxideServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The quick fixes of every finding that the range touches, or all safe ones of the file."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
    actions: list[types.CodeAction] = []
    if any(kind == FIX_ALL or FIX_ALL.startswith(f"{kind}.") for kind in only):
        actions += _all(ls, document)
    if only and not any(kind in (types.CodeActionKind.QuickFix.value, "") for kind in only):
        return actions
    selected = ls.converter.span(document.source, params.range)
    comments: list[types.CodeAction] = []
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
        comments += _suppressions(ls, document, finding, shown)
    actions += navigation.actions(ls, document, params)
    actions += comments
    return actions


def _all(ls: OxideServer, document: Document) -> Iterator[types.CodeAction]:
    """The safe fixes of the file that do not get in each other's way, as one action."""
    from oxide_analyzer import edits

    _, applied = edits.fix(document.source, document.findings(), unsafe=False)
    if not applied:
        return
    taken = [edit for one in applied for edit in one.fix.edits]
    yield types.CodeAction(
        title="Apply all safe fixes of Oxide",
        kind=FIX_ALL,
        diagnostics=[ls.converter.diagnostic(document.source, a.diagnostic) for a in applied],
        edit=ls.converter.workspace_edit(
            document.uri, document.version, document.source, tuple(taken)
        ),
    )


def _suppressions(
    ls: OxideServer, document: Document, finding: Diagnostic, shown: types.Diagnostic
) -> Iterator[types.CodeAction]:
    """A comment on the line, the kernel or the file of a finding."""
    from oxide_analyzer.ignoring import Extent, hiding

    source = document.source
    kernel = _kernel(document, finding)
    # Above the first cell of a notebook stands nothing that is of the cell in question.
    extents = (Extent.LINE, Extent.KERNEL) if isinstance(source, CellSource) else tuple(Extent)
    for extent in extents:
        edit = hiding(source, finding, extent, kernel, _PLACEHOLDER)
        if edit is None:
            continue
        place = document.uri, document.version, source
        if edit.text.endswith(_PLACEHOLDER):
            change = ls.converter.snippet_edit(*place, edit, _PLACEHOLDER)
        else:
            change = ls.converter.workspace_edit(*place, (edit,))
        yield types.CodeAction(
            title=f"Suppress {finding.code} ({finding.name}) {_WHERE[extent]}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[shown],
            edit=change,
        )


_WHERE = {"line": "on this line", "kernel": "in this kernel", "file": "in this file"}


def _kernel(document: Document, finding: Diagnostic) -> Span | None:
    """Where the kernel of a finding stands, if the finding is in it and not on its first line."""
    reading = document.reading()
    for kernel in (*reading.kernels, *reading.unread):
        inside = kernel.span.line < finding.span.line <= kernel.span.end_line
        if kernel.name == finding.kernel and inside:
            return kernel.span
    return None


def _touch(one: Span, other: Span) -> bool:
    return (one.line, one.column) <= (other.end_line, other.end_column) and (
        other.line,
        other.column,
    ) <= (one.end_line, one.end_column)
