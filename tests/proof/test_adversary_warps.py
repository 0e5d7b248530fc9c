"""Kernels that misuse warps, masks and grids in ways that a prover may overlook.

None is proved, and each can fail: its docstring says what a rule must not forget.
"""

from dataclasses import replace
from random import Random

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.kernel import Requirement
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from programs.launches import launches

PROLOGUE = """
from oxide import (
    AtomicSlice, DisjointSlice, SharedArray, Slice, atomic, block, block_dim, device, f32, grid_dim,
    grid_sync, i32, i64, kernel, popc, sync_threads, sync_warp, thread, u32, warp,
)
"""

HEAD = "@kernel(block=64, domain=1)\ndef k(a: Slice[i32], out: DisjointSlice[i32], n: i32):\n"
WHOLE = (
    "@kernel(block=64, domain=1, requires=lambda out: len(out) >= 64 * grid_dim.x)\n"
    "def k(a: Slice[i32], out: DisjointSlice[i32], n: i32):\n"
)
GRID = (
    "@kernel(domain=1, cooperative=True,"
    " requires=lambda out: len(out) == grid_dim.x * block_dim.x)\n"
    "def k(a: Slice[i32], out: DisjointSlice[i32], n: i32):\n"
)

KERNELS = {
    # ------------------------------------------------------------ what orders a warp
    "lockstep": WHOLE
    + '''
    """Lanes of a warp run in no order."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    out[i] = tile[t ^ 1]
''',
    "sync_of_half_a_warp": WHOLE
    + '''
    """A mask orders the lanes that it holds, not the others."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    if warp.lane < 16:
        sync_warp(0xFFFF)
    out[i] = tile[t ^ 16]
''',
    "sync_orders_one_warp": WHOLE
    + '''
    """Different warps pass their `sync_warp` at different times."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    sync_warp()
    out[i] = tile[t ^ 32]
''',
    "sync_in_one_warp_only": WHOLE
    + '''
    """The second warp passes no `sync_warp`."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    if t < 32:
        sync_warp()
    out[i] = tile[t ^ 1]
''',
    "shuffle_orders_nothing": WHOLE
    + '''
    """A shuffle hands over a register and orders no memory."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    x = warp.shuffle_xor(i32(t), 1)
    out[i] = tile[t ^ 1] + x
''',
    "reduction_orders_nothing": WHOLE
    + '''
    """Nor does a reduction."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    x = warp.reduce_add(i32(t))
    out[i] = tile[t ^ 1] + x
''',
    "ballot_orders_nothing": WHOLE
    + '''
    """Nor does a vote, in global memory either."""
    t, i = thread.x, thread.index_1d()
    out[i] = i32(t)
    if warp.any(t > 3):
        x = out[i - t + (t ^ 1)]
        if x == 77:
            out[i] = x
''',
    "one_sync_in_a_round": WHOLE
    + '''
    """The next round begins while others still read."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = i32(t)
    for r in range(n):
        tile[t] = x
        sync_warp()
        x = tile[t ^ 1]
    out[i] = x
''',
    "sync_where_a_vote_says_so": WHOLE
    + '''
    """All lanes agree on the vote, but it may say no."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    if warp.any(n > 3 and t > 7):
        sync_warp()
    out[i] = tile[t ^ 1]
''',
    "sync_in_every_other_round": WHOLE
    + '''
    """Rounds without a `sync_warp` meet in one interval."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = i32(t)
    for r in range(n):
        tile[t] = x
        if r % 2 == 0:
            sync_warp()
        x = tile[t ^ 1]
        if r % 2 == 0:
            sync_warp()
    out[i] = x
''',
    "reading_before_the_warp_wrote": WHOLE
    + '''
    """Half a warp writes, and the rest of the tile is undefined."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    if warp.lane < 16:
        tile[t] = i32(t)
    sync_warp()
    out[i] = tile[t ^ 16]
''',
    "written_by_another_warp": WHOLE
    + '''
    """The first warp wrote it all, and only it has passed a point that orders that."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 32)
    if t < 32:
        tile[t] = i32(t)
    sync_warp()
    out[i] = tile[t % 32]
''',
    "uniform_load_of_a_racy_tile": WHOLE
    + '''
    """What all lanes load is one value only if nobody writes it meanwhile."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 2)
    if warp.lane == 0:
        tile[t // 32] = n
    if tile[t // 32] > 3:
        sync_warp()
    out[i] = 0
''',
    # ------------------------------------------------------------ who meets
    "half_a_warp_comes": HEAD
    + '''
    """Half of the lanes."""
    i = thread.index_1d()
    x = 0
    if warp.lane < 16:
        x = warp.reduce_add(n)
    if i < len(out):
        out[i] = x
''',
    "guard_of_the_last_block": HEAD
    + '''
    """The guard parts the last warp."""
    i = thread.index_1d()
    if i < len(out):
        out[i] = warp.reduce_add(n)
''',
    "rounds_of_a_lane": HEAD
    + '''
    """Each lane goes round as often as its number says."""
    i = thread.index_1d()
    x = 0
    for j in range(warp.lane):
        x += warp.reduce_max(n)
    if i < len(out):
        out[i] = x
''',
    "rounds_with_uneven_ends": HEAD
    + '''
    """Strides of 32 over 40 elements: some lanes have one round more."""
    i = thread.index_1d()
    x = 0
    for j in range(warp.lane, 40, 32):
        x += warp.reduce_max(n)
    if i < len(out):
        out[i] = x
''',
    "left_in_an_earlier_round": HEAD
    + '''
    """Who broke out in the first round misses the second."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        if j == 0 and warp.lane == 5:
            break
        if j >= 1:
            x += warp.reduce_max(n)
    if i < len(out):
        out[i] = x
''',
    "left_in_an_earlier_round_of_its_own_mask": HEAD
    + '''
    """The same with a mask that holds who has left."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        if j == 0 and warp.lane == 5:
            break
        if j >= 1 and warp.lane < 16:
            x += warp.reduce_max(n, mask=0xFFFF)
    if i < len(out):
        out[i] = x
''',
    "skipped_by_continue": HEAD
    + '''
    """A `continue` of some lanes."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        if a[j % len(a) if len(a) > 0 else 0] == 0 if len(a) > 0 else False:
            x += 1
        if warp.lane == j:
            continue
        x += warp.reduce_max(n)
    if i < len(out):
        out[i] = x
''',
    "rows_of_half_a_warp": """
@kernel(block=(16, 4), domain=2)
def k(out: DisjointSlice[i32], n: i32):
    '''Two rows make one warp.'''
    x = 0
    if thread.y == 0:
        x = warp.reduce_add(n)
    if x == 77 and thread.x == 0 and thread.y == 0 and block.x == 0 and block.y == 0:
        if len(out) > 0:
            out[0] = x
""",
    "rows_of_a_warp_and_a_half": """
@kernel(block=(48, 2), domain=2)
def k(out: DisjointSlice[i32], n: i32):
    '''The second warp belongs to two rows.'''
    x = 0
    if thread.y == 1:
        x = warp.reduce_add(n)
    if x == 77 and thread.x == 0 and thread.y == 0 and block.x == 0 and block.y == 0:
        if len(out) > 0:
            out[0] = x
""",
    "sum_of_a_warp_is_not_of_the_block": HEAD
    + '''
    """Each warp has a sum of its own."""
    t, i = thread.x, thread.index_1d()
    if warp.reduce_add(i32(t)) > 600:
        sync_threads()
    if i < len(out):
        out[i] = 1
''',
    "rounds_of_a_warp_round_a_barrier": HEAD
    + '''
    """Each warp goes round as often as its number says."""
    t, i = thread.x, thread.index_1d()
    for j in range(t // 32):
        sync_threads()
    if i < len(out):
        out[i] = 1
''',
    "sum_of_a_segment_is_not_of_the_warp": HEAD
    + '''
    """Segments of 16 lanes know nothing of each other."""
    t, i = thread.x, thread.index_1d()
    if warp.reduce_add(i32(warp.lane), width=16) > 200:
        sync_warp()
    if i < len(out):
        out[i] = 1
''',
    "broadcast_in_a_segment": HEAD
    + '''
    """The first lane of each segment."""
    t, i = thread.x, thread.index_1d()
    if warp.shuffle(i32(warp.lane), 0, width=16) > 3:
        sync_warp()
    if i < len(out):
        out[i] = 1
''',
    "shuffle_from_lanes_that_differ": HEAD
    + '''
    """Each lane asks another one."""
    t, i = thread.x, thread.index_1d()
    if warp.shuffle(i32(warp.lane), warp.lane // 4) > 3:
        sync_warp()
    if i < len(out):
        out[i] = 1
''',
    "sum_of_earlier_rounds": HEAD
    + '''
    """Taken along from different rounds of a loop that lanes leave when they like."""
    t, i = thread.x, thread.index_1d()
    x = 0
    j = 0
    while True:
        x = j
        if j == t:
            break
        j += 1
    if x > 40:
        sync_warp()
    if i < len(out):
        out[i] = 1
''',
    # ------------------------------------------------------------ masks
    "more_come_than_the_mask_holds": HEAD
    + '''
    """Lane 16 is not in the mask."""
    i = thread.index_1d()
    x = 0
    if warp.lane <= 16:
        x = warp.reduce_add(n, mask=0xFFFF)
    if i < len(out):
        out[i] = x
''',
    "fewer_come_than_the_mask_holds": HEAD
    + '''
    """Lane 16 is in the mask, and goes the other way."""
    i = thread.index_1d()
    x = 0
    if warp.lane < 16:
        x = warp.reduce_add(n, mask=0x1FFFF)
    if i < len(out):
        out[i] = x
''',
    "lowest_lanes_and_one_more": HEAD
    + '''
    """`(1 << k) - 1` does not hold lane k."""
    i = thread.index_1d()
    x = 0
    if 0 < n < 20 and warp.lane <= n:
        x = warp.reduce_add(n, mask=(u32(1) << u32(n)) - 1)
    if i < len(out):
        out[i] = x
''',
    "ballot_of_another_condition": HEAD
    + '''
    """The mask is of those above 3, those above 4 come."""
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 3)
    s = 0
    if x > 4:
        s = warp.reduce_add(x, mask=m)
    if i < len(out):
        out[i] = s
''',
    "ballot_of_an_earlier_value": HEAD
    + '''
    """`x` has changed since the vote."""
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 3)
    x = x - i32(warp.lane)
    s = 0
    if x > 3:
        s = warp.reduce_add(x, mask=m)
    if i < len(out):
        out[i] = s
''',
    "ballot_of_the_round_before": HEAD
    + '''
    """The mask is that of the round before."""
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    s = 0
    m = warp.ballot(x > 3)
    for r in range(n):
        if x > 3:
            s = warp.reduce_add(x, mask=m)
        x = x - i32(warp.lane)
        if r > 0:
            m = warp.ballot(x > 3)
    if i < len(out):
        out[i] = s
''',
    "ballot_then_further_guard": HEAD
    + '''
    """Not all that voted go on."""
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 3)
    s = 0
    if x > 3:
        if warp.lane > 5:
            s = warp.reduce_add(x, mask=m)
    if i < len(out):
        out[i] = s
''',
    # ------------------------------------------------------------ whom a shuffle reads
    "last_partial_warp": """
@kernel(block=48, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32], n: i32):
    '''The second warp has 16 lanes only.'''
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    x += warp.shuffle_down(x, 16)
    if i < len(out):
        out[i] = x
""",
    "partial_warp_across": """
@kernel(block=(8, 5), domain=2)
def k(out: DisjointSlice[i32], n: i32):
    '''40 threads: the last warp has 8 lanes.'''
    x = n + 1
    x += warp.shuffle_xor(x, 8)
    if x == 77 and thread.x == 0 and thread.y == 0 and block.x == 0 and block.y == 0:
        if len(out) > 0:
            out[0] = x
""",
    "left_before_the_shuffle": HEAD
    + '''
    """Lanes that have returned hand nothing over."""
    i = thread.index_1d()
    if i >= len(out):
        return
    x = n
    x += warp.shuffle_down(i32(i), 1)
    out[i] = x
''',
    "left_in_a_loop_before_the_shuffle": HEAD
    + '''
    """The same out of a loop."""
    t, i = thread.x, thread.index_1d()
    for j in range(n):
        if j == t:
            return
    x = warp.shuffle_xor(i32(i), 1)
    if i < len(out):
        out[i] = x
''',
    "read_from_outside_of_the_mask": HEAD
    + '''
    """Lane 20 takes no part."""
    i = thread.index_1d()
    x = 0
    if warp.lane < 16:
        x = warp.shuffle(i32(i), 20, mask=0xFFFF)
    if i < len(out):
        out[i] = x
''',
    "read_from_one_that_voted_no": HEAD
    + '''
    """Lane 0 need not be in the mask."""
    i = thread.index_1d()
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 3)
    s = 0
    if x > 3:
        s = warp.shuffle(x, 0, mask=m)
    if i < len(out):
        out[i] = s
''',
    "undefined_in_the_next_round": """
@kernel(block=40, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''What is undefined is read a round later.'''
    i = thread.index_1d()
    x = 0
    s = 0
    for r in range(n):
        s += x
        x = warp.shuffle_down(s, 8)
    if i < len(out):
        out[i] = i32(s)
""",
    "two_steps_without_a_barrier": WHOLE
    + '''
    """The totals of the warps are read before they are there."""
    t, i = thread.x, thread.index_1d()
    totals = SharedArray(i32, 2)
    s = warp.reduce_add(n + i32(t))
    if warp.lane == 0:
        totals[t // 32] = s
    if t < 32:
        x = totals[warp.lane] if warp.lane < 2 else 0
        x = warp.reduce_add(x)
        if t == 0:
            out[i] = x
''',
    "two_steps_with_too_many_totals": WHOLE
    + '''
    """There are two totals, not three."""
    t, i = thread.x, thread.index_1d()
    totals = SharedArray(i32, 32)
    s = warp.reduce_add(n + i32(t))
    if warp.lane == 0:
        totals[t // 32] = s
    sync_threads()
    if t < 32:
        x = totals[warp.lane] if warp.lane < 3 else 0
        x = warp.reduce_add(x)
        if t == 0:
            out[i] = x
''',
    "totals_used_again": WHOLE
    + '''
    """The next round writes the totals while the first warp reads them."""
    t, i = thread.x, thread.index_1d()
    totals = SharedArray(i32, 2)
    y = 0
    for r in range(n):
        s = warp.reduce_add(i32(t) + y)
        if warp.lane == 0:
            totals[t // 32] = s
        sync_threads()
        y = totals[0] + totals[1]
    out[i] = y
''',
    # ------------------------------------------------------------ places by a scan
    "places_of_half_a_warp": """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''The other half has taken no part, and has the places from 0 as well.'''
    t = thread.x
    tile = SharedArray(i32, 64)
    r = warp.lane
    if warp.lane >= 16:
        r = warp.scan_add(i64(1), exclusive=True, mask=0xFFFF0000)
    tile[r] = i32(t)
""",
    "places_of_two_scans": """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''Each half counts from 0.'''
    t = thread.x
    tile = SharedArray(i32, 64)
    if warp.lane >= 16:
        r = warp.scan_add(i64(1), exclusive=True, mask=0xFFFF0000)
    else:
        r = warp.scan_add(i64(1), exclusive=True, mask=0xFFFF)
    tile[r] = i32(t)
""",
    "places_of_others": """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    '''Who brings nothing has the place of the next.'''
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = a[i] if i < len(a) else 0
    r = warp.scan_add(1 if x > 0 else 0, exclusive=True)
    if x > -1:
        tile[r] = i32(t)
""",
    "places_of_segments": """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''Each segment counts from 0.'''
    t = thread.x
    tile = SharedArray(i32, 64)
    tile[warp.scan_add(i64(1), exclusive=True, width=16)] = i32(t)
""",
    "places_of_two_warps": """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''Each warp counts from 0.'''
    t = thread.x
    tile = SharedArray(i32, 64)
    tile[warp.scan_add(i64(1), exclusive=True)] = i32(t)
""",
    "places_that_may_be_negative": """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    '''What is taken away is handed out twice.'''
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = min(max(a[i], -1), 1) if i < len(a) else 0
    r = warp.scan_add(x, exclusive=True)
    if x != 0 and 0 <= r < 64:
        tile[r] = i32(t)
""",
    "places_of_two_rounds": """
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    '''Two rounds hand out the same places, and nothing lies between.'''
    t = thread.x
    tile = SharedArray(i32, 64)
    for j in range(n):
        r = warp.scan_add(i64(1) if warp.lane != j else i64(0), exclusive=True)
        if warp.lane != j:
            tile[r] = i32(t)
""",
    "all_votes_are_no_place": """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    '''The number of all votes is one for the warp.'''
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 0)
    if x > 0:
        tile[popc(m)] = i32(t)
""",
    "votes_below_another_lane": """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    '''Two lanes count the votes below one lane.'''
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 0)
    if x > 0:
        tile[popc(m & ((1 << (warp.lane // 2)) - 1))] = i32(t)
""",
    "votes_of_others": """
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32]):
    '''Who has voted no has the place of the next yes.'''
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    x = a[i] if i < len(a) else 0
    m = warp.ballot(x > 0)
    if x >= 0:
        tile[popc(m & ((1 << warp.lane) - 1))] = i32(t)
""",
    # ------------------------------------------------------------ grids
    "first_block_waits": GRID
    + '''
    """The other blocks do not come."""
    i = thread.index_1d()
    if block.x == 0:
        grid_sync()
    out[i] = 1
''',
    "guarded_grid_sync": GRID
    + '''
    """Threads beyond the end do not come."""
    i = thread.index_1d()
    if i < len(a):
        grid_sync()
    out[i] = 1
''',
    "rounds_of_a_block_round_a_grid_sync": GRID
    + '''
    """Each block goes round as often as its number says."""
    i = thread.index_1d()
    for j in range(block.x):
        grid_sync()
    out[i] = 1
''',
    "what_a_block_loads": GRID
    + '''
    """Each block has a number of its own."""
    i = thread.index_1d()
    if block.x < len(a):
        if a[block.x] > 0:
            grid_sync()
    out[i] = 1
''',
    "what_a_block_shares": GRID
    + '''
    """Shared memory is another in each block."""
    i = thread.index_1d()
    flag = SharedArray(i32, 1)
    if thread.x == 0:
        flag[0] = i32(block.x)
    sync_threads()
    if flag[0] == 0:
        grid_sync()
    out[i] = 1
''',
    "barrier_of_a_block_between_blocks": GRID
    + '''
    """`sync_threads` orders no other block."""
    i = thread.index_1d()
    out[i] = 1
    sync_threads()
    x = out[len(out) - 1 - i]
    if x == 77:
        grid_sync()
''',
    "one_grid_sync_in_a_round": GRID
    + '''
    """The next round writes while other blocks still read."""
    i = thread.index_1d()
    x = 0
    for r in range(n):
        out[i] = x
        grid_sync()
        x = out[len(out) - 1 - i]
''',
    "grid_sync_in_every_other_round": GRID
    + '''
    """Rounds without a `grid_sync` meet in one interval."""
    i = thread.index_1d()
    x = 0
    for r in range(n):
        out[i] = x
        if r % 2 == 0:
            grid_sync()
        x = out[len(out) - 1 - i]
        if r % 2 == 0:
            grid_sync()
''',
    "no_rounds_no_grid_sync": GRID
    + '''
    """Without a round nothing lies between."""
    i = thread.index_1d()
    out[i] = 1
    for r in range(n):
        grid_sync()
    x = out[len(out) - 1 - i]
    if x == 77:
        grid_sync()
''',
    "a_block_leaves_before_grid_sync": GRID
    + '''
    """Who has left is ordered before nothing."""
    i = thread.index_1d()
    out[i] = 1
    if block.x == 1:
        return
    grid_sync()
    if block.x == 0:
        out[len(out) - 1 - i] = 2
''',
    "a_warp_leaves_before_the_barrier": WHOLE
    + '''
    """The second warp has left, and what it wrote is read."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    if t >= 32:
        return
    sync_threads()
    out[i] = tile[t + 32]
''',
    "a_lane_leaves_before_sync_warp": WHOLE
    + '''
    """Odd lanes have left, and what they wrote is overwritten."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    if t % 2 == 1:
        return
    sync_warp()
    tile[t + 1] = 3
    out[i] = tile[t]
''',
    "iterations_of_a_loop_before": GRID
    + '''
    """Blocks leave the first loop in different rounds, and take its number along."""
    i = thread.index_1d()
    j = 0
    while j < block.x:
        j += 1
    grid_sync()
    if j == 0:
        if thread.x == 0:
            out[0] = 1
    if j == 1:
        if thread.x == 0:
            out[0] = 2
''',
    "value_at_a_break_of_a_block": GRID
    + '''
    """A block's number, taken along by a `break` that all blocks make."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        x = block.x
        if j == 2:
            break
        x = 0
    if x > 0:
        grid_sync()
''',
    "value_at_a_continue_of_a_block": GRID
    + '''
    """The same by a `continue` under a condition of the block."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        if block.x == 1:
            continue
        x = 1
    if x > 0:
        grid_sync()
''',
    "flag_of_a_racy_slice": GRID
    + '''
    """All blocks read one flag, while one of them changes it."""
    i = thread.index_1d()
    if i == 0:
        out[0] = n
    if out[0] > 3:
        grid_sync()
''',
}


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_not_proved_and_can_fail(name: str) -> None:
    source = SourceFile(f"{name}.py", PROLOGUE + KERNELS[name])
    checked = check(source, NoModules())
    (report,) = checked.kernels
    assert report.kernel is not None, checked.diagnostics
    assert report.verdict is not Verdict.PROVED
    facts = tuple(Requirement(f.condition, f.text, f.span) for f in report.facts if not f.declared)
    contract = replace(report.kernel.contract, requires=(*report.kernel.contract.requires, *facts))
    kernel = replace(report.kernel, contract=contract)
    tried = launches(Random(1), kernel, (), 3000)
    assert any(run(kernel, launch, budget=200_000, failures_limit=1).failures for launch in tried)
