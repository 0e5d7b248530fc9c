"""Kernels that a launch completes: which types, which functions, which constants.

A kernel with type variables, `Const` or `Callable` parameters stands for many. The arguments of a
launch say which one is meant:

    axpy[4, 256](2.0, x, y)                    T = the element type of x
    tiled[4, 256](32, out)                     tile = 32, a constant of its own specialisation
    map1[4, 256](lambda v: v * factor, a, out) the body of the lambda, with a parameter fn.factor

A function is known by its code: the same lambda in a loop is one instance, whatever numbers it
captures, because those are parameters.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

from oxide_analyzer.frontends.oxide.given import (
    Captured,
    Given,
    GivenFunction,
    find_function,
    find_lambda,
    is_lambda,
)
from oxide_analyzer.language.types import BOOL, F64, I64, SCALARS
from oxide_codegen import live
from oxide_codegen.arguments import scalar
from oxide_codegen.arrays import NotAnArray, Refused, view
from oxide_codegen.buffers import DeviceBuffer
from oxide_codegen.errors import LaunchTypeError
from oxide_codegen.scalars import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.ir.kernel import Constant, FunctionArgument, Kernel, TypeChoice
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Number
    from oxide_analyzer.source import SourceFile


@dataclass(frozen=True, eq=False)
class Decision:
    """What the arguments of one launch decide; equal keys decide the same."""

    types: Mapping[str, Scalar]
    functions: Mapping[str, FunctionType]
    captured: Mapping[str, Mapping[str, Captured]]
    key: tuple[object, ...]
    # Keys name objects by their place in memory, so these have to live as long.
    kept: tuple[object, ...]


def is_open(kernel: Kernel) -> bool:
    """Whether a launch has to complete the kernel."""
    return bool(kernel.callables or kernel.choices) or any(map(_is_argument, kernel.constants))


def decide(kernel: Kernel, arguments: Mapping[str, Any]) -> Decision:
    """Which instance of `kernel` these arguments mean; `LaunchTypeError` if none."""
    types = {choice.name: _type(kernel, choice, arguments) for choice in kernel.choices}
    functions = {one.name: _function(kernel, one, arguments) for one in kernel.callables}
    captured: dict[str, dict[str, Captured]] = {}
    key: list[object] = [*types.values()]
    kept: list[object] = []
    for name, function in functions.items():
        captured[name] = {}
        key.append(id(function.__code__))
        kept.append(function.__code__)
        for variable, content in _contents(function):
            number = _captured(content)
            if number is not None:
                captured[name][variable] = number
                key.append((variable, number))
            elif variable in function.__code__.co_freevars:
                key.append(id(content))
                kept.append(content)
    return Decision(types, functions, captured, tuple(key), tuple(kept))


def given(kernel: Kernel, decision: Decision, modules: live.LiveModules) -> Given:
    """What the frontend has to know to read that instance."""
    found: dict[str, GivenFunction] = {}
    for name, function in decision.functions.items():
        code = function.__code__
        place = found_in(source_of(function, modules), function)
        if place is None:
            raise live.Unavailable(
                f"the source of `{name}`, `{code.co_qualname}` in {code.co_filename}:"
                f"{code.co_firstlineno}, is not found there; write it on a line of its own"
            )
        found[name] = GivenFunction(place, decision.captured[name])
    return Given(decision.types, found)


def found_in(source: SourceFile, function: FunctionType) -> UserFunction | None:
    """The function, or lambda, of a text that a live one is; None where that has it not."""
    code = function.__code__
    if is_lambda(code.co_name):
        return find_lambda(source, code.co_firstlineno, places(function))
    return find_function(source, code.co_qualname, code.co_firstlineno)


def source_of(function: FunctionType, modules: live.LiveModules) -> SourceFile:
    """The text in which a function that a launch was given stands."""
    path = function.__code__.co_filename
    source = modules.source_of(path)
    if source is None:
        raise live.without_source(f"the source of `{function.__qualname__}`", path)
    return modules.complete(source, function.__globals__) if live.is_cell(path) else source


def constant_of(kernel: str, constant: Constant, arguments: Mapping[str, Any]) -> Number:
    """The value that an argument gives a constant."""
    return scalar(kernel, constant.symbol, constant.type, _part(kernel, constant.symbol, arguments))


def _contents(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What the names that a function does not bind itself stand for, as far as they do."""
    code = function.__code__
    for cell, variable in zip(function.__closure__ or (), code.co_freevars, strict=True):
        with suppress(ValueError):
            yield variable, cell.cell_contents
    for name in code.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _is_argument(constant: Constant) -> bool:
    return constant.holder == ("argument",)


