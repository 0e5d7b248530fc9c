"""A stand-in for Numba that notes the launches of a host program, and whether each was read.

A program is run with it; a launch is read if one of the launches that the analyzer has found says
nothing of it that does not hold.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_analyzer.frontends.numba import read
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Param,
    Register,
    Special,
)
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.ir.kernel import Kernel, LaunchSite
    from oxide_analyzer.ir.nodes import Expr

HEAD = """\
import asyncio
import contextlib
import math
import random
from functools import partial
import numpy as np
from numba import cuda


@cuda.jit
def k(a, out, n=7):
    i = cuda.grid(1)
    if i < n:
        out[i] = a[i]


class Numbers:
    def __init__(self):
        self.last = 3

    def __call__(self):
        self.last = (self.last * 7 + 5) % 11
        return self.last + 1


rnd = Numbers()


def load(n=None):
    return np.zeros(n or rnd())


def flag():
    return rnd() % 2 == 0


def risky():
    raise OSError


"""

_ARITHMETIC: dict[BinaryOp, Callable[[int, int], int]] = {
    BinaryOp.ADD: lambda a, b: a + b,
    BinaryOp.SUB: lambda a, b: a - b,
    BinaryOp.MUL: lambda a, b: a * b,
    BinaryOp.FLOORDIV: lambda a, b: a // b,
    BinaryOp.MOD: lambda a, b: a % b,
    BinaryOp.MIN: min,
    BinaryOp.MAX: max,
}
_COMPARED: dict[CompareOp, Callable[[int, int], bool]] = {
    CompareOp.EQ: lambda a, b: a == b,
    CompareOp.GE: lambda a, b: a >= b,
    CompareOp.LT: lambda a, b: a < b,
}


@dataclass
class Launched:
    """A launch that happened."""

    name: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    given: dict[str, Any]
    line: int

    def __str__(self) -> str:
        given = {name: getattr(value, "shape", value) for name, value in self.given.items()}
        return f"line {self.line}: {self.name}[{self.grid}, {self.block}]({given})"


class OnDevice(np.ndarray):
    """An array in the memory of a device."""

    def copy_to_host(self, ary: Any = None, stream: Any = None) -> Any:
        del stream
        return np.array(self) if ary is None else ary


class _Kernel:
    def __init__(self, function: Callable[..., Any], log: list[Launched]) -> None:
        self.function, self.log = function, log

    def __getitem__(self, how: tuple[Any, ...]) -> Callable[..., None]:
        return lambda *given, **named: self.launch(how[0], how[1], given, named)

    def __call__(self, grid: Any, block: Any, given: Any) -> None:
        self.launch(grid, block, given, {})

    def configure(self, *how: Any) -> Callable[..., None]:
        return self[how]

    def specialize(self, *_: Any) -> _Kernel:
        return self

    def forall(self, tasks: int, tpb: int = 0) -> Callable[..., None]:
        return self[-(-tasks // (tpb or 128)), tpb or 128]

    def launch(self, grid: Any, block: Any, given: Any, named: Any) -> None:
        bound = inspect.signature(self.function).bind(*given, **named)
        bound.apply_defaults()
        line = inspect.stack(0)[2].lineno
        name = self.function.__name__
        self.log.append(Launched(name, _three(grid), _three(block), dict(bound.arguments), line))


def _three(extents: Any) -> tuple[int, ...]:
    if isinstance(extents, int | np.integer):
        extents = (extents,)
    return tuple(int(extent) for extent in (*extents, 1, 1)[:3])


def _stand_in(log: list[Launched]) -> types.ModuleType:
    def jit(function: Any = None, **options: Any) -> Any:
        def made(inner: Any) -> Any:
            return inner if options.get("device") else _Kernel(inner, log)

        return made(function) if callable(function) else made

    def copied(array: Any, to: Any = None, **_: Any) -> Any:
        # Memory of a device is given back as it is.
        return to if to is not None else made_like(array) if type(array) is np.ndarray else array

    def made(shape: Any, dtype: Any = np.float64) -> Any:
        return np.empty(shape, dtype).view(OnDevice)

    def made_like(array: Any) -> Any:
        return np.array(array).view(OnDevice)

    def itself(array: Any) -> Any:
        return array

    def nothing() -> None:
        return None

    cuda: Any = types.ModuleType("numba.cuda")
    cuda.jit, cuda.to_device, cuda.device_array = jit, copied, made
    cuda.device_array_like = made_like
    cuda.mapped_array = made
    cuda.pinned_array = np.empty
    cuda.as_cuda_array = itself
    cuda.stream = cuda.synchronize = nothing
    numba: Any = types.ModuleType("numba")
    numba.cuda = cuda
    return numba


def launched(text: str) -> tuple[list[Launched], BaseException | None]:
    """The launches of a program, and what it raised."""
    log: list[Launched] = []
    stand_in: Any = _stand_in(log)
    modules = {"numba": stand_in, "numba.cuda": stand_in.cuda}
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        exec(compile(text, "k.py", "exec"), {"__name__": "__main__"})
    except Exception as error:
        return log, error
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return log, None


def kernels(text: str) -> dict[str, Kernel]:
    """The kernels of a program, with their launches."""
    return {k.name: k for k in read(SourceFile("k.py", text), NoModules()).kernels}


def not_read(text: str) -> list[str]:
    """The launches of a program of which every launch that was read says something false."""
    log, _ = launched(text)
    found = kernels(text)
    return [
        f"{one}: {reasons}"
        for one in log
        if all(np.ndim(a) for a in one.given.values() if hasattr(a, "shape"))
        and (sites := found[one.name].launches)
        and all(reasons := [_false(site, one) for site in sites])
    ]


def _false(site: LaunchSite, one: Launched) -> str:
    """What a launch that was read says falsely of one that happened; empty if nothing is."""
    block = site.contract.block
    if block is not None and tuple(_value(extent, one) for extent in block) != one.block:
        return f"block {one.block}"
    for requirement in site.contract.requires:
        condition = requirement.condition
        assert isinstance(condition, Compare)
        left, right = _value(condition.left, one), _value(condition.right, one)
        if not _COMPARED[condition.op](left, right):
            return requirement.text
    if block is None and not site.contract.requires and not site.same:
        # Nothing was read of it; parameters are then taken for different arrays.
        return ""
    arrays = {n: a for n, a in one.given.items() if isinstance(a, np.ndarray) and a.size}
    same, shared = dict(site.same), {frozenset(pair) for pair in site.shared}
    for (p, first), (q, second) in itertools.combinations(arrays.items(), 2):
        is_one = same.get(q) == same.get(p, p)
        if is_one and first is not second:
            return f"{q} is {p}"
        may_share = is_one or frozenset((p, q)) in shared
        if not may_share and np.may_share_memory(first, second):
            return f"{p} and {q} lie apart"
    return ""


def _value(expr: Expr, one: Launched) -> int:
    match expr:
        case Const(value=value):
            return int(value)
        case Special(register=Register.GRID_DIM, axis=axis):
            return one.grid[axis]
        case Special(register=Register.BLOCK_DIM, axis=axis):
            return one.block[axis]
        case Dim(array=name, axis=axis):
            return int(one.given[name].shape[axis])
        case Param(name=name):
            return int(one.given[name])
        case Convert(operand=inner):
            return _value(inner, one)
        case Binary(op=op, left=left, right=right):
            return _ARITHMETIC[op](_value(left, one), _value(right, one))
        case _:
            raise NotImplementedError(type(expr).__name__)
