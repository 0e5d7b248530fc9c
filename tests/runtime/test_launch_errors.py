"""What cuda-oxide's `LaunchContractError` knows, all 29, as exceptions with fields here.

Those that cannot happen, each by its name, and why:

* EmptyKernelName: a kernel is a function of Python, and has a name.
* DimensionProductOverflow, SharedMemoryTotalOverflow, SizeRequirementOverflow: extents, bytes and
  requirements are Python's integers, which do not overflow. What is too large is refused as such.
* InvalidSharedMemoryAlignment: a launch does not name one. Dynamic shared memory is aligned for
  every access that a kernel may make.
* InvalidSharedMemoryRange: the contract names the least, and the device the most.
* CooperativeLaunchUnsupported: every device that Oxide compiles for (sm_75 and newer) can.
* FunctionClusterShapeMismatch, RequiredClusterDimensionsMissing: the shape of a cluster is that of
  the contract, and compiled in; a launch does not name one.
* ClusterSizeExceeded, ClusterShapeUnsupported, ClusterHasNoResidency: a cluster has at most eight
  blocks, or the kernel does not compile (OX404); so many every device with clusters takes.
"""

import numpy as np
import pytest

import oxide
from oxide_codegen import cuda, limits, streams
from oxide_codegen.devices import DeviceId
from oxide_codegen.program import Program
from runtime import fake_cuda, launch_kernels, unproved

THEIRS = [
    "EmptyKernelName",
    "ZeroDimension",
    "DimensionProductOverflow",
    "CoordinateRangeExceedsU32",
    "InvalidSharedMemoryAlignment",
    "InvalidSharedMemoryRange",
    "BlockShapeMismatch",
    "BlockThreadsExceedContract",
    "DynamicSharedMemoryExactMismatch",
    "DynamicSharedMemoryOutsideRange",
    "ClusterDoesNotDivideGrid",
    "DeviceDimensionExceeded",
    "DeviceThreadsPerBlockExceeded",
    "FunctionThreadsPerBlockExceeded",
    "SharedMemoryTotalOverflow",
    "DeviceSharedMemoryExceeded",
    "ComputeCapabilityTooLow",
    "CooperativeLaunchUnsupported",
    "ClusterLaunchUnsupported",
    "ClusterSizeExceeded",
    "FunctionClusterShapeMismatch",
    "RequiredClusterDimensionsMissing",
    "ClusterShapeUnsupported",
    "ClusterHasNoResidency",
    "CooperativeGridTooLarge",
    "ContextMismatch",
    "SizeRequirementViolated",
    "SizeRequirementOverflow",
    "Driver",
]

VALUE, DEVICE, TYPE = oxide.LaunchValueError, oxide.DeviceError, oxide.LaunchTypeError
A = np.ones(64, np.float32)
B = np.zeros(64, np.float32)

