"""Random kernels give on the host, bit for bit, what they give in the interpreter."""

from __future__ import annotations

import pytest

from codegen.differential import differences, execute, variants
from oxide_analyzer.interpreter import run
from oxide_codegen import toolchain
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx
from programs.generate import deterministic


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("variant", ["checked", "proved"])
def test_host(seed, variant):
    program = deterministic(seed)
    kernel = program.kernel()
    outcome = run(kernel, program.launch)
    assert outcome.succeeded
    checked = variants(kernel, program.launch)[variant]
    native = compile_native(checked, contract=False, narrows=variant == "proved")
    arrays, failure = execute(native, kernel, program.launch, 1 + seed % 2)
    assert failure is None
    assert differences(kernel, outcome.arrays, arrays) == [], program.source


@pytest.mark.parametrize("seed", range(3))
def test_ptx(seed):
    program = deterministic(seed, inexact=True)
    sm = ("sm_75", "sm_90", "sm_120")[seed % 3]
    for checked in variants(program.kernel(), program.launch).values():
        ptx = compile_ptx(checked, sm)
        assert f".entry {ptx.entry}(" in ptx.text
        if toolchain.ptxas():
            assert toolchain.registers(ptx.text, sm) is not None
