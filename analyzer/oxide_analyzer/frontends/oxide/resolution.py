"""What names mean: through imports, aliases and re-exports, by reading and never by importing.

    import oxide as ox                 ox.thread.x   -> Known(thread.x)
    from oxide import kernel as k      k             -> Known(kernel)
    from .config import BLOCK          BLOCK         -> NumberConstant(256)
    F = ox.f32                         F             -> Known(f32)

Only a name that its scope binds once has a meaning of its own; several imports or definitions of
one name count as the last, several assignments as a number that only the live program knows.
"""

from __future__ import annotations

import ast
import builtins as python_builtins
import sys
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import classes, constants
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    EnumMember,
    FunctionRole,
    HostObject,
    Known,
    Meaning,
    ModuleMeaning,
    NumberConstant,
    NumberKind,
    TupleConstant,
    TypeExpression,
    TypeVariable,
    UserClass,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.outlines import outline
from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.scopes import (
    Assigned,
    Defined,
    Imported,
    Parameter,
    module_scope,
)
from oxide_analyzer.language.builtins import (
    HOST_NAMES,
    PLANNED_NAMES,
    Origin,
    lookup,
    member,
    names_of,
)
from oxide_analyzer.language.types import SCALARS, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.frontends.oxide.annotations import BadAnnotation, StructType
    from oxide_analyzer.frontends.oxide.scopes import Binding, FunctionNode, Scope
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

_OXIDE = "oxide"
_MATH = "math"
_PYTHON_NAMES = frozenset(names_of(Origin.PYTHON))
# Looking into the source of these would find nothing that a kernel can use.
_FOREIGN = frozenset(sys.stdlib_module_names) | {"cupy", "numba", "numpy", "scipy", "torch"}
_ANNOTATED_KINDS = {
    "int": NumberKind.INT,
    "float": NumberKind.FLOAT,
    "bool": NumberKind.BOOL,
    "f16": NumberKind.FLOAT,
    "bf16": NumberKind.FLOAT,
    "f32": NumberKind.FLOAT,
    "f64": NumberKind.FLOAT,
}


_TYPE_VARIABLES = {"`typing.TypeVar`", "`typing_extensions.TypeVar`"}


