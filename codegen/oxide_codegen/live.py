"""From a live function to the source that may be launched in its place.

The analyzer reads text and the interpreter runs bytecode. What is launched must be both, so

* the text of a file is taken when `@kernel` or `@device` runs, and never again;
* at first use that text is compiled and the code object of the same qualified name on the same
  line is compared with the function's own: bytecode, constants and names, nested ones included.
  A file that was edited between its import and the decorator, or a decorator that wrapped the
  function in another, shows here;
* globals and closure cells are then read from the live function, whatever the text says.

Cells of a notebook, statements of a REPL and examples of a doctest are files of their own whose
names come from other cells. For them `complete` writes what the live globals hold as imports
*behind* the text, where they move no line. Only the analyzer reads that; code objects are compared
with the text as it was, because Python compiles calls on imported names differently:

    @kernel                                     @kernel
    def k(a: DisjointSlice[f32]):      is       def k(a: DisjointSlice[f32]):
        a[clamp(0)] = 1.0                           a[clamp(0)] = 1.0
                                                from oxide import kernel as kernel
                                                from oxide import f32 as f32
                                                from _oxide_live_0 import clamp as clamp
"""

from __future__ import annotations
import __future__

import ast
import linecache
import sys
from functools import lru_cache, reduce
from math import isfinite
from operator import or_
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from oxide_analyzer.source import SourceFile
from oxide_codegen.rebinding import rebound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.ir.kernel import Function

_FUTURE = reduce(
    or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)

# The text of each file of which a function was decorated, as it was then.
_taken: dict[str, str] = {}


class Unavailable(Exception):
    """Why the source of a function cannot stand for it."""


def without_source(what: str, path: str) -> Unavailable:
    """What there is to do about a function that was made of text that nobody kept."""
    return Unavailable(
        f"{what} is not available (it was defined in {path}), so it cannot be checked: write it in "
        "a file, a notebook, or a REPL that keeps its input; of text that `exec` runs, Python "
        "keeps what `linecache` is given before: `linecache.cache[name] = (len(text), None, "
        'text.splitlines(True), name); exec(compile(text, name, "exec"))`'
    )


def take(function: object) -> SourceFile | None:
    """The text of the file that defines `function`, as it is now; None if there is none."""
    if not isinstance(function, FunctionType):
        return None
    path = function.__code__.co_filename
    linecache.checkcache(path)
    text = "".join(linecache.getlines(path, function.__globals__))
    if not text:
        return None
    _taken[path] = text
    return SourceFile(path, text)


# ---------------------------------------------------------------- code objects


def verify(function: FunctionType, source: SourceFile, qualname: str, line: int) -> None:
    """Raise `Unavailable` unless `source` compiles to `function` at `qualname`.

    `line` is that of the `def`; decorators may stand above it.
    """
    own = function.__code__
    edited = Unavailable(
        f"`{source.path}` was edited since it was imported: its `{qualname}` is not the function "
        "that would run; import it again"
    )
    if not _same_path(own.co_filename, source.path) or own.co_qualname != qualname:
        raise Unavailable(
            f"`{qualname}` in `{source.path}` is bound to another function, "
            f"`{own.co_qualname}` of `{own.co_filename}`: a kernel is launched as its source reads"
        )
    candidates = [
        code
        for code in _compiled(source.text, source.path, own.co_flags & _FUTURE)
        if code.co_qualname == qualname and code.co_firstlineno <= line
    ]
    if not candidates:
        raise edited
    code = max(candidates, key=lambda candidate: candidate.co_firstlineno)
    if code.co_firstlineno != own.co_firstlineno or not same(code, own):
        raise edited


def verify_given(function: FunctionType, source: SourceFile) -> None:
    """Raise `Unavailable` unless a function that a launch was given stands in `source`."""
    own = function.__code__
    if not any(
        code.co_firstlineno == own.co_firstlineno
        and code.co_qualname == own.co_qualname
        and same(code, own)
        for code in _compiled(source.text, source.path, own.co_flags & _FUTURE)
    ):
        raise Unavailable(
            f"`{source.path}` was edited since it was imported: its `{own.co_qualname}` is not the "
            "function that would run; import it again"
        )


def verify_lambda(function: object, source: SourceFile) -> None:
    """Raise `Unavailable` unless the lambda `function` stands in `source` where it says."""
    own = getattr(function, "__code__", None)
    found = (
        isinstance(own, CodeType)
        and _same_path(own.co_filename, source.path)
        and any(
            code.co_firstlineno == own.co_firstlineno and same(code, own)
            for code in _compiled(source.text, source.path, own.co_flags & _FUTURE)
        )
    )
    if not found:
        raise Unavailable(
            "`requires` is not the lambda that stands in the decorator: write it there"
        )


