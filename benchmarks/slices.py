"""Long runs in slices: several processes, results in order, a clean end when time is up."""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable, Iterator

Work = TypeVar("Work")
Result = TypeVar("Result")

_SECONDS_BETWEEN_LINES = 20.0


def add_options(parser: ArgumentParser, name: str) -> None:
    """The options that all long runs share."""
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seconds", type=float, default=None, help="begin nothing after so many")
    parser.add_argument("--name", default=name, help="of the file of results")
    parser.add_argument("--commit", default=None, help="recorded where there is no git")


def in_order(
    work: Callable[[Work], Result], pieces: Iterable[Work], jobs: int, seconds: float | None
) -> Iterator[Result]:
    """What `work` gives for each piece, in their order; once time is up, none is begun.

    What has begun is finished, so the results are those of the first pieces without a gap.
    Progress goes to standard error.
    """
    started = time.monotonic()
    said = started
    rest = iter(pieces)
    pending: deque[Future[Result]] = deque()
    done = 0
    with ProcessPoolExecutor(jobs) as workers:
        while True:
            late = seconds is not None and time.monotonic() - started > seconds
            while not late and len(pending) < 3 * jobs:
                piece = next(rest, None)
                if piece is None:
                    break
                pending.append(workers.submit(work, piece))
            if not pending:
                return
            yield pending.popleft().result()
            done += 1
            now = time.monotonic()
            if now - said > _SECONDS_BETWEEN_LINES:
                said = now
                print(f"{done} pieces in {now - started:.0f} s", file=sys.stderr, flush=True)