def _part(kernel: str, name: str, arguments: Mapping[str, Any]) -> Any:
    """An argument, or what a dotted name leads to in it."""
    root, _, path = name.partition(".")
    value = arguments[root]
    if not path:
        return value
    try:
        return attrgetter(path)(value)
    except AttributeError:
        raise LaunchTypeError(
            kernel,
            f"`{root}` has no `.{path}`: it is a {type(value).__name__}",
            parameter=name,
            expected=path,
            actual=type(value).__name__,
        ) from None


def _type(kernel: Kernel, choice: TypeChoice, arguments: Mapping[str, Any]) -> Scalar:
    names = " or ".join(option.name for option in choice.options)
    blamed = choice.name
    found: Scalar | None
    if choice.arrays:
        blamed = choice.arrays[0]
        found = _element(arguments[blamed])
    elif choice.scalars:
        blamed = choice.scalars[0]
        number = _captured(arguments[blamed])
        found = None if number is None else _admitting(number, choice)
    else:
        found = _named(_part(kernel.name, choice.name, arguments))
    if found is not None and found in choice.options:
        return found
    given = type(arguments[blamed.partition(".")[0]]).__name__ if found is None else found.name
    raise LaunchTypeError(
        kernel.name,
        f"`{blamed}` decides `{choice.name}`, which is {names}; got {given}",
        parameter=blamed,
        expected=names,
        actual=given,
    )


def _element(value: Any) -> Scalar | None:
    """The element type of an array."""
    try:
        described = value.view() if isinstance(value, DeviceBuffer) else view(value, None)
    except (NotAnArray, Refused):
        return None
    return SCALARS.get(described.element)


def _named(value: Any) -> Scalar | None:
    """The scalar type that a type object names."""
    try:
        return SCALARS.get(name_of(value))
    except TypeError:
        return None


def _admitting(number: Captured, choice: TypeChoice) -> Scalar | None:
    """The first type that a number may have, where nothing else says."""
    if not number.adapts:
        return number.type
    alike = (option for option in choice.options if option.is_float == number.type.is_float)
    return next(alike, next((option for option in choice.options if option.is_float), None))


def _captured(value: Any) -> Captured | None:
    """A number with the type that it has in kernels; None if it is no number."""
    if isinstance(value, bool):
        return Captured(BOOL, False)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        named = _named(value.dtype)
        return None if named is None else Captured(named, False)
    if isinstance(value, int):
        return Captured(I64, True)
    return Captured(F64, True) if isinstance(value, float) else None


def _function(
    kernel: Kernel, wanted: FunctionArgument, arguments: Mapping[str, Any]
) -> FunctionType:
    value = arguments[wanted.name]
    if isinstance(value, FunctionType):
        return value
    raise LaunchTypeError(
        kernel.name,
        f"`{wanted.name}` wants a lambda or a `@device` function, got {type(value).__name__}",
        parameter=wanted.name,
        expected="a function",
        actual=type(value).__name__,
    )


def places(function: FunctionType) -> frozenset[tuple[int, int, int, int]]:
    """Where the code of a lambda's body stands, as far as Python says."""
    found: set[tuple[int, int, int, int]] = set()
    for line, end_line, column, end_column in function.__code__.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        # What only sets the frame up has a place without extent.
        if (line, column) != (end_line, end_column):
            found.add((line, column, end_line, end_column))
    return frozenset(found)
