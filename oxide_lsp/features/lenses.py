"""A line above each kernel: `proved · 12 registers · show PTX`.

The verdict is known when the line is drawn; registers, which take a compiler, are put in when the
editor asks for a line that is on the screen, and again when they are there. A kernel that is
being checked again keeps its line, so nothing flickers; only one that has never been checked says
`being checked`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.source import Span
from oxide_lsp.features.describe import is_run_with_checks
from oxide_lsp.features.navigation import GO_TO_FINDING, can_show, findings_about

if TYPE_CHECKING:
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.compiling import Compiled
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

SHOW_PTX = "oxide.showPtx"
"""A command of the editor's: it shows the document of a kernel, see `features.ptx`."""


def register(ls: OxideServer) -> None:
    """Offer lenses."""
    ls.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=True))(lenses)
    ls.feature(types.CODE_LENS_RESOLVE)(resolve)


def lenses(ls: OxideServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    """One for each kernel, without what it says."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.preferences.lenses or not document.mentions_kernels:
        return []
    return [
        types.CodeLens(
            range=ls.converter.range(document.source, _head(document.source, known.name_span)),
            data={"uri": document.uri, "kernel": known.qualname},
        )
        for known in document.kernels()
    ]


def resolve(ls: OxideServer, lens: types.CodeLens) -> types.CodeLens:
    """What a lens says, as far as it is known now."""
    data = cast("dict[str, Any]", lens.data) if isinstance(lens.data, dict) else {}
    document = ls.documents.get(str(data.get("uri")))
    known = None
    if document is not None:
        kernels = document.kernels()
        known = next((k for k in kernels if k.qualname == data.get("kernel")), None)
    if document is None or known is None:
        lens.command = types.Command(title="edited", command="")
        return lens
    if known.answer is None:
        # The lens will say that it is being checked, so the same verdict is news as well.
        ls.drawn.pop(document.file.uri, None)
    compiled = ls.listings.of(document, known)
    lens.command = _command(ls, document, known, compiled)
    return lens


def _head(source: SourceFile, name: Span) -> Span:
    """Where a kernel begins: at its first decorator, however many lines that has."""
    first = number = name.line
    text = source.line(number)
    indent = text[: len(text) - len(text.lstrip())]
    while number > 1 and (text := source.line(number - 1)).strip():
        number -= 1
        begins = text.startswith(indent) and text[len(indent) :][:1].strip() not in ("", ")", "]")
        if begins and text[len(indent)] != "@":
            break
        if begins:
            first = number
    return (
        name
        if first == name.line
        else Span(name.path, first, len(indent) + 1, first, len(indent) + 2)
    )


def title(known: Known, findings: int, compiled: Compiled | None) -> str:
    """The text of a kernel's lens, without what a click does."""
    answer = known.answer
    if answer is None:
        return "being checked"
    parts = [f"{answer.verdict}{_condition(answer)}"]
    if answer.verdict is not Verdict.PROVED and findings:
        parts.append(f"{findings} finding{'s' if findings > 1 else ''}")
    insights = known.insights
    checks = sum(access.is_checked for access in insights.accesses) if insights else 0
    if checks and is_run_with_checks(known):
        parts.append(f"{checks} checked at run time")
    if compiled is not None and compiled.registers is not None:
        parts.append(f"{compiled.registers} registers")
    return " · ".join(parts)


def _condition(answer: KernelAnswer) -> str:
    """Of a proof that no launch is checked for: what it holds for."""
    if answer.verdict is not Verdict.PROVED or answer.dialect == OWN_DIALECT:
        return ""
    launches, facts = len(answer.launches), len(answer.facts)
    if launches:
        return f" for its {launches} launches" if launches > 1 else " for its launch"
    return f" if {facts} fact{'s hold' if facts > 1 else ' holds'}" if facts else ""


def _command(
    ls: OxideServer, document: Document, known: Known, compiled: Compiled | None
) -> types.Command:
    findings = findings_about(document, known)
    text = title(known, len(findings), compiled)
    arguments: list[object] = [document.uri, known.qualname]
    if known.answer is not None and known.answer.compiles:
        return types.Command(title=f"{text} · show PTX", command=SHOW_PTX, arguments=arguments)
    if findings and can_show(ls):
        return types.Command(title=text, command=GO_TO_FINDING, arguments=arguments)
    return types.Command(title=text, command="")
