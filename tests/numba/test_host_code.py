"""Every launch that a host program makes is one that was read of it."""

from __future__ import annotations

import pytest

from programs.host_cases import CASES
from programs.host_code import HEAD, not_read
from programs.hosts import program
from programs.view_cases import CASES as VIEWS


@pytest.mark.parametrize("name", [*CASES, *VIEWS])
def test_what_is_read_of_a_launch_holds(name: str) -> None:
    assert not_read(HEAD + {**CASES, **VIEWS}[name]) == []


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_of_random_launches_holds(seed: int) -> None:
    text = program(seed)
    assert not_read(text) == [], text
