"""R21: a requirement speaks of parameters, lengths and the launch, in integers."""

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(requires=lambda out, m: m > 0)  # error: [OX404] "m"
def unknown_name(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(requires=lambda n: len(n) > 0)  # error: [OX404]
def length_of_a_scalar(out: DisjointSlice[f32], n: i32):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(requires=lambda a: a > 0)  # error: [OX404]
def bare_slice(a: Slice[f32], out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(requires=lambda out: len(out) / 2 > 8)  # error: [OX404]
def bad_operator(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(requires=lambda n, out: -5 <= n < len(out))
def signed_scalar_is_no_trouble_here(out: DisjointSlice[f32], n: i32):
    if thread.index_1d() == n:
        out[n] = 1.0