def _same_path(left: str, right: str) -> bool:
    return left == right or Path(left).absolute() == Path(right).absolute()


def same(left: CodeType, right: CodeType) -> bool:
    """Whether two code objects compute the same, wherever they come from."""
    return (
        left.co_code == right.co_code
        and left.co_names == right.co_names
        and left.co_varnames == right.co_varnames
        and left.co_freevars == right.co_freevars
        and left.co_cellvars == right.co_cellvars
        and left.co_argcount == right.co_argcount
        and left.co_kwonlyargcount == right.co_kwonlyargcount
        and left.co_posonlyargcount == right.co_posonlyargcount
        and left.co_exceptiontable == right.co_exceptiontable
        and _same_constants(left.co_consts, right.co_consts)
    )


def _same_constants(left: object, right: object) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, CodeType) and isinstance(right, CodeType):
        return same(left, right)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_same_constants, left, right))
    # repr tells -0.0 from 0.0, and is equal for NaN.
    return left == right if isinstance(left, frozenset) else repr(left) == repr(right)


@lru_cache(maxsize=64)
def _compiled(text: str, path: str, flags: int) -> tuple[CodeType, ...]:
    try:
        module = compile(text, path, "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return ()
    return tuple(_nested(module))


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


# ---------------------------------------------------------------- names of live functions


class Guard:
    """What was read from live functions, to be compared before each launch.

    Names are compared by identity: a name bound anew, even to an equal value, is read again.
    """

    def __init__(self, other: Guard | None = None) -> None:
        self._names: list[tuple[dict[str, Any], str, object]] = [*other._names] if other else []
        self._cells: list[tuple[CellType, object]] = [*other._cells] if other else []
        self._codes: list[tuple[FunctionType, CodeType]] = [*other._codes] if other else []
        self._attributes: list[tuple[object, str, object]] = [*other._attributes] if other else []
        self._written: Callable[[], bool] | None = None

    def name(self, namespace: dict[str, Any], name: str) -> object:
        """The value of a name, noted; `KeyError` if it has none."""
        value = namespace[name]
        self._names.append((namespace, name, value))
        return value

    def cell(self, cell: CellType) -> object:
        """The contents of a closure cell, noted; `ValueError` if it is empty."""
        value = cell.cell_contents
        self._cells.append((cell, value))
        return value

    def attribute(self, owner: object, name: str) -> object:
        """An attribute, noted; `AttributeError` if there is none."""
        value = getattr(owner, name)
        if isinstance(owner, ModuleType) and name in vars(owner):
            self._names.append((vars(owner), name, value))
        else:
            self._attributes.append((owner, name, value))
        return value

    def code(self, function: FunctionType) -> None:
        """Note the code of a function, which may be assigned to."""
        self._codes.append((function, function.__code__))

    def holds(self) -> bool:
        """Whether all that was noted is still so."""
        for namespace, name, value in self._names:
            if namespace.get(name, _MISSING) is not value:
                return False
        for function, code in self._codes:
            if function.__code__ is not code:
                return False
        try:
            for cell, value in self._cells:
                if cell.cell_contents is not value:
                    return False
        except ValueError:
            return False
        # No `all` over a generator: that takes as long as the rest.
        for owner, name, value in self._attributes:
            if getattr(owner, name, _MISSING) is not value:
                return False
        return True

    def written(self) -> Callable[[], bool]:
        """`holds` written out as straight code, for launches that repeat; nothing is noted later.

        The text names what was noted by numbers: nothing of the user's is in it.
        """
        if self._written is None:
            condition, names = self._conditions()
            lines = [
                "def holds():",
                "    try:",
                f"        return {condition}",
                "    except ValueError:",
                "        return False",
            ]
            exec(compile("\n".join(lines), "<guard>", "exec"), names)
            self._written = written = cast("Callable[[], bool]", names["holds"])
            return written
        return self._written

    def spelled(self) -> tuple[str, dict[str, Any]]:
        """The same as an expression to be written into other code, and the names in it."""
        if self._cells:
            # To ask an empty cell raises.
            return "holds()", {"holds": self.written()}
        return self._conditions()

    def _conditions(self) -> tuple[str, dict[str, Any]]:
        names: dict[str, Any] = {"MISSING": _MISSING}
        conditions: list[str] = []

        def noted(condition: str, *values: object) -> None:
            k = len(conditions)
            conditions.append(condition.format(*(f"x{k}_{n}" for n in range(len(values)))))
            names.update((f"x{k}_{n}", value) for n, value in enumerate(values))

        for name in self._names:
            noted("{0}.get({1}, MISSING) is {2}", *name)
        for code in self._codes:
            noted("{0}.__code__ is {1}", *code)
        for cell in self._cells:
            noted("{0}.cell_contents is {1}", *cell)
        for attribute in self._attributes:
            noted("getattr({0}, {1}, MISSING) is {2}", *attribute)
        return f"({' and '.join(conditions) or 'True'})", names


_MISSING = object()


def look_up(function: FunctionType, path: tuple[str, ...], guard: Guard) -> object:
    """What the attribute path `path` means in the body of `function`, now."""
    name, *attributes = path
    code = function.__code__
    try:
        if name in code.co_freevars:
            value = guard.cell((function.__closure__ or ())[code.co_freevars.index(name)])
        else:
            value = guard.name(function.__globals__, name)
        for attribute in attributes:
            if attribute.isdigit() and isinstance(value, tuple):
                # Tuples do not change: the guard over the name covers their items.
                value = value[int(attribute)]
            else:
                value = guard.attribute(value, attribute)
    except (KeyError, ValueError, AttributeError, IndexError):
        raise Unavailable(f"`{'.'.join(path)}` has no value here yet") from None
    return value


def follow(function: FunctionType, target: Function, guard: Guard) -> FunctionType:
    """The live function to which `target.route` leads from the kernel `function`."""
    for path in target.route:
        value = look_up(function, path, guard)
        if not isinstance(value, FunctionType):
            raise Unavailable(
                f"`{'.'.join(path)}` is now a {type(value).__name__}, not the function "
                f"`{target.qualname}` that the source names"
            )
        function = value
    return function


# ---------------------------------------------------------------- modules and cells


class LiveModules:
    """Finds modules as this process imported them; nothing is imported for it.

    Also the memory of which pseudo-module stands for which cell.
    """

    def __init__(self) -> None:
        self._cells: dict[str, SourceFile] = {}

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """The source of the module that `importer` calls `name`, dots in front included."""
        if name in self._cells:
            return self._cells[name]
        absolute = _absolute(name, importer)
        module = sys.modules.get(absolute) if absolute else None
        path = getattr(module, "__file__", None)
        if module is None or not isinstance(path, str) or not path.endswith(".py"):
            return None
        text = _taken.get(path) or "".join(linecache.getlines(path, vars(module)))
        return SourceFile(path, text)

    def source_of(self, path: str) -> SourceFile | None:
        """The source of a file of this process, as it was taken or is now."""
        text = _taken.get(path) or "".join(linecache.getlines(path))
        return SourceFile(path, text) if text else None

    def complete(self, source: SourceFile, names: dict[str, object]) -> SourceFile:
        """`source`, with what it needs of the live `names` of other cells behind it."""
        try:
            tree = ast.parse(source.text)
        except SyntaxError:
            return source
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        own = {name for statement in tree.body for name in _bound(statement)}
        lines = [
            line
            for name in sorted(used - own)
            if name in names and (line := self._binding(name, names[name])) is not None
        ]
        if not lines:
            return source
        return SourceFile(source.path, source.text.rstrip("\n") + "\n" + "\n".join(lines) + "\n")

    def _binding(self, name: str, value: object) -> str | None:
        if isinstance(value, ModuleType):
            return f"import {value.__name__} as {name}"
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.number | numpy.bool_):
            value = cast("Any", value).item()
        if isinstance(value, bool | int | float):
            return f"{name} = {value!r}" if isfinite(value) else None
        for module_name in ("oxide", "math"):
            for public, known in vars(sys.modules.get(module_name, ast)).items():
                if known is value and not public.startswith("_"):
                    return f"from {module_name} import {public} as {name}"
        lines = rebound(name, value)
        if lines:
            return "\n".join(lines)
        if isinstance(value, FunctionType):
            return self._helper(name, value)
        return None

    def _helper(self, name: str, function: FunctionType) -> str | None:
        path = function.__code__.co_filename
        if not function.__name__.isidentifier():
            return None  # a lambda, which no import leads to
        if path not in _taken:
            return f"from {function.__module__} import {function.__name__} as {name}"
        if not is_cell(path):
            return f"from {function.__module__} import {function.__name__} as {name}"
        module = f"_oxide_live_{len(self._cells)}"
        self._cells[module] = cell = SourceFile(path, _taken[path])
        self._cells[module] = self.complete(cell, function.__globals__)
        return f"from {module} import {function.__name__} as {name}"


def is_cell(path: str) -> bool:
    """Whether `path` names no file but something typed in: a cell, a statement, an example."""
    return path.startswith("<") or "ipykernel_" in path


def _absolute(name: str, importer: SourceFile) -> str | None:
    if not name.startswith("."):
        return name
    for module_name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == importer.path:
            package = getattr(module, "__package__", None) or module_name
            level = len(name) - len(name.lstrip("."))
            parents = package.split(".")
            kept = parents[: len(parents) - level + 1]
            return ".".join([*kept, name.lstrip(".")]).rstrip(".") if kept else None
    return None


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.Assign(targets=targets):
            for target in targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _:
            pass
