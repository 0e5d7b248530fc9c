"""What the annotation of a parameter or local says: a scalar, an array, a tuple of scalars.

Quoted annotations, aliases (`Row = Slice[f32]`) and qualified names are read by meaning.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide import classes
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    HostObject,
    Known,
    NumberKind,
    TypeExpression,
    TypeVariable,
    UserClass,
)
from oxide_analyzer.ir.nodes import Ownership, Space
from oxide_analyzer.language.builtins import PLANNED_NAMES, BuiltinKind
from oxide_analyzer.language.types import I64, SCALARS, Kind, Scalar
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import Scope

SCALAR_NAMES: dict[str, Scalar] = {**SCALARS, "int": I64}
_OWNERSHIP = {
    "Slice": Ownership.READ_ONLY,
    "DisjointSlice": Ownership.DISJOINT,
    "AtomicSlice": Ownership.ATOMIC,
}
_SCRATCH = {"SharedArray": Space.SHARED, "LocalArray": Space.LOCAL}
_DEEPEST = 8


@record
class ArrayType:
    """`Slice2D[f32]`, `SharedArray[i32]`; `rank` is None where the annotation leaves it open."""

    text: str
    element: Scalar
    rank: int | None
    space: Space
    ownership: Ownership


@record
class TupleType:
    """`tuple[f32, i32]`."""

    items: tuple[AnnotatedType, ...]


@record
class StructType:
    """A `@struct` class, or a frozen dataclass: its fields with their types and defaults."""

    owner: UserClass
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.owner.node.name

    def place(self, name: str) -> int | None:
        """Which of the fields has this name."""
        return next((k for k, field in enumerate(self.fields) if field.name == name), None)


@record
class Field:
    """One field of a struct."""

    name: str
    type: Leaf | StructType
    default: ast.expr | None


@record
class NoType:
    """`None`: a function without a result."""


@record
class BadAnnotation:
    """What cannot be read, and which rule says so: OX002, OX003, OX004 or OX006."""

    code: str
    message: str


@record
class ConstType:
    """`Const[int]`: known when the kernel is compiled. Of a dataclass every field is."""

    inner: Leaf | StructType


@record
class DtypeType:
    """`type[f32]`: a scalar type as a value, one of `options`."""

    options: tuple[Scalar, ...]


@record
class CallableType:
    """`Callable[[f32], f32]`."""

    parameters: tuple[Scalar | StructType, ...]
    result: Scalar | StructType


Leaf: TypeAlias = Scalar | NumberKind | DtypeType
AnnotatedType: TypeAlias = (
    Scalar
    | ArrayType
    | TupleType
    | StructType
    | ConstType
    | DtypeType
    | CallableType
    | NoType
    | BadAnnotation
)


def read_annotation(
    node: ast.expr,
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None = None,
    depth: int = 0,
) -> AnnotatedType:
    """The type that an annotation in `scope` names; `types` are what type variables stand for."""
    if depth > _DEEPEST:
        return BadAnnotation("OX002", "the annotation is nested too deeply")
    match node:
        case ast.Constant(value=str() as text):
            try:
                inner = ast.parse(text.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return BadAnnotation("OX001", f"the annotation {text!r} is no expression")
            return read_annotation(inner, scope, resolver, types, depth + 1)
        case ast.Constant(value=None):
            return NoType()
        case ast.Subscript(value=base, slice=argument):
            return _subscripted(base, argument, scope, resolver, types, depth)
        case ast.Name(id=name) if types and name in types:
            return types[name]
        case ast.Name() | ast.Attribute():
            return _named(node, scope, resolver, depth)
        case _:
            return BadAnnotation(
                "OX002", "a kernel's types are scalars and slices, such as `Slice[f32]`"
            )


def _named(node: ast.expr, scope: Scope, resolver: Resolver, depth: int) -> AnnotatedType:
    text = ast.unparse(node)
    match resolver.expression(node, scope):
        case Known(builtin=row):
            if row.name in SCALAR_NAMES:
                return SCALAR_NAMES[row.name]
            if row.kind in (BuiltinKind.SLICE, BuiltinKind.SCRATCH):
                return BadAnnotation("OX003", f"`{text}` needs its element type: `{text}[f32]`")
            return BadAnnotation("OX003", f"`{text}` is a {row.kind}, not a type")
        case TypeExpression(node=inner, scope=outer):
            return read_annotation(inner, outer, resolver, None, depth + 1)
        case TypeVariable():
            return BadAnnotation("OX003", f"nothing says what the type variable `{text}` is here")
        case UserClass(kind=ClassKind.ENUM):
            return I64
        case UserClass() as owner:
            return resolver.struct(owner, depth)
        case HostObject(what="Python's `float`"):
            return BadAnnotation(
                "OX003", "`float` does not say its precision; write `f32` or `f64`"
            )
        case HostObject(what=what):
            if what.rpartition(".")[2].strip("`") in PLANNED_NAMES:
                return BadAnnotation("OX002", f"`{text}` is not supported yet as a parameter")
            return BadAnnotation("OX006", f"`{text}` is {what}; kernels take scalars and slices")
        case None:
            return BadAnnotation("OX004", text)
        case _:
            return BadAnnotation("OX003", f"`{text}` is not a type")


def _subscripted(
    base: ast.expr,
    argument: ast.expr,
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None,
    depth: int,
) -> AnnotatedType:
    text = ast.unparse(base)
    meaning = resolver.expression(base, scope)
    parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    match meaning:
        case HostObject(what="Python's `tuple`"):
            items = tuple(
                read_annotation(part, scope, resolver, types, depth + 1) for part in parts
            )
            bad = next((item for item in items if isinstance(item, BadAnnotation)), None)
            return bad or TupleType(items)
        case HostObject(what="Python's `type`"):
            return _dtype(argument, scope, resolver, types, depth)
        case HostObject(what="`collections.abc.Callable`" | "`typing.Callable`"):
            return _callable(parts, scope, resolver, types, depth)
        case Known(builtin=row) if row.name == "Const":
            return _constant(argument, scope, resolver, types, depth)
        case _:
            pass
    if not isinstance(meaning, Known):
        return _named(base, scope, resolver, depth)
    row = meaning.builtin
    if row.kind not in (BuiltinKind.SLICE, BuiltinKind.SCRATCH):
        return BadAnnotation("OX003", f"`{text}` takes no element type")
    element = read_annotation(parts[0], scope, resolver, types, depth + 1)
    if isinstance(element, BadAnnotation):
        return element
    if isinstance(element, StructType):
        arrays = ", ".join(
            f"{field.name}: {text}[{field.type.name}]"
            for field in element.fields
            if isinstance(field.type, Scalar | StructType)
        )
        return BadAnnotation(
            "OX003",
            f"there are no arrays of structs; give each field of `{element.name}` an array of its "
            f"own: `{arrays}`",
        )
    if not isinstance(element, Scalar):
        return BadAnnotation(
            "OX003", f"the elements of `{text}` are scalars, such as `{text}[f32]`"
        )
    stem = row.name.removesuffix("2D").removesuffix("3D")
    rank = int(row.name[-2]) if stem != row.name else 1
    if stem in _OWNERSHIP:
        if len(parts) > 1:
            return BadAnnotation("OX003", f"`{text}` takes one type, that of its elements")
        return ArrayType(f"{row.name}[{element}]", element, rank, Space.GLOBAL, _OWNERSHIP[stem])
    if stem not in _SCRATCH:
        return BadAnnotation("OX003", f"`{text}` is a function; write `SharedArray[{element}]`")
    # `SharedArray[f32, int]` names the type of its shape too, which the argument knows better.
    open_rank = None if rank == 1 else rank
    return ArrayType(
        f"{row.name}[{element}]", element, open_rank, _SCRATCH[stem], Ownership.SCRATCH
    )


def read_struct(owner: UserClass, resolver: Resolver, depth: int = 0) -> StructType | BadAnnotation:
    """The fields of a struct or frozen dataclass."""
    name = owner.node.name
    if depth > _DEEPEST:
        return BadAnnotation("OX002", f"`{name}` is nested too deeply")
    if owner.node.bases:
        return BadAnnotation("OX002", f"`{name}` has a base class; a struct names all its fields")
    found: list[Field] = []
    for field, annotation, default in classes.fields(owner):
        if owner.kind is ClassKind.POLICY:
            type = _held(annotation, owner.scope, resolver, None, depth + 1)
        else:
            type = read_annotation(annotation, owner.scope, resolver, None, depth + 1)
        match type:
            case Scalar() | StructType():
                found.append(Field(field, type, default))
            case NumberKind() | DtypeType() if owner.kind is ClassKind.POLICY:
                found.append(Field(field, type, default))
            case BadAnnotation(code=code, message=message):
                message = f"`{message}` is not defined" if code == "OX004" else message
                code = "OX003" if code == "OX004" else code
                return BadAnnotation(code, f"field `{field}` of `{name}`: {message}")
            case _:
                return BadAnnotation(
                    "OX003",
                    f"field `{field}` of `{name}` is no number: structs hold scalars and structs",
                )
    if not found:
        return BadAnnotation("OX003", f"`{name}` has no fields")
    return StructType(owner, tuple(found))


def _held(
    node: ast.expr,
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None,
    depth: int,
) -> AnnotatedType | NumberKind:
    """The type of something known at compile time: Python's own numbers among them."""
    if isinstance(node, ast.Name | ast.Attribute):
        match resolver.expression(node, scope):
            case HostObject(what="Python's `float`"):
                return NumberKind.FLOAT
            case Known(builtin=row) if row.name in ("int", "bool"):
                return NumberKind(row.name)
            case _:
                pass
    return read_annotation(node, scope, resolver, types, depth + 1)


