"""Kernels that a launch completes, in a module of their own as a user's would be."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from oxide import (
    Const,
    DisjointSlice,
    SharedArray,
    Slice,
    device,
    f32,
    f64,
    grid_dim,
    i32,
    kernel,
    struct,
    sync_threads,
    thread,
)
from oxide import block as blocks

T = TypeVar("T", f32, f64, i32)
SCALE = 3


class Start(Enum):
    ZERO = 0
    ONE = 1


@dataclass(frozen=True)
class Policy:
    tile: int
    start: Start
    weight: float
    dtype: type[f32]


@struct
class Pair:
    low: f32
    high: f32


@device
def clamp(x: T, low: T, high: T) -> T:
    return min(max(x, low), high)


@kernel
def axpy(alpha: T, x: Slice[T], y: DisjointSlice[T]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = clamp(alpha * x[i], x.dtype(0), 40) + y[i]


@kernel
def fill(value: T, out: DisjointSlice[f64]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = f64(value + 1) / 2


@kernel(requires=lambda policy, out: 1 <= policy.tile <= 64 and len(out) >= grid_dim.x)
def tiled(policy: Const[Policy], a: Slice[f32], out: DisjointSlice[f32]):
    part = SharedArray(policy.dtype, policy.tile)
    t = thread.x
    if t < policy.tile:
        i = blocks.x * policy.tile + t
        part[t] = policy.dtype(a[i]) if i < len(a) else policy.dtype(0)
    sync_threads()
    if t == 0:
        total = policy.dtype(0)
        match policy.start:
            case Start.ONE:
                total += 1
            case _:
                pass
        for k in range(policy.tile):
            total += part[k]
        out[blocks.x] = f32(total * policy.dtype(policy.weight))


@device
def square(x: f32) -> f32:
    return x * x


@device
def tripled(x: f32) -> f32:
    return x * SCALE


@kernel
def mapped(fn: Callable[[f32], f32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        out[i] = fn(a[i])


@kernel
def folded(fn: Callable[[Pair, i32], Pair], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        pair = Pair(a[i], 10)
        for k in range(3):
            pair = fn(pair, i32(k))
        out[i] = pair.low + pair.high


@kernel
def many(n: Const[int], flag: Const[bool], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = n if flag else -n
