"""Small launches that kernels need to break: each was once missed by all that were tried."""

import re

import pytest

import oxide
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import OutOfBounds, Race, run
from oxide_analyzer.interpreter.schedule import Named
from oxide_analyzer.ir.nodes import Store
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.launch import Contents
from oxide_analyzer.modules import NoModules
from oxide_analyzer.proof.contents import keeps_data
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.proof.realisation import make_room
from programs.program import Program

_NAMES = set(oxide.__all__)
# As many launches, and steps, as the refuter spends on a kernel.
LAUNCHES, STEPS = 14, 300_000


def kernel(text):
    names = sorted(set(re.findall(r"\w+", text)) & _NAMES)
    source = f"from oxide import {', '.join(names)}\n\n{text}"
    read = Program(0, source, (), None).kernel()
    return specialise(read, source_values(read))


def failures(k):
    found, steps = [], 0
    for launch in Admitted(k).small(LAUNCHES):
        outcome = run(k, launch, budget=60_000)
        steps += outcome.steps
        found += [type(f).__name__ for f in outcome.failures]
        if steps > STEPS:
            break
    return found


PLANES = """
@kernel(block=(16, 1, 2))
def k(out: DisjointSlice[i32]):
    i = block.x * 16 + thread.x
    if i < len(out):
        out[i] = i32(thread.x)
"""
PLANES_UNDECLARED = """
@kernel(requires=lambda: block_dim.x == 16)
def k(out: DisjointSlice[i32]):
    i = block.x * 16 + thread.x
    if i < len(out):
        out[i] = i32(thread.x)
"""
ROWS_UNDECLARED = """
@kernel
def k(out: DisjointSlice[i32]):
    i = block.x * block_dim.x + thread.x
    if i < len(out):
        out[i] = 1
"""
SHORT_STRIDE = """
@kernel(domain=1)
def k(out: DisjointSlice[i32]):
    for i in range(thread.index_1d(), len(out), grid_dim.x * 16):
        out[i] += 1
"""
CLAMPED = """
@kernel(domain=1)
def k(out: DisjointSlice[i32]):
    i = thread.index_1d()
    if len(out) > 0:
        out[min(i, len(out) - 1)] = 1
"""
CLAMPED_FAR = """
@kernel(block=64, domain=1, requires=lambda out: len(out) >= 60 * grid_dim.x)
def k(out: DisjointSlice[i32]):
    i = thread.index_1d()
    out[min(i, len(out) - 1)] = 1
"""
LONG_BLOCK = """
@kernel(domain=1, requires=lambda out: len(out) >= 512)
def k(out: DisjointSlice[i32]):
    out[thread.index_1d() % 512] = 1
"""
LONG_STRIDE = """
@kernel(domain=1)
def k(out: DisjointSlice[i32], stride: i32):
    i = thread.index_1d()
    if stride > len(out) and i < len(out):
        out[0] = 1
"""
PARTIAL_WARP = """
@kernel(domain=1, requires=lambda out: len(out) >= grid_dim.x * block_dim.x)
def k(out: DisjointSlice[i32]):
    i = thread.index_1d()
    if block_dim.x > 32:
        x = warp.shuffle_down(i32(i), 16)
        if warp.lane < 16:
            out[i] = x + 1
"""
ROWS_OF_WARPS = """
@kernel(requires=lambda out: len(out) >= 32 and block_dim.y == 2 and block_dim.x == 16)
def k(out: DisjointSlice[i32]):
    out[thread.x + 16 * (warp.lane // 32)] = 1
"""
BEYOND_ITS_WARP = """
@kernel(block=64, domain=1)
def k(out: DisjointSlice[i32]):
    tile = SharedArray(i32, 64)
    tile[thread.x] = 1
    sync_warp()
    if thread.x + 1 < 64 and thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[thread.x + 1]
"""
BYTES = """
@kernel(domain=1, requires=lambda idx, out: len(out) == 300 and len(idx) == 300)
def k(idx: Slice[u8], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < 300:
        out[idx[i]] = 1
"""
ENDS = """
@kernel(domain=1, requires=lambda idx, out: within(idx, 0, len(out) + 1))
def k(idx: Slice[i32], out: Slice[i32], to: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(idx) and i < len(to):
        to[i] = out[idx[i]]
"""
BUFFER = """
@kernel(domain=1)
def k(out: DisjointSlice[i32]):
    buf = dynamic_shared(i32)
    buf[thread.x] = 1
"""


@pytest.mark.parametrize("text", [
    PLANES, PLANES_UNDECLARED, ROWS_UNDECLARED, SHORT_STRIDE, CLAMPED, CLAMPED_FAR, LONG_BLOCK,
    LONG_STRIDE, ROWS_OF_WARPS, BEYOND_ITS_WARP, BYTES,
])  # fmt: skip
def test_races_are_found(text):
    assert "Race" in failures(kernel(text))


