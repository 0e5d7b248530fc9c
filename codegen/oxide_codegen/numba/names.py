"""What the names of live functions hold, for kernels that are read as Numba reads them.

Globals and closure cells are taken when a kernel is compiled, once, as Numba does: a number that
changes later changes nothing. Functions are found by what they are and not by the name that leads
to them, so a factory may capture any of them; each is read from its source, which has to be that of
the function.
"""

from __future__ import annotations

import types
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from oxide_analyzer.frontends.numba import given
from oxide_analyzer.language.records import Record
from oxide_analyzer.language.types import BOOL, F32, F64, I64, U64, Scalar
from oxide_codegen import live
from oxide_codegen.elements import element_of, leaf
from oxide_codegen.instances import found_in, source_of
from oxide_codegen.numba.types import element_named

if TYPE_CHECKING:
    from types import FunctionType

    from oxide_analyzer.frontends.numba.given import Live
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.source import SourceFile

# The names of modules are those under which the analyzer knows them.
_MODULES = {
    "math": "math",
    "numpy": "numpy",
    "cupy": "cupy",
    "numba": "numba",
    "numba.cuda": "numba.cuda",
    "numba.types": "numba.types",
    "numba.core.types": "numba.types",
    "oxide.numba": "numba",
    "oxide.numba.types": "numba.types",
    "oxide.numba_cuda": "numba.cuda",
    "oxide.numba_cuda.types": "numba.types",
}
_LIBRARIES = ("operator", "math", "cmath", "builtins")
_INTRINSICS = "oxide.numba_cuda.intrinsics"
_CONVERSIONS = (int, float, bool, complex)
_OWN = ("oxide.", "oxide_codegen.", "numba.")


class LiveNames:
    """The functions of one kernel, live and read, and what their names hold."""

    def __init__(self, modules: live.LiveModules) -> None:
        self._modules = modules
        self._functions: dict[int, tuple[UserFunction, FunctionType]] = {}
        self._read: dict[int, given.LiveFunction] = {}
        # Keys are places in memory, so what is there has to stay.
        self._kept: list[object] = []
        self.sources: dict[str, SourceFile] = {}

    def read(self, function: FunctionType) -> UserFunction:
        """A live function where its source stands; raises `live.Unavailable` where it has none."""
        known = self._read.get(id(function))
        if known is not None:
            return known.function
        code = function.__code__
        source = source_of(function, self._modules)
        found = found_in(source, function)
        if found is None:
            raise live.Unavailable(
                f"the source of `{code.co_qualname}` in {code.co_filename}:{code.co_firstlineno} "
                "is not found there"
            )
        text = self._modules.source_of(code.co_filename) or source
        live.verify_given(function, text)
        self.sources.setdefault(source.path, text)
        self._functions[id(found)] = found, function
        self._read[id(function)] = given.LiveFunction(found)
        self._kept.append(function)
        return found

    def find(self, function: UserFunction, path: tuple[str, ...]) -> Live | None:
        """What a dotted name holds in the body of a function; None for what its source says."""
        known = self._functions.get(id(function))
        if known is None:
            return None
        name, *attributes = path
        value = _named(known[1], name)
        for attribute in attributes:
            if not _leads_on(value):
                return None
            value = getattr(value, attribute, _MISSING)
        return self._live(value)

    def _live(self, value: object) -> Live | None:
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, bool):
            return given.LiveNumber(value, BOOL)
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, types.ModuleType):
            name = _MODULES.get(value.__name__)
            return given.LiveModule(name) if name is not None else None
        if isinstance(value, tuple):
            items = [self._live(item) for item in cast("tuple[object, ...]", value)]
            found = tuple(item for item in items if item is not None)
            return given.LiveTuple(found) if len(found) == len(items) else None
        own = function_of(value)
        if own is not None:
            return given.LiveFunction(self.read(own), getattr(value, "convention", None))
        if type(value) is complex:
            return given.LiveComplex(value, F64)
        element = element_named(value)
        if element is not None:
            return given.LiveType(element)
        return _of_library(value) or _of_numpy(value)


_MISSING = object()


def function_of(value: Any) -> FunctionType | None:
    """The Python function of a value that kernels may call: itself, or what `jit` made of it."""
    value = getattr(value, "py_func", value)
    if not isinstance(value, types.FunctionType) or str(value.__module__).startswith(_OWN):
        return None
    return value


def _named(function: FunctionType, name: str) -> object:
    code = function.__code__
    if name in code.co_freevars:
        try:
            return (function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
        except ValueError:
            return _MISSING
    return function.__globals__.get(name, _MISSING)


def _leads_on(value: object) -> bool:
    """Whether the attributes of a value are taken as they are: of modules of the program's own, of
    classes and tuples; what the analyzer knows by name, it knows better."""
    if isinstance(value, types.ModuleType):
        return value.__name__ not in _MODULES
    return isinstance(value, type | tuple | Enum | types.SimpleNamespace)


def _number(value: int | float) -> given.LiveNumber | None:
    if isinstance(value, float):
        return given.LiveNumber(float(value), F64)
    type = I64 if value <= I64.max else U64
    return given.LiveNumber(int(value), type) if type.min <= value <= type.max else None


def _of_library(value: object) -> given.LiveName | None:
    """A function that the analyzer knows by the name that its library has for it."""
    if isinstance(value, types.BuiltinFunctionType):
        module = (value.__module__ or "").removeprefix("_")
        return given.LiveName(module, (value.__name__,)) if module in _LIBRARIES else None
    if isinstance(value, types.FunctionType) and value.__module__ == _INTRINSICS:
        return given.LiveName("numba.cuda", (value.__name__,))
    if type(value).__module__ == _INTRINSICS:
        return given.LiveName("numba.cuda", tuple(vars(value)["_name"].split(".")))
    if isinstance(value, type) and value in _CONVERSIONS:
        return given.LiveName("builtins", (value.__name__,))
    import numpy as np

    return given.LiveName("numpy", (value.__name__,)) if isinstance(value, np.ufunc) else None


def _of_numpy(value: object) -> Live | None:
    import numpy as np

    if not isinstance(value, np.generic | np.ndarray):
        return None
    array = cast("np.ndarray[Any, Any]", value)
    scalar = element_of(array.dtype)
    if isinstance(scalar, Record) and scalar.is_complex and not isinstance(value, np.ndarray):
        return given.LiveComplex(complex(array.item()), F32 if scalar.size == 8 else F64)
    if isinstance(scalar, Record) and isinstance(value, np.ndarray) and not scalar.overlapping():
        columns = (leaf(array, one.path).ravel().tolist() for one in scalar.leaves())
        return given.LiveRecords(tuple(array.shape), scalar, tuple(tuple(c) for c in columns))
    if not isinstance(scalar, Scalar):
        return None
    if isinstance(value, np.ndarray):
        values = tuple(array.ravel().tolist())
        return given.LiveArray(tuple(array.shape), scalar, values)
    number = array.item()
    if isinstance(number, float) and not isfinite(number):
        return given.LiveNumber(number, scalar)
    return given.LiveNumber(number, scalar)
