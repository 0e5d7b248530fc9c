"""Vector addition and softmax for Triton, as its tutorials have them."""

# The decorated functions are Triton's, which has no types for them.
# pyright: basic

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _vecadd(a, b, c, count, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < count
    total = tl.load(a + offsets, mask=inside) + tl.load(b + offsets, mask=inside)
    tl.store(c + offsets, total, mask=inside)


@triton.jit
def _softmax(x, y, cols, BLOCK: tl.constexpr):
    start = tl.program_id(0) * cols
    offsets = tl.arange(0, BLOCK)
    row = tl.load(x + start + offsets, mask=offsets < cols, other=-float("inf"))
    weights = tl.exp(row - tl.max(row, axis=0))
    tl.store(y + start + offsets, weights / tl.sum(weights, axis=0), mask=offsets < cols)


def vecadd(a, b, c):
    """`c = a + b`, 1,024 elements for each program."""
    count = c.numel()
    return lambda: _vecadd[(triton.cdiv(count, 1024),)](a, b, c, count, BLOCK=1024)


def softmax(x, y):
    """The softmax of each row, one program a row."""
    rows, cols = x.shape
    size = triton.next_power_of_2(cols)
    return lambda: _softmax[(rows,)](x, y, cols, BLOCK=size, num_warps=8)
