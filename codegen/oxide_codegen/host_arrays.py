"""Arrays of the host that devices copy from and to, or use in place, while the program goes on.

    p = oxide.pinned(n, f32)          a NumPy array, in pages that stay where they are
    p[:] = samples
    x.copy_from(p, stream)            returns at once
    p[0] = 0.0                        waits: the copy still reads it
    x.copy_to(p, stream)              returns at once
    p.sum()                           waits for the copy, and raises what was before it ran into

What NumPy does with such an array waits by itself, as far as it says so: indexing, operators,
functions and methods. A read comes behind copies to the array, a write behind copies from it as
well. Views are such arrays too; what is computed from them are ordinary ones.

Who asks for the memory waits when he gets it, and no more later: `p.ctypes`, `p.data`, what speaks
`__array_interface__`, `__array_struct__` or `__array__`, and from Python 3.12 on buffers:
`memoryview(p)`, a file that reads into `p`.

NumPy itself asks arrays of its own, of whatever class, for nothing: `np.asarray(p)`, `np.array(p)`,
`np.array([p, p])`, `plain[...] = p`, and libraries that take the memory by its C interface. Call
`p.sync()` first, and enqueue no copy while they are at work. Only what is no array of NumPy could
wait there, and nobody who wants one would take that.
"""

from __future__ import annotations

