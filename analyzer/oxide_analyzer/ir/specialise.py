"""Numbers for symbols: the kernel that one set of compile-time values makes.

Each `Symbol` with a value becomes a `Const`, and what can be computed from literals is computed,
by the same arithmetic that defines the language. Branches that cannot be taken are left out.

    stride = $BLOCK // 2          with BLOCK = 256          stride = 128
    if $BLOCK > 1024: …                                     left out

A division whose divisor turns out to be a literal other than zero loses its check.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Apply,
    Array,
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Binary,
    BinaryOp,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Compare,
    Const,
    Continue,
    Convert,
    Declare,
    Dim,
    Fence,
    For,
    Forget,
    If,
    Inline,
    Leave,
    Load,
    Logic,
    LogicOp,
    Math,
    MatrixOp,
    Not,
    Param,
    Print,
    Read,
    Reinterpret,
    Return,
    Select,
    Special,
    Store,
    Symbol,
    Unary,
    Unsafe,
    WarpOp,
    While,
)
from oxide_analyzer.language.types import BOOL, I64, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.ir.kernel import DataFact, Kernel, Requirement
    from oxide_analyzer.ir.nodes import Block, Expr, Stmt
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Number

_DIVIDING = (BinaryOp.FLOORDIV, BinaryOp.MOD)


def source_values(kernel: Kernel) -> dict[str, Number]:
    """The values of constants as far as the source says them."""
    return {
        constant.symbol: constant.value
        for constant in kernel.constants
        if constant.value is not None
    }


def specialise(kernel: Kernel, values: Mapping[str, Number]) -> Kernel:
    """The kernel with `values` for its symbols; symbols without a value stay.

    Raises `ValueError` for a value that its symbol's type does not hold.
    """
    folding = _Folding(
        {
            constant.symbol: _fitting(constant.symbol, values[constant.symbol], constant.type)
            for constant in kernel.constants
            if constant.symbol in values
        }
    )
    contract = kernel.contract
    block = None
    if contract.block is not None:
        x, y, z = contract.block
        block = folding.expr(x), folding.expr(y), folding.expr(z)
    return replace(
        kernel,
        arrays={name: folding.array(array) for name, array in kernel.arrays.items()},
        contract=replace(
            contract,
            block=block,
            requires=tuple(folding.requirement(one) for one in contract.requires),
            data=tuple(folding.data(one) for one in contract.data),
            shared=folding.maybe(contract.shared),
            max_threads=folding.maybe(contract.max_threads),
            min_blocks=folding.maybe(contract.min_blocks),
        ),
        body=folding.block(kernel.body),
        constants=tuple(c for c in kernel.constants if c.symbol not in values),
    )


class StandIn(Enum):
    """A total function that may stand for one that is open."""

    ZERO = "0"
    FIRST = "its first operand"
    ONE = "1"
    BELOW = "-1"


def with_functions(kernel: Kernel, choice: StandIn) -> Kernel:
    """The kernel with one function in the place of all that are open."""
    body = _Folding({}, choice).block(kernel.body)
    return replace(kernel, body=body, callables=())


def stand_in(choice: StandIn, operands: tuple[Expr, ...], applied: Apply) -> Expr:
    """What `choice` gives for operands."""
    type, span = applied.type, applied.span
    if choice is StandIn.FIRST and operands:
        first = operands[0]
        return first if first.type == type else Convert(first, type, span)
    value = {StandIn.ONE: 1, StandIn.BELOW: -1}.get(choice, 0)
    return Const(arithmetic.convert(value, I64, type), type, span)


def fold(expr: Expr, values: Mapping[str, Number] | None = None) -> Expr:
    """The expression with what literals, and `values` for its symbols, decide computed."""
    return _Folding(values or {}).expr(expr)


def _fitting(name: str, value: Number, type: Scalar) -> Number:
    """The value as one of `type`: a Python number never changes its kind in silence."""
    is_bool = isinstance(value, bool)
    if type.kind is Kind.BOOL and not is_bool:
        raise ValueError(f"`{name}` is {value!r}, and a bool in the kernel")
    if type.is_integer and (is_bool or not isinstance(value, int)):
        raise ValueError(f"`{name}` is {value!r}, and an integer in the kernel")
    if type.is_integer and not type.min <= value <= type.max:
        raise ValueError(f"`{name}` is {value!r}, which {type} does not hold")
    if type.is_float and is_bool:
        raise ValueError(f"`{name}` is {value!r}, and a float in the kernel")
    return arithmetic.literal(value, type)


class _Folding:
    """One walk over a kernel; nodes in which nothing changes are kept as they are."""

    def __init__(self, values: Mapping[str, Number], functions: StandIn | None = None) -> None:
        self._values = values
        self._stand_in = functions

    def array(self, array: Array) -> Array:
        shape = tuple(self.expr(extent) for extent in array.shape)
        contents = tuple(self.expr(value) for value in array.contents)
        if _same(shape, array.shape) and _same(contents, array.contents):
            return array
        return replace(array, shape=shape, contents=contents)

    def requirement(self, requirement: Requirement) -> Requirement:
        # A requirement speaks of whole numbers, which i64 arithmetic would wrap: only symbols
        # are replaced in it.
        condition = _Replacing(self._values).expr(requirement.condition)
        if condition is requirement.condition:
            return requirement
        return replace(requirement, condition=condition)

    def data(self, fact: DataFact) -> DataFact:
        ends = _Replacing(self._values)
        low = None if fact.low is None else ends.expr(fact.low)
        high = None if fact.high is None else ends.expr(fact.high)
        return replace(fact, low=low, high=high)

    def block(self, block: Block) -> Block:
        made: list[Stmt] = []
        for statement in block:
            made += self.statement(statement)
        return block if _same(made, block) else tuple(made)

    def statement(self, statement: Stmt) -> Iterator[Stmt]:
        match statement:
            case Assign(value=value):
                new = self.expr(value)
                yield statement if new is value else replace(statement, value=new)
            case Load(index=index):
                new = self.exprs(index)
                yield statement if new is index else replace(statement, index=new)
            case Store(index=index, value=value):
                at, new = self.exprs(index), self.expr(value)
                same = at is index and new is value
                yield statement if same else replace(statement, index=at, value=new)
            case Atomic(index=index, value=value, compare=compare):
                at, new, old = self.exprs(index), self.maybe(value), self.maybe(compare)
                same = at is index and new is value and old is compare
                yield statement if same else replace(statement, index=at, value=new, compare=old)
            case CheckDivisor(divisor=divisor):
                new = self.expr(divisor)
                if not (isinstance(new, Const) and new.value != 0):
                    yield statement if new is divisor else replace(statement, divisor=new)
            case If():
                yield from self.branch(statement)
            case For(start=start, stop=stop, step=step, body=body):
                first, last, by = self.expr(start), self.expr(stop), self.expr(step)
                inner = self.block(body)
                same = first is start and last is stop and by is step and inner is body
                if same:
                    yield statement
                else:
                    yield replace(statement, start=first, stop=last, step=by, body=inner)
            case While(header=header, condition=condition, body=body):
                before, test, inner = self.block(header), self.expr(condition), self.block(body)
                if isinstance(test, Const) and not test.value:
                    yield from before
                elif before is header and test is condition and inner is body:
                    yield statement
                else:
                    yield replace(statement, header=before, condition=test, body=inner)
            case CheckIndex(index=index, extent=extent):
                yield replace(statement, index=self.expr(index), extent=self.expr(extent))
            case CheckView(start=start, stop=stop, extent=extent):
                yield replace(
                    statement,
                    start=self.expr(start),
                    stop=self.expr(stop),
                    extent=self.expr(extent),
                )
            case CheckAligned(offset=offset):
                yield replace(statement, offset=self.expr(offset))
            case Assert(condition=condition):
                yield replace(statement, condition=self.expr(condition))
            case Print(values=values):
                yield replace(statement, values=tuple(self.expr(value) for value in values))
            case WarpOp(value=value, lane=lane, mask=mask):
                yield replace(
                    statement,
                    value=self.maybe(value),
                    lane=self.maybe(lane),
                    mask=self.maybe(mask),
                )
            case MatrixOp(place=place, body=body):
                index = tuple(self.expr(e) for e in place)
                yield replace(statement, place=index, body=self.block(body))
            case AsyncCopy(origin=origin, place=place, body=body):
                start = tuple(self.expr(e) for e in origin)
                index = tuple(self.expr(e) for e in place)
                yield replace(statement, origin=start, place=index, body=self.block(body))
            case Inline(body=body) | Unsafe(body=body):
                inner = self.block(body)
                yield statement if inner is body else replace(statement, body=inner)
            case (
                Barrier()
                | Fence()
                | AsyncCommit()
                | AsyncWait()
                | Break()
                | Breakpoint()
                | Continue()
                | Return()
                | Leave()
                | Declare()
            ):
                yield statement
            case Forget(of=of):
                yield replace(statement, of=of and tuple(map(self.expr, of)))
            case _:
                assert_never(statement)

    def maybe(self, expr: Expr | None) -> Expr | None:
        return None if expr is None else self.expr(expr)

    def branch(self, statement: If) -> Iterator[Stmt]:
        condition = self.expr(statement.condition)
        if isinstance(condition, Const):
            yield from self.block(statement.then if condition.value else statement.otherwise)
            return
        then, otherwise = self.block(statement.then), self.block(statement.otherwise)
        same = (
            condition is statement.condition
            and then is statement.then
            and otherwise is statement.otherwise
        )
        if same:
            yield statement
        else:
            yield replace(statement, condition=condition, then=then, otherwise=otherwise)

    def exprs(self, exprs: tuple[Expr, ...]) -> tuple[Expr, ...]:
        made = tuple(self.expr(expr) for expr in exprs)
        return exprs if _same(made, exprs) else made

    def expr(self, expr: Expr) -> Expr:
        match expr:
            case Const() | Read() | Param() | Dim() | Special():
                return expr
            case Symbol(name=name, type=type, span=span):
                return Const(self._values[name], type, span) if name in self._values else expr
            case Unary(op=op, operand=operand, type=type, span=span):
                new = self.expr(operand)
                if isinstance(new, Const):
                    return Const(arithmetic.unary(op, type, new.value), type, span)
                return expr if new is operand else replace(expr, operand=new)
            case Binary():
                return self.binary(expr)
            case Compare(op=op, left=left, right=right, span=span):
                one, other = self.expr(left), self.expr(right)
                if isinstance(one, Const) and isinstance(other, Const):
                    return Const(
                        arithmetic.compare(op, one.type, one.value, other.value), BOOL, span
                    )
                same = one is left and other is right
                return expr if same else replace(expr, left=one, right=other)
            case Logic():
                return self.logic(expr)
            case Not(operand=operand, span=span):
                new = self.expr(operand)
                if isinstance(new, Const):
                    return Const(not new.value, BOOL, span)
                return expr if new is operand else replace(expr, operand=new)
            case Select(condition=condition, then=then, otherwise=otherwise):
                test, one, other = self.expr(condition), self.expr(then), self.expr(otherwise)
                if isinstance(test, Const):
                    return one if test.value else other
                if test is condition and one is then and other is otherwise:
                    return expr
                return replace(expr, condition=test, then=one, otherwise=other)
            case Convert(operand=operand, type=type, span=span):
                new = self.expr(operand)
                if isinstance(new, Const):
                    return Const(arithmetic.convert(new.value, new.type, type), type, span)
                return expr if new is operand else replace(expr, operand=new)
            case Reinterpret(operand=operand):
                new = self.expr(operand)
                return expr if new is operand else replace(expr, operand=new)
            case Math(operands=operands):
                # Devices round these differently, so each computes its own.
                new = self.exprs(operands)
                return expr if new is operands else replace(expr, operands=new)
            case Apply(operands=operands):
                inner = tuple(self.expr(operand) for operand in operands)
                if self._stand_in is not None:
                    return self.expr(stand_in(self._stand_in, inner, expr))
                changed = any(a is not b for a, b in zip(inner, operands, strict=True))
                return replace(expr, operands=inner) if changed else expr
            case _:
                assert_never(expr)

    def binary(self, expr: Binary) -> Expr:
        one, other = self.expr(expr.left), self.expr(expr.right)
        if isinstance(other, Const):
            if expr.op in _DIVIDING and expr.type.is_integer and other.value == 0:
                # The obligation fails here, and says so at this site.
                return replace(expr, left=one, right=other)
            if isinstance(one, Const):
                value = arithmetic.binary(expr.op, expr.type, one.value, other.value)
                return Const(value, expr.type, expr.span)
            if expr.site is not None:
                return replace(expr, left=one, right=other, site=None)
        same = one is expr.left and other is expr.right
        return expr if same else replace(expr, left=one, right=other)

    def logic(self, expr: Logic) -> Expr:
        one, other = self.expr(expr.left), self.expr(expr.right)
        decides = expr.op is LogicOp.OR
        for side, rest in ((one, other), (other, one)):
            if isinstance(side, Const):
                return Const(decides, BOOL, expr.span) if bool(side.value) is decides else rest
        same = one is expr.left and other is expr.right
        return expr if same else replace(expr, left=one, right=other)


class _Replacing(_Folding):
    """Symbols alone: nothing is computed."""

    def binary(self, expr: Binary) -> Expr:
        one, other = self.expr(expr.left), self.expr(expr.right)
        same = one is expr.left and other is expr.right
        return expr if same else replace(expr, left=one, right=other)

    def expr(self, expr: Expr) -> Expr:
        match expr:
            case Compare(left=left, right=right):
                one, other = self.expr(left), self.expr(right)
                same = one is left and other is right
                return expr if same else replace(expr, left=one, right=other)
            case Unary(operand=operand) | Convert(operand=operand):
                new = self.expr(operand)
                return expr if new is operand else replace(expr, operand=new)
            case _:
                return super().expr(expr)


def _same(made: list[Stmt] | tuple[Expr, ...], old: Block | tuple[Expr, ...]) -> bool:
    return len(made) == len(old) and all(one is other for one, other in zip(made, old, strict=True))
