"""Findings of an older text, moved to where they stand in the newer one.

While the solver works on the text just typed, its last findings stay on the screen, so that
nothing flickers. A kernel whose text is unchanged may have moved, as a whole; of an edited one
(and of a file, outside its kernels) the lines before and after the edit are the same:

    old                    new
    1  def k(a):           1  def k(a):         first lines in common: 1 -> 1
    2      a[i] = 0        2      i = 1
    3      a[j] = 1        3      a[i] = 0      the edit: its last line takes what is too far
                           4      a[j] = 1      last lines in common: 3 -> 4

The result is a guess for some milliseconds, never a verdict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from oxide_analyzer.diagnostics import Diagnostic


class Placed(Protocol):
    """A kernel of either text, read or unread."""

    @property
    def qualname(self) -> str: ...  # noqa: D102

    @property
    def span(self) -> Span: ...  # noqa: D102


Kernel = TypeVar("Kernel", bound=Placed)
Other = TypeVar("Other", bound=Placed)


def carry(
    findings: Iterable[Diagnostic],
    old: SourceFile,
    old_kernels: Iterable[Placed],
    new: SourceFile,
    new_kernels: Iterable[Placed],
    *,
    parses: bool,
) -> tuple[Diagnostic, ...]:
    """The findings about `old`, moved into `new`; those of kernels that are gone are dropped.

    If `new` does not parse, its kernels are found by their first lines, and nothing is dropped.
    """
    whole = whole_shift(old, new)
    shifts: list[tuple[Span, Shift | None]] = []
    if parses:
        for kernel, _, shift in successors(old, old_kernels, new, new_kernels):
            shifts.append((kernel.span, shift))
    else:
        shifts += [(kernel.span, shift) for kernel, shift in by_heads(old, old_kernels, new)]
    moved: list[Diagnostic] = []
    for finding in findings:
        inside = [s for span, s in shifts if span.contains(finding.span.line, finding.span.column)]
        shift = inside[-1] if inside else whole
        if shift is not None and (carried := _move(finding, shift, whole)) is not None:
            moved.append(carried)
    return tuple(moved)


def successors(
    old: SourceFile, old_kernels: Iterable[Kernel], new: SourceFile, new_kernels: Iterable[Other]
) -> Iterator[tuple[Kernel, Other | None, Shift | None]]:
    """Each old kernel with the one that it has become, if there is one, and where its lines are."""
    for kernel, partner in _match(old, old_kernels, new, new_kernels):
        shift = None
        if partner is not None:
            shift = Shift.between(old, _lines(kernel.span), new, _lines(partner.span))
        yield kernel, partner, shift


def by_heads(
    old: SourceFile, old_kernels: Iterable[Kernel], new: SourceFile
) -> Iterator[tuple[Kernel, Shift]]:
    """The same for a text that does not parse, where kernels are known by their first lines.

    One ends where it did, counted from the first line of the next one, or from the end.
    """
    places: dict[str, int | None] = {}
    for number, line in enumerate(new.lines, start=1):
        places[line] = None if line in places else number
    kernels = sorted(old_kernels, key=lambda kernel: kernel.span)
    # Of the kernel that begins next, or of the end of the file, the old line and the new one.
    behind = len(old.lines) + 1, len(new.lines) + 1
    found: list[tuple[Kernel, Shift]] = []
    for kernel in reversed(kernels):
        was = _lines(kernel.span)
        first = places.get(old.lines[was.first - 1]) if was.first <= len(old.lines) else None
        end = behind[1] - (behind[0] - was.end)
        if first is not None and first < end <= len(new.lines) + 1:
            found.append((kernel, Shift.between(old, was, new, _Lines(first, end))))
            behind = was.first, first
    return reversed(found)


def whole_shift(old: SourceFile, new: SourceFile) -> Shift:
    """Where the lines of a file stand in its newer text, whatever they are."""
    return Shift.between(old, _lines_of(old), new, _lines_of(new))


@record
class _Lines:
    """The lines `first` up to `end`, exclusive; from 1."""

    first: int
    end: int


def _lines(span: Span) -> _Lines:
    return _Lines(span.line, span.end_line + 1)


def _lines_of(source: SourceFile) -> _Lines:
    return _Lines(1, len(source.lines) + 1)


@record
class Shift:
    """Where the lines of a stretch of the old text stand in the new one."""

    new: SourceFile
    edit: _Lines
    new_edit: _Lines

    @staticmethod
    def between(old: SourceFile, was: _Lines, new: SourceFile, now: _Lines) -> Shift:
        """From these lines of the old text to those of the new one."""
        before = old.lines[was.first - 1 : was.end - 1]
        after = new.lines[now.first - 1 : now.end - 1]
        shorter = min(len(before), len(after))
        head = _common(before, after, shorter)
        tail = _common(before[::-1], after[::-1], shorter - head)
        return Shift(
            new,
            _Lines(was.first + head, was.end - tail),
            _Lines(now.first + head, now.end - tail),
        )

    def line(self, line: int) -> int | None:
        """The new number of an old line, or None if the edit removed it."""
        if line < self.edit.first:
            return line + self.new_edit.first - self.edit.first
        if line >= self.edit.end:
            return line + self.new_edit.end - self.edit.end
        if self.new_edit.first == self.new_edit.end:
            return None
        return min(line - self.edit.first + self.new_edit.first, self.new_edit.end - 1)

    def keeps(self, span: Span) -> bool:
        """Whether the edit touches none of the span's lines."""
        return span.end_line < self.edit.first or span.line >= self.edit.end

    def span(self, span: Span) -> Span | None:
        """The new place of an old span, or None if the edit removed it."""
        line, end_line = self.line(span.line), self.line(span.end_line)
        if line is None or end_line is None:
            return None
        column = min(span.column, len(self.new.line(line)) + 1)
        end_column = min(span.end_column, len(self.new.line(end_line)) + 1)
        return Span(span.path, line, column, end_line, end_column)


