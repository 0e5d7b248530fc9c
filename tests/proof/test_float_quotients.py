"""Integers by way of floats: what is known of `int(n / 2)` and `math.ceil(n / 16)`, what not."""

import math
import random

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

HEAD = """\
import math
import numpy as np
from numba import cuda


@cuda.jit
def k(a, out, b):
    i = cuda.grid(1)
    n = a.shape[0]
    if i < out.shape[0] and n > 0:
"""
KNOWN = (
    "out[i] = a[int(n / 2)]",
    "out[i] = a[math.floor(n / 3)]",
    "out[i] = a[math.ceil(n / 4) - 1]",
    "out[i] = a[int(math.ceil(n / n)) - 1]",
    "if 0 < b < n: out[i] = a[math.ceil(n / b) - 1]",
    "if 0 <= b < n: out[i] = a[math.floor((b - 1) / 2) + 1]",
)
# Each is wrong for some launch, or could be: by rounding, by sign, by a divisor below one.
NOT_KNOWN = (
    "out[i] = a[math.ceil(n / 2)]",
    "out[i] = a[int(np.float32(n - 1) / np.float32(1))]",
    "if b < n: out[i] = a[math.floor(b / 2)]",
    "if i < n: out[i] = a[math.floor((i - 1) / 2)]",
    "out[i] = a[int(n / b) - 1]",
    "out[i] = a[int(n / 0.5)]",
    "out[i] = a[int((n - 1) / 0.9)]",
    "out[i] = a[round((n - 1) / 1.5 + 0.5)]",
)


def verdict(statement: str) -> Verdict:
    source = SourceFile("k.py", f"{HEAD}        {statement}\n")
    [kernel] = check(source, NoModules()).kernels
    return kernel.verdict


@pytest.mark.parametrize("statement", KNOWN)
def test_quotients_of_integers_are_known(statement: str) -> None:
    assert verdict(statement) is Verdict.PROVED


@pytest.mark.parametrize("statement", NOT_KNOWN)
def test_nothing_is_said_of_what_rounds_or_turns_round(statement: str) -> None:
    assert verdict(statement) is not Verdict.PROVED


def test_rounded_quotients_of_small_integers_come_to_no_other_integer() -> None:
    rng = random.Random(0)
    most = 1 << 51
    for _ in range(2000):
        b = rng.choice((1, 2, 3, most, most - 1, rng.randint(1, most), rng.randint(1, 1000)))
        k = rng.randint(0, most // b)
        for a in (k * b - 1, k * b, k * b + 1, most, -most, rng.randint(-most, most)):
            assert math.floor(a / b) == a // b
            assert math.ceil(a / b) == -(-a // b)
