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
import itertools
import multiprocessing
import threading
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.source import SourceFile
from oxide_lsp.jobs import Check, Checked, Compile, Compiled, Failed, analyse, work

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from oxide_analyzer.configuration import Configuration
    from oxide_lsp.jobs import Answer, CheckFunction, Reply, Request


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
        self,
        source: SourceFile,
        open_files: tuple[SourceFile, ...],
        configuration: Configuration,
    ) -> Answer:
        """Check a file; raises `WorkerDied` or `JobFailed`."""
        # Fresh values, because a SourceFile carries its cached lines along.
        texts = tuple(SourceFile(f.path, f.text) for f in open_files)
        request = Check(
            next(self._jobs), SourceFile(source.path, source.text), texts, configuration
        )
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
