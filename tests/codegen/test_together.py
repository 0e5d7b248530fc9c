"""Threads together: what warps, grids and dynamic shared memory become, and that they agree."""

from __future__ import annotations

import pytest

from codegen.differential import check_same, execute
from codegen.reading import contents, kernel_of, trusted, unproved
from oxide_analyzer.launch import Launch
from oxide_codegen import toolchain
from oxide_codegen.abi import FailureKind, Hidden, hidden
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx
from oxide_codegen.target import Unsupported

ONE = (1, 1, 1)


def warp_kernel(call: str, type: str = "f32", result: str | None = None, block: int = 64) -> str:
    return f"""
        @kernel(block={block})
        def k(a: Slice[{type}], out: DisjointSlice[{result or type}]):
            i = thread.index_1d()
            v = a[i] if i < len(a) else {type}(0)
            r = {call}
            if i < len(out):
                out[i] = r
    """


@pytest.mark.parametrize(
    ("call", "type", "sm", "wanted"),
    [
        ("warp.shuffle_down(v, 16)", "f32", "sm_75", "shfl.sync.down.b32"),
        ("warp.shuffle_xor(v, 1)", "i64", "sm_75", "shfl.sync.bfly.b32"),
        ("warp.shuffle_up(v, 1, width=8)", "i32", "sm_75", "shfl.sync.up.b32"),
        ("warp.shuffle(v, 40)", "i32", "sm_75", "shfl.sync.idx.b32"),
        ("warp.reduce_add(v)", "i32", "sm_80", "redux.sync.add.s32"),
        ("warp.reduce_min(v)", "i16", "sm_80", "redux.sync.min.s32"),
        ("warp.reduce_max(v)", "u32", "sm_80", "redux.sync.max.u32"),
        ("warp.reduce_add(v)", "i32", "sm_75", "shfl.sync.bfly.b32"),
        ("warp.reduce_add(v)", "f64", "sm_90", "shfl.sync.bfly.b32"),
        ("warp.scan_add(v)", "f32", "sm_90", "shfl.sync.up.b32"),
    ],
)
def test_what_a_warp_does_in_ptx(call, type, sm, wanted):
    text = compile_ptx(trusted(warp_kernel(call, type)), sm).text
    assert wanted in text
    # All lanes of a block of whole warps are there: nobody asks.
    assert "vote" not in text
    if toolchain.ptxas():
        assert toolchain.registers(text, sm) is not None


def test_segments_do_not_part_a_warp():
    """With a mask for each of them a warp would come to a barrier in parts, and may hang there."""
    text = compile_ptx(trusted(warp_kernel("warp.reduce_add(v, width=8)", "i32")), "sm_90").text
    assert "redux" not in text
    assert text.count("shfl.sync.bfly.b32") == 3


def test_lanes_with_masks_of_their_own_come_to_barriers_by_themselves():
    text = """
        @kernel(block=64)
        def k(a: Slice[i32], out: DisjointSlice[i32]):
            i = thread.index_1d()
            mask = u32(255) << u32(warp.lane & 24)
            v = warp.reduce_add(a[i], mask={})
            sync_threads()
            if i < len(out):
                out[i] = v
    """
    apart = compile_ptx(trusted(text.format("mask")), "sm_90").text
    assert "barrier.sync" in apart
    assert "bar.sync" not in apart
    assert "bar.sync" in compile_ptx(trusted(text.format("0xFFFFFFFF")), "sm_90").text


@pytest.mark.parametrize(
    ("call", "type", "result", "wanted"),
    [
        ("warp.any(v > 0)", "i32", "bool", "vote.sync.any"),
        ("warp.all(v > 0)", "i32", "bool", "vote.sync.all"),
        ("warp.ballot(v > 0)", "i32", "u32", "vote.sync.ballot"),
        ("warp.match_any(v)", "i64", "u32", "match.any.sync.b64"),
        ("warp.match_all(v)", "f32", "u32", "match.all.sync.b32"),
    ],
)
def test_votes_in_ptx(call, type, result, wanted):
    assert wanted in compile_ptx(trusted(warp_kernel(call, type, result)), "sm_75").text


