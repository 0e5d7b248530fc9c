"""f16 and bf16 among the other types."""

from __future__ import annotations

import pytest

from frontend.reading import findings

HEAD = "from oxide import *\nimport math\n"


def said(body: str) -> list[str]:
    signature = "h: Slice[f16], b: Slice[bf16], a: Slice[f32], bins: AtomicSlice[f16], n: i32"
    lines = body.replace("\n", "\n    ")
    return findings(f"{HEAD}@kernel\ndef k_({signature}):\n    {lines}\n")


@pytest.mark.parametrize(
    "body",
    [
        "r: f16 = h[0] * 2 + 0.5",
        "r: bf16 = b[0] * n",
        "r: f32 = h[0] + a[0]",
        "r: f32 = b[0] + a[0]",
        "r: f16 = math.sqrt(h[0])",
        "r: i64 = round(h[0])",
        "r = f16(b[0]) + h[0]",
        "r: f16 = 65504.0",
        "t = SharedArray(f16, 32)\nt[thread.x % 32] = h[0]",
    ],
)
def test_they_are_taken(body: str) -> None:
    assert said(body) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("r = h[0] + b[0]", "`+` between f16 and bf16; write `f16(…)` or `f32(…)`"),
        ("r: f16 = a[0]", "`r` is f16, the value is f32; write `f16(a[0])`"),
        ("r: f16 = 70000.0", "literal 70000.0 does not fit `r`, which is f16"),
        (
            "atomic.add(bins, 0, 1.0)",
            "`bins` holds f16; atomics are of 32 and 64 bits, such as `f32`",
        ),
        ("r = warp.match_any(h[0])", "`warp.match_any` of a f16; write `f32(h[0])`"),
    ],
)
def test_they_are_refused(body: str, message: str) -> None:
    (found,) = said(body)
    assert message in found
