"""Count values in 256 bins: each block counts in shared memory, then adds to the total.

Which bin a thread hits depends on the data, so no index arithmetic can keep two threads apart:
the counts are changed by atomics only. The barriers separate them from the plain store that sets
the counts to zero and from the plain load that reads them.
"""

from __future__ import annotations

import numpy as np

from oxide import (
    AtomicSlice,
    SharedArray,
    Slice,
    atomic,
    grid_stride,
    i32,
    kernel,
    sync_threads,
    thread,
)

BINS = 256


@kernel(block=BINS, requires=lambda bins: len(bins) >= BINS)
def histogram(values: Slice[i32], bins: AtomicSlice[i32]):
    """Add to `bins[v]` how often `v` occurs in `values`; what is no bin is left out."""
    counts = SharedArray(i32, BINS)
    t = thread.x
    counts[t] = 0
    sync_threads()
    for i in grid_stride(len(values)):
        v = values[i]
        if 0 <= v < BINS:
            atomic.add(counts, v, 1)
    sync_threads()
    atomic.add(bins, t, counts[t])


def main() -> None:
    """Run on lengths above and below the number of threads, and compare with numpy."""
    random = np.random.default_rng(8)
    for n, grid in ((1, 1), (1_000, 2), (1_000_003, 64)):
        values = random.integers(-10, BINS + 10, n, dtype=np.int32)
        bins = np.zeros(BINS, dtype=np.int32)
        histogram[grid, BINS](values, bins)
        inside = values[(values >= 0) & (values < BINS)]
        error = int(np.abs(bins - np.bincount(inside, minlength=BINS)).max())
        print(f"histogram   {n:>11}  max error {error}")
        if error != 0:
            raise ArithmeticError(f"histogram of {n} values differs from numpy by {error}")


if __name__ == "__main__":
    main()