from inspect import Signature
from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_codegen.strides import is_basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ = (
    *("all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "choose", "clip"),
    *("compress", "conj", "conjugate", "copy", "cumprod", "cumsum", "dot", "dump", "dumps"),
    *("flatten", "item", "max", "mean", "min", "nonzero", "prod", "repeat", "round"),
    *("searchsorted", "std", "sum", "take", "tobytes", "tofile", "tolist", "trace", "var"),
    *("__bool__", "__complex__", "__contains__", "__copy__", "__deepcopy__", "__float__"),
    *("__format__", "__index__", "__int__", "__reduce__", "__reduce_ex__"),
    *("__repr__", "__str__"),
)
_WRITTEN = (
    *("byteswap", "fill", "partition", "put", "resize", "setfield", "sort", "__dlpack__"),
    # These go on with the memory in ways that nobody sees.
    *("getfield", "ravel"),
)
_HANDED_OUT = ("__array_interface__", "__array_struct__", "ctypes", "data")


class HostArray(np.ndarray[Any, Any]):
    """A NumPy array that devices copy from and to while the program goes on.

    Made by `oxide.pinned`, and by `array` of managed memory.
    """

    # Nobody makes one by its class.
    __signature__ = Signature()
    # What knows the uses of the memory; None for an array that is no view of any.
    memory: Any

    def __array_finalize__(self, obj: Any) -> None:
        """A view of such an array is one, too."""
        self.memory = getattr(obj, "memory", None)

    def sync(self) -> None:
        """Wait for all copies from and to this array; raises what was before them ran into."""
        self.settle(writes=True)

    def settle(self, *, writes: bool) -> None:
        """Wait for what a read comes behind, or also a write."""
        if self.memory is not None:
            self.memory.settle(writes=writes)

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any
    ) -> Any:
        """Operators and functions of elements."""
        _settle(inputs[:1], writes=method == "at")
        _settle((inputs, kwargs), writes=False)
        _settle(out, writes=True)
        if out:
            kwargs["out"] = _plain(out)
        result = getattr(ufunc, method)(*_plain(inputs), **_plain(kwargs))
        if not out:
            return result
        return out[0] if len(out) == 1 else out

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Functions of NumPy, of which nobody says which arguments they write."""
        del types
        _settle((args, kwargs), writes=True)
        return _guarded(func(*_plain(args), **_plain(kwargs)), [*_arrays((args, kwargs))])

    def __getitem__(self, key: Any) -> Any:
        """An element, which is waited for, or a view, which is not."""
        if not _is_view(key, self.ndim):
            self.settle(writes=False)
            return _without_memory(super().__getitem__(_plain(key)))
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Elements are written when no copy reads them any more."""
        _settle((key, value), writes=False)
        self.settle(writes=True)
        super().__setitem__(_plain(key), _plain(value))

    def __buffer__(self, flags: int, /) -> memoryview:
        """The memory as a buffer; Python asks from 3.12 on."""
        del flags
        self.settle(writes=True)
        return memoryview(_ordinary(self))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """An ordinary array of the same memory; NumPy does not ask, others do."""
        self.settle(writes=True)
        return _ordinary(self).__array__(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        """Its rows, or elements."""
        return (self[k] for k in range(len(self)))

    def reshape(self, *args: Any, **kwargs: Any) -> Any:
        """The same elements in another shape; a view, where there is one."""
        if not self.flags.c_contiguous:
            self.settle(writes=False)
        return _guarded(_ordinary(self).reshape(*args, **kwargs), [self])

    @property
    def flat(self) -> Any:
        """All elements, one behind the other."""
        self.settle(writes=True)
        return _ordinary(self).flat

    @flat.setter
    def flat(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self.settle(writes=True)
        _ordinary(self).flat = _plain(value)


def _waiting(name: str, *, writes: bool) -> Callable[..., Any]:
    """A method of NumPy's arrays, behind what it comes behind, which gives ordinary arrays."""
    inner = getattr(np.ndarray, name)

    def method(self: HostArray, *args: Any, **kwargs: Any) -> Any:
        _settle((args, kwargs), writes=True)
        self.settle(writes=writes)
        found = inner(_ordinary(self), *_plain(args), **_plain(kwargs))
        return _guarded(found, [self])

    method.__name__ = method.__qualname__ = name
    return method


def _handing_out(name: str) -> property:
    """An attribute of NumPy's arrays by which others get the memory, when nothing uses it."""
    inner = getattr(np.ndarray, name)

    def attribute(self: HostArray) -> Any:
        self.settle(writes=True)
        return inner.__get__(self)

    return property(attribute)


for _name in _HANDED_OUT:
    setattr(HostArray, _name, _handing_out(_name))
for _name in _READ:
    if hasattr(np.ndarray, _name):
        setattr(HostArray, _name, _waiting(_name, writes=False))
for _name in _WRITTEN:
    if hasattr(np.ndarray, _name):
        setattr(HostArray, _name, _waiting(_name, writes=True))


def over(array: Any, memory: Any) -> HostArray:
    """An ordinary array as one whose uses are known by `memory`."""
    made: HostArray = array.view(HostArray)
    made.memory = memory
    return made


def _ordinary(array: Any) -> Any:
    return array.view(np.ndarray)


def _is_view(key: Any, rank: int) -> bool:
    """Whether an index gives a view, and no element and no copy."""
    parts = key if isinstance(key, tuple) else (key,)
    if not all(is_basic(part) for part in parts):
        return False
    numbers = sum(not (part is None or part is ... or isinstance(part, slice)) for part in parts)
    return numbers < rank or any(part is None or part is ... for part in parts)


def _without_memory(found: Any) -> Any:
    return _ordinary(found) if isinstance(found, HostArray) else found


def _arrays(value: Any) -> Iterator[HostArray]:
    """The arrays in arguments."""
    if isinstance(value, HostArray):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _arrays(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _arrays(one)


def _settle(value: Any, *, writes: bool) -> None:
    for array in _arrays(value):
        array.settle(writes=writes)


def _plain(value: Any) -> Any:
    """Arguments with ordinary arrays in them."""
    if isinstance(value, HostArray):
        return _ordinary(value)
    if isinstance(value, tuple):
        return tuple(_plain(one) for one in value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _guarded(found: Any, sources: list[HostArray]) -> Any:
    """What NumPy gave, where views of such arrays are such arrays."""
    if isinstance(found, tuple | list):
        parts = [_guarded(one, sources) for one in found]
        return parts if isinstance(found, list) else tuple(parts)
    if not isinstance(found, np.ndarray):
        return found
    for source in sources:
        if np.may_share_memory(found, _ordinary(source)):
            return over(found, source.memory)
    return found
