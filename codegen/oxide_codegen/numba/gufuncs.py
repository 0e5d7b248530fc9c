"""`guvectorize`: a function of small arrays, called for each of them in larger ones.

    @guvectorize(["void(float32[:], float32[:], float32[:])"], "(n),(n)->()", target="cuda")
    def dot(x, y, out): …out[0] = sum…

    dot(a, b)      a and b of shape (…, n), the result of shape (…)

Each thread calls the function for one place of the axes in front, with the rows that belong to it.
Where a layout says `()`, an argument that the signature declares as an array is one of one element.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_codegen.numba import templates
from oxide_codegen.numba.arrays import (
    DeviceNDArray,
    device_array,
    numpy_type,
    to_device,
)
from oxide_codegen.numba.types import parts_of
from oxide_codegen.numba.ufuncs import array_of, listed, on, taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.numba.dispatch import Dispatcher

_GROUP = re.compile(r"\(([^()]*)\)")


class GeneralizedUfunc:
    """A function of small arrays, called with larger ones."""

    def __init__(
        self, function: Callable[..., Any], signatures: list[Any], layout: str, target: str
    ) -> None:
        if not signatures:
            raise NotImplementedError(
                "guvectorize without signatures: say the types, as in "
                "@guvectorize(['void(float32[:], float32[:])'], '(n)->(n)')"
            )
        self._inputs, self._outputs = layout_of(layout)
        self._signatures = [_typed(one) for one in signatures]
        self._target = target
        self._core = function
        self._kernel: Dispatcher | None = None
        self.signature = layout
        self.nin, self.nout = len(self._inputs), len(self._outputs)
        self.__name__ = str(getattr(function, "__name__", "gufunc"))
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        for types in self._signatures:
            if len(types) != self.nin + self.nout:
                raise TypeError(
                    f"{layout} has {self.nin + self.nout} arguments, a signature {len(types)}"
                )

    def __call__(self, *args: Any, out: Any = None, stream: Any = 0) -> Any:
        """The function at each place; into `out`, or the last arguments, where they are given."""
        given = list(args[self.nin :])
        if out is not None:
            given += list(out) if isinstance(out, tuple) else [out]
        if len(args) < self.nin or len(given) not in (0, self.nout):
            raise TypeError(
                f"{self.__name__} takes {self.nin} arguments, and {self.nout} for results"
            )
        with on(self._target):
            made = self._applied(args[: self.nin], given, stream)
        return made[0] if self.nout == 1 else tuple(made)

    def __repr__(self) -> str:
        return f"<oxide.numba gufunc {self.__name__} {self.signature}>"

    def _applied(self, args: Sequence[Any], given: list[Any], stream: Any) -> list[Any]:
        values = [array_of(arg) for arg in args]
        types = self._chosen(values)
        sizes: dict[str, int] = {}
        fronts = [
            _front(self.__name__, value, core, sizes)
            for value, core in zip(values, self._inputs, strict=True)
        ]
        loop = np.broadcast_shapes(*fronts)
        is_device = any(isinstance(value, DeviceNDArray) for value in (*values, *given))
        operands = [
            _operand(value, loop, core, type, stream)
            for value, core, type in zip(values, self._inputs, types, strict=False)
        ]
        results: list[Any] = []
        rows: list[Any] = []
        for k, core in enumerate(self._outputs):
            dtype, _ = types[self.nin + k]
            inner = tuple(sizes[name] for name in core)
            row = (prod(loop), *(inner or (1,)))
            made = device_array(row, dtype, stream=stream) if is_device else np.zeros(row, dtype)
            rows.append(made)
            results.append(made.reshape((*loop, *inner)))
        if prod(loop):
            self._launched().forall(prod(loop), stream=stream)(*operands, *rows)
        for place, made in zip(given, results, strict=False):
            if isinstance(place, np.ndarray):
                host = made.copy_to_host(stream=stream) if is_device else made
                np.copyto(place, host, casting="same_kind")
            else:
                place.copy_to_device(made, stream=stream)
        if given:
            return given
        return [made if made.shape or is_device else made[()] for made in results]

    def _chosen(self, values: list[Any]) -> list[tuple[Any, bool]]:
        for casting in ("safe", "same_kind"):
            for types in self._signatures:
                wanted = zip(values, types, strict=False)
                if all(np.can_cast(value.dtype, dtype, casting) for value, (dtype, _) in wanted):
                    return types
        found = ", ".join(str(value.dtype) for value in values)
        raise TypeError(f"no signature of {self.__name__} takes ({found})")

    def _launched(self) -> Dispatcher:
        if self._kernel is None:
            names = [f"x{k}" for k in range(self.nin + self.nout)]
            text = (
                f"def {templates.name_for(self._core)}({', '.join(names)}):\n"
                "    i = cuda.grid(1)\n"
                f"    if {' and '.join(f'i < {name}.shape[0]' for name in names)}:\n"
                f"        core({', '.join(f'{name}[i]' for name in names)})\n"
            )
            name = f"guvectorize of {self.__name__}"
            self._kernel = templates.kernel(name, text, {"core": self._core}, None)
        return self._kernel


def layout_of(text: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The names of the axes of arguments and results: `(m,n),(n)->(m)`."""
    given, arrow, made = "".join(text.split()).partition("->")
    both = [
        [tuple(filter(None, group.split(","))) for group in _GROUP.findall(side)]
        for side in (given, made)
    ]
    known = {name for group in both[0] for name in group}
    if not arrow or not both[0] or not both[1] or _GROUP.sub("", given + made).strip(","):
        raise ValueError(f"a layout is written '(m,n),(n)->(m)', not {text!r}")
    unknown = sorted({name for group in both[1] for name in group} - known)
    if unknown:
        raise NameError(f"undefined output symbols: {','.join(unknown)}")
    return both[0], both[1]


