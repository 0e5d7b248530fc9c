"""Calls of `@device` functions: the body takes the place of the call.

    y = clamp(x)               inline clamp:
                          is       if x < lo:
                                       return.1 = lo
                                       leave
                                   return.1 = x
                               y = return.1

An argument is converted to its parameter's type and evaluated once. An array stands for itself;
through a `Slice` parameter it is read-only.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.annotations import (
    ArrayType,
    BadAnnotation,
    CallableType,
    ConstType,
    DtypeType,
    NoType,
    StructType,
    TupleType,
    read_annotation,
)
from oxide_analyzer.frontends.oxide.callables import passed, record_of
from oxide_analyzer.frontends.oxide.generics import bound_types, type_variables
from oxide_analyzer.frontends.oxide.lowering import Frame
from oxide_analyzer.frontends.oxide.matching import is_exhaustive
from oxide_analyzer.frontends.oxide.meanings import Known, NumberConstant
from oxide_analyzer.frontends.oxide.places import scalar_of
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.signatures import (
    annotated_type,
    bind_value,
    copy_value,
    declare_locals,
    refuse_signature,
    report_annotation,
)
from oxide_analyzer.frontends.oxide.structs import converted, declare, from_fields
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    is_plain,
    is_settled,
    literal,
)
from oxide_analyzer.ir.expressions import RESULT
from oxide_analyzer.ir.nodes import Array, Dim, Inline, Ownership, Param, Space
from oxide_analyzer.language.builtins import lookup
from oxide_analyzer.language.types import Scalar
from oxide_analyzer.rules import ox007_recursion

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.annotations import AnnotatedType, Leaf
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.kernel import Function

_DEEPEST_CALLS = 32

Arguments: TypeAlias = "list[tuple[ast.arg, Value, ast.expr | None]]"


def inline(
    lowering: Lowering, node: ast.Call, function: UserFunction, path: tuple[str, ...]
) -> Value:
    """Lower the body of a helper in place of its call; gives what it returns."""
    if not _may_nest(lowering, node, function):
        return UNKNOWN
    record = record_of(lowering, function, path)
    arguments = _bind(lowering, node, function)
    return _inlined(lowering, node, function, record, arguments)


def inline_values(
    lowering: Lowering, node: ast.Call, given: FunctionValue, arguments: Arguments
) -> Value:
    """The same for a function that was passed, with arguments that fit its type."""
    function, record = given.function, given.record
    assert function is not None
    assert record is not None
    if not _may_nest(lowering, node, function):
        return UNKNOWN
    return _inlined(lowering, node, function, record, arguments, given)


def inline_supplied(
    lowering: Lowering, node: ast.Call, function: UserFunction, values: list[Number], name: str
) -> Value:
    """The same for what the language itself supplies: all of it stands where the call stands.

    In its body `T` is the type of its first argument.
    """
    return inline_written(lowering, node, function, list(values), name, values[0].type)


def inline_written(
    lowering: Lowering,
    node: ast.expr | ast.stmt,
    function: UserFunction,
    values: list[Value],
    name: str,
    type: Scalar,
) -> Value:
    """The same with arguments of any kind; in the body `T` is `type`."""
    caller = lowering.frame
    row = lookup(type.name)
    assert row is not None
    frame = Frame(
        function,
        lowering.body_of(function),
        lowering.memory.frame(caller.key, node),
        caller.record,
        caller,
        node if isinstance(node, ast.Call) else None,
        lowering.label(),
        place=lowering.span(node),
        statics={"T": MeaningValue(Known(row), ("T",))},
    )
    arguments: Arguments = [
        (argument, value, None)
        for (argument, _), value in zip(parameters(function.node), values, strict=True)
    ]
    return _in_place(lowering, node, frame, arguments, name)


def inline_statics(
    lowering: Lowering,
    node: ast.Call,
    function: UserFunction,
    statics: dict[str, Value],
    name: str,
) -> None:
    """The same for what takes arrays: the names of its body that it does not assign are given.

    Numbers among them stand for themselves wherever they are named, so they are leaves.
    """
    caller = lowering.frame
    frame = Frame(
        function,
        lowering.body_of(function),
        lowering.memory.frame(caller.key, node),
        caller.record,
        caller,
        node,
        lowering.label(),
        place=lowering.span(node),
        statics=dict(statics),
    )
    _in_place(lowering, node, frame, [], name)


def _inlined(
    lowering: Lowering,
    node: ast.Call,
    function: UserFunction,
    record: Function,
    arguments: Arguments | None,
    given: FunctionValue | None = None,
) -> Value:
    caller = lowering.frame
    if given is None or given.closure is None:
        key = (record.argument, record.route), id(function.node)
        record = lowering.functions.setdefault(key, record)
    frame = Frame(
        function,
        lowering.body_of(function),
        lowering.memory.frame(caller.key, node),
        record,
        caller,
        node,
        lowering.label(),
    )
    if given is not None:
        frame.given, frame.closure = given.type, given.closure
    if arguments is None:
        return UNKNOWN
    return _in_place(lowering, node, frame, arguments, function.node.name)


def _in_place(
    lowering: Lowering,
    node: ast.expr | ast.stmt,
    frame: Frame,
    arguments: Arguments,
    name: str,
) -> Value:
    """Lower the body of a helper, as a region under `name`; gives what it returns."""
    function = frame.function
    if type_variables(function, lowering.resolver):
        types = bound_types(lowering, function, arguments, node)
        if types is None:
            return UNKNOWN
        frame.types = types
    with lowering.collect() as block:
        returned = _execute(lowering, frame, arguments)
    label = frame.label
    assert label is not None
    lowering.emit(Inline(label, name, tuple(block), lowering.span(node)))
    if frame.returned is not None:
        return frame.returned
    if not frame.body.returns_value:
        return NOTHING
    return lowering.read((frame.key, RESULT), node) if returned else UNKNOWN


def _may_nest(lowering: Lowering, node: ast.Call, function: UserFunction) -> bool:
    """Whether a call is neither one of a function that is being inlined nor too deep."""
    name = function.node.name
    depth = 0
    above: Frame | None = lowering.frame
    through: list[str] = []
    while above is not None:
        if above.function.node is function.node:
            message = ox007_recursion.message(name, tuple(reversed(through)))
            lowering.report(ox007_recursion.RULE, node, message)
            return False
        through.append(above.function.node.name)
        above = above.parent
        depth += 1
    if depth > _DEEPEST_CALLS:
        lowering.refuse(node, f"`{name}` is called {depth} calls deep; kernels inline their calls")
        return False
    return True


def inline_alone(lowering: Lowering) -> None:
    """Lower the body of a helper that nothing calls, with unknown numbers and arrays, for the
    mistakes that no call could mend. What a call alone decides is silent."""
    function, caller = lowering.root, lowering.frame
    for name, options in type_variables(function, lowering.resolver).items():
        if not isinstance(options, BadAnnotation):
            caller.types[name] = options[0]
    key = lowering.memory.frame(caller.key, function.node)
    frame = Frame(
        function,
        caller.body,
        key,
        caller.record,
        caller,
        label=lowering.label(),
        types=caller.types,
    )
    arguments: Arguments = [
        (argument, _given(lowering, argument), None) for argument, _ in parameters(function.node)
    ]
    with lowering.collect():
        _execute(lowering, frame, arguments)
    if any(value is UNKNOWN for _, value, _ in arguments):
        lowering.unexplained = None


def _given(lowering: Lowering, argument: ast.arg) -> Value:
    """Some value of a parameter's type; UNKNOWN where the annotation leaves it open."""
    if argument.annotation is None:
        return UNKNOWN
    types = lowering.frame.types
    type = read_annotation(argument.annotation, lowering.root.scope, lowering.resolver, types)
    name, span = argument.arg, lowering.span(argument)
    match type:
        case Scalar() | StructType():

            def make(path: str, leaf: Leaf) -> Value:
                return (
                    Number(Param(path, leaf, span), leaf) if isinstance(leaf, Scalar) else UNKNOWN
                )

            return from_fields(type, name, make)
        case CallableType():
            return FunctionValue(name, type, None)
        case ArrayType(rank=rank) if rank is not None:
            shape = tuple(Dim(name, axis, span) for axis in range(rank))
            array = Array(name, type.element, shape, type.space, type.ownership, span)
            return ArrayValue(array, type.ownership is Ownership.READ_ONLY)
        case _:
            return UNKNOWN


