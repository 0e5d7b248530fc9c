"""Fragments in the reference interpreter: products are products, and whole warps make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.interpreter import Failure, Outcome, Uninitialised, run
from oxide_analyzer.launch import Contents, Launch
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

KERNELS = Path(__file__).parent.parent / "kernels" / "safe"


def played(name: str, arrays: dict[str, Contents], grid: int, block: int) -> Outcome:
    text = (KERNELS / f"{name}.py").read_text(encoding="utf-8")
    return play(text, arrays, grid, block)


def play(text: str, arrays: dict[str, Contents], grid: int, block: int) -> Outcome:
    (kernel,) = read(SourceFile("k.py", text), NoModules()).kernels
    return run(kernel, Launch((grid, 1, 1), (block, 1, 1), {}, arrays))


def matrix(rows: int, cols: int, step: int) -> list[list[float]]:
    """Small numbers that bf16 and f16 hold exactly, and so that no two rows are alike."""
    return [[((r * 7 + c * step) % 17 - 8) / 8 for c in range(cols)] for r in range(rows)]


def contents(values: list[list[float]]) -> Contents:
    return Contents((len(values), len(values[0])), tuple(v for row in values for v in row))


def product(a: list[list[float]], b: list[list[float]]) -> list[float]:
    inner, cols = len(b), len(b[0])
    return [sum(row[k] * b[k][c] for k in range(inner)) for row in a for c in range(cols)]


def test_product_of_rows_and_columns() -> None:
    a, b = matrix(16, 32, 3), matrix(32, 16, 5)
    arrays = {"a": contents(a), "b": contents(b), "c": contents(matrix(16, 16, 1))}
    outcome = played("mma_from_global", arrays, 1, 32)
    assert outcome.failures == ()
    assert list(outcome.arrays["c"].values) == product(a, b)


def test_product_with_a_transpose_of_two_warps() -> None:
    a, b = matrix(40, 16, 3), matrix(16, 16, 5)
    arrays = {"a": contents(a), "b": contents(b), "c": contents(matrix(40, 16, 1))}
    outcome = played("mma_of_transpose", arrays, 2, 64)
    assert outcome.failures == ()
    turned = [list(column) for column in zip(*b, strict=True)]
    assert list(outcome.arrays["c"].values) == product(a, turned)


@pytest.mark.parametrize("threads", [16, 31])
def test_half_a_warp_multiplies_what_nobody_holds(threads: int) -> None:
    text = (KERNELS / "mma_from_global.py").read_text(encoding="utf-8").replace("block=32,", "")
    arrays = {name: contents(matrix(16, 16, 3)) for name in "abc"}
    failures: tuple[Failure, ...] = play(text, arrays, 1, threads).failures
    assert any(isinstance(failure, Uninitialised) for failure in failures)
