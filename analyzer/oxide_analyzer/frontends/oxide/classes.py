"""Classes that kernels know: structs and frozen dataclasses by fields, enums by members.

    @struct                            Params   -> STRUCT  dt: f32, n: i32 = 4
    class Params:
        dt: f32
        n: i32 = 4

    class Op(IntEnum):                 Op       -> ENUM    ADD = 0, MUL = 1
        ADD = 0
        MUL = auto()

What makes a class one of these is its decorator or its bases, read by meaning; methods are the
host's business, and a kernel sees none of them.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    EnumMember,
    HostObject,
    Known,
    NumberConstant,
)

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.meanings import UserClass
    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import Scope

_ENUMS = {"`enum.IntEnum`", "`enum.Enum`"}
_DATACLASS = "`dataclasses.dataclass`"
_AUTO = "`enum.auto`"


def kind_of(node: ast.ClassDef, scope: Scope, resolver: Resolver) -> ClassKind | None:
    """What kernels take a class for; None if for nothing."""
    for base in node.bases:
        match resolver.expression(base, scope):
            case HostObject(what=what) if what in _ENUMS:
                return ClassKind.ENUM
            case _:
                pass
    for decorator in node.decorator_list:
        called = isinstance(decorator, ast.Call)
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        match resolver.expression(target, scope):
            case Known(builtin=row) if row.name == "struct":
                return ClassKind.STRUCT
            case HostObject(what=what) if what == _DATACLASS and called:
                if _is_frozen(decorator):
                    return ClassKind.POLICY
            case _:
                pass
    return None


def members(owner: UserClass, resolver: Resolver) -> dict[str, EnumMember]:
    """The members of an enum whose values are integers, as far as the source says them."""
    found: dict[str, EnumMember] = {}
    inside = owner.scope.inner(owner.node)
    highest = 0
    for statement in owner.node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                number = _member(value, found, inside, resolver, highest)
                if number is not None:
                    found[name] = EnumMember(owner, name, number)
                    highest = max(highest, number)
            case _:
                pass
    return found


def fields(owner: UserClass) -> list[tuple[str, ast.expr, ast.expr | None]]:
    """The fields of a struct with their annotations and defaults, in order."""
    return [
        (statement.target.id, statement.annotation, statement.value)
        for statement in owner.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def _member(
    value: ast.expr, known: dict[str, EnumMember], scope: Scope, resolver: Resolver, highest: int
) -> int | None:
    match value:
        case ast.Call(func=function, args=[]):
            match resolver.expression(function, scope):
                case HostObject(what=what) if what == _AUTO:
                    return highest + 1
                case _:
                    return None
        case ast.Name(id=name) if name in known:
            return known[name].value
        case _:
            found = constants.evaluate(value, scope, resolver)
            if isinstance(found, NumberConstant) and type(found.value) is int:
                return found.value
            return None


def _is_frozen(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(
        keyword.arg == "frozen"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in decorator.keywords
    )
