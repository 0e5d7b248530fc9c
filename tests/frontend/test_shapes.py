"""Three dimensions, small integers, dynamic shared memory, limits and facts about data."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, body_of, findings, kernel, lines, refusals
from oxide_analyzer.ir.show import show


def test_three_dimensions() -> None:
    made = kernel(
        """
        from oxide import *
        @device
        def swap(v: Slice3D[f32], t: SharedArray3D[i8], own: LocalArray3D[i8]) -> f32:
            t[0, 1, 2] = own[1, 0, 1]
            return v[1, 2, 3]
        @kernel(domain=3)
        def k(v: Slice3D[f32], o: DisjointSlice3D[f32], c: AtomicSlice3D[u32]):
            t = SharedArray(i8, (2, 3, 4))
            own = LocalArray(i8, (2, 2, 2))
            plane, row, col = thread.index_3d()
            o[plane, row, col] = swap(v, t, own)
            atomic.add(c, (plane, row, col), 1)
        """
    )
    assert lines(show(made).partition("\n")[2]) == lines(
        """
        domain 3
        shared t: i8[2, 3, 4]
        local own: i8[2, 2, 2]
        declare own
        plane: i64 = ((block.z * block_dim.z) + thread.z)
        row: i64 = ((block.y * block_dim.y) + thread.y)
        col: i64 = ((block.x * block_dim.x) + thread.x)
        inline swap #0:
          %1 = load own[1, 0, 1]  @0
          store t[0, 1, 2] = %1  @1
          %2 = load v[1, 2, 3]  @2
          return: f32 = %2
        store o[plane, row, col] = return  @3
        %3 = atomic add c[plane, row, col], (u32 1)  @4
        """
    )


def test_small_integers_meet_wider_ones() -> None:
    made = kernel(
        """
        from oxide import *
        @kernel
        def k(a: i8, b: u8, c: u16, o: DisjointSlice[i8], f: f32):
            o[0] = a + 1
            r = b + c
            q = a * (c + i64(0))
            s = b + i16(1)
            t = f * b
            w = b + thread.x
            o[1] = i8(b)
        """
    )
    assert lines(show(made).partition("\n")[2]) == lines(
        """
        store o[0] = (a + (i8 1))  @0
        r: u16 = (u16(b) + c)
        q: i64 = (i64(a) * (i64(c) + 0))
        s: i16 = (i16(b) + (i16 1))
        t: f32 = (f * f32(b))
        w: i64 = (i64(b) + thread.x)
        store o[1] = i8(b)  @1
        """
    )


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("r: u8 = 256", "OX003 literal 256 does not fit `r`, which is u8"),
        ("r = i8(u) + u", "OX003 `+` mixes the signs of i8 and u32"),
        ("r = u8(n) + i8(n)", "OX003 `+` mixes the signs of u8 and i8"),
        ("r = SharedArray(u8, 4)\natomic.add(r, 0, 1)", "OX003 `r` holds u8; atomics are of 32"),
        ("r = dynamic_shared(n)", "OX003 `n` is not a scalar type; write `dynamic_shared(f32)`"),
        ("r = dynamic_shared(f32, 4)", "OX003 `dynamic_shared` is called with 2 arguments"),
        ("r = dynamic_shared(f32)\nr[0, 0] = 1", "OX003 `r` has 1 dimension, 2 indices given"),
        (
            "r = dynamic_shared(f32)\nq = dynamic_shared(i32)",
            "OX002 a kernel has one `dynamic_shared`; index parts of it",
        ),
        ("r = injective(idx)", "OX002 `injective` is for a contract: `requires=lambda"),
        ("plane, row = thread.index_3d()", "OX003 2 targets take apart a tuple of 3"),
        ("r = SharedArray(f32, (1, 2, 3, 4))", "OX003 an array has 1 to 3 dimensions, not 4"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    found = refusals(body)
    assert len(found) == 1, found
    assert finding in found[0]


def test_dynamic_shared_memory() -> None:
    made = kernel(
        """
        from oxide import *
        @device
        def last(b: SharedArray[f32]) -> f32:
            return b[len(b) - 1]
        @device
        def scratch(n: i64) -> f32:
            d = dynamic_shared(f32)
            return last(d) + d[n]
        @kernel(shared=1024)
        def k(out: DisjointSlice[f32]):
            out[0] = scratch(0) + scratch(1)
        """
    )
    text = show(made)
    assert "  shared d: f32[d.shape[0]]\n" in text
    assert "= load d[(d.shape[0] - 1)]" in text


def contract(keywords: str) -> str:
    return (
        f"{HEAD}N = 32\n@kernel({keywords})\n"
        "def k(idx: Slice[i32], a: Slice[f32], m: Slice2D[u8], n: i32): pass\n"
    )


def test_limits_and_facts() -> None:
    made = kernel(
        contract(
            "shared=4 * N, max_threads=N, min_blocks=2, cooperative=True, "
            "requires=lambda idx, m, n: injective(idx) and 0 < n and within(m, 0, n + 1)"
        )
    )
    assert lines(show(made).partition("\n")[2]) == lines(
        """
        requires (0 < i64(n))
        requires injective(idx)
        requires within(m, 0, n + 1)
        cooperative
        shared (4 * $N)
        max_threads $N
        min_blocks 2
        constant N: i64 = 32
        pass
        """
    )


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ("shared=-1", "`shared` is -1; it is at least 0"),
        ("shared=1.5", "`shared` is an integer known at compile time"),
        ("shared=True", "`shared` is an integer known at compile time"),
        ("shared=(1, 2)", "`shared` is an integer known at compile time"),
        ("max_threads=2048", "`max_threads` is 2048; at most 1024 fit"),
        ("max_threads=0", "`max_threads` is 0; it is at least 1"),
        ("min_blocks=N - 32", "`min_blocks` is 0; it is at least 1"),
        ("requires=lambda a: injective(a)", "`a` holds f32; `injective` is of integers"),
        ("requires=lambda n: injective(n)", "`n` is a scalar and has no length"),
        ("requires=lambda: injective(idx)", "`idx` is not a parameter of the lambda"),
        ("requires=lambda idx: injective(idx, 1)", "`injective` is written `injective(idx)`"),
        ("requires=lambda idx: within(idx, 0)", "`within` is written `within(idx, 0, n)`"),
        ("requires=lambda idx: within(idx, 0, 1.5)", "a requirement speaks of parameters"),
        ("requires=lambda idx: injective(idx + 1)", "`injective` speaks of a slice parameter"),
        ("requires=lambda idx: not injective(idx)", "made of comparisons, joined by `and`"),
        ("requires=lambda idx: injective(idx) == 1", "`injective` is joined to other requirements"),
    ],
)
def test_refused_contract(keywords: str, message: str) -> None:
    (found,) = findings(contract(keywords))
    assert " OX404 " in found
    assert message in found


def test_row_of_a_tuple() -> None:
    assert body_of("p = thread.index_2d()\nr = m[p]").splitlines()[-2:] == [
        "%1 = load m[p, p.1]  @0",
        "r: f32 = %1",
    ]
