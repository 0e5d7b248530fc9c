"""Sessions of a client that does what it may: see `fuzz`, and `benchmarks/editor_fuzz.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lsp.fuzz import Session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("seed", "steps"), [(1, 200), *(pytest.param(n, 800, marks=pytest.mark.fuzz) for n in (2, 3))]
)
def test_the_server_keeps_up_with_whatever_a_client_does(
    tmp_path: Path, seed: int, steps: int
) -> None:
    session = Session(seed, tmp_path)
    session.run(steps)
    assert session.counts["texts compared"] > 5
    assert session.counts["edit"] > 50
