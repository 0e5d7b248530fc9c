"""What proofs take for granted of each other, and what becomes of them where that is not proved.

* That threads meet (convergence), and that a branch takes all threads of a group alike, may rest on
  a value that they all load: it is one value only if the array is free of races.
  A race that only atomics prevent (`publication`) leaves open who loads which value.
* Races, exits and initialisation rest on intervals, which begin where threads have met, and on
  values that are one for a group.

Where what is taken for granted is open, the kernel is unproved by that, and convergence is taken
back, which all the rest leans on. Where it is lifted by an `unsafe` block, it is known to nobody,
so whatever leans on it is open again: convergence, or, where nobody has to meet, all the rest.

    with unsafe("all of them write a one"):
        wanted[0] = 1                             may race, for all that is known
    sync_threads()
    if wanted[0] != 0: sync_threads()             so this may not take all threads alike

That all threads come to a barrier cannot be vouched for at all: which accesses it orders is what
every other proof begins with. A vote or reduction can; then nothing may rest on what it gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.walk import ordered_by
from oxide_analyzer.ir.nodes import Unsafe, WarpFunction, WarpOp
from oxide_analyzer.proof.subjects import TOGETHER, Kind, Meeting
from oxide_analyzer.proof.verdicts import Judged, Lifted, Proved, Unknown

if TYPE_CHECKING:
    from oxide_analyzer.facts.effects import Analysis

_RACES = frozenset({Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT})


def lean(analysis: Analysis, judged: tuple[Judged, ...]) -> tuple[Judged, ...]:
    """The answers without those that rest on what is not proved."""
    judged = tuple(_unvouched(one) for one in judged)
    reason, lifted = _broken_array(analysis, judged)
    if reason is None:
        reason = _vouched_meeting(analysis, judged)
        lifted = reason is not None
    if reason is None:
        return judged
    meetings = {one.obligation for one in judged if _may_be_missed(one)}
    taken = (
        {one.obligation for one in judged if one.obligation.kind in {*TOGETHER, Kind.ELEMENT}}
        if lifted and not meetings
        else meetings
    )
    return tuple(
        Judged(one.obligation, Unknown(reason))
        if one.obligation in taken and isinstance(one.result, Proved)
        else one
        for one in judged
    )


def _may_be_missed(one: Judged) -> bool:
    """Whether it is proved of a branch that nobody misses a barrier or warp operation by it."""
    subject = one.obligation.subject
    if not isinstance(subject, Meeting) or not isinstance(one.result, Proved):
        return False
    around = [frame.owner for frame in subject.arrival.position]
    return any(owner is not None and not isinstance(owner, Unsafe) for owner in around)


def _unvouched(one: Judged) -> Judged:
    """Nobody can vouch for who comes to a point that orders threads."""
    subject = one.obligation.subject
    if (
        isinstance(subject, Meeting)
        and isinstance(one.result, Lifted)
        and ordered_by(subject.arrival.stmt) is not None
    ):
        reason = "what it orders is where every other proof begins, so it cannot be vouched for"
        return Judged(one.obligation, Unknown(reason))
    return one


def _broken_array(analysis: Analysis, judged: tuple[Judged, ...]) -> tuple[str | None, bool]:
    """Why loads of an array may differ between threads, and whether somebody vouched for it."""
    arrays: dict[str, bool] = {}
    for one in judged:
        handed = one.result == Proved("order")
        if one.obligation.kind not in _RACES or (isinstance(one.result, Proved) and not handed):
            continue
        for access in analysis.effects.whole:
            if access.array not in analysis.uniform.leans:
                continue
            if access.site in one.obligation.sites or one.obligation.kind is Kind.EXIT:
                lifted = handed or isinstance(one.result, Lifted)
                arrays[access.array] = arrays.get(access.array, False) or lifted
    if not arrays:
        return None, False
    name = min(arrays)
    reason = f"it rests on `{name}` holding one value for several threads, which is not proved"
    return reason, any(arrays.values())


def _vouched_meeting(analysis: Analysis, judged: tuple[Judged, ...]) -> str | None:
    """Why what a warp operation gives may not be one value for the warp, or one of one scan."""
    for one in judged:
        subject = one.obligation.subject
        if not isinstance(subject, Meeting) or not isinstance(one.result, Lifted):
            continue
        stmt = subject.arrival.stmt
        level = analysis.uniform.results.get(stmt.site, Level.THREAD)
        scans = isinstance(stmt, WarpOp) and stmt.function is WarpFunction.SCAN_ADD
        if scans or level < Level.THREAD:
            line = stmt.span.line
            return f"that the lanes meet on line {line} is vouched for, and not proved"
    return None
