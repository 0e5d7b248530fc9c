"""Oxide's places and findings as the language server protocol has them, and back.

The only module that converts positions. Oxide counts lines and columns from 1, columns in
characters; the protocol counts from 0, columns in the units of the encoding that client and
server agreed on, by default UTF-16, in which 𝛼 is two.

    Oxide, column of b in `𝛼 = b`    5
    protocol, UTF-16                 5        (0-based, and one more for 𝛼)
    protocol, UTF-8                  7
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.record import record
from oxide_analyzer.reports.full import notes
from oxide_analyzer.source import SourceFile, Span
from oxide_lsp.documents import CellSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pygls.workspace import PositionCodec

    from oxide_analyzer.diagnostics import Diagnostic, Edit
    from oxide_analyzer.notebooks.joined import Notebook

SOURCE = "oxide"

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFORMATION: types.DiagnosticSeverity.Information,
    Severity.HINT: types.DiagnosticSeverity.Hint,
}

# Findings about text that may go, which editors show faded.
_UNNECESSARY = {"redundant-barrier", "unused-suppression", "needless-unsafe"}


def split_lines_like_python() -> None:
    """Make pygls split documents where Python, and the protocol, do.

    It splits at form feeds and Unicode separators too, and then applies edits to the wrong line.
    """

    def lines(self: TextDocument) -> Sequence[str]:
        return SourceFile(self.path, self.source).lines

    TextDocument.lines = property(lines)  # pyright: ignore[reportAttributeAccessIssue]


def path_of(uri: str) -> str:
    """The path that diagnostics name; of an unsaved document its URI."""
    return (to_fs_path(uri) if uri.startswith("file:") else None) or uri


def uri_of(path: str) -> str:
    """The URI of a file that is not open."""
    return from_fs_path(path) or path


@record
class Client:
    """What the client said that it can show."""

    related_information: bool
    code_descriptions: bool
    tags: bool
    snippets: bool
    document_changes: bool

    @staticmethod
    def of(capabilities: types.ClientCapabilities, *, pull: bool) -> Client:
        """Pull and push have capabilities of their own, with the same members."""
        text_document = capabilities.text_document
        shown: (
            types.PublishDiagnosticsClientCapabilities | types.DiagnosticClientCapabilities | None
        ) = None
        if text_document is not None:
            shown = text_document.publish_diagnostics
            pulled = text_document.diagnostic
            # Clients older than the 3.18 protocol say it under publishDiagnostics alone.
            if pull and pulled is not None and pulled.related_information is not None:
                shown = pulled
        edits = capabilities.workspace.workspace_edit if capabilities.workspace else None
        return Client(
            related_information=bool(shown and shown.related_information),
            code_descriptions=bool(shown and shown.code_description_support),
            tags=bool(shown and shown.tag_support),
            snippets=bool(edits and edits.snippet_edit_support),
            document_changes=bool(edits and edits.document_changes),
        )


class Converter:
    """Converts for one client."""

    def __init__(
        self,
        codec: PositionCodec,
        client: Client,
        open_file: Callable[[Span], tuple[str, SourceFile] | None],
    ) -> None:
        """`open_file` gives the URI and the text of the open document in which a place is."""
        self._codec = codec
        self._client = client
        self._open_file = open_file

    # ------------------------------------------------------------ places

    def place(self, source: SourceFile, position: types.Position) -> tuple[int, int]:
        """Line and column of a position of the client's."""
        lines, above = _seen(source)
        ours = self._codec.position_from_client_units(lines, position)
        return ours.line + 1 + above, ours.character + 1

    def span(self, source: SourceFile, stretch: types.Range) -> Span:
        """The span of a range of the client's."""
        line, column = self.place(source, stretch.start)
        end_line, end_column = self.place(source, stretch.end)
        return Span(source.path, line, column, end_line, end_column)

    def range(self, source: SourceFile, span: Span) -> types.Range:
        """The client's range of a span in `source`."""
        return types.Range(
            start=self._position(source, span.line, span.column),
            end=self._position(source, span.end_line, span.end_column),
        )

    def location(self, span: Span) -> types.Location:
        """The client's location of a span in any file, open or not."""
        opened = self._open_file(span)
        if opened is None:
            opened = uri_of(span.path), SourceFile(span.path, _text_on_disk(span.path))
        uri, source = opened
        return types.Location(uri=uri, range=self.range(source, span))

    def _position(self, source: SourceFile, line: int, column: int) -> types.Position:
        lines, above = _seen(source)
        line -= above
        if above and not 1 <= line <= len(lines):
            # What reaches over the ends of a cell ends there.
            column = 1 if line < 1 or not lines else len(lines[-1]) + 1
            line = min(max(line, 1), max(len(lines), 1))
        text = lines[line - 1].rstrip("\r\n") if 1 <= line <= len(lines) else ""
        before = text[: column - 1]
        units = len(before) if before.isascii() else self._codec.client_num_units(before)
        return types.Position(line=line - 1, character=units)

    # ------------------------------------------------------------ findings

    def diagnostic(self, source: SourceFile, finding: Diagnostic) -> types.Diagnostic:
        """A finding about `source` as the client shows it."""
        if isinstance(source, CellSource) and source.notebook is not None:
            finding = _in_cell(source.notebook, finding)
        related = [
            types.DiagnosticRelatedInformation(
                location=self.location(other.span), message=other.message
            )
            for other in finding.related
        ]
        tags = finding.name in _UNNECESSARY and self._client.tags
        return types.Diagnostic(
            range=self.range(source, finding.span),
            message=message(finding, with_related=not self._client.related_information),
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=self._description(finding.code),
            source=SOURCE,
            tags=[types.DiagnosticTag.Unnecessary] if tags else None,
            related_information=related if self._client.related_information and related else None,
        )

    def _description(self, code: str) -> types.CodeDescription | None:
        page = page_path(code) if self._client.code_descriptions else None
        return None if page is None else types.CodeDescription(href=page.as_uri())

    # ------------------------------------------------------------ edits

    def workspace_edit(
        self, uri: str, version: int, source: SourceFile, edits: Sequence[Edit]
    ) -> types.WorkspaceEdit:
        """The edits of a fix; those of other files go to their own URIs."""
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            if edit.span.path == source.path and not isinstance(source, CellSource):
                place = types.Location(uri=uri, range=self.range(source, edit.span))
            else:
                place = self.location(edit.span)
            changes.setdefault(place.uri, []).append(
                types.TextEdit(range=place.range, new_text=edit.text)
            )
        if not self._client.document_changes:
            return types.WorkspaceEdit(changes=changes)
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(
                    text_document=types.OptionalVersionedTextDocumentIdentifier(
                        uri=target, version=version if target == uri else None
                    ),
                    edits=text_edits,
                )
                for target, text_edits in changes.items()
            ]
        )

    def snippet_edit(
        self, uri: str, version: int, source: SourceFile, edit: Edit, placeholder: str
    ) -> types.WorkspaceEdit:
        """An edit that ends in a placeholder, selected where the client can do that."""
        if not (self._client.snippets and self._client.document_changes):
            return self.workspace_edit(uri, version, source, (edit,))
        literal = re.sub(r"([\\$}])", r"\\\1", edit.text.removesuffix(placeholder))
        snippet = types.SnippetTextEdit(
            range=self.range(source, edit.span),
            snippet=types.StringValue(value=f"{literal}${{1:{placeholder}}}"),
        )
        document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
        return types.WorkspaceEdit(
            document_changes=[types.TextDocumentEdit(text_document=document, edits=[snippet])]
        )


