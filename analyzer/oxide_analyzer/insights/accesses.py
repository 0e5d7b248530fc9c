"""What protects each access: bounds, races, initialisation, with who proved it.

    tile[t] += tile[t + stride]     read tile[thread.x + stride], where thread.x < stride

    in bounds: 0 <= thread.x + stride < 256: proved (affine)
    no race with the write on line 13: proved (affine)
    the barrier on line 9 lies between it and the write on line 8
    initialised: proved (affine)

Two accesses that no interval between barriers has in common have a barrier between them, which
is why nobody asked whether they race; the barriers at which the intervals of the later one start
are those that a thread has passed in the meantime, and in a loop round both either may be later.
Of accesses of one form the provers ask one question for all, so a pair without an answer of its
own has that of its form.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.explained import condition
from oxide_analyzer.facts.coalescing import distance, requests, told
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.insights.records import AccessInsight, Note, Touch
from oxide_analyzer.ir.nodes import For, Ownership, Space, While
from oxide_analyzer.proof.races import conflicting, is_shared_by
from oxide_analyzer.proof.subjects import Bound, Kind, Pair
from oxide_analyzer.proof.verdicts import Lifted, Proved, Refuted, Result, Unknown
from oxide_analyzer.wording import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.ir.nodes import Array, Stmt
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.verdicts import Judged
    from oxide_analyzer.source import Span

# A hover that lists more is not read; and pairs grow with the square of the accesses.
_MOST_NOTES = 8
_MOST_TOUCHES = 4
_MOST_ACCESSES = 256

# What has several values has a number behind its name, which says nothing to a reader.
_SERIAL = re.compile(r"'\d+")

_CHECKED = (Kind.BOUNDS, Kind.ALIGNMENT)


def accesses(judgement: Judgement) -> Iterator[AccessInsight]:
    """The accesses of the kernel's own file, one for each place, in the order of the source."""
    kernel = judgement.analysis.kernel
    by_place: dict[Span, list[Access]] = defaultdict(list)
    for access in judgement.analysis.effects.whole[:_MOST_ACCESSES]:
        if access.span.path == kernel.path:
            by_place[access.span].append(access)
    proofs, speed = _Proofs(judgement), _speed(judgement.analysis)
    for span, here in sorted(by_place.items()):
        # Several arrays at one place are copied there.
        for name in dict.fromkeys(access.array for access in here):
            mine = [access for access in here if access.array == name]
            costs = tuple(speed.get((span, name), ()))
            yield _insight(span, kernel.arrays[name], mine, proofs, costs)


def _speed(analysis: Analysis) -> dict[tuple[Span, str], dict[str, None]]:
    """What a warp asks of memory at each place."""
    said: dict[tuple[Span, str], dict[str, None]] = defaultdict(dict)
    for request in requests(analysis):
        text = told(request, distance(request, analysis))
        words = readable(text, analysis.kernel.dialect)
        said[request.span, request.array][words] = None
    return said


def _insight(
    span: Span, array: Array, here: list[Access], proofs: _Proofs, speed: tuple[str, ...]
) -> AccessInsight:
    notes = [
        *proofs.bounds(here),
        *_merged(proofs.races(here, array)),
        *proofs.elements(here),
    ]
    if len(notes) > _MOST_NOTES:
        more = len(notes) - _MOST_NOTES
        notes = [*notes[:_MOST_NOTES], Note(f"and {more} more")]
    touches = dict.fromkeys(proofs.touch(access) for access in here)
    return AccessInsight(
        span,
        array.name.partition(".")[0],
        tuple(touches)[:_MOST_TOUCHES],
        tuple(notes),
        speed,
        proofs.is_checked(here),
    )


def readable(text: str, dialect: str) -> str:
    """Terms of provers as a reader knows them."""
    return in_words(_SERIAL.sub("", text), dialect)


