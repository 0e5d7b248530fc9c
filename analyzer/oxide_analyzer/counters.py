"""Arrays that count: who comes first, who comes last, who holds a lock. They start with zeros.

    ticket = cuda.atomic.add(done, 0, 1)            done: what was there decides who goes on
    while cuda.atomic.cas(lock, 0, 0, 1) != 0: …    lock
    cuda.atomic.add(total, 0, x)                    no counter: nobody looks at what was there

Code without a contract does not say so, but no other start makes sense: with a `done` that begins
at 3, the first block would be the last. Whether the host sets it back is what a launch has to see
to, and what is stated (OX402). An array of which a look gives a place, `out[atomic.add(at, k, 1)]`,
may begin with anything, so what zeros would break there is not held against it: see `situations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.kernel import DataFact, DataProperty
from oxide_analyzer.ir.nodes import Atomic, Const, Space
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel


def starting_with_zeros(kernel: Kernel) -> tuple[DataFact, ...]:
    """That the counters of a kernel start with zeros."""
    span = kernel.name_span
    found: dict[str, DataFact] = {}
    for statement in statements(kernel.body):
        if not isinstance(statement, Atomic) or statement.target is None:
            continue
        array = kernel.arrays[statement.array]
        if array.space is Space.GLOBAL and array.element.is_integer and array.part is None:
            found[array.name] = DataFact(
                DataProperty.WITHIN,
                array.name,
                Const(0, I64, span),
                Const(1, I64, span),
                f"`{array.said}` starts with zeros",
                span,
                declared=False,
            )
    return tuple(found.values())
