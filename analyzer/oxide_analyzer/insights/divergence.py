"""Where the threads of a block part: the branches, and the code behind them.

    if t < stride:                    a branch of the thread
        tile[t] += tile[t + stride]   a stretch to which some threads of a warp do not come
    sync_threads()

What stands behind an early
`return` is none: those who go on are all there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.insights.records import Branch
from oxide_analyzer.ir.nodes import Barrier, For, If, While
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.uniformity import Spread
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import Span


def branches(kernel: Kernel, found: Spread) -> Iterator[Branch]:
    """The conditions and loop heads that threads of one block may take differently."""
    levels: dict[Span, Level] = {}
    for stmt in statements(kernel.body):
        if isinstance(stmt, (If, For, While)) and stmt.span.path == kernel.path:
            level = found.branches.get(stmt, Level.LAUNCH)
            levels[stmt.span] = max(level, levels.get(stmt.span, Level.LAUNCH))
    for span, level in sorted(levels.items()):
        if level > Level.BLOCK:
            yield Branch(span, level)


def stretches(kernel: Kernel, found: Spread) -> Iterator[Branch]:
    """The statements to which only some threads of a block come, none inside another."""
    levels: dict[Span, Level] = {}
    for stmt, level in found.missing.items():
        if stmt.span.path == kernel.path:
            levels[stmt.span] = max(level, levels.get(stmt.span, Level.LAUNCH))
    end = (0, 0)
    for span in sorted(levels, key=lambda s: (s.line, s.column, -s.end_line, -s.end_column)):
        if (span.end_line, span.end_column) > end:
            end = span.end_line, span.end_column
            yield Branch(span, levels[span])


def barriers(kernel: Kernel) -> Iterator[Span]:
    """Where the threads of a block, or of the grid, meet again."""
    spans = {stmt.span for stmt in statements(kernel.body) if isinstance(stmt, Barrier)}
    return (span for span in sorted(spans) if span.path == kernel.path)
