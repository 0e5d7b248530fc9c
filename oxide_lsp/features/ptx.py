"""Compiled code beside its source, live: virtual documents, and `oxide/ptx` for every editor.

A document is named by what it shows, so that an editor can open it again by its name:

    oxide-ptx:/block_sum.sm_90.ptx?{"form":"ordinary","kernel":"block_sum","source":"file:///k.py",…}

Editors with `workspace/textDocumentContent` ask for its text, and again when they are told that
it has changed. `oxide/ptx` answers with the same text, the line of the source behind every line
of it, and the statements that became no code; who has asked hears `oxide/ptxChanged` with the
document's name when there is something new.

    oxide/ptx   {"textDocument": {"uri"}, "position" | "kernel", "target", "stage", "form", "hide"}
             or {"uri"}
    answer      {"uri", "kernel", "source", "text", "lines", "dead", "registers", "problem"}

While a kernel is broken its last code stays, under the reason, with its lines moved to where they
are now. Two versions of one document can be compared: what was there when the file was opened or
saved last, and was not the same, is the version before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, unquote

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from oxide_analyzer.record import record
from oxide_lsp.compiling import FormName, Stage
from oxide_lsp.documents import CellSource
from oxide_lsp.features.ptx_text import (
    USUALLY_HIDDEN,
    Hidden,
    Shown,
    moved_lines,
    outdated,
    refused,
    shown,
)
from oxide_lsp.features.ptx_words import explain, explain_parameter
from oxide_lsp.worker import JobFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from oxide_lsp.compiling import Compiled
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

SCHEME = "oxide-ptx"
CHANGED = "oxide/ptxChanged"

# A kernel that is being checked is waited for; then what is known is shown.
_PATIENCE = 5.0

# Answers that follow each other while somebody types are shown once. Machine code takes half a
# second, for which the next check has to wait, so it is made when the typing has ended.
_QUIET = {Stage.PTX: 0.1, Stage.SASS: 0.8}

_MOST_VIEWS = 64
_MOST_KEPT = 8
_ENDINGS = {Stage.PTX: "ptx", Stage.SASS: "nvsass"}


class Version(StrEnum):
    """Of which time a document is; two that are compared hide the numbers of registers."""

    CURRENT = "current"
    COMPARED = "compared"
    PREVIOUS = "previous"


@record
class Address:
    """What a document shows."""

    source: str
    kernel: str
    target: str
    stage: Stage
    form: FormName
    version: Version = Version.CURRENT

    @property
    def uri(self) -> str:
        """The name of the document."""
        name = f"{self.kernel.rpartition('.')[2]}.{self.target}.{_ENDINGS[self.stage]}"
        query = json.dumps(
            {
                "form": self.form,
                "kernel": self.kernel,
                "source": self.source,
                "stage": self.stage,
                "target": self.target,
                "version": self.version,
            }
        )
        return f"{SCHEME}:/{quote(name)}?{quote(query)}"

    @staticmethod
    def of(uri: str) -> Address | None:
        """What the document of this name shows, None if there is no such name."""
        scheme, _, rest = uri.partition(":")
        if scheme != SCHEME:
            return None
        try:
            said = json.loads(unquote(rest.partition("?")[2]))
            return Address(
                said["source"],
                said["kernel"],
                said["target"],
                Stage(said["stage"]),
                FormName(said["form"]),
                Version(said["version"]),
            )
        except (ValueError, KeyError, TypeError):
            return None


@dataclass
class View:
    """Documents about one kernel, all of its versions: what was compiled, and who asked."""

    last: Compiled | None = None
    source: tuple[str, ...] = ()
    kept: list[Compiled] = field(default_factory=list["Compiled"])
    keeps_next: bool = True
    problem: str = ""
    listeners: set[Address] = field(default_factory=set[Address])
    readers: set[Address] = field(default_factory=set[Address])
    texts: dict[Address, Shown] = field(default_factory=dict[Address, Shown])

    def take(self, compiled: Compiled, source: tuple[str, ...]) -> None:
        """There is a newer answer of the compiler's."""
        self.problem = compiled.problem or ""
        if compiled.problem is not None:
            return
        self.last, self.source = compiled, source
        if self.keeps_next:
            self.keep()

    def keep(self) -> None:
        """The code of now will be compared with later."""
        self.keeps_next = self.last is None or bool(self.problem)
        if self.last is None or self.keeps_next:
            return
        if not self.kept or self.kept[-1].code != self.last.code:
            self.kept = [*self.kept[1 - _MOST_KEPT :], self.last]

    @property
    def previous(self) -> Compiled | None:
        """The latest code that is not the one of now."""
        now = self.last
        if now is None:
            return None
        return next((old for old in reversed(self.kept) if old.code != now.code), now)