# The launch, which exception, its parameter, rule, expected and actual value, and its message.
PREPARED = {
    "ZeroDimension": (
        lambda: launch_kernels.copy.prepare(grid=1, block=(64, 0)),
        (VALUE, "block", "OX405", (1, 1024), 0),
        "copy: `block` has 0 threads along y; it takes 1 to 1024 [OX405]",
    ),
    "InvalidSharedMemoryRange": (
        lambda: launch_kernels.shares.prepare(grid=1, shared=-1),
        (VALUE, "shared", "OX405", (0, 232448), -1),
        "shares: `shared` is -1 bytes; a block has at most 232448 [OX405]",
    ),
    "BlockShapeMismatch": (
        lambda: launch_kernels.exact.prepare(grid=1, block=(2, 64)),
        (VALUE, "block", "OX401", (64, 2, 1), (2, 64, 1)),
        "exact: `block` is (2, 64, 1), but the kernel is declared with block=(64, 2, 1) [OX401]",
    ),
    "BlockThreadsExceedContract": (
        lambda: launch_kernels.bounded.prepare(grid=1, block=(64, 4)),
        (VALUE, "block", "OX401", 128, 256),
        "bounded: `block` has 256 threads, but the kernel is declared with max_threads=128 [OX401]",
    ),
    "DynamicSharedMemoryExactMismatch": (
        lambda: launch_kernels.shares.prepare(grid=1, shared=512),
        (VALUE, "shared", "OX401", 1024, 512),
        "shares: `shared` is 512 bytes, but the kernel is declared with shared=1024 [OX401]",
    ),
    "DynamicSharedMemoryOutsideRange": (
        lambda: launch_kernels.shares.prepare(grid=1, shared=1 << 20),
        (VALUE, "shared", "OX405", (0, 232448), 1 << 20),
        "shares: `shared` is 1048576 bytes; a block has at most 232448 [OX405]",
    ),
    "ClusterDoesNotDivideGrid": (
        lambda: launch_kernels.in_clusters.prepare(grid=(3, 4), block=64),
        (VALUE, "grid", "OX401", "a multiple of 2", 3),
        "in_clusters: `grid` has 3 blocks along x, which is not made of whole clusters: the kernel "
        "is declared with cluster=(2, 2, 1) [OX401]",
    ),
    "DeviceDimensionExceeded": (
        lambda: launch_kernels.copy.prepare(grid=(1, 65536), block=64),
        (VALUE, "grid", "OX405", (0, 65535), 65536),
        "copy: `grid` has 65536 blocks along y; it takes 0 to 65535 [OX405]",
    ),
    "DeviceThreadsPerBlockExceeded": (
        lambda: launch_kernels.copy.prepare(grid=1, block=(64, 32)),
        (VALUE, "block", "OX405", 1024, 2048),
        "copy: block (64, 32, 1) has 2048 threads; a block has at most 1024 [OX405]",
    ),
}
LAUNCHED = {
    "CoordinateRangeExceedsU32": (
        lambda: launch_kernels.copy[(1 << 31) - 1, 64](A, B),
        (VALUE, "grid", "OX401", "below 2147483648", ((1 << 31) - 1) * 64),
        "copy: grid times block along x is 137438953408, but the proof of this kernel needs sizes "
        "that fit 32 bits [OX401]",
    ),
    "CooperativeGridTooLarge": (
        lambda: launch_kernels.together[1000, 1024](A),
        (VALUE, "grid", "OX405", 264, 1000),
        "together: `grid` has 1000 blocks, but a cooperative launch has at most 264 on the cpu: "
        "all of them run at once [OX405]",
    ),
    "SizeRequirementViolated": (
        lambda: launch_kernels.copy[1, 64](A[:63], B),
        (VALUE, "a", "OX401", "len(a) >= len(b)", "63 >= 64"),
        "copy: the launch does not fulfil `len(a) >= len(b)` (63 >= 64 is false) [OX401]",
    ),
    "DeviceSharedMemoryExceeded": (
        lambda: limits.demand_shared("shares", "cuda:0", 4096, 100_000, 101_376),
        (VALUE, "shared", "OX405", 97_280, 100_000),
        "shares: `shared` is 100000 bytes besides the 4096 of the kernel's own arrays; on cuda:0 "
        "a block has at most 101376 [OX405]",
    ),
    "FunctionThreadsPerBlockExceeded": (
        lambda: limits.demand_threads("copy", "cuda:0", (32, 32, 1), 768),
        (VALUE, "block", "OX405", 768, 1024),
        "copy: `block` has 1024 threads; compiled for cuda:0 the kernel takes at most 768 [OX405]",
    ),
}
ON_A_DEVICE = (
    "ClusterLaunchUnsupported",
    "ComputeCapabilityTooLow",
    "ContextMismatch",
    "Driver",
)
IMPOSSIBLE = (__doc__ or "").partition("and why:")[2]


