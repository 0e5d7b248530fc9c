"""Litmus tests: outcomes that the orders of atomics and fences forbid are never seen.

Each is played by thousands of threads at once, over and over. All memory is changed by atomics
alone, so that there is no race for the prover to forbid; what is ordered, is ordered by the tested
operations. The shapes have the names of the literature: message passing (MP), write to read
causality (WRC), load buffering (LB), ISA2, coherence of reads (CoRR).
"""

import numpy as np
import pytest

import oxide
from oxide import (
    AtomicSlice,
    DisjointSlice,
    SharedArray,
    Slice,
    atomic,
    block,
    fence,
    i32,
    i64,
    kernel,
    sync_threads,
    thread,
)
from oxide_codegen import devices

pytestmark = pytest.mark.gpu

THREADS = 128
PAIRS = 256
INSTANCES = THREADS * PAIRS
ROUNDS = 100


@pytest.fixture(autouse=True, params=["cpu", "cuda"])
def device(request):
    with oxide.device(request.param):
        yield request.param


def played(run, *, rounds=ROUNDS):
    """What `run` counts over many rounds, each with memory of its own, shuffled another way."""
    rounds = 2 if devices.current().kind == "cpu" else rounds
    total = 0
    for seed in range(rounds):
        order = np.random.default_rng(seed).permutation(INSTANCES).astype(np.int32)
        total += run(oxide.asarray(order))
    return total


def memory():
    return oxide.asarray(np.zeros(INSTANCES, np.int32))


@kernel
def mp(order: Slice[i32], x: AtomicSlice[i32], y: AtomicSlice[i32], bad: AtomicSlice[i32]) -> None:
    i = (block.x // 2) * 128 + thread.x
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y):
            if block.x % 2 == 0:
                atomic.store(x, k, 1)
                atomic.store(y, k, 1, order="release")
            else:
                flag = atomic.load(y, k, order="acquire")
                data = atomic.load(x, k)
                if flag == 1 and data == 0:
                    atomic.add(bad, 0, 1)


@kernel
def mp_by_fences(
    order: Slice[i32], x: AtomicSlice[i32], y: AtomicSlice[i32], bad: AtomicSlice[i32]
) -> None:
    i = (block.x // 2) * 128 + thread.x
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y):
            if block.x % 2 == 0:
                atomic.store(x, k, 1)
                fence()
                atomic.store(y, k, 1)
            else:
                flag = atomic.load(y, k)
                fence()
                data = atomic.load(x, k)
                if flag == 1 and data == 0:
                    atomic.add(bad, 0, 1)


@kernel
def mp_by_changes(
    order: Slice[i32], x: AtomicSlice[i32], y: AtomicSlice[i32], bad: AtomicSlice[i32]
) -> None:
    i = (block.x // 2) * 128 + thread.x
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y):
            if block.x % 2 == 0:
                atomic.exchange(x, k, 1)
                atomic.add(y, k, 1, order="acq_rel", scope="system")
            else:
                flag = atomic.add(y, k, 2, order="acq_rel", scope="system")
                data = atomic.load(x, k)
                if flag == 1 and data == 0:
                    atomic.add(bad, 0, 1)


@kernel
def mp_in_a_block(
    order: Slice[i32], x: AtomicSlice[i32], y: AtomicSlice[i32], bad: AtomicSlice[i32]
) -> None:
    data = SharedArray(i32, 64)
    flags = SharedArray(i32, 64)
    if thread.x < 64:
        atomic.store(data, thread.x, 0, scope="block")
        atomic.store(flags, thread.x, 0, scope="block")
    sync_threads()
    if thread.x < 64:
        atomic.store(data, thread.x, 1, scope="block")
        atomic.store(flags, thread.x, 1, scope="block", order="release")
    elif thread.x < 128:
        flag = atomic.load(flags, thread.x - 64, scope="block", order="acquire")
        value = atomic.load(data, thread.x - 64, scope="block")
        if flag == 1 and value == 0:
            atomic.add(bad, 0, 1)


@pytest.mark.parametrize("shape", [mp, mp_by_fences, mp_by_changes, mp_in_a_block])
def test_message_passing(shape):
    def run(order):
        bad = oxide.asarray(np.zeros(1, np.int32))
        shape[2 * PAIRS, THREADS](order, memory(), memory(), bad)
        return int(bad.numpy()[0])

    assert played(run) == 0


