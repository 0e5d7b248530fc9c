"""A slice of the mutants of the safe kernels: what is still proved, no small launch breaks.

`benchmarks/mutate_kernels.py` judges all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile
from programs.mutation import mutants, refuted

pytestmark = pytest.mark.fuzz

KERNELS = sorted((Path(__file__).parent.parent / "kernels" / "safe").glob("*.py"))
EVERY = 211


def _slice() -> list[tuple[Path, str, str]]:
    every = (
        (path, f"{path.stem}-{mutant.line}-{mutant.what}", mutant.text)
        for path in KERNELS
        for mutant in mutants(path.read_text(encoding="utf-8"))
    )
    return [entry for number, entry in enumerate(every) if number % EVERY == 0]


def test_proved_mutants_hold() -> None:
    verdicts: set[Verdict] = set()
    for path, name, text in _slice():
        for kernel in check(SourceFile(path.name, text), ProjectModules((path.parent,))).kernels:
            verdicts.add(kernel.verdict)
            assert refuted(kernel) is None, name
    assert {Verdict.PROVED, Verdict.VIOLATED} <= verdicts, "nothing breaks, or everything"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sync_threads()\n", "without `sync_threads()`"),
        ("if i < n:\n    x = 1\n", "without the condition"),
        ("atomic.add(a, 0, 1)\n", "without the atomic"),
        ("y = a[i]\n", "with the index off by one"),
        ("y = i + 1\n", "without the term"),
        ("y = i * n\n", "with another operator"),
        ("s //= 2\n", "with another operator"),
        ("i += stride\n", "with another stride"),
        ("for i in range(t, n, BLOCK):\n    pass\n", "with another stride"),
    ],
)
def test_each_change_is_made(text: str, what: str) -> None:
    made = {mutant.what: mutant.text for mutant in mutants(text)}
    assert what in made
    assert made[what] != text