def test_every_one_of_them_is_raised_or_explained():
    here = {*PREPARED, *LAUNCHED, *ON_A_DEVICE}
    explained = {name for name in THEIRS if name in IMPOSSIBLE}
    # The contract of a launch has no range, but its number of bytes may still be none.
    assert here | explained == set(THEIRS)
    assert here & explained == {"InvalidSharedMemoryRange"}
    assert len(THEIRS) == 29


def raised(launch, fields, message):
    kind, *rest = fields
    with pytest.raises(kind) as caught:
        launch()
    error = caught.value
    assert type(error) is kind
    assert str(error) == message
    assert [error.parameter, error.rule, error.expected, error.actual] == rest
    assert error.kernel == message.partition(":")[0]


@pytest.mark.parametrize("name", PREPARED)
def test_what_a_prepared_launch_is_refused_for(name):
    raised(*PREPARED[name])


@pytest.mark.parametrize("name", LAUNCHED)
def test_what_a_launch_is_refused_for(name, monkeypatch):
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    if name == "CoordinateRangeExceedsU32":
        unproved.use(monkeypatch, compact=True)
        fresh = Program(launch_kernels.copy.__wrapped__, launch_kernels.copy._program.options)
        monkeypatch.setattr(launch_kernels.copy, "_program", fresh)
        monkeypatch.setattr(launch_kernels.copy, "_launches", {})
    raised(*LAUNCHED[name])


@pytest.fixture
def driver(monkeypatch):
    driver = fake_cuda.install(monkeypatch)
    for kernel in (launch_kernels.copy, launch_kernels.clustered, launch_kernels.in_clusters):
        fresh = Program(kernel.__wrapped__, kernel._program.options)
        monkeypatch.setattr(kernel, "_program", fresh)
        monkeypatch.setattr(kernel, "_launches", {})
    return driver


def test_a_device_that_lacks_what_the_kernel_needs(driver, monkeypatch):
    monkeypatch.setattr(cuda.cuda(0), "capability", (8, 6))
    with pytest.raises(DEVICE) as caught:
        launch_kernels.clustered[1, 64](A.copy())
    assert str(caught.value) == (
        "clustered: cuda:0 cannot run it: an atomic or a fence of scope `cluster` needs sm_90, "
        "the target is sm_86"
    )
    monkeypatch.setattr(cuda.cuda(0), "capability", (7, 0))
    with pytest.raises(DEVICE, match=r"compute capability 7\.0 is older than 7\.5"):
        launch_kernels.copy[1, 64](A, B)


def test_a_stream_of_another_device(driver):
    x, y = oxide.asarray(A), oxide.asarray(B)
    other = streams.Stream(DeviceId("cuda", 1), 7)
    with pytest.raises(TYPE) as caught:
        launch_kernels.copy[1, 64, other](x, y)
    error = caught.value
    assert str(error) == "copy: `stream` is one of cuda:1, but the launch runs on cuda:0"
    assert (error.parameter, error.expected) == ("stream", "a stream of cuda:0")
    with pytest.raises(TYPE, match="is one of the cpu, but the launch runs on cuda:0"):
        launch_kernels.copy[1, 64, oxide.stream("cpu")](x, y)


def test_what_the_driver_says(driver):
    driver.answer = 719
    with pytest.raises(DEVICE, match="copy: the launch failed") as caught:
        launch_kernels.copy[1, 64](oxide.asarray(A), oxide.asarray(B))
    assert (caught.value.kernel, caught.value.code) == ("copy", 719)


def test_no_blocks_is_no_error(monkeypatch):
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    launch_kernels.copy.prepare(grid=(4, 0), block=64)(A, B)
    assert not B.any()


def test_a_device_without_clusters(driver, monkeypatch):
    monkeypatch.setattr(cuda.cuda(0), "capability", (8, 9))
    with pytest.raises(DEVICE) as caught:
        launch_kernels.in_clusters[(2, 2), 64](A.copy())
    assert str(caught.value) == (
        "in_clusters: cuda:0 cannot run it: `cluster=` needs sm_90, the target is sm_89"
    )
