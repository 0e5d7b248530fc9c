"""Which kernels may have several elements per thread, and with which accesses.

Where threads are known by one index, never wait for each other and are proved not to race, every
order of their steps gives the same result. So one thread may play some neighbours at once,
statement by statement:

    i = thread.index_1d()                          i = lanes * …, the first of `lanes` neighbours
    if i < len(c):                       is        if all of them are below len(c):
        c[i] = a[i] + b[i]                             x0, x1, x2, x3 = a[i : i + 4]
                                                       y0, y1, y2, y3 = b[i : i + 4]
                                                       c[i : i + 4] = x0 + y0, …

The neighbours' elements lie side by side, and one access of 16 bytes moves them all: a GPU has
more bytes under way for the same number of instructions.

That is taken up only where it is sure to pay and to be exact: nothing is left to check at run
time, no loop, and every access is at the thread's own index or at one that all threads share, in
a statement that every thread behind the guard comes to. The rest stays with one element per
thread; `Refusal` says what stood in the way.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assert,
    Assign,
    Atomic,
    Barrier,
    Binary,
    BinaryOp,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Const,
    Convert,
    Declare,
    For,
    If,
    Inline,
    Leave,
    Load,
    Print,
    Read,
    Register,
    Return,
    Space,
    Special,
    Store,
    Unsafe,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import children, statements
from oxide_analyzer.record import record
from oxide_codegen.abi import failure_sites
from oxide_codegen.lowering.guards import Bound, folded_guard
from oxide_codegen.lowering.patterns import is_one_row, is_thread_index, reads_places_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.nodes import Block, Expr, Local, Stmt

# The widest access of a thread, in bytes.
WIDEST = 16
# Statements of the body times neighbours: beyond that, registers are what runs short.
_MOST_STATEMENTS = 256


@record
class Coarsening:
    """One thread plays `lanes` neighbours, if all of them pass `bounds`: then they do `body`.

    `wide` are the accesses that are one for all neighbours, to the arrays `arrays`.
    """

    lanes: int
    bounds: tuple[Bound, ...]
    body: Block
    wide: frozenset[int]
    arrays: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.arrays)
        return (
            f"{self.lanes} elements per thread where a launch is large: nothing is checked at run "
            f"time, threads are independent, and {names} "
            f"{'is' if len(self.arrays) == 1 else 'are'} accessed at the thread's own index"
        )


@record
class Refusal:
    """Why a kernel keeps one element per thread."""

    reason: str
    lanes = 1

    def __str__(self) -> str:
        return f"one element per thread: {self.reason}"


def coarsening(checked: CheckedKernel, ranges: Ranges) -> Coarsening | Refusal:
    """How many neighbours a thread may play, or why it stays alone."""
    kernel = checked.kernel
    reason = _refused(checked, ranges)
    if reason is not None:
        return Refusal(reason)
    guard = folded_guard(kernel)
    bounds, body = ((), kernel.body) if guard is None else (guard.bounds, guard.body)
    for statement in statements(body):
        if isinstance(statement, Return):
            return Refusal(f"a thread may return at line {statement.span.line}")
    places = _Places(checked, ranges)
    reached = list(_reached(body))
    accesses = [s for s in reached if isinstance(s, Load | Store)]
    for statement in statements(body):
        if isinstance(statement, Load | Store) and statement not in accesses:
            return Refusal(
                f"`{statement.array}[…]` at line {statement.span.line} depends on a condition"
            )
    wide: list[Load | Store] = []
    offsets: list[int] = []
    for access in accesses:
        offset = places.offset(access.index[0]) if len(access.index) == 1 else None
        if offset is not None:
            wide.append(access)
            offsets.append(offset)
        elif isinstance(access, Store) or not all(places.is_shared(i) for i in access.index):
            return Refusal(
                f"the index of `{access.array}` at line {access.span.line} is neither the "
                "thread's own nor the same for all threads"
            )
    if not wide:
        return Refusal("no array is accessed at the thread's own index")
    arrays = tuple(dict.fromkeys(access.array for access in wide))
    lanes = WIDEST // max(kernel.arrays[name].element.size for name in arrays)
    while lanes > 2 and lanes * len(reached) > _MOST_STATEMENTS:
        lanes //= 2
    if lanes * len(reached) > _MOST_STATEMENTS:
        return Refusal("the kernel is long")
    for access, offset in zip(wide, offsets, strict=True):
        if offset % lanes:
            return Refusal(
                f"the elements of `{access.array}` at line {access.span.line} start {offset} "
                f"beside the thread's own, which {lanes} at once are not aligned for"
            )
    return Coarsening(lanes, bounds, body, frozenset(a.site for a in wide), arrays)


def _refused(checked: CheckedKernel, ranges: Ranges) -> str | None:
    """What a kernel has that threads played by one could not have, or gain nothing by."""
    kernel = checked.kernel
    if kernel.contract.cluster is not None:
        return "its grid is made of clusters"
    for statement in statements(kernel.body):
        what = _unfit(statement)
        if what is not None:
            return f"the kernel has {what} at line {statement.span.line}"
    proved = checked.proved_bounds | checked.proved_divisors | checked.proved_alignments
    for site, failure in failure_sites(kernel).items():
        if site not in proved:
            return f"what happens at line {failure.span.line} is checked at run time"
    if any(array.space is not Space.GLOBAL for array in kernel.arrays.values()):
        return "the kernel has arrays of its own"
    if any(array.part is not None for array in kernel.arrays.values()):
        return "elements are records, whose numbers do not lie side by side"
    if kernel.contract.cooperative:
        return "the launch is cooperative"
    if not is_one_row(kernel, ranges):
        return "a launch may have threads along y or z"
    if reads_places_apart(kernel.body):
        return "places are read other than by `thread.index_1d()`"
    return None


def _unfit(statement: Stmt) -> str | None:
    match statement:
        case Barrier():
            return "a barrier"
        case WarpOp():
            return "a warp operation"
        case Atomic():
            return "an atomic"
        case Assert():
            return "an `assert`"
        case Print():
            return "a `print`"
        case Breakpoint():
            return "a `breakpoint()`"
        case For() | While():
            return "a loop"
        case Unsafe():
            return "an `unsafe` block"
        case Declare():
            return "a local array"
        case CheckAligned():
            return "a wide access of its own"
        case (
            Assign()
            | Load()
            | Store()
            | If()
            | Inline()
            | Leave()
            | Return()
            | CheckDivisor()
            | CheckIndex()
            | CheckView()
        ):
            return None
        case _:
            return "a statement that orders memory"


def flat(inline: Inline) -> Block | None:
    """The body of a helper that is left at its end alone, without that; else None."""
    leaves = [s for s in statements(inline.body) if isinstance(s, Leave)]
    if not leaves:
        return inline.body
    last = inline.body[-1]
    if isinstance(last, Leave) and leaves == [last] and last.label == inline.label:
        return inline.body[:-1]
    return None


def _reached(block: Block) -> Iterator[Stmt]:
    """The statements that every thread comes to."""
    for statement in block:
        yield statement
        if isinstance(statement, Inline):
            yield from _reached(flat(statement) or ())


class _Places:
    """What an index is in terms of the thread's own."""

    def __init__(self, checked: CheckedKernel, ranges: Ranges) -> None:
        self._ranges = ranges
        everything = list(statements(checked.kernel.body))
        counts = Counter(s.target for s in everything if isinstance(s, Assign | Load))
        # Assigned once, and never read before: the value is one wherever it is read.
        self._values: dict[Local, Expr] = {
            s.target: s.value
            for s in everything
            if isinstance(s, Assign)
            and counts[s.target] == 1
            and s.target.name in checked.initialised
        }

    def offset(self, expr: Expr) -> int | None:
        """How far an index lies behind the thread's own, which is all that it depends on."""
        if is_thread_index(expr):
            return 0
        match expr:
            case Read(local=local) if local in self._values:
                return self.offset(self._values[local])
            case Convert(operand=operand, type=scalar) if scalar.is_integer and self._ranges.of(
                operand
            ).within(scalar.min, scalar.max):
                return self.offset(operand)
            case Binary(op=BinaryOp.ADD, left=left, right=Const(value=int(value))):
                start = self.offset(left)
                return None if start is None else start + value
            case Binary(op=BinaryOp.SUB, left=left, right=Const(value=int(value))):
                start = self.offset(left)
                return None if start is None else start - value
            case _:
                return None

    def is_shared(self, expr: Expr) -> bool:
        """Whether an expression has one value for all threads of a launch."""
        match expr:
            case Read(local=local):
                return local in self._values and self.is_shared(self._values[local])
            case Special(register=register):
                return register in (Register.BLOCK_DIM, Register.GRID_DIM)
            case _:
                return all(self.is_shared(child) for child in children(expr))