def _typed(signature: Any) -> list[tuple[Any, bool]]:
    """The elements of each argument, and whether it is declared as an array."""
    arguments, _ = parts_of(signature)
    return [
        (np.dtype(numpy_type(getattr(one, "dtype", one))), hasattr(one, "ndim"))
        for one in arguments
    ]


def _front(name: str, value: Any, core: tuple[str, ...], sizes: dict[str, int]) -> tuple[int, ...]:
    """The axes in front of those of the layout, whose sizes are noted."""
    rank = len(value.shape) - len(core)
    if rank < 0:
        raise ValueError(f"{name}: an argument has {len(value.shape)} axes, its layout {len(core)}")
    for axis, size in zip(core, value.shape[rank:], strict=True):
        if sizes.setdefault(axis, size) != size:
            raise ValueError(f"{name}: axis {axis} has sizes {sizes[axis]} and {size}")
    return tuple(value.shape[:rank])


def _operand(
    value: Any, loop: tuple[int, ...], core: tuple[str, ...], type: tuple[Any, bool], stream: Any
) -> Any:
    """An argument with one axis in front, for the places."""
    dtype, is_array = type
    inner = tuple(value.shape[len(value.shape) - len(core) :])
    row = (prod(loop), *(inner or ((1,) if is_array else ())))
    is_device = isinstance(value, DeviceNDArray)
    is_whole = tuple(value.shape) == (*loop, *inner) and value.dtype == dtype
    if is_device and is_whole and value.is_c_contiguous():
        return value.reshape(row)
    host = value.read() if is_device else value
    whole = np.broadcast_to(host, (*loop, *inner))
    made = np.ascontiguousarray(whole, dtype).reshape(row)
    return to_device(made, stream=stream) if is_device else made


def guvectorize(signatures: Any, layout: str, target: str, keywords: dict[str, Any]) -> Any:
    """`@guvectorize([…], "(n)->()", target=…)`."""
    taken("guvectorize", target, list(keywords))

    def decorate(function: Callable[..., Any]) -> GeneralizedUfunc:
        return GeneralizedUfunc(function, listed(signatures), layout, target)

    return decorate
