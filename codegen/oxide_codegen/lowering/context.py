"""What the parts of the lowering of one kernel share, and the lowering of expressions.

Integer expressions of type i64 whose values are proved to fit 32 bits are computed in 32 bits
where the machine asks for it: `Value.type` says which width came out, and `widened` undoes it.

    i = block.x * block_dim.x + thread.x      is      mul nsw i32, add nsw i32     if sizes fit
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, assert_never

from oxide_analyzer.facts.ranges import Interval
from oxide_analyzer.ir.nodes import (
    Apply,
    Binary,
    BinaryOp,
    Compare,
    Const,
    Convert,
    Dim,
    Logic,
    LogicOp,
    Math,
    Not,
    Param,
    Read,
    Reinterpret,
    Select,
    Special,
    Symbol,
    Unary,
    UnaryOp,
)
from oxide_analyzer.ir.walk import assigned
from oxide_analyzer.language.types import F32, I32, I64
from oxide_codegen.abi import failure_sites
from oxide_codegen.lowering import arithmetic, mathematics
from oxide_codegen.lowering.approximations import FAST_FLAGS
from oxide_codegen.lowering.arithmetic import Operands
from oxide_codegen.lowering.builder import Builder, Value, constant, register_type
from oxide_codegen.lowering.optimisations import Optimisation
from oxide_codegen.lowering.patterns import is_thread_index, waits_for_others

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.nodes import Array, Expr, Local
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span
    from oxide_codegen.lowering.environment import Environment

_ANY = Interval(0, 0)
_NARROW = (-(1 << 31), (1 << 31) - 1)
# Of these, 32-bit operands may have a result that 32 bits do not hold.
_WIDENING = frozenset(
    {
        BinaryOp.ADD,
        BinaryOp.SUB,
        BinaryOp.MUL,
        BinaryOp.FLOORDIV,
        BinaryOp.SHL,
        BinaryOp.POW,
    }
)
_MODULAR = {BinaryOp.ADD: "add", BinaryOp.SUB: "sub", BinaryOp.MUL: "mul"}


@dataclass
class Context:
    """One kernel on its way to one machine.

    `thread_index` is the value of `block.x * block_dim.x + thread.x`, where the machine counts
    threads by it. `continues` says that a thread goes on behind a failed check, because others
    may wait for it: see `checks`. `ordinary` says that this code is for ordinary launches alone
    (see `forms`), `without` which gains it goes without.
    """

    checked: CheckedKernel
    build: Builder
    environment: Environment
    ranges: Ranges
    flags: str
    narrows: bool
    marks: Mapping[str, tuple[str, ...]]
    location: Callable[[Span], str]
    thread_index: Value | None = None
    slots: dict[Local, tuple[str, str]] = field(default_factory=dict["Local", tuple[str, str]])
    ordinary: bool = False
    without: Collection[Optimisation] = ()
    # Which extent stands for an equal one.
    extents: Mapping[tuple[str, int], Dim] = field(default_factory=dict[tuple[str, int], "Dim"])

    # Whether accesses are told to `observe`: see `watched`.
    observes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        kernel = self.checked.kernel
        checked = self.checked
        self._proved = checked.proved_bounds | checked.proved_divisors
        self._proved |= checked.proved_alignments | checked.proved_assertions
        if self.flags and kernel.contract.fast_math:
            self.flags += FAST_FLAGS
        if Optimisation.CHECKS in self.without:
            self._proved = frozenset[int]()
        self.makes_checks = not failure_sites(kernel).keys() <= self._proved
        self.continues = waits_for_others(kernel)
        if self.continues and self.makes_checks:
            self._proved = frozenset[int]()

    @property
    def is_compact(self) -> bool:
        """Whether lengths fit 32 bits: see `CheckedKernel`."""
        return self.ordinary or self.checked.compact

    def is_proved(self, site: int) -> bool:
        """Whether the check of a site is left out."""
        return site in self._proved

    def locate(self, span: Span) -> None:
        """What is appended next comes from `span`."""
        self.build.location = self.location(span)

    def zero_locals(self) -> None:
        """Set the locals of which an uninitialised read is not ruled out."""
        for local in sorted(assigned(self.checked.kernel.body), key=lambda local: local.name):
            if local.name not in self.checked.initialised:
                self.clear(local)

    def observe(self, array: Array, site: int, offset: Value) -> None:
        """An access to the element at `offset` (i64) follows; it exists."""

    def declared(self, array: Array) -> None:
        """A local array is undefined from here on."""

    def fits(self, interval: Interval) -> bool:
        """Whether 32 bits are enough, and this machine gains by it."""
        return self.narrows and interval.within(*_NARROW)

    def slot(self, local: Local) -> tuple[str, str]:
        """Stack slot of a local and the type of what it holds."""
        known = self.slots.get(local)
        if known is None:
            type_ = register_type(local.type)
            if local.type == I64 and self.fits(self.ranges.local(local)):
                type_ = "i32"
            known = self.build.variable(type_, _ascii(local.name)), type_
            self.slots[local] = known
        return known

    def assign(self, local: Local, value: Value) -> None:
        """`local = value`."""
        name, type_ = self.slot(local)
        if local.type.is_integer:
            value = arithmetic.resize(self.build, value, type_, signed=local.type.is_signed)
        self.build.store(value, name)

    def clear(self, local: Local) -> None:
        """`local = 0`."""
        name, type_ = self.slot(local)
        self.build.emit(f"store {type_} zeroinitializer, ptr {name}")

    def wide(self, expr: Expr) -> Value:
        """The value of an integer expression as i64."""
        return self.resized(self.value(expr))

    def resized(self, value: Value, type_: str = "i64") -> Value:
        """A signed integer in another width."""
        return arithmetic.resize(self.build, value, type_, signed=True)

    def widened(self, expr: Expr) -> Value:
        """The value of an expression in the type of the language."""
        value = self.value(expr)
        if expr.type == I64:
            return arithmetic.resize(self.build, value, "i64", signed=True)
        return value

    def index(self, expr: Expr) -> Value:
        """The value of an index that is proved to lie within a length."""
        if self.narrows and self.is_compact:
            return self._low_bits(expr)
        return self.value(expr)

    def value(self, expr: Expr) -> Value:
        """The value of an expression; of an i64 that fits, possibly as i32."""
        build = self.build
        match expr:
            case Const(value=value, type=scalar):
                return constant(value, scalar)
            case Read(local=local):
                name, type_ = self.slot(local)
                return build.load(type_, name)
            case Param(name=name):
                return self._narrowed(expr, self.environment.scalar(name))
            case Dim(array=array, axis=axis):
                same = self.extents.get((array, axis), expr)
                value = self.environment.dimension(same.array, same.axis)
                return self._narrowed(expr, value)
            case Special():
                return self._special(expr)
            case Unary(op=op, operand=operand, type=scalar):
                return self._unary(op, operand, scalar)
            case Binary():
                return self._binary(expr)
            case Compare(op=op, left=left, right=right):
                first, second = self._alike(left, right)
                return arithmetic.compare(build, op, first, second, left.type)
            case Logic(op=op, left=left, right=right):
                opcode = "and" if op is LogicOp.AND else "or"
                return build.binary(opcode, self.value(left), self.value(right))
            case Not(operand=operand):
                return build.binary("xor", self.value(operand), "true")
            case Select(condition=condition, then=then, otherwise=otherwise):
                test = self.value(condition)
                first, second = self._alike(then, otherwise)
                return build.select(test, first, second)
            case Convert(operand=operand, type=scalar):
                return self._convert(operand, scalar)
            case Reinterpret(operand=operand, type=scalar):
                found, wanted = self.value(operand), register_type(scalar)
                return found if found.type == wanted else build.cast("bitcast", found, wanted)
            case Math(function=function, operands=operands, type=scalar, is_fast=is_fast):
                values = [self.value(operand) for operand in operands]
                if is_fast or self.checked.kernel.contract.fast_math:
                    near = self.environment.approximations.get(function)
                    if near is not None and scalar.bits <= F32.bits:
                        return mathematics.approximate(build, near, values, scalar)
                own = self.environment.functions
                return mathematics.math(build, function, values, scalar, own)
            case Symbol(name=name):
                raise ValueError(f"the constant `{name}` has no value yet")
            case Apply(function=function):
                raise ValueError(f"`{function}` is an open function")
            case _:
                assert_never(expr)

    def _low_bits(self, expr: Expr) -> Value:
        """The low 32 bits of an i64, as sums and products give them from low bits alone."""
        match expr:
            case Binary(op=op, left=left, right=right) if op in _MODULAR:
                if not self.fits(self.ranges.of(expr)):
                    first, second = self._low_bits(left), self._low_bits(right)
                    return self.build.binary(_MODULAR[op], first, second)
            case _:
                pass
        return self.resized(self.value(expr), "i32")

    def _special(self, expr: Special) -> Value:
        interval = self.ranges.of(expr)
        if interval.literal is not None:
            # The extents of a block that the contract fixes, and what follows from them.
            return Value(str(interval.literal), "i32" if self.fits(interval) else "i64")
        return self._narrowed(expr, self.environment.special(expr.register, expr.axis))

    def _narrowed(self, expr: Expr, value: Value) -> Value:
        if expr.type == I64 and value.type == "i64" and self.fits(self.ranges.of(expr)):
            return arithmetic.resize(self.build, value, "i32", signed=True)
        return value

    def _alike(self, left: Expr, right: Expr) -> tuple[Value, Value]:
        """Two operands of one type in one width: the narrow one if both fit it."""
        first, second = self.value(left), self.value(right)
        if left.type != I64:
            return first, second
        type_ = "i64"
        if self.fits(self.ranges.of(left)) and self.fits(self.ranges.of(right)):
            type_ = "i32"
        return self.resized(first, type_), self.resized(second, type_)

    def _unary(self, op: UnaryOp, operand: Expr, scalar: Scalar) -> Value:
        value = self.value(operand)
        # |MIN| and -MIN of the narrow type are not those of the wide one.
        if scalar == I64 and value.type == "i32" and op is not UnaryOp.INVERT:
            value = self.resized(value, "i64")
        if (
            scalar.is_signed
            and not self.environment.wraps_magnitudes
            and self.ranges.of(operand).low <= scalar.min
        ):
            if op is UnaryOp.ABS:
                return arithmetic.magnitude(self.build, value)
            if op is UnaryOp.NEG and value.type in ("i8", "i16"):
                return arithmetic.negative(self.build, value)
        return arithmetic.unary(self.build, op, value, scalar, self.flags)

    def _binary(self, expr: Binary) -> Value:
        op, scalar = expr.op, expr.type
        if self.thread_index is not None and is_thread_index(expr):
            return self.thread_index
        if scalar == I64 and op in _MODULAR and self.fits(self.ranges.of(expr)):
            # The low bits of operands give those of the result, and the result fits them; it
            # does not wrap if the operands fit as well.
            first = self.resized(self.value(expr.left), "i32")
            second = self.resized(self.value(expr.right), "i32")
            fits = self.fits(self.ranges.of(expr.left)) and self.fits(self.ranges.of(expr.right))
            opcode = _MODULAR[op]
            return self.build.binary(f"{opcode} nsw" if fits else opcode, first, second)
        if scalar == I64 and op in _WIDENING and not self.fits(self.ranges.of(expr)):
            first, second = self.widened(expr.left), self.widened(expr.right)
        else:
            first, second = self._alike(expr.left, expr.right)
        return arithmetic.binary(self.build, op, self._operands(expr, first, second), scalar)

    def _operands(self, expr: Binary, first: Value, second: Value) -> Operands:
        scalar = expr.type
        if scalar.is_float:
            has_minimum = self.environment.has_minimum
            return Operands(first, second, _ANY, _ANY, scalar.bits, True, self.flags, has_minimum)
        left, right = self.ranges.of(expr.left), self.ranges.of(expr.right)
        bits = 1 if first.type == "i1" else int(first.type[1:])
        return Operands(first, second, left, right, bits, scalar.is_signed, "", True)

    def _convert(self, operand: Expr, scalar: Scalar) -> Value:
        value = self.value(operand)
        if operand.type == I64 and value.type == "i32":
            # A narrow value is exact, so it converts like an i32.
            if scalar == I64:
                return value
            if scalar.is_integer:
                return arithmetic.resize(self.build, value, register_type(scalar), signed=True)
            if scalar.is_float:
                return arithmetic.convert(self.build, value, I32, scalar)
        return arithmetic.convert(self.build, value, operand.type, scalar)


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
