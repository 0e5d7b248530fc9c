"""Facts about the elements of arrays, limits of devices, and alignment: what a launch is refused
for, and when it is looked at again.
"""

from __future__ import annotations

import numpy as np
import pytest

import oxide
from oxide import (
    DisjointSlice,
    Slice,
    Slice2D,
    dynamic_shared,
    f32,
    grid_sync,
    i32,
    injective,
    kernel,
    sync_threads,
    thread,
    u8,
    u64,
    within,
)
from oxide_codegen import claim_kernels, claims
from runtime import fake_cuda, unproved


@pytest.fixture(autouse=True)
def without_a_proof(monkeypatch):
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    unproved.use(monkeypatch)


@pytest.fixture
def looked(monkeypatch):
    """The names of arrays that launches have looked at."""
    names = []
    real = claims._demand

    def demand(name, fact, bounds, elements):
        names.append(fact.array)
        real(name, fact, bounds, elements)

    asked = claim_kernels.holds

    def holds(device, fact, *rest):
        answer = asked(device, fact, *rest)
        if answer:
            names.append(fact.array)
        return answer

    monkeypatch.setattr(claims, "_demand", demand)
    monkeypatch.setattr(claim_kernels, "holds", holds)
    return names


@kernel(requires=lambda index, out: injective(index) and within(index, 0, len(out)))
def scatter(index: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(index):
        out[index[i]] = 1.0


@kernel(requires=lambda table: within(table, 3, 7))
def bounded(table: Slice2D[u8], out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = f32(len(table))


@kernel
def count_up(index: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(index):
        index[i] = i32(i)


def test_nothing_is_learned_of_elements_that_change_meanwhile(looked, monkeypatch):
    """As by another thread, between the look and what is learned from it."""
    index, out = oxide.asarray(np.arange(8, dtype=np.int32)), oxide.zeros(8, f32)
    real = claims._demand

    def demand(*given):
        real(*given)
        index.copy_from(np.full(8, 12, np.int32))

    monkeypatch.setattr(claims, "_demand", demand)
    with pytest.raises(oxide.LaunchValueError, match="is broken"):
        scatter[1, 8](index, out)
    monkeypatch.setattr(claims, "_demand", real)
    with pytest.raises(oxide.LaunchValueError, match="injective"):
        scatter[1, 8](index, out)
    index.copy_from(np.arange(8, dtype=np.int32))
    looked.clear()
    scatter[1, 8](index, out)
    known = len(looked)
    scatter[1, 8](index, out)
    assert len(looked) == known


def test_elements_within_bounds():
    out = np.zeros(8, np.float32)
    scatter[1, 32](np.array([3, 0, 7], np.int32), out)
    assert out.tolist() == [1, 0, 0, 1, 0, 0, 0, 1]
    with pytest.raises(oxide.LaunchValueError) as caught:
        scatter[1, 32](np.array([3, 0, -1, 9], np.int32), out)
    error = caught.value
    assert str(error) == (
        "scatter: `within(index, 0, len(out))` is broken: index[2] is -1, not from 0 to below 8 "
        "[OX401]"
    )
    assert (error.parameter, error.actual, error.rule) == ("index", -1, "OX401")


def test_elements_that_differ():
    with pytest.raises(oxide.LaunchValueError, match=r"index\[1\] and index\[4\] are both 5"):
        scatter[1, 32](np.array([3, 5, 2, 0, 5], np.int32), np.zeros(8, np.float32))
    scatter[1, 32](np.zeros(0, np.int32), np.zeros(8, np.float32))


def test_small_and_flat_places():
    out = np.zeros(2, np.float32)
    bounded[1, 32](np.full((2, 3), 6, np.uint8), out)
    table = np.full((2, 3), 4, np.uint8)
    table[1, 2] = 255
    with pytest.raises(
        oxide.LaunchValueError, match=r"table\[1, 2\] is 255, not from 3 to below 7"
    ):
        bounded[1, 32](table, out)


@pytest.fixture(params=["cpu", "cuda"])
def device(request, monkeypatch):
    if request.param == "cuda":
        fake_cuda.install(monkeypatch, library=True)
    return request.param


def test_a_buffer_is_looked_at_once(device, looked):
    index, out = oxide.asarray(np.arange(4, dtype=np.int32)), oxide.zeros(8, f32)
    launch = scatter.prepare(grid=1, block=32)
    for _ in range(4):
        scatter[1, 32](index, out)
        launch(index, out)
    assert looked == ["index"] * 2
    # Another length is another fact.
    scatter[1, 32](index, oxide.zeros(9, f32))
    assert looked == ["index"] * 3
    index.copy_from(np.array([0, 1, 2, 2], np.int32))
    with pytest.raises(oxide.LaunchValueError, match="are both 2"):
        launch(index, out)


def test_a_launch_that_writes_makes_a_buffer_forget(device, looked):
    index, out = oxide.asarray(np.arange(4, dtype=np.int32)), oxide.zeros(8, f32)
    writes = count_up.prepare(grid=1, block=32)
    bound = writes.bind(index)
    again = scatter.prepare(grid=1, block=32).bind(index, out)
    looked.clear()
    again()
    again()
    assert looked == []
    for write in (bound, bound, lambda: writes(index), lambda: writes(index)):
        write()
        again()
        again()
        assert looked == ["index"] * 2
        looked.clear()


def test_foreign_arrays_are_looked_at_every_time(device, looked):
    index, out = np.arange(4, dtype=np.int32), np.zeros(8, np.float32)
    scatter[1, 32](index, out)
    first = len(looked)
    scatter[1, 32](index, out)
    assert len(looked) == 2 * first
    index[0] = 3
    with pytest.raises(oxide.LaunchValueError, match="are both 3"):
        scatter[1, 32](index, out)


def test_a_buffer_whose_address_was_given_away_is_foreign(monkeypatch, looked):
    fake_cuda.install(monkeypatch)
    index, out = oxide.asarray(np.arange(4, dtype=np.int32)), oxide.zeros(8, f32)
    scatter[1, 32](index, out)
    assert index.__cuda_array_interface__["shape"] == (4,)
    looked.clear()
    scatter[1, 32](index, out)
    scatter[1, 32](index, out)
    assert len(looked) >= 4


# ---------------------------------------------------------------- limits


@kernel(shared=64)
def dynamic(out: DisjointSlice[i32]):
    buffer = dynamic_shared(i32)
    t = thread.x
    if t < len(buffer):
        buffer[t] = i32(t)
    sync_threads()
    if t < len(out) and t < len(buffer):
        out[t] = buffer[t] + i32(len(buffer))


@kernel(max_threads=64)
def narrow(out: DisjointSlice[i32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1


@kernel(cooperative=True)
def together(out: DisjointSlice[i32]):
    i = thread.index_1d()
    grid_sync()
    if i < len(out):
        out[i] = 1


def test_dynamic_shared_memory(device):
    for size in (None, 64, 128, 60_000):
        out = oxide.zeros(16, i32)
        for _ in range(3):
            launch = dynamic.prepare(grid=1, block=16, shared=size)
            launch(out)
            launch(out)
            launch.bind(out)()
        assert out.numpy().tolist() == [k + (size or 64) // 4 for k in range(16)]
        dynamic[1, 16, None, size or 64](out)
    refused = {32: "OX401", 300_000: "OX405", -1: "OX405"}
    for size, rule in refused.items():
        with pytest.raises(oxide.LaunchValueError) as caught:
            dynamic[1, 16, None, size](oxide.zeros(16, i32))
        assert (caught.value.rule, caught.value.parameter) == (rule, "shared")
    with pytest.raises(oxide.LaunchTypeError, match="number of bytes"):
        dynamic[1, 16, None, 1.5](oxide.zeros(16, i32))


def test_threads_of_a_block(device):
    narrow[1, 64](oxide.zeros(1, i32))
    with pytest.raises(oxide.LaunchValueError, match="max_threads=64") as caught:
        narrow[1, 65](oxide.zeros(1, i32))
    assert caught.value.rule == "OX401"
    with pytest.raises(oxide.LaunchValueError, match="at most 1024") as caught:
        narrow[1, (32, 33)]
    assert caught.value.rule == "OX405"


def test_a_cooperative_grid_fits_or_is_refused(device):
    out = oxide.zeros(256, i32)
    together[8, 32](out)
    assert (out.numpy() == 1).all()
    fit = {"cpu": 132 * 32, "cuda": 4 * 64}[device]
    with pytest.raises(oxide.LaunchValueError, match=f"at most {fit} on") as caught:
        together[fit + 1, 32](out)
    assert (caught.value.rule, caught.value.expected) == ("OX405", fit)


def test_each_cooperative_launch_has_a_word_of_its_own(monkeypatch):
    @kernel(cooperative=True)
    def apart(out: DisjointSlice[i32]):
        i = thread.index_1d()
        grid_sync()
        if i < len(out):
            out[i] = 1

    driver = fake_cuda.install(monkeypatch, library=True)
    out = oxide.zeros(64, i32)
    bound = apart.prepare(grid=2, block=32).bind(out)
    for _ in range(3):
        bound()
        apart[2, 32](out)
    # The driver made of host memory asserts that the word is 0.
    assert [entry[0] for entry in driver.log].count("together") == 6


# ---------------------------------------------------------------- aliases and alignment


@kernel
def wide(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d() * 4
    if i + 3 < len(a) and i + 3 < len(out):
        x, y, z, w = a.load(i, 4)
        out[i] = x + y + z + w


def test_wide_accesses_want_aligned_arrays():
    memory = np.zeros(64 + 8, np.float32)
    first = (-memory.ctypes.data // 4) % 4
    a = memory[first : first + 64]
    assert a.ctypes.data % 16 == 0
    wide[1, 16](a, np.zeros(64, np.float32))
    with pytest.raises(oxide.LaunchValueError, match="no multiple of 16 bytes") as caught:
        wide[1, 16](memory[first + 1 : first + 65], np.zeros(64, np.float32))
    assert (caught.value.rule, caught.value.parameter) == ("OX306", "a")


def test_overlap_has_its_number():
    a = np.zeros(64, np.float32)
    with pytest.raises(oxide.LaunchValueError, match="shares memory with `a`") as caught:
        wide[1, 16](a, a)
    assert (caught.value.rule, caught.value.parameter) == ("OX108", "out")


# ---------------------------------------------------------------- on a GPU


@kernel(requires=lambda index: within(index, -3, 5))
def small(index: Slice[i32], out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = f32(len(index))


@kernel(requires=lambda index: injective(index) and len(index) >= 1)
def apart(index: Slice[u64], out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = f32(len(index))


@pytest.fixture
def on_the_host(monkeypatch):
    """The names of arrays that were copied to the host to be looked at."""
    fake_cuda.install(monkeypatch)
    monkeypatch.setenv("OXIDE_DEVICE", "cuda")
    names = []
    real = claims._demand

    def demand(name, fact, bounds, elements):
        names.append(fact.array)
        real(name, fact, bounds, elements)

    monkeypatch.setattr(claims, "_demand", demand)
    return names


def test_a_device_looks_by_itself(on_the_host):
    out = oxide.zeros(8, f32)
    scatter[1, 32](oxide.asarray(np.array([3, 0, 7, 1], np.int32)), out)
    small[1, 32](oxide.asarray(np.arange(-3, 5, dtype=np.int32).repeat(200)), out)
    small[1, 32](oxide.zeros(0, i32), out)
    apart[1, 32](oxide.asarray(np.array([2**64 - 1, 0, 5], np.uint64)), out)
    assert on_the_host == []


@pytest.mark.parametrize("wrong", [-4, 5, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("place", [0, 700, 1599])
def test_an_element_outside_is_found_on_a_device(on_the_host, wrong, place):
    index = np.zeros(1600, np.int32)
    index[place] = wrong
    with pytest.raises(oxide.LaunchValueError, match=rf"index\[{place}\] is {wrong}, not from -3"):
        small[1, 32](oxide.asarray(index), oxide.zeros(8, f32))
    assert on_the_host == ["index"]


def test_equal_elements_are_found_on_a_device(on_the_host):
    index = np.arange(1000, dtype=np.uint64) * 3 + 2**63
    index[900] = index[31]
    with pytest.raises(oxide.LaunchValueError, match=r"index\[31\] and index\[900\] are both"):
        apart[1, 32](oxide.asarray(index), oxide.zeros(8, f32))
    # More elements than numbers: nothing is marked.
    with pytest.raises(oxide.LaunchValueError, match=r"index\[0\] and index\[1\] are both 7"):
        apart[1, 32](oxide.asarray(np.full(4, 7, np.uint64)), oxide.zeros(8, f32))


def test_numbers_far_apart_are_looked_at_on_the_host(on_the_host):
    far = np.array([0, 2**40, 2**50], np.uint64)
    apart[1, 32](oxide.asarray(far), oxide.zeros(8, f32))
    assert on_the_host == ["index"]