def _common(one: Sequence[str], other: Sequence[str], limit: int) -> int:
    for index in range(limit):
        if one[index] != other[index]:
            return index
    return limit


def _match(
    old: SourceFile, old_kernels: Iterable[Kernel], new: SourceFile, new_kernels: Iterable[Other]
) -> list[tuple[Kernel, Other | None]]:
    """Each old kernel with its successor: the same text, else the same name."""
    free = list(new_kernels)
    partners: dict[int, Other] = {}
    kernels = list(old_kernels)
    texts = {id(kernel): new.extract(kernel.span) for kernel in free}
    for by_name in (False, True):
        for index, kernel in enumerate(kernels):
            if index in partners:
                continue
            text = old.extract(kernel.span)
            for candidate in free:
                same_text = texts[id(candidate)] == text
                if same_text or (by_name and candidate.qualname == kernel.qualname):
                    partners[index] = candidate
                    free.remove(candidate)
                    break
    return [(kernel, partners.get(index)) for index, kernel in enumerate(kernels)]


def _move(finding: Diagnostic, shift: Shift, whole: Shift) -> Diagnostic | None:
    span = shift.span(finding.span)
    if span is None:
        return None
    related = tuple(
        replace(other, span=place)
        for other in finding.related
        if (place := _place(other.span, finding.span, shift, whole)) is not None
    )
    # A fix must not be applied to a text that it was not made for.
    edits = [edit for fix in finding.fixes for edit in fix.edits]
    if all(edit.span.path == finding.span.path and shift.keeps(edit.span) for edit in edits):
        fixes = tuple(
            replace(
                fix,
                edits=tuple(
                    replace(edit, span=place)
                    for edit in fix.edits
                    if (place := shift.span(edit.span)) is not None
                ),
            )
            for fix in finding.fixes
        )
    else:
        fixes = ()
    return replace(finding, span=span, related=related, fixes=fixes)


def _place(place: Span, primary: Span, shift: Shift, whole: Shift) -> Span | None:
    if place.path != primary.path:
        return place
    return shift.span(place) if shift.keeps(place) else whole.span(place)
