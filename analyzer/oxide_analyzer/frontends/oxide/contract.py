"""`@kernel(block=…, domain=…, requires=lambda …)`: what every launch fulfils.

`requires` is real Python that is read, not run: its conjuncts become comparisons over the
integers, so `0 < n <= len(a) and …` gives `0 < n`, `n <= len(a)` and the rest. All nodes are
i64 and mean whole numbers that do not wrap; a scalar parameter of another width is converted.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.meanings import Known, NumberConstant, NumberKind, TupleConstant
from oxide_analyzer.frontends.oxide.operators import BINARY, COMPARE
from oxide_analyzer.frontends.oxide.places import AXES
from oxide_analyzer.frontends.oxide.scopes import Scope, parameters
from oxide_analyzer.frontends.oxide.values import Number, TupleValue
from oxide_analyzer.ir.kernel import ArrayParameter, Contract, Requirement, ScalarParameter
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
from oxide_analyzer.language.types import I64
from oxide_analyzer.launch import MAX_BLOCK, MAX_THREADS
from oxide_analyzer.rules import ox002_unsupported_construct, ox404_bad_requirement
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.ir.kernel import Parameter
    from oxide_analyzer.ir.nodes import Expr

_RULE = ox404_bad_requirement.RULE
_KEYWORDS = ("block", "domain", "requires", "cooperative")
_LATER = ("shared", "max_threads", "min_blocks", "cluster")
_ARITHMETIC = {BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.FLOORDIV, BinaryOp.MOD}
_DEEPEST = 60


def read_contract(
    lowering: Lowering, decorator: ast.expr, declared: tuple[Parameter, ...]
) -> Contract:
    """The contract that a `@kernel` decorator declares."""
    place = lowering.source.span(decorator)
    end = Span(place.path, place.end_line, place.end_column, place.end_line, place.end_column)
    if not isinstance(decorator, ast.Call):
        return Contract(insertion=end, prefix="(", suffix=")")
    if decorator.args:
        lowering.refuse(decorator.args[0], "`@kernel` takes keywords only: `@kernel(block=256)`")
    before = set(lowering.constants)
    block = domain = None
    cooperative = False
    requirements: tuple[Requirement, ...] = ()
    has_requires = False
    for keyword in decorator.keywords:
        match keyword.arg:
            case "block":
                block = _block(lowering, keyword.value)
            case "domain":
                domain = _domain(lowering, keyword.value)
            case "requires":
                has_requires = True
                requirements = _requires(lowering, keyword.value, declared)
            case "cooperative":
                cooperative = _flag(lowering, keyword.value)
            case None:
                lowering.refuse(keyword.value, "`@kernel(**…)`; write each keyword")
            case name if name in _LATER:
                lowering.refuse(keyword, f"`{name}=` is not supported yet")
            case name:
                lowering.refuse(keyword, ox002_unsupported_construct.keyword(name, _KEYWORDS))
    _refuse_cells(lowering, set(lowering.constants) - before)
    contract = Contract(block, domain, requirements, cooperative=cooperative)
    if has_requires:
        return contract
    if not decorator.keywords:
        inside = Span(end.path, end.line, max(end.column - 1, 1), end.line, max(end.column - 1, 1))
        return replace(contract, insertion=inside)
    last = lowering.source.span(decorator.keywords[-1])
    behind = Span(last.path, last.end_line, last.end_column, last.end_line, last.end_column)
    return replace(contract, insertion=behind, prefix=", ")


def _refuse_cells(lowering: Lowering, keys: set[tuple[object, ...]]) -> None:
    """A variable of an enclosing function is read from the kernel's closure, if it is in it."""
    cells = [key for key in keys if isinstance(key[0], Scope)]
    if not cells:
        return
    used = {
        part.id
        for statement in lowering.frame.body.statements
        for part in ast.walk(statement)
        if isinstance(part, ast.Name)
    }
    for key in cells:
        constant = lowering.constants[key]
        name = constant.attributes[0]
        if name not in used:
            message = ox404_bad_requirement.not_in_closure(name, lowering.root.node.name)
            lowering.diagnostics.append(
                _RULE.diagnostic(constant.span, message, kernel=lowering.root.node.name)
            )