def _execute(lowering: Lowering, frame: Frame, arguments: Arguments) -> bool:
    """Lower the body of a helper in its frame; whether the type of its result can be read."""
    caller, node = lowering.frame, frame.function.node
    _enter(lowering, frame, arguments)
    lowering.frame = frame
    returned = True
    if lowering.is_typed:
        declare_locals(lowering)
        returned = _declare_result(lowering, frame)
    lowering.execute(frame.body.statements, tail=True)
    if frame.body.returns_value and not _ends(lowering, frame.body.statements):
        lowering.mismatch(node, f"`{node.name}` returns a value on some paths only")
    lowering.frame = caller
    return returned


def _enter(lowering: Lowering, frame: Frame, arguments: Arguments) -> None:
    """Give the parameters their values: checked at the call, bound in the helper's frame."""
    caller = lowering.frame
    name = frame.function.node.name
    lowering.frame = frame
    refuse_signature(lowering, frame.function.node)
    for place, (argument, value, at) in enumerate(arguments):
        lowering.frame = frame
        if not lowering.is_typed:
            _bind_untyped(lowering, argument, lowering.passed(frame.function, place, value))
            continue
        type: AnnotatedType | None
        if frame.given is not None and argument.annotation is None:
            type = frame.given.parameters[place]
        elif frame.closure is not None and argument.annotation is None:
            frame.statics[argument.arg] = _own(lowering, value, argument)
            continue
        else:
            type = annotated_type(lowering, argument, argument, name)
        lowering.frame = caller if at is not None else frame
        node = at if at is not None else argument
        what = f"parameter `{argument.arg}` of `{name}`"
        bound = _converted(lowering, type, value, node, what)
        lowering.frame = frame
        if isinstance(bound, Number | TupleValue):
            if argument.arg not in frame.body.assigned and not is_settled(bound):
                key = (frame.key, argument.arg)
                copy_value(lowering, key, bound, lowering.span(argument))
                frame.statics[argument.arg] = lowering.read(key, argument)
            else:
                bind_value(lowering, argument.arg, bound, argument)
        else:
            frame.statics[argument.arg] = bound
    lowering.frame = caller


