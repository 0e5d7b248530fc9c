"""What is known of the kernels of a file at this moment, whatever the solver is doing.

Hover, lenses and hints answer from here, and never wait. While the text that was just typed is
being checked, a kernel is shown with its last verdict, and each place of that verdict where it
stands now, in the same lines as the findings (`carry`); what was said of lines that the edit
touched is left out.

    verdict about              newest text
    4  def k(a):               5  def k(a):          k, not current
    5      t = thread.x        6      t = thread.x   t: i64, 0 … 255
    6      a[t] = 0            7      a[t + 1] = 0   nothing is known of this line
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_analyzer.source import Span
from oxide_lsp.carry import Shift, by_heads, successors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.frontends import Reading, Unread
    from oxide_analyzer.insights import Insights
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.state import Verdicts

_KEPT = 256


@record
class Known:
    """A kernel of the newest text with the last answer about it, None if there is none yet.

    `is_current` says that the answer is about this very text.
    """

    name: str
    qualname: str
    span: Span
    name_span: Span
    answer: KernelAnswer | None
    is_current: bool
    shift: Shift | None = None

    @property
    def insights(self) -> Insights | None:
        """What is shown beside its lines; its places are for `place`."""
        packed = self.answer.insights if self.answer is not None else None
        return None if packed is None else _unpacked(packed)

    def place(self, span: Span) -> Span | None:
        """Where a place of the insights stands in the newest text; None if it was edited."""
        insights, answer = self.insights, self.answer
        if insights is None or answer is None or span.path != answer.span.path:
            return span
        # The kernel may have moved since it was judged, and again since it was last checked.
        down = answer.span.line - insights.first_line
        moved = Span(
            span.path, span.line + down, span.column, span.end_line + down, span.end_column
        )
        if self.shift is None:
            return moved
        return self.shift.span(moved) if self.shift.keeps(moved) else None


def known(
    source: SourceFile, reading: Reading, verdicts: Verdicts | None, *, is_settled: bool
) -> tuple[Known, ...]:
    """The kernels of a text, those that could not be read included, in its order."""
    found = (*reading.kernels, *reading.unread)
    if verdicts is None:
        return _once(_new(kernel) for kernel in found)
    answers = verdicts.answer.kernels
    if is_settled:
        return _once(
            Known(a.name, a.qualname, a.span, a.name_span, a, is_current=True) for a in answers
        )
    if any(d.name == "syntax-error" for d in reading.diagnostics):
        return _once(_moved(by_heads(verdicts.source, answers, source)))
    fresh = {id(kernel): kernel for kernel in found}
    kernels: list[Known] = []
    for answer, kernel, shift in successors(verdicts.source, answers, source, found):
        if kernel is not None:
            del fresh[id(kernel)]
            kernels.append(_new(kernel, answer, shift))
    kernels += [_new(kernel) for kernel in fresh.values()]
    return _once(sorted(kernels, key=lambda kernel: kernel.span))


def _new(
    kernel: Kernel | Unread, answer: KernelAnswer | None = None, shift: Shift | None = None
) -> Known:
    return Known(kernel.name, kernel.qualname, kernel.span, kernel.name_span, answer, False, shift)


def _moved(found: Iterable[tuple[KernelAnswer, Shift]]) -> Iterator[Known]:
    """The kernels of a text that cannot be read: those that were there before."""
    for answer, shift in found:
        span, name_span = shift.span(answer.span), shift.span(answer.name_span)
        if span is not None and name_span is not None:
            yield Known(answer.name, answer.qualname, span, name_span, answer, False, shift)


def _once(kernels: Iterator[Known] | list[Known]) -> tuple[Known, ...]:
    """One of each: the source of some kernels is read several times, for several types."""
    return tuple({kernel.name_span: kernel for kernel in kernels}.values())


@lru_cache(maxsize=_KEPT)
def _unpacked(packed: bytes) -> Insights:
    return pickle.loads(packed)
