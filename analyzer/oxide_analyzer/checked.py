"""The type of a proof: what the back end accepts, and nothing else makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import DataFact, Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span


@record
class Fact:
    """A condition on launches, over parameters, dimensions, `block_dim` and `grid_dim`.

    The proof holds where it holds, so the runtime checks it, with Python integers, before each
    launch. `declared` facts come from the contract, others were inferred.
    """

    condition: Expr
    text: str
    declared: bool
    span: Span


@record
class CheckedKernel:
    """A kernel without `Symbol`s, free of races and divergent barriers under its facts.

    `proved_bounds` (of accesses, views and indices into views), `proved_divisors`,
    `proved_alignments` and `proved_assertions` are sites whose check the back end may leave out;
    what an `unsafe` block vouches for is not among them, and costs its check. `data` is what a
    launch has to know of the contents of arrays.
    `initialised` names the arrays (shared, local) and locals of which no read is uninitialised;
    others are zeroed. `compact` says that sizes fit 32 bits: every length, grid extent times
    block extent per axis, and integer scalar is below 2**31 in magnitude (a fact that the
    runtime checks like any other). In one whose arrays `may_overlap`, no access is apart from one
    to another array. Kernels of dialects in which everything runs may have races that are not
    ruled out. Only `oxide_analyzer.analysis` makes one.
    """

    kernel: Kernel
    facts: tuple[Fact, ...]
    proved_bounds: frozenset[int]
    proved_divisors: frozenset[int]
    initialised: frozenset[str]
    compact: bool
    proved_alignments: frozenset[int] = frozenset()
    proved_assertions: frozenset[int] = frozenset()
    data: tuple[DataFact, ...] = ()
    may_overlap: bool = False
