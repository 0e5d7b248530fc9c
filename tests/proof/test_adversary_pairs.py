"""Kernels that wrap, swizzle, compare floats or take turns with buffers, and nearly do it right.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is
not proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from oxide_analyzer.diagnostics import Verdict
from proof.adversary import reported, right_is_proved, wrong_is_not

FOLDED = """
@kernel(block=64, domain=1)
def k(n: i32):
    tile = SharedArray(i32, 256)
    t = thread.x
    j = u8(u8(t) * u8(3) + u8(n))
    tile[j] = i32(t)
"""

SIGNED = """
@kernel(block=64, domain=1)
def k(n: i32):
    tile = SharedArray(i32, 256)
    t = thread.x
    j = i8(i8(t) + i8(n))
    tile[i32(j) + 128] = i32(t)
"""

NEGATED = """
@kernel(block=64, domain=1)
def k(n: i32):
    tile = SharedArray(i32, 256)
    t = thread.x
    j = (u8(n) - u8(2 * t)) // u8(1)
    tile[j] = i32(t)
"""

WIDTHS = """
@kernel(block=64, domain=1)
def k(n: i32):
    tile = SharedArray(i32, 256)
    t = thread.x
    if t < 32:
        tile[u8(u8(t) + u8(n))] = 1
    else:
        tile[i32(u16(n) + u16(t)) % 256] = 2
"""

ADDED = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    j = i32(thread.index_1d()) + n
    if 0 <= j and j < len(out):
        out[j] = 1
"""

SWIZZLE = """
@kernel(block=(8, 8), domain=2)
def k(out: DisjointSlice2D[i32]):
    tile = SharedArray(i32, (8, 8))
    x, y = thread.x, thread.y
    tile[y, x ^ y] = i32(x)
    sync_threads()
    v = tile[x, y ^ x]
    row, col = thread.index_2d()
    if row < len(out) and col < out.shape[1]:
        out[row, col] = v
"""

TURNED = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32]):
    tile = SharedArray(i32, 64)
    t = thread.x
    tile[(63 - t) ^ 5] = i32(t)
    sync_threads()
    v = tile[t ^ 62]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = v
"""

DIGITS = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32]):
    tile = SharedArray(i32, (2, 32))
    t = thread.x
    tile[t // 32, t % 32 ^ 7] = i32(t)
    sync_threads()
    v = tile[1 - t // 32, t % 32]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = v
"""

ROUNDS = """
@kernel(block=(32, 4), domain=2)
def k(out: DisjointSlice2D[i32]):
    tile = SharedArray(i32, (32, 32))
    x, y = thread.x, thread.y
    for r in range(8):
        tile[y + 4 * r, x ^ (y + 4 * r)] = i32(x)
    sync_threads()
    s = 0
    for q in range(8):
        s += tile[x, (y + 4 * q) ^ x]
"""

LITERAL = """
@kernel(block=32, domain=1)
def k(n: i32):
    tile = SharedArray(i32, 32)
    s = 16777218.0
    for r in range(n):
        x = s
    if s <= 16777216.0:
        tile[0] = i32(thread.x)
"""

FLOAT = """
@kernel(block=32, domain=1, requires=lambda f: len(f) >= 2)
def k(f: Slice[f32], n: i32):
    t = thread.x
    tile = SharedArray(i32, 32)
    x = f[0] + f32(n)
    if x > 1.0 and t == 0:
        tile[0] = 1
    x = f[0] + f32(n)
    if not (x > 1.0) and t == 1:
        tile[0] = 2
"""

SIDES = """
@kernel(block=32, domain=1, requires=lambda n: n <= 5)
def k(n: i32):
    t = thread.x
    tile = SharedArray(i32, (2, 32))
    side = 0
    tile[0, t] = 1
    sync_threads()
    for r in range(n):
        tile[1 - side, t] = tile[side, 31 - t] + 1
        side = 1 - side
        sync_threads()
    x = tile[side, 31 - t]
"""

RING = """
@kernel(block=32, domain=1, requires=lambda n: n <= 5)
def k(n: i32):
    t = thread.x
    tile = SharedArray(i32, (4, 32))
    for q in range(2):
        for r in range(0, n, 1):
            tile[r % 4, t] = i32(r)
            sync_threads()
            x = tile[r % 4, 31 - t]
        sync_threads()
"""

POWERS = """
@kernel(block=64, domain=1)
def k():
    t = thread.x
    tile = SharedArray(i32, 64)
    d, s, low = 32, 1, 0
    while d > 0:
        if t < d:
            low = s * (2 * t + 2) - 1
            tile[low] = 1
        d //= 2
        s *= 2
        sync_threads()
"""

QUEUE = """
@kernel(block=32, domain=1, requires=lambda count, n: len(count) >= 1 and within(count, 0, 1)
        and n <= 4 and n >= 0)
def k(count: AtomicSlice[i32], n: i32):
    job = SharedArray(i32, 1)
    t = thread.x
    while True:
        if t == 0:
            job[0] = atomic.add(count, 0, 1)
        sync_threads()
        j = job[0]
        sync_threads()
        if j >= n:
            break
"""

