"""Every thread writes its own value to the first element."""
# launch: grid=1, block=16, out=1

from oxide import DisjointSlice, f32, kernel, thread


@kernel(requires=lambda out: len(out) >= 1)
def last(out: DisjointSlice[f32]):
    out[0] = f32(thread.index_1d())  # error: [OX102]
