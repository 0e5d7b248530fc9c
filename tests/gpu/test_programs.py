"""Random kernels give on the device, bit for bit, what they give in the interpreter."""

from __future__ import annotations

import pytest

from codegen.agreement import PROGRAMS, Tally, cases, on_gpu
from codegen.driver import Driver
from codegen.test_assembler import FOUND

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("kind", PROGRAMS)
def test_device(kind):
    tally = Tally()
    on_gpu(cases(kind, range(30), tally), Driver(), tally)
    assert tally.differing == []
    assert tally.compared


@pytest.mark.parametrize(("kind", "seed"), FOUND)
def test_what_once_differed(kind, seed):
    tally = Tally()
    on_gpu(cases(kind, [seed], tally), Driver(), tally)
    assert tally.differing == []
    assert tally.compared == 1