def test_missing_lanes_are_asked_for():
    """Of a block of 40, or where threads end early, no warp is known to be whole."""
    assert (
        "vote.sync.ballot"
        in compile_ptx(trusted(warp_kernel("warp.reduce_add(v)", block=40)), "sm_90").text
    )
    assert (
        "vote.sync.ballot"
        in compile_ptx(
            unproved("""
            @kernel(block=64)
            def k(a: Slice[f32], out: DisjointSlice[f32]):
                i = thread.index_1d()
                out[i] = warp.reduce_add(a[i])
        """),
            "sm_90",
        ).text
    )


@pytest.mark.parametrize("width", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("name", ["reduce_add", "reduce_min", "scan_add", "scan_max"])
def test_floats_are_summed_in_the_order_of_the_language(name, width):
    block = 45  # A whole warp and a part of one.
    values = [(-1.0) ** k * 10.0 ** (k % 9) for k in range(block)]
    values[3] = float("nan")
    exclusive = ", exclusive=True" if name.startswith("scan") and width > 4 else ""
    text = warp_kernel(f"warp.{name}(v{exclusive}, width={width})", block=block)
    arrays = {"a": contents(values, block), "out": contents(0.0, block)}
    check_same(trusted(text), Launch(ONE, (block, 1, 1), {}, arrays))


def test_a_lane_outside_of_its_mask_is_a_failure_and_no_hang():
    divergent = unproved("""
        @kernel(block=32)
        def k(out: DisjointSlice[i32]):
            i = thread.index_1d()
            r = warp.reduce_add(1, mask=0xFF)
            if i < len(out):
                out[i] = i32(r)
    """)
    launch = Launch(ONE, (32, 1, 1), {}, {"out": contents(0, 32)})
    _, failure = execute(compile_native(divergent), divergent.kernel, launch)
    assert failure is not None
    assert failure.kind is FailureKind.DIVERGENCE


GRID = """
    @kernel(cooperative=True)
    def k(a: DisjointSlice[i32], out: DisjointSlice[i32]):
        i = thread.index_1d()
        if i >= len(a) or i >= len(out):
            return
        a[i] = i32(i)
        grid_sync()
        out[i] = a[(i + 5) % len(a)]
"""


def test_a_grid_meets_on_the_cpu():
    for length in (1, 30, 96):
        arrays = {"a": contents(0, length), "out": contents(0, length)}
        arrays = check_same(trusted(GRID), Launch((6, 1, 1), (16, 1, 1), {}, arrays))
        assert arrays["out"].values[0] == 5 % length


def test_the_barrier_of_a_grid_in_ptx():
    ptx = compile_ptx(trusted(GRID), "sm_90")
    assert hidden(kernel_of(GRID)) == (Hidden.FAILURE, Hidden.WORKSPACE)
    assert "atom.acq_rel.gpu.global.add.u64" in ptx.text
    assert "ld.acquire.gpu.global.b64" in ptx.text
    # At the start, on the way in and on the way out.
    assert ptx.text.count("bar.sync") == 3 or ptx.text.count("barrier.sync") == 3


DYNAMIC = """
    @kernel
    def k(out: DisjointSlice[i64]):
        first = SharedArray(i32, 4)
        buffer = dynamic_shared(u16)
        t = thread.x
        if t < 4:
            first[t] = i32(t)
        if t < len(buffer):
            buffer[t] = u16(t) * u16(3)
        sync_threads()
        if t < len(out) and len(buffer) > 0:
            out[t] = i64(buffer[(t + 1) % len(buffer)]) + i64(first[t % 4]) * 1000 + len(buffer)
"""


@pytest.mark.parametrize("size", [16, 40])
def test_dynamic_shared_memory(size):
    launch = Launch(ONE, (size // 2, 1, 1), {}, {"out": contents(0, size // 2)}, size)
    arrays = check_same(unproved(DYNAMIC), launch)
    assert arrays["out"].values[0] == 3 + size // 2
    ptx = compile_ptx(trusted(DYNAMIC), "sm_75")
    assert ".extern .shared" in ptx.text
    assert ptx.dynamic_shared == 0


def test_large_shared_arrays_lie_in_front_of_dynamic_ones():
    text = DYNAMIC.replace("SharedArray(i32, 4)", "SharedArray(i32, 20000)")
    ptx = compile_ptx(trusted(text), "sm_90")
    assert ptx.dynamic_shared == 80_000
    with pytest.raises(Unsupported, match="80000 bytes"):
        compile_ptx(trusted(text), "sm_75")


def test_bounds_of_launches_in_ptx():
    text = """
        @kernel(max_threads=256, min_blocks=4)
        def k(out: DisjointSlice[i32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = 1
    """
    ptx = compile_ptx(trusted(text), "sm_90").text
    assert ".maxntid 256" in ptx
    assert ".minnctapersm 4" in ptx


def test_clusters_in_ptx():
    text = """
        @kernel(cluster=(4, 2), block=64)
        def k(count: AtomicSlice[i32]):
            if thread.x == 0 and len(count) > 0:
                atomic.add(count, 0, 1, scope="cluster")
            fence("cluster")
    """
    ptx = compile_ptx(trusted(text), "sm_90").text
    assert ".reqnctapercluster 4, 2, 1" in ptx
    assert ".reqntid 64, 1, 1" in ptx
    assert "atom.relaxed.cluster" in ptx
    assert "fence.acq_rel.cluster" in ptx
    if toolchain.ptxas():
        assert toolchain.registers(ptx, "sm_90") is not None
    with pytest.raises(Unsupported, match="`cluster=` needs sm_90, the target is sm_86"):
        compile_ptx(trusted(text), "sm_86")


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ("block", "fence.acq_rel.cta"),
        ("device", "fence.acq_rel.gpu"),
        ("system", "fence.acq_rel.sys"),
    ],
)
def test_fences_in_ptx(scope, wanted):
    text = f"""
        @kernel
        def k(flags: AtomicSlice[i32]):
            if thread.index_1d() < len(flags):
                fence("{scope}")
                atomic.store(flags, thread.index_1d(), 1)
    """
    assert wanted in compile_ptx(trusted(text), "sm_75").text.replace("membar", "fence") or (
        f"membar.{ {'block': 'cta', 'device': 'gl', 'system': 'sys'}[scope] }"
        in compile_ptx(trusted(text), "sm_75").text
    )
    assert wanted in compile_ptx(trusted(text), "sm_90").text


WIDE = """
    @kernel
    def k(a: Slice[{type}], out: DisjointSlice[{type}]):
        i = thread.index_1d() * {width}
        if i + {last} < len(a) and i + {last} < len(out):
            {names} = a.load(i, {width})
            out.store(i, ({names}))
"""


@pytest.mark.parametrize(
    ("type", "width", "wanted"),
    [
        ("f32", 4, ".v4.b32"),
        ("f32", 2, ".v2.b32"),
        ("i64", 2, ".v2.b64"),
        ("u16", 8, ".v4.b32"),
        ("u8", 16, ".v4.b32"),
        ("i8", 4, ".b32"),
    ],
)
@pytest.mark.parametrize("proof", [trusted, unproved])
def test_wide_accesses_are_one_instruction(type, width, wanted, proof):
    names = ", ".join(f"v{k}" for k in range(width))
    text = WIDE.format(type=type, width=width, last=width - 1, names=names)
    ptx = compile_ptx(proof(text), "sm_90").text
    assert f"ld.global.nc{wanted}" in ptx
    assert f"st.global{wanted}" in ptx
    values = [float(k) if type == "f32" else k for k in range(64)]
    launch = Launch(
        ONE, (8, 1, 1), {}, {"a": contents(values, 64), "out": contents(values[:1] * 64, 64)}
    )
    check_same(proof(text), launch)


@pytest.mark.parametrize("way", ["forwards", "backwards"])
def test_a_block_that_waits_lets_those_behind_it_begin(way):
    other = "block.x - 1" if way == "forwards" else "block.x + 1"
    checked = unproved(f"""
        @kernel(requires=lambda turn: len(turn) >= grid_dim.x)
        def k(turn: AtomicSlice[i32], out: AtomicSlice[i32]):
            tile = SharedArray(i32, 32)
            tile[thread.x] = i32(block.x)
            if thread.x == 0:
                if 0 <= {other} < grid_dim.x:
                    while atomic.load(turn, {other}, order="acquire") == 0:
                        pass
                atomic.store(turn, block.x, atomic.add(out, 0, 1) + 1, order="release")
            sync_threads()
            atomic.add(out, 1, tile[31 - thread.x])
    """)
    arrays = {"turn": contents(0, 40), "out": contents(0, 2)}
    launch = Launch((40, 1, 1), (32, 1, 1), {}, arrays)
    after, failure = execute(compile_native(checked), checked.kernel, launch, 3)
    assert failure is None
    order = list(range(1, 41))
    assert list(after["turn"].values) == (order if way == "forwards" else order[::-1])
    assert after["out"].values == (40, 32 * sum(range(40)))
