"""The sanitizer: what a launch breaks is found, under the rule that the kernel's comment names."""

from __future__ import annotations

import inspect
import linecache
import re
from random import Random

import numpy as np
import pytest

import oxide
from codegen.differential import arguments
from oxide_analyzer.interpreter import run
from oxide_analyzer.observed import observed
from oxide_codegen import sanitised
from programs.generate import KINDS
from programs.launches import launches
from programs.together import together
from runtime import watched_kernels

KERNELS = {
    name: kernel
    for name, kernel in vars(watched_kernels).items()
    if isinstance(kernel, oxide.Kernel)
}


def expected(name):
    line = inspect.getsource(KERNELS[name].__wrapped__)
    found = re.search(r"# (OX\d+)$", line, re.MULTILINE)
    return [] if found is None else [found[1]]


def launched(name):
    """A launch that the kernel takes, and the rules that it breaks."""
    codes = []

    def report(kernel, launch, failures):
        codes.extend(d.code for d in observed(kernel, launch, failures))

    annotations = inspect.get_annotations(KERNELS[name].__wrapped__)
    arrays = [
        np.zeros(128, np.int32 if "i32" in str(annotations[p]) else np.float32)
        for p in ("a", "flag", "out")
        if p in annotations
    ]
    with sanitised.gathering(report):
        KERNELS[name][2, 64](*arrays)
    return list(dict.fromkeys(codes))


@pytest.mark.parametrize("name", KERNELS)
def test_the_rule_that_it_breaks(name):
    assert launched(name) == expected(name)


def test_as_a_device_it_raises_what_the_interpreter_raises():
    kernel = KERNELS["reversed_without_barrier"]
    a = np.zeros(128, np.float32)
    for device in ("interpreter", "sanitizer"):
        with oxide.device(device), pytest.raises(oxide.KernelRaceError) as found:
            kernel[2, 64](a, a.copy())
        assert found.value.rule == "OX104"
        assert found.value.array == "tile"
        steps = {found.value.first.kind, found.value.second.kind}
        assert steps == {"read", "write"}
        assert "tile" in linecache.getline(found.value.path, found.value.line)


def test_arrays_hold_what_the_kernel_wrote():
    a, out = np.arange(128, dtype=np.float32), np.zeros(128, np.float32)
    with oxide.device("sanitizer"):
        KERNELS["reversed_with_barrier"][2, 64](a, out)
    np.testing.assert_array_equal(out, np.tile(a[63::-1], 2))


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", ["lanes", "handover", "tangled", "wild", "forms"])
def test_nothing_is_found_where_the_interpreter_finds_nothing(kind):
    clean = 0
    for seed in range(2):
        kernel = KINDS[kind](seed).kernel()
        for launch in launches(Random(seed), kernel, (), 3):
            outcome = run(kernel, launch)
            if not outcome.exhausted:
                found = watch(kernel, launch)
                assert bool(found) <= bool(outcome.failures), (seed, found[0])
                clean += not outcome.failures
    assert clean


def test_nothing_is_found_in_programs_without_races():
    program = together(1)
    assert watch(program.kernel(), program.launch) == []


def watch(kernel, launch):
    native = sanitised.native_of(kernel)
    cells, buffers = arguments(native, launch)
    found = sanitised.watched(kernel, native, launch, cells)
    del buffers
    return found