def _constant(
    node: ast.expr,
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None,
    depth: int,
) -> AnnotatedType:
    """`Const[int]`, `Const[f32]`, `Const[type[f32]]`, `Const[Policy]`."""
    inner = _held(node, scope, resolver, types, depth)
    match inner:
        case Scalar() | StructType() | NumberKind() | DtypeType():
            return ConstType(inner)
        case BadAnnotation():
            return inner
        case _:
            return BadAnnotation(
                "OX003",
                f"`Const[{ast.unparse(node)}]`; a constant is a number, an enum, a scalar type or "
                "a frozen dataclass of these",
            )


def _dtype(
    node: ast.expr,
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None,
    depth: int,
) -> AnnotatedType:
    """`type[f32]` is any type of floats, `type[i32]` any of integers, as it is to type checkers."""
    inner = read_annotation(node, scope, resolver, types, depth + 1)
    if isinstance(inner, BadAnnotation):
        return inner
    if not isinstance(inner, Scalar):
        return BadAnnotation("OX003", f"`type[{ast.unparse(node)}]` names no scalar type")
    alike = (
        t for t in SCALARS.values() if t.is_float == inner.is_float and t.kind is not Kind.BOOL
    )
    return DtypeType(tuple(dict.fromkeys((inner, *alike))))


def _callable(
    parts: list[ast.expr],
    scope: Scope,
    resolver: Resolver,
    types: Mapping[str, Scalar] | None,
    depth: int,
) -> AnnotatedType:
    """`Callable[[f32], f32]`."""
    if len(parts) != 2 or not isinstance(parts[0], ast.List):
        return BadAnnotation("OX003", "a function is written `Callable[[f32], f32]`")
    read = [
        read_annotation(part, scope, resolver, types, depth + 1)
        for part in (*parts[0].elts, parts[1])
    ]
    found: list[Scalar | StructType] = []
    for type in read:
        match type:
            case BadAnnotation():
                return type
            case Scalar() | StructType():
                found.append(type)
            case _:
                return BadAnnotation(
                    "OX003",
                    "a function that is given to a kernel takes and gives numbers or structs",
                )
    return CallableType(tuple(found[:-1]), found[-1])
