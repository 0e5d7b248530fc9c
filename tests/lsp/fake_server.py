"""The real server with an analysis that does what comments in the file say.

# race OTHER   a shared-memory race with the line that says `# OTHER`, with a fix
# print        something on standard output
# sleep N      so many seconds
# crash        the process ends
# raise        an exception
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import (
    AccessKind,
    Diagnostic,
    Edit,
    Fix,
    ObligationCounts,
    Related,
    Severity,
    Verdict,
    Witness,
    WitnessThread,
)
from oxide_analyzer.report import KernelReport, Report
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from oxide_analyzer.modules import Modules

_ORDER = re.compile(r"# (race|print|sleep|crash|raise)\b ?([\w.]*)")


class Obedient:
    """Does as the comments say."""

    def prepare(self) -> None:
        """Nothing to import."""

    def preload(self) -> None:
        """Nothing to import."""

    def keep_in(self, folder: Path) -> None:
        """Nothing is kept."""

    def check(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """Do as the comments say, then report."""
        pause()
        return check(source, modules)

    def prove(self, source: SourceFile, modules: Modules, pause: Callable[[], None]) -> Report:
        """Promises are not made."""
        return self.check(source, modules, pause)


def check(source: SourceFile, modules: Modules) -> Report:
    """Do as the comments say, then report."""
    from oxide_analyzer import suppressions
    from oxide_analyzer.frontends.oxide import read

    reading = read(source, modules)
    races: list[Diagnostic] = []
    for number, line, order, argument in _orders(source):
        match order:
            case "print":
                print("this must not reach the editor")
                os.write(1, b"nor this")
            case "sleep":
                time.sleep(float(argument))
            case "crash":
                os._exit(7)
            case "raise":
                raise ValueError(argument)
            case _:
                races.append(_race(source, number, line, argument))
    kernels = tuple(
        KernelReport(
            kernel.name,
            kernel.qualname,
            kernel.span,
            kernel.name_span,
            "oxide",
            Verdict.VIOLATED if races else Verdict.PROVED,
            kernel,
            (),
            ObligationCounts(proved={"affine": 3}, violated=len(races)),
            (),
            None,
            1.5,
        )
        for kernel in reading.kernels
    )
    found = suppressions.apply(source, (*reading.diagnostics, *races))
    return Report(source.path, kernels, found)


def _orders(source: SourceFile) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(source.lines, start=1):
        if (found := _ORDER.search(line)) is not None:
            yield number, line, found[1], found[2]


def _race(source: SourceFile, number: int, line: str, other: str) -> Diagnostic:
    code = line.partition("#")[0].rstrip()
    span = Span(source.path, number, len(line) - len(line.lstrip()) + 1, number, len(code) + 1)
    place = next(
        n for n, text in enumerate(source.lines, 1) if f"# {other}" in text and n != number
    )
    related = Span(source.path, place, 5, place, 9)
    threads = (
        WitnessThread((0, 0, 0), (3, 0, 0), number, AccessKind.WRITE),
        WitnessThread((0, 0, 0), (35, 0, 0), place, AccessKind.READ),
    )
    witness = Witness("tile", (64,), (35,), (64, 1, 1), (1, 1, 1), {}, {}, threads, True)
    return Diagnostic(
        span,
        "OX104",
        "shared-memory-race",
        Severity.ERROR,
        "`tile` is written while another thread reads it",
        kernel="k",
        verdict=Verdict.VIOLATED,
        related=(Related(related, "another thread reads here"),),
        fixes=(Fix("insert `sync_threads()`", (Edit(span.start(), "sync_threads()\n    "),)),),
        witness=witness,
    )


if __name__ == "__main__":
    from oxide_lsp.__main__ import serve
    from oxide_lsp.worker import Worker

    sys.exit(serve(Worker(Obedient)))
