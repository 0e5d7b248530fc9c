"""Kernels whose numbers leave the range that a rash proof keeps them in.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is
not proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from proof.adversary import right_is_proved, wrong_is_not

PROBE = """
@kernel(domain=1, requires=lambda table: len(table) >= 1)
def k(keys: Slice[i32], table: AtomicSlice[i32]):
    i = thread.index_1d()
    if i < len(keys):
        h = i64(keys[i]) % len(table)
        for j in range(8):
            old = atomic.compare_exchange(table, h, 0, keys[i])
            if old == 0 or old == keys[i]:
                break
            h = (h + 1) % len(table)
"""

MASKED = """
@kernel(domain=1, requires=lambda table: len(table) >= 1)
def k(keys: Slice[i32], table: AtomicSlice[i32]):
    i = thread.index_1d()
    if i < len(keys):
        h = i64(keys[i]) & (len(table) - 1)
        for j in range(8):
            old = atomic.compare_exchange(table, h, 0, keys[i])
            if old == 0 or old == keys[i]:
                break
            h = (h + 1) & (len(table) - 1)
"""

RING = """
@kernel(block=64, domain=1, requires=lambda cap: cap >= 1 and cap <= 64)
def k(out: DisjointSlice[i32], n: i32, cap: i32):
    i = thread.index_1d()
    buf = LocalArray(i32, 64)
    for j in range(64):
        buf[j] = 0
    head = 0
    for j in range(n):
        buf[head] = i32(j)
        head += 1
        if head == cap:
            head = 0
    if i < len(out):
        out[i] = buf[head]
"""

COMPACT = """
@kernel(block=64, domain=1, requires=lambda a: len(a) >= 64)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    kept = LocalArray(i32, 64)
    p = 0
    for c in range(64):
        if a[max(c, 0)] > 0:
            kept[p] = i32(c)
            p += 1
"""

PAIRS = {
    # What some rounds add one to is not more than there are rounds.
    "a round more than there is room": (COMPACT, "range(64)", "range(-1, 64)"),
    "two in a round": (COMPACT, "p += 1", "p += 2"),
    "starts at one": (COMPACT, "p = 0", "p = 1"),
    # A remainder is below what is divided by, as often as it is taken.
    "one more than the table has": (PROBE, "(h + 1) % len(table)", "(h + 1) % (len(table) + 1)"),
    "one behind the remainder": (PROBE, "(h + 1) % len(table)", "h % len(table) + 1"),
    "no remainder at the start": (PROBE, "i64(keys[i]) % len(table)", "i64(keys[i])"),
    "mask of one too many": (MASKED, "(h + 1) & (len(table) - 1)", "(h + 1) & len(table)"),
    "mask that may be negative": (MASKED, "(h + 1) & (len(table) - 1)", "(h + 1) & i64(keys[i])"),
    # What is set back at a number does not pass it, if it comes there.
    "room for one less": (RING, "cap <= 64", "cap <= 65"),
    "set back when it is too late": (RING, "head == cap", "head > cap"),
    "steps over the end": (RING, "head += 1", "head += 2"),
    "set back to beyond": (RING, "head = 0\n    if", "head = 1\n    if"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])
