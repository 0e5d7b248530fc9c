"""The outline of a file: kernels, their shared memory and barriers, device functions.

    block_sum            kernel
      tile               f32[256], shared
      sync_threads()     barrier, line 17
    combine              device function

Computed from the text alone, so it is there before the solver. While the text does not parse, it
is the outline of the last one that did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lsprotocol import types

from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

_Item: TypeAlias = tuple[Span, str, types.SymbolKind, str]


def register(ls: OxideServer) -> None:
    """Offer the outline of a file, and the kernels of all that are open."""
    ls.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(document_symbols)
    ls.feature(types.WORKSPACE_SYMBOL)(workspace_symbols)


def document_symbols(
    ls: OxideServer, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol]:
    """Kernels and device functions, with what they declare."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.mentions_kernels:
        return []
    return [*_kernels(ls, document), *_functions(ls, document)]


def workspace_symbols(
    ls: OxideServer, params: types.WorkspaceSymbolParams
) -> list[types.WorkspaceSymbol]:
    """The kernels of open files whose name has the letters of the query, in their order."""
    query = params.query.lower()
    return [
        types.WorkspaceSymbol(
            name=known.name,
            kind=types.SymbolKind.Function,
            container_name="kernel",
            location=types.Location(
                uri=document.uri, range=ls.converter.range(document.source, known.name_span)
            ),
        )
        for document in ls.documents.values()
        if document.mentions_kernels
        for known in document.kernels()
        if _matches(query, known.name.lower())
    ]


def _matches(query: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in query)


def _kernels(ls: OxideServer, document: Document) -> Iterator[types.DocumentSymbol]:
    read = {kernel.name_span: kernel for kernel in document.reading().kernels}
    for known in document.kernels():
        kernel = read.get(known.name_span)
        found = _remembered(known) if kernel is None else _found(document, kernel)
        inside = [
            _symbol(ls, document, name, kind, span, span, detail=detail, children=[])
            for span, name, kind, detail in sorted(found, key=lambda one: one[0])
            if known.span.contains(span.line, span.column)
        ]
        yield _symbol(
            ls,
            document,
            known.name,
            types.SymbolKind.Function,
            known.span,
            known.name_span,
            detail="kernel",
            children=inside,
        )


def _found(document: Document, kernel: Kernel) -> Iterator[_Item]:
    """Shared allocations and barriers of a kernel that was read."""
    from oxide_analyzer.ir.nodes import Barrier, Space
    from oxide_analyzer.ir.show import show_expr
    from oxide_analyzer.ir.specialise import fold, source_values
    from oxide_analyzer.ir.walk import statements

    values = source_values(kernel)
    for array in kernel.arrays.values():
        if array.space is Space.SHARED and array.span.path == kernel.path:
            shape = [show_expr(fold(extent, values)) for extent in array.shape]
            extents = "…" if array.is_dynamic else ", ".join(shape)
            name = array.name.partition(".")[0]
            yield array.span, name, types.SymbolKind.Array, f"{array.element}[{extents}], shared"
    for stmt in statements(kernel.body):
        if isinstance(stmt, Barrier) and stmt.span.path == kernel.path:
            name = document.source.extract(stmt.span)
            yield stmt.span, name, types.SymbolKind.Event, f"barrier of the {stmt.group.value}"


def _remembered(known: Known) -> Iterator[_Item]:
    """The same of a kernel that cannot be read now, from its last verdict."""
    insights = known.insights
    if insights is None:
        return
    for memory in insights.memories:
        place = known.place(memory.span)
        if memory.space == "shared" and place is not None:
            detail = f"{memory.element}[{', '.join(memory.shape)}], shared"
            yield place, memory.name, types.SymbolKind.Array, detail
    for span in insights.barriers:
        place = known.place(span)
        if place is not None:
            yield place, "barrier", types.SymbolKind.Event, ""


def _functions(ls: OxideServer, document: Document) -> Iterator[types.DocumentSymbol]:
    """Functions of this file that its kernels call."""
    path = document.source.path
    functions = {
        function.span: function.qualname
        for kernel in document.file.reading().kernels
        for function in kernel.functions
        if function.path == path and function.route and document.holds(function.span)
    }
    for span, qualname in sorted(functions.items()):
        name = qualname.rpartition(".")[2]
        yield _symbol(
            ls,
            document,
            name,
            types.SymbolKind.Function,
            span,
            Span(path, span.line, span.column, span.line, span.column),
            detail="device function",
            children=[],
        )


def _symbol(
    ls: OxideServer,
    document: Document,
    name: str,
    kind: types.SymbolKind,
    span: Span,
    selection: Span,
    *,
    detail: str,
    children: list[types.DocumentSymbol],
) -> types.DocumentSymbol:
    convert = ls.converter.range
    return types.DocumentSymbol(
        name=name or "?",
        kind=kind,
        detail=detail,
        range=convert(document.source, span),
        selection_range=convert(document.source, selection),
        children=children,
    )
