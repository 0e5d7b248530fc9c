"""Random kernels give on the host, bit for bit, what they give in the interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codegen.agreement import PROGRAMS, SMS, Tally, assembled, cases, on_cpu
from oxide_codegen import toolchain

pytestmark = pytest.mark.fuzz

# So many of each kind are compared, in one module.
SEEDS = {"deterministic": 10, "together": 8}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_host(kind):
    tally = Tally()
    on_cpu(cases(kind, range(SEEDS.get(kind, 6)), tally), tally)
    assert tally.differing == []
    assert tally.compared


@pytest.mark.parametrize("kind", ["deterministic", "together"])
def test_ptx_assembles(kind):
    if toolchain.ptxas() is None:
        pytest.skip("there is no ptxas")
    tally = Tally()
    for number, sm in enumerate(SMS[::2]):
        found = cases(kind, range(20 + 2 * number, 22 + 2 * number), tally, inexact=True)
        assembled(found, sm, tally)
    assert tally.differing == []


def test_distances_at_the_end_of_i64_end_no_process():
    """LLVM's vectorizer of straight code does not take them; whoever compiles goes on."""
    compile_one = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from codegen.agreement import Tally, as_module, cases\n"
        "as_module(cases('together', [1023328], Tally()), 'sm_90')"
    )
    done = subprocess.run(
        [sys.executable, "-c", compile_one], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
