"""How types meet: operands, literals, names, conversions."""

from __future__ import annotations

import pytest

from frontend.reading import body_of, in_kernel, kernel, reading, refusals
from oxide_analyzer.ir.nodes import Assign


def type_of(expression: str) -> str:
    """The type that a name gets which is given `expression`."""
    made = kernel(in_kernel(f"result = {expression}"))
    last = made.body[-1]
    assert isinstance(last, Assign)
    return str(last.target.type)


@pytest.mark.parametrize(
    ("expression", "type"),
    [
        ("1", "i64"),
        ("1.5", "f32"),
        ("True", "bool"),
        ("2 if flag else 1", "i64"),
        ("thread.x", "i64"),
        ("len(a)", "i64"),
        ("m.shape[1]", "i64"),
        ("m.size", "i64"),
        ("n + 1", "i32"),
        ("n + k", "i64"),
        ("u + thread.x", "i64"),
        ("u * 2", "u32"),
        ("u + w", "u64"),
        ("n * s", "f32"),
        ("k * s", "f32"),
        ("n * 0.5", "f32"),
        ("n * x64", "f64"),
        ("s * x64", "f64"),
        ("s * 0.1", "f32"),
        ("x64 * 0.1", "f64"),
        ("1 / s", "f32"),
        ("n < 3", "bool"),
        ("flag and n", "bool"),
        ("not n", "bool"),
        ("a[0]", "f32"),
        ("d[0]", "f64"),
        ("idx[0]", "i32"),
        ("-n", "i32"),
        ("~u", "u32"),
        ("abs(x64)", "f64"),
        ("min(n, k, 3)", "i64"),
        ("max(s, 0)", "f32"),
        ("i32(s)", "i32"),
        ("int(s)", "i64"),
        ("bool(n)", "bool"),
        ("f64(n)", "f64"),
        ("a.dtype(0)", "f32"),
        ("s if flag else 0", "f32"),
        ("1 if flag else 0.5", "f32"),
        ("n << 2", "i32"),
        ("n // 2 + n % 3", "i32"),
        ("s // 2", "f32"),
        ("math.sqrt(x64)", "f64"),
        ("math.exp(1.0)", "f32"),
        ("math.inf", "f32"),
        ("atomic.add(bins, 0, 1)", "u32"),
        ("0xcbf29ce484222325", "u64"),
        ("w ^ 0xcbf29ce484222325", "u64"),
    ],
)
def test_type_of_expression(expression: str, type: str) -> None:
    assert type_of(expression) == type


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("r = n + u", "`+` mixes the signs of i32 and u32; write `i32(…)` or `u32(…)`"),
        ("r = k < w", "`<` mixes the signs of i64 and u64"),
        ("r = n / 2", "`/` between i32 and i64; write `//`, or a cast"),
        ("r = flag + 1", "`+` between bool and i64; write `i64(…)` round the bool"),
        ("r = flag & flag", "`&` is for integers; between bools write `and`"),
        ("r = -flag", "`-` of a bool"),
        ("r = s & 1", "`&` is for integers"),
        ("r = ~s", "`~` is for integers"),
        ("r = n << -1", "`<<` by -1, a negative amount"),
        ("r = flag < flag", "`<` between bools"),
        ("r = u + 4294967296", "literal 4294967296 does not fit"),
        ("r = u - -1", "literal -1 does not fit"),
        ("r = 99999999999999999999", "fits no integer type"),
        ("out[0] = 1e39", "literal 1e+39 does not fit an element of `out`, which is f32"),
        ("out[0] = d[0]", "an element of `out` is f32, the value is f64; write `f32(d[0])`"),
        ("ints[0] = thread.x", "write `i32(thread.x)`"),
        ("ints[0] = 0.5", "literal 0.5 does not fit an element of `ints`, which is i32"),
        ("ints[0] = s", "an element of `ints` is i32, the value is f32"),
        ("ints[0] = flag", "an element of `ints` is i32, the value is bool"),
        ("r = a[s]", "an index is an integer, the value is f32"),
        ("r = a[flag]", "an index is an integer, the value is bool"),
        ("r = a[w]", "an index is i64, the value is u64; write `i64(w)`"),
        ("if s: pass", "a condition is bool or an integer, the value is f32"),
        ("r = math.sqrt(n)", "`math.sqrt` is for floats, the value is i32; write `f32(n)`"),
        ("for i in range(s): pass", "an argument of `range` is an integer"),
        ("r = s if flag else flag", "write `f32(…)` round the bool"),
        ("r: i32 = k", "`r` is i32, the value is i64; write `i32(k)`"),
        ("n = 1.5", "literal 1.5 does not fit `n`, which is i32"),
        ("r = a + 1", "`a` is an array of f32; arithmetic is by element: `a[i]`"),
        ("r = m[0, 1, 2]", "`m` has 2 dimensions, 3 indices given; write `m[i, j]`"),
        ("r = a[0][0]", "`a[0]` is a number, not an array"),
        ("r = n(1)", "`n` is a number of type i32 and cannot be called"),
        ("r = (1, 2)[2]", "a tuple of 2 has no item 2"),
        ("r, q = 1, 2, 3", "2 targets take apart a tuple of 3"),
        ("atomic.add(out, 0, 1)", "`out` is a `DisjointSlice`; atomics change an `AtomicSlice`"),
        ("atomic.add(bins, 0, 1, order='acquired')", 'order is one of "relaxed"'),
        ("t = SharedArray(f32, n)", "known at compile time, `n` is not"),
        ("t = SharedArray(f32, 0)", "an array of extent 0"),
    ],
)
def test_types_that_do_not_meet(body: str, message: str) -> None:
    found = refusals(body)
    assert len(found) == 1
    assert found[0].startswith("1 OX003 ")
    assert message in found[0]