SUMS = """
@kernel(block=64, domain=1)
def k(a: Slice[i32]):
    t = thread.x
    x = a[t] if t < len(a) else 0
    m = block.reduce_max(x)
    for r in range(min(m, 3)):
        sync_threads()
"""

PAIRS = {
    # What wraps is told apart modulo 2 to the bits, and only so.
    "folds onto itself": (FOLDED, "u8(3)", "u8(8)"),
    "folds by any stride": (FOLDED, "u8(3)", "u8(n)"),
    "folds into too little room": (FOLDED, "i32, 256", "i32, 255"),
    "signed, onto itself": (SIGNED, "i8(t) +", "i8(8 * t) +"),
    "signed, one too low": (SIGNED, "+ 128]", "+ 127]"),
    "divided behind the wrap": (NEGATED, "u8(1)", "u8(4)"),
    "divided before it meets": (WIDTHS, "u16(n) +", "u16(n) // u16(2) +"),
    "a product that wraps": (ADDED, "+ n", "* n"),
    # An exchange of digits has a writer for each element; what only looks like one has not.
    "or for exclusive or": (SWIZZLE, "x ^ y]", "x | y]"),
    "a swizzle beyond its row": (SWIZZLE, "block=(8, 8)", "block=(6, 8)"),
    "a swizzle of fewer rows": (SWIZZLE, "block=(8, 8)", "block=(8, 4)"),
    "one lane less": (SWIZZLE, "    tile[y,", "    if x < 7:\n        tile[y,"),
    "turned round with or": (TURNED, "(63 - t) ^ 5", "(63 - t) | 5"),
    "turned round by too few": (TURNED, "block=64", "block=60"),
    "turned round but for one": (TURNED, "    tile[(63", "    if t != 9:\n        tile[(63"),
    "turned round beyond": (TURNED, "^ 5", "^ 69"),
    "digit that is not all": (DIGITS, "t // 32, t % 32 ^", "t // 64, t % 32 ^"),
    "digit with or": (DIGITS, "t % 32 ^ 7", "t % 32 | 7"),
    "a round less": (ROUNDS, "range(8):\n        tile", "range(7):\n        tile"),
    "rounds that overlap": (ROUNDS, "tile[y + 4 * r,", "tile[y + 3 * r,"),
    # Floats are numbers as their type has them.
    "a number that f32 lacks": (LITERAL, "16777218.0", "16777217.0"),
    "a number of some rounds": (LITERAL, "x = s", "s = 1.0"),
    # Equal uninterpreted values of equal operands, and of those alone.
    "another bound": (FLOAT, "not (x > 1.0)", "not (x > 2.0)"),
    "another element": (
        FLOAT,
        "    x = f[0] + f32(n)\n    if not",
        "    x = f[1] + f32(n)\n    if not",
    ),
    "another number": (
        FLOAT,
        "    x = f[0] + f32(n)\n    if not",
        "    x = f[0] + f32(n // 2)\n    if not",
    ),
    "another operator": (
        FLOAT,
        "    x = f[0] + f32(n)\n    if not",
        "    x = f[0] - f32(n)\n    if not",
    ),
    # The halves of a buffer change their roles in every round.
    "the side of the round before": (SIDES, "x = tile[side,", "x = tile[1 - side,"),
    "waits in all rounds but the last": (
        SIDES,
        "        sync_threads()\n    x",
        "        if r < n - 1:\n            sync_threads()\n    x",
    ),
    "a ring of one": (RING, "tile[r % 4, t]", "tile[r % 1, t]"),
    "a ring in steps of its size": (RING, "range(0, n, 1)", "range(0, n, 4)"),
    "a ring that begins anew": (RING, "31 - t]\n        sync_threads()\n", "31 - t]\n"),
    # A power of two halves as another doubles, until it is gone.
    "one round too many": (
        POWERS,
        "d > 0:\n        if t < d:",
        "s < 128:\n        if t < max(d, 1):",
    ),
    "kept from the round before": (POWERS, "low = s *", "low = low // 8 if d == 8 else s *"),
    # Who leaves a loop by what all have read leaves it together.
    "drawn by two": (QUEUE, "t == 0", "t <= 1"),
    "overwritten while others read": (QUEUE, "        sync_threads()\n        if", "        if"),
    "left by its own number": (QUEUE, "j >= n", "j + t >= n"),
    "rounds of the own sum": (SUMS, "block.reduce_max(x)", "block.scan_max(x)"),
    "a sum that some miss": (SUMS, "    m = ", "    if x > 40:\n        return\n    m = "),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])


def test_fast_arithmetic_rounds_differently_elsewhere() -> None:
    """No two computations are taken for one; what is computed once is."""
    fast = FLOAT.replace("domain=1", "domain=1, fast_math=True")
    assert reported(fast).verdict is not Verdict.PROVED
    once = fast.replace("    x = f[0] + f32(n)\n    if not", "    if not")
    assert reported(once).verdict is Verdict.PROVED