def _bind_untyped(lowering: Lowering, argument: ast.arg, value: Value) -> None:
    """A parameter that has no type is what it is given, in a name of its own where the function
    assigns it."""
    frame = lowering.frame
    if argument.arg in frame.body.assigned and isinstance(value, Number | TupleValue):
        key, node = (frame.key, argument.arg), _expression(argument)
        lowering.assign(key, value, node, lowering.span(argument))
    elif isinstance(value, TupleValue):
        items = (_own(lowering, item, argument) for item in value.items)
        frame.statics[argument.arg] = TupleValue(tuple(items), value.struct)
    else:
        frame.statics[argument.arg] = _own(lowering, value, argument)


def _own(lowering: Lowering, value: Value, node: ast.arg) -> Value:
    """An argument of a lambda whose parameters have no types: as it is, evaluated once."""
    if isinstance(value, Number) and not is_plain(value):
        return lowering.hold(value, lowering.span(node))
    return value


def _converted(
    lowering: Lowering,
    type: AnnotatedType | None,
    value: Value,
    node: ast.expr | ast.arg,
    what: str,
) -> Value:
    """An argument as its parameter's type; UNKNOWN where it was reported."""
    if type is None or isinstance(value, Unknown):
        return UNKNOWN
    expression = _expression(node)
    match type:
        case Scalar() | StructType():
            return converted(lowering, type, value, expression, what)
        case CallableType():
            return passed(lowering, type, value, expression, what)
        case ConstType(inner=inner):
            if isinstance(value, Number) and not value.constant:
                return lowering.mismatch(
                    node, f"{what} is known when compiling, `{lowering.text(expression)}` is not"
                )
            if isinstance(inner, DtypeType):
                return _scalar_type(lowering, inner, value, expression, what)
            return converted(lowering, inner, value, expression, what)
        case DtypeType():
            return _scalar_type(lowering, type, value, expression, what)
        case ArrayType():
            if not isinstance(value, ArrayValue):
                return lowering.mismatch(
                    node, f"{what} is a `{type.text}`, the argument is not an array"
                )
            return _array(lowering, type, value, node, what)
        case TupleType(items=types):
            if not isinstance(value, TupleValue) or len(value.items) != len(types):
                return lowering.mismatch(node, f"{what} is a tuple of {len(types)}")
            items = [
                _converted(lowering, one, item, node, what)
                for one, item in zip(types, value.items, strict=True)
            ]
            if any(isinstance(item, Unknown) for item in items):
                return UNKNOWN
            held = (
                lowering.hold(item, lowering.span(node)) if isinstance(item, Number) else item
                for item in items
            )
            return TupleValue(tuple(held))
        case NoType() | BadAnnotation():
            return lowering.mismatch(node, f"{what} has no type that a kernel can pass")


