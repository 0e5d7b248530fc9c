"""Masks that are made of votes: who is in them, and who is not.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is not
proved and fails on some launch.
"""

from __future__ import annotations

import pytest

from proof.adversary import right_is_proved, wrong_is_not

SIDES = """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 0)
    y = 0
    if x > 0:
        y = warp.reduce_add(x, mask=m)
    else:
        y = warp.reduce_add(x, mask=0xFFFFFFFF & ~m)
    if i < len(out):
        out[i] = y
"""

BOTH = """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 0)
    e = warp.ballot(x % 2 == 0)
    y = 0
    if x > 0 and x % 2 == 0:
        y = warp.reduce_add(x, mask=m & e)
    elif x > 0 or x % 2 == 0:
        y = warp.reduce_add(x, mask=m ^ e)
    if i < len(out):
        out[i] = y
"""

PEERS = """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    i, t = thread.index_1d(), thread.x
    x = a[i] if i < len(a) else 0
    peers = warp.match_any(x)
    y = 0
    if t < 32:
        y = warp.reduce_add(x, mask=peers)
    if i < len(out):
        out[i] = y
"""

PAIRS = {
    "the side that voted yes": (SIDES, "0xFFFFFFFF & ~m", "m"),
    "everybody on one side": (SIDES, "0xFFFFFFFF & ~m", "0xFFFFFFFF"),
    "a vote about something else": (SIDES, "ballot(x > 0)", "ballot(x > 1)"),
    "either for both": (BOTH, "mask=m & e", "mask=m | e"),
    "both for one of them": (BOTH, "mask=m ^ e", "mask=m & e"),
    "one for one of them": (BOTH, "mask=m ^ e", "mask=m"),
    "one of them and both": (BOTH, "    elif x > 0 or", "    if x > 0 or"),
    "peers that stay away": (PEERS, "if t < 32", "if t < 7"),
    "peers of another": (PEERS, "mask=peers", "mask=warp.shuffle_up(peers, 1)"),
    "peers and one more": (PEERS, "mask=peers", "mask=peers | 1"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    right_is_proved(PAIRS[name])


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    wrong_is_not(PAIRS[name])
