"""`vectorize`: a function of numbers as one of arrays, element by element.

    @vectorize(["float32(float32, float32)"], target="cuda")
    def scaled(x, y): return 2 * x + y

    scaled(a, b), scaled(a, 0.5), scaled(a, b, out=c), scaled.reduce(a)

Arrays of host and device are taken, in each other's shape as NumPy broadcasts them; what lies on
the device gives a result there. The first signature is chosen that holds the arguments as they
are, else the first that holds the arrays; a kernel is made for how many arguments are arrays of
the whole shape, arrays that are repeated, and numbers.

    out[i] = core(T0(x0[i]), T1(x1[(i // d1) % x1.shape[0]]), T2(x2))
"""

from __future__ import annotations

from contextlib import nullcontext
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_codegen import devices
from oxide_codegen.numba import templates
from oxide_codegen.numba.arrays import (
    DeviceNDArray,
    as_device_array,
    device_array,
    numpy_type,
    to_device,
)
from oxide_codegen.numba.reductions import Reduce
from oxide_codegen.numba.types import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from oxide_codegen.numba.dispatch import Dispatcher

_TARGETS = ("cpu", "parallel", "cuda")
# Tuning, or what only a host has.
_TAKEN = frozenset({"nopython", "cache", "identity", "fastmath", "forceobj", "writable_args"})


def taken(maker: str, target: str, keywords: Sequence[str]) -> None:
    """Raise for a target or a keyword that there is not."""
    if target not in _TARGETS:
        raise NotImplementedError(f"{maker}(target={target!r}): it is one of {_TARGETS}")
    for name in keywords:
        if name not in _TAKEN:
            raise TypeError(f"{maker} has no keyword {name!r}")


def on(target: str) -> AbstractContextManager[Any]:
    """Where a target runs: one of the host is the cpu device."""
    return nullcontext() if target == "cuda" else devices.DeviceChoice("cpu")


def array_of(argument: Any) -> Any:
    """An argument as an array, of the device where it lies there."""
    found = as_device_array(argument)
    return np.asarray(argument) if found is None else found


def listed(signatures: Any) -> list[Any]:
    """One signature, or several, as a list."""
    return list(signatures) if isinstance(signatures, list | tuple) else [signatures]


class Ufunc:
    """A function of numbers, called with arrays."""

    def __init__(self, function: Callable[..., Any], signatures: list[Any], target: str) -> None:
        if not signatures:
            raise NotImplementedError(
                "vectorize without signatures: say the types of arguments and result, as in "
                "@vectorize(['float32(float32, float32)'])"
            )
        self._core = function
        self._target = target
        self._signatures = [_dtypes(one) for one in signatures]
        self._kernels: dict[tuple[Any, ...], Dispatcher] = {}
        self._reduce = Reduce(function)
        self.nin, self.nout = len(self._signatures[0][0]), 1
        self.__name__ = str(getattr(function, "__name__", "ufunc"))
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def types(self) -> list[str]:
        """The signatures, in NumPy's letters."""
        return [
            "".join(type.char for type in types) + "->" + result.char
            for types, result in self._signatures
        ]

    def __call__(self, *args: Any, out: Any = None, stream: Any = 0) -> Any:
        """The function of each element; into `out` where it is given."""
        if len(args) == self.nin + 1 and out is None:
            args, out = args[:-1], args[-1]
        if len(args) != self.nin:
            raise TypeError(f"{self.__name__} takes {self.nin} arguments, got {len(args)}")
        with on(self._target):
            return self._applied(args, out, stream)

    def reduce(self, arg: Any, stream: Any = 0) -> Any:
        """All elements of an array of one dimension put together by the function."""
        if self.nin != 2:
            raise TypeError(f"reduce wants a function of two numbers; this is one of {self.nin}")
        if arg.ndim != 1:
            raise TypeError("only support 1D array")
        if not arg.size:
            raise TypeError("Reduction on an empty array.")
        with on(self._target):
            return self._reduce.without_start(arg, stream)[0]

    def __repr__(self) -> str:
        return f"<oxide.numba ufunc {self.__name__} {self.types}>"

    # ------------------------------------------------------------ one call

    def _applied(self, args: Sequence[Any], out: Any, stream: Any) -> Any:
        values = [array_of(arg) for arg in args]
        types, result = self._signature(args, values)
        shape = np.broadcast_shapes(*(value.shape for value in values))
        is_device = any(isinstance(value, DeviceNDArray) for value in values)
        made = out if out is not None else _room(shape, result, is_device, stream)
        flat, put_back = _flat(made, shape, result, stream)
        if prod(shape):
            operands = [_operand(value, shape) for value in values]
            self._run(operands, types, flat, stream)
        put_back()
        return made[()] if out is None and not shape else made

    def _run(
        self, operands: list[tuple[Any, int | None]], types: list[Any], out: Any, stream: Any
    ) -> None:
        forms = tuple(
            "number"
            if not isinstance(value, np.ndarray | DeviceNDArray)
            else "repeated"
            if d
            else ""
            for value, d in operands
        )
        key = forms, *types
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = self._made(forms, types)
        values = [value for value, _ in operands]
        steps = [d for _, d in operands if d]
        kernel.forall(out.size, stream=stream)(*values, *steps, out)

    def _made(self, forms: tuple[str, ...], types: list[Any]) -> Dispatcher:
        places = {
            "": "x{k}[i]",
            "repeated": "x{k}[(i // d{k}) % x{k}.shape[0]]",
            "number": "x{k}",
        }
        given = ", ".join(f"T{k}({places[form].format(k=k)})" for k, form in enumerate(forms))
        names = [f"x{k}" for k in range(len(forms))]
        repeated = [k for k, form in enumerate(forms) if form == "repeated"]
        names += [f"d{k}" for k in repeated]
        # They are, where there is an element at all; provers have to be told.
        whole = "".join(f" and x{k}.shape[0] > 0 and d{k} > 0" for k in repeated)
        text = (
            f"def {templates.name_for(self._core)}({', '.join(names)}, out):\n"
            "    i = cuda.grid(1)\n"
            f"    if i < out.shape[0]{whole}:\n"
            f"        out[i] = core({given})\n"
        )
        held = {f"T{k}": type for k, type in enumerate(types)}
        name = f"vectorize of {self.__name__}"
        return templates.kernel(name, text, {"core": self._core, **held}, None)

    def _signature(self, args: Sequence[Any], values: list[Any]) -> tuple[list[Any], Any]:
        for is_weak in (False, True):
            for types, result in self._signatures:
                if all(map(_fits, args, values, types, [is_weak] * len(types))):
                    return types, result
        found = ", ".join(str(value.dtype) for value in values)
        raise TypeError(f"no signature of {self.__name__} takes ({found}); it has {self.types}")