def _scalar_type(
    lowering: Lowering, type: DtypeType, value: Value, node: ast.expr, what: str
) -> Value:
    if scalar_of(value) in type.options:
        return value
    return lowering.mismatch(node, f"{what} is a scalar type such as {type.options[0]}")


def _array(
    lowering: Lowering, type: ArrayType, value: ArrayValue, node: ast.expr | ast.arg, what: str
) -> Value:
    array = value.array
    given = f"`{lowering.text(_expression(node))}`"
    if array.element != type.element:
        return lowering.mismatch(
            node, f"{what} holds {type.element}, {given} holds {array.element}"
        )
    if type.rank is not None and value.rank != type.rank:
        return lowering.mismatch(
            node, f"{what} has {type.rank} dimensions, {given} has {value.rank}"
        )
    reader = type.ownership is Ownership.READ_ONLY
    is_slice = reader or type.ownership is Ownership.DISJOINT
    if array.space is not Space.GLOBAL and value.view is not None and is_slice:
        # A view of scratch memory passes for a slice: where it lies is the base's matter.
        if value.read_only and not reader:
            return lowering.mismatch(node, f"{what} is a `{type.text}`, {given} is read-only")
        return replace(value, read_only=reader)
    if array.space is not type.space:
        return lowering.mismatch(
            node, f"{what} is a `{type.text}`, {given} is a {array.space} array"
        )
    if array.ownership is type.ownership and not (value.read_only and not reader):
        return value
    if reader and array.ownership is Ownership.DISJOINT:
        return replace(value, read_only=True)
    kind = "read-only" if value.read_only else array.ownership.value
    return lowering.mismatch(node, f"{what} is a `{type.text}`, {given} is {kind}")


