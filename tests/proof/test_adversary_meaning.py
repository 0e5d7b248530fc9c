"""What is known of a term only where it has a meaning, in loops that need not have a round.

The launch that breaks each kernel is one that small or random launches miss, so that the provers
are asked: none may take it for right.
"""

from __future__ import annotations

import pytest

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import run
from oxide_analyzer.launch import Contents, Launch
from proof.adversary import reported

KERNELS = {
    "shifted by too much": (
        """
@kernel(block=32, domain=1)
def k(n: i32, d: i32):
    t = thread.x
    tile = SharedArray(i32, 64)
    if d >= 0 and d <= 20:
        tile[32 + t] = i32(1) << d
    x = i64(0)
    for j in range(n):
        if d < 0:
            break
        if d > 20:
            break
        x += i64(i32(1) << d)
    if x < 32 and d == 123456789:
        tile[x] = i32(t)
""",
        {"n": 3, "d": 123456789},
    ),
    "an element of an empty array": (
        """
@kernel(block=32, domain=1, requires=lambda a, n: within(a, 0, n))
def k(a: Slice[i32], n: i32, m: i32):
    t = thread.x
    tile = SharedArray(i32, 64)
    if len(a) > 0:
        tile[32 + t] = a[0]
    x = i64(0)
    for j in range(m):
        if len(a) == 0:
            break
        x += a[0]
    if x < 32 and n == -123456 and m == -77777:
        tile[x] = i32(t)
""",
        {"n": -123456, "m": -77777},
    ),
    "divided by nothing": (
        """
@kernel(block=32, domain=1)
def k(n: i32, d: i32):
    t = thread.x
    tile = SharedArray(i32, 64)
    if d > 0:
        tile[32 + t] = 1000 // d
    x = i64(0)
    for j in range(n):
        if d <= 0:
            break
        x += i64(1000 // d)
    if x < 32 and d == -123456:
        tile[x] = i32(t)
""",
        {"n": 3, "d": -123456},
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_rare_launch_is_not_forgotten(name: str) -> None:
    text, scalars = KERNELS[name]
    report = reported(text)
    assert report.kernel is not None
    arrays = {a.name: Contents((0,), ()) for a in report.kernel.array_parameters()}
    launch = Launch((1, 1, 1), (32, 1, 1), scalars, arrays, 0)
    assert run(report.kernel, launch).failures
    assert report.verdict is not Verdict.PROVED