def _seen(source: SourceFile) -> tuple[tuple[str, ...], int]:
    """The lines that the client has, and how many of the analyzer's stand above them."""
    if isinstance(source, CellSource):
        cell = source.cell
        return cell.lines, cell.above
    return source.lines, 0


def _in_cell(notebook: Notebook, finding: Diagnostic) -> Diagnostic:
    """A finding with the lines that its words name counted in cells, its places as they are."""
    from oxide_analyzer.notebooks.placed import finding_in_cell

    placed = finding_in_cell(notebook, finding)
    related = tuple(
        replace(other, message=said.message)
        for other, said in zip(finding.related, placed.related, strict=True)
    )
    return replace(placed, span=finding.span, related=related, fixes=finding.fixes)


def message(finding: Diagnostic, *, with_related: bool) -> str:
    """The text of a finding: what, the launch and the threads that break it, what is not proved.

    Clients that show no related places get them in the text; fixes are code actions.
    """
    lines = [finding.message]
    lines += [f"{word}: {text}" for word, text in notes(finding) if word != "help"]
    if with_related:
        lines += [f"line {other.span.line}: {other.message}" for other in finding.related]
    return "\n".join(lines)


def page_path(code: str) -> Path | None:
    """Where the page of a rule lies, or None if there is no such rule or no such file."""
    from oxide_analyzer import rules

    rule = rules.find(code)
    if rule is None:
        return None
    page = Path(rules.__file__).with_name(rule.page_name)
    return page if page.is_file() else None


def result_id(diagnostics: Sequence[types.Diagnostic]) -> str:
    """Equal for equal diagnostics."""
    return hashlib.blake2b(repr(diagnostics).encode(), digest_size=12).hexdigest()


def _text_on_disk(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # The place is then shown by its own columns, which are right for ASCII.
        return ""
