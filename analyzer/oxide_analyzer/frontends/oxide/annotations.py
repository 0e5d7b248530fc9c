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
    TypeExpression,
    UserClass,
)
from oxide_analyzer.ir.nodes import Ownership, Space
from oxide_analyzer.language.builtins import PLANNED_NAMES, BuiltinKind
from oxide_analyzer.language.types import I64, SCALARS, Scalar
from oxide_analyzer.record import record

if TYPE_CHECKING:
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
    type: Scalar | StructType
    default: ast.expr | None


@record
class NoType:
    """`None`: a function without a result."""


@record
class BadAnnotation:
    """What cannot be read, and which rule says so: OX002, OX003, OX004 or OX006."""

    code: str
    message: str


AnnotatedType: TypeAlias = Scalar | ArrayType | TupleType | StructType | NoType | BadAnnotation


def read_annotation(
    node: ast.expr, scope: Scope, resolver: Resolver, depth: int = 0
) -> AnnotatedType:
    """The type that an annotation in `scope` names."""
    if depth > _DEEPEST:
        return BadAnnotation("OX002", "the annotation is nested too deeply")
    match node:
        case ast.Constant(value=str() as text):
            try:
                inner = ast.parse(text.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return BadAnnotation("OX001", f"the annotation {text!r} is no expression")
            return read_annotation(inner, scope, resolver, depth + 1)
        case ast.Constant(value=None):
            return NoType()
        case ast.Subscript(value=base, slice=argument):
            return _subscripted(base, argument, scope, resolver, depth)
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
            return read_annotation(inner, outer, resolver, depth + 1)
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
    base: ast.expr, argument: ast.expr, scope: Scope, resolver: Resolver, depth: int
) -> AnnotatedType:
    text = ast.unparse(base)
    meaning = resolver.expression(base, scope)
    if isinstance(meaning, HostObject) and meaning.what == "Python's `tuple`":
        parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
        items = tuple(read_annotation(part, scope, resolver, depth + 1) for part in parts)
        bad = next((item for item in items if isinstance(item, BadAnnotation)), None)
        return bad or TupleType(items)
    if not isinstance(meaning, Known):
        return _named(base, scope, resolver, depth)
    row = meaning.builtin
    if row.kind not in (BuiltinKind.SLICE, BuiltinKind.SCRATCH):
        return BadAnnotation("OX003", f"`{text}` takes no element type")
    parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    element = read_annotation(parts[0], scope, resolver, depth + 1)
    if isinstance(element, BadAnnotation):
        return element
    if isinstance(element, StructType):
        arrays = ", ".join(f"{field.name}: {text}[{field.type.name}]" for field in element.fields)
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
        type = read_annotation(annotation, owner.scope, resolver, depth + 1)
        match type:
            case Scalar() | StructType():
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
