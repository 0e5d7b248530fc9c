"""Constants, type variables and functions: what is read, for which choices, and what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, findings, kernel, lines, reading, statements

CLASSES = (
    "from collections.abc import Callable\nfrom dataclasses import dataclass\n"
    "from enum import Enum\nfrom typing import TypeVar\n"
    + HEAD
    + """
T = TypeVar("T", f32, f64)
Any_ = TypeVar("Any_")
class Mode(Enum):
    A = 1
    B = 2
@dataclass(frozen=True)
class Policy:
    tile: int
    scale: float
    deep: bool
    mode: Mode
    dtype: type[f32]
@dataclass
class Loose:
    tile: int
@device
def clamp(x: T, low: T, high: T) -> T:
    return min(max(x, low), high)
@device
def first(row: Slice[T]) -> T:
    return row[0]
@device
def twice(fn: Callable[[f32], f32], x: f32) -> f32:
    return fn(fn(x))
@device
def square(x: f32) -> f32:
    return x * x
@device
def wide(x: f64) -> f64:
    return x
def plain(x: f32) -> f32:
    return x
"""
)


def test_a_kernel_is_read_for_each_choice_of_its_type_variables() -> None:
    found = reading(
        CLASSES
        + "@kernel\ndef k(x: Slice[T], y: DisjointSlice[T], s: T):\n"
        + "    y[0] = clamp(x[0], x.dtype(0), s)\n"
    )
    assert [one.instance for one in found.kernels] == ["T = f32", "T = f64"]
    (choice,) = found.kernels[1].choices
    assert (choice.arrays, choice.scalars) == (("x", "y"), ("s",))
    assert [str(array.element) for array in found.kernels[1].arrays.values()] == ["f64", "f64"]


def test_two_choices_make_four_kernels() -> None:
    found = reading(
        CLASSES + 'U = TypeVar("U", i32, u8)\n@kernel\ndef k(x: Slice[T], y: Slice[U]):\n    pass\n'
    )
    assert [one.instance for one in found.kernels] == [
        "T = f32, U = i32",
        "T = f32, U = u8",
        "T = f64, U = i32",
        "T = f64, U = u8",
    ]


def test_findings_name_the_choice_that_they_are_about() -> None:
    head = CLASSES + "@kernel\ndef k(x: Slice[T], y: DisjointSlice[f32]):\n"
    assert [
        one.partition(" ")[2] for one in findings(head + "    y[0] = x[0]\n    y[1] = z\n")
    ] == [
        "OX003 an element of `y` is f32, the value is f64; write `f32(x[0])` (with T = f64)",
        "OX004 `z` is not defined",
    ]


def test_constants_are_symbols() -> None:
    made = reading(
        CLASSES
        + "@kernel(requires=lambda n, p: n >= 1 and p.tile < n)\n"
        + "def k(n: Const[int], w: Const[f32], p: Const[Policy], o: DisjointSlice[f32]):\n"
        + "    t = SharedArray(p.dtype, (n, p.tile + 1))\n"
        + "    o[0] = w * p.scale if p.deep and p.mode is Mode.A else 2 * n\n"
    ).kernels[0]
    assert made.instance == "p.dtype = f32"
    assert [(c.symbol, str(c.type)) for c in made.constants if c.holder == ("argument",)] == [
        ("n", "i64"),
        ("w", "f32"),
        ("p.tile", "i64"),
        ("p.scale", "f64"),
        ("p.deep", "bool"),
        ("p.mode", "i64"),
    ]
    assert statements(made) == lines(
        """
        store o[0] = (($w * f32($p.scale)) if ($p.deep and ($p.mode == $Mode.A.value)) \
else f32((2 * $n)))  @0
        """
    )


def test_what_a_launch_gives_is_any_function() -> None:
    made = kernel(
        CLASSES
        + "@kernel\ndef k(fn: Callable[[f32], f32], v: f32, o: DisjointSlice[f32]):\n"
        + "    o[0] = twice(fn, v)\n"
    )
    assert [one.name for one in made.callables] == ["fn"]
    assert [p.name for p in made.parameters] == ["v", "o"]
    assert statements(made) == lines(
        """
        inline twice #0:
          %1: f32 = fn(v)
          %2: f32 = fn(%1)
          return: f32 = %2
        store o[0] = return  @0
        """
    )


def test_lambdas_and_helpers_are_inlined() -> None:
    made = kernel(
        CLASSES
        + "@kernel\ndef k(v: f32, o: DisjointSlice[f32]):\n"
        + "    s = v + 1\n    f = lambda x: x * s\n    s = s + 1\n"
        + "    o[0] = twice(lambda x: x + s, v) + twice(square, v) + f(2 * v)\n"
    )
    assert statements(made) == lines(
        """
        s: f32 = (v + 1.0)
        s: f32 = (s + 1.0)
        inline twice #0:
          inline <lambda> #1:
            return: f32 = (v + s)
          inline <lambda> #2:
            return.1: f32 = (return + s)
          return.2: f32 = return.1
        inline twice #3:
          inline square #4:
            return.3: f32 = (v * v)
          inline square #5:
            return.4: f32 = (return.3 * return.3)
          return.5: f32 = return.4
        inline <lambda> #6:
          %1: f32 = (2.0 * v)
          return.6: f32 = (%1 * s)
        store o[0] = ((return.2 + return.5) + return.6)  @0
        """
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for v in m[1, :]:\n        o[0] += v", "for %1 in range(0, m.shape[1], 1):"),
        ("for v in o:\n        pass", "for %1 in range(0, o.shape[0], 1):"),
        ("t = LocalArray(f32, 3)\n    for v in t:\n        pass", "for %1 in range(0, 3, 1):"),
    ],
)
def test_loops_over_elements(body: str, expected: str) -> None:
    made = kernel(
        CLASSES + f"@kernel\ndef k(m: Slice2D[f32], o: DisjointSlice[f32]):\n    {body}\n"
    )
    assert expected in statements(made)


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("r = clamp(n, 0, 1)", "OX003 `clamp` wants `T` to be one of f32, f64; it is none here"),
        ("r = first(o) + first(i)", "OX003 `first` wants `T` to be one of f32, f64"),
        ("r = twice(plain, s)", "OX003 `plain` is an ordinary function; write `@device` above it"),
        ("r = twice(3, s)", "OX003 parameter `fn` of `twice` is a function, `3` is none"),
        ("r = twice(wide, s)", "OX003 what `fn` gives|OX003 what `wide` gives"),
        ("r = twice(lambda x, y: x, s)", "OX003 `<lambda>` takes 2 arguments, 1 are given"),
        ("f = lambda x: x\n    f = square", "OX002 `f` is assigned more than once; a function"),
        ("r = square + 1", "OX003 `square` is a function, not a number; call it"),
        ("r = T + 1", "OX003 `T` is a type variable"),
        ("r = lambda x=1: x", "OX002 a lambda in a kernel has plain parameters"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    head = "@kernel\ndef k(n: bool, s: f32, i: Slice[u8], o: DisjointSlice[f32]):\n"
    found = [one.partition(" ")[2] for one in findings(CLASSES + head + f"    {body}\n")]
    assert found, body
    assert any(found[0].startswith(one) for one in finding.split("|")), found


@pytest.mark.parametrize(
    ("signature", "finding"),
    [
        ("x: Slice[Any_]", "OX003 `Any_` does not say which types it may be"),
        ("p: Policy", "OX003 `Policy` is a frozen dataclass: write `Const[Policy]`, or make it a"),
        ("p: Const[Loose]", "OX006 `Loose` is the class `Loose`"),
        ("p: Const[Slice[f32]]", "OX003 `Const[Slice[f32]]`; a constant is a number"),
        ("p: type[f32]", "OX003 a type is known when compiling: `Const[type[f32]]`"),
        ("fn: Callable[[Slice[f32]], f32]", "OX003 a function that is given to a kernel takes and"),
        ("fn: Callable[..., f32]", "OX003 a function is written `Callable[[f32], f32]`"),
    ],
)
def test_refused_signatures(signature: str, finding: str) -> None:
    found = findings(CLASSES + f"@kernel\ndef k({signature}):\n    pass\n")
    assert found, signature
    assert found[0].partition(" ")[2].startswith(finding), found
