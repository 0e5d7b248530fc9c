"""Tests that say the same of the cpu device and of a GPU that is made up."""

import pytest

import oxide
from oxide_codegen import pools
from runtime import fake_cuda, unproved


@pytest.fixture(params=["cpu", "cuda"])
def place(request, monkeypatch):
    """The device of what a test makes: its name."""
    unproved.use(monkeypatch)
    monkeypatch.setattr(pools.HOST, "chosen", None)
    if request.param == "cpu":
        with oxide.device("cpu"):
            yield "cpu"
        return
    fake_cuda.install(monkeypatch)
    yield "cuda:0"