class Views:
    """The documents that somebody has asked for, and what they leave out."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.hidden: AbstractSet[Hidden] = USUALLY_HIDDEN
        self._views: OrderedDict[Address, View] = OrderedDict()

    def of(self, address: Address) -> View:
        """The view of a document."""
        key = replace(address, version=Version.CURRENT)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = View()
            if len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return view

    def about(self, source: str) -> list[tuple[Stage, View]]:
        """The views of the kernels of one file."""
        return [(key.stage, view) for key, view in self._views.items() if key.source == source]

    def all(self) -> list[View]:
        """Every view."""
        return list(self._views.values())


def register(ls: OxideServer) -> None:
    """Offer `oxide/ptx`."""
    ls.feature("oxide/ptx")(request)


def configure(ls: OxideServer, hidden: object) -> None:
    """Take what the user wants left out; unknown words are passed over."""
    if isinstance(hidden, list):
        ls.views.hidden = _hidden(cast("list[object]", hidden))
        for view in ls.views.all():
            _tell(ls, view)


# ---------------------------------------------------------------- what happens to the source


def answered(ls: OxideServer, document: Document) -> None:
    """The file has new verdicts, so its kernels may have new code."""
    text = document.source.text

    def tell(view: View) -> None:
        if document.source.text == text:
            _tell(ls, view)

    for stage, view in ls.views.about(document.uri):
        asyncio.get_running_loop().call_later(_QUIET[stage], tell, view)


def saved(ls: OxideServer, uri: str) -> None:
    """What the file's kernels are now will be compared with later."""
    document = ls.documents.get(uri)
    for _, view in ls.views.about(uri):
        if document is not None and document.settled.is_set() and not view.keeps_next:
            view.keep()
        else:
            view.keeps_next = True


def _tell(ls: OxideServer, view: View) -> None:
    """Ask editors to ask again; who does not has closed the document."""
    readers, view.readers = view.readers, set[Address]()
    for address in readers:
        _refresh(ls, address)
    listeners, view.listeners = view.listeners, set[Address]()
    for address in listeners:
        ls.protocol.notify(CHANGED, {"uri": address.uri})


def _refresh(ls: OxideServer, address: Address) -> None:
    """Tell an editor that has such documents that there is something new in one."""
    workspace = ls.client_capabilities.workspace
    if workspace is not None and workspace.text_document_content is not None:
        params = types.TextDocumentContentRefreshParams(uri=address.uri)
        ls.workspace_text_document_content_refresh(params)


# ---------------------------------------------------------------- what is asked


async def content(ls: OxideServer, uri: str) -> str:
    """The text of a virtual document."""
    address = Address.of(uri)
    if address is None:
        return f"// {uri} names no document of Oxide's\n"
    ls.views.of(address).readers.add(address)
    return (await _text(ls, address, ls.views.hidden)).text


async def request(ls: OxideServer, params: object) -> dict[str, object] | None:
    """`oxide/ptx`: the code of a kernel, None where there is no kernel."""
    uri = getattr(params, "uri", None)
    address = Address.of(uri) if isinstance(uri, str) else await _named(ls, params)
    if address is None:
        return None
    hide = getattr(params, "hide", None)
    hidden = _hidden(cast("list[object]", hide)) if isinstance(hide, list) else ls.views.hidden
    view = ls.views.of(address)
    view.listeners.add(address)
    if address not in view.readers:
        # A document that an earlier server made has to be asked for again.
        _refresh(ls, address)
    text = await _text(ls, address, hidden)
    return {
        "uri": address.uri,
        "kernel": address.kernel,
        "source": address.source,
        "text": text.text,
        "lines": [number - 1 if number else None for number in text.lines],
        "dead": [number - 1 for number in text.dead],
        "registers": view.last.registers if view.last is not None else None,
        "problem": view.problem or None,
    }


def hover(ls: OxideServer, params: types.HoverParams) -> types.Hover | None:
    """What the instruction at a place of a document does."""
    address = Address.of(params.text_document.uri)
    if address is None:
        return None
    view = ls.views.of(address)
    text = view.texts.get(address)
    if text is None:
        return None
    lines = text.text.split("\n")
    if params.position.line >= len(lines):
        return None
    line, column = lines[params.position.line], params.position.character
    names = view.last.parameters if view.last is not None else ()
    found = explain(line, column) or explain_parameter(line, column, names)
    if found is None:
        return None
    return types.Hover(types.MarkupContent(kind=types.MarkupKind.Markdown, value=found))


