"""The analyzer in a process of its own.

The solver and the compiler keep Python's global lock for long stretches, and native code may
crash; neither may stall or end the server. So the server sends jobs through a pipe:

    server                                   worker
    Check(source)       ───────────────►     analysis.check, keeps the report
                        ◄───────────────     Checked(answer)
    Compile(qualname)   ───────────────►     compile_ptx of the report's kernel
                        ◄───────────────     Compiled(ptx)

A check that is no longer wanted is asked to stop between two kernels, so that the verdicts it
has found are remembered; one that does not is killed, which works inside native code too.
Whatever ends the process, waiting jobs fail with `WorkerDied` and the next job starts a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.source import SourceFile
from oxide_lsp.analyser import Analyser
from oxide_lsp.compiling import Compile, Compiled, FormName, Stage
from oxide_lsp.jobs import KEPT_REPORTS, Cancel, Cancelled, Check, Checked, Failed, work

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from oxide_analyzer.configuration import Configuration
    from oxide_lsp.jobs import Answer, Job, MakeChecker, Reply


# A process that holds more is ended when it is idle, unless it has just been started: then it is
# the files that need so much. Where memory is not known, checks are counted.
_MOST_MEMORY = int(os.environ.get("OXIDE_LSP_MEMORY", "1024")) * 2**20
_FEWEST_CHECKS = 100
_MOST_CHECKS = 20_000


# So many files can be compiled again after their process has ended.
_REMEMBERED_CHECKS = 64


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


class Worker:
    """A worker process as the event loop sees it. Started again whenever a job needs it."""

    def __init__(self, make_checker: MakeChecker = Analyser) -> None:
        """A worker that checks with what `make_checker` makes; its process is not started yet."""
        self._make_checker = make_checker
        self._jobs = itertools.count()
        self._checking: int | None = None
        self._life: _Life | None = None
        self._checks = 0
        self._memory = 0
        # The last check of each file, and which of them this process has done and remembers.
        self._last: OrderedDict[str, Check] = OrderedDict()
        self._present: OrderedDict[str, None] = OrderedDict()
        # Seconds that the last check took, without what it waited for.
        self.cost = 0.0

    @property
    def needs_much(self) -> bool:
        """Whether the process holds so much, of so many checks, that a new one is better."""
        if self._life is None or self._checks < _FEWEST_CHECKS:
            return False
        return self._memory > _MOST_MEMORY or self._checks >= _MOST_CHECKS

    def start(self) -> None:
        """Start the process now, so that it imports while the server does."""
        if self._life is None:
            self._life = _Life(self._make_checker)
            self._checks = self._memory = 0
            self._present.clear()

    async def check(
        self,
        source: SourceFile,
        open_files: tuple[SourceFile, ...],
        configuration: Configuration,
    ) -> Answer | None:
        """Check a file, None if that was cancelled; raises `WorkerDied` or `JobFailed`."""
        # Fresh values, because a SourceFile carries its cached lines along.
        texts = tuple(SourceFile(f.path, f.text) for f in open_files)
        job = Check(next(self._jobs), replace(source), texts, configuration)
        _put(self._last, source.path, job, _REMEMBERED_CHECKS)
        self._checking = job.job
        try:
            reply = await self._ask(job)
        finally:
            self._checking = None
        match reply:
            case Checked(answer=answer, seconds=seconds, memory=memory):
                self._checks += 1
                _put(self._present, source.path, None, KEPT_REPORTS)
                self._memory, self.cost = memory, seconds
                return answer
            case Cancelled():
                return None
            case Compiled():
                raise TypeError(f"the worker compiled what it should check: {reply}")

    async def compile(
        self,
        path: str,
        qualname: str,
        target: str,
        stage: Stage = Stage.PTX,
        form: FormName = FormName.ORDINARY,
    ) -> Compiled:
        """Compile a kernel that was checked before; raises `WorkerDied` or `JobFailed`.

        What another process has checked, or this one long ago, is checked again.
        """
        self.start()
        last = self._last.get(path)
        if last is not None and path not in self._present:
            await self._ask(replace(last, job=next(self._jobs)))
            _put(self._present, path, None, KEPT_REPORTS)
        job = Compile(next(self._jobs), path, qualname, target, stage, form)
        reply = await self._ask(job)
        assert isinstance(reply, Compiled)
        return reply

    def cancel(self) -> None:
        """Ask the process to stop its check at the next kernel; what it remembers stays."""
        if self._life is not None and self._checking is not None:
            self._life.cancel(self._checking)

    def kill(self) -> None:
        """End the process, whatever it is doing; its jobs fail with `WorkerDied(wanted=True)`."""
        if self._life is not None:
            self._life.end()

    async def _ask(self, job: Job) -> Checked | Compiled | Cancelled:
        self.start()
        life = self._life
        assert life is not None
        try:
            reply = await life.ask(job)
        except WorkerDied:
            if self._life is life:
                self._life = None
            raise
        if isinstance(reply, Failed):
            raise JobFailed(reply)
        return reply


class _Life:
    """One process, from its start to its end."""

    def __init__(self, make_checker: MakeChecker) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=work, args=(theirs, make_checker), name="oxide-worker", daemon=True
        )
        self._process.start()
        # Only the child may hold its end, or its death would never be read as the end of file.
        theirs.close()
        # One thread sends, in order: a full pipe must not stop the event loop.
        self._sender = ThreadPoolExecutor(1, "oxide-worker-jobs")
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._listening = False
        self._wanted = False
        self._dead = False
        self._exit_code: int | None = None

    def cancel(self, job: int) -> None:
        self._sender.submit(self._send_cancel, job)

    def _send_cancel(self, job: int) -> None:
        # A process that is dead has nothing to cancel.
        with contextlib.suppress(OSError):
            self._connection.send(Cancel(job))

    async def ask(self, job: Job) -> Reply:
        if self._dead:
            raise self._death()
        loop = asyncio.get_running_loop()
        if not self._listening:
            self._listening = True
            threading.Thread(
                target=self._listen, args=(loop,), name="oxide-worker-replies", daemon=True
            ).start()
        answered: asyncio.Future[Reply] = loop.create_future()
        self._waiting[job.job] = answered
        try:
            await loop.run_in_executor(self._sender, self._connection.send, job)
        except OSError:
            self._waiting.pop(job.job, None)
            raise self._death() from None
        try:
            return await answered
        finally:
            self._waiting.pop(job.job, None)

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
        self._sender.shutdown(wait=False)
        self._connection.close()
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(self._death())


Item = TypeVar("Item")


def _put(kept: OrderedDict[str, Item], path: str, item: Item, most: int) -> None:
    """Keep the latest of what is said of files."""
    kept[path] = item
    kept.move_to_end(path)
    if len(kept) > most:
        kept.popitem(last=False)


def _call(
    loop: asyncio.AbstractEventLoop, function: Callable[[Item], None], argument: Item
) -> bool:
    """Call `function` in the loop's thread; false if the loop has ended with the server."""
    try:
        loop.call_soon_threadsafe(function, argument)
    except RuntimeError:
        return False
    return True
