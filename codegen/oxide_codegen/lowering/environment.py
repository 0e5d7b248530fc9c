"""What differs between the machines that a kernel is lowered for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.ir.expressions import MathFunction
    from oxide_analyzer.ir.nodes import (
        Array,
        Atomic,
        Barrier,
        For,
        Forget,
        Print,
        Register,
        Scope,
        WarpOp,
        While,
    )
    from oxide_codegen.lowering.builder import Builder, Value
    from oxide_codegen.lowering.functions import Definition


@record
class Failure:
    """The operands of a failing check, as LLVM values: u32 site, kind, axis; the others i64."""

    site: str
    kind: str
    axis: str = "0"
    index: str = "0"
    length: str = "0"
    stop: str = "0"


@record
class WarpOperands:
    """The operands of a warp operation: the value, a lane (i64), a mask (i32)."""

    value: Value | None
    lane: Value | None
    mask: Value | None


class Environment(Protocol):
    """How one machine gives a thread its place, its memory, and its way out.

    `has_minimum`: LLVM compiles `minimumnum` and `maximumnum` right, and well.
    `wraps_magnitudes`: what it makes of `llvm.abs`, or of a negative, is MIN for MIN, whatever
    comes behind it.
    `stores_parts_of_floats`: a float that is not aligned can be stored as one, in pieces.
    `copies_asynchronously`: it has `cp.async`. `has_matrix_units`: whole warps can use them.
    `approximations`: functions of f32 that it has for who wants speed.
    """

    has_minimum: bool
    wraps_magnitudes: bool
    stores_parts_of_floats: bool
    copies_asynchronously: bool
    has_matrix_units: bool
    approximations: Mapping[MathFunction, Definition]

    @property
    def functions(self) -> Mapping[MathFunction, Definition]:
        """Those of which this machine has a better form than all others."""
        ...

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        ...

    def scalar(self, name: str) -> Value:
        """A scalar parameter; bool as i1."""
        ...

    def dimension(self, array: str, axis: int) -> Value:
        """An extent of a slice parameter, as i64."""
        ...

    def pointer(self, array: Array) -> tuple[str, str]:
        """The pointer to an array's first element: its type and name."""
        ...

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """Wait for the block, or for the grid."""
        ...

    def fence(self, build: Builder, scope: Scope) -> None:
        """What this thread did before is seen by `scope` before what it does after."""
        ...

    def atomic(
        self,
        build: Builder,
        statement: Atomic,
        address: Value,
        value: Value | None,
        expected: Value | None,
    ) -> Value | None:
        """An atomic; gives the old value, None for a store."""
        ...

    def print(self, build: Builder, statement: Print, values: Sequence[Value]) -> None:
        """Write a line; the values are in the types of the language."""
        ...

    def warp(self, build: Builder, statement: WarpOp, operands: WarpOperands) -> Value | None:
        """What the lanes of a warp do together; None for `sync_warp`."""
        ...

    def active_lanes(self, build: Builder, statement: Forget) -> Value:
        """A bit for this lane, and for each that is here as well; an i32."""
        ...

    def turns(self, build: Builder, loop: For | While) -> str | None:
        """Where to count the turns of a loop that begins here, an i64; None if nobody asks."""
        ...

    def mark_loop_atomic(self, build: Builder) -> None:
        """In front of an atomic within a `while`: let other threads run, it may wait for them."""
        ...

    def finish(self, build: Builder) -> None:
        """This thread returns."""
        ...

    def fail(self, build: Builder, failure: Failure) -> None:
        """Record a failure, if none was, and end this thread."""
        ...

    def note(self, build: Builder, failure: Failure) -> None:
        """Record a failure, if none was, and go on."""
        ...

    def has_failed(self, build: Builder) -> Value:
        """Whether some thread of the launch has failed."""
        ...
