"""An editor's desk without an editor: the server's answers, called as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.configuration import Configuration, Selection
from oxide_analyzer.modules import NoModules
from oxide_analyzer.notebooks.joined import join
from oxide_analyzer.source import SourceFile
from oxide_lsp import jobs
from oxide_lsp.analyser import Analyser
from oxide_lsp.documents import NotebookDocument
from oxide_lsp.features import (
    code_actions,
    completion,
    hover,
    inlay_hints,
    lenses,
    semantic_tokens,
    symbols,
)
from oxide_lsp.server import make_server
from oxide_lsp.settings import Settings
from oxide_lsp.state import Document
from oxide_lsp.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from oxide_lsp.compiling import Compiled
    from oxide_lsp.known import Known

URI = "file:///project/k.py"
PATH = "/project/k.py"


class Compilers:
    """Stands for `Listings`: code that is there, and who asked for more."""

    def __init__(self) -> None:
        self.known: dict[str, Compiled] = {}
        self.asked: list[str] = []

    def of(self, document: Document, kernel: Known) -> Compiled | None:
        if kernel.answer is None or not kernel.answer.compiles:
            return None
        self.asked.append(kernel.qualname)
        return self.known.get(kernel.qualname)

    def resume(self) -> None:
        """There is nothing to compile."""


class Desk:
    """One open file; `|` in a pattern is where the cursor stands.

    `lines` are those of a cell, where it is one.
    """

    lines: list[str] | None = None

    def __init__(self, text: str, folder: Path, *, checked: bool = True) -> None:
        self.ls = make_server(Worker())
        self.ls.protocol.client_capabilities = types.ClientCapabilities(
            window=types.WindowClientCapabilities(
                show_document=types.ShowDocumentClientCapabilities(support=True)
            )
        )
        self.compilers = Compilers()
        self.ls.listings = self.compilers  # pyright: ignore[reportAttributeAccessIssue]
        self.analyser = Analyser()
        self.uri = URI
        self.settings = Settings(Configuration(folder), Selection(), NoModules(), excluded=False)
        self.document = Document(URI, 1, SourceFile(PATH, text), self.settings)
        self.ls.documents.put(self.document)
        if checked:
            self.check()

    @staticmethod
    def of_cells(cells: Sequence[str], folder: Path, number: int) -> Desk:
        """The desk of a cell of a notebook, counted from 1."""
        desk = Desk("", folder, checked=False)
        uris = [f"vscode-notebook-cell:/project/n.ipynb#W{n}" for n in range(len(cells))]
        joined = join("/project/n.ipynb", cells, paths=uris)
        versions = [(uri, 1) for uri in uris]
        notebook = NotebookDocument("file:///project/n.ipynb", 1, joined, versions, desk.settings)
        desk.ls.documents.put(notebook)
        desk.document = notebook
        desk.check()
        desk.uri = uris[number - 1]
        desk.document = notebook.shown[number - 1]
        desk.lines = cells[number - 1].split("\n")
        return desk

    def check(self) -> None:
        """The solver has the newest text, and answers."""
        report = self.analyser.check(self.document.source, NoModules(), lambda: None)
        self.document.settle(jobs.answer(report))

    def edit(self, old: str, new: str) -> None:
        """Replace what stands once in the text; the solver does not know of it."""
        text = self.document.source.text
        assert text.count(old) == 1, old
        text = text.replace(old, new)
        self.document.update(self.document.version + 1, SourceFile(PATH, text))

    def place(self, pattern: str) -> types.Position:
        """Where `|` is in the one line that contains the rest of the pattern."""
        before, _, after = pattern.partition("|")
        found = [
            types.Position(line=number, character=line.index(before + after) + len(before))
            for number, line in enumerate(self.lines or self.document.source.lines)
            if before + after in line
        ]
        assert found, pattern
        return found[0]

    def line(self, number: int) -> str:
        """A line as the editor counts them."""
        lines = self.lines or self.document.source.lines
        return lines[number].rstrip("\r\n")

    def hover(self, pattern: str) -> str | None:
        found = hover.hover(
            self.ls, types.HoverParams(types.TextDocumentIdentifier(self.uri), self.place(pattern))
        )
        if found is None:
            return None
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    def lenses(self) -> list[types.Command]:
        params = types.CodeLensParams(types.TextDocumentIdentifier(self.uri))
        resolved = [lenses.resolve(self.ls, lens) for lens in lenses.lenses(self.ls, params)]
        return [lens.command for lens in resolved if lens.command is not None]

    def hints(self) -> list[str]:
        """Each line that has hints, with these in their places."""
        everything = types.Range(types.Position(0, 0), types.Position(10_000, 0))
        params = types.InlayHintParams(types.TextDocumentIdentifier(self.uri), everything)
        found: dict[int, str] = {}
        for hint in reversed(inlay_hints.inlay_hints(self.ls, params)):
            line, character = hint.position.line, hint.position.character
            text = found.get(line, self.line(line))
            found[line] = f"{text[:character]}«{hint.label}»{text[character:]}"
        return [found[line].strip() for line in sorted(found)]

    def symbols(self) -> list[str]:
        params = types.DocumentSymbolParams(types.TextDocumentIdentifier(self.uri))
        return list(_outline(symbols.document_symbols(self.ls, params), ""))

    def tokens(self) -> dict[str, set[str]]:
        """What `word:line` is marked as, where it stands first in its line."""
        params = types.SemanticTokensParams(types.TextDocumentIdentifier(self.uri))
        found = semantic_tokens.semantic_tokens(self.ls, params)
        words: dict[str, set[str]] = {}
        line = character = 0
        data = list(found.data) if found is not None else []
        for start in range(0, len(data), 5):
            more, delta, length, _, bits = data[start : start + 5]
            line, character = line + more, delta if more else character + delta
            word = self.line(line)[character : character + length]
            modifiers = enumerate(semantic_tokens.MODIFIERS)
            words.setdefault(f"{word}:{line + 1}", {m for n, m in modifiers if bits >> n & 1})
        return words

    def completions(self, line: str) -> list[str]:
        """What may stand at `|` of a line that is typed at the end of the file."""
        before, _, after = line.partition("|")
        text = f"{self.document.source.text}{before}{after}\n"
        self.document.update(self.document.version + 1, SourceFile(PATH, text))
        number = text.count("\n") - 1
        column = len(before) - (before.rfind("\n") + 1)
        place = types.Position(number - after.count("\n"), column)
        params = types.CompletionParams(types.TextDocumentIdentifier(self.uri), place)
        return [item.label for item in completion.complete(self.ls, params)]

    def actions(self, pattern: str) -> list[types.CodeAction]:
        place = self.place(pattern)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(self.uri),
            types.Range(place, place),
            types.CodeActionContext(diagnostics=[]),
        )
        return code_actions.code_actions(self.ls, params)


def _outline(found: Sequence[types.DocumentSymbol], indent: str) -> list[str]:
    lines: list[str] = []
    for symbol in found:
        lines.append(f"{indent}{symbol.name}: {symbol.detail}")
        lines += _outline(symbol.children or [], indent + "  ")
    return lines