class Resolver:
    """Meanings of names during one reading; remembers what it has found."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._meanings: dict[tuple[int, str], Meaning | None] = {}
        self.variables: dict[int, dict[str, tuple[Scalar, ...] | BadAnnotation]] = {}
        self._roles: dict[int, FunctionRole] = {}
        self._structs: dict[int, StructType | BadAnnotation] = {}
        self._members: dict[int, dict[str, EnumMember]] = {}
        self._scopes: list[Scope] = []
        self._modules_read: dict[str, Scope | None] = {}
        # What modules take from others by `from other import *`.
        self._passed_on: dict[tuple[str, str], Meaning | None] = {}

    def name(self, name: str, scope: Scope) -> Meaning | None:
        """What `name` means in code that stands in `scope`."""
        inside: Scope | None = scope
        while inside is not None:
            # Functions see the names of a class only from its own body.
            if not inside.is_class or inside is scope:
                found = self._bound(name, inside)
                if found is not None:
                    return found
            inside = inside.parent
        if name in _PYTHON_NAMES:
            row = lookup(name)
            return Known(row) if row is not None else None
        if hasattr(python_builtins, name):
            return HostObject(f"Python's `{name}`")
        return None

    def attribute(self, meaning: Meaning, attribute: str) -> Meaning | None:
        """What `meaning.attribute` means; None where there is no such attribute."""
        match meaning:
            case Known(builtin=row):
                found = member(row, attribute)
                return Known(found) if found is not None else None
            case ModuleMeaning(name=name, source=source):
                return self._exported(name, source, attribute)
            case HostObject(what=what):
                return HostObject(f"an attribute of {what}")
            case UserFunction(node=node):
                return HostObject(f"an attribute of the function `{node.name}`")
            case UserClass(kind=ClassKind.ENUM) as owner:
                return self.members(owner).get(attribute)
            case UserClass(node=node):
                return HostObject(f"an attribute of the class `{node.name}`")
            case EnumMember(owner=owner, name=name, value=value) if attribute == "value":
                return NumberConstant(NumberKind.INT, value, owner.scope, name)
            case EnumMember() | TypeVariable():
                return None
            case NumberConstant() | TupleConstant() | TypeExpression():
                return None

    def expression(self, node: ast.expr, scope: Scope) -> Meaning | None:
        """What a dotted name means, read outside of kernels: in a decorator, an annotation."""
        match node:
            case ast.Name(id=name):
                return self.name(name, scope)
            case ast.Attribute(value=value, attr=attribute):
                base = self.expression(value, scope)
                return self.attribute(base, attribute) if base is not None else None
            case _:
                return None

    def role(self, node: FunctionNode, scope: Scope) -> FunctionRole:
        """Whether decorators make a function a kernel or callable from kernels."""
        known = self._roles.get(id(node))
        if known is None:
            known = FunctionRole.PLAIN
            for decorator in node.decorator_list:
                target = decorator.func if isinstance(decorator, ast.Call) else decorator
                match self.expression(target, scope):
                    case Known(builtin=row) if row.name == "kernel":
                        known = FunctionRole.KERNEL
                    case Known(builtin=row) if row.name == "device" and known is FunctionRole.PLAIN:
                        known = FunctionRole.DEVICE
                    case _:
                        pass
            self._roles[id(node)] = known
        return known

    def struct(self, owner: UserClass, depth: int = 0) -> StructType | BadAnnotation:
        """The fields of a struct or frozen dataclass."""
        from oxide_analyzer.frontends.oxide.annotations import read_struct

        known = self._structs.get(id(owner.node))
        if known is None:
            known = self._structs[id(owner.node)] = read_struct(owner, self, depth + 1)
        return known

    def members(self, owner: UserClass) -> dict[str, EnumMember]:
        """The members of an enum."""
        known = self._members.get(id(owner.node))
        if known is None:
            known = self._members[id(owner.node)] = classes.members(owner, self)
        return known

    def names(self, scope: Scope) -> list[str]:
        """Every name that code in `scope` can say, for "did you mean"."""
        found: list[str] = []
        inside: Scope | None = scope
        while inside is not None:
            found += inside.bindings
            if any(star == _OXIDE for star in inside.stars):
                found += names_of(Origin.OXIDE)
            inside = inside.parent
        return [*found, *_PYTHON_NAMES]

    # ------------------------------------------------------------ private

    def _bound(self, name: str, scope: Scope) -> Meaning | None:
        key = id(scope), name
        if key not in self._meanings:
            # A name that is defined by itself, directly or around a ring of imports, has none.
            self._meanings[key] = None
            self._scopes.append(scope)
            bindings = scope.bindings.get(name)
            if bindings is not None:
                self._meanings[key] = self._meaning(name, bindings, scope)
            else:
                self._meanings[key] = self._starred(name, scope.stars, scope.source)
        return self._meanings[key]

    def _meaning(self, name: str, bindings: list[Binding], scope: Scope) -> Meaning | None:
        last = bindings[-1]
        match last:
            case Imported(module=module, attribute=None):
                return self._module(module, scope.source)
            case Imported(module=module, attribute=attribute) if attribute is not None:
                found = self._module(module, scope.source)
                return self._exported(found.name, found.source, attribute, module, scope.source)
            case Defined(node=ast.ClassDef(name=class_name) as node):
                kind = classes.kind_of(node, scope, self)
                if kind is None or len(bindings) > 1:
                    return HostObject(f"the class `{class_name}`")
                return UserClass(node, scope, kind)
            case Defined(node=node):
                assert not isinstance(node, ast.ClassDef)
                return UserFunction(node, scope, self.role(node, scope))
            case Parameter(argument=argument, default=default):
                kind = self._kind(argument.annotation, scope)
                if kind is None and default is not None:
                    given = constants.evaluate(default, scope, self)
                    kind = given.kind if isinstance(given, NumberConstant) else None
                return NumberConstant(kind or NumberKind.INT, None, scope, name)
            case Assigned(value=value, annotation=annotation):
                return self._assigned(name, value, annotation, scope, len(bindings) == 1)
            case _:
                return None

    def _assigned(
        self,
        name: str,
        value: ast.expr | None,
        annotation: ast.expr | None,
        scope: Scope,
        once: bool,
    ) -> Meaning | None:
        kind = self._kind(annotation, scope)
        if value is None:
            return NumberConstant(kind or NumberKind.INT, None, scope, name)
        if isinstance(value, ast.Name | ast.Attribute):
            found = self.expression(value, scope)
            is_value = isinstance(found, Known) and found.builtin.name in constants.MATH_VALUES
            if not is_value and not isinstance(found, NumberConstant | TupleConstant):
                return found
        if isinstance(value, ast.Subscript):
            return TypeExpression(value, scope)
        if isinstance(value, ast.Call) and self._is_type_variable(value, scope):
            return TypeVariable(name, tuple(value.args[1:]), scope)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return HostObject("a string")
        found = constants.evaluate(value, scope, self)
        match found:
            case NumberConstant(kind=own, value=number):
                # What a function may assign again, and every cell of a closure, is the
                # live program's to say.
                literal = number if once and scope.is_module else None
                return NumberConstant(kind or own, literal, scope, name)
            case TupleConstant():
                named = _named_items(found, name, scope, is_known=once and scope.is_module)
                return TupleConstant(named.items, self._element(annotation, scope))
            case None if kind is not None or isinstance(value, ast.Call):
                return NumberConstant(kind or NumberKind.INT, None, scope, name)
            case _:
                return HostObject(constants.describe(value))

    def _is_type_variable(self, value: ast.Call, scope: Scope) -> bool:
        match self.expression(value.func, scope):
            case HostObject(what=what):
                return what in _TYPE_VARIABLES
            case _:
                return False

    def _kind(self, annotation: ast.expr | None, scope: Scope) -> NumberKind | None:
        if annotation is None:
            return None
        match self.expression(_unquoted(annotation), scope):
            case Known(builtin=row):
                default = NumberKind.INT if row.name[:1] in "iu" else None
                return _ANNOTATED_KINDS.get(row.name, default)
            case HostObject(what="Python's `float`"):
                return NumberKind.FLOAT
            case _:
                return None

    def _element(self, annotation: ast.expr | None, scope: Scope) -> Scalar | None:
        """The scalar of `tuple[f32, …]`, of tuples of such, and of `Final` of either."""
        if annotation is None:
            return None
        match _unquoted(annotation):
            case ast.Subscript(slice=ast.Tuple(elts=elements)):
                inner = [e for e in elements if not _is_ellipsis(e)]
                found = {self._element(element, scope) for element in inner}
                return found.pop() if len(found) == 1 else None
            case ast.Subscript(slice=inner):
                return self._element(inner, scope)
            case ast.Name() | ast.Attribute() as name:
                meaning = self.expression(name, scope)
                return SCALARS.get(meaning.builtin.name) if isinstance(meaning, Known) else None
            case _:
                return None

    def _starred(self, name: str, stars: Sequence[str], source: SourceFile) -> Meaning | None:
        for star in stars:
            found = self._module(star, source)
            meaning = self._exported(found.name, found.source, name, star, source)
            # Of what cannot be read, anything might come.
            if meaning is not None and (star == _OXIDE or not isinstance(meaning, HostObject)):
                return meaning
        return None

    def _module(self, name: str, importer: SourceFile) -> ModuleMeaning:
        top = name.partition(".")[0]
        if top in _FOREIGN or top == _OXIDE:
            return ModuleMeaning(name, None)
        return ModuleMeaning(name, self._modules.find(name, importer))

    def _scope_of(self, source: SourceFile) -> Scope | None:
        """The scope of a module, one for each: a package may have more of them than are kept."""
        if source.path not in self._modules_read:
            tree = parse(source)
            is_read = isinstance(tree, ast.Module)
            self._modules_read[source.path] = module_scope(source, tree) if is_read else None
        return self._modules_read[source.path]

    def _offered(self, name: str, source: SourceFile) -> Meaning | None:
        """What a name of a module means; one that does not bind it itself need not be parsed."""
        known = outline(source)
        if name in known.names:
            scope = self._scope_of(source)
            return None if scope is None else self._bound(name, scope)
        if not known.stars:
            return None
        key = source.path, name
        if key not in self._passed_on:
            # Modules may take all names from each other.
            self._passed_on[key] = None
            self._passed_on[key] = self._starred(name, known.stars, source)
        return self._passed_on[key]

    def _exported(
        self,
        module: str,
        source: SourceFile | None,
        attribute: str,
        spelled: str | None = None,
        importer: SourceFile | None = None,
    ) -> Meaning | None:
        """What a module offers as `attribute`: one of its names, or a module inside it."""
        if module == _OXIDE:
            return _oxide(attribute)
        if module == _MATH:
            row = lookup(f"math.{attribute}")
            return Known(row) if row is not None else HostObject(f"`math.{attribute}`")
        if source is not None:
            found = self._offered(attribute, source)
            if found is not None:
                return found
        importer = importer or source
        if importer is not None:
            dotted = spelled or module
            separator = "" if dotted.endswith(".") else "."
            inner = self._module(f"{dotted}{separator}{attribute}", importer)
            if inner.source is not None:
                return inner
        return HostObject(
            f"`{module.lstrip('.')}.{attribute}`" if module.strip(".") else f"`{attribute}`"
        )


def _oxide(attribute: str) -> Meaning | None:
    row = lookup(attribute)
    if row is not None and row.origin is Origin.OXIDE:
        return Known(row)
    if attribute in HOST_NAMES or attribute in PLANNED_NAMES:
        return HostObject(f"`oxide.{attribute}`")
    return None


def _unquoted(node: ast.expr) -> ast.expr:
    """The expression that a quoted annotation holds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
    return node


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _named_items(found: TupleConstant, name: str, scope: Scope, *, is_known: bool) -> TupleConstant:
    """The items as those of a variable, with their values if the source alone says them."""
    items: list[NumberConstant | TupleConstant] = []
    for k, item in enumerate(found.items):
        path = f"{name}.{k}"
        match item:
            case TupleConstant():
                items.append(_named_items(item, path, scope, is_known=is_known))
            case NumberConstant(kind=kind, value=value):
                items.append(NumberConstant(kind, value if is_known else None, scope, path))
    return TupleConstant(tuple(items))
