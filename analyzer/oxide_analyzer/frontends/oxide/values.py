"""What an expression of a kernel stands for while it is lowered, and how types meet.

A number's type is `FIXED`, or it gives way to the type of what it meets: a `LITERAL` (`2`, or a
constant from outside), or a `WEAK` one (what a name holds that was given nothing but literals).

    2 * x        x: f32        ->  2 becomes the f32 literal 2.0
    n + thread.x n: u32        ->  both become i64
    n + m        n: u32, m: i32 -> no type: a cast must be written
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import Const, Convert, Dim, Param, Read, Select, Special, Symbol
from oxide_analyzer.language.types import BOOL, F32, F64, I64, U64, Kind, Scalar, join
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.annotations import CallableType, StructType
    from oxide_analyzer.frontends.oxide.indexing import Leaf
    from oxide_analyzer.frontends.oxide.lowering import Frame
    from oxide_analyzer.frontends.oxide.meanings import Meaning, UserFunction
    from oxide_analyzer.ir.kernel import Function
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.language.records import Record
    from oxide_analyzer.source import Span

# What lies there or above rounds to infinity.
_LIMITS = {
    "f16": 65520.0,
    "bf16": float.fromhex("0x1.ffp+127"),
    "f32": float.fromhex("0x1.ffffffp+127"),
}


class Give(Enum):
    """How far a number's type is settled."""

    FIXED = "fixed"
    WEAK = "weak"
    LITERAL = "literal"


class Number:
    """A scalar.

    `type` is its type, for a literal the one it takes where nothing asks for another. `expr` has
    that type, save the expression of a float constant from outside, which is f64. `value` is the
    value if it is known; `constant` says that it is made of literals and constants alone.
    `choice` is a ternary between two literals, which both adapt.
    """

    __slots__ = ("choice", "constant", "depth", "expr", "give", "type", "value")

    def __init__(
        self,
        expr: Expr,
        type: Scalar,
        give: Give = Give.FIXED,
        value: int | float | bool | None = None,
        constant: bool = False,
        depth: int = 0,
        choice: Choice | None = None,
    ) -> None:
        self.expr = expr
        self.type = type
        self.give = give
        self.value = value
        self.constant = constant
        self.depth = depth
        self.choice = choice


@record
class Choice:
    """`then if condition else otherwise` of two literals."""

    condition: Expr
    then: Number
    otherwise: Number
    span: Span


@record
class TupleValue:
    """A tuple, or a struct, a complex number or a record by its fields: it exists while the kernel
    is read, and is gone in the IR."""

    items: tuple[Value, ...]
    struct: StructType | Record | None = None


@record
class View:
    """A part of an array as a map of indices: `view[k, …]` is `array[*fixed, start + k, …]`.

    All three are leaves, to be placed anew at each use. No `start` is the beginning of that axis,
    no `extent` all of it.
    """

    fixed: tuple[Leaf, ...]
    start: Leaf | None
    extent: Leaf | None


@record
class Elements:
    """Elements that are records: those of the memory `memory`, or, by `path`, records in them.

    `rank` is that of the array of them. Each leaf below is an array of its own.
    """

    memory: str
    type: Record
    path: tuple[str, ...]
    rank: int


@record
class ArrayValue:
    """An array, or a view of one; `read_only` if the parameter that it came through says so.

    Of an array of records, `array` is one of its leaves, which has the extents of all of them; one
    without dimensions is a reference to one record.
    """

    array: Array
    read_only: bool = False
    view: View | None = None
    elements: Elements | None = None

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        rank = self.array.rank if self.elements is None else self.elements.rank
        return rank - (len(self.view.fixed) if self.view is not None else 0)


@record
class MeaningValue:
    """A name that is no number: a type, a function, a module. `path` is how the source says it."""

    meaning: Meaning
    path: tuple[str, ...]


@record
class FunctionValue:
    """A function that is passed on, or a lambda.

    `type` is what the parameter that it came through says; a lambda that came through none has
    none. `function` is None while a launch has not said what it is. `record` is the live function
    in which it is found, `closure` the frame whose names a lambda sees.
    """

    name: str
    type: CallableType | None
    function: UserFunction | None
    record: Function | None = None
    closure: Frame | None = None


class Nothing(Enum):
    """What a call without a result gives."""

    NOTHING = "None"


class Unknown(Enum):
    """The value of what was refused: it makes no further findings."""

    UNKNOWN = "unknown"


NOTHING = Nothing.NOTHING
UNKNOWN = Unknown.UNKNOWN

Value: TypeAlias = (
    Number | TupleValue | ArrayValue | MeaningValue | FunctionValue | Nothing | Unknown
)


