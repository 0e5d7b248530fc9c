"""Kernels that are broken in ways that a prover may overlook: none is proved, each can fail.

Each once got a proof from a rule that was nearly right; its docstring says what the rule forgot.
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
    DisjointSlice, LocalArray, SharedArray, Slice, block, device, f32, i32, i64, kernel,
    sync_threads, thread,
)
"""

KERNELS = {
    "what_ended_a_loop_before_it": '''
@kernel(block=32, domain=1, requires=lambda out: len(out) >= 32)
def k(out: DisjointSlice[i32]):
    """What ended a loop need not hold before it."""
    t = thread.x
    tile = SharedArray(i32, 32)
    if block.x == 0:
        v = out[t]
        if v > 10:
            tile[0] = i32(t)
        x = 0
        while v > 10:
            x += 1
            if x > 3:
                break
''',
    "what_ended_an_inner_loop": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """What ended an inner loop says nothing of the rounds of the outer one."""
    t = thread.x
    tile = SharedArray(i32, 32)
    for r in range(n):
        if r > 3:
            tile[0] = i32(t)
        x = 0
        while r > 3:
            x += 1
            if x > 3:
                break
''',
    "leaving_in_different_rounds": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    """Threads leave a loop in different rounds, and meet behind it."""
    t = thread.x
    tile = SharedArray(i32, 32)
    j = 0
    while True:
        if j == t:
            break
        j += 1
    sync_threads()
    tile[0] = i32(t)
''',
    "value_at_a_uniform_break": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A private value that a uniform `break` takes along."""
    t = thread.x
    x = 0
    for j in range(n):
        x = t
        if j == 2:
            break
        x = 0
    if x > 3:
        sync_threads()
''',
    "value_at_a_uniform_continue": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A private value that a uniform `continue` takes along."""
    t = thread.x
    x = 0
    for j in range(n):
        if x > 3:
            sync_threads()
        x = t
        if j == 2:
            continue
        x = 0
''',
    "value_at_a_uniform_return": '''
@device
def f(x: int, n: int) -> int:
    if n > 2:
        return x
    return 0
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A private value that a helper returns early, under a uniform condition."""
    t = thread.x
    if f(t, n) > 3:
        sync_threads()
''',
    "local_array_declared_anew": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A local array is undefined again in every round."""
    i = thread.index_1d()
    x = 0
    for j in range(n):
        loc = LocalArray(i32, 4)
        if j > 0:
            x = loc[0]
        loc[0] = 1
    if i < len(out):
        out[i] = i32(x)
''',
    "exit_in_front_of_its_store": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The store behind the `return` was made in an earlier round."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    for j in range(10):
        if j == 3 and t == 5:
            return
        if j == 2 and t == 5:
            tile[0] = 7
    sync_threads()
    if t == 0:
        tile[0] = 1
''',
    "exit_after_earlier_stores": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """Who returns in one round has stored in all rounds before."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 640)
    for j in range(10):
        tile[j * 32 + t] = 7
        if j == 3 and t == 5:
            return
    sync_threads()
    if t == 0:
        tile[32 + 5] = 1
''',
    "barrier_in_a_loop_head": '''
@device
def go(j: int) -> bool:
    sync_threads()
    return j < 3
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The barrier stands in the head of a `while`, what follows it in the body."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 64)
    if t == 3:
        tile[0] = 5
        return
    j = 0
    while go(j):
        if t == 0:
            tile[0] = 1
        j += 1
''',
    "writer_that_returned": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The neighbour returned in the first round and writes no more."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 32)
    x = 0
    for j in range(4):
        if j == 0 and t == 3:
            return
        tile[t] = 1
        sync_threads()
        x = tile[(t + 1) % 32]
        sync_threads()
    if i < len(out):
        out[i] = i32(x)
''',
    "writer_that_returned_in_a_loop": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """Who returned in a loop does not store behind it."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 32)
    for j in range(4):
        if j == t:
            return
    tile[t] = 1
    sync_threads()
    x = tile[(t + 1) % 32]
    if i < len(out):
        out[i] = i32(x)
''',
    "helper_left_in_a_loop": '''
@device
def fill(loc: LocalArray[i32], t: int, n: int) -> int:
    for j in range(4):
        if j == t:
            return 0
    loc[0] = 1
    return 1
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A helper that is left in its loop does not store behind it."""
    t, i = thread.x, thread.index_1d()
    loc = LocalArray(i32, 2)
    fill(loc, t, n)
    if i < len(out):
        out[i] = loc[0]
''',
    "loop_variable_assigned": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The body assigns a private value to the variable of a uniform loop."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 32)
    j = 0
    for j in range(n):
        j = t
    if j == t:
        tile[0] = i32(t)
''',
    "loop_variable_without_rounds": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """Without a round the variable keeps what it was before: private."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 32)
    j = t
    for j in range(n):
        pass
    if j == t:
        tile[0] = i32(t)
''',
    "exit_in_a_loop_with_a_rare_barrier": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A loop that holds a barrier can still go round without crossing it."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 128)
    for j in range(4):
        tile[j * 32 + t] = 7
        if j == 3 and t == 5:
            return
        if n > 100:
            sync_threads()
    sync_threads()
    if t == 0:
        tile[32 + 5] = 1
''',
    "exit_behind_a_broken_loop": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The stores of all rounds come before the `return` behind the loop."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(i32, 128)
    j = 0
    while True:
        tile[j * 32 + t] = 7
        if j == 3:
            break
        j += 1
    if t == 5:
        return
    sync_threads()
    if t == 0:
        tile[32 + 5] = 1
''',
    "writer_chose_by_its_own_float": '''
@kernel(block=32, domain=1, requires=lambda out: len(out) >= 32)
def k(a: Slice[f32], out: DisjointSlice[f32], n: i32):
    """Where the neighbour stored depends on a float that only it has read."""
    t = thread.x
    tile = SharedArray(i32, 64)
    if block.x == 0:
        x = out[t]
        v = 1 if x < 0.5 else 0
        tile[v * 32 + t] = 1
        sync_threads()
        r = tile[v * 32 + (t + 1) % 32]
        out[t] = f32(r)
''',
    "writer_branched_on_its_own_float": '''
@kernel(block=32, domain=1, requires=lambda out: len(out) >= 32)
def k(a: Slice[f32], out: DisjointSlice[f32], n: i32):
    """The same, by a branch."""
    t = thread.x
    tile = SharedArray(i32, 64)
    x = 0.0
    if block.x == 0:
        x = out[t]
    v = 0
    if x < 0.5:
        v = 1
    tile[v * 32 + t] = 1
    sync_threads()
    r = tile[v * 32 + (t + 1) % 32]
    if block.x == 0:
        out[t] = f32(r)
''',
    "private_float_against_shared_number": '''
@kernel(block=32, domain=1, requires=lambda out: len(out) >= 32)
def k(out: DisjointSlice[f32], n: i32):
    """A private float compared with a number that is the same for all."""
    t = thread.x
    tile = SharedArray(f32, 64)
    v = 0.0
    if block.x == 0:
        v = out[t]
    if v < f32(n):
        if t == 0:
            tile[3] = 1.0
    else:
        if t == 1:
            tile[3] = 2.0
''',
    "parameter_called_inf": '''
@kernel(block=32, domain=1)
def k(a: Slice[f32], out: DisjointSlice[f32], inf: f32):
    """A parameter called as a literal is printed."""
    t, i = thread.x, thread.index_1d()
    tile = SharedArray(f32, 32)
    if len(a) > 0:
        if a[0] > inf and t == 0:
            tile[0] = 1.0
        if not (a[0] > 1e999) and t == 2:
            tile[0] = 3.0
''',
    "carried_out_of_different_rounds": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    """A value of an inner loop, taken along from different rounds of the outer one."""
    t = thread.x
    tile = SharedArray(i32, 32)
    j = 0
    v = 0
    while True:
        v = 0
        for m in range(40):
            v = m
            if m == j:
                break
        if j == t:
            break
        j += 1
    sync_threads()
    if v == t:
        tile[0] = i32(t)
''',
    "local_array_of_the_last_round": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """Behind the loop stands the array of the last round."""
    i = thread.index_1d()
    loc = LocalArray(i32, 4)
    for j in range(2):
        loc2 = LocalArray(i32, 4)
        if j == 0:
            loc2[0] = 1
    x = loc2[0]
    if i < len(out):
        out[i] = x
''',
    "quotient_that_has_no_meaning": '''
@kernel(block=32, domain=1, requires=lambda n: n <= 0)
def k(out: DisjointSlice[i32], n: i64, w: i32):
    """Without a round nobody divides by `n`, so it need not be positive."""
    t = thread.x
    tile = SharedArray(i32, 32)
    x = 0
    y = 0
    if n > 0:
        y = 64 // n
    for j in range(min(n, 3)):
        x += 64 // n
    if x < 32 and 0 <= x:
        tile[x] = i32(t)
''',
    "quotient_behind_its_loop": '''
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32], w: i32):
    """The same under a guard behind the loop."""
    t = thread.x
    tile = SharedArray(i32, 32)
    n = len(a)
    x = 0
    y = 0
    if n > 0:
        y = 64 // n
    for j in range(min(n, 3)):
        x += 64 // n
    if n < 1:
        if 0 <= x < 32:
            tile[x] = i32(t)
