# pyright: strict
"""Structs, enums, constants, generics and functions: no type checker has anything to say."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import TypeVar

import oxide
from oxide import (
    Const,
    DisjointSlice,
    SharedArray,
    Slice,
    Slice2D,
    device,
    f32,
    f64,
    i32,
    i64,
    kernel,
    struct,
    thread,
)

T = TypeVar("T", f32, f64)


class Op(IntEnum):
    ADD = 0
    MUL = auto()


class Mode(Enum):
    FAST = 1
    EXACT = 2


@struct
class Vec:
    x: f32
    y: f32 = 0.0


@struct
class Params:
    n: i32
    v: Vec
    mode: Mode = Mode.FAST


@dataclass(frozen=True)
class Policy:
    tile: int
    scale: float
    mode: Mode
    dtype: type[f32]


@device
def add(a: Vec, b: Vec) -> Vec:
    return Vec(a.x + b.x, y=a.y + b.y)


@device
def ordered(a: Vec, b: Vec) -> tuple[Vec, Vec]:
    return (a, b) if a.x < b.x else (b, a)


@device
def clamp(x: T, low: T, high: T) -> T:
    return min(max(x, low), high)


@device
def apply(op: Op, a: f32, b: f32) -> f32:
    match op:
        case Op.ADD:
            return a + b
        case Op.MUL:
            return a * b


@device
def step(x: i64, mode: Mode) -> i64:
    match x, mode:
        case 0, _:
            return 1
        case n, Mode.EXACT if n > 4:
            return n
        case _:
            return -x


@kernel(requires=lambda p, out: p.n <= len(out))
def structs(p: Params, op: Op, out: DisjointSlice[f32]):
    i = thread.index_1d()
    low, high = ordered(p.v, Vec(1))
    if i < p.n and p.mode is Mode.FAST:
        both = add(low, high)
        out[i] = apply(op, both.x, both.y) + step(i, p.mode)


@kernel
def axpy(alpha: T, x: Slice[T], y: DisjointSlice[T]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = clamp(alpha * x[i], x.dtype(0), alpha) + y[i]


@kernel(requires=lambda tile: 1 <= tile <= 1024)
def tiled(tile: Const[int], policy: Const[Policy], element: Const[type[f32]], a: Slice2D[f32]):
    part = SharedArray(element, tile)
    if thread.x < tile:
        part[thread.x] = element(policy.scale)
        if policy.mode == Mode.EXACT:
            for v in a[thread.x, :]:
                part[thread.x] += v


@device
def twice(fn: Callable[[f32], f32], x: f32) -> f32:
    return fn(fn(x))


@device
def square(x: f32) -> f32:
    return x * x


@kernel
def mapped(
    fn: Callable[[f32], f32],
    join: Callable[[Vec, Vec], Vec],
    a: Slice[f32],
    out: DisjointSlice[f32],
):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        v = join(Vec(a[i]), Vec(1, 2))
        out[i] = twice(fn, v.x) + twice(square, v.y) + twice(lambda x: x * 2, v.x)


def launch(a: oxide.DeviceBuffer[f32], m: oxide.DeviceBuffer[f32], factor: float) -> None:
    structs.prepare(grid=1, block=32)(Params(4, Vec(1.0), Mode.EXACT), Op.MUL, a)
    axpy.prepare(grid=1, block=32)(2.0, a, a)
    policy = Policy(tile=32, scale=0.5, mode=Mode.FAST, dtype=f32)
    tiled[1, 32](32, policy, f64, m)
    mapped.prepare(grid=1, block=32)(lambda x: x * factor, lambda p, q: Vec(p.x, q.y), a, a)