def is_plain(number: Number) -> bool:
    """Whether the expression may stand wherever the number is used, instead of a temporary."""
    return isinstance(number.expr, Const | Symbol | Param | Special | Dim | Read)


def is_settled(value: Value) -> bool:
    """Whether a value, each of its numbers in a tuple, may stand wherever it is used."""
    match value:
        case Number():
            return is_plain(value)
        case TupleValue(items=items):
            return all(is_settled(item) for item in items)
        case _:
            return True


def again(value: Value, span: Span) -> Value:
    """A value as it is used at `span`: facts about nodes are kept by node, so each use has its
    own."""
    match value:
        case Number(expr=Param() | Read() | Symbol() as expr):
            placed = replace(expr, span=span)
            return Number(placed, value.type, value.give, value.value, value.constant, value.depth)
        case TupleValue(items=items, struct=struct):
            return TupleValue(tuple(again(item, span) for item in items), struct)
        case _:
            return value


def literal(value: int | float | bool, span: Span) -> Number | None:
    """A number that stands in the source; None if no integer type holds it."""
    if isinstance(value, bool):
        return Number(Const(value, BOOL, span), BOOL, Give.FIXED, value, True)
    if isinstance(value, float):
        type = F32 if literal_fits(value, F32) else F64
        return Number(Const(value, F64, span), type, Give.LITERAL, value, True)
    type = I64 if value <= I64.max else U64
    if not type.min <= value <= type.max:
        return None
    return Number(Const(value, type, span), type, Give.LITERAL, value, True)


def literal_fits(value: int | float, type: Scalar) -> bool:
    """Whether a literal can have this type: an integer in range, a float that stays finite."""
    if type.is_integer:
        return isinstance(value, int) and type.min <= value <= type.max
    limit = _LIMITS.get(type.name)
    if limit is not None:
        return math.isinf(value) or math.isnan(value) or abs(value) < limit
    return type.is_float


def literal_at(number: Number, type: Scalar) -> Expr | None:
    """A literal as a number of `type`; None if it does not fit."""
    if number.choice is not None:
        choice = number.choice
        then, otherwise = at(choice.then, type), at(choice.otherwise, type)
        if then is None or otherwise is None:
            return None
        return Select(choice.condition, then, otherwise, type, choice.span)
    expr, value = number.expr, number.value
    if value is not None and not literal_fits(value, type):
        return None
    if isinstance(expr, Const):
        if expr.type is type and not type.is_float:
            return expr
        return Const(arithmetic.literal(expr.value, type), type, expr.span)
    if expr.type == type:
        return expr
    if expr.type.is_float and not type.is_float:
        return None
    return Convert(expr, type, expr.span)


def at(number: Number, type: Scalar) -> Expr | None:
    """The number as one of `type`, where that needs no cast in the source; else None."""
    if number.give is Give.LITERAL:
        return literal_at(number, type) if type.kind is not Kind.BOOL else None
    if number.type == type:
        return number.expr
    if number.give is Give.WEAK:
        if type.kind is Kind.BOOL or number.type.kind is Kind.BOOL:
            return None
        if number.type.is_float and not type.is_float:
            return None
        return Convert(number.expr, type, number.expr.span)
    if join(number.type, type) != type:
        return None
    return Convert(number.expr, type, number.expr.span)


def meet(left: Number, right: Number) -> tuple[Scalar, Give] | None:
    """The type in which two operands meet and how far it is settled; None asks for a cast."""
    one, other = left.type, right.type
    if left.give is right.give:
        joined = join(one, other)
        if joined is None and left.give is Give.LITERAL:
            # 2**63 beside a negative literal: what the result holds decides, as in Python.
            joined = U64 if Kind.BOOL not in (one.kind, other.kind) else None
        return None if joined is None else (joined, left.give)
    if left.give is Give.FIXED:
        return _adapted(right, left)
    if right.give is Give.FIXED:
        return _adapted(left, right)
    joined = join(one, other)
    return None if joined is None else (joined, Give.WEAK)


def _adapted(giving: Number, fixed: Number) -> tuple[Scalar, Give] | None:
    """The type of a literal or weak operand beside a fixed one."""
    if fixed.type.kind is Kind.BOOL or giving.type.kind is Kind.BOOL:
        return (BOOL, Give.FIXED) if fixed.type == giving.type else None
    if giving.type.is_float and fixed.type.is_integer:
        return giving.type, Give.FIXED
    if giving.give is Give.LITERAL and giving.type == F64 and giving.value is not None:
        # A literal beyond f32 beside an f32 does not fit, which `at` will say.
        return fixed.type, Give.FIXED
    return fixed.type, Give.FIXED
