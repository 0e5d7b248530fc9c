"""Reports about notebooks, with every place in its cell.

A report is made of the joined text; what is shown counts lines in cells:

    nb.ipynb:31:5      ─►      nb.ipynb:cell 4:3:5

Places become those of the cell's own file (`Cell`), and so do the lines that a message names: in
the cell of the finding they are bare, those of another cell are named with it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Related

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oxide_analyzer.diagnostics import Diagnostic, Edit, Fix, Place, Witness
    from oxide_analyzer.notebooks.joined import Notebook
    from oxide_analyzer.report import KernelReport, Report

_LINE = re.compile(r"\b(lines?) (\d+)\b")


def in_cells(
    notebooks: Mapping[str, Notebook], reports: Iterable[Report], shown: Iterable[Diagnostic]
) -> tuple[list[Report], list[Diagnostic]]:
    """Reports and findings of theirs with places in cells; a report keeps the notebook's path.

    A finding that is in both is one object in both.
    """
    placed: dict[int, Diagnostic] = {}

    def place(finding: Diagnostic) -> Diagnostic:
        notebook = notebooks.get(finding.span.path)
        if notebook is None:
            return finding
        if id(finding) not in placed:
            placed[id(finding)] = finding_in_cell(notebook, finding)
        return placed[id(finding)]

    return [_report(notebooks.get(r.path), r, place) for r in reports], [place(d) for d in shown]


def _report(
    notebook: Notebook | None, report: Report, place: Callable[[Diagnostic], Diagnostic]
) -> Report:
    if notebook is None:
        return report
    return replace(
        report,
        kernels=tuple(_kernel(notebook, kernel) for kernel in report.kernels),
        diagnostics=tuple(place(finding) for finding in report.diagnostics),
    )


def finding_in_cell(notebook: Notebook, finding: Diagnostic) -> Diagnostic:
    """A finding with its place, and all that it names, in cells."""
    home, _ = notebook.place(finding.span.line)
    return replace(
        finding,
        span=notebook.span(finding.span),
        message=words(notebook, finding.message, home),
        reason=None if finding.reason is None else words(notebook, finding.reason, home),
        related=tuple(
            Related(
                notebook.span(other.span) if other.span.path == finding.span.path else other.span,
                words(notebook, other.message, notebook.place(other.span.line)[0]),
            )
            for other in finding.related
        ),
        fixes=tuple(_fix(notebook, fix, home) for fix in finding.fixes),
        witness=None if finding.witness is None else _witness(notebook, finding.witness),
    )


def words(notebook: Notebook, text: str, home: int) -> str:
    """A text that stands in cell `home`, with the lines that it names in their cells."""

    def placed(found: re.Match[str]) -> str:
        cell, line = notebook.place(int(found[2]))
        return f"{found[1]} {line}" + ("" if cell == home else f" of cell {cell}")

    launch = re.compile(rf"{re.escape(notebook.source.path)}:(\d+)")
    text = launch.sub(lambda found: launch_name(notebook, int(found[1])), text)
    return _LINE.sub(placed, text)


def launch_name(notebook: Notebook, line: int) -> str:
    """A place in a notebook, as a path with cell and line."""
    cell, inner = notebook.place(line)
    return f"{notebook.source.path}:cell {cell}:{inner}"


def _kernel(notebook: Notebook, kernel: KernelReport) -> KernelReport:
    home, _ = notebook.place(kernel.span.line)
    return replace(
        kernel,
        span=notebook.span(kernel.span),
        name_span=notebook.span(kernel.name_span),
        launches=tuple(words(notebook, launch, home) for launch in kernel.launches),
        assumed=tuple(_place(notebook, place) for place in kernel.assumed),
        unsafe=tuple(_place(notebook, place) for place in kernel.unsafe),
    )


def _place(notebook: Notebook, place: Place) -> Place:
    cell, line = notebook.place(place.line)
    return replace(place, line=line, text=words(notebook, place.text, cell))


def _fix(notebook: Notebook, fix: Fix, home: int) -> Fix:
    edits = tuple(_edit(notebook, edit) for edit in fix.edits)
    return replace(fix, title=words(notebook, fix.title, home), edits=edits)


def _edit(notebook: Notebook, edit: Edit) -> Edit:
    if edit.span.path != notebook.source.path:
        return edit
    return replace(edit, span=notebook.span(edit.span))


def _witness(notebook: Notebook, witness: Witness) -> Witness:
    threads = tuple(
        replace(thread, line=notebook.place(thread.line)[1]) for thread in witness.threads
    )
    return replace(witness, threads=threads)
