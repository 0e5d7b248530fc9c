"""Structs: classes of numbers that kernels take, make and give by value.

A struct is taken apart into its fields while the kernel is read; in the IR there are numbers.

    def k(p: Params, …):                 kernel k(p.dt: f32, p.n: i32, …)
        q = Params(dt=p.dt / 2, n=4)     q: f32 = (p.dt / 2)
                                         q.1: i32 = 4
        use(q.n)                         use(q.1)
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants, outside
from oxide_analyzer.frontends.oxide.annotations import BadAnnotation, StructType
from oxide_analyzer.frontends.oxide.meanings import ClassKind, NumberConstant
from oxide_analyzer.frontends.oxide.values import UNKNOWN, Number, TupleValue, Unknown
from oxide_analyzer.ir.kernel import StructArgument
from oxide_analyzer.language.types import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.oxide.annotations import Leaf
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.meanings import UserClass
    from oxide_analyzer.frontends.oxide.names import Key
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.source import Located


def from_fields(type: Leaf | StructType, name: str, make: Callable[[str, Leaf], Value]) -> Value:
    """A value of `type` of which `make` gives each number by its dotted name, in order."""
    if not isinstance(type, StructType):
        return make(name, type)
    items = [from_fields(field.type, f"{name}.{field.name}", make) for field in type.fields]
    return TupleValue(tuple(items), type)


def structs_of(type: StructType, name: str) -> list[StructArgument]:
    """An argument of a struct type, and the structs inside it, by their dotted names."""
    found = [StructArgument(name, type.name)]
    for field in type.fields:
        if isinstance(field.type, StructType):
            found += structs_of(field.type, f"{name}.{field.name}")
    return found


def declare(lowering: Lowering, key: Key, type: Leaf | StructType) -> None:
    """A name holds a value of `type`, and nothing else."""
    if isinstance(type, Scalar):
        lowering.names.declare(key, type)
    if not isinstance(type, StructType):
        return
    lowering.names.shape(key, len(type.fields), type)
    for k, field in enumerate(type.fields):
        declare(lowering, (*key, k), field.type)


def converted(
    lowering: Lowering, type: Leaf | StructType, value: Value, node: ast.expr, what: str
) -> Value:
    """A value as one of `type`, without a cast in the source; UNKNOWN where it was reported."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(type, Scalar):
        number = lowering.number(value, node)
        expr = None if number is None else lowering.convert(number, type, node, what)
        return UNKNOWN if expr is None else Number(expr, type)
    if not isinstance(type, StructType):
        return value
    if isinstance(value, TupleValue) and value.struct == type:
        return value
    given = "a tuple" if isinstance(value, TupleValue) else "none"
    if isinstance(value, TupleValue) and value.struct is not None:
        given = f"a `{value.struct.name}`"
    return lowering.mismatch(node, f"{what} is a `{type.name}`, `{lowering.text(node)}` is {given}")


def construct(lowering: Lowering, node: ast.Call, owner: UserClass, path: tuple[str, ...]) -> Value:
    """`Params(dt=0.5, n=4)`."""
    struct = lowering.resolver.struct(owner)
    values = [lowering.evaluate(argument) for argument in node.args]
    named = [(keyword, lowering.evaluate(keyword.value)) for keyword in node.keywords]
    if isinstance(struct, BadAnnotation):
        return lowering.mismatch(node, struct.message)
    name = struct.name
    if owner.kind is ClassKind.POLICY:
        return lowering.refuse(
            node, f"`{name}` is made on the host; a `@struct` can be made in kernels, too"
        )
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return lowering.refuse(node, "kernels have no starred arguments; write each one")
    if len(values) > len(struct.fields):
        count = len(struct.fields)
        return lowering.mismatch(
            node, f"`{name}` has {count} field{'s' * (count != 1)}, {len(values)} are given"
        )
    given: dict[str, tuple[Value, ast.expr]] = {}
    for field, value, argument in zip(struct.fields, values, node.args, strict=False):
        given[field.name] = value, argument
    for keyword, value in named:
        if keyword.arg is None:
            return lowering.refuse(node, "kernels have no starred arguments; write each one")
        if struct.place(keyword.arg) is None or keyword.arg in given:
            why = "is given twice" if keyword.arg in given else "does not exist"
            return lowering.mismatch(keyword.value, f"field `{keyword.arg}` of `{name}` {why}")
        given[keyword.arg] = value, keyword.value
    items: list[Value] = []
    for field in struct.fields:
        if field.name in given:
            value, at = given[field.name]
        elif field.default is not None:
            value, at = _default(lowering, owner, path, field.name, field.default, node), node
        else:
            return lowering.mismatch(node, f"`{name}` is made without its field `{field.name}`")
        what = f"field `{field.name}` of `{name}`"
        items.append(converted(lowering, field.type, value, at, what))
    if any(isinstance(item, Unknown) for item in items):
        return UNKNOWN
    return TupleValue(tuple(items), struct)


def _default(
    lowering: Lowering,
    owner: UserClass,
    path: tuple[str, ...],
    field: str,
    default: ast.expr,
    node: Located,
) -> Value:
    """The default of a field: a number that the live class holds as its attribute."""
    found = constants.evaluate(default, owner.scope, lowering.resolver)
    if not isinstance(found, NumberConstant):
        return lowering.refuse(node, f"the default of `{owner.node.name}.{field}` is no number")
    number = NumberConstant(found.kind, found.value, owner.scope, field)
    return outside.constant(lowering, number, (*path, field), node)
