"""Views and several elements at once: the map of indices, the checks, what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import body_of, findings, kernel, lines, refusals, statements


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "row = m[2, :]\nr = row[n]",
            "check row 2 < m.shape[0] of m axis 0  @0\n%1 = load m[2, i64(n)]  @1\nr: f32 = %1",
        ),
        (
            "r = m[2][3]",
            "check row 2 < m.shape[0] of m axis 0  @0\n%1 = load m[2, 3]  @1\nr: f32 = %1",
        ),
        (
            "row = m[k]\nr = len(row)",
            "check row k < m.shape[0] of m axis 0  @0\nr: i64 = m.shape[1]",
        ),
        (
            "all = a[:]\nr = all[k] + len(all)",
            "%1 = load a[k]  @0\nr: f32 = (%1 + f32(a.shape[0]))",
        ),
        (
            "v = a[4:8]\nr = v[1] + len(v)",
            "check view 4 <= 8 <= a.shape[0] of a axis 0  @0\n"
            "check index 1 < 4 of a axis 0  @1\n"
            "%1 = load a[5]  @2\n"
            "r: f32 = (%1 + f32(4))",
        ),
        (
            "v = a[:k]\nr = v[n]",
            "check view 0 <= k <= a.shape[0] of a axis 0  @0\n"
            "%1: i64 = i64(n)\n"
            "check index %1 < k of a axis 0  @1\n"
            "%2 = load a[%1]  @2\n"
            "r: f32 = %2",
        ),
        (
            "v = out[k:]\nv[0] += s",
            "check view k <= out.shape[0] <= out.shape[0] of out axis 0  @0\n"
            "%1: i64 = (out.shape[0] - k)\n"
            "check index 0 < %1 of out axis 0  @1\n"
            "%2 = load out[(k + 0)]  @2\n"
            "store out[(k + 0)] = (%2 + s)  @3",
        ),
        (
            "v = m[1:k, :]\nr = v[0, 1] + v.size",
            "check view 1 <= k <= m.shape[0] of m axis 0  @0\n"
            "%1: i64 = (k - 1)\n"
            "check index 0 < %1 of m axis 0  @1\n"
            "%2 = load m[1, 1]  @2\n"
            "r: f32 = (%2 + f32((%1 * m.shape[1])))",
        ),
        (
            "v = m[1:k]\np = v[2]\nr = p[3]",
            "check view 1 <= k <= m.shape[0] of m axis 0  @0\n"
            "%1: i64 = (k - 1)\n"
            "check index 2 < %1 of m axis 0  @1\n"
            "%2 = load m[3, 3]  @2\n"
            "r: f32 = %2",
        ),
        (
            "t = SharedArray(u32, (4, 8))\natomic.add(t[3, 2:6], 1, u)",
            "check view 2 <= 6 <= 8 of t axis 1  @0\n"
            "check index 1 < 4 of t axis 0  @1\n"
            "%1 = atomic add t[3, 3], u  @2",
        ),
    ],
)
def test_views(body: str, expected: str) -> None:
    assert body_of(body) == expected


def test_view_of_a_view_composes() -> None:
    assert body_of("v = a[2:10]\np = v[3:5]\nr = p[1]") == lines(
        """
        check view 2 <= 10 <= a.shape[0] of a axis 0  @0
        check view 3 <= 5 <= 8 of a axis 0  @1
        check index 1 < 2 of a axis 0  @2
        %1 = load a[6]  @3
        r: f32 = %1
        """
    )


def test_view_keeps_what_its_names_held() -> None:
    assert body_of(
        "i = k\nj = k + 4\nv = a[i:j]\nrow = m[i, :]\ni += 1\nj = i\nr = v[i] + row[j]"
    ) == lines(
        """
        i: i64 = k
        j: i64 = (k + 4)
        %1: i64 = i
        %2: i64 = j
        check view %1 <= %2 <= a.shape[0] of a axis 0  @0
        %3: i64 = (%2 - %1)
        %4: i64 = i
        check row %4 < m.shape[0] of m axis 0  @1
        i: i64 = (i + 1)
        j: i64 = i
        check index i < %3 of a axis 0  @2
        %5 = load a[(%1 + i)]  @3
        %6 = load m[%4, j]  @4
        r: f32 = (%5 + %6)
        """
    )


def test_helpers_take_views_of_slices_and_of_scratch_memory() -> None:
    made = kernel(
        """
        from oxide import *
        @device
        def first(row: Slice[f32]) -> f32:
            return row[0] + len(row)
        @device
        def fill(row: DisjointSlice[f32], value: f32):
            row[1] = value
        @device
        def count(bins: SharedArray[u32]):
            atomic.add(bins, 1, 1)
        @device
        def plane(p: Slice2D[f32]) -> f32:
            return first(p[1]) + first(p[0, 2:])
        @kernel
        def k(v: Slice3D[f32], o: DisjointSlice2D[f32]):
            tile = SharedArray(f32, (4, 8))
            bins = SharedArray(u32, (4, 8))
            fill(o[3, :], plane(v[5]))
            fill(tile[2, :], first(o[7]))
            count(bins[1, :])
        """
    )
    assert statements(made) == lines(
        """
        check row 3 < o.shape[0] of o axis 0  @0
        check row 5 < v.shape[0] of v axis 0  @1
        inline plane #0:
          check row 1 < v.shape[1] of v axis 1  @2
          inline first #1:
            %1 = load v[5, 1, 0]  @3
            return: f32 = (%1 + f32(v.shape[2]))
          check row 0 < v.shape[1] of v axis 1  @4
          check view 2 <= v.shape[2] <= v.shape[2] of v axis 2  @5
          %2: i64 = (v.shape[2] - 2)
          inline first #2:
            check index 0 < %2 of v axis 0  @6
            %3 = load v[5, 0, 2]  @7
            return.1: f32 = (%3 + f32(%2))
          return.2: f32 = (return + return.1)
        inline fill #3:
          store o[3, 1] = return.2  @8
        check row 7 < o.shape[0] of o axis 0  @9
        inline first #4:
          %4 = load o[7, 0]  @10
          return.3: f32 = (%4 + f32(o.shape[1]))
        inline fill #5:
          store tile[2, 1] = return.3  @11
        inline count #6:
          %5 = atomic add bins[1, 1], (u32 1)  @12
        """
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "p, q = a.load(4 * k, 2)",
            "%1: i64 = (4 * k)\n"
            "check aligned %1 % 2 of a  @0\n"
            "%2 = load a[%1]  @1\n"
            "%3 = load a[(%1 + 1)]  @2\n"
            "p: f32 = %2\n"
            "q: f32 = %3",
        ),
        (
            "p = m.load((k, 0), 2)\nr = p[1]",
            "check aligned ((k * m.shape[1]) + 0) % 2 of m  @0\n"
            "%1 = load m[k, 0]  @1\n"
            "%2 = load m[k, 1]  @2\n"
            "p: f32 = %1\n"
            "p.1: f32 = %2\n"
            "r: f32 = p.1",
        ),
        (
            "out.store(0, (s, 1))",
            "check aligned 0 % 2 of out  @0\nstore out[0] = s  @1\nstore out[1] = 1.0  @2",
        ),
        (
            "v = out[k:]\nv.store(2, (s, s))",
            "check view k <= out.shape[0] <= out.shape[0] of out axis 0  @0\n"
            "%1: i64 = (out.shape[0] - k)\n"
            "check aligned (k + 2) % 2 of out  @1\n"
            "check index 2 < %1 of out axis 0  @2\n"
            "store out[(k + 2)] = s  @3\n"
            "check index 3 < %1 of out axis 0  @4\n"
            "store out[(k + 3)] = s  @5",
        ),
    ],
)
def test_wide(body: str, expected: str) -> None:
    assert body_of(body) == expected


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("r = m[:, 1]", "OX002 `m[:, 1]` is no view, because its elements do not lie side by side"),
        ("r = m[0:2, 1:3]", "OX002 `m[0:2, 1:3]` is no view"),
        ("r = a[::2]", "OX002 a view has no step"),
        ("r = a[1:-1]", "OX002 an end of a view does not count from behind; write `len(…) - 1`"),
        ("r = a[s:]", "OX003 an end of a view is an integer, the value is f32"),
        ("r = a[1:2, 0]", "OX003 `a` has 1 dimension, 2 indices given"),
        ("r = m[0, 1, :]", "OX003 `m` has 2 dimensions, 3 indices given"),
        ("r = m[0] + 1", "OX003 `m[0]` is an array of f32; arithmetic is by element: `m[0][i]`"),
        ("out[0:2] = 1", "OX002 `out[0:2]` is a view; index its elements in a loop"),
        ("out[0:2] += 1", "OX002 `out[0:2]` is a view; index its elements in a loop"),
        ("t = SharedArray(f32, (2, 2))\nt[0] = 1", "OX003 `t` has 2 dimensions, 1 index given"),
        ("a[1:][0] = 1", "OX101 `a[1:]` is a read-only `Slice`"),
        ("r = bins[1:][0]", "OX106 `bins[1:]` is an `AtomicSlice`"),
        ("v = a[1:]\nif n: v = a[2:]", "OX002 `v` is assigned more than once"),
        ("a = a[1:]", "OX002 `a` is assigned more than once; an array needs a name of its own"),
        ("n = a[1:]", "OX002 `n` is assigned more than once"),
        ("r = a[1:] if n else a", "OX002 a ternary does not choose between arrays"),
        ("r = a[...]", "OX002 kernels have no `...`"),
        ("r = a[None]", "OX002 kernels have no `None`"),
        ("r = a.load(0, 3)", "OX003 the width is a literal 2, 4, 8 or 16"),
        ("r = a.load(0, n)", "OX003 the width is a literal 2, 4, 8 or 16"),
        ("r = a.load(0, 8)", "OX003 8 elements of f32 are 32 bytes; at most 16 are moved at once"),
        ("r = d.load(0, 4)", "OX003 4 elements of f64 are 32 bytes; at most 16 are moved at once"),
        ("r = a.load(0)", "OX003 `.load` of an array is written `a.load(i, 4)`"),
        ("r = a.load(0, width=4)", "OX003 `.load` of an array is written `a.load(i, 4)`"),
        ("r = m.load(0, 2)", "OX003 `m` has 2 dimensions, 1 index given"),
        ("r = a.load", "OX002 `a.load` is called: `a.load(i, 4)`"),
        ("a.store(0, (1, 2))", "OX101 `a` is a read-only `Slice`"),
        ("out.store(0, s)", "OX003 `.store` writes a tuple of 2, 4, 8 or 16 numbers"),
        ("out.store(0, (s, s, s))", "OX003 `.store` writes a tuple of 2, 4, 8 or 16 numbers"),
        ("ints.store(0, (s, 1))", "OX003 an element of `ints` is i32, the value is f32"),
        ("r = out.store(0, (s, s))", "OX003 `out.store(0, (s, s))` gives no value"),
        ("r = bins.load(0, 2)", "OX106 `bins` is an `AtomicSlice`"),
        ("atomic.add(m[0], 0, 1.0)", "OX003 `m[0]` is a `Slice`; atomics change"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    found = refusals(body)
    assert found, body
    assert finding in found[0]


@pytest.mark.parametrize(
    ("call", "finding"),
    [
        ("fill(a[1:])", "is a `DisjointSlice[f32]`, `a[1:]` is read-only"),
        ("fill(m)", "has 1 dimensions, `m` has 2"),
        ("fill(m[0])", "is a `DisjointSlice[f32]`, `m[0]` is read-only"),
        ("count(bins[1:])", "is a `SharedArray[u32]`, `bins[1:]` is a global array"),
        ("fill(t)", "is a `DisjointSlice[f32]`, `t` is a shared array"),
    ],
)
def test_views_that_do_not_fit_their_parameter(call: str, finding: str) -> None:
    found = findings(
        f"""
        from oxide import *
        @device
        def fill(row: DisjointSlice[f32]):
            row[0] = 1
        @device
        def count(bins: SharedArray[u32]):
            atomic.add(bins, 0, 1)
        @kernel
        def k(a: Slice[f32], m: Slice2D[f32], bins: AtomicSlice[u32]):
            t = SharedArray(f32, 4)
            {call}
        """
    )
    assert len(found) == 1, found
    assert finding in found[0]
