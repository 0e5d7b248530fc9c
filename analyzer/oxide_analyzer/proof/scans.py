"""Places handed out by a scan: of two lanes of a warp, the higher one's lies behind the lower's.

    rank = warp.scan_add(1 if keep else 0, exclusive=True)
    if keep:
        tile[warp_start + rank] = x

Of numbers that are not negative, an exclusive scan gives each lane the sum of those below it. So
for two lanes of one warp that meet in one scan, with the values v and the results r,

    lane$1 < lane$2   gives   r$2 - r$1 >= v$1         (an inclusive scan: >= v$2)

and who brings 1 has a place of its own. The same holds of pieces of any length. What must be known
is that the values are not negative, that their sum does not wrap, that both threads speak of one
scan (it is not within a loop that they go round by themselves, see `facts/walk`), and that both
took part in it: the condition is an alternative to that of the way there for either thread. Of a
thread that went another way nothing may be said, not even that there is such a result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    Condition,
    all_of,
    any_of,
    at_least_zero,
    condition_polys,
    equal,
    less,
    negate,
)
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.proof.subjects import Kind, Obligation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.proof.subjects import Query

# How the copies of two threads of a group are marked.
_MARKS = {"": Level.BLOCK, "@warp": Level.WARP}


def ranked(analysis: Analysis, obligation: Obligation) -> Obligation:
    """A race with what scans say of the two threads."""
    scans = analysis.evaluator.scans
    if not scans or obligation.kind is not Kind.RACE or not obligation.queries:
        return obligation
    queries = tuple((*query, *_places(analysis, query)) for query in obligation.queries)
    return obligation if queries == obligation.queries else _with(obligation, queries)


def _with(obligation: Obligation, queries: tuple[Query, ...]) -> Obligation:
    return replace(obligation, queries=queries)


def _places(analysis: Analysis, query: Query) -> Iterator[Condition]:
    found: dict[tuple[Atom, str], set[str]] = {}
    originals = analysis.terms.originals
    for atom in analysis.terms.reachable(p for c in query for p in condition_polys(c)):
        original = originals.get(atom)
        if original is None or original not in analysis.evaluator.scans:
            continue
        if isinstance(atom.form, Variable) and isinstance(original.form, Variable):
            tag = atom.form.name[len(original.form.name) :]
            thread, mark, group = tag.partition("@")
            found.setdefault((original, mark + group), set()).add(thread)
    for (original, mark), threads in found.items():
        if threads >= {"$1", "$2"} and mark in _MARKS:
            yield _in_order(analysis, original, _MARKS[mark])


def _in_order(analysis: Analysis, scan: Atom, shared: Level) -> Condition:
    """That two threads are of different warps, or one, or have places in their order."""
    launch, rename = analysis.launch, analysis.terms.rename
    noted = analysis.evaluator.scans[scan]
    result = Poly({(scan,): 1})
    warp, lane, brought, place = (
        tuple(rename(p, thread, shared) for thread in ("$1", "$2"))
        for p in (launch.warp, launch.lane, noted.value, result)
    )

    def behind(low: int, high: int) -> Condition:
        size = brought[low if noted.exclusive else high]
        return all_of((less(lane[low], lane[high]), at_least_zero(place[high] - place[low] - size)))

    absent = [
        negate(analysis.terms.rename_condition(condition, thread, shared))
        for thread in ("$1", "$2")
        for condition in noted.path
    ]
    other_warp = negate(equal(*warp))
    return any_of((other_warp, equal(*lane), behind(0, 1), behind(1, 0), *absent))
