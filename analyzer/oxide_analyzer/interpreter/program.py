"""A kernel as Python text: what the translation makes and the machine runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.ir.nodes import (
    Assert,
    AsyncCommit,
    AsyncWait,
    Atomic,
    Barrier,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Fence,
    Forget,
    Group,
    Load,
    Print,
    Return,
    Store,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Read
    from oxide_analyzer.source import Span

# Statements that find out whether something holds, and change nothing.
Check: TypeAlias = CheckDivisor | CheckIndex | CheckView | CheckAligned | Assert
# What a thread yields that goes on by itself, in a kernel where lanes ask who is with them.
GOES_ON = (-1,)
# Where threads wait for each other.
Meeting: TypeAlias = Barrier | WarpOp
# Statements that facts and failures are keyed by.
Sited: TypeAlias = (
    Load
    | Store
    | Atomic
    | Check
    | Fence
    | Print
    | AsyncCommit
    | AsyncWait
    | Meeting
    | Return
    | Forget
)


@record
class Place:
    """A statement; `depth` is how many helpers it stands in."""

    span: Span
    depth: int


@record
class Program:
    """A kernel as Python: `code` defines `thread` and, for scratch arrays, `shapes`.

    `statements` maps sites to their statements, `reads` holds the reads that may find no value,
    in the order of their numbers, `names` maps Python's names of named locals to the source's.
    `suspends` says that `thread` is a generator, `meets` that it may wait for others of its warp
    or, if `together`, of other blocks, so that threads and blocks have to run at once;
    `has_orders` that more than the barriers of a block orders accesses. `places` are those where
    a debugger may stop, by their numbers.
    """

    text: str
    code: CodeType
    constants: Mapping[str, object]
    statements: Mapping[int, Sited]
    reads: tuple[Read, ...]
    names: Mapping[str, str]
    suspends: bool
    meets: bool
    together: bool
    has_orders: bool
    places: tuple[Place, ...]


def waits_elsewhere(kernel: Kernel) -> bool:
    """Whether a block may wait for another: at the barrier of the grid, in a loop on atomics."""
    return any(
        (isinstance(s, Barrier) and s.group is Group.GRID)
        or (isinstance(s, While) and any(isinstance(inner, Atomic) for inner in statements((s,))))
        for s in statements(kernel.body)
    )


def parameter_name(name: str) -> str:
    """Python's name of a scalar parameter."""
    # A field of a struct has a dot; this one may stand in names of Python's.
    return f"p_{name.replace('.', '·')}"


def array_number(kernel: Kernel, array: str) -> int:
    """What Python's names of an array end with."""
    return list(kernel.arrays).index(array)


def dimension_name(kernel: Kernel, array: str, axis: int) -> str:
    """Python's name of the extent of an array."""
    return f"d{array_number(kernel, array)}_{axis}"


def count_name(kernel: Kernel, array: str) -> str:
    """Python's name of the number of elements of an array."""
    return f"n{array_number(kernel, array)}"


def access_kind(statement: Sited) -> AccessKind:
    """What a thread does at a statement with a site."""
    match statement:
        case (
            Load()
            | CheckDivisor()
            | CheckIndex()
            | CheckView()
            | CheckAligned()
            | Assert()
            | Print()
            | Forget()
        ):
            return AccessKind.READ
        case Store():
            return AccessKind.WRITE
        case Atomic() | Fence():
            return AccessKind.ATOMIC
        case Barrier() | WarpOp() | AsyncCommit() | AsyncWait():
            return AccessKind.WAIT
        case Return():
            return AccessKind.EXIT


def end_of(span: Span) -> Span:
    """The empty span behind a kernel: where a thread is that came to the end."""
    return type(span)(span.path, span.end_line, span.end_column, span.end_line, span.end_column)
