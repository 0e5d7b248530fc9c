"""Who wrote what is read, where loops are left early, and what is passed on the way.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is not
proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from proof.adversary import right_is_proved, wrong_is_not

STRIDED = """
@kernel(block=32, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def k(out: DisjointSlice[i32], n: i32):
    tile = SharedArray(i32, 100)
    t = thread.x
    b = t
    while b < 100:
        tile[b] = i32(b)
        b += block_dim.x
    sync_threads()
    s = 0
    for j in range(100):
        s += tile[j]
    if t == 0:
        out[block.x] = s
"""

ENDLESS = """
@kernel(block=32, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def k(out: DisjointSlice[i32], n: i32):
    tile = SharedArray(i32, 96)
    t = thread.x
    b = t
    while True:
        tile[b] = i32(b)
        b += 32
        if b >= 96:
            break
    sync_threads()
    s = 0
    for j in range(96):
        s += tile[j]
    if t == 0:
        out[block.x] = s
"""

STOPPED = """
@kernel(block=32, domain=1, requires=lambda a, out: len(out) >= grid_dim.x and len(a) >= 4)
def k(a: Slice[i32], out: DisjointSlice[i32], n: i32):
    tile = SharedArray(i32, 128)
    t = thread.x
    for r in range(4):
        if r > 3:
            break
        tile[32 * r + t] = a[r]
    sync_threads()
    s = 0
    for j in range(128):
        s += tile[j]
    if t == 0:
        out[block.x] = s
"""

MODES = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], mode: i32):
    tile = SharedArray(i32, 64)
    t, i = thread.x, thread.index_1d()
    tile[t] = i32(i)
    if mode == 0:
        sync_threads()
    x = tile[t]
    if mode == 0:
        x += tile[63 - t]
    if i < len(out):
        out[i] = x
"""

WITHIN = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], mode: i32):
    tile = SharedArray(i32, 64)
    t, i = thread.x, thread.index_1d()
    x = 0
    if mode == 0:
        tile[t] = i32(i)
        sync_threads()
    if mode == 0:
        x = tile[63 - t]
    if i < len(out):
        out[i] = x
"""

ROUNDS = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    tile = SharedArray(i32, 64)
    t, i = thread.x, thread.index_1d()
    tile[t] = i32(i)
    for r in range(2):
        sync_threads()
        n += 1
    if i < len(out):
        out[i] = tile[63 - t] + n
"""

DIGITS = """
@kernel(block=32, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def k(out: DisjointSlice[i32], n: i32):
    tile = SharedArray(i32, (9, 12))
    t = thread.x
    for e in range(t, 9 * 12, 32):
        tile[e // 12, e % 12] = i32(e)
    sync_threads()
    s = 0
    for r in range(9):
        for c in range(12):
            s += tile[r, c]
    if t == 0:
        out[block.x] = s
"""

PIVOT = """
@kernel(block=16, domain=1, requires=lambda out: len(out) >= grid_dim.x * 16)
def k(out: DisjointSlice[i32]):
    sol = SharedArray(i32, 16)
    t = thread.x
    x = i32(t)
    for j in range(16):
        if t == j:
            sol[j] = x
        sync_threads()
        if t > j:
            x -= sol[j]
    out[block.x * 16 + t] = x
"""

RING = """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    ring = SharedArray(i32, (3, 32))
    t, i = thread.x, thread.index_1d()
    for s in range(3):
        ring[s, t] = 0
    stage = 0
    for r in range(n):
        ring[stage, t] += 1
        stage = 0 if stage == 2 else stage + 1
    if i < len(out):
        out[i] = ring[0, t]
"""

SQUARE = """
@kernel(domain=1)
def k(out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < 1000 and i ** 2 < len(out):
        out[i ** 2] = i32(i)
"""

SHIFTED = """
@kernel(domain=1, requires=lambda k: 0 <= k and k < 8)
def k(out: DisjointSlice[i32], k: i32):
    i = thread.index_1d()
    if (i << k) < len(out):
        out[i << k] = i32(i)
"""

