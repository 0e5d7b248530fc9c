"""What names mean in Numba code: those of `numba.cuda`, `numpy` and `cupyx.jit` beside our own.

    from numba import cuda             cuda.threadIdx    -> Known(thread)
    import numba.cuda as nc            nc.grid           -> Known(cuda.grid)
    import numpy as np                 np.float32        -> Known(f32)
    fast = cuda.jit(device=True)(f)    fast              -> the function f, for kernels

A function under `@cuda.jit` is a kernel, unless it says `device=True` or returns a value. One under
`@jit` or `@njit`, or under nothing, can be called as well: what it does is read where it is called.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.changes import leaked
from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.functions import body_of
from oxide_analyzer.frontends.oxide.meanings import (
    FunctionRole,
    HostObject,
    Known,
    Meaning,
    ModuleMeaning,
    NumberConstant,
    TupleConstant,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.resolution import Resolver
from oxide_analyzer.frontends.oxide.scopes import Assigned
from oxide_analyzer.language import numba
from oxide_analyzer.language.builtins import lookup, member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.frontends.oxide.scopes import Binding, FunctionNode, Scope
    from oxide_analyzer.language.records import Record
    from oxide_analyzer.language.row import Builtin
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

_PYTHON = {"float": "f64", "complex": "complex", "zip": "zip", "enumerate": "enumerate"}
_DROP_IN = "oxide.numba"
_CUPY = "jit.rawkernel"
_HOST_JITS = {"`numba.jit`", "`numba.njit`", "`numba.vectorize`"}


class NumbaResolver(Resolver):
    """Meanings of names in files that use Numba or CuPy."""

    def __init__(self, modules: Modules) -> None:
        super().__init__(modules)
        self.elements: dict[int, Mapping[str, Record]] = {}
        """What the parameters of functions have as elements, by the functions' nodes."""
        self.of_cupy: set[int] = set()
        """The nodes of functions that CuPy makes kernels."""
        self.root: Scope | None = None
        """The file whose kernels are read, which may change what others define."""

    def name(self, name: str, scope: Scope) -> Meaning | None:
        """What `name` means in code that stands in `scope`."""
        found = super().name(name, scope)
        is_python = isinstance(found, HostObject) and found.what == f"Python's `{name}`"
        if is_python and (row := _row(_PYTHON.get(name, name))) is not None:
            return Known(row)
        return found

    def attribute(self, meaning: Meaning, attribute: str) -> Meaning | None:
        """What `meaning.attribute` means; None where there is no such attribute."""
        if isinstance(meaning, Known):
            found = numba.row(f"{meaning.builtin.name}.{attribute}")
            if found is None:
                found = member(meaning.builtin, attribute)
            return Known(found) if found is not None else None
        return super().attribute(meaning, attribute)

    def role(self, node: FunctionNode, scope: Scope) -> FunctionRole:
        """Whether decorators make a function a kernel or callable from kernels."""
        known = self._roles.get(id(node))
        if known is None:
            known = FunctionRole.PLAIN
            for decorator in node.decorator_list:
                if self.is_jit(decorator, scope):
                    if self.is_cupy(decorator, scope):
                        self.of_cupy.add(id(node))
                    known = self._jitted(decorator, node)
            self._roles[id(node)] = known
        return known

    def is_jit(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression is `cuda.jit`, `jit.rawkernel`, or a call of one of them."""
        return self._decorator(node, scope) in ("cuda.jit", _CUPY)

    def is_cupy(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression is CuPy's `jit.rawkernel` or a call of it."""
        return self._decorator(node, scope) == _CUPY

    def _decorator(self, node: ast.expr, scope: Scope) -> str | None:
        target = node.func if isinstance(node, ast.Call) else node
        match self.expression(target, scope):
            case Known(builtin=row):
                return row.name
            case _:
                return None

    def _jitted(self, decorator: ast.expr, node: FunctionNode) -> FunctionRole:
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        for keyword in keywords:
            if keyword.arg == "device":
                is_device = isinstance(keyword.value, ast.Constant) and bool(keyword.value.value)
                return FunctionRole.DEVICE if is_device else FunctionRole.KERNEL
        returns = body_of(node).returns_value and not _returns_none(node)
        return FunctionRole.DEVICE if returns else FunctionRole.KERNEL

    def _assigned(
        self,
        name: str,
        value: ast.expr | None,
        annotation: ast.expr | None,
        scope: Scope,
        once: bool,
    ) -> Meaning | None:
        if isinstance(value, ast.Call):
            wrapped = self._wrapped(value, scope)
            if wrapped is not None:
                return wrapped
            listed = self._listed(value, scope)
            if listed is not None and once and scope.is_module and self._is_kept(name, scope):
                value = listed
        if isinstance(value, ast.Subscript) and not scope.is_module and self._is_part(value, scope):
            # `n = sizes[0]`, which a kernel that a function makes has as a number.
            value = None
        found = super()._assigned(name, value, annotation, scope, once)
        if once and value is not None and not scope.is_module:
            # A kernel that a function makes has its locals as they are when it is launched.
            known = constants.evaluate(value, scope, self)
            if isinstance(known, NumberConstant) and isinstance(found, NumberConstant):
                return replace(found, value=known.value)
        return found

    def _is_part(self, value: ast.Subscript, scope: Scope) -> bool:
        """Whether a subscript is no type: `params[0]`, where `float32[:]` is one."""
        base = self.expression(value.value, scope)
        is_shape = isinstance(value.value, ast.Attribute) and value.value.attr == "shape"
        return is_shape or isinstance(base, NumberConstant)

    def _listed(self, value: ast.Call, scope: Scope) -> ast.expr | None:
        """The tuple of which `np.array([1, 2, 3])` is made, where that says its type."""
        match self.expression(value.func, scope):
            case HostObject(what="`numpy.array`") if len(value.args) == 1 and not value.keywords:
                return _as_tuple(value.args[0])
            case _:
                return None

    def _wrapped(self, value: ast.Call, scope: Scope) -> UserFunction | None:
        """The function that `cuda.jit(f)`, `cuda.jit(…)(f)` or `njit(f)` makes callable."""
        if len(value.args) != 1 or not isinstance(value.args[0], ast.Name | ast.Attribute):
            return None
        maker = value.func.func if isinstance(value.func, ast.Call) else value.func
        is_host = False
        match self.expression(maker, scope):
            case HostObject(what=what):
                is_host = what in _HOST_JITS
            case _:
                pass
        if not is_host and not self.is_jit(maker, scope):
            return None
        found = self.expression(value.args[0], scope)
        if not isinstance(found, UserFunction):
            return None
        return UserFunction(found.node, found.scope, FunctionRole.DEVICE)

    def _module(self, name: str, importer: SourceFile) -> ModuleMeaning:
        if name == _DROP_IN or name.startswith((f"{_DROP_IN}.", f"{_DROP_IN}_cuda")):
            # What stands in for Numba has its names.
            name = name.removeprefix("oxide.").replace("_cuda", ".cuda", 1)
        if name in numba.MODULES:
            return ModuleMeaning(name, None)
        return super()._module(name, importer)

    def _exported(
        self,
        module: str,
        source: SourceFile | None,
        attribute: str,
        spelled: str | None = None,
        importer: SourceFile | None = None,
    ) -> Meaning | None:
        dotted = f"{module}.{attribute}"
        if dotted == _DROP_IN:
            return ModuleMeaning("numba", None)
        if dotted in numba.EXPORTS:
            row = _row(numba.EXPORTS[dotted])
            return Known(row) if row is not None else HostObject(f"`{dotted}`")
        if dotted in numba.MODULES:
            return ModuleMeaning(dotted, None)
        own = numba.dotted_row(dotted)
        found = numba.row(own) if numba.library_of(own) is not None else None
        if found is not None:
            return Known(found)
        if module in numba.MODULES:
            return HostObject(f"`{dotted}`")
        known = super()._exported(module, source, attribute, spelled, importer)
        if isinstance(known, NumberConstant | TupleConstant) and source is not None:
            return _open(known) if (source.path, attribute) in self._set_here else known
        return known

    def _is_kept(self, name: str, scope: Scope) -> bool:
        """Whether nothing changes the elements of an array, or may."""
        files = [scope.node] if self.root is None else [scope.node, self.root.node]
        return not any({name, f".{name}"} & leaked(file) for file in files)

    def changed(self, module: Scope) -> str:
        """What a file changes of the numbers that its kernels see, wherever in it that stands."""
        arrays = [name for name, bindings in module.bindings.items() if _is_of_call(bindings)]
        left = [name for name in arrays if not self._is_kept(name, module)]
        return repr((left, sorted(self._set_here)))

    @cached_property
    def _set_here(self) -> frozenset[tuple[str, str]]:
        """What the file whose kernels are read assigns to names of other modules, by their paths:
        `settings.BLOCK = 128`."""
        found: set[tuple[str, str]] = set()
        for node in () if self.root is None else ast.walk(self.root.node):
            match node:
                case (
                    ast.Attribute(value=of, attr=name, ctx=ast.Store())
                    | ast.Call(
                        func=ast.Name(id="setattr"),
                        args=[of, ast.Constant(value=str(name)), _],
                    )
                ):
                    meant = self.root and self.expression(of, self.root)
                    if isinstance(meant, ModuleMeaning) and meant.source is not None:
                        found.add((meant.source.path, name))
                case _:
                    pass
        return frozenset(found)


def _is_of_call(bindings: Sequence[Binding]) -> bool:
    """Whether a name is what one call gives."""
    match bindings:
        case [Assigned(value=ast.Call())]:
            return True
        case _:
            return False


def _open(meaning: NumberConstant | TupleConstant) -> NumberConstant | TupleConstant:
    """A constant whose value only the live program knows."""
    if isinstance(meaning, NumberConstant):
        return replace(meaning, value=None)
    return replace(meaning, items=tuple(map(_open, meaning.items)))


def _row(name: str) -> Builtin | None:
    return numba.row(name) or lookup(name)


def _as_tuple(node: ast.expr) -> ast.expr:
    """Lists, and lists of these, as tuples."""
    if isinstance(node, ast.List | ast.Tuple):
        parts = [_as_tuple(element) for element in node.elts]
        return ast.copy_location(ast.Tuple(parts, ast.Load()), node)
    return node


def _returns_none(node: FunctionNode) -> bool:
    """Whether every `return` of a function gives nothing."""
    returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return all(
        inner.value is None or (isinstance(inner.value, ast.Constant) and inner.value.value is None)
        for inner in returns
    )
