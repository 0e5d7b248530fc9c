"""Sources to kernels: a file may hold kernels of several dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends import oxide
from oxide_analyzer.frontends.oxide import Reading, Unread
from oxide_analyzer.frontends.oxide.remembered import Remembered
from oxide_analyzer.imported_kernels import has_words, launches_imported

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.reading import Lowered as LoweredNumba
    from oxide_analyzer.frontends.oxide.reading import Lowered
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

__all__ = ["Earlier", "Reading", "Unread", "read"]


class Earlier:
    """What was read of kernels before, for who reads a file again after each edit."""

    def __init__(self) -> None:
        """Nothing was."""
        self.own: Remembered[list[Lowered]] = Remembered()
        self.foreign: Remembered[LoweredNumba] = Remembered()


def read(source: SourceFile, modules: Modules, earlier: Earlier | None = None) -> Reading:
    """The kernels of a file, and what is wrong with it. Never raises, whatever the text."""
    own = oxide.read(source, modules, earlier and earlier.own)
    foreign = Reading((), (), ())
    if has_words(source) or launches_imported(source, modules):
        # It takes as long to import as all else that a file of Oxide's own needs.
        from oxide_analyzer.frontends import numba

        foreign = numba.read(source, modules, earlier and earlier.foreign)
    kernels = sorted((*own.kernels, *foreign.kernels), key=lambda kernel: kernel.span)
    unread = (*own.unread, *foreign.unread)
    # What cannot be parsed is said once.
    findings = own.diagnostics or foreign.diagnostics
    return Reading(tuple(kernels), unread, findings)