def _block(lowering: Lowering, node: ast.expr) -> tuple[Expr, Expr, Expr] | None:
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    count = len(found.items) if isinstance(found, TupleConstant) else 1
    if not isinstance(found, NumberConstant | TupleConstant) or count > 3:
        lowering.report(
            _RULE,
            node,
            "`block` is an integer or a tuple (x, y, z) of integers known at compile time",
        )
        return None
    with lowering.at_compile_time():
        value = lowering.evaluate(node)
    values = value.items if isinstance(value, TupleValue) else (value,)
    extents: list[Expr] = []
    known: list[int | None] = []
    for value in values:
        if not isinstance(value, Number):
            return None
        if not value.type.is_integer or not value.constant:
            lowering.report(_RULE, node, f"`block` is made of integers, not of {value.type}")
            return None
        expr = lowering.convert(value, I64, node, "`block`")
        if expr is None:
            return None
        extents.append(expr)
        known.append(value.value if isinstance(value.value, int) else None)
    span = lowering.span(node)
    while len(extents) < 3:
        extents.append(Const(1, I64, span))
        known.append(1)
    message = ox404_bad_requirement.block(known, MAX_BLOCK, MAX_THREADS)
    if message is not None:
        lowering.report(_RULE, node, message)
        return None
    return extents[0], extents[1], extents[2]


def _domain(lowering: Lowering, node: ast.expr) -> int | None:
    found = constants.evaluate(node, lowering.root.scope, lowering.resolver)
    if (
        isinstance(found, NumberConstant)
        and found.value in (1, 2, 3)
        and found.kind is NumberKind.INT
    ):
        return int(found.value)
    lowering.report(
        _RULE, node, "`domain` is 1, 2 or 3: the axes along which threads and blocks extend"
    )
    return None


def _flag(lowering: Lowering, node: ast.expr) -> bool:
    """`True` or `False`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    lowering.report(_RULE, node, "`cooperative` is `True` or `False`")
    return False


def _requires(
    lowering: Lowering, node: ast.expr, declared: tuple[Parameter, ...]
) -> tuple[Requirement, ...]:
    if not isinstance(node, ast.Lambda):
        lowering.report(
            _RULE,
            node,
            "`requires` is a lambda, written here: `requires=lambda a, b: len(a) >= len(b)`",
        )
        return ()
    arguments = node.args
    special = [arguments.vararg, arguments.kwarg, *arguments.posonlyargs, *arguments.kwonlyargs]
    if any(special) or arguments.defaults:
        lowering.report(
            _RULE, node, "the lambda of `requires` names parameters of the kernel, nothing else"
        )
        return ()
    known = {parameter.name: parameter for parameter in declared}
    names: dict[str, Parameter] = {}
    every = {argument.arg for argument, _ in parameters(lowering.root.node)}
    for argument in arguments.args:
        if argument.arg in known:
            names[argument.arg] = known[argument.arg]
        elif argument.arg not in every:
            function = lowering.root.node.name
            message = ox404_bad_requirement.no_parameter(argument.arg, function, sorted(every))
            lowering.report(_RULE, argument, message)
    spoken = {argument.arg for argument in arguments.args}
    reader = _Reader(lowering, names, spoken, {p.name for p in declared})
    return tuple(reader.conjuncts(node.body))


@dataclass(slots=True)
class _Reader:
    """Reads the body of the lambda; `spoken` are its own parameters, readable or not."""

    lowering: Lowering
    names: dict[str, Parameter]
    spoken: set[str]
    declared: set[str]
    depth: int = 0

    def conjuncts(self, node: ast.expr) -> list[Requirement]:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return [found for value in values for found in self.conjuncts(value)]
            case ast.Compare():
                return self.chain(node)
            case ast.Constant(value=True):
                return []
            case _:
                self.bad(node, "a requirement is made of comparisons, joined by `and`")
                return []

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
            case ast.Name(id=name) if name in self.spoken:
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

    def _named(self, node: ast.Name | ast.Attribute) -> Expr | None:
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
            value = lowering.constant(meaning, tuple(ast.unparse(node).split(".")), node)
            if isinstance(value, Number):
                return lowering.convert(value, I64, node, "a constant in a requirement")
            return None
        if meaning is None and isinstance(node, ast.Name):
            if node.id in self.declared:
                text = f"`{node.id}` is not a parameter of the lambda; write `lambda {node.id}: …`"
                return self.bad(node, text)
            near = lowering.nearest(node.id, lowering.root.scope)
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
