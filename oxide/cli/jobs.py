"""Tasks in several processes, with answers in the order of the tasks.

Processes are spawned, so nothing of this one is inherited, and it is the same on every system. A
file that ends its process (a crash in native code, the system's memory killer) is found by checking
what was under way one file at a time, and gets a finding of its own; the others are checked.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TYPE_CHECKING

from oxide.cli.checking import Answer, Crash, answer
from oxide_analyzer.report import Report
from oxide_analyzer.rules.ox999_internal_error import RULE
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from oxide.cli.checking import Task

# A process needs as long to start as it takes to check so many files.
_FILES_A_PROCESS = 12

# Enough tasks wait that no process does; their answers are all that is held in memory.
_WAITING = 4


def processes(files: int) -> int:
    """How many processes pay for so many files with kernels."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, files // _FILES_A_PROCESS))


def answers(tasks: Sequence[Task], jobs: int) -> Iterator[Answer | None]:
    """The answer to each task, in order."""
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(answer, tasks)
        return
    at = 0
    while at < len(tasks):
        try:
            for found in _pooled(tasks[at:], min(jobs, len(tasks) - at)):
                yield found
                at += 1
        except BrokenProcessPool:
            # One of the tasks under way ended its process: each of them gets one of its own.
            for task in tasks[at : at + jobs * _WAITING]:
                yield _alone(task)
                at += 1


def _pooled(tasks: Sequence[Task], jobs: int) -> Iterator[Answer | None]:
    with _pool(jobs) as pool:
        waiting: list[Future[Answer | None]] = []
        try:
            rest = iter(tasks)
            waiting += [pool.submit(answer, task) for task in islice(rest, jobs * _WAITING)]
            while waiting:
                found = waiting.pop(0).result()
                waiting += [pool.submit(answer, task) for task in islice(rest, 1)]
                yield found
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _alone(task: Task) -> Answer | None:
    try:
        with _pool(1) as pool:
            return pool.submit(answer, task).result()
    except BrokenProcessPool:
        path = task.entry.shown
        message = "the process that checked this file was ended; please report it"
        finding = RULE.diagnostic(Span(path, 1, 1, 1, 1), message)
        return Answer(Report(path, (), (finding,)), crash=Crash(path, f"{path}: {message}\n"))


def _pool(jobs: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_start)


def _start() -> None:
    """In each process: an interrupt is for the one that the user started."""
    import gc

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(50_000)
