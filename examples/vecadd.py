"""Add two vectors: one thread, one element.

The guard keeps the threads behind the end of the data away from it, and `requires` says what the
caller owes: every launch is checked against it, so no access needs a check of its own.
"""

from __future__ import annotations

import numpy as np

from oxide import DisjointSlice, Slice, f32, kernel, thread

BLOCK = 256


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    """`c = a + b`, as long as `c`."""
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


def main() -> None:
    """Run on lengths that do and do not fill their last block, and compare with numpy."""
    random = np.random.default_rng(1)
    for n in (1, 1_000, 1 << 20, 1_000_003):
        a = random.random(n, dtype=np.float32)
        b = random.random(n, dtype=np.float32)
        c = np.zeros_like(a)
        vecadd[-(-n // BLOCK), BLOCK](a, b, c)
        error = float(np.abs(c - (a + b)).max())
        print(f"vecadd      {n:>11}  max error {error:.1e}")
        if error != 0.0:
            raise ArithmeticError(f"vecadd of {n} elements differs from numpy by {error}")


if __name__ == "__main__":
    main()
