"""Blocks of the source that are left out: a `with unsafe(…)` that lifts nothing.

with unsafe("one block"):
    out[i] = a[i]             ─►    out[i] = a[i]
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.fixes.outline import outline
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.fixes.outline import Outline, Written
    from oxide_analyzer.ir.kernel import Kernel


def unwrapped(kernel: Kernel, span: Span) -> Iterator[Fix]:
    """The body of the `with` at a place, without it."""
    written = outline(kernel)
    own = next(
        (
            w
            for w in written.statements
            if isinstance(w.node, ast.With)
            and (w.span.line, w.span.column) <= (span.line, span.column)
            and (span.line, span.column) <= (w.node.body[0].lineno, 0)
        ),
        None,
    )
    if own is None or not isinstance(own.node, ast.With) or len(own.node.items) != 1:
        return
    edits = _dedented(written, own, own.node)
    if edits:
        yield Fix("remove the `unsafe`", edits, safe=True)


def _dedented(written: Outline, own: Written, node: ast.With) -> tuple[Edit, ...]:
    """Its head gone, and each line of its body as far left as it stood."""
    head = written.source.span(node.items[0].context_expr).end_line
    first = written.source.span(node.body[0])
    if first.line <= head or not written.stands_alone(own):
        return ()
    if any(isinstance(p, ast.Constant | ast.JoinedStr) and _spreads(p) for p in ast.walk(node)):
        # What stands inside of a string is not indentation.
        return ()
    path, width = own.span.path, first.column - own.span.column
    edits = [Edit(Span(path, own.span.line, 1, head + 1, 1), "")]
    for line in range(head + 1, own.span.end_line + 1):
        text = written.source.line(line)
        if not text.strip():
            continue
        if text[:width].strip():
            return ()
        edits.append(Edit(Span(path, line, 1, line, 1 + width), ""))
    return tuple(edits)


def _spreads(node: ast.expr) -> bool:
    return node.end_lineno is not None and node.end_lineno > node.lineno
