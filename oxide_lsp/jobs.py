"""The jobs of the worker process, and the loop that does them.

Plain values travel: a request names a file or a kernel, and the reply holds what the editor
shows of it. The reports themselves, with the IR that the compiler wants, stay in the process.
"""

from __future__ import annotations

import itertools
import os
import pickle
import sys
import traceback
from collections import OrderedDict, deque
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile
from oxide_lsp.compiling import Compile, Compiled, Compiler

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.configuration import Configuration
    from oxide_analyzer.diagnostics import Diagnostic, ObligationCounts, Verdict
    from oxide_analyzer.insights import Insights
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import Span

KEPT_REPORTS = 16
_KEPT_PACKED = 512
_NICENESS = 5
_STATM = Path("/proc/self/statm")


class Checker(Protocol):
    """What a worker process checks with."""

    def prepare(self) -> None:
        """Called once, before the first job."""

    def preload(self) -> None:
        """Called once, after the first job, when nothing else is to be done."""

    def keep_in(self, folder: Path) -> None:
        """Called before each check: where its project keeps verdicts, if it does."""

    def check(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """The report about a file; `pause`, called now and then, raises if nobody waits for it."""
        ...

    def prove(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """The same, with every proof that `check` may have promised."""
        ...


MakeChecker: TypeAlias = "Callable[[], Checker]"
"""Makes the checker in its process; must be importable by name, because it travels there."""


# ---------------------------------------------------------------- what travels


@record
class Check:
    """Check a file under the settings of its project.

    `open_files` are unsaved texts that hide the files on disk.
    """

    job: int
    source: SourceFile
    open_files: tuple[SourceFile, ...]
    configuration: Configuration


@record
class Cancel:
    """Nobody waits for this job any more; if it is still running it may end with `Cancelled`."""

    job: int


@record
class KernelAnswer:
    """What the editor shows of a kernel's report.

    `insights` are packed, as most of them nobody will look at; see `known`. `proof` is the same
    for the same compiled code, and empty where nothing compiles.
    """

    name: str
    qualname: str
    span: Span
    name_span: Span
    verdict: Verdict
    facts: tuple[str, ...]
    assumed: tuple[str, ...]
    obligations: ObligationCounts
    milliseconds: float
    dialect: str = "oxide"
    proof: str = ""
    launches: tuple[str, ...] = ()
    insights: bytes | None = None

    @property
    def compiles(self) -> bool:
        """Whether the back end accepts it."""
        return bool(self.proof)


@record
class Answer:
    """What the editor shows of a file's report; findings that a comment hides are left out."""

    kernels: tuple[KernelAnswer, ...]
    diagnostics: tuple[Diagnostic, ...]


@record
class Checked:
    """The answer to `Check`, and what it cost.

    `memory` is what the process holds, in bytes, 0 if that is not known.
    """

    job: int
    answer: Answer
    seconds: float = 0.0
    memory: int = 0


@record
class Cancelled:
    """The job was stopped as asked."""

    job: int


@record
class Failed:
    """The job raised an exception: a defect of Oxide, not of the user's file."""

    job: int
    error: str
    details: str


Job: TypeAlias = Check | Compile
Reply: TypeAlias = Checked | Compiled | Cancelled | Failed


# ---------------------------------------------------------------- the process


class _Stop(Exception):
    """The job that is running was cancelled."""


class _Inbox:
    """Jobs in their order; looks for cancellations while a job is running."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._jobs: deque[Job] = deque()
        self._cancelled: set[int] = set()

    @property
    def is_empty(self) -> bool:
        self._take()
        return not self._jobs

    def next(self) -> Job:
        """The next job; waits for it. Raises `EOFError` or `OSError` when the server is gone."""
        self._take()
        while not self._jobs:
            self._put(self._connection.recv())
        return self._jobs.popleft()

    def stop_if_cancelled(self, job: int) -> None:
        """Raise `_Stop` if nobody waits for the job."""
        self._take()
        if job in self._cancelled:
            # Jobs come in order: what was cancelled too late is never asked about again.
            self._cancelled = {other for other in self._cancelled if other > job}
            raise _Stop

    def _take(self) -> None:
        while self._connection.poll():
            self._put(self._connection.recv())

    def _put(self, message: Job | Cancel) -> None:
        match message:
            case Cancel(job=job):
                self._cancelled.add(job)
            case _:
                self._jobs.append(message)


def work(connection: Connection, make_checker: MakeChecker) -> None:
    """The main function of the process: do jobs until the server is gone."""
    # Standard output is the server's line to the editor.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    # Where processors are few, what the server answers at each keystroke goes first.
    if sys.platform != "win32":
        os.nice(_NICENESS)
    inbox, checker, compiler = _Inbox(connection), make_checker(), Compiler()
    reports: OrderedDict[str, tuple[Check, Report]] = OrderedDict()
    preloaded = False
    checker.prepare()
    try:
        while True:
            connection.send(_reply(inbox.next(), inbox, checker, compiler, reports))
            if not preloaded and inbox.is_empty:
                preloaded = True
                checker.preload()
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _reply(
    job: Job,
    inbox: _Inbox,
    checker: Checker,
    compiler: Compiler,
    reports: OrderedDict[str, tuple[Check, Report]],
) -> Reply:
    try:
        match job:
            case Check(job=number, source=source, configuration=configuration):
                from oxide_analyzer import verdict_cache

                start = perf_counter()
                checker.keep_in(verdict_cache.folder(configuration.root, configuration.cache_dir))
                report = checker.check(
                    source, _OpenModules.of(job), lambda: inbox.stop_if_cancelled(number)
                )
                reports[source.path] = job, report
                reports.move_to_end(source.path)
                if len(reports) > KEPT_REPORTS:
                    reports.popitem(last=False)
                return Checked(number, answer(report), perf_counter() - start, _memory())
            case Compile():
                check, report = reports.get(job.path, (None, None))
                if check and report and _is_promised(report, job.qualname):
                    report = checker.prove(check.source, _OpenModules.of(check), lambda: None)
                    reports[job.path] = check, report
                return compiler.compile(job, report)
    except _Stop:
        return Cancelled(job.job)
    except Exception as error:
        return Failed(job.job, f"{type(error).__name__}: {error}", traceback.format_exc())


def _is_promised(report: Report, qualname: str) -> bool:
    return any(k.promised for k in report.kernels if k.qualname == qualname)


def _memory() -> int:
    """The resident memory of this process in bytes, 0 where the system does not say it so."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


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


def answer(report: Report) -> Answer:
    """What travels of a report."""
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
        report.dialect,
        _name_of(report.checked) or report.promised,
        report.launches,
        _packed(report.insights) if report.insights is not None else None,
    )


# Names are given once, and no other process gives the same.
_numbers = itertools.count(1)
_names: WeakKeyDictionary[Kernel, str] = WeakKeyDictionary()


def _name_of(checked: CheckedKernel | None) -> str:
    """What stands for a proof: a kernel is equal to itself alone, and has one proof."""
    if checked is None:
        return ""
    return _names.setdefault(checked.kernel, f"{os.getpid()}.{next(_numbers)}")


_known_packed: OrderedDict[int, tuple[Insights, bytes]] = OrderedDict()


def _packed(insights: Insights) -> bytes:
    """Insights as they travel: those of a kernel that was not edited are packed already."""
    known = _known_packed.get(id(insights))
    if known is None:
        known = _known_packed[id(insights)] = insights, pickle.dumps(insights)
        if len(_known_packed) > _KEPT_PACKED:
            _known_packed.popitem(last=False)
    _known_packed.move_to_end(id(insights))
    return known[1]


def _portable(diagnostic: Diagnostic) -> Diagnostic:
    """The same finding without read-only views of mappings, which cannot be pickled."""
    witness = diagnostic.witness
    if witness is None:
        return diagnostic
    values = replace(witness, parameters=dict(witness.parameters), values=dict(witness.values))
    return replace(diagnostic, witness=values)
