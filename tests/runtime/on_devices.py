"""Tests that say the same of the cpu device and of a GPU that is made up."""

import pytest

import oxide
from oxide_codegen import pools
from oxide_codegen.program import Program
from runtime import fake_cuda, programs, unproved


@pytest.fixture(params=["cpu", "cuda"])
def place(request, monkeypatch):
    """The device of what a test makes: its name."""
    unproved.use(monkeypatch)
    monkeypatch.setattr(pools.HOST, "chosen", None)
    if request.param == "cpu":
        with oxide.device("cpu"):
            yield "cpu"
        return
    # Code is kept by kernel: start anew, on the driver of this test.
    for value in vars(programs).values():
        if isinstance(value, oxide.Kernel):
            made = Program(value.__wrapped__, value._program.options)
            monkeypatch.setattr(value, "_program", made)
            monkeypatch.setattr(value, "_launches", {})
    fake_cuda.install(monkeypatch)
    yield "cuda:0"
