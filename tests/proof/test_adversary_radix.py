"""Flat indices that are taken apart and put together, and what loops carry to an index.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is not
proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from proof.adversary import right_is_proved, wrong_is_not

POOL = """
@kernel(domain=1, requires=lambda src, dst, n, h, w: 0 <= n and n < 4 and 2 <= h and h < 9
        and 2 <= w and w < 9 and len(src) >= n * h * w and len(dst) >= n * (h // 2) * (w // 2))
def k(src: Slice[i32], dst: DisjointSlice[i32], n: int, h: int, w: int):
    ow = w // 2
    oh = h // 2
    i = thread.index_1d()
    if i < n * oh * ow:
        x = i % ow
        y = i // ow % oh
        p = i // ow // oh
        dst[i] = src[(p * h + 2 * y + 1) * w + 2 * x + 1]
"""

ORDER = """
@kernel(domain=1, requires=lambda dst, n, h, w: 0 <= n and n < 4 and 1 <= h and h < 5
        and 1 <= w and w < 5 and len(dst) >= n * h * w)
def k(dst: DisjointSlice[i32], n: int, h: int, w: int):
    i = thread.index_1d()
    if i < n * h * w:
        c = i % n
        y = i // n % h
        x = i // n // h
        dst[(c * h + y) * w + x] = 1
"""

FLAT = """
@kernel(domain=1, requires=lambda dst, n, h, w: 0 <= n and n < 4 and 1 <= h and h < 5
        and 1 <= w and w < 5 and len(dst) >= n * h * w)
def k(dst: DisjointSlice[i32], n: int, h: int, w: int):
    i = thread.index_1d()
    if i < n * h * w:
        x = i % w
        y = i // w % h
        z = i // (w * h)
        dst[(z * h + y) * w + x] = 1
"""

SIGNED = """
@kernel(domain=1)
def k(dst: DisjointSlice2D[i32], n: int):
    i = thread.index_1d()
    if n != 0 and i < 40:
        x = i // n + 41
        y = i % n + 8
        if 0 <= x and x < dst.shape[0] and 0 <= y and y < dst.shape[1]:
            dst[x, y] = 1
"""

PROBED = """
@kernel(domain=1, requires=lambda keys, counts: len(keys) == len(counts))
def k(keys: Slice[i32], dst: DisjointSlice[i32], counts: AtomicSlice[u32]):
    i = thread.index_1d()
    if i < len(dst):
        at = i % len(keys)
        for tried in range(len(keys)):
            if keys[at] == i:
                break
            at = (at + 1) % len(keys)
        atomic.add(counts, at, 1)
        dst[i] = i32(at)
"""

CLASSED = """
@kernel(domain=1, requires=lambda x, dst: len(x) == len(dst))
def k(x: Slice[f32], ends: Slice[f32], values: Slice[f32], dst: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(dst):
        at = -1
        for b in range(len(ends)):
            if x[i] <= ends[b]:
                at = b
                break
        if at > -1:
            dst[i] = values[at]
"""

BATCH = """
@kernel(requires=lambda c, b, n: 1 <= n and n < 5 and 0 <= b and b < 4 and len(c) >= b * n * n)
def k(c: DisjointSlice[i32], b: int, n: int):
    z, row, col = thread.index_3d()
    if z < b and row < n and col < n:
        c[z * n * n + row * n + col] = 1
"""

SORTED = """
@kernel(domain=1, requires=lambda a, out: len(out) >= len(a))
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    best = LocalArray(i32, 8)
    for j in range(8):
        best[j] = 1000
    for r in range(len(a)):
        x = a[r]
        if x < best[7]:
            j = 7
            while j > 0 and best[j - 1] > x:
                best[j] = best[j - 1]
                j -= 1
            best[j] = x
    if i < len(a):
        out[i] = best[0]
"""

COUNTED = """
@kernel(domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    kept = LocalArray(i32, 9)
    n = 0
    for r in range(3):
        for c in range(3):
            if i + r + c < len(a):
                kept[n] = a[i + r + c]
                n += 1
    if i < len(out):
        out[i] = i32(n)
"""

MERGED = """
@kernel(domain=1, requires=lambda a, b, out: len(out) == len(a) + len(b))
def k(a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    low, high = max(0, i - len(b)), min(i, len(a))
    while low < high:
        mid = (low + high) // 2
        if a[mid] <= b[i - 1 - mid]:
            low = mid + 1
        else:
            high = mid
    j = i - low
    if low < len(a) and (j >= len(b) or a[low] <= b[j]):
        out[i] = a[low]
    else:
        out[i] = b[j]
"""

PAIRS = {
    "pool beyond the row": (POOL, "2 * x + 1]", "2 * x + 2]"),
    "pool of the rounded up": (POOL, "oh = h // 2", "oh = (h + 1) // 2"),
    "pool of other rows": (POOL, "p * h + 2 * y + 1", "p * h + 3 * y + 1"),
    "digits in another order": (ORDER, "(c * h + y) * w + x", "(c * w + y) * h + x"),
    "digit of another radix": (ORDER, "y = i // n % h", "y = i // n % w"),
    "digit left out": (ORDER, "x = i // n // h", "x = i // n % h"),
    "quotient of another product": (FLAT, "z = i // (w * h)", "z = i // (n * h)"),
    "remainder of another": (FLAT, "y = i // w % h", "y = i // h % h"),
    "beyond the batch": (BATCH, "z < b", "z <= b"),
    "batches that overlap": (BATCH, "z * n * n", "z * n"),
    "counted down too far": (SORTED, "while j > 0 and best[j - 1]", "while j >= 0 and best[j - 1]"),
    "counted down beyond": (
        SORTED,
        "while j > 0 and best[j - 1] > x:\n                best[j] = best[j - 1]",
        "while j >= 0 and best[j] > x:\n                best[j] = 1",
    ),
    "counted too often": (COUNTED, "range(3):\n            if", "range(4):\n            if"),
    "counted twice": (COUNTED, "n += 1", "n += 2"),
    "the same quotient twice": (SIGNED, "y = i % n + 8", "y = i // n + 8"),
    "a rest of another": (SIGNED, "y = i % n + 8", "y = i % 2 + 8"),
    "a rest alone": (SIGNED, "x = i // n + 41", "x = 41"),
    "a quotient alone": (SIGNED, "y = i % n + 8", "y = 8"),
    "a quotient by one more": (SIGNED, "x = i // n + 41", "x = i // (n * n + 1) + 41"),
    "probed one beyond": (PROBED, "atomic.add(counts, at, 1)", "atomic.add(counts, at + 1, 1)"),
    "probed without going round": (PROBED, "(at + 1) % len(keys)", "at + 1"),
    "no class": (CLASSED, "if at > -1", "if at > -2"),
    "the class behind": (CLASSED, "at = b\n", "at = i\n"),
    "merged from too far": (MERGED, "max(0, i - len(b))", "max(0, i - len(b) - 1)"),
    "merged to too far": (MERGED, "high = mid\n", "high = mid + 2\n"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])