async def _named(ls: OxideServer, params: object) -> Address | None:
    """The document of the kernel that a request names, or points at."""
    uri = getattr(getattr(params, "text_document", None), "uri", None)
    uri = uri or getattr(getattr(params, "textDocument", None), "uri", None)
    document = ls.documents.get(uri) if isinstance(uri, str) else None
    if document is None:
        raise JsonRpcInvalidParams("oxide/ptx needs the textDocument of an open file, or a uri")
    await _settled(document)
    try:
        stage = Stage(getattr(params, "stage", None) or Stage.PTX)
        form = FormName(getattr(params, "form", None) or FormName.ORDINARY)
    except ValueError as error:
        raise JsonRpcInvalidParams(str(error)) from error
    target = str(getattr(params, "target", None) or ls.target)
    name = getattr(params, "kernel", None)
    kernels = document.verdicts.answer.kernels if document.verdicts is not None else ()
    if isinstance(name, str):
        found = next((k for k in kernels if name in (k.qualname, k.name)), None)
    else:
        line = getattr(getattr(params, "position", None), "line", 0)
        above, _ = _stretch(document)
        here = tuple(kernel for kernel in kernels if document.holds(kernel.span))
        found = _kernel_at(here, above + line + 1 if isinstance(line, int) else 1)
    return None if found is None else Address(document.uri, found.qualname, target, stage, form)


def _kernel_at(kernels: tuple[KernelAnswer, ...], line: int) -> KernelAnswer | None:
    """The kernel round a line, else the one above it, else the first."""
    above = [kernel for kernel in kernels if kernel.span.line <= line]
    return above[-1] if above else next(iter(kernels), None)


async def _settled(document: Document) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(document.settled.wait(), _PATIENCE)


async def _text(ls: OxideServer, address: Address, hidden: AbstractSet[Hidden]) -> Shown:
    view = ls.views.of(address)
    title = f"{address.kernel} for {address.target}"
    document = ls.documents.get(address.source)
    if document is None:
        view.problem = "its file is not open"
    else:
        await _settled(document)
        view.take(*await _compiled(ls, document, address))
    found = _show(view, address, title, hidden, document)
    view.texts[address] = found
    return found


async def _compiled(
    ls: OxideServer, document: Document, address: Address
) -> tuple[Compiled, tuple[str, ...]]:
    """The compiler's answer, and the lines of the text that it is about, as the editor has it."""
    from oxide_lsp.compiling import Compiled

    above, lines = _stretch(document)
    try:
        compiled = await ls.worker.compile(
            document.source.path, address.kernel, address.target, address.stage, address.form
        )
    except WorkerDied as death:
        compiled = Compiled(0, f"the compiler's process ended: {death}")
    except JobFailed as failed:
        compiled = Compiled(0, f"the compiler failed: {failed}")

    def seen(number: int) -> int:
        return number - above if 0 < number - above <= len(lines) else 0

    if above:
        numbered = tuple((text, seen(number)) for text, number in compiled.lines)
        dead = tuple(filter(None, map(seen, compiled.dead)))
        compiled = replace(compiled, lines=numbered, dead=dead)
    return compiled, lines


def _stretch(document: Document) -> tuple[int, tuple[str, ...]]:
    """The lines that the editor has, of a cell of a notebook with those of the cells above."""
    source = document.source
    if isinstance(source, CellSource):
        return source.cell.above, tuple(source.cell.lines)
    return 0, tuple(source.lines)


def _show(
    view: View,
    address: Address,
    title: str,
    hidden: AbstractSet[Hidden],
    document: Document | None,
) -> Shown:
    compiled, extra = view.last, set[Hidden]()
    if address.version is not Version.CURRENT:
        extra = {Hidden.NUMBERS, Hidden.SOURCE}
    if address.version is Version.PREVIOUS:
        compiled = view.previous
    if compiled is None:
        return refused(title, view.problem)
    text = shown(title, compiled, hidden | extra, view.source)
    if not view.problem or address.version is Version.PREVIOUS:
        return text
    now = _stretch(document)[1] if document is not None else view.source
    return outdated(title, view.problem, text, moved_lines(view.source, now))


def _hidden(words: list[object]) -> frozenset[Hidden]:
    known = {hidden.value for hidden in Hidden}
    return frozenset(Hidden(word) for word in words if isinstance(word, str) and word in known)
