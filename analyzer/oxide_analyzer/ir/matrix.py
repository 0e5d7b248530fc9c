"""What the lanes of a warp do together with small matrices, each lane holding its part.

A fragment is a local array of every lane. Which lane holds which elements is what the matrix
units of the hardware want; with `group = lane // 4` and `pair = lane % 4`:

    A, 16·R × 16      a[R, 2, 4]       a[i, h, 2·u + e]  is A[16·i + 8·u + group, 8·h + 2·pair + e]
    B, 16 × 8·C       b[C, 2, 2]       b[j, h, e]        is B[8·h + 2·pair + e, 8·j + group]
    accumulator,      acc[R, C, 4]     acc[i, j, 2·u + e]
    16·R × 8·C                             is the element 16·i + 8·u + group, 8·j + 2·pair + e
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from oxide_analyzer.ir.expressions import Expr
    from oxide_analyzer.ir.nodes import Block
    from oxide_analyzer.source import Span


class MatrixFunction(StrEnum):
    """What a `MatrixOp` does."""

    LOAD_A = "load_a"
    LOAD_B = "load_b"
    LOAD_B_TRANSPOSED = "load_b_transposed"  # from the transpose of B
    MULTIPLY_ADD = "multiply_add"


@distinct
class MatrixOp:
    """What `body` does, in which the lanes of the warp meet; matrix units may do it instead.

    * LOAD_*: `arrays` are the fragment and the array that it is loaded from, in which the
      fragment's first element has the index `place`.
    * MULTIPLY_ADD: `arrays` are the accumulator, A and B; `acc += a @ b`. The body adds exact
      products in f32, in the order of the inner index; matrix units may round otherwise.
    """

    function: MatrixFunction
    arrays: tuple[str, ...]
    place: tuple[Expr, ...]
    body: Block
    site: int
    span: Span
