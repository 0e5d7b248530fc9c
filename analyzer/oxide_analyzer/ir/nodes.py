"""The kernel IR on one screen: typed, structured, every node with a span.

Two readers: the analyzer proves, the back end lowers; the reference interpreter is its meaning.

Expressions are pure and total: they load nothing, change nothing, and every operand is already
converted to the operator's type. What can fail or be seen by another thread (a load, a store,
an atomic, a divisor that must not be zero) is a statement of its own in front, with a `site`
number that facts and proofs are keyed by. What Python guards by `and`, `or` or a ternary is
guarded by an `If` here. So

    v = a[i] if i < len(a) else 0.0            if i < len(a):
                                                   %1 = load a[i]        site 0
                                       is      else:
                                                   %1 = 0.0
                                               v = %1

Helpers are inlined as an `Inline` region that `Leave` ends, tuples are taken apart into locals,
names are unique within a kernel. Nodes compare by identity: facts about them are values beside
the IR, never attributes written on it.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir.asynchronous import AsyncCommit, AsyncCopy, AsyncWait
from oxide_analyzer.ir.expressions import (
    Apply,
    Array,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Expr,
    Local,
    Logic,
    LogicOp,
    Math,
    MathFunction,
    Not,
    Ownership,
    Param,
    Part,
    Read,
    Register,
    Reinterpret,
    Select,
    Space,
    Special,
    Spelling,
    Symbol,
    Unary,
    UnaryOp,
)
from oxide_analyzer.ir.matrix import MatrixFunction, MatrixOp
from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from oxide_analyzer.source import Span


__all__ = [
    "Apply",
    "Array",
    "Assert",
    "Assign",
    "AsyncCommit",
    "AsyncCopy",
    "AsyncWait",
    "Atomic",
    "AtomicOp",
    "Barrier",
    "Binary",
    "BinaryOp",
    "Block",
    "Break",
    "Breakpoint",
    "CheckAligned",
    "CheckDivisor",
    "CheckIndex",
    "CheckView",
    "Compare",
    "CompareOp",
    "Const",
    "Continue",
    "Convert",
    "Declare",
    "Dim",
    "DivisorRole",
    "Expr",
    "Fence",
    "For",
    "Forget",
    "Group",
    "If",
    "Inline",
    "Leave",
    "Load",
    "Local",
    "Logic",
    "LogicOp",
    "Math",
    "MathFunction",
    "MatrixFunction",
    "MatrixOp",
    "Not",
    "Order",
    "Ownership",
    "Param",
    "Part",
    "Print",
    "Read",
    "Register",
    "Reinterpret",
    "Return",
    "Scope",
    "Select",
    "Space",
    "Special",
    "Spelling",
    "Stmt",
    "Store",
    "Symbol",
    "Told",
    "Unary",
    "UnaryOp",
    "Unsafe",
    "WarpFunction",
    "WarpOp",
    "While",
]


@distinct
class Assign:
    """`target = value`."""

    target: Local
    value: Expr
    span: Span


@distinct
class Load:
    """`target = array[index]`; one i64 index per dimension."""

    target: Local
    array: str
    index: tuple[Expr, ...]
    site: int
    span: Span


@distinct
class Store:
    """`array[index] = value`; `value` has the element's type."""

    array: str
    index: tuple[Expr, ...]
    value: Expr
    site: int
    span: Span


class AtomicOp(StrEnum):
    """What an atomic does to its element."""

    ADD = "add"
    SUB = "sub"
    MIN = "min"
    MAX = "max"
    AND = "and_"
    OR = "or_"
    XOR = "xor"
    EXCHANGE = "exchange"
    INC = "inc"  # writes 0 where the element is `value` or more, else one more
    DEC = "dec"  # writes `value` where the element is 0 or more than `value`, else one less
    COMPARE_EXCHANGE = "compare_exchange"  # writes `value` where the element equals `compare`
    LOAD = "load"
    STORE = "store"


class Scope(StrEnum):
    """Among whom an atomic is atomic."""

    BLOCK = "block"
    DEVICE = "device"
    CLUSTER = "cluster"
    SYSTEM = "system"


class Order(StrEnum):
    """Memory orders of atomics."""

    RELAXED = "relaxed"
    ACQUIRE = "acquire"
    RELEASE = "release"
    ACQ_REL = "acq_rel"