''',
    "value_of_an_inner_loop_of_another_round": '''
@kernel(block=32, domain=1)
def k(a: Slice[i32], out: DisjointSlice[i32], n: i32, w: i32):
    """The inner loop ended with another number in the earlier round."""
    t, i = thread.x, thread.index_1d()
    loc = LocalArray(i32, 8)
    x = 0
    for r in range(len(a)):
        j = 0
        while j < a[r] and j < 7:
            j += 1
        if r > 0:
            x = loc[j]
        loc[j] = 1
    if i < len(out):
        out[i] = x
''',
    "halved_from_no_power": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    """Halving 12 and doubling 1 keeps the product only while 12 is even: 3 halves to 1."""
    t = thread.x
    tile = SharedArray(i32, 32)
    offset, active = 1, 12
    while active > 0:
        sync_threads()
        if t == 0 and active * offset == 8:
            tile[4 * offset + active] = 1
        offset *= 2
        active //= 2
''',
    "doubled_in_one_branch": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """What is doubled in some rounds only does not keep the product."""
    t = thread.x
    tile = SharedArray(i32, 16)
    offset, active = 1, 8
    while active > 0:
        if n > 3:
            offset *= 2
        sync_threads()
        if t < active:
            tile[16 // offset + t] = 1
        active //= 2
''',
    "power_times_three": '''
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A stride that is sometimes tripled is no power of two."""
    t = thread.x
    tile = SharedArray(i32, 64)
    tile[t] = i32(t)
    sync_threads()
    stride = 1
    while stride < 64:
        if t % (2 * stride) == 0:
            tile[t] += tile[t + stride]
        sync_threads()
        if n == stride:
            stride *= 3
        else:
            stride *= 2
''',
    "round_before_wrote_in_one_branch": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """The round before wrote the other half, but not every time."""
    t = thread.x
    tile = SharedArray(i32, (2, 32))
    tile[0, t] = i32(t)
    sync_threads()
    side = 0
    for r in range(n):
        if r != 0:
            tile[1 - side, t] = tile[side, t]
        sync_threads()
        side = 1 - side
''',
    "round_before_wrote_for_half": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """Half of the threads wrote in the round before, all read."""
    t = thread.x
    tile = SharedArray(i32, (2, 32))
    tile[0, t] = i32(t)
    sync_threads()
    side = 0
    for r in range(n):
        x = tile[side, t]
        if t < 16:
            tile[1 - side, t] = x
        sync_threads()
        side = 1 - side
''',
    "last_round_left_early": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32], n: i32):
    """A loop left in its middle has not done what its rounds do."""
    t = thread.x
    tile = SharedArray(i32, (2, 32))
    tile[0, t] = i32(t)
    sync_threads()
    for r in range(n):
        if r == 2:
            break
        tile[(r + 1) % 2, t] = i32(t)
        sync_threads()
    if t < len(out) and n > 0:
        out[t] = tile[n % 2, 0]
''',
    "exchange_with_two_digits": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    """`t ^ 3 > t` holds for two threads of each four, whose neighbours write as well."""
    t = thread.x
    tile = SharedArray(i32, 32)
    tile[t] = i32(t)
    sync_threads()
    partner = t ^ 3
    if partner > t:
        tile[partner - 1] = tile[t + 1]
''',
    "mask_of_a_sum": '''
@kernel(block=32, domain=1)
def k(out: DisjointSlice[i32]):
    """`t & (s - 1)` is a remainder for powers of two only."""
    t = thread.x
    tile = SharedArray(i32, 32)
    s = 2
    while s < 32:
        if t & (s - 1) == 0:
            tile[t // 6] = i32(t)
        sync_threads()
        s += 4
''',
}


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_not_proved_and_can_fail(name):
    source = SourceFile(f"{name}.py", PROLOGUE + KERNELS[name])
    (report,) = check(source, NoModules()).kernels
    assert report.kernel is not None
    assert report.verdict is not Verdict.PROVED
    facts = tuple(Requirement(f.condition, f.text, f.span) for f in report.facts if not f.declared)
    contract = replace(report.kernel.contract, requires=(*report.kernel.contract.requires, *facts))
    kernel = replace(report.kernel, contract=contract)
    tried = launches(Random(1), kernel, (), 2000)
    assert any(run(kernel, launch, budget=200_000, failures_limit=1).failures for launch in tried)
