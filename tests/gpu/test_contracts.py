"""What blocks compute together, clusters, artifacts, and facts about elements, on a device."""

import shutil
import warnings

import numpy as np
import pytest

import oxide
from oxide import (
    AtomicSlice,
    DisjointSlice,
    Slice,
    atomic,
    block,
    f32,
    grid_dim,
    i32,
    i64,
    injective,
    kernel,
    thread,
    u64,
    within,
)
from oxide.cli import main
from oxide_codegen import artifact, claims
from oxide_codegen.forms import EVERY

pytestmark = pytest.mark.gpu


# ---------------------------------------------------------------- blocks


@kernel(requires=lambda sums, scans, least: len(scans) == len(sums) and len(least) == len(sums))
def together(
    a: Slice[f32],
    b: Slice[i64],
    sums: DisjointSlice[f32],
    scans: DisjointSlice[f32],
    least: DisjointSlice[i64],
    rounds: i32,
):
    i = thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    w = b[i] if i < len(b) else i64(0)
    total, below, lowest = f32(0.0), f32(0.0), i64(0)
    for _ in range(rounds):
        total += block.reduce_add(v + total)
        below += block.scan_add(v, exclusive=True)
        lowest += block.reduce_min(w) + block.reduce_xor(w) + block.scan_max(w)
    if i < len(sums):
        sums[i], scans[i], least[i] = total, below, lowest


@kernel(block=(5, 3, 7), requires=lambda out: len(out) >= 105)
def ranks(out: DisjointSlice[i32]):
    rank = block.scan_add(1)
    if block.x == 0 and block.y == 0 and block.z == 0:
        out[thread.x + 5 * (thread.y + 3 * thread.z)] = i32(rank)


@pytest.mark.parametrize("width", [1, 31, 32, 33, 100, 256, 1024])
def test_blocks_agree_with_the_cpu_bit_for_bit(width):
    random = np.random.default_rng(width)
    a = random.standard_normal(4 * width, dtype=np.float32)
    b = random.integers(-(2**62), 2**62, 4 * width)
    found = {}
    for where in ("cpu", "cuda"):
        with oxide.device(where):
            outs = [np.zeros_like(a), np.zeros_like(a), np.zeros_like(b)]
            together[4, width](a, b, *outs, 2)
            found[where] = [out.tobytes() for out in outs]
    assert found["cpu"] == found["cuda"]


def test_places_in_a_block_of_three_axes():
    out = np.zeros(105, np.int32)
    with oxide.device("cuda"):
        ranks[1, (5, 3, 7)](out)
    np.testing.assert_array_equal(out, np.arange(1, 106))


# ---------------------------------------------------------------- clusters


@kernel(cluster=4, domain=1, requires=lambda sums: 4 * len(sums) >= grid_dim.x)
def sums_of_clusters(a: Slice[i32], sums: AtomicSlice[i32]):
    i = thread.index_1d()
    total = block.reduce_add(a[i] if i < len(a) else 0)
    if thread.x == 0:
        atomic.add(sums, block.x // 4, total, scope="cluster")


def test_blocks_of_a_cluster_share_a_sum():
    a = np.arange(64 * 100, dtype=np.int32)
    with oxide.device("cuda"):
        if oxide.zeros(1, f32)._cuda().capability < (9, 0):
            with pytest.raises(oxide.DeviceError, match="`cluster=` needs sm_90"):
                sums_of_clusters[4, 64](a, np.zeros(1, np.int32))
            return
        sums = np.zeros(25, np.int32)
        sums_of_clusters[100, 64](a, sums)
        np.testing.assert_array_equal(sums, a.reshape(25, 256).sum(axis=1))
        with pytest.raises(oxide.LaunchValueError, match="whole clusters"):
            sums_of_clusters[99, 64](a, sums)


# ---------------------------------------------------------------- artifacts

SOURCE = """
from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda x, y: len(x) >= len(y))
def double(x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(y):
        y[i] = 2.0 * x[i]
"""


@pytest.mark.parametrize("assembled", [True, False])
def test_an_artifact_runs_without_its_source(tmp_path, assembled, monkeypatch):
    if not assembled:
        monkeypatch.setattr("oxide_codegen.toolchain.ptxas", lambda: None)
    elif not shutil.which("ptxas"):
        pytest.skip("ptxas is not installed")
    path = tmp_path / "kernels.py"
    path.write_text(SOURCE)
    assert main(["build", str(path)]) == 0
    path.unlink()
    built = artifact.read(tmp_path / "kernels.oxide").kernels["double"]
    assert all(bool(forms[EVERY].cubin) == assembled for forms in built.code.values())
    with oxide.device("cuda"), warnings.catch_warnings():
        warnings.simplefilter("error")
        double = oxide.load(tmp_path / "kernels.oxide").double
        for n in (5, 1 << 22):
            x = oxide.asarray(np.arange(n, dtype=np.float32))
            y = oxide.zeros(n, f32)
            double[-(-n // 256), 256](x, y)
            np.testing.assert_array_equal(y.numpy(), 2 * x.numpy())


# ---------------------------------------------------------------- facts about elements


@kernel(requires=lambda to, out: injective(to) and within(to, 0, len(out)))
def scatter(to: Slice[u64], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(to):
        out[i64(to[i])] = 1.0


def test_a_device_looks_at_elements_by_itself(monkeypatch):
    copied = []
    real = claims._demand
    monkeypatch.setattr(claims, "_demand", lambda *a: (copied.append(a), real(*a)))
    n = 1 << 20
    order = np.random.default_rng(3).permutation(n).astype(np.uint64)
    with oxide.device("cuda"):
        out = oxide.zeros(n, f32)
        scatter[n // 256, 256](oxide.asarray(order), out)
        assert out.numpy().all()
        assert not copied
        order[77] = order[n - 5]
        with pytest.raises(oxide.LaunchValueError, match=rf"to\[77\] and to\[{n - 5}\] are both"):
            scatter[n // 256, 256](oxide.asarray(order), out)
        order[77] = 2**63
        with pytest.raises(oxide.LaunchValueError, match=rf"to\[77\] is {2**63}, not from 0"):
            scatter[n // 256, 256](oxide.asarray(order), out)
        # What the author vouches for is not looked at.
        copied.clear()
        order[77] = order[78]
        with oxide.unsafe("both write the same"):
            scatter.launch_unchecked(grid=n // 256, block=256)(oxide.asarray(order), out)
        out.numpy()
        assert not copied
