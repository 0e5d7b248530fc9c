"""Functions of numbers and `**`: what they become, and what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import body_of, lines, refusals


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("r = popc(3)", "r: i64 = popc(3)"),
        ("r = clz(u)", "r: u32 = clz(u)"),
        ("r = select(n < 2, s, 1)", "r: f32 = (s if (n < (i32 2)) else 1.0)"),
        ("r = round(s)", "r: i64 = i64(round(s))"),
        ("r = round(n)", "r: i32 = n"),
        ("r = math.floor(x64)", "r: i64 = i64(floor(x64))"),
        ("r = math.isnan(s)", "r: bool = (s != s)"),
        ("r = math.isfinite(s)", "r: bool = (abs(s) < inf)"),
        ("r = fma(s, 2, x64)", "r: f64 = fma(f64(s), (f64 2.0), x64)"),
        ("r = math.copysign(n, s)", "r: f32 = copysign(f32(n), s)"),
        ("r = 2 ** 10", "r: i64 = 1024"),
        ("r = 2 ** -1", "r: f32 = 0.5"),
        ("r = 2 ** u", "r: u32 = ((u32 1) << u)"),
        ("r = k ** u", "r: i64 = (k ** i64(u))"),
        ("r = s ** 0", "r: f32 = 1.0"),
        ("r = n ** 3", "r: i32 = ((n * n) * n)"),
        ("r = s ** 4", "r: f32 = ((s * s) * (s * s))"),
        ("r = s ** -1", "r: f32 = (1.0 / s)"),
    ],
)
def test_it_becomes(body: str, expected: str) -> None:
    assert body_of(body) == expected


def test_divmod_checks_its_divisor_once() -> None:
    assert body_of("q, p = divmod(n, idx[0])") == lines(
        """
        %1 = load idx[0]  @0
        %2: i32 = n
        %3: i32 = %1
        check divisor %3  @1
        q: i32 = (%2 //@1 %3)
        p: i32 = (%2 %@1 %3)
        """
    )


def test_powers_by_a_literal_are_products() -> None:
    assert body_of("r = s ** -6") == lines(
        """
        %1: f32 = s
        %2: f32 = (%1 * %1)
        %3: f32 = (%2 * %2)
        r: f32 = (1.0 / (%2 * %3))
        """
    )


def test_the_fraction_of_an_infinity_is_zero() -> None:
    assert body_of("f, whole = math.modf(s)") == lines(
        """
        %1: f32 = trunc(s)
        f: f32 = copysign((0.0 if (s == %1) else (s - %1)), s)
        whole: f32 = %1
        """
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("r = clz(s)", "`clz` is for integers, the value is f32"),
        ("r = fma(n, n, n)", "`fma` is for floats, the value is i32; write `f32(n)`"),
        ("r = n ** -1", "`**` of an integer by -1 is no integer; write `f32(…) ** -1`"),
        ("r = 2 ** k", "`2 ** k` is no integer where `k` is negative; write `1 << k`"),
        (
            "r = n ** n",
            "`**` of integers by i32, which may be negative; "
            "write `u16(n)`, or compute with floats",
        ),
        ("r = n ** u", "`**` mixes the signs of i32 and u32; write `i32(…)` or `u32(…)`"),
        ("r = flag ** 2", "`**` between bool and i64; write `i64(…)` round the bool"),
        ("r = round(s, 2)", "`round` is called with 2 arguments: `round(x) -> i64`"),
        ("r = math.sqrt(n)", "`math.sqrt` is for floats, the value is i32; write `f32(n)`"),
    ],
)
def test_it_is_refused(body: str, message: str) -> None:
    assert refusals(body) == [f"1 OX003 {message}"]
