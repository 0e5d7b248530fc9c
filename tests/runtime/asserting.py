"""Kernels with an `assert`, in a module whose asserts pytest does not rewrite."""

from oxide import DisjointSlice, Slice, i32, kernel, thread

LARGE = 100_000


@kernel
def positive(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        # No small launch breaks it, and no prover proves it, so that the check remains.
        assert a[i] >= 0 or len(a) < LARGE, "all of `a` are positive"
        out[i] = a[i]


@kernel
def tells(a: Slice[i32], out: DisjointSlice[i32]):
    """Says what it finds before it fails."""
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        print(f"{a[i]=}")
        assert a[i] >= 0 or len(a) < LARGE, "all of `a` are positive"
        out[i] = a[i]
