"""What `injective(idx)` in a contract says, where a question needs it.

    idx[i$1] == idx[i$2]  gives  i$1 == i$2

is stated of each pair of elements of the array that a query mentions, as the disjunction "the
elements differ, or the indices are equal"; no quantifier is needed. The bounds of `within` are
axioms of every element (`Terms.element`).

Both hold of elements that are inside of their array and that the kernel never changes: of
slices that are read only, and where each load is proved to be inside (`ladder`). The launch
checks them.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import all_of, any_of, condition_polys, equal, negate
from oxide_analyzer.facts.polys import Atom, Element, Poly
from oxide_analyzer.proof.subjects import Obligation
from oxide_analyzer.proof.tickets import tickets_differ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.subjects import Query

_MOST_PAIRS = 30


def distinguished(analysis: Analysis, obligation: Obligation) -> Obligation:
    """The obligation with what injective arrays and tickets say of the values in each query."""
    if not obligation.queries or not (analysis.injective or analysis.evaluator.observed):
        return obligation
    queries = tuple(
        (*q, *told_apart(analysis, analysis.injective, q), *tickets_differ(analysis, q))
        for q in obligation.queries
    )
    return Obligation(obligation.kind, obligation.subject, queries, obligation.reason)


def told_apart(analysis: Analysis, injective: frozenset[str], query: Query) -> Iterator[Condition]:
    """What `injective` arrays say of each pair of their elements in a query."""
    if not injective:
        return
    by_array: dict[str, list[tuple[Atom, Element]]] = {}
    terms = analysis.terms
    reached = terms.reachable(p for c in query for p in condition_polys(c))
    # A copy for another thread leads to what it is a copy of, which the query does not mention.
    originals = {terms.originals[a] for a in reached if a in terms.originals}
    for atom in reached:
        if atom in originals:
            continue
        if isinstance(atom.form, Element) and atom.form.array in injective:
            by_array.setdefault(atom.form.array, []).append((atom, atom.form))
    count = 0
    for elements in by_array.values():
        for (first, one), (second, other) in combinations(elements, 2):
            count += 1
            if count > _MOST_PAIRS:
                return
            differ = negate(equal(Poly({(first,): 1}), Poly({(second,): 1})))
            same = all_of(equal(p, q) for p, q in zip(one.index, other.index, strict=True))
            yield any_of((differ, same))
