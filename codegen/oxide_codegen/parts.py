"""Arguments that are not one parameter: structs by their numbers, functions by what they capture.

k(p: Params, out: DisjointSlice[f32])      k[4, 256](Params(dt=0.1, n=4), out)
                                      is   parameters  p.dt = 0.1, p.n = 4, out
m(fn: Callable[[f32], f32], out: …)        m[4, 256](lambda x: x * factor, out)
                                      is   parameters  out, fn.factor = factor
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from oxide_codegen.elements import leaf
from oxide_codegen.errors import LaunchTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FunctionType

    from oxide_analyzer.ir.kernel import Kernel


class Parts:
    """How the parameters of a kernel are read from the arguments of its launch."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel.name
        self._structs = [(s.name, s.class_name, _reader(s.name)) for s in kernel.structs]
        functions = {function.argument for function in kernel.functions}
        self._parameters = [
            (
                parameter.argument,
                _cell(parameter.name)
                if parameter.argument in functions
                else _reader(parameter.name),
            )
            for parameter in kernel.parameters
        ]

    def take(self, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
        """One value for each parameter of the kernel."""
        for name, wanted, read in self._structs:
            try:
                value = read(arguments[name.partition(".")[0]])
                given = type(value).__name__
            except AttributeError:
                given = "nothing"
            if given != wanted:
                raise LaunchTypeError(
                    self._kernel,
                    f"`{name}` wants a {wanted}, got {given}",
                    parameter=name,
                    expected=wanted,
                    actual=given,
                )
        return tuple(read(arguments[argument]) for argument, read in self._parameters)


def _reader(name: str) -> Callable[[Any], Any]:
    """What leads from an argument to the part of it that has a dotted name."""
    _, _, path = name.partition(".")
    if not path:
        return _itself
    by_attribute, names = attrgetter(path), tuple(path.split("."))

    def read(value: Any) -> Any:
        # The fields of NumPy's records are items.
        is_record = getattr(getattr(value, "dtype", None), "names", None) is not None
        return leaf(value, names) if is_record else by_attribute(value)

    return read


def _cell(name: str) -> Callable[[Any], Any]:
    """What reads a variable that a function has captured, from its closure or its module."""
    _, _, variable = name.partition(".")

    def read(function: FunctionType) -> Any:
        names = function.__code__.co_freevars
        if variable in names:
            return (function.__closure__ or ())[names.index(variable)].cell_contents
        return function.__globals__[variable]

    return read


def _itself(value: Any) -> Any:
    return value