# ---------------------------------------------------------------- types


def _dtypes(signature: Any) -> tuple[list[Any], Any]:
    arguments, returned = parts_of(signature)
    if returned is None:
        raise TypeError(f"the signature {signature!r} does not say what it returns")
    return [np.dtype(numpy_type(one)) for one in arguments], np.dtype(numpy_type(returned))


def _fits(arg: Any, value: Any, wanted: Any, is_weak: bool) -> bool:
    """Whether an argument may be given for a type; a number of Python's is weak, at last."""
    if is_weak and isinstance(arg, bool | int | float | complex):
        return np.can_cast(np.asarray(arg).dtype, wanted, "same_kind")
    return np.can_cast(value.dtype, wanted, "safe")


# ---------------------------------------------------------------- arrays


def _room(shape: tuple[int, ...], dtype: Any, is_device: bool, stream: Any) -> Any:
    return device_array(shape, dtype, stream=stream) if is_device else np.empty(shape, dtype)


def _flat(
    out: Any, shape: tuple[int, ...], dtype: Any, stream: Any
) -> tuple[Any, Callable[[], None]]:
    """The room for the result as one row, and what brings it to where it is wanted."""
    if tuple(out.shape) != shape:
        raise ValueError(f"the result has shape {shape}, and `out` has {tuple(out.shape)}")
    is_host = isinstance(out, np.ndarray)
    contiguous = out.flags.c_contiguous if is_host else out.is_c_contiguous()
    if contiguous and out.dtype == dtype:
        return out.reshape(-1), _nothing
    row = _room((prod(shape),), dtype, not is_host, stream)

    def put_back() -> None:
        made = (row if is_host else row.copy_to_host(stream=stream)).reshape(shape)
        if is_host:
            np.copyto(out, made, casting="same_kind")
        else:
            out.copy_to_device(made.astype(out.dtype, casting="same_kind"), stream=stream)

    return row, put_back


def _nothing() -> None:
    """It is there already."""


def _operand(value: Any, shape: tuple[int, ...]) -> tuple[Any, int | None]:
    """An argument as a row, or a number; and, of a row that is repeated, for how many elements of
    the result each of its own stands."""
    if not value.shape:
        return value[()], None
    if tuple(value.shape) == shape:
        return _row(value), None
    padded = (1,) * (len(shape) - len(value.shape)) + tuple(value.shape)
    own = [k for k, (one, whole) in enumerate(zip(padded, shape, strict=True)) if one == whole]
    wide = [k for k in own if shape[k] != 1]
    if not wide:
        row = _row(value)
        return row, prod(shape)
    if all(k in own for k in range(wide[0], wide[-1] + 1)):
        return _row(value), prod(shape[wide[-1] + 1 :])
    host = value.read() if isinstance(value, DeviceNDArray) else value
    whole = np.ascontiguousarray(np.broadcast_to(host, shape)).reshape(-1)
    return (to_device(whole) if isinstance(value, DeviceNDArray) else whole), None


def _row(value: Any) -> Any:
    """The elements of an array side by side."""
    if isinstance(value, DeviceNDArray):
        same = value if value.is_c_contiguous() else to_device(np.ascontiguousarray(value.read()))
        return same.reshape(-1)
    return np.ascontiguousarray(value).reshape(-1)


# ---------------------------------------------------------------- decorators


def vectorize(given: Any, target: str, keywords: dict[str, Any]) -> Any:
    """`@vectorize([…], target=…)`, `vectorize(…)(f)`, or `@vectorize` alone."""
    taken("vectorize", target, list(keywords))

    def decorate(function: Callable[..., Any]) -> Ufunc:
        return Ufunc(function, listed(given), target)

    if callable(given) and not hasattr(given, "return_type"):
        return Ufunc(given, [], target)
    return decorate
