"""Hints on speed: what facts about warps and devices are worth a word, and which.

They are given about kernels in which nothing is violated, and are quiet: what a kernel does for a
reason is not said, and what one defect does at several places is said once.

    requests (facts.coalescing)   OX601, one for each array and distance of lanes; OX602
    partings (facts.partings)     OX603, where a side is long
    doubles (facts.doubles)       OX604, one for each statement or local
    occupancy                     OX605, where it is low on every device
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.diagnostics import AccessKind, Related
from oxide_analyzer.facts.coalescing import BANKS, distance, requests, told
from oxide_analyzer.facts.doubles import Cause, doubles
from oxide_analyzer.facts.lanes import Lanes
from oxide_analyzer.facts.partings import Split, partings
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Compare,
    CompareOp,
    Const,
    MatrixOp,
    Register,
    Space,
    Special,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.launch import MAX_THREADS, WARP
from oxide_analyzer.occupancy import CAPABILITIES, occupancy, shared_for
from oxide_analyzer.rules import ox601_uncoalesced_access as ox601
from oxide_analyzer.rules import ox602_bank_conflict as ox602
from oxide_analyzer.rules import ox603_divergent_branch as ox603
from oxide_analyzer.rules import ox604_accidental_f64 as ox604
from oxide_analyzer.rules import ox605_low_occupancy as ox605

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.facts.coalescing import Request
    from oxide_analyzer.facts.doubles import Double
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array
    from oxide_analyzer.source import Span

# Registers are what a compiler knows; so few of a thread limit nothing.
_REGISTERS = 32
# Of devices with the same room the one that is named.
_USUAL = 90
# As many blocks as a device has multiprocessors.
_FEW_BLOCKS = 128


def hints(analysis: Analysis) -> Iterator[Diagnostic]:
    """What could be faster in a kernel."""
    lanes = Lanes(analysis.evaluator)
    asked = requests(analysis, lanes, only_costly=True)
    yield from _uncoalesced(analysis, asked)
    yield from _conflicts(analysis, asked)
    yield from _divergent(analysis, lanes)
    yield from _wide(analysis.kernel)
    yield from _few(analysis.kernel)


# ---------------------------------------------------------------- memory


def _uncoalesced(analysis: Analysis, asked: Iterable[Request]) -> Iterator[Diagnostic]:
    bad = [
        request
        for request in asked
        if request.space is Space.GLOBAL
        and request.kind is not AccessKind.ATOMIC
        and request.sectors > 2 * request.fewest
        and request.sectors - request.fewest >= ox601.LEAST
        and request.together < 0.5
        and not request.may_be_near
    ]
    for alike in _alike(bad):
        first = alike[0]
        stride = first.stride.value if first.stride is not None else None
        message = ox601.message(
            told(first, distance(first, analysis)), ox601.advice(first.along, stride)
        )
        related = _others(alike, ox601.related())
        yield ox601.RULE.diagnostic(
            first.span, message, kernel=analysis.kernel.name, related=related
        )


def _conflicts(analysis: Analysis, asked: Iterable[Request]) -> Iterator[Diagnostic]:
    bad = [
        request
        for request in asked
        if request.space is Space.SHARED
        and request.kind is not AccessKind.ATOMIC
        and request.ways >= ox602.LEAST
        and not request.is_guessed
    ]
    for alike in _alike(bad):
        first = alike[0]
        array = analysis.kernel.arrays[first.array]
        did = "read" if first.kind is AccessKind.READ else "write"
        message = ox602.message(
            first.array, did, first.ways, distance(first, analysis), _padding(array)
        )
        related = _others(alike, ox602.related())
        yield ox602.RULE.diagnostic(
            first.span, message, kernel=analysis.kernel.name, related=related
        )


def _alike(found: Iterable[Request]) -> list[list[Request]]:
    """The requests for one array with lanes as far apart; of all where axes are swapped."""
    groups: dict[Hashable, list[Request]] = {}
    for request in found:
        is_swapped = request.along is not None and request.along.startswith("thread")
        key = request.along if is_swapped else (request.array, request.stride)
        groups.setdefault(key, []).append(request)
    return list(groups.values())


def _others(alike: list[Request], what: str) -> tuple[Related, ...]:
    spans = dict.fromkeys(request.span for request in alike[1:])
    return tuple(Related(span, what) for span in spans if span != alike[0].span)


def _padding(array: Array) -> str:
    """What keeps the lanes of a column in different banks."""
    columns = array.shape[-1]
    if array.rank < 2 or not isinstance(columns, Const):
        return ""
    value = int(columns.value)
    return ox602.pad(array.name, value) if value * array.element.size % (4 * BANKS) == 0 else ""


# ---------------------------------------------------------------- warps


def _divergent(analysis: Analysis, lanes: Lanes) -> Iterator[Diagnostic]:
    for parted in partings(analysis, lanes):
        short, long = sorted((parted.then, parted.otherwise))
        alone = parted.split is Split.LANES and not parted.stmt.otherwise
        if short < ox603.LONG and not (alone and long >= ox603.LONG_ALONE):
            continue
        match parted.split:
            case Split.LANES:
                message = ox603.by_lanes(
                    parted.lanes or 0, lanes.number, parted.then, parted.otherwise
                )
            case Split.DATA:
                message = ox603.by_data(parted.then, parted.otherwise)
            case _:
                assert_never(parted.split)
        yield ox603.RULE.diagnostic(parted.stmt.span, message, kernel=analysis.kernel.name)


# ---------------------------------------------------------------- arithmetic


def _wide(kernel: Kernel) -> Iterator[Diagnostic]:
    alike: dict[Hashable, list[Double]] = {}
    for double in doubles(kernel):
        # In Oxide literals adapt, and every other conversion was written. Where something is
        # assumed, so may be the type of what is no literal.
        own = kernel.dialect == OWN_DIALECT
        sure = Cause.LOCAL if own else Cause.LITERAL
        if double.cause is sure or not (own or kernel.assumptions):
            alike.setdefault((double.cause, double.what), []).append(double)
    for found in alike.values():
        first = found[0]
        message = ox604.message(_why(kernel, first), sum(double.count for double in found))
        others = dict.fromkeys(double.span for double in found[1:])
        related = tuple(Related(span, ox604.related()) for span in others if span != first.span)
        yield ox604.RULE.diagnostic(first.span, message, kernel=kernel.name, related=related)


def _why(kernel: Kernel, double: Double) -> str:
    own = kernel.dialect == OWN_DIALECT
    match double.cause:
        case Cause.LITERAL:
            return ox604.literal(double.what, "np.float32")
        case Cause.INTEGER:
            return ox604.integer("integer", "float32")
        case Cause.SCALAR:
            return ox604.scalar(double.what, "np.float32")
        case Cause.LOCAL:
            return ox604.local(double.what, "f32" if own else "np.float32")
        case Cause.FUNCTION:
            return ox604.function(double.what)
        case _:
            assert_never(double.cause)


# ---------------------------------------------------------------- devices


def _few(kernel: Kernel) -> Iterator[Diagnostic]:
    """Blocks of known size of which few fit; what hides its waiting by other means is left out."""
    block = kernel.contract.block
    if block is None or kernel.contract.is_inferred or _is_small(kernel):
        return
    if any(isinstance(s, (MatrixOp, AsyncCopy)) for s in statements(kernel.body)):
        return
    extents = [int(extent.value) for extent in block if isinstance(extent, Const)]
    shared, place = _shared(kernel)
    if len(extents) < len(block) or shared is None:
        return
    threads = prod(extents)
    held = {
        capability: occupancy(capability, threads, _REGISTERS, shared)
        for capability in CAPABILITIES
    }
    shares = {c: one.blocks * threads / (one.most * WARP) for c, one in held.items()}
    best = max(shares, key=lambda capability: (shares[capability], capability == _USUAL))
    if not 0 < threads <= MAX_THREADS or not 0 < shares[best] < ox605.LEAST:
        return
    found = held[best]
    if found.limit == "shared memory":
        advice = ox605.less_shared(shared_for(best, 2 * found.blocks))
    else:
        advice = ox605.larger_blocks(4 * WARP)
        place = None
    message = ox605.message(found, best, threads, shared, found.most * WARP, advice)
    yield ox605.RULE.diagnostic(place or kernel.name_span, message, kernel=kernel.name)


def _is_small(kernel: Kernel) -> bool:
    """Whether its grid is known to leave most of a device idle, whatever its blocks are."""
    extents: list[int] = []
    for requirement in kernel.contract.requires:
        match requirement.condition:
            case Compare(
                op=CompareOp.EQ, left=Special(register=Register.GRID_DIM), right=Const(value=extent)
            ):
                extents.append(int(extent))
            case _:
                pass
    return len(extents) == 3 and prod(extents) < _FEW_BLOCKS


def _shared(kernel: Kernel) -> tuple[int | None, Span | None]:
    """Bytes of shared memory of a block, None if not known, and where the most are declared."""
    total, most, place = 0, 0, None
    if kernel.contract.shared is not None:
        if not isinstance(kernel.contract.shared, Const):
            return None, None
        total = int(kernel.contract.shared.value)
    for array in kernel.arrays.values():
        if array.space is not Space.SHARED or array.is_dynamic:
            continue
        extents = [int(extent.value) for extent in array.shape if isinstance(extent, Const)]
        if len(extents) < array.rank:
            return None, None
        size = prod(extents) * array.element.size
        total += size
        if size > most:
            most, place = size, array.span
    return total, place
