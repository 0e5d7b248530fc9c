"""Where a kernel keeps numbers, and how it computes them: locals, arrays, expressions.

Expressions are pure and total: see `nodes.py`, which has the statements and says what holds for
the whole IR.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.language.types import BOOL, I64, Scalar
from oxide_analyzer.record import Hashed, distinct, hashed_record, record

if TYPE_CHECKING:
    from oxide_analyzer.language.records import Element, Record, RecordLeaf
    from oxide_analyzer.source import Span

# ---------------------------------------------------------------- storage


@hashed_record
class Local(Hashed):
    """A scalar variable of one thread; its name is unique, that of a temporary starts with %."""

    name: str
    type: Scalar

    @property
    def source_name(self) -> str:
        """The user's name for it: what stands before the number that made it unique."""
        return self.name.partition(".")[0]


# What a function returns is a local of this name, which no source can write.
RESULT = "return"


class Space(StrEnum):
    """Where an array lives."""

    GLOBAL = "global"
    SHARED = "shared"
    LOCAL = "local"
    CONSTANT = "constant"


class Ownership(StrEnum):
    """What the declaration of an array lets a kernel do."""

    READ_ONLY = "read-only"  # Slice
    DISJOINT = "disjoint"  # DisjointSlice
    ATOMIC = "atomic"  # AtomicSlice
    SCRATCH = "scratch"  # SharedArray and LocalArray: read, write, atomics


@record
class Part:
    """That an array is one leaf of the records in the memory of the parameter `of`.

    The first leaf has that parameter's name, so it stands for the whole in lengths and views.
    Leaves are arrays of their own because their numbers lie apart.
    """

    of: str
    record: Record
    leaf: RecordLeaf


@record
class Spelling:
    """How the source says an element of a leaf: `name[…].path[…]`, `rank` indices in front."""

    name: str
    rank: int
    path: str

    def element(self, index: tuple[int, ...]) -> str:
        """One element; of a complex number, of which both parts are one, the number."""
        front, inner = (
            f"[{', '.join(map(str, part))}]" if part else ""
            for part in (index[: self.rank], index[self.rank :])
        )
        return f"{self.name}{front}{self.path and '.'}{self.path}{inner}"


@distinct
class Array:
    """A slice parameter, one shared or local allocation, or a table of constants.

    `shape` holds one `i64` expression per dimension: `Dim(name, k)` for parameters, compile-time
    constants (`Const`, `Symbol` and arithmetic on them) for the others, and `Dim(name, 0)` for
    `dynamic_shared`, whose length is the launch's bytes of shared memory divided by the size of
    an element. Elements are stored in C order, those of a `part` at its places in records that are.
    An array in CONSTANT space is read-only and holds `contents`, compile-time constants of its
    type. One that is a leaf of records, or part of complex numbers, has a `spelling`.
    """

    name: str
    element: Scalar
    shape: tuple[Expr, ...]
    space: Space
    ownership: Ownership
    span: Span
    contents: tuple[Expr, ...] = ()
    part: Part | None = None
    spelling: Spelling | None = None

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def memory(self) -> str:
        """The parameter whose memory it is, if it is one's."""
        return self.name if self.part is None else self.part.of

    @property
    def held(self) -> Element:
        """What lies side by side in that memory."""
        return self.element if self.part is None else self.part.record

    @property
    def held_rank(self) -> int:
        """The number of dimensions in which it does: those in front of a record's own."""
        return self.rank if self.part is None else self.rank - len(self.part.leaf.shape)

    @property
    def said(self) -> str:
        """What the source calls it: `p.v` for a field, `c` for both parts of complex numbers."""
        if self.spelling is None:
            return self.name
        return f"{self.spelling.name}{self.spelling.path and '.'}{self.spelling.path}"

    def owner(self, axis: int) -> tuple[str, int, int]:
        """What the source indexes along an axis, which axis of that it is, and of how many."""
        if self.spelling is None or axis >= self.spelling.rank:
            front = 0 if self.spelling is None else self.spelling.rank
            return self.said, axis - front, self.rank - front
        return self.spelling.name, axis, self.spelling.rank

    @property
    def is_dynamic(self) -> bool:
        """Whether it is `dynamic_shared`: the launch says how long it is."""
        return self.space is Space.SHARED and isinstance(self.shape[0], Dim)


# ---------------------------------------------------------------- expressions


class Register(StrEnum):
    """The special registers, each along an axis; all are i64.

    The last three have the axis 0 only. A thread's place in its block is
    `x + y·block_dim.x + z·block_dim.x·block_dim.y`; LANE is `place % 32`, WARP is `place // 32`,
    and WARPS is how many warps a block has, the last of which may lack lanes.
    """

    THREAD = "thread"
    BLOCK = "block"
    BLOCK_DIM = "block_dim"
    GRID_DIM = "grid_dim"
    LANE = "lane"
    WARP = "warp"
    WARPS = "warps"


