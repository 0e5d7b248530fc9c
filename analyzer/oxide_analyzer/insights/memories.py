"""The arrays of a kernel: where each lies, how large it is."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.insights.records import MemoryInsight
from oxide_analyzer.ir.nodes import Const
from oxide_analyzer.ir.specialise import fold, source_values
from oxide_analyzer.proof.memory import shape
from oxide_analyzer.wording import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.effects import Analysis


def memories(analysis: Analysis) -> Iterator[MemoryInsight]:
    """The parameters and allocations that stand in the kernel's own file."""
    kernel = analysis.kernel
    values = source_values(kernel)
    for array in kernel.arrays.values():
        if array.span.path != kernel.path or array.name.startswith("%"):
            continue
        extents = [fold(extent, values) for extent in array.shape]
        known = [int(e.value) for e in extents if isinstance(e, Const)]
        is_sized = len(known) == len(extents)
        yield MemoryInsight(
            array.name.partition(".")[0],
            array.space,
            array.ownership,
            str(array.element),
            tuple(in_words(str(extent), kernel.dialect) for extent in shape(analysis, array.name)),
            prod(known) * array.element.size if is_sized else None,
            array.span,
        )
