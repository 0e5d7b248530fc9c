"""Convergence: everybody who must meet at a barrier or warp operation comes there, and nobody else.

At `sync_threads` all live threads of the block meet, at `grid_sync` all of the grid, at a warp
operation the live lanes of its mask. They do if every branch that keeps threads away (a parting,
see `facts/uniformity`) is taken alike by all threads of the group: two of them that come to it in
the same iteration and go different ways are contradictory (`facts/together`).

A mask of its own asks more, and less. No lane outside of it may come:

    path$1,  not lane$1 < 16                               contradictory

and of the lanes inside none may go the other way, while one comes; those outside may:

    if lane < 16:                                          lane$1 < 16  comes,
        v = warp.reduce_add(x, mask=0xFFFF)                not lane$2 < 16  goes the other way,
                                                           lane$2 < 16  is in the mask

Who goes another way by a jump out of a loop may have done so in an earlier iteration than the one
in which the other comes, so of such a jump it must be shown that all take it alike. Threads that
have returned are not live, and no obligation of these (`exits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import TRUE, Condition, negate
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.together import apart, differently, same_warp
from oxide_analyzer.facts.uniformity import group_of
from oxide_analyzer.ir.nodes import If
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.subjects import Kind, Meeting, Obligation, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Arrival
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.uniformity import Parting, Way


def meetings(analysis: Analysis) -> Iterator[Obligation]:
    """One obligation for each barrier and warp operation."""
    for arrival in analysis.effects.arrivals:
        partings = analysis.uniform.divergent.get(arrival.stmt.site, ())
        subject = Meeting(arrival, tuple(parting.span for parting in partings))
        if arrival.member is None:
            reason = "it is not known which lanes the mask holds"
            yield Obligation(Kind.CONVERGENCE, subject, None, reason)
            continue
        queries = [q for parting in partings for q in _kept_away(analysis, arrival, parting)]
        if arrival.member != TRUE:
            queries.append((*arrival.state.path, negate(arrival.member)))
        yield Obligation(Kind.CONVERGENCE, subject, tuple(queries))


def _kept_away(analysis: Analysis, arrival: Arrival, parting: Parting) -> list[Query]:
    """How a thread is missing because of a parting."""
    group = group_of(arrival.stmt)
    member = arrival.member
    if member not in (TRUE, None) and not parting.earlier:
        asked = [q for way in parting.ways for q in _gone(analysis, arrival, member, way)]
        if asked:
            # Who is missing went all of the ways, so it is enough that nobody went one.
            return [next((q for q in asked if refutes(analysis.terms, q)), asked[-1])]
    return [
        query
        for way in parting.ways
        if way.level > group
        for decision in analysis.effects.decisions
        if decision.stmt is way.stmt
        for query in differently(analysis.launch, decision, group)
    ]


def _gone(
    analysis: Analysis, arrival: Arrival, member: Condition | None, way: Way
) -> Iterator[Query]:
    """One lane comes, while another of the mask goes the other way at a branch."""
    decisions = [d for d in analysis.effects.decisions if d.stmt is way.stmt]
    if member is None or way.missing is None or not isinstance(way.stmt, If) or len(decisions) != 1:
        return
    missing = decisions[0].taken if way.missing else decisions[0].other
    if missing is not None:
        here, gone = (*arrival.state.path, member), (*missing, member)
        launch = analysis.launch
        yield (*apart(launch, here, gone, Level.WARP), *same_warp(launch, Level.WARP))