@distinct
class Atomic:
    """`target = array[index]` and `array[index] = array[index] op value`, as one step.

    A LOAD has no `value`, a STORE no `target`; only COMPARE_EXCHANGE has `compare`. Integers
    wrap; INC and DEC are of unsigned ones; MIN and MAX of floats give the number if one operand is
    NaN; COMPARE_EXCHANGE compares bits.
    """

    op: AtomicOp
    target: Local | None
    array: str
    index: tuple[Expr, ...]
    value: Expr | None
    scope: Scope
    order: Order
    site: int
    span: Span
    compare: Expr | None = None


@distinct
class Fence:
    """`fence(scope)`: what this thread did before is seen, by all threads of `scope`, before
    what it does after. It releases what a relaxed atomic behind it publishes, and acquires what
    a relaxed atomic in front of it has read."""

    scope: Scope
    site: int
    span: Span


class DivisorRole(Enum):
    """What must not be zero."""

    DIVISOR = "divisor"
    STEP = "step of range"


@distinct
class Print:
    """`print(f"…")`: one line of text, whole among the lines of other threads.

    `texts` are what stands before, between and behind the `values`, one more than there are of
    these; how a value is written says `interpreter.lines`. Lines of one thread come in its order;
    a line orders no access and is no meeting.
    """

    texts: tuple[str, ...]
    values: tuple[Expr, ...]
    site: int
    span: Span


@distinct
class Breakpoint:
    """`breakpoint()`: where a debugger may stop the thread; else it does nothing."""

    site: int
    span: Span


@distinct
class CheckDivisor:
    """`divisor` is not zero here; what divides by it carries the same site."""

    divisor: Expr
    role: DivisorRole
    site: int
    span: Span


@distinct
class CheckIndex:
    """`0 <= index < extent`: an index into a view of `array`, along the view's axis `axis`.

    The access behind it is of the base array, with its own bound; a view is never longer than
    what it looks at, so where its views and their indices are right the bound is too. `is_row`
    says that it makes a view: row `index` of `array` itself, along the array's axis `axis`.
    """

    array: str
    axis: int
    index: Expr
    extent: Expr
    site: int
    span: Span
    is_row: bool = False


@distinct
class CheckView:
    """`0 <= start <= stop <= extent`: the view `[start:stop]` of `array` along `axis`."""

    array: str
    axis: int
    start: Expr
    stop: Expr
    extent: Expr
    site: int
    span: Span


@distinct
class CheckAligned:
    """`offset` is a multiple of `width`: the first of `width` neighbouring elements of `array`
    that are read or written at once. `offset` counts elements in C order from the array's start,
    which is itself aligned."""

    array: str
    offset: Expr
    width: int
    site: int
    span: Span


@distinct
class Assert:
    """`assert condition, message`: holds for every thread that comes here."""

    condition: Expr
    message: str
    site: int
    span: Span


@distinct
class Declare:
    """A local array is undefined from here on; `array.space` is LOCAL."""

    array: str
    span: Span


class Told(StrEnum):
    """What the device says while it runs."""

    ACTIVE_LANES = "active lanes"  # u32: lanes that are together here, this one among them


@distinct
class Forget:
    """`target` holds some value of its type, another one each time: what the source computes
    there is nothing that the analyzer knows. `what` says for messages what that is. A kernel with
    one is not compiled, unless the device is `told` to be asked for it. Where it says what it is a
    function `of`, it is the same for all for whom that is the same."""

    target: Local
    what: str
    site: int
    span: Span
    told: Told | None = None
    of: tuple[Expr, ...] | None = None


class Group(StrEnum):
    """Which threads meet at a barrier."""

    BLOCK = "block"  # sync_threads()
    GRID = "grid"  # grid_sync()


@distinct
class Barrier:
    """`sync_threads()` or `grid_sync()`."""

    site: int
    span: Span
    group: Group = Group.BLOCK


