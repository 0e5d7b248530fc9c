"""`requires=lambda …`: real Python that is read, not run.

Its conjuncts become comparisons over the integers, so `0 < n <= len(a) and …` gives `0 < n`,
`n <= len(a)` and the rest; `injective(idx)` and `within(idx, 0, n)` become facts about the
elements of an array. All nodes are i64 and mean whole numbers that do not wrap; a scalar parameter
of another width is converted.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants, outside, spelling
from oxide_analyzer.frontends.oxide.meanings import Known, NumberConstant, NumberKind
from oxide_analyzer.frontends.oxide.operators import BINARY, COMPARE
from oxide_analyzer.frontends.oxide.places import AXES
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.values import Number, again
from oxide_analyzer.ir.kernel import (
    ArrayParameter,
    DataFact,
    DataProperty,
    Requirement,
    ScalarParameter,
)
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    Const,
    Convert,
    Dim,
    Param,
    Register,
    Special,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.builtins import BuiltinKind
from oxide_analyzer.language.types import I64
from oxide_analyzer.rules import ox404_bad_requirement
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.ir.kernel import Parameter
    from oxide_analyzer.ir.nodes import Expr

_RULE = ox404_bad_requirement.RULE
_ARITHMETIC = {BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.FLOORDIV, BinaryOp.MOD}
_DEEPEST = 60


def read_requires(
    lowering: Lowering, node: ast.expr, declared: tuple[Parameter, ...]
) -> tuple[tuple[Requirement, ...], tuple[DataFact, ...]]:
    """The conditions on launches and the facts about data of a `requires=lambda …: …`."""
    if not isinstance(node, ast.Lambda):
        lowering.report(
            _RULE,
            node,
            "`requires` is a lambda, written here: `requires=lambda a, b: len(a) >= len(b)`",
        )
        return (), ()
    arguments = node.args
    special = [arguments.vararg, arguments.kwarg, *arguments.posonlyargs, *arguments.kwonlyargs]
    if any(special) or arguments.defaults:
        lowering.report(
            _RULE, node, "the lambda of `requires` names parameters of the kernel, nothing else"
        )
        return (), ()
    known = {parameter.name: parameter for parameter in declared}
    names: dict[str, Parameter] = {}
    every = {argument.arg for argument, _ in parameters(lowering.root.node)}
    for argument in arguments.args:
        # The fields of a struct are parameters of their own: `p.n`.
        names.update(
            {name: p for name, p in known.items() if name.partition(".")[0] == argument.arg}
        )
        if argument.arg not in every:
            function = lowering.root.node.name
            message = ox404_bad_requirement.no_parameter(argument.arg, function, sorted(every))
            lowering.report(_RULE, argument, message)
    spoken = {argument.arg for argument in arguments.args}
    reader = _Reader(lowering, names, spoken, {p.name for p in declared})
    return tuple(reader.conjuncts(node.body)), tuple(reader.data)


@dataclass(slots=True)
class _Reader:
    """Reads the body of the lambda; `spoken` are its own parameters, readable or not."""

    lowering: Lowering
    names: dict[str, Parameter]
    spoken: set[str]
    declared: set[str]
    data: list[DataFact] = field(default_factory=list["DataFact"])
    depth: int = 0

    def conjuncts(self, node: ast.expr) -> list[Requirement]:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return [found for value in values for found in self.conjuncts(value)]
            case ast.Compare():
                return self.chain(node)
            case ast.Constant(value=True):
                return []
            case ast.Call() if self.is_fact(node):
                self.fact(node)
                return []
            case _:
                self.bad(node, "a requirement is made of comparisons, joined by `and`")
                return []

    def is_fact(self, node: ast.Call) -> bool:
        """Whether this is `injective(…)` or `within(…)`."""
        meaning = self.lowering.resolver.expression(node.func, self.lowering.root.scope)
        return isinstance(meaning, Known) and meaning.builtin.kind is BuiltinKind.FACT

    def fact(self, node: ast.Call) -> None:
        """`injective(idx)`, `within(idx, low, high)`: what the elements of an array fulfil."""
        meaning = self.lowering.resolver.expression(node.func, self.lowering.root.scope)
        assert isinstance(meaning, Known)
        row = meaning.builtin
        what = DataProperty(row.name)
        count = 3 if what is DataProperty.WITHIN else 1
        if len(node.args) != count or node.keywords:
            form = row.signature.partition(": ")[2]
            self.bad(node, f"`{row.name}` is written `{form}`")
            return
        subject = node.args[0]
        if not isinstance(subject, ast.Name):
            self.bad(subject, f"`{row.name}` speaks of a slice parameter")
            return
        ends = [self.integer(end) for end in node.args[1:]]
        if self._array(subject.id, subject) is None or None in ends:
            return
        array = self.lowering.arrays[subject.id]
        if not array.element.is_integer:
            self.bad(subject, f"`{subject.id}` holds {array.element}; `{row.name}` is of integers")
            return
        low, high = ends if ends else (None, None)
        span = self.lowering.span(node)
        self.data.append(DataFact(what, subject.id, low, high, ast.unparse(node), span))

    def chain(self, node: ast.Compare) -> list[Requirement]:
        found: list[Requirement] = []
        sides = [node.left, *node.comparators]
        exprs = [self.integer(side) for side in sides]
        for k, op in enumerate(node.ops):
            if type(op) not in COMPARE:
                self.bad(node, "a requirement compares with `==`, `!=`, `<`, `<=`, `>` and `>=`")
                continue
            left, right = exprs[k], exprs[k + 1]
            if left is None or right is None:
                continue
            start, end = self.lowering.span(sides[k]), self.lowering.span(sides[k + 1])
            span = Span(start.path, start.line, start.column, end.end_line, end.end_column)
            text = f"{ast.unparse(sides[k])} {COMPARE[type(op)]} {ast.unparse(sides[k + 1])}"
            found.append(Requirement(Compare(COMPARE[type(op)], left, right, span), text, span))
        return found

    def integer(self, node: ast.expr) -> Expr | None:
        if self.depth > _DEEPEST:
            return self.bad(node, "the requirement is nested too deeply")
        self.depth += 1
        found = self._integer(node)
        self.depth -= 1
        return found

    def _integer(self, node: ast.expr) -> Expr | None:
        span = self.lowering.span(node)
        match node:
            case ast.Constant(value=bool()):
                return self.bad(node, "a requirement computes with integers")
            case ast.Constant(value=int() as value):
                if not I64.min <= value <= I64.max:
                    return self.bad(node, f"{value} does not fit i64")
                return Const(value, I64, span)
            case ast.Name(id=name) if name in self.spoken and name not in self.lowering.arguments:
                return self._scalar(name, node)
            case ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=axis
            ):
                return self._extent(name, axis, node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return Const(-value, I64, span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.integer(operand)
                return None if inner is None else Unary(UnaryOp.NEG, inner, I64, span)
            case ast.BinOp(left=left, op=op, right=right):
                found = BINARY.get(type(op))
                if found is None or found not in _ARITHMETIC:
                    return self.bad(node, "a requirement computes with `+`, `-`, `*`, `//` and `%`")
                one, other = self.integer(left), self.integer(right)
                if one is None or other is None:
                    return None
                return Binary(found, one, other, I64, span)
            case ast.Call(func=function, args=arguments, keywords=[]):
                return self._call(function, arguments, node)
            case _:
                return self.bad(
                    node,
                    "a requirement speaks of parameters, `len`, `.shape`, `.size`, `grid_dim`, "
                    "`block_dim` and integers",
                )

    def _call(self, function: ast.expr, arguments: list[ast.expr], node: ast.expr) -> Expr | None:
        meaning = self.lowering.resolver.expression(function, self.lowering.root.scope)
        name = meaning.builtin.name if isinstance(meaning, Known) else ""
        span = self.lowering.span(node)
        if name == "len" and len(arguments) == 1 and isinstance(arguments[0], ast.Name):
            return self._dimension(arguments[0].id, 0, node)
        if isinstance(meaning, Known) and meaning.builtin.kind is BuiltinKind.FACT:
            return self.bad(node, f"`{name}` is joined to other requirements by `and` alone")
        if name in ("min", "max") and len(arguments) > 1:
            exprs = [self.integer(argument) for argument in arguments]
            result = exprs[0]
            for right in exprs[1:]:
                if result is None or right is None:
                    return None
                result = Binary(BinaryOp(name), result, right, I64, span)
            return result
        text = self.lowering.text(function)
        return self.bad(node, f"`{text}(…)` in a requirement; it calls `len`, `min` and `max` only")

    def _scalar(self, name: str, node: ast.expr) -> Expr | None:
        parameter = self.names.get(name)
        match parameter:
            case None:
                return None
            case ArrayParameter():
                return self.bad(
                    node, f"`{name}` is an array; a requirement speaks of `len({name})`"
                )
            case ScalarParameter(type=type):
                if not type.is_integer:
                    return self.bad(
                        node, f"`{name}` is {type}; a requirement computes with integers"
                    )
                span = self.lowering.span(node)
                param = Param(name, type, span)
                return param if type == I64 else Convert(param, I64, span)

    def _argument(self, number: Number, node: ast.expr) -> Expr | None:
        """A `Const` argument, or a number in one."""
        if not number.type.is_integer:
            return self.bad(node, f"a requirement computes with integers, this is {number.type}")
        placed = again(number, self.lowering.span(node))
        assert isinstance(placed, Number)
        return self.lowering.convert(placed, I64, node, "a constant in a requirement")

    def _named(self, node: ast.Name | ast.Attribute) -> Expr | None:
        dotted = ast.unparse(node)
        if dotted in self.names:
            return self._scalar(dotted, node)
        if dotted.partition(".")[0] in self.spoken and dotted in self.lowering.arguments:
            return self._argument(self.lowering.arguments[dotted], node)
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="size") if name in self.spoken:
                array = self._array(name, node)
                if array is None:
                    return None
                span = self.lowering.span(node)
                size: Expr = Dim(name, 0, span)
                for axis in range(1, array):
                    size = Binary(BinaryOp.MUL, size, Dim(name, axis, span), I64, span)
                return size
            case _:
                pass
        lowering = self.lowering
        meaning = lowering.resolver.expression(node, lowering.root.scope)
        if isinstance(meaning, Known):
            register, _, axis = meaning.builtin.name.rpartition(".")
            if register in ("grid_dim", "block_dim") and axis in AXES:
                return Special(Register(register), AXES[axis], lowering.span(node))
            return self.bad(
                node, f"`{lowering.text(node)}` in a requirement; it speaks of the whole launch"
            )
        if isinstance(meaning, NumberConstant) and meaning.kind is NumberKind.INT:
            value = outside.constant(lowering, meaning, tuple(ast.unparse(node).split(".")), node)
            if isinstance(value, Number):
                return lowering.convert(value, I64, node, "a constant in a requirement")
            return None
        if meaning is None and isinstance(node, ast.Name):
            if node.id in self.declared:
                text = f"`{node.id}` is not a parameter of the lambda; write `lambda {node.id}: …`"
                return self.bad(node, text)
            near = spelling.nearest(lowering, node.id)
            return self.bad(node, ox404_bad_requirement.unknown(node.id, near))
        return self.bad(
            node, f"`{lowering.text(node)}` is not an integer that a requirement can speak of"
        )

    def _extent(self, name: str, axis: ast.expr, node: ast.expr) -> Expr | None:
        found = constants.evaluate(axis, self.lowering.root.scope, self.lowering.resolver)
        if not isinstance(found, NumberConstant) or not isinstance(found.value, int):
            return self.bad(node, "the axis of `.shape[k]` is a literal")
        return self._dimension(name, found.value, node)

    def _dimension(self, name: str, axis: int, node: ast.expr) -> Expr | None:
        rank = self._array(name, node)
        if rank is None:
            return None
        if not -rank <= axis < rank:
            return self.bad(
                node, f"`{name}` has {rank} dimension{'s' * (rank > 1)}, so no `.shape[{axis}]`"
            )
        return Dim(name, axis % rank, self.lowering.span(node))

    def _array(self, name: str, node: ast.expr) -> int | None:
        """The rank of an array parameter."""
        if name not in self.spoken:
            self.bad(node, f"`{name}` is not a parameter of the lambda; write `lambda {name}: …`")
            return None
        if not isinstance(self.names.get(name), ArrayParameter):
            if name in self.names:
                self.bad(node, f"`{name}` is a scalar and has no length")
            return None
        return self.lowering.arrays[name].rank

    def bad(self, node: ast.expr, message: str) -> None:
        self.lowering.report(_RULE, node, message)