def _bind(lowering: Lowering, node: ast.Call, function: UserFunction) -> Arguments | None:
    """Each parameter with its argument, as Python matches them; None where it was reported."""
    name = function.node.name
    declared = parameters(function.node)
    positional = declared[: len(declared) - len(function.node.args.kwonlyargs)]
    position_only = {argument.arg for argument in function.node.args.posonlyargs}
    given: dict[str, tuple[Value, ast.expr]] = {}
    failed = False
    for k, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            lowering.refuse(argument, "kernels have no starred arguments; write each one")
            return None
        value = lowering.evaluate(argument)
        if k >= len(positional):
            failed = True
        else:
            given[positional[k][0].arg] = value, argument
    if failed:
        count = len(positional)
        lowering.mismatch(
            node, f"`{name}` takes {count} argument{'s' * (count != 1)}, {len(node.args)} are given"
        )
    names = {argument.arg for argument, _ in declared} - position_only
    for keyword in node.keywords:
        value = lowering.evaluate(keyword.value)
        if keyword.arg is None:
            lowering.refuse(keyword.value, "kernels have no starred arguments; write each one")
            return None
        if keyword.arg not in names or keyword.arg in given:
            why = "twice" if keyword.arg in given else f"and `{name}` has no such parameter"
            lowering.mismatch(keyword.value, f"argument `{keyword.arg}` is given {why}")
            failed = True
        given[keyword.arg] = value, keyword.value
    bound: Arguments = []
    for argument, default in declared:
        if argument.arg in given:
            bound.append((argument, *given[argument.arg]))
        elif default is not None:
            bound.append((argument, _default(lowering, function, default), None))
        elif not failed:
            lowering.mismatch(node, f"`{name}` is called without its argument `{argument.arg}`")
            return None
    return None if failed else bound


def _default(lowering: Lowering, function: UserFunction, node: ast.expr) -> Value:
    """The default of a parameter: a number of the source, fixed when the helper is defined."""
    found = constants.evaluate(node, function.scope, lowering.resolver)
    if isinstance(found, NumberConstant) and found.value is not None:
        span = function.scope.source.span(node)
        return literal(found.value, span) or UNKNOWN
    return lowering.refuse(node, f"a default of `{function.node.name}` is no literal number")


def _declare_result(lowering: Lowering, frame: Frame) -> bool:
    """Fix the type of the result where it is annotated; False where that cannot be read."""
    annotation = frame.function.node.returns
    if annotation is None:
        return True
    type = read_annotation(annotation, frame.function.scope, lowering.resolver, frame.types)
    if isinstance(type, BadAnnotation):
        report_annotation(lowering, type, annotation)
        return False
    key = (frame.key, RESULT)
    if isinstance(type, Scalar | StructType):
        if not frame.body.returns_value:
            lowering.mismatch(annotation, f"`{frame.function.node.name}` returns no {type.name}")
        declare(lowering, key, type)
    elif isinstance(type, TupleType):
        lowering.names.shape(key, len(type.items))
        for k, item in enumerate(type.items):
            if isinstance(item, Scalar | StructType):
                declare(lowering, (*key, k), item)
    elif isinstance(type, NoType) and frame.body.returns_value:
        lowering.mismatch(annotation, f"`{frame.function.node.name}` returns a value")
    elif isinstance(type, ArrayType):
        lowering.refuse(annotation, "a helper returns numbers; pass it the array to write to")
        return False
    return True


def _ends(lowering: Lowering, body: list[ast.stmt]) -> bool:
    """Whether no path leads past the last statement."""
    last = body[-1] if body else None
    match last:
        case ast.Return():
            return True
        case ast.If(body=then, orelse=otherwise):
            return _ends(lowering, then) and _ends(lowering, otherwise)
        case ast.With(body=inner):
            return _ends(lowering, inner)
        case ast.Match(cases=cases):
            return is_exhaustive(lowering, cases) and all(
                _ends(lowering, case.body) for case in cases
            )
        case ast.While(test=ast.Constant(value=value), body=inner):
            return bool(value) and not _breaks(inner)
        case _:
            return False


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a `break` of this loop stands in its body."""
    for statement in body:
        match statement:
            case ast.Break():
                return True
            case ast.If(body=then, orelse=otherwise):
                if _breaks(then) or _breaks(otherwise):
                    return True
            case ast.With(body=inner):
                if _breaks(inner):
                    return True
            case ast.Match(cases=cases):
                if any(_breaks(case.body) for case in cases):
                    return True
            case _:
                pass
    return False


def _expression(node: ast.expr | ast.arg) -> ast.expr:
    """The node as an expression: only its place is used."""
    if isinstance(node, ast.expr):
        return node
    return ast.copy_location(ast.Name(node.arg, ast.Load()), node)
