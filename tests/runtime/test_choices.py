"""Types, constants and functions that a launch decides, on the cpu device."""

import linecache
import re

import numpy as np
import pytest

import oxide
from oxide import f32, f64
from runtime import choices
from runtime.choices import (
    Pair,
    Policy,
    Start,
    axpy,
    fill,
    folded,
    many,
    mapped,
    square,
    tiled,
    tripled,
)


@pytest.fixture(autouse=True)
def on_cpu():
    with oxide.device("cpu"):
        yield


@pytest.fixture
def a():
    return np.arange(64, dtype=np.float32)


def instances(kernel):
    return len(kernel._program._instances)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_arrays_decide_a_type_variable(dtype):
    x, y = np.arange(64, dtype=dtype), np.ones(64, dtype)
    axpy[2, 32](2, x, y)
    assert y.dtype == dtype
    assert y.tolist() == (np.minimum(2 * x, 40) + 1).tolist()


def test_scalars_decide_where_no_array_does():
    out = np.zeros(4)
    fill[1, 32](np.int32(4), out)
    assert out.tolist() == [2.5] * 4
    fill[1, 32](2.5, out)
    assert out.tolist() == [1.75] * 4


def test_a_type_beyond_the_constraints():
    x, y = np.zeros(4, np.int64), np.zeros(4, np.int64)
    with pytest.raises(oxide.LaunchError, match="`x` decides `T`, which is f32 or f64 or i32"):
        axpy[1, 32](2, x, y)
    with pytest.raises(oxide.LaunchError, match="`y` wants elements of f32"):
        axpy[1, 32](2, np.zeros(4, np.float32), y)


@pytest.mark.parametrize("dtype", [f32, f64])
@pytest.mark.parametrize("tile", [1, 8, 32])
def test_policies_are_constants(a, dtype, tile):
    out = np.zeros(2, np.float32)
    tiled[2, 32](Policy(tile, Start.ONE, 0.5, dtype), a, out)
    assert out.tolist() == [(a[:tile].sum() + 1) / 2, (a[tile : 2 * tile].sum() + 1) / 2]


def test_a_constant_is_one_specialisation_each():
    out = np.zeros(3, np.int32)
    for n in (3, -4, 3):
        many[1, 32](n, True, out)
        assert out.tolist() == [n] * 3
        many[1, 32](n, False, out)
        assert out.tolist() == [-n] * 3
    (_, first) = next(iter(many._program._instances.values()))
    assert len(first.specialisations) == 4


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy(65, Start.ONE, 0.5, f32), "does not fulfil `policy.tile <= 64` (policy.tile = 65)"),
        (Policy(8, Start.ONE, "a", f32), "`policy.weight` wants a number"),
        (Policy(1.5, Start.ONE, 1.0, f32), "`policy.tile` wants an integer"),
        (Policy(8, Start.ONE, 1.0, oxide.i32), "decides `policy.dtype`, which is"),
        (Pair(1.0, 2.0), "`policy` has no `.dtype`: it is a Pair"),
    ],
)
def test_constants_that_are_refused(a, policy, message):
    with pytest.raises(oxide.LaunchError, match=re.escape(message)):
        tiled[1, 64](policy, a, np.zeros(1, np.float32))


def test_functions_are_inlined(a):
    out = np.zeros(64, np.float32)
    for fn in (square, tripled, lambda x: x + 1, lambda x: x if x > 5 else -x):
        mapped[2, 32](fn, a, out)
        assert out.tolist() == [fn(x) for x in a]


def test_captured_numbers_are_parameters(a):
    out = np.zeros(64, np.float32)
    mapped._program._instances.clear()
    for factor in (1.5, 2.5, np.pi):
        mapped[2, 32](lambda x: x * factor, a, out)  # noqa: B023
        assert out.tolist() == (a * np.float32(factor)).tolist()
    assert instances(mapped) == 1
    for offset in (1, np.float32(2)):
        mapped[2, 32](lambda x: x + offset, a, out)  # noqa: B023
        assert out.tolist() == (a + np.float32(offset)).tolist()
    assert instances(mapped) == 3


def test_functions_take_and_give_structs(a):
    out = np.zeros(64, np.float32)
    step = 2.0
    folded[2, 32](lambda p, k: Pair(p.low + k, p.high * step), a, out)
    assert out.tolist() == (a + 3 + 80).tolist()


def test_constants_of_functions_are_followed(a, monkeypatch):
    out = np.zeros(64, np.float32)
    mapped[2, 32](tripled, a, out)
    monkeypatch.setattr(choices, "SCALE", 5)
    mapped[2, 32](tripled, a, out)
    assert out.tolist() == (a * 5).tolist()


def test_two_lambdas_of_one_line(a):
    out = np.zeros(64, np.float32)
    for fn in (lambda x: x + 1, lambda x: x + 2):
        mapped[2, 32](fn, a, out)
        assert out.tolist() == [fn(x) for x in a]


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (3, "`fn` wants a lambda or a `@device` function, got int"),
        (np.sin, "`fn` wants a lambda or a `@device` function, got ufunc"),
        (lambda x, y: x, "`fn` takes 2 arguments, 1 are given"),
        (lambda x: [x], "kernels have no lists"),
        (lambda x: x > 1, "what `fn` gives"),
    ],
)
def test_functions_that_are_refused(a, fn, message):
    with pytest.raises(oxide.OxideError, match=re.escape(message)):
        mapped[1, 32](fn, a, np.zeros(4, np.float32))


def test_what_is_bound_stays(a):
    out = np.zeros(64, np.float32)
    shift = 4.0
    bound = mapped.prepare(grid=2, block=32).bind(lambda x: x + shift, a, out)
    bound()
    assert out.tolist() == (a + 4).tolist()
    ready = axpy.prepare(grid=2, block=32)
    ready(2.0, a, out)
    assert out.tolist() == (a + 4 + np.minimum(2 * a, 40)).tolist()


def test_reports_speak_of_every_choice():
    assert axpy.report.verdict == "proved"
    assert mapped.report.verdict == "proved"


CELLS = (
    """
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import TypeVar
from oxide import *
""",
    """
T = TypeVar("T", f32, f64)
class Op(IntEnum):
    A = 0
    B = auto()
@struct
class Line:
    slope: f32
    op: Op = Op.B
    n: i32 = 3
@dataclass(frozen=True)
class Policy:
    weight: float
    element: type[f32]
""",
    """
@kernel
def each(
    line: Line, p: Const[Policy], fn: Callable[[f32], f32], x: Slice[T], out: DisjointSlice[T]
):
    i = thread.index_1d()
    made = Line(2)
    if i < len(out) and i < len(x):
        match line.op:
            case Op.B:
                out[i] = x[i] * line.slope + made.n + fn(2)
            case _:
                out[i] = x.dtype(p.weight)
""",
    """
each[2, 32](Line(2.0), Policy(0.5, f32), lambda v: v * factor, a, out)
""",
    """
factor = 2.5
each[2, 32](Line(2.0, Op.A), Policy(0.5, f64), lambda v: v * factor, a, out2)
""",
)


def test_cells_use_the_classes_of_other_cells(a):
    names = {"a": a, "out": np.zeros(64, np.float32), "out2": np.zeros(64, np.float32)}
    names["factor"] = np.float32(3)
    for number, text in enumerate(CELLS):
        name = f"<choices-{number}>"
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
        exec(compile(text, name, "exec"), names)
    assert names["out"].tolist() == (2 * a + 9).tolist()
    assert names["out2"].tolist() == [0.5] * 64
