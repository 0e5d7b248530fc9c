"""Findings for people: the source, both accesses, the launch that fails, and what would help.

error[OX104] shared-memory-race: `tile[t]` is written while another thread reads it
  --> block_sum.py:13:9 in `block_sum`
   |
12 |     if t < stride:
13 |         tile[t] += tile[t + stride]
   |         ^^^^^^^ thread 32 of block 0 writes
   |                    ---------------- another thread reads here
14 |     stride //= 2
   |
   = launch: block_sum[1, 256] with len(a) = 7
   = threads: thread 32 of block 0 writes `tile[32]` (line 13); thread 0 of block 0 reads …
   = values: stride = 32
   = help: insert `sync_threads()` in front of line 13
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Severity, Verdict
from oxide_analyzer.reports.frame import Label, frame, gutter_width, printable
from oxide_analyzer.reports.style import SEVERITY_STYLES, Style, coloured, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.diagnostics import Diagnostic, Witness, WitnessThread
    from oxide_analyzer.launch import Extent, Number
    from oxide_analyzer.reports.style import Paint
    from oxide_analyzer.source import SourceFile

_TITLES: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
    Severity.HINT: "hint",
}

DOES: Mapping[AccessKind, str] = {
    AccessKind.READ: "reads",
    AccessKind.WRITE: "writes",
    AccessKind.ATOMIC: "changes atomically",
    AccessKind.WAIT: "waits",
    AccessKind.EXIT: "exits",
}

# Of two accesses a finding stands on the write, of a plain and an atomic one on the plain one.
_STANDS_ON = (
    AccessKind.WRITE,
    AccessKind.READ,
    AccessKind.EXIT,
    AccessKind.WAIT,
    AccessKind.ATOMIC,
)

_TOUCHES = frozenset({AccessKind.READ, AccessKind.WRITE, AccessKind.ATOMIC})


def render(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile], colour: bool
) -> str:
    """Each diagnostic with its frame, and an empty line behind each.

    `sources` holds the files by the paths of the spans; a place in no known file is named, not
    shown.
    """
    paint = coloured if colour else plain
    return "".join(
        "\n".join(_finding(diagnostic, sources, paint)) + "\n\n" for diagnostic in diagnostics
    )


def _finding(
    diagnostic: Diagnostic, sources: Mapping[str, SourceFile], paint: Paint
) -> Iterator[str]:
    style = SEVERITY_STYLES[diagnostic.severity]
    title = paint(f"{_TITLES[diagnostic.severity]}[{diagnostic.code}]", style)
    message = printable(f"{diagnostic.name}: {diagnostic.message}")
    yield f"{title} {paint(message, Style.BOLD)}"
    labels = _labels(diagnostic, style)
    width = gutter_width(labels)
    kernel = f" in `{diagnostic.kernel}`" if diagnostic.kernel else ""
    for path in dict.fromkeys(label.span.path for label in labels):
        here = [label for label in labels if label.span.path == path]
        first = here[0].span
        arrow = paint(f"{' ' * width}-->", Style.GUTTER)
        yield f"{arrow} {printable(f'{first}{kernel}')}"
        kernel = ""
        if path in sources:
            yield from frame(sources[path], here, width, paint)
    equals = paint(f"{' ' * width} =", Style.GUTTER)
    for word, text in notes(diagnostic):
        note_style = Style.HELP if word == "help" else Style.BOLD
        yield f"{equals} {paint(f'{word}:', note_style)} {printable(text)}"


# Rules about a number that a thread has, not about an element that it touches.
_CHECKS = frozenset({"OX307", "OX308"})


def _labels(diagnostic: Diagnostic, style: Style) -> list[Label]:
    primary = ""
    if diagnostic.witness is not None and diagnostic.witness.threads:
        thread = primary_thread(diagnostic, diagnostic.witness)
        primary = f"{thread_name(thread, diagnostic.witness)} {_does(diagnostic, thread)}"
    return [
        Label(diagnostic.span, primary, "^", style),
        *(
            Label(related.span, related.message, "-", Style.GUTTER)
            for related in diagnostic.related
        ),
    ]


def primary_thread(diagnostic: Diagnostic, witness: Witness) -> WitnessThread:
    """The thread that does what the diagnostic stands on; a witness has at least one."""
    lines = range(diagnostic.span.line, diagnostic.span.end_line + 1)
    here = [thread for thread in witness.threads if thread.line in lines]
    return min(here or witness.threads, key=lambda thread: _STANDS_ON.index(thread.access))


def notes(diagnostic: Diagnostic) -> Iterator[tuple[str, str]]:
    """What stands below a finding, each under its word: the failing launch, the reason, help."""
    if diagnostic.witness is not None:
        yield from _witness(diagnostic, diagnostic.witness)
    if diagnostic.reason is not None:
        word = "not proved" if diagnostic.verdict is Verdict.UNPROVED else "reason"
        yield word, diagnostic.reason
    for fix in diagnostic.fixes:
        yield "help", fix.title
    if diagnostic.suppressed is not None:
        yield "suppressed", diagnostic.suppressed


def _witness(diagnostic: Diagnostic, witness: Witness) -> Iterator[tuple[str, str]]:
    grid, block = _extent(witness.grid_dim), _extent(witness.block_dim)
    launch = f"{diagnostic.kernel or 'kernel'}[{grid}, {block}]"
    if witness.parameters:
        launch += f" with {_numbers(witness.parameters)}"
    yield "launch", launch
    yield from _deeds(diagnostic, witness)
    if witness.values:
        yield "values", _numbers(witness.values)


def _does(diagnostic: Diagnostic, thread: WitnessThread) -> str:
    """What a thread does; whoever fails a check that is no access just comes there."""
    return "fails" if diagnostic.code in _CHECKS else DOES[thread.access]


def _deeds(diagnostic: Diagnostic, witness: Witness) -> Iterator[tuple[str, str]]:
    element = ""
    if witness.array is not None:
        element = f" `{witness.array}[{', '.join(map(str, witness.index))}]`"
    for thread in witness.threads:
        touched = element if thread.access in _TOUCHES else ""
        yield (
            thread_name(thread, witness),
            f"{_does(diagnostic, thread)}{touched} on line {thread.line}",
        )


def thread_name(thread: WitnessThread, witness: Witness) -> str:
    """Which thread it is, as short as the launch allows."""
    return (
        f"thread {_index(thread.thread, witness.block_dim)} "
        f"of block {_index(thread.block, witness.grid_dim)}"
    )


def _index(index: Extent, extent: Extent) -> str:
    """One number where the other axes have extent 1, as CUDA's users say it."""
    return str(index[0]) if extent[1:] == (1, 1) else str(index)


def _extent(extent: Extent) -> str:
    """As it is written in a launch."""
    if extent[1:] == (1, 1):
        return str(extent[0])
    return f"({extent[0]}, {extent[1]})" if extent[2] == 1 else str(extent)


def _numbers(numbers: Mapping[str, Number]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in numbers.items())
