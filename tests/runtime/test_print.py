"""`print` in kernels: the same lines on every device, each whole, those of a thread in order."""

import numpy as np
import pytest

import oxide
from oxide import (
    DisjointSlice,
    KernelAssertion,
    Slice,
    bf16,
    block,
    f16,
    f32,
    f64,
    i8,
    i64,
    kernel,
    sync_threads,
    thread,
    u8,
    u64,
)
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from runtime import asserting

DEVICES = ["interpreter", "cpu"]


@kernel
def numbers(a: Slice[f32], n: u8, big: u64, small: i8, out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        x = a[i]
        print(f"100% a[{i}] = {x} {{é}}", n, big, small, x > 0.5)
        print(f16(x), bf16(x), f64(x) / 3.0, f"{i=}", 7, 0.25)
        out[i] = x


EXPECTED = """\
100% a[0] = 0.100000001 {é} 200 18446744073709551615 -128 False
0.099976 0.1001 0.033333333830038704 i=0 7 0.25
100% a[1] = 1 {é} 200 18446744073709551615 -128 True
1 1 0.33333333333333331 i=1 7 0.25
100% a[2] = inf {é} 200 18446744073709551615 -128 True
inf inf inf i=2 7 0.25
100% a[3] = nan {é} 200 18446744073709551615 -128 False
nan nan nan i=3 7 0.25
"""


def launch_numbers():
    a = np.array([0.1, 1, np.inf, np.nan], np.float32)
    numbers[1, 4](a, 200, 2**64 - 1, -128, np.zeros_like(a))


@pytest.mark.parametrize("device", DEVICES)
def test_numbers_are_written_alike(device, capsys):
    with oxide.device(device):
        launch_numbers()
    assert capsys.readouterr().out == EXPECTED


@pytest.mark.gpu
def test_numbers_are_written_alike_by_a_driver(capfd):
    with oxide.device("cuda"):
        launch_numbers()
    lines = capfd.readouterr().out.replace("-nan", "nan").splitlines()
    # The lanes of a warp come to one line after the other.
    expected = EXPECTED.splitlines()
    assert sorted(lines) == sorted(expected)
    assert all(
        lines.index(one) < lines.index(two)
        for one, two in zip(expected[::2], expected[1::2], strict=True)
    )


@kernel(block=8)
def in_turn(out: DisjointSlice[i64]):
    i = thread.index_1d()
    print(f"{block.x} before {thread.x}")
    sync_threads()
    if thread.x == 0:
        print()
    sync_threads()
    print(f"{block.x} behind {thread.x}")
    if i < len(out):
        out[i] = i


@pytest.mark.parametrize("device", DEVICES)
def test_lines_keep_the_order_of_barriers(device, capsys):
    with oxide.device(device):
        in_turn[3, 8](np.zeros(24, np.int64))
    lines = capsys.readouterr().out.split("\n")
    assert lines.count("") == 3 + 1
    for number in range(3):
        own = [line for line in lines if line.startswith(f"{number} ")]
        before = [f"{number} before {t}" for t in range(8)]
        assert sorted(own[:8]) == before
        assert sorted(own[8:]) == [line.replace("before", "behind") for line in before]


@kernel
def many(out: DisjointSlice[i64]):
    i = thread.index_1d()
    if i < len(out):
        print("element", i, "of", len(out))
        out[i] = i


def test_lines_of_many_blocks_are_whole(capsys):
    with oxide.device("cpu"):
        many[200, 64](np.zeros(12_000, np.int64))
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(f"element {i} of 12000" for i in range(12_000))


@pytest.mark.parametrize("device", DEVICES)
def test_a_failed_launch_shows_its_lines(device, capsys):
    with oxide.device(device), pytest.raises(KernelAssertion):
        asserting.tells[1, 1](np.full(asserting.LARGE, -3, np.int32), np.zeros(1, np.int32))
    assert capsys.readouterr().out == "a[i]=-3\n"


FIELDS = ", ".join("i" for _ in range(33))
TOO_MANY = f"""
from oxide import i64, kernel, thread

@kernel
def k(n: i64):
    i = thread.x
    print({FIELDS})
"""


def test_there_are_at_most_32_fields():
    found = check(SourceFile("k.py", TOO_MANY), NoModules()).diagnostics
    assert [d.message for d in found] == ["this `print` has 33 fields, and at most 32 are printed"]
    fewer = TOO_MANY.replace("i, i, ", "i, ", 1)
    assert not check(SourceFile("k.py", fewer), NoModules()).diagnostics