def test_name_takes_the_type_of_its_other_assignments() -> None:
    text = body_of("acc = 0\nfor i in range(3):\n    acc += a[i]")
    assert text.startswith("acc: f32 = 0.0")


def test_name_of_literals_is_fixed_before_it_meets_others() -> None:
    # `c` holds nothing but literals, so it is i64, and `v` with it.
    text = body_of("c = 0\nv = idx[0] + c")
    assert "c: i64 = 0" in text
    assert "v: i64 = (i64(%1) + c)" in text


def test_literal_adapts_through_other_names() -> None:
    # What is only ever a copy of a literal is one itself, until something else is assigned.
    text = body_of("c = 0\nc2 = c\nc2 += n\nc = c2")
    assert "c: i32 = (i32 0)" in text
    assert "c2: i32 = c" in text


def test_type_that_is_known_only_behind_its_use() -> None:
    text = body_of(
        """
        last = 0
        while last < 5:
            if last > 0:
                kept = carried
            carried = d[0] * 0 + last
            last += 1
        """
    )
    assert "kept: f64 = carried" in text


def test_conflict_is_said_once_and_names_the_first_place() -> None:
    found = refusals("r = s\nr = flag\nq = r + 1\nout[0] = r")
    assert len(found) == 1
    assert found[0].startswith("2 OX003 `r` is f32 elsewhere and bool here; write `f32(…)`")


def test_cast_is_offered_as_a_fix() -> None:
    (finding,) = reading(in_kernel("out[0] = d[0]")).diagnostics
    (fix,) = finding.fixes
    assert [edit.text for edit in fix.edits] == ["f32(", ")"]


def test_literals_are_exact() -> None:
    assert "r: f32 = 0.10000000149011612" in body_of("r = 0.1")
    assert "r: i64 = 6" in body_of("r = 2 * 3")
    assert "r: i64 = -4" in body_of("r = -7 // 2")
    assert "r: u32 = (u32 4294967295)" in body_of("r = u32(-1)")
    assert "r: i32 = (i32 2147483647)" in body_of("r = i32(1e30)")
