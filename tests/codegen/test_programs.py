"""Random kernels give on the host, bit for bit, what they give in the interpreter."""

from __future__ import annotations

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
