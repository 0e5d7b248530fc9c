"""Kernels whose rounds, values or promises belong to another moment than a rash proof takes.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is
not proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from proof.adversary import right_is_proved, wrong_is_not

STREAM = """
@kernel(block=1, domain=1, requires=lambda flag, data, n: within(flag, 0, 1)
        and len(flag) > n and len(data) > n and n >= 0)
def k(data: DisjointSlice[i32], flag: AtomicSlice[u32], n: i32):
    if block.x == 0:
        for r in range(n + 1):
            data[r] = i32(r)
            atomic.store(flag, r, 1, order="release")
    else:
        s = 0
        for r in range(n):
            while atomic.load(flag, r, order="acquire") == 0:
                pass
            s += data[r]
            sync_threads()
"""

FILL = """
@device
def fill(tile: SharedArray[i32], t: int, x: i32):
    tile[t] = x
    sync_threads()

@device
def total(tile: SharedArray[i32], t: int) -> i32:
    s = 32
    while s > 0:
        if t < s:
            tile[t] += tile[t + s]
        sync_threads()
        s = s // 2
    return tile[0]

@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    i, t = thread.index_1d(), thread.x
    tile = SharedArray(i32, 64)
    fill(tile, t, n)
    y = total(tile, t)
    if i < len(out):
        out[i] = y
"""

UNASSIGNED = """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    tile = LocalArray(i32, 4)
    for j in range(4):
        tile[j] = i32(j)
    x = 5
    if n > 3:
        x = 6
    y = x + 0
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[y - 5]
"""

UNGIVEN = """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    t = thread.x
    tile = LocalArray(i32, 32)
    for j in range(32):
        tile[j] = i32(j)
    y = t
    if t < 16:
        with unsafe("the lane takes part"):
            y = warp.shuffle(t, 12, mask=0xFFFF) + 0
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[y]
"""

PLACES = """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    tile = SharedArray(i32, 64)
    p = 0
    if warp.lane < 32:
        with unsafe("they meet"):
            p = warp.scan_add(1, exclusive=True)
        tile[p] = 1
"""

CLAMPED = """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    tile = SharedArray(i32, 64)
    x = a[i] if i < len(a) else 0
    p = warp.scan_add(min(max(x, 0), 1), exclusive=True)
    if x > 0:
        tile[p] = 1
"""

MEET = "    tile[t] = x\n    sync_threads()\n"

PAIRS = {
    # The wait of the next round, behind the barrier, is none for this one.
    "wait of the next round": (
        STREAM,
        "data[r]\n            sync",
        "data[r + 1]\n            sync",
    ),
    # A barrier in a helper orders what its callers do, if everybody comes to it.
    "helper that some leave first": (FILL, MEET, f"    if t == 5:\n        return\n{MEET}"),
    "helper that all may leave first": (FILL, MEET, f"    if x > 3:\n        return\n{MEET}"),
    "helper left before its barrier": (
        FILL,
        MEET,
        "    tile[t] = x\n    if x > 3:\n        return\n    sync_threads()\n",
    ),
    "helper that may not wait": (
        FILL,
        MEET,
        "    tile[t] = x\n    if x > 3:\n        sync_threads()\n",
    ),
    "helper that waits first": (FILL, MEET, "    sync_threads()\n    tile[t] = x\n"),
    "helper that fills half": (
        FILL,
        MEET,
        "    if t < 32:\n        tile[t] = x\n    sync_threads()\n",
    ),
    # What is vouched for is known to nobody: what was not assigned, or given, may be anything.
    "unassigned on one way": (
        UNASSIGNED.replace("    y = x + 0", '    with unsafe("x"):\n        y = x + 0'),
        "    x = 5\n",
        "",
    ),
    "shuffle from a lane outside": (UNGIVEN, "shuffle(t, 12,", "shuffle(t, 20,"),
    "scan of lanes that do not meet": (PLACES, "lane < 32", "lane % 2 == 0"),
    # Between 0 and 1 lies what is clamped so, and nothing else.
    "clamped from below only": (CLAMPED, "min(max(x, 0), 1)", "max(x, 0)"),
    "clamped from above only": (CLAMPED, "min(max(x, 0), 1)", "min(x, 1)"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])
