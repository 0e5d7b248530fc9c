"""Hover: a kernel's verdict and PTX, an intrinsic's documentation, a rule's page.

Hover never waits for the solver: of a kernel that is still being checked it says just that. The
compiler is asked only when the worker is idle, and only for so long.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.source import Span
from oxide_lsp.features import ptx
from oxide_lsp.worker import JobFailed, WorkerDied

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import ObligationCounts
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

# The first compilation loads LLVM, which takes about half a second.
_COMPILE_PATIENCE = 3.0

# Editors lay out long hovers slowly; the whole text is what `oxide inspect` is for.
_MOST_PTX_LINES = 400

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_RULE = re.compile(r"[\w-]+")

_TITLES = {
    Verdict.PROVED: "proved safe",
    Verdict.VIOLATED: "violated",
    Verdict.UNPROVED: "unproved",
}


def register(ls: OxideServer) -> None:
    """Offer hover."""
    ls.feature(types.TEXT_DOCUMENT_HOVER)(hover)


async def hover(ls: OxideServer, params: types.HoverParams) -> types.Hover | None:
    """What is known about the word at the position."""
    if params.text_document.uri.startswith(f"{ptx.SCHEME}:"):
        return ptx.hover(ls, params)
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.mentions_kernels:
        return None
    source = document.source
    line, column = ls.converter.place(source, params.position)
    found = (
        await _kernel(ls, document, line, column)
        or _rule(source, line, column)
        or _intrinsic(document, line, column)
    )
    if found is None:
        return None
    text, span = found
    content = types.MarkupContent(kind=types.MarkupKind.Markdown, value=text)
    return types.Hover(contents=content, range=ls.converter.range(source, span))


# ---------------------------------------------------------------- kernels


async def _kernel(
    ls: OxideServer, document: Document, line: int, column: int
) -> tuple[str, Span] | None:
    kernel = document.kernel_at(line, column)
    if kernel is not None:
        parts = [describe(kernel)]
        if kernel.compiles:
            parts.append(await _ptx(ls, document, kernel))
        return "\n\n".join(parts), kernel.name_span
    reading = document.reading()
    for read in (*reading.kernels, *reading.unread):
        if read.name_span.contains(line, column):
            return f"**{read.name}**: being checked", read.name_span
    return None


def describe(kernel: KernelAnswer) -> str:
    """Verdict, what was counted, and the facts that a launch must fulfil."""
    lines = [f"**{kernel.name}**: {_TITLES[kernel.verdict]}", "", _counts(kernel)]
    if kernel.facts:
        lines += ["", "Checked at every launch:", ""]
        lines += [f"* `{fact}`" for fact in kernel.facts]
    if kernel.assumed:
        lines += ["", "Assumed:", ""]
        lines += [f"* {assumption}" for assumption in kernel.assumed]
    return "\n".join(lines)


def _counts(kernel: KernelAnswer) -> str:
    counts: ObligationCounts = kernel.obligations
    proved = sum(counts.proved.values())
    tiers = ", ".join(f"{tier} {count}" for tier, count in counts.proved.items() if count)
    parts = [f"{proved} proved ({tiers})" if tiers else f"{proved} proved"]
    for count, word in (
        (counts.violated, "violated"),
        (counts.unproved, "unproved"),
        (counts.lifted, "lifted by `unsafe`"),
    ):
        if count:
            parts.append(f"{count} {word}")
    return f"Obligations: {', '.join(parts)}, in {kernel.milliseconds:.1f} ms"


async def _ptx(ls: OxideServer, document: Document, kernel: KernelAnswer) -> str:
    target = ls.target
    if not ls.checking.is_idle:
        return "PTX: the analyzer is busy"
    try:
        compiled = await asyncio.wait_for(
            ls.worker.compile(document.source.path, kernel.qualname, target), _COMPILE_PATIENCE
        )
    except TimeoutError:
        return "PTX: still compiling"
    except (WorkerDied, JobFailed) as error:
        return f"PTX: the compiler failed: {error}"
    if compiled.ptx is None:
        return f"PTX: {compiled.problem}"
    lines = compiled.ptx.strip().split("\n")
    if len(lines) > _MOST_PTX_LINES:
        rest = len(lines) - _MOST_PTX_LINES
        lines = [*lines[:_MOST_PTX_LINES], f"// {rest} more lines: see `oxide inspect`"]
    return "\n".join([f"PTX for {target}:", "", "```ptx", *lines, "```"])


# ---------------------------------------------------------------- rules and intrinsics


def _rule(source: SourceFile, line: int, column: int) -> tuple[str, Span] | None:
    from oxide_analyzer import rules, suppressions

    for comment in suppressions.find(source):
        if not comment.span.contains(line, column):
            continue
        for word, span in _words(source, line, _RULE):
            if span.contains(line, column) and (rule := rules.find(word)) is not None:
                return first_section(rule.page()), span
    return None


def first_section(page: str) -> str:
    """The title of a rule's page and its first section, without that section's heading."""
    title, *sections = re.split(r"^## .*$", page, flags=re.MULTILINE)
    first = sections[0].strip() if sections else ""
    return f"{title.strip()}\n\n{first}"


def _intrinsic(document: Document, line: int, column: int) -> tuple[str, Span] | None:
    from oxide_analyzer.language.builtins import lookup

    source = document.source
    if not _in_kernel_code(document, line, column):
        return None
    for word, span in _words(source, line, _DOTTED):
        if not span.contains(line, column):
            continue
        # Of `thread.index_1d` under the cursor's `thread`, only `thread` is meant.
        dot = word.find(".", column - span.column)
        name = word if dot < 0 else word[:dot]
        # The package may be written in front: `oxide.thread.x`, or `ox.thread.x`.
        for start in (0, name.find(".") + 1):
            builtin = lookup(name[start:])
            if builtin is not None:
                shown = Span(span.path, line, span.column + start, line, span.column + len(name))
                return f"```python\n{builtin.signature}\n```\n\n{builtin.documentation}", shown
    return None


def _in_kernel_code(document: Document, line: int, column: int) -> bool:
    """Whether a name there may be one of the kernel language: elsewhere it is Python's."""
    text = document.source.line(line)
    if "#" in text[: column - 1]:
        return False
    if text.lstrip().startswith("@"):
        return True
    reading = document.reading()
    spans = [unread.span for unread in reading.unread]
    for kernel in reading.kernels:
        spans += [function.span for function in kernel.functions]
        spans.append(kernel.span)
    return any(span.path == document.source.path and span.contains(line, column) for span in spans)


def _words(source: SourceFile, line: int, pattern: re.Pattern[str]) -> list[tuple[str, Span]]:
    return [
        (found[0], Span(source.path, line, found.start() + 1, line, found.end() + 1))
        for found in pattern.finditer(source.line(line))
    ]