PACKED = """
@kernel(domain=2)
def k(out: DisjointSlice[i32]):
    row, col = thread.index_2d()
    if row < 30000 and col <= row:
        at = row * (row + 1) // 2 + col
        if at < len(out):
            out[at] = i32(row)
"""

FOUND = """
@kernel(domain=1, requires=lambda a, count: within(a, 0, len(count)))
def k(a: Slice[i32], count: AtomicSlice[i32], n: i32):
    i = thread.index_1d()
    if i >= len(a):
        return
    x = a[i]
    while True:
        p = atomic.load(count, x)
        if p < 0 or p >= len(count) or p == x:
            break
        x = p
"""

PAIRS = {
    "strided from the next": (STRIDED, "    b = t\n", "    b = t + 1\n"),
    "strided too far": (STRIDED, "b += block_dim.x", "b += 2 * block_dim.x"),
    "strided and ended early": (STRIDED, "while b < 100", "while b < 99"),
    "strided and ended by data": (STRIDED, "while b < 100", "while b < 100 and b < n"),
    "strided and left": (STRIDED, "        b += block_dim.x", "        b += 32\n        break"),
    "strided and left by data": (
        STRIDED,
        "        b += block_dim.x",
        "        b += 32\n        if b == n:\n            break",
    ),
    "endless, left early": (ENDLESS, "if b >= 96", "if b >= 64 + t"),
    "endless, left in between": (ENDLESS, "if b >= 96", "if b >= 96 or b % 64 == 1"),
    "endless, left late": (ENDLESS, "if b >= 96", "if b >= 97"),
    "stopped": (STOPPED, "if r > 3", "if r > 2"),
    "stopped by one thread": (STOPPED, "if r > 3", "if r > t"),
    "stopped by data": (STOPPED, "if r > 3", "if a[r] > 3"),
    "stopped by what is carried": (STOPPED, "if r > 3", "n = n * 3\n        if n == r"),
    "read in the other mode": (
        MODES,
        "    x = tile[t]\n    if mode == 0",
        "    x = tile[t]\n    if mode == 1",
    ),
    "read in every mode": (
        MODES,
        "    x = tile[t]\n    if mode == 0",
        "    x = tile[t]\n    if mode != 7",
    ),
    "written in another mode": (
        WITHIN,
        "    x = 0\n    if mode == 0",
        "    x = 0\n    if mode > 0",
    ),
    "written in a mode that may not be": (
        WITHIN,
        "sync_threads()\n    if mode == 0",
        "sync_threads()\n    if mode < 2",
    ),
    "written behind the barrier": (
        WITHIN,
        "        tile[t] = i32(i)\n        sync_threads()\n",
        "        sync_threads()\n        tile[t] = i32(i)\n",
    ),
    "passed in no round": (ROUNDS, "range(2)", "range(n)"),
    "passed unless left": (
        ROUNDS,
        "        sync_threads()",
        "        if n == 3:\n            break\n        sync_threads()",
    ),
    "last digit missing": (DIGITS, "range(t, 9 * 12, 32)", "range(t, 9 * 12 - 1, 32)"),
    "digits of another radix": (DIGITS, "tile[e // 12, e % 12]", "tile[e // 12, e % 11]"),
    "pivot of another": (PIVOT, "if t == j", "if t == j + 2"),
    "pivot without a barrier": (PIVOT, "sync_threads()", "sync_warp(0xFF)"),
    "ring beyond its end": (RING, "stage == 2", "stage == 3"),
    "square of both signs": (SQUARE, "out[i ** 2] =", "out[(i - 3) ** 2] ="),
    "shifted back": (SHIFTED, "out[i << k]", "out[i >> k]"),
    "shifted out": (
        SHIFTED.replace("k < 8", "k < 32").replace("(i << k) < len(out)", "0 <= i << k < len(out)"),
        "i = thread.index_1d()",
        "i = i32(thread.index_1d()) << 29",
    ),
    "packed one short": (PACKED, "row * (row + 1)", "row * (row - 1)"),
    "packed beyond the diagonal": (PACKED, "col <= row", "col <= row + 1"),
    "found and not tested": (FOUND, "p >= len(count)", "p > len(count)"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])