class UnaryOp(StrEnum):
    """Operators of one operand; the result has the operand's type."""

    NEG = "-"
    INVERT = "~"  # integers
    ABS = "abs"  # |MIN| wraps to MIN
    CLZ = "clz"  # integers: zeros above the highest one, the width if there is none
    POPC = "popc"  # integers: ones
    BREV = "brev"  # integers: the bits in reverse order


class BinaryOp(StrEnum):
    """Operators of two operands of one type, which is the result's.

    Integers wrap. FLOORDIV and MOD round towards minus infinity; of integers, a zero divisor
    gives 0 (the obligation stands in a `CheckDivisor` in front) and MIN // -1 wraps to MIN.
    Of floats, FLOORDIV is floor(x / y) and MOD is x - y * floor(x / y) computed exactly, that is
    fmod corrected to the divisor's sign. SHL and SHR by the width or more, or by a negative
    amount, give 0, and -1 for the SHR of a negative value. POW of integers wraps; by a negative
    exponent, which the language does not have, it gives 0. MIN and MAX of floats give the number
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
    POW = "**"  # integers; of floats it is `MathFunction.POW`
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
    """`array.shape[axis]` of a slice parameter, or of dynamic shared memory."""

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


@distinct
class Reinterpret:
    """The bits of `operand` as a number of `type`, which has as many; of a NaN they may be those
    of any NaN."""

    operand: Expr
    type: Scalar
    span: Span


class MathFunction(StrEnum):
    """Functions of floats: the exact ones are the same everywhere, the others may differ between
    devices by their documented ulp."""

    # Exact.
    SQRT = "sqrt"
    FMA = "fma"  # x * y + z, rounded once
    FLOOR = "floor"
    CEIL = "ceil"
    TRUNC = "trunc"
    ROUND = "round"  # to an integer, ties to even
    FMOD = "fmod"
    REMAINDER = "remainder"
    COPYSIGN = "copysign"
    LDEXP = "ldexp"  # the second operand towards zero
    SIGNIFICAND = "significand"  # as `frexp` has it, and so is the exponent
    EXPONENT = "exponent"
    # Within some ulp.
    RSQRT = "rsqrt"
    CBRT = "cbrt"
    HYPOT = "hypot"
    EXP = "exp"
    EXP2 = "exp2"
    EXPM1 = "expm1"
    LOG = "log"
    LOG2 = "log2"
    LOG10 = "log10"
    LOG1P = "log1p"
    POW = "pow"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ASIN = "asin"
    ACOS = "acos"
    ATAN = "atan"
    ATAN2 = "atan2"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    ASINH = "asinh"
    ACOSH = "acosh"
    ATANH = "atanh"
    ERF = "erf"
    ERFC = "erfc"
    GAMMA = "gamma"
    LGAMMA = "lgamma"

    @property
    def is_exact(self) -> bool:
        """Whether every device gives the correctly rounded result."""
        return self in _EXACT

    @property
    def arity(self) -> int:
        """How many operands it takes."""
        return _ARITY.get(self, 1)


_EXACT = frozenset(
    {
        MathFunction.SQRT,
        MathFunction.FMA,
        MathFunction.FLOOR,
        MathFunction.CEIL,
        MathFunction.TRUNC,
        MathFunction.ROUND,
        MathFunction.FMOD,
        MathFunction.REMAINDER,
        MathFunction.COPYSIGN,
        MathFunction.LDEXP,
        MathFunction.SIGNIFICAND,
        MathFunction.EXPONENT,
    }
)
_ARITY = {
    MathFunction.FMA: 3,
    MathFunction.FMOD: 2,
    MathFunction.REMAINDER: 2,
    MathFunction.COPYSIGN: 2,
    MathFunction.LDEXP: 2,
    MathFunction.HYPOT: 2,
    MathFunction.POW: 2,
    MathFunction.ATAN2: 2,
}


@distinct
class Math:
    """A function of floats, at the precision of its operands.

    `is_fast` lets a device approximate it; what it means is the same.
    """

    function: MathFunction
    operands: tuple[Expr, ...]
    type: Scalar
    span: Span
    is_fast: bool = False


@distinct
class Apply:
    """A function that the launch is given, applied: any total function of its type.

    `function` is the parameter's name; where it gives a struct, each field is a function of its
    own, `fn.x`. It reads no memory, so equal operands give equal values. Only kernels of which
    the functions are still open have one: a launch puts the body in its place.
    """

    function: str
    operands: tuple[Expr, ...]
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
    | Reinterpret
    | Math
    | Apply
)
