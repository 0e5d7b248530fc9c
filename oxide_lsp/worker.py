"""The analyzer in a process of its own.

The solver and the compiler keep Python's global lock for long stretches, and native code may
crash; neither may stall or end the server. So the server sends jobs through a pipe:

    server                                   worker
    Check(source)       ───────────────►     analysis.check, keeps the report
                        ◄───────────────     Checked(answer)
    Compile(qualname)   ───────────────►     compile_ptx of the report's kernel
                        ◄───────────────     Compiled(ptx)

A job that is no longer wanted is cancelled by killing the process: that works inside native
code too. Whatever ends the process, waiting jobs fail with `WorkerDied` and the next job starts
a new one.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import multiprocessing
import os
import sys
import threading
import traceback
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

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
    """Check a file. `open_files` are unsaved texts that hide the files on disk."""

    job: int
    source: SourceFile
    open_files: tuple[SourceFile, ...]
    roots: tuple[str, ...]


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


class WorkerDied(Exception):
    """The process ended while a job was waiting; `wanted` if the server killed it."""

    def __init__(self, exit_code: int | None, *, wanted: bool) -> None:
        """The process ended with this code, None if that is not known."""
        super().__init__(f"the analyzer's process ended with exit code {exit_code}")
        self.wanted = wanted


class JobFailed(Exception):
    """A job raised; the text names the exception, `details` is its traceback."""

    def __init__(self, failed: Failed) -> None:
        """The reply that says so."""
        super().__init__(failed.error)
        self.details = failed.details


# ---------------------------------------------------------------- the server's side


def analyse(source: SourceFile, modules: Modules) -> Report:
    """What a worker does unless told otherwise."""
    from oxide_analyzer.analysis import check

    return check(source, modules)


class Worker:
    """A worker process as the event loop sees it. Started again whenever a job needs it."""

    def __init__(self, check: CheckFunction = analyse) -> None:
        """A worker that checks with `check`; its process is not started yet."""
        self._check = check
        self._jobs = itertools.count()
        self._life: _Life | None = None

    def start(self) -> None:
        """Start the process now, so that it imports while the server does."""
        if self._life is None:
            self._life = _Life(self._check)

    async def check(
        self, source: SourceFile, open_files: tuple[SourceFile, ...], roots: tuple[str, ...]
    ) -> Answer:
        """Check a file; raises `WorkerDied` or `JobFailed`."""
        # Fresh values, because a SourceFile carries its cached lines along.
        texts = tuple(SourceFile(f.path, f.text) for f in open_files)
        request = Check(next(self._jobs), SourceFile(source.path, source.text), texts, roots)
        reply = await self._ask(request)
        assert isinstance(reply, Checked)
        return reply.answer

    async def compile(self, path: str, qualname: str, target: str) -> Compiled:
        """Compile a kernel that was checked before; raises `WorkerDied` or `JobFailed`."""
        reply = await self._ask(Compile(next(self._jobs), path, qualname, target))
        assert isinstance(reply, Compiled)
        return reply

    def kill(self) -> None:
        """End the process, whatever it is doing; its jobs fail with `WorkerDied(wanted=True)`."""
        if self._life is not None:
            self._life.end()

    async def _ask(self, request: Request) -> Checked | Compiled:
        self.start()
        life = self._life
        assert life is not None
        try:
            reply = await life.ask(request)
        except WorkerDied:
            if self._life is life:
                self._life = None
            raise
        if isinstance(reply, Failed):
            raise JobFailed(reply)
        return reply


class _Life:
    """One process, from its start to its end."""

    def __init__(self, check: CheckFunction) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=work, args=(theirs, check), name="oxide-worker", daemon=True
        )
        self._process.start()
        # Only the child may hold its end, or its death would never be read as the end of file.
        theirs.close()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._listening = False
        self._wanted = False
        self._dead = False
        self._exit_code: int | None = None

    async def ask(self, request: Request) -> Reply:
        if self._dead:
            raise self._death()
        loop = asyncio.get_running_loop()
        if not self._listening:
            self._listening = True
            threading.Thread(
                target=self._listen, args=(loop,), name="oxide-worker-replies", daemon=True
            ).start()
        answered: asyncio.Future[Reply] = loop.create_future()
        self._waiting[request.job] = answered
        try:
            # A full pipe must not stop the event loop.
            await asyncio.to_thread(self._connection.send, request)
        except OSError:
            self._waiting.pop(request.job, None)
            raise self._death() from None
        try:
            return await answered
        finally:
            self._waiting.pop(request.job, None)

    def end(self) -> None:
        self._wanted = True
        self._process.kill()

    def _death(self) -> WorkerDied:
        return WorkerDied(self._exit_code, wanted=self._wanted)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                reply: Reply = self._connection.recv()
            except (EOFError, OSError):
                break
            if not _call(loop, self._resolve, reply):
                return
        self._process.join()
        _call(loop, self._bury, self._process.exitcode)

    def _resolve(self, reply: Reply) -> None:
        answered = self._waiting.get(reply.job)
        if answered is not None and not answered.done():
            answered.set_result(reply)

    def _bury(self, exit_code: int | None) -> None:
        self._dead = True
        self._exit_code = exit_code
        self._connection.close()
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(self._death())


Item = TypeVar("Item")


def _call(
    loop: asyncio.AbstractEventLoop, function: Callable[[Item], None], argument: Item
) -> bool:
    """Call `function` in the loop's thread; false if the loop has ended with the server."""
    try:
        loop.call_soon_threadsafe(function, argument)
    except RuntimeError:
        return False
    return True


# ---------------------------------------------------------------- the process's side


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


class _OpenModules:
    """Modules as the editor shows them: unsaved texts hide the files on disk."""

    def __init__(self, modules: Modules, texts: dict[Path, str]) -> None:
        self._modules = modules
        self._texts = texts

    @staticmethod
    def of(request: Check) -> Modules:
        from oxide_analyzer.modules import ProjectModules

        modules = ProjectModules(tuple(Path(root) for root in request.roots))
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
    try:
        from oxide_codegen.ptx import compile_ptx

        ptx = compile_ptx(kernel.checked, request.target)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("llvmlite", "numpy"):
            raise
        install = 'pip install "oxide-kernels[cpu]"'
        return Compiled(request.job, None, f"PTX needs {error.name}: `{install}`")
    return Compiled(request.job, ptx.text, None)
