"""The jobs of the worker process, and the loop that does them.

Plain values travel: a request names a file or a kernel, and the reply holds what the editor
shows of it. The reports themselves, with the IR that the compiler wants, stay in the process.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from oxide_analyzer.configuration import Configuration
    from oxide_analyzer.diagnostics import Diagnostic, ObligationCounts, Verdict
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import Span

_KEPT_REPORTS = 16

CheckFunction: TypeAlias = "Callable[[SourceFile, Modules], Report]"
"""Checks one file; must be importable by name, because it travels to another process."""


# ---------------------------------------------------------------- what travels


@dataclass(frozen=True, slots=True)
class Check:
    """Check a file under the settings of its project.

    `open_files` are unsaved texts that hide the files on disk.
    """

    job: int
    source: SourceFile
    open_files: tuple[SourceFile, ...]
    configuration: Configuration


@dataclass(frozen=True, slots=True)
class Compile:
    """Compile a kernel of the last report about `path` to PTX for `target`."""

    job: int
    path: str
    qualname: str
    target: str


@dataclass(frozen=True, slots=True)
class KernelAnswer:
    """What the editor shows of a kernel's report; `compiles` if the back end accepts it."""

    name: str
    qualname: str
    span: Span
    name_span: Span
    verdict: Verdict
    facts: tuple[str, ...]
    assumed: tuple[str, ...]
    obligations: ObligationCounts
    milliseconds: float
    compiles: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the editor shows of a file's report; findings that a comment hides are left out."""

    kernels: tuple[KernelAnswer, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to `Check`."""

    job: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Compiled:
    """The answer to `Compile`: the PTX, or in one line why there is none."""

    job: int
    ptx: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The job raised an exception: a defect of Oxide, not of the user's file."""

    job: int
    error: str
    details: str


Request: TypeAlias = Check | Compile
Reply: TypeAlias = Checked | Compiled | Failed


# ---------------------------------------------------------------- the process


def analyse(source: SourceFile, modules: Modules) -> Report:
    """What the process does unless told otherwise."""
    from oxide_analyzer.analysis import check

    return check(source, modules)


def work(connection: Connection, check: CheckFunction) -> None:
    """The main function of the process: answer jobs until the server is gone."""
    # Standard output is the server's line to the editor.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    reports: OrderedDict[str, Report] = OrderedDict()
    # A test's own check needs neither the analyzer nor the solver.
    preloaded = check is not analyse
    while True:
        if not preloaded and not connection.poll():
            preloaded = True
            _preload()
        try:
            request: Request = connection.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            match request:
                case Check(job=job, source=source):
                    report = check(source, _OpenModules.of(request))
                    reports[source.path] = report
                    reports.move_to_end(source.path)
                    if len(reports) > _KEPT_REPORTS:
                        reports.popitem(last=False)
                    reply: Reply = Checked(job, _answer(report))
                case Compile():
                    reply = _compile(request, reports.get(request.path))
        except Exception as error:
            name = type(error).__name__
            reply = Failed(request.job, f"{name}: {error}", traceback.format_exc())
        try:
            connection.send(reply)
        except OSError:
            return


def _preload() -> None:
    """Import what the first job would wait for."""
    for module in ("oxide_analyzer.analysis", "z3"):
        importlib.import_module(module)
    # Modules are no garbage; looking among them is what most of a collection would cost.
    gc.collect()
    gc.freeze()


class _OpenModules:
    """Modules as the editor shows them: unsaved texts hide the files on disk."""

    def __init__(self, modules: Modules, texts: dict[Path, str]) -> None:
        self._modules = modules
        self._texts = texts

    @staticmethod
    def of(request: Check) -> Modules:
        from oxide_analyzer import project

        path = Path(request.source.path)
        modules = project.modules(path if path.is_absolute() else None, request.configuration)
        return _OpenModules(modules, {Path(f.path): f.text for f in request.open_files})

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        found = self._modules.find(name, importer)
        if found is not None and (text := self._texts.get(Path(found.path))) is not None:
            return SourceFile(found.path, text)
        return found


def _answer(report: Report) -> Answer:
    visible = (d for d in report.diagnostics if d.suppressed is None)
    return Answer(tuple(map(_kernel, report.kernels)), tuple(map(_portable, visible)))


def _kernel(report: KernelReport) -> KernelAnswer:
    counts = replace(report.obligations, proved=dict(report.obligations.proved))
    return KernelAnswer(
        report.name,
        report.qualname,
        report.span,
        report.name_span,
        report.verdict,
        tuple(fact.text for fact in report.facts),
        tuple(f"line {place.line}: {place.text}" for place in report.assumed),
        counts,
        report.milliseconds,
        report.checked is not None,
    )


def _portable(diagnostic: Diagnostic) -> Diagnostic:
    """The same finding without read-only views of mappings, which cannot be pickled."""
    witness = diagnostic.witness
    if witness is None:
        return diagnostic
    values = replace(witness, parameters=dict(witness.parameters), values=dict(witness.values))
    return replace(diagnostic, witness=values)


def _compile(request: Compile, report: Report | None) -> Compiled:
    kernels = report.kernels if report is not None else ()
    kernel = next((k for k in kernels if k.qualname == request.qualname), None)
    if kernel is None or kernel.checked is None:
        return Compiled(request.job, None, "this kernel does not compile")
    from oxide_codegen.target import Unsupported

    try:
        from oxide_codegen.ptx import compile_ptx

        ptx = compile_ptx(kernel.checked, request.target)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("llvmlite", "numpy"):
            raise
        install = 'pip install "oxide-kernels[cpu]"'
        return Compiled(request.job, None, f"PTX needs {error.name}: `{install}`")
    except Unsupported as error:
        return Compiled(request.job, None, str(error))
    return Compiled(request.job, ptx.text, None)
