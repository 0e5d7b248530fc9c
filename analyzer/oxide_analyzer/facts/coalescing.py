"""What one warp asks of memory at each access: sectors of global memory, passes of shared.

Global memory comes in sectors of 32 bytes. A warp that reads 32 neighbouring f32 asks for 128
bytes in 4 sectors; where its lanes are a row apart it asks for 32 sectors, of 4 bytes each.

    a[i]                        128 bytes in  4 sectors      lanes are 1 element apart
    a[3 * i]                    128 bytes in 12 sectors                3 elements apart
    a[i * w + k]                128 bytes in 32 sectors                w elements apart
    a[k]                          4 bytes in  1 sector       one element for all lanes

Shared memory has 32 banks of 4 bytes each. Lanes that want different words of one bank are served
one after the other; lanes that want the same word are served at once. Of accesses of 8 bytes half
a warp is served at a time, of 16 bytes a quarter.

    tile[t, k]   of 32 columns    32 words of one bank: 32 passes
    tile[t, k]   of 33 columns    a bank for each lane:  1 pass

Where it approximates: the first address of a warp is taken to be aligned, and so one sector may be
missing; sizes that are not known are taken to be larger than a sector (`is_apart`). Of lanes that
some condition keeps away only those are left out of which that is certain. An access that each
lane makes at a place of its own which no form describes (`a[idx[i]]`) has no `Request`.

`requests` gives one record for each access of the source, for rules and for hovers: `Request` says
what its fields mean, and `told` says it in words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.lanes import Lanes, plus, step, times, varying
from oxide_analyzer.facts.launch_terms import AXES
from oxide_analyzer.facts.polys import Level, Poly, constant
from oxide_analyzer.facts.state import State
from oxide_analyzer.ir.nodes import AsyncCopy, Inline, MatrixOp, Register, Space
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.lanes import Shared
    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.ir.nodes import Array
    from oxide_analyzer.source import Span

SECTOR = 32
"""Bytes of global memory that are moved together."""
BANKS = 32
"""Banks of shared memory, each of words of four bytes."""
_WORD = 4
# What a short loop reads of one lane after the other is still in the nearest cache.
_NEAR = 128


@record
class Request:
    """What one warp asks for by one access of one or several neighbouring elements.

    `index` is the index as the proofs have it, by axis. `lanes` take part and want `data`
    different bytes, each `size` of them. `stride` is how many elements a lane is behind the one
    before it, None if that differs; a polynomial over sizes of the launch.

    In global memory `sectors` are asked for, where `fewest` would do; `is_apart` says that lanes
    are apart by sizes which nobody knows, `may_be_near` that these may as well be 1: nothing else
    counts what would lie between. `together` is the share of the sectors' bytes that this access,
    those beside it and those of the next rounds of short loops want. `along` is what counts
    neighbouring elements where lanes do not: `thread.y`, `thread.z` or a loop.

    In shared memory the request is served in `passes`, where `fewest` would do, and `ways` lanes
    want different words of one bank at once.

    With `is_guessed` rows of the block are taken for whole warps, for nobody says what they are.
    """

    access: Access
    span: Span
    array: str
    space: Space
    kind: AccessKind
    index: tuple[Poly, ...]
    size: int
    lanes: int
    data: int
    stride: Poly | None
    sectors: int = 0
    fewest: int = 1
    ways: int = 1
    passes: int = 1
    is_apart: bool = False
    may_be_near: bool = False
    together: float = 1.0
    along: str | None = None
    is_guessed: bool = False


@dataclass(slots=True)
class _Wide:
    """Accesses of neighbouring elements that are made as one."""

    access: Access
    count: int


@dataclass(slots=True)
class _Made:
    """A request with the row and the byte at which each lane starts, counted from an origin."""

    request: Request
    starts: tuple[tuple[Hashable, int], ...]
    origin: Hashable


def requests(
    analysis: Analysis, lanes: Lanes | None = None, *, only_costly: bool = False
) -> tuple[Request, ...]:
    """One for each access to global and shared memory whose lanes are known, in source order.

    With `only_costly`, those are left out whose lanes are neighbours or at one place. Accesses
    inside of what the language itself supplies, such as `block.reduce_add`, and of matrix
    operations, which a device does in its own way, are left out always.
    """
    lanes = lanes or Lanes(analysis.evaluator)
    made = [_made(analysis, lanes, wide, only_costly) for wide in _as_one(analysis)]
    found = _with_neighbours([one for one in made if one is not None], only_costly)
    return tuple(sorted(found, key=lambda request: request.span))


def told(request: Request, shown: str) -> str:
    """The request in words; `shown` is how far lanes are apart, as `distance` says it."""
    verb = {AccessKind.READ: "reads", AccessKind.WRITE: "writes"}.get(request.kind, "changes")
    if request.data <= request.size:
        who = "one element for all lanes" if request.lanes > 1 else "one lane"
        return f"each warp {verb} {request.data} bytes: {who}"
    if request.space is Space.SHARED:
        conflict = "no bank conflict" if request.ways == 1 else f"{request.ways}-way bank conflict"
        return f"each warp {verb} {request.data} bytes in {_count(request.passes, 'pass')}: " + (
            f"{conflict}{shown and ', '}{shown}"
        )
    moved = f"{_count(request.sectors, 'sector')} of {SECTOR} bytes"
    return f"each warp {verb} {moved} for {request.data} bytes of data" + (
        f": {shown}" if shown else ""
    )


def distance(request: Request, analysis: Analysis) -> str:
    """How far neighbouring lanes are apart, in words; empty if that differs."""
    stride = request.stride
    if stride is None:
        return ""
    element = analysis.kernel.arrays[request.array].element.size
    value = stride.value
    if value is not None:
        return f"lanes are {abs(value) * element} bytes apart"
    if next(iter(stride.terms.values())) < 0:
        stride = -stride
    if "'" in str(stride):
        # A value that has no name in the source.
        return ""
    return f"lanes are `{stride}` elements apart"


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}es" if noun.endswith("s") else f"{number} {noun}s"


# ---------------------------------------------------------------- which accesses


def _as_one(analysis: Analysis) -> Iterator[_Wide]:
    """The accesses of the source, those of several elements at once as one."""
    open_: _Wide | None = None
    for access in analysis.effects.whole:
        array = analysis.kernel.arrays[access.array]
        if array.space not in (Space.GLOBAL, Space.SHARED) or _is_supplied(access):
            continue
        if array.part is not None:
            # Where the numbers of records lie is what the type of the elements says.
            continue
        if open_ is not None and _goes_on(open_, access):
            open_.count += 1
            continue
        if open_ is not None:
            yield open_
        open_ = _Wide(access, _copied(access))
    if open_ is not None:
        yield open_


def _is_supplied(access: Access) -> bool:
    return any(
        isinstance(frame.owner, MatrixOp)
        or (isinstance(frame.owner, Inline) and "." in frame.owner.name)
        for frame in access.position
    )


def _copied(access: Access) -> int:
    """How many elements an asynchronous copy moves at once; 1 elsewhere."""
    owners = (frame.owner for frame in access.position[-2:])
    return next((owner.count for owner in owners if isinstance(owner, AsyncCopy)), 1)


def _goes_on(wide: _Wide, access: Access) -> bool:
    """Whether an access is of the next element, in the same call."""
    first = wide.access
    if (first.span, first.array, first.kind) != (access.span, access.array, access.kind):
        return False
    if first.index[:-1] != access.index[:-1]:
        return False
    return access.index[-1] - first.index[-1] == constant(wide.count)


# ---------------------------------------------------------------- one request


def _made(analysis: Analysis, lanes: Lanes, wide: _Wide, only_costly: bool) -> _Made | None:
    """What a warp asks for by one access; None if its lanes are not known."""
    access = wide.access
    array = analysis.kernel.arrays[access.array]
    place = _place(analysis, lanes, access, array)
    if place is None:
        return None
    apart = varying(place)
    numbers = place.get((), (0,) * lanes.number)
    if only_costly and not apart and step(numbers) in (0, wide.count):
        return None
    size = array.element.size * wide.count
    takes = lanes.at_once(access.path)
    active = [lane for lane in range(lanes.number) if takes[lane]]
    if not active:
        return None
    # Lanes that differ by a size which nobody knows are in different rows.
    rows = {lane: tuple(n[lane] for n in apart.values()) for lane in active}
    starts = {lane: numbers[lane] * array.element.size for lane in active}
    data = len({(rows[lane], starts[lane]) for lane in active}) * size
    request = Request(
        access,
        access.span,
        access.array,
        array.space,
        access.kind,
        access.index,
        size,
        len(active),
        data,
        _stride(place),
        is_apart=bool(apart),
        is_guessed=lanes.is_guessed,
    )
    origin = access.array, access.path, frozenset((m, n) for m, n in place.items() if m)
    if array.space is Space.GLOBAL:
        touched = {
            (rows[lane], sector)
            for lane in active
            for sector in range(starts[lane] // SECTOR, (starts[lane] + size - 1) // SECTOR + 1)
        }
        fewest = max(1, -(-data // SECTOR))
        request = replace(
            request,
            sectors=max(len(touched), fewest),
            fewest=fewest,
            may_be_near=_may_be_near(analysis, place, apart, array),
            along=_along(analysis, place),
        )
        rounds = _rounds(analysis, place, array) if len(touched) > fewest else (0,)
        pairs = ((rows[lane], starts[lane] + more) for lane in active for more in rounds)
        return _Made(request, tuple(pairs), origin)
    round_ = BANKS * _WORD // gcd(array.element.size, BANKS * _WORD)
    if any(number % round_ for numbers in apart.values() for number in numbers):
        # In which bank a lane's word is depends on a size that nobody knows.
        return None
    ways, passes, fewest = _passes(active, rows, starts, size)
    return _Made(replace(request, ways=ways, passes=passes, fewest=fewest), (), origin)


def _place(analysis: Analysis, lanes: Lanes, access: Access, array: Array) -> Shared | None:
    """Which element of the array, counted in C order, is accessed in each lane."""
    evaluator = analysis.evaluator
    place: Shared = {}
    for axis, index in enumerate(access.index):
        own = lanes.value(index)
        if own is None:
            return None
        if axis:
            extent = (
                analysis.launch.dimension(array.name, axis)
                if array.space is Space.GLOBAL
                else evaluator.integer(array.shape[axis], State({}, ()))
            )
            place = times(place, lanes.uniform(extent))
        place = plus(place, own)
    return place


def _stride(place: Shared) -> Poly | None:
    """How many elements a lane is behind the one before it."""
    total = constant(0)
    for monomial, numbers in place.items():
        more = step(numbers) if len(numbers) > 1 else 0
        if more is None:
            return None
        total = total + Poly({monomial: more} if more else {})
    return total


def _may_be_near(analysis: Analysis, place: Shared, apart: Shared, array: Array) -> bool:
    """Whether the unknown sizes between lanes may be small.

    So may `step` in `a[i * step]`, which is 1 in most launches; not so a row's length, be it that
    of the array or of one in which something else counts the columns: `a[i * w + k]`.
    """
    own = {_extent(analysis, array, axis) for axis in range(1, array.rank)}
    for monomial in apart:
        sizes = {atom for atom in monomial if atom.level is Level.LAUNCH}
        if own & sizes:
            continue
        if array.rank > 1 or len(sizes) < len(monomial):
            return True
        if all(sizes <= set(other) for other in place if other):
            return True
    return False


def _extent(analysis: Analysis, array: Array, axis: int) -> Atom | None:
    """The atom that an extent of an array is."""
    return analysis.launch.dimension(array.name, axis).single()


def _along(analysis: Analysis, place: Shared) -> str | None:
    """What counts neighbouring elements, other than `thread.x`."""
    launch = analysis.launch
    for axis in (1, 2):
        atom = launch.register(Register.THREAD, axis).single()
        if atom is not None and place.get((atom,), (0,))[0] == 1:
            return f"thread.{AXES[axis]}"
    loops = analysis.evaluator.iterations
    if any(m[0] in loops for m, n in place.items() if len(m) == 1 and set(n) == {1}):
        return "the loop"
    return None


def _rounds(analysis: Analysis, place: Shared, array: Array) -> tuple[int, ...]:
    """The bytes that the next rounds of a short loop are further on, if they fill the gaps."""
    size = array.element.size
    for monomial, numbers in place.items():
        counts = len(monomial) == 1 and monomial[0] in analysis.evaluator.iterations
        if not counts or len(set(numbers)) > 1 or abs(numbers[0]) * size >= _NEAR:
            continue
        _, last = analysis.evaluator.interval(Poly({monomial: 1}))
        if last is not None and last * abs(numbers[0]) * size < _NEAR:
            return tuple(round_ * numbers[0] * size for round_ in range(max(last, 1)))
    return (0,)


def _passes(
    active: Sequence[int],
    rows: dict[int, tuple[int, ...]],
    starts: dict[int, int],
    size: int,
) -> tuple[int, int, int]:
    """How many lanes meet in a bank, passes, and how few would do."""
    at_once = max(1, BANKS * _WORD // max(size, _WORD))
    ways = passes = fewest = 0
    for group in sorted({lane // at_once for lane in active}):
        banks: dict[int, set[object]] = {}
        for lane in active:
            if lane // at_once != group:
                continue
            last = (starts[lane] + size - 1) // _WORD
            for word in range(starts[lane] // _WORD, last + 1):
                banks.setdefault(word % BANKS, set()).add((rows[lane], word))
        most = max(len(words) for words in banks.values())
        ways, passes, fewest = max(ways, most), passes + most, fewest + 1
    return ways, passes, fewest


# ---------------------------------------------------------------- side by side


def _with_neighbours(found: Sequence[_Made], only_costly: bool) -> Iterator[Request]:
    """Each with the share of its sectors that the accesses beside it want too.

    `a[3*i]`, `a[3*i + 1]` and `a[3*i + 2]` together want every byte that each of them moves. Of
    those that ask for no more than would do nobody wants to know who asks for their costs.
    """
    groups: dict[Hashable, list[_Made]] = {}
    for made in found:
        groups.setdefault(made.origin, []).append(made)
    for group in groups.values():
        if only_costly and all(m.request.sectors <= m.request.fewest for m in group):
            yield from (made.request for made in group)
            continue
        wanted = {
            (row, byte)
            for made in group
            for row, start in made.starts
            for byte in range(start, start + made.request.size)
        }
        moved = len({(row, byte // SECTOR) for row, byte in wanted}) * SECTOR
        for made in group:
            yield replace(made.request, together=len(wanted) / moved if moved else 1.0)