class _Proofs:
    """Answers by what they are about."""

    def __init__(self, judgement: Judgement) -> None:
        analysis = judgement.analysis
        self._kernel = analysis.kernel
        self._whole = analysis.effects.whole[:_MOST_ACCESSES]
        self._bounds: dict[int, list[Judged]] = defaultdict(list)
        self._claims: dict[Span, list[Judged]] = defaultdict(list)
        self._elements: dict[int, list[Judged]] = defaultdict(list)
        self._pairs: dict[tuple[int, int], list[Judged]] = defaultdict(list)
        for judged in judgement.judged:
            self._take(judged)
        # In which intervals of a block a statement lies; each is known by where it starts.
        self._intervals: dict[int, dict[int, Span | None]] = defaultdict(dict)
        for number, interval in enumerate(analysis.effects.intervals):
            if interval.group is Level.BLOCK:
                start = interval.start.span if interval.start is not None else None
                for access in interval.accesses:
                    self._intervals[access.site][number] = start

    def _take(self, judged: Judged) -> None:
        obligation = judged.obligation
        match obligation.subject:
            case Bound(access=access):
                self._bounds[access.site].append(judged)
            case Pair(first=first, second=second):
                pair = min(first.site, second.site), max(first.site, second.site)
                self._pairs[pair].append(judged)
            case _ if obligation.kind is Kind.ELEMENT:
                for site in obligation.sites:
                    self._elements[site].append(judged)
            case _ if obligation.kind in _CHECKED:
                stmt = getattr(obligation.subject, "stmt", None)
                if stmt is not None:
                    self._claims[stmt.span].append(judged)
            case _:
                pass

    def touch(self, access: Access) -> Touch:
        """What an access does, in the terms of its thread."""
        index = ", ".join(map(str, access.index))
        element = f"{access.array.partition('.')[0]}[{index}]"
        path = dict.fromkeys(self._readable(condition(c)) for c in access.path)
        return Touch(access.kind.value, self._readable(element), tuple(path))

    def is_checked(self, here: list[Access]) -> bool:
        """Whether a check at run time takes the place of a proof."""
        answers = [j for a in here for j in self._bounds[a.site]]
        answers += [j for a in here for j in self._claims[a.span]]
        return any(not isinstance(judged.result, Proved) for judged in answers)

    # ------------------------------------------------------------ one thread

    def bounds(self, here: list[Access]) -> Iterator[Note]:
        """Why indices are inside."""
        said: dict[str, None] = {}
        for access in here:
            for judged in self._bounds[access.site]:
                subject = judged.obligation.subject
                if isinstance(subject, Bound):
                    inside = self._readable(f"`0 <= {subject.index} < {subject.length}`")
                    said[f"in bounds, {inside}: {_answer(judged.result)}"] = None
        yield from (Note(text) for text in said)

    def elements(self, here: list[Access]) -> Iterator[Note]:
        """Why what is read has been written."""
        results = [j.result for access in here for j in self._elements[access.site]]
        for answer in _answers(results):
            yield Note(f"written before it is read: {answer}")

    # ------------------------------------------------------------ two threads

    def races(self, here: list[Access], array: Array) -> Iterator[Note]:
        """Why no other thread is in the way."""
        if array.space is Space.LOCAL:
            yield Note("no other thread has this memory")
            return
        others = [a for a in self._whole if a.array == array.name]
        if array.space is Space.CONSTANT or not any(other.changes for other in others):
            read_only = array.ownership is Ownership.READ_ONLY
            yield Note("nobody writes it" + (" during the launch" if read_only else ""))
            return
        notes = [n for a in here for other in others for n in self._between(a, other, array)]
        if not notes and all(access.kind is AccessKind.ATOMIC for access in here):
            notes.append(Note("atomics of one element do not race"))
        yield from notes

    def _between(self, access: Access, other: Access, array: Array) -> Iterator[Note]:
        is_global = array.space is Space.GLOBAL
        if not conflicting(access, other, False) and not (
            is_global and conflicting(access, other, True)
        ):
            return
        place = (other.span,)
        is_itself = access.site == other.site
        name = f"the {other.kind.value}"
        asked = self._pairs[min(access.site, other.site), max(access.site, other.site)]
        mine, theirs = self._intervals[access.site], self._intervals[other.site]
        together = mine.keys() & theirs.keys()
        in_block = [j.result for j in asked if j.obligation.kind is Kind.RACE]
        for answer in _answers(in_block):
            if is_itself:
                yield Note(f"no two threads of a block meet in one element: {answer}")
            else:
                yield Note(f"no race with {name} ({{}}): {answer}", (place,))
        if not in_block and together and is_shared_by(array.space, Level.BLOCK):
            yield Note(f"no race with {name} ({{}}): proved with others of its form", (place,))
        if not together and not is_itself:
            passed = self._passed(access, other)
            if passed:
                text = f"a barrier ({{}}) lies between it and {name} ({{}})"
                yield Note(text, (tuple(passed), place))
        between = [j.result for j in asked if j.obligation.kind is Kind.BLOCK_RACE]
        for answer in _answers(between):
            if is_itself:
                yield Note(f"no two blocks meet in one element: {answer}")
            else:
                yield Note(f"no race of blocks with {name} ({{}}): {answer}", (place,))

    def _passed(self, one: Access, other: Access) -> list[Span]:
        """The barriers at which the intervals of the later one start; in a loop, of both."""
        first, second = sorted((one, other), key=lambda access: access.site)
        starts = set(self._intervals[second.site].values())
        if _loops(first) & _loops(second):
            starts |= set(self._intervals[first.site].values())
        return sorted(start for start in starts if start is not None)

    def _readable(self, text: str) -> str:
        return readable(text, self._kernel.dialect)


def _loops(access: Access) -> set[Stmt]:
    """The loops round an access."""
    owners = (frame.owner for frame in access.position)
    return {owner for owner in owners if isinstance(owner, (For, While))}


def _merged(notes: Iterable[Note]) -> Iterator[Note]:
    """The same sentence about several places once: the last group of places is joined."""
    found: dict[tuple[str, tuple[tuple[Span, ...], ...]], dict[Span, None]] = {}
    for note in notes:
        *before, last = note.places or ((),)
        found.setdefault((note.text, tuple(before)), {}).update(dict.fromkeys(last))
    for (text, before), last in found.items():
        yield Note(text, (*before, tuple(last)) if last else ())


def _answers(results: Sequence[Result]) -> Iterator[str]:
    """One answer for all: the worst, and of proofs all who took part."""
    if not results:
        return
    open_results = [r for r in results if not isinstance(r, Proved)]
    if open_results:
        yield _answer(open_results[0])
        return
    tiers = Counter(r.tier for r in results if isinstance(r, Proved))
    yield f"proved ({', '.join(tiers)})"


def _answer(result: Result) -> str:
    match result:
        case Proved(tier=tier):
            return f"proved ({tier})"
        case Refuted():
            return "**violated**"
        case Unknown(reason=reason):
            return f"**unproved**, {reason}"
        case Lifted():
            return "vouched for by `unsafe`"
