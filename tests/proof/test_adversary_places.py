"""Warps of blocks with several axes: who stands at a place, and what may not be made of it."""

import pytest

from proof.adversary import right_is_proved, wrong_is_not

PLANE = (
    "@kernel(requires=lambda out: len(out) >= 1)\n"
    "def k(out: DisjointSlice[i32], n: i32):\n"
    "    parts = SharedArray(i32, 33)\n"
)
TAIL = (
    "\n    if thread.x == 0 and thread.y == 0 and thread.z == 0 and block.x == 0"
    " and block.y == 0 and block.z == 0:\n        out[0] = total\n"
)

PAIRS = {
    "the_leader_of_each_warp_writes": (
        PLANE
        + """
    if warp.lane == 0:
        parts[warp.index] = i32(thread.y)
    sync_threads()
    total = 0
    for k in range(warp.count):
        total += parts[k]"""
        + TAIL,
        "range(warp.count)",
        "range(warp.count + 1)",
    ),
    "the_leader_need_not_be_in_the_first_row": (
        PLANE.replace("(requires", "(block=(16, 16), requires")
        + """
    if warp.lane == 0:
        parts[warp.index] = 1
    sync_threads()
    total = 0
    for k in range(warp.count):
        total += parts[k]"""
        + TAIL,
        "if warp.lane == 0:",
        "if warp.lane == 0 and thread.y == 0:",
    ),
    "the_last_warp_may_lack_its_last_lane": (
        PLANE
        + """
    if warp.lane == 31:
        parts[warp.index] = 1
    sync_threads()
    total = 0
    for k in range(warp.index):
        total += parts[k]"""
        + TAIL,
        "range(warp.index)",
        "range(warp.index + 1)",
    ),
    "a_barrier_lies_between": (
        PLANE
        + """
    if warp.lane == 0:
        parts[warp.index] = 1
    sync_threads()
    total = 0
    for k in range(warp.count):
        total += parts[k]"""
        + TAIL,
        "    sync_threads()\n",
        "    sync_warp()\n",
    ),
    "one_lane_of_each_warp": (
        PLANE
        + """
    if warp.lane == 0:
        parts[warp.index] = i32(thread.x)
    sync_threads()
    total = parts[0] + i32(thread.y)"""
        + TAIL,
        "warp.lane == 0:",
        "warp.lane < 2:",
    ),
    "each_warp_has_a_number": (
        PLANE
        + """
    if warp.lane == 0:
        parts[warp.index] = i32(thread.x)
    sync_threads()
    total = parts[0] + i32(thread.y)"""
        + TAIL,
        "parts[warp.index]",
        "parts[warp.index // 2]",
    ),
    "who_leaves_does_not_write": (
        "@kernel(requires=lambda a: len(a) >= 1)\n"
        "def k(a: Slice[i32], out: DisjointSlice[i32], n: i32):\n"
        """
    s = block.reduce_add(i32(thread.y))
    if n > 3:
        return
    if thread.x == 0 and thread.y == 0 and block.x == 0 and block.y == 0 and len(out) > 0:
        out[0] = s
""",
        """    s = block.reduce_add(i32(thread.y))
    if n > 3:
        return
""",
        """    if thread.y * 3 > n:
        return
    s = block.reduce_add(i32(thread.y))
""",
    ),
    "rounds_are_kept_apart": (
        "@kernel\n"
        "def k(out: DisjointSlice[i32], n: i32):\n"
        """
    s = thread.x
    for k in range(n):
        s = block.reduce_xor(s + thread.x) + thread.y
    i = thread.index_1d()
    if i < len(out) and thread.y == 0 and block.y == 0:
        out[i] = i32(s)
""",
        "range(n)",
        "range(n + thread.x)",
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_right_is_proved(pair):
    right_is_proved(pair)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_wrong_is_not(pair):
    wrong_is_not(pair)
