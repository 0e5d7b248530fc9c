"""Going to where a finding leads: the other access of a race, the first finding of a kernel.

    tile[t] += tile[t + stride]       a race: from here to the write, and back
    oxide.goToOtherAccess             uri, position
    oxide.goToFinding                 uri, kernel

Commands of the server, which show a place by `window/showDocument`; offered as code actions and by
lenses to editors that can be asked so. Others have the related places of the finding.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import Span
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

logger = logging.getLogger(__name__)

GO_TO_OTHER_ACCESS = "oxide.goToOtherAccess"
GO_TO_FINDING = "oxide.goToFinding"

# Of findings about two accesses, the first related place is the other one.
_ABOUT_TWO = ("OX1", "OX206", "OX207", "OX901")


def register(ls: OxideServer) -> None:
    """Offer the commands."""

    def go_to_other_access(uri: str, position: types.Position) -> None:
        document = ls.documents.get(uri)
        if document is not None:
            line, column = ls.converter.place(document.source, position)
            for _, other in others(document, line, column):
                _show(ls, other)
                return

    def go_to_finding(uri: str, kernel: str) -> None:
        document = ls.documents.get(uri)
        known = None
        if document is not None:
            known = next((k for k in document.kernels() if k.qualname == kernel), None)
        if document is not None and known is not None:
            for finding in findings_about(document, known):
                _show(ls, finding.span)
                return

    ls.command(GO_TO_OTHER_ACCESS)(go_to_other_access)
    ls.command(GO_TO_FINDING)(go_to_finding)


def can_show(ls: OxideServer) -> bool:
    """Whether the editor goes where it is asked to."""
    window = ls.client_capabilities.window
    shows = window.show_document if window is not None else None
    return shows is not None and shows.support


def findings_about(document: Document, known: Known) -> list[Diagnostic]:
    """What is wrong with a kernel, more than hints."""
    return [
        finding
        for finding in document.findings()
        if finding.severity in (Severity.ERROR, Severity.WARNING) and _is_about(finding, known)
    ]


def others(document: Document, line: int, column: int) -> Iterator[tuple[Diagnostic, Span]]:
    """The races in which this place takes part, each with the place of the other access."""
    for finding in document.file.findings():
        if not finding.code.startswith(_ABOUT_TWO) or not finding.related:
            continue
        first, second = finding.span, finding.related[0].span
        if first.contains(line, column) and second != first:
            yield finding, second
        elif second.path == first.path and second.contains(line, column) and second != first:
            yield finding, first


def actions(
    ls: OxideServer, document: Document, params: types.CodeActionParams
) -> Iterator[types.CodeAction]:
    """To the other accesses, as code actions of the place where the cursor is."""
    if not can_show(ls):
        return
    line, column = ls.converter.place(document.source, params.range.start)
    found = list(others(document, line, column))
    if found:
        finding, other = found[0]
        place = ls.converter.location(other)
        title = f"Go to the other access, line {place.range.start.line + 1}"
        shown = []
        if document.holds(finding.span):
            shown = [ls.converter.diagnostic(document.source, finding)]
        yield types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=shown,
            command=types.Command(
                title=title,
                command=GO_TO_OTHER_ACCESS,
                arguments=[document.uri, params.range.start],
            ),
        )


def _is_about(finding: Diagnostic, known: Known) -> bool:
    if finding.kernel is not None:
        return finding.kernel in (known.name, known.qualname)
    return known.span.contains(finding.span.line, finding.span.column)


def _show(ls: OxideServer, span: Span) -> None:
    place = ls.converter.location(span)
    shown = ls.window_show_document(
        types.ShowDocumentParams(uri=place.uri, take_focus=True, selection=place.range)
    )
    shown.add_done_callback(_log_refusal)


def _log_refusal(shown: object) -> None:
    exception = getattr(shown, "exception", None)
    if exception is not None and exception() is not None:
        logger.warning("the editor did not show a place: %s", exception())
