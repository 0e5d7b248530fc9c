"""Sources to kernels: a file may hold kernels of several dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends import numba, oxide
from oxide_analyzer.frontends.oxide import Reading, Unread

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.reading import Lowered
    from oxide_analyzer.frontends.oxide.remembered import Remembered
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

__all__ = ["Reading", "Unread", "read"]


def read(
    source: SourceFile, modules: Modules, remembered: Remembered[list[Lowered]] | None = None
) -> Reading:
    """The kernels of a file, and what is wrong with it. Never raises, whatever the text.

    Who reads a file again after each edit keeps what is `remembered` of its functions.
    """
    own, foreign = oxide.read(source, modules, remembered), numba.read(source, modules)
    kernels = sorted((*own.kernels, *foreign.kernels), key=lambda kernel: kernel.span)
    unread = (*own.unread, *foreign.unread)
    # What cannot be parsed is said once.
    findings = own.diagnostics or foreign.diagnostics
    return Reading(tuple(kernels), unread, findings)
