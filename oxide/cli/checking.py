"""The check of one file: from a task to an answer, both of which a process can send to another."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_analyzer import project
from oxide_analyzer.configuration import selection
from oxide_analyzer.imported_kernels import CALLED, launches_imported
from oxide_analyzer.record import record
from oxide_analyzer.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide.cli.inputs import Input
    from oxide_analyzer.configuration import Selection
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.edits import Aim
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.modules import RecordedModules
    from oxide_analyzer.notebooks.file import NotebookFile
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile
    from oxide_analyzer.verdict_cache import Cache

# Fixes of one round may bring about findings with fixes of their own; two that undo each other
# must come to an end.
_ROUNDS = 10
# Seconds in which it does not matter whether a module is imported.
_LONG = 2.0


@record
class Task:
    """A file, and what is to be done with it.

    `fixes` are applied to its text in memory: none, safe ones, all. `timeout` is for each kernel,
    `cache` is the folder of known verdicts.
    """

    entry: Input
    chosen: Selection
    fixes: str = "none"
    timeout: float | None = None
    cache: str | None = None


@record
class Crash:
    """What escaped from the analyzer: where, and the traceback."""

    place: str
    traceback: str


@record
class Answer:
    """What was found in a file.

    `source` is its text, as it is after the fixes, where there is anything to show of it; `before`
    is the text as it was read where fixes changed it. Of a notebook both are those of its code
    cells, and `notebook` is it, as it is after the fixes. `imports` are the files that it depends
    on, `missing` says that it imports what was not found.
    """

    report: Report
    source: SourceFile | None = None
    before: SourceFile | None = None
    notebook: NotebookFile | None = None
    fixed: int = 0
    imports: tuple[str, ...] = ()
    missing: bool = False
    crash: Crash | None = None


def answer(task: Task) -> Answer | None:
    """Check a file; None if it has no kernels and nothing else to speak of."""
    entry = task.entry
    try:
        content = entry.content
        if content is None:
            assert entry.path is not None
            content = project.content(entry.path)
        is_notebook = project.is_notebook(entry.shown)
        limit = project.LARGEST_NOTEBOOK if is_notebook else project.LARGEST
        if len(content) > limit and project.has_words(content):
            raise OSError(None, _too_large(len(content), limit))
        if is_notebook:
            return _in_cells(content, task)
        read = project.decode(content, entry.shown)
        if read is None and _launches_others(content, entry):
            read = project.text(content, entry.shown)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        finding = project.syntax_error(project.Unreadable(entry.shown, why))
        return Answer(Report(entry.shown, (), (finding,)))
    if read is None:
        return None
    if isinstance(read, project.Undecodable):
        return Answer(Report(read.path, (), (project.syntax_error(read),)))
    return _checked(read, content, task)


def _launches_others(content: bytes, entry: Input) -> bool:
    """Whether a file without kernels launches those of a file that it imports."""
    if CALLED.encode() not in content:
        return False
    read = project.text(content, entry.shown)
    modules = project.modules(entry.path, entry.configuration)
    return not isinstance(read, project.Undecodable) and launches_imported(read, modules)


def _in_cells(content: bytes, task: Task) -> Answer | None:
    """Check a notebook; None if it has none of the words that a kernel needs."""
    if not project.has_words(content):
        return None
    read = project.read_notebook(content, task.entry.shown)
    if isinstance(read, project.Unreadable):
        return Answer(Report(read.path, (), (project.syntax_error(read),)))
    source = read.notebook.source
    if not project.has_words(read.notebook.said.encode(errors="replace")):
        return None
    if len(source.text) > project.LARGEST:
        raise OSError(None, _too_large(len(source.text), project.LARGEST))
    return _checked(source, content, task, read)


def _too_large(size: int, limit: int) -> str:
    megabytes = limit // 10**6
    return f"it has {size / 1e6:.1f} MB, the limit is {megabytes} MB; exclude it if it is generated"


def selected(entry: Input, select: list[str] | None, ignore: list[str] | None) -> Selection:
    """Which findings are asked for in a file: by options, else by its settings."""
    settings = entry.configuration
    ignored = settings.ignore if ignore is None else tuple(ignore)
    if entry.path is not None:
        ignored += settings.ignored_in(entry.path)
    return selection(settings.select if select is None else select, ignored)


def _checked(
    source: SourceFile, content: bytes, task: Task, notebook: NotebookFile | None = None
) -> Answer:
    try:
        report, seen = _of_content(source, content, task, notebook)
        if task.fixes == "none":
            fixed, number = source, 0
        else:
            fixed, report, number = _fixed(source, report, seen, task, notebook)
        if notebook is not None and number:
            notebook = notebook.changed(fixed.text)
    except Exception as error:
        # Whatever escapes from the analyzer is a bug in it; other files are checked all the same.
        return _crashed(source, error)
    return Answer(
        report,
        fixed if report.diagnostics or number else None,
        source if number else None,
        notebook,
        number,
        tuple(seen.found),
        bool(seen.missing),
    )


def _of_content(
    source: SourceFile, content: bytes, task: Task, notebook: NotebookFile | None
) -> tuple[Report, RecordedModules]:
    """What is found in a file as it was read, and the modules that were looked up for it."""
    from oxide_analyzer.modules import RecordedModules

    entry = task.entry
    modules = project.modules(entry.path, entry.configuration)
    seen = RecordedModules(modules)
    if task.cache is None:
        return _report(source, seen, task, notebook), seen
    from oxide_analyzer import known_files

    kept = _known(task.cache)
    report = known_files.known(kept, source.path, content, seen)
    if report is None:
        seen = RecordedModules(modules)
        report = _report(source, seen, task, notebook)
        known_files.keep(kept, source.path, content, seen, report)
        # A project without kernels gets no folder.
        kept.flush(makes_folder=bool(report.kernels))
    return report, seen


def _report(
    source: SourceFile, seen: RecordedModules, task: Task, notebook: NotebookFile | None = None
) -> Report:
    from oxide_analyzer import analysis

    check_one = analysis.check_kernel
    if task.cache is not None:
        check_one = partial(_remembered, task.cache)
    if task.timeout is not None:
        check_one = partial(_in_time, task.timeout, check_one)
    if notebook is None:
        report = analysis.check(source, seen, check_one)
    else:
        from oxide_analyzer.notebooks.checking import check

        report = check(notebook.notebook.rejoined(source.text), seen, check_one)
    # What only the compiler needs is neither kept nor sent: it is most of a report.
    kernels = tuple(
        replace(kernel, kernel=None, checked=None, diagnostics=()) for kernel in report.kernels
    )
    return replace(report, kernels=kernels)


def _remembered(folder: str, kernel: Kernel) -> KernelReport:
    known = _known(folder)
    report = known.check_kernel(kernel)
    known.flush()
    return report


@cache
def _known(folder: str) -> Cache:
    """The known verdicts of a folder: read once in each process, and only if there are kernels."""
    from oxide_analyzer import verdict_cache

    return verdict_cache.open_folder(Path(folder))


def _in_time(
    seconds: float, check_one: Callable[[Kernel], KernelReport], kernel: Kernel
) -> KernelReport:
    from oxide_analyzer import deadline

    if seconds < _LONG:
        # What is imported late takes no time of the kernel that is the first to need it.
        importlib.import_module("oxide_analyzer.interpreter.execution")
        importlib.import_module("oxide_analyzer.proof.smt")
    with deadline.within(seconds):
        return check_one(kernel)


def _fixed(
    source: SourceFile,
    report: Report,
    seen: RecordedModules,
    task: Task,
    notebook: NotebookFile | None,
) -> tuple[SourceFile, Report, int]:
    """The text after rounds of fixes, what is found in it, and how many fixes there were."""
    from oxide_analyzer import edits

    known = {source.text}
    vain: frozenset[edits.Aim] = frozenset()
    total = 0
    for _ in range(_ROUNDS):
        asked = [d for d in report.diagnostics if task.chosen.admits(d)]
        hopeful = [_without(diagnostic, vain) for diagnostic in asked]
        new, applied = edits.fix(source, hopeful, unsafe=task.fixes == "all")
        if notebook is not None:
            try:
                new = notebook.notebook.rejoined(new.text).source
            except ValueError:
                # A fix that no cell can take is none.
                break
        if not applied or new.text in known:
            break
        found = _report(new, seen, task, notebook)
        useless = edits.useless(applied, (source, asked), (new, found.diagnostics))
        if useless:
            # The round is done again without them.
            vain |= useless
            continue
        known.add(new.text)
        total += len(applied)
        source, report = new, found
    return source, report, total


def _without(diagnostic: Diagnostic, vain: frozenset[Aim]) -> Diagnostic:
    """The finding with the fixes that may be of use."""
    from oxide_analyzer.edits import title_of

    if not vain or not diagnostic.fixes:
        return diagnostic
    kept = tuple(fix for fix in diagnostic.fixes if title_of(diagnostic, fix) not in vain)
    return replace(diagnostic, fixes=kept)


def _crashed(source: SourceFile, error: Exception) -> Answer:
    from traceback import format_exception, format_tb

    from oxide_analyzer.rules.ox999_internal_error import internal_error

    *_, place = format_tb(error.__traceback__)
    report = Report(source.path, (), (internal_error(source.path, error),))
    return Answer(report, crash=Crash(place, "".join(format_exception(error))))