class WarpFunction(StrEnum):
    """What the lanes of a warp do together; see `WarpOp`."""

    SYNC = "sync_warp"
    SHUFFLE = "shuffle"
    SHUFFLE_UP = "shuffle_up"
    SHUFFLE_DOWN = "shuffle_down"
    SHUFFLE_XOR = "shuffle_xor"
    ANY = "any"
    ALL = "all"
    BALLOT = "ballot"
    MATCH_ANY = "match_any"
    MATCH_ALL = "match_all"
    REDUCE_ADD = "reduce_add"
    REDUCE_MIN = "reduce_min"
    REDUCE_MAX = "reduce_max"
    REDUCE_AND = "reduce_and"
    REDUCE_OR = "reduce_or"
    REDUCE_XOR = "reduce_xor"
    SCAN_ADD = "scan_add"
    SCAN_MIN = "scan_min"
    SCAN_MAX = "scan_max"


@distinct
class WarpOp:
    """`target = function(value, …)` by the lanes of one warp, which meet here.

    `mask` (u32) holds the lanes that take part, None all that the warp has. Every lane of the
    mask that has not returned must come to this same statement, in the same iteration of every
    loop round it, and a lane outside of the mask must not. `width`, a power of two up to 32, cuts
    the warp into segments that know nothing of each other.

    * SYNC: no target, no value. Orders the memory accesses of the lanes that take part; no other
      function does.
    * SHUFFLE reads `value` of the lane `lane % width` of the own segment; SHUFFLE_UP of the one
      `lane` below, SHUFFLE_DOWN `lane` above, SHUFFLE_XOR of `own ^ lane`; past the end of the
      segment they give the own value. What comes from a lane that takes no part is undefined.
    * ANY, ALL (bool) and BALLOT (u32: a bit for each lane of the warp) of a bool value.
    * MATCH_ANY: the u32 of the lanes with an equal value (equal bits). MATCH_ALL: the mask if
      all have one value, else 0.
    * REDUCE_*: the same result for every lane. Lanes that take no part count as the identity
      (of float addition -0.0); then for d = width/2, …, 2, 1: `v = v op (v of own ^ d)`.
    * SCAN_*: inclusive over the lower lanes of the segment; for d = 1, 2, 4, …:
      `v = (v of own - d) op v` where there is such a lane. `exclusive` gives the inclusive value
      of the lane below, and the identity to the first.
    """

    function: WarpFunction
    target: Local | None
    value: Expr | None
    lane: Expr | None  # i64
    mask: Expr | None
    width: int
    exclusive: bool
    site: int
    span: Span


@distinct
class Unsafe:
    """`with unsafe(reason):` lifts the obligations of what lies inside."""

    reason: str
    body: Block
    site: int
    span: Span


@distinct
class If:
    """`span` covers the condition."""

    condition: Expr
    then: Block
    otherwise: Block
    span: Span


@distinct
class For:
    """`for variable in range(start, stop, step)`.

    All three are evaluated once. Each iteration assigns `variable`; what the body assigns to it
    does not change the loop; afterwards it holds the last value, or is unassigned if there was
    none. `span` covers the head.
    """

    variable: Local
    start: Expr
    stop: Expr
    step: Expr
    body: Block
    span: Span


@distinct
class While:
    """Run `header`, leave unless `condition`, run `body`, again; `span` covers the condition."""

    header: Block
    condition: Expr
    body: Block
    span: Span


@distinct
class Break:
    """Leave the innermost loop."""

    span: Span


@distinct
class Continue:
    """Go on with the next iteration of the innermost loop."""

    span: Span


@distinct
class Return:
    """This thread is done."""

    site: int
    span: Span


@distinct
class Inline:
    """The body of a helper, in place of its call at `span`."""

    label: int
    name: str
    body: Block
    span: Span


@distinct
class Leave:
    """Go to the end of the `Inline` region `label`, out of all loops within it."""

    label: int
    span: Span


Stmt: TypeAlias = (
    Assign
    | Load
    | Store
    | Atomic
    | Fence
    | Print
    | Breakpoint
    | AsyncCopy
    | AsyncCommit
    | AsyncWait
    | MatrixOp
    | CheckDivisor
    | CheckIndex
    | CheckView
    | CheckAligned
    | Assert
    | Declare
    | Forget
    | Barrier
    | WarpOp
    | Unsafe
    | If
    | For
    | While
    | Break
    | Continue
    | Return
    | Inline
    | Leave
)
Block: TypeAlias = tuple[Stmt, ...]