@kernel
def wrc(order: Slice[i32], x: AtomicSlice[i32], y: AtomicSlice[i32], bad: AtomicSlice[i32]) -> None:
    i = (block.x // 3) * 128 + thread.x
    role = block.x % 3
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y):
            if role == 0:
                atomic.store(x, k, 1, order="release")
            elif role == 1:
                if atomic.load(x, k, order="acquire") == 1:
                    atomic.store(y, k, 1, order="release")
            else:
                flag = atomic.load(y, k, order="acquire")
                data = atomic.load(x, k)
                if flag == 1 and data == 0:
                    atomic.add(bad, 0, 1)


@kernel
def isa2(
    order: Slice[i32],
    x: AtomicSlice[i32],
    y: AtomicSlice[i32],
    z: AtomicSlice[i32],
    bad: AtomicSlice[i32],
) -> None:
    i = (block.x // 3) * 128 + thread.x
    role = block.x % 3
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y) and k < len(z):
            if role == 0:
                atomic.store(x, k, 1)
                atomic.store(y, k, 1, order="release")
            elif role == 1:
                if atomic.load(y, k, order="acquire") == 1:
                    atomic.store(z, k, 1, order="release")
            else:
                flag = atomic.load(z, k, order="acquire")
                data = atomic.load(x, k)
                if flag == 1 and data == 0:
                    atomic.add(bad, 0, 1)


def test_what_one_has_seen_is_passed_on():
    def run(order):
        bad = oxide.asarray(np.zeros(1, np.int32))
        wrc[3 * PAIRS, THREADS](order, memory(), memory(), bad)
        isa2[3 * PAIRS, THREADS](order, memory(), memory(), memory(), bad)
        return int(bad.numpy()[0])

    assert played(run) == 0


@kernel
def lb(
    order: Slice[i32],
    x: AtomicSlice[i32],
    y: AtomicSlice[i32],
    first: AtomicSlice[i32],
    second: AtomicSlice[i32],
) -> None:
    i = (block.x // 2) * 128 + thread.x
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x) and k < len(y) and k < len(first) and k < len(second):
            if block.x % 2 == 0:
                seen = atomic.load(x, k, order="acquire")
                atomic.store(y, k, 1, order="release")
                atomic.store(first, k, seen)
            else:
                seen = atomic.load(y, k, order="acquire")
                atomic.store(x, k, 1, order="release")
                atomic.store(second, k, seen)


def test_nobody_sees_what_comes_after():
    def run(order):
        first, second = memory(), memory()
        lb[2 * PAIRS, THREADS](order, memory(), memory(), first, second)
        return int((first.numpy() & second.numpy()).sum())

    assert played(run) == 0


@kernel
def corr(order: Slice[i32], x: AtomicSlice[i32], bad: AtomicSlice[i32]) -> None:
    i = (block.x // 2) * 128 + thread.x
    if i < len(order):
        k = i64(order[i])
        if 0 <= k < len(x):
            if block.x % 2 == 0:
                for value in range(1, 9):
                    atomic.store(x, k, i32(value))
            else:
                last = i32(0)
                for _ in range(8):
                    now = atomic.load(x, k)
                    if now < last:
                        atomic.add(bad, 0, 1)
                    last = now


def test_one_element_never_goes_back():
    def run(order):
        bad = oxide.asarray(np.zeros(1, np.int32))
        corr[2 * PAIRS, THREADS](order, memory(), bad)
        return int(bad.numpy()[0])

    assert played(run) == 0


@kernel
def tickets(count: AtomicSlice[i32], taken: AtomicSlice[i32]) -> None:
    mine = atomic.add(count, 0, 1)
    if 0 <= mine < len(taken):
        atomic.add(taken, mine, 1)


def test_every_ticket_is_given_once():
    def run(order):
        count, taken = oxide.asarray(np.zeros(1, np.int32)), memory()
        tickets[PAIRS, THREADS](count, taken)
        return int((taken.numpy() != 1).sum()) + int(count.numpy()[0] != INSTANCES)

    assert played(run) == 0


@kernel
def swaps(x: AtomicSlice[i32], out: DisjointSlice[i32]) -> None:
    i = thread.index_1d()
    seen = atomic.load(x, 0)
    while True:
        before = atomic.compare_exchange(x, 0, seen, seen + 1)
        if before == seen:
            break
        seen = before
    if i < len(out):
        out[i] = seen


def test_compare_exchange_loses_no_step():
    def run(order):
        x, out = oxide.asarray(np.zeros(1, np.int32)), memory()
        swaps[16, THREADS](x, out)
        found = np.sort(out.numpy()[: 16 * THREADS])
        return int(x.numpy()[0] != 16 * THREADS) + int((found != np.arange(16 * THREADS)).sum())

    assert played(run, rounds=3) == 0
