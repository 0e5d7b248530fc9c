"""Arrays that one index goes into have one shape, where nobody says what shapes they have.

    if i < out.size:
        row, column = divmod(i, out.shape[1])
        out[row, column] = a[row, column] + b[row, column]

is right if `a.shape == out.shape` and `b.shape == out.shape`, which is what its author had in mind.
A length for each axis would do as well, if there were one that could be read off a bound; an index
that is taken apart by one array's shape is inside another one if the shapes are equal.

Only code of other dialects is given the benefit of this, which is then stated: a kernel of Oxide
declares its shapes. It is tried where nothing else proves all indices of a kernel, and kept where
it does and the admission of facts takes it. Equal indices that look different are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import equal
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import Atomic, Compare, CompareOp, Dim, Load, Space, Store
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.inference import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.ir.kernel import Kernel

_LEAST_RANK = 2


def one_shape(analysis: Analysis) -> tuple[Candidate, ...]:
    """That arrays into which one index goes are as long as each other along every axis."""
    kernel = analysis.kernel
    if kernel.dialect == OWN_DIALECT:
        return ()
    found: dict[str, Candidate] = {}
    first: dict[object, str] = {}
    group: dict[str, str] = {}
    for key, array, rank in _indices(analysis):
        if rank < _LEAST_RANK or not _is_open(kernel, array, rank):
            continue
        other, own = _of(group, first.setdefault(key, array)), _of(group, array)
        if other != own:
            group[own] = other
            for candidate in _equal(analysis, own, other, rank):
                found.setdefault(candidate.text, candidate)
    return tuple(found.values())


def _of(group: dict[str, str], array: str) -> str:
    """The array that stands for all of its shape."""
    while array in group:
        array = group[array]
    return array


def _indices(analysis: Analysis) -> Iterator[tuple[object, str, int]]:
    """What each access has as its index, as it is and as it is written; of which array."""
    kernel = analysis.kernel
    for access in analysis.effects.whole:
        yield access.index, kernel.arrays[access.array].memory, len(access.index)
    for statement in statements(kernel.body):
        if isinstance(statement, Load | Store | Atomic):
            written = tuple(show_expr(index) for index in statement.index)
            yield written, kernel.arrays[statement.array].memory, len(written)


def _is_open(kernel: Kernel, array: str, rank: int) -> bool:
    """Whether every extent of an array is the launch's to say."""
    held = kernel.arrays[array]
    is_launched = held.space is Space.GLOBAL and all(isinstance(e, Dim) for e in held.shape)
    return is_launched and len(held.shape) == rank


def _equal(analysis: Analysis, array: str, other: str, rank: int) -> Iterator[Candidate]:
    span = analysis.kernel.name_span
    for axis in range(rank):
        left, right = (analysis.launch.dimension(name, axis) for name in (array, other))
        if left != right:
            expr = Compare(CompareOp.EQ, Dim(array, axis, span), Dim(other, axis, span), span)
            text = f"{left} == {right}"
            yield Candidate(left, right, equal(left, right), expr, text)