@pytest.mark.parametrize(("text", "failure"), [
    (PARTIAL_WARP, "Uninitialised"), (ENDS, "OutOfBounds"), (BUFFER, "OutOfBounds"),
])  # fmt: skip
def test_other_failures_are_found(text, failure):
    assert failure in failures(kernel(text))


INJECTIVE = """
@kernel(domain=1, requires=lambda idx, out: injective(idx) and within(idx, 2, len(out)))
def k(idx: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(idx):
        out[idx[i]] = 1
"""


def test_launches_keep_what_the_contract_says_of_data():
    k = kernel(INJECTIVE)
    launches = list(Admitted(k).small(LAUNCHES))
    assert len(launches) > 6
    arrangements = set()
    for launch in launches:
        assert keeps_data(k, launch)
        assert run(k, launch).succeeded
        values = launch.arrays["idx"].values
        arrangements.add(values == tuple(sorted(values)))
    assert arrangements == {True, False}
    longest = max(launches, key=lambda launch: len(launch.arrays["idx"].values))
    doubled = dict(longest.arrays)
    doubled["idx"] = Contents(doubled["idx"].shape, (3,) * len(doubled["idx"].values))
    assert not keeps_data(k, type(longest)(longest.grid, longest.block, {}, doubled))


def test_warps_are_tried_whole_and_in_part():
    k = kernel(BEYOND_ITS_WARP.replace("block=64, ", ""))
    sizes = {launch.block[0] for launch in Admitted(k).small(LAUNCHES)}
    assert any(size % 32 for size in sizes)
    assert {32, 33, 64, 96} <= sizes


def test_any_schedule_of_a_small_launch_is_a_run():
    k = kernel(SHORT_STRIDE)
    launch = next(one for one in Admitted(k).small(LAUNCHES) if one.block[0] > 16)
    for schedule in (*Named, 1):
        assert any(isinstance(f, Race) for f in run(k, launch, schedule=schedule).failures)


MILLIONS = """
@kernel(block=128, requires=lambda a, out:
        len(a) == 1_000_000 and len(out) == 1_000_000 and grid_dim.x == 7813)
def k(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        out[i] = a[i] + out[i]
"""


def test_of_launches_that_are_too_large_some_blocks_are_run():
    k = kernel(MILLIONS)
    assert not list(Admitted(k).small(LAUNCHES))
    launches = list(Admitted(k).large(4))
    assert launches
    for launch in launches:
        assert launch.played == (7812, 0, 1)
        outcome = run(k, launch)
        assert outcome.succeeded
        stores = [outcome.executed(s.site) for s in statements(k.body) if isinstance(s, Store)]
        assert {block for ((block, _, _), _) in stores[0]} == {0, 1, 7812}
        assert len(stores[0]) == 2 * 128 + 64
    alone = kernel(MILLIONS.replace("if i < len(a)", "if i <= len(a)"))
    found = run(alone, next(Admitted(alone).large(1))).failures
    assert {f.event.index for f in found if isinstance(f, OutOfBounds)} == {(1_000_000,)}


FAR_APART = """
from oxide import DisjointSlice, Slice, i32, injective, kernel, thread, within


@kernel(
    domain=1,
    requires=lambda idx, out: injective(idx) and within(idx, 0, 90) and len(out) >= 100,
)
def k(idx: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if 0 < i < len(idx) and idx[i] == 77 and idx[i - 1] == 33 and i < len(out):
        out[i] = out[len(out)]
"""
ONE_LENGTH = """
from oxide import DisjointSlice, dynamic_shared, i32, kernel, thread


@kernel(domain=1, block=8)
def k(out: DisjointSlice[i32]):
    buf = dynamic_shared(i32)
    if len(buf) == 1234 and thread.x == 3:
        out[len(out)] = 1
"""


@pytest.mark.parametrize("text", [FAR_APART, ONE_LENGTH])
def test_models_become_launches_that_keep_the_contract(text):
    program = Program(0, text, (), None)
    assert failures(program.kernel()) == []
    (report,) = check(program.file, NoModules()).kernels
    assert [(d.code, d.verdict) for d in report.diagnostics] == [("OX301", Verdict.VIOLATED)]


def test_who_holds_a_value_that_is_wanted_elsewhere_gets_another():
    values = [0, 1, 2, 3, 4]
    make_room(values, {1: 3, 3: 9})
    assert [values[place] for place in (0, 2, 4)] == [0, 2, 4]
    values = [0, 1, 2, 3, 4]
    make_room(values, {1: 3, 2: 0})
    assert sorted((values[0], values[3])) == [1, 2]
