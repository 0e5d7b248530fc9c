"""Parameters and annotated locals: from annotations to what the names of a function stand for."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import outside, spelling
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
from oxide_analyzer.frontends.oxide.generics import mentions, type_variables
from oxide_analyzer.frontends.oxide.meanings import ClassKind, Known
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.structs import declare, from_fields, structs_of
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    MeaningValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.kernel import ArrayParameter, Function, FunctionArgument, ScalarParameter
from oxide_analyzer.ir.nodes import Array, Assign, Dim, Ownership, Param, Space
from oxide_analyzer.language.builtins import lookup
from oxide_analyzer.language.types import BF16, F32, Scalar
from oxide_analyzer.rules import (
    ox001_syntax_error,
    ox002_unsupported_construct,
    ox003_type_mismatch,
    ox004_unknown_name,
    ox005_missing_annotation,
    ox006_host_object_in_kernel,
)

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.annotations import AnnotatedType, Leaf
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.names import Key
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.kernel import Parameter
    from oxide_analyzer.source import Located, Span

_RULES = {
    module.RULE.code: module.RULE
    for module in (
        ox001_syntax_error,
        ox002_unsupported_construct,
        ox003_type_mismatch,
        ox004_unknown_name,
        ox006_host_object_in_kernel,
    )
}


def report_annotation(lowering: Lowering, bad: BadAnnotation, node: ast.expr) -> None:
    """Say why an annotation is not read."""
    if bad.code == "OX004":
        message, _ = spelling.unknown(lowering, bad.message)
        lowering.report(ox004_unknown_name.RULE, node, message)
    else:
        lowering.report(_RULES[bad.code], node, bad.message)


def annotated_type(
    lowering: Lowering, argument: ast.arg, node: Located, function: str
) -> AnnotatedType | None:
    """The type of a parameter; None where it was reported."""
    if argument.annotation is None:
        message = ox005_missing_annotation.message(argument.arg, function)
        lowering.report(ox005_missing_annotation.RULE, node, message)
        return None
    scope = lowering.frame.function.scope
    types = lowering.frame.types
    type = read_annotation(argument.annotation, scope, lowering.resolver, types)
    if isinstance(type, BadAnnotation):
        report_annotation(lowering, type, argument.annotation)
        return None
    return type


def kernel_parameters(lowering: Lowering) -> tuple[Parameter, ...]:
    """The signature of the kernel; its names are bound in the frame."""
    node = lowering.root.node
    refuse_signature(lowering, node)
    frame = lowering.frame
    _choose_types(lowering)
    found: list[Parameter] = []
    seen: set[str] = set()
    for argument, _ in parameters(node):
        name = argument.arg
        if name in seen:
            lowering.report(
                ox001_syntax_error.RULE,
                argument,
                f"duplicate argument '{name}' in function definition",
            )
        seen.add(name)
        lowering.unique(name)
        if name in frame.statics:
            # `self`, which was refused before.
            continue
        span = lowering.source.span(argument)
        match annotated_type(lowering, argument, argument, node.name):
            case Scalar() as type:
                if type == BF16:
                    lowering.mismatch(argument, f"`{name}` is a bf16; numbers are given as `f32`")
                found.append(ScalarParameter(name, type, span))
                bind_value(lowering, name, Number(Param(name, type, span), type), argument)
            case ArrayType(space=Space.GLOBAL) as type:
                shape = tuple(Dim(name, axis, span) for axis in range(type.rank or 1))
                array = Array(name, type.element, shape, Space.GLOBAL, type.ownership, span)
                lowering.arrays[name] = array
                found.append(ArrayParameter(name, span))
                frame.statics[name] = ArrayValue(array, type.ownership is Ownership.READ_ONLY)
            case ArrayType(text=text):
                lowering.mismatch(argument, f"`{text}` is made in the kernel, not given to it")
                frame.statics[name] = UNKNOWN
            case StructType() as type:

                def field(path: str, type: Leaf, span: Span = span) -> Value:
                    if not isinstance(type, Scalar):
                        return UNKNOWN
                    found.append(ScalarParameter(path, type, span))
                    return Number(Param(path, type, span), type)

                if type.owner.kind is ClassKind.POLICY:
                    lowering.mismatch(
                        argument,
                        f"`{type.name}` is a frozen dataclass: write `Const[{type.name}]`, or make "
                        "it a `@struct`",
                    )
                bind_value(lowering, name, from_fields(type, name, field), argument)
                lowering.structs += structs_of(type, name)
            case ConstType(inner=inner):
                frame.statics[name] = _constant(lowering, name, inner, argument)
                if isinstance(inner, StructType):
                    lowering.structs += structs_of(inner, name)
                if name in frame.body.assigned:
                    lowering.mismatch(argument, f"`{name}` is a `Const` and is assigned below")
            case CallableType() as type:
                frame.statics[name] = _function(lowering, name, type, span)
            case DtypeType():
                text = ast.unparse(argument.annotation) if argument.annotation else "type[f32]"
                lowering.mismatch(argument, f"a type is known when compiling: `Const[{text}]`")
                frame.statics[name] = UNKNOWN
            case TupleType() | NoType():
                lowering.refuse(argument, "a kernel takes scalars, structs and slices")
                frame.statics[name] = UNKNOWN
            case BadAnnotation() | None:
                frame.statics[name] = UNKNOWN
    declare_locals(lowering)
    return tuple(found)


def _choose_types(lowering: Lowering) -> None:
    """What the type variables of the kernel stand for in this reading, and who decides them."""
    frame, resolver = lowering.frame, lowering.resolver
    node, scope = lowering.root.node, lowering.root.scope
    for name, options in type_variables(lowering.root, resolver).items():
        if isinstance(options, BadAnnotation):
            lowering.mismatch(node.args.args[0] if node.args.args else node, options.message)
            frame.types[name] = F32
            continue
        frame.types[name] = outside.choose(lowering, name, options)
        arrays: list[str] = []
        scalars: list[str] = []
        for argument, _ in parameters(node):
            annotation = argument.annotation
            if annotation is None or not mentions(annotation, name):
                continue
            match read_annotation(annotation, scope, resolver, {name: options[0]}):
                case ArrayType():
                    arrays.append(argument.arg)
                case Scalar():
                    scalars.append(argument.arg)
                case _:
                    pass
        choice = lowering.choices[name]
        lowering.choices[name] = replace(choice, arrays=tuple(arrays), scalars=tuple(scalars))


def _constant(lowering: Lowering, name: str, type: Leaf | StructType, argument: ast.arg) -> Value:
    """A `Const` argument: symbols, and types that this reading chooses."""

    def make(path: str, leaf: Leaf) -> Value:
        if not isinstance(leaf, DtypeType):
            return outside.argument(lowering, path, leaf, argument)
        row = lookup(outside.choose(lowering, path, leaf.options).name)
        return UNKNOWN if row is None else MeaningValue(Known(row), tuple(path.split(".")))

    return from_fields(type, name, make)


def _function(lowering: Lowering, name: str, type: CallableType, span: Span) -> Value:
    """A `Callable` argument: what the launch was given, or any function."""
    given = lowering.given.functions.get(name)
    if given is None:
        lowering.callables.append(FunctionArgument(name, span))
        return FunctionValue(name, type, None)
    function = given.function
    source = function.scope.source
    qualname = function.scope.qualify(function.node.name)
    record = Function((), source.path, qualname, source.span(function.node), name)
    lowering.functions[name, id(function.node)] = record
    return FunctionValue(name, type, function, record)


def bind_value(lowering: Lowering, name: str, value: Value, node: Located) -> None:
    """A parameter stands for its value; one that the function assigns is copied to locals."""
    frame = lowering.frame
    if name not in frame.body.assigned:
        frame.statics[name] = value
    else:
        copy_value(lowering, (frame.key, name), value, lowering.span(node))


def copy_value(lowering: Lowering, key: Key, value: Value, span: Span) -> None:
    """Put a number, or the numbers of a tuple or struct, into locals of exactly their types."""
    match value:
        case Number(type=type, expr=expr):
            lowering.names.declare(key, type)
            lowering.emit(Assign(lowering.local(key, type), expr, span))
        case TupleValue(items=items, struct=struct):
            lowering.names.shape(key, len(items), struct)
            for k, item in enumerate(items):
                copy_value(lowering, (*key, k), item, span)
        case _:
            pass


def declare_locals(lowering: Lowering) -> None:
    """Annotated locals have their type from the start of the function."""
    frame = lowering.frame
    for name, annotation in frame.body.annotations.items():
        type = read_annotation(annotation, frame.function.scope, lowering.resolver, frame.types)
        match type:
            case Scalar() | StructType():
                declare(lowering, (frame.key, name), type)
            case BadAnnotation():
                report_annotation(lowering, type, annotation)
            case _:
                pass


def refuse_signature(lowering: Lowering, node: FunctionNode) -> None:
    """Report what no kernel and no helper can have in its signature."""
    if isinstance(node, ast.AsyncFunctionDef):
        lowering.refuse(node, f"`{node.name}` is `async`; kernels wait for nothing but each other")
    arguments = node.args
    if arguments.vararg is not None:
        lowering.refuse(arguments.vararg, f"`*{arguments.vararg.arg}`; write each parameter")
    if arguments.kwarg is not None:
        lowering.refuse(arguments.kwarg, f"`**{arguments.kwarg.arg}`; write each parameter")
