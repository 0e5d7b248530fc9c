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

from oxide_analyzer.language.types import BOOL, I64, Scalar
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from oxide_analyzer.source import Span

# ---------------------------------------------------------------- storage


@record
class Local:
    """A scalar variable of one thread; its name is unique, that of a temporary starts with %."""

    name: str
    type: Scalar

    @property
    def source_name(self) -> str:
        """The user's name for it: what stands before the number that made it unique."""
        return self.name.partition(".")[0]


class Space(StrEnum):
    """Where an array lives."""

    GLOBAL = "global"
    SHARED = "shared"
    LOCAL = "local"


class Ownership(StrEnum):
    """What the declaration of an array lets a kernel do."""

    READ_ONLY = "read-only"  # Slice
    DISJOINT = "disjoint"  # DisjointSlice
    ATOMIC = "atomic"  # AtomicSlice
    SCRATCH = "scratch"  # SharedArray and LocalArray: read, write, atomics


@distinct
class Array:
    """A slice parameter, or one shared or local allocation.

    `shape` holds one `i64` expression per dimension: `Dim(name, k)` for parameters, compile-time
    constants (`Const`, `Symbol` and arithmetic on them) for the others. Elements are stored in C
    order.
    """

    name: str
    element: Scalar
    shape: tuple[Expr, ...]
    space: Space
    ownership: Ownership
    span: Span

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)


# ---------------------------------------------------------------- expressions


class Register(StrEnum):
    """The special registers, each along an axis; all are i64."""

    THREAD = "thread"
    BLOCK = "block"
    BLOCK_DIM = "block_dim"
    GRID_DIM = "grid_dim"


class UnaryOp(StrEnum):
    """Operators of one operand; the result has the operand's type."""

    NEG = "-"
    INVERT = "~"  # integers
    ABS = "abs"  # |MIN| wraps to MIN


class BinaryOp(StrEnum):
    """Operators of two operands of one type, which is the result's.

    Integers wrap. FLOORDIV and MOD round towards minus infinity; of integers, a zero divisor
    gives 0 (the obligation stands in a `CheckDivisor` in front) and MIN // -1 wraps to MIN.
    Of floats, FLOORDIV is floor(x / y) and MOD is x - y * floor(x / y) computed exactly, that is
    fmod corrected to the divisor's sign. SHL and SHR by the width or more, or by a negative
    amount, give 0, and -1 for the SHR of a negative value. MIN and MAX of floats give the number
    if one operand is NaN.
    """

    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"  # floats, IEEE
    FLOORDIV = "//"
    MOD = "%"
    AND = "&"
    OR = "|"
    XOR = "^"
    SHL = "<<"
    SHR = ">>"
    MIN = "min"
    MAX = "max"


class CompareOp(StrEnum):
    """Comparisons; of floats, every one with a NaN is false save NE."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class LogicOp(StrEnum):
    """Connectives of bool; both operands are pure, so order does not matter."""

    AND = "and"
    OR = "or"


@distinct
class Const:
    """A literal of type `type`; an integer literal always fits."""

    value: int | float | bool
    type: Scalar
    span: Span


@distinct
class Symbol:
    """A number known at compile time and not to the checker; see `Kernel.constants`."""

    name: str
    type: Scalar
    span: Span


@distinct
class Read:
    """The value of a local; reading one that was never assigned is an uninitialised read."""

    local: Local
    span: Span

    @property
    def type(self) -> Scalar:
        """The local's type."""
        return self.local.type


@distinct
class Param:
    """A scalar parameter: the same in every thread of the launch."""

    name: str
    type: Scalar
    span: Span


@distinct
class Dim:
    """`array.shape[axis]` of a slice parameter."""

    array: str
    axis: int
    span: Span
    type: Scalar = I64


@distinct
class Special:
    """A special register along x (0), y (1) or z (2)."""

    register: Register
    axis: int
    span: Span
    type: Scalar = I64


@distinct
class Unary:
    """`op operand`."""

    op: UnaryOp
    operand: Expr
    type: Scalar
    span: Span


@distinct
class Binary:
    """`left op right`; `site` is that of the `CheckDivisor` in front, where there is one."""

    op: BinaryOp
    left: Expr
    right: Expr
    type: Scalar
    span: Span
    site: int | None = None


@distinct
class Compare:
    """`left op right` of one type."""

    op: CompareOp
    left: Expr
    right: Expr
    span: Span
    type: Scalar = BOOL


@distinct
class Logic:
    """`left and right` or `left or right`."""

    op: LogicOp
    left: Expr
    right: Expr
    span: Span
    type: Scalar = BOOL


@distinct
class Not:
    """`not operand`."""

    operand: Expr
    span: Span
    type: Scalar = BOOL


@distinct
class Select:
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    type: Scalar
    span: Span


@distinct
class Convert:
    """`type(operand)`.

    Float to integer truncates, saturates, NaN gives 0; integer to integer keeps the low bits;
    a number to bool is `!= 0`; bool to a number is 0 or 1; to a float rounds to nearest even.
    """

    operand: Expr
    type: Scalar
    span: Span


class MathFunction(StrEnum):
    """Functions of floats whose results may differ between devices by their documented ulp."""

    SQRT = "sqrt"  # correctly rounded everywhere
    EXP = "exp"


@distinct
class Math:
    """A function of `math`, at the operand's precision."""

    function: MathFunction
    operand: Expr
    type: Scalar
    span: Span


Expr: TypeAlias = (
    Const
    | Symbol
    | Read
    | Param
    | Dim
    | Special
    | Unary
    | Binary
    | Compare
    | Logic
    | Not
    | Select
    | Convert
    | Math
)


# ---------------------------------------------------------------- statements


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
    """Read-modify-writes."""

    ADD = "add"


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
    """`target = array[index]` and `array[index] = array[index] op value`, as one step."""

    op: AtomicOp
    target: Local
    array: str
    index: tuple[Expr, ...]
    value: Expr
    scope: Scope
    order: Order
    site: int
    span: Span


class DivisorRole(Enum):
    """What must not be zero."""

    DIVISOR = "divisor"
    STEP = "step of range"


@distinct
class CheckDivisor:
    """`divisor` is not zero here; what divides by it carries the same site."""

    divisor: Expr
    role: DivisorRole
    site: int
    span: Span


@distinct
class Declare:
    """A local array is undefined from here on; `array.space` is LOCAL."""

    array: str
    span: Span


@distinct
class Barrier:
    """`sync_threads()`."""

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
    | CheckDivisor
    | Declare
    | Barrier
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
