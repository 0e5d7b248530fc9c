"""R31: a helper that is no device function."""

from oxide import DisjointSlice, f32, kernel, thread


def where() -> int:
    return thread.index_1d()


@kernel
def calls(out: DisjointSlice[f32]):
    i = where()  # error: [OX006] "@device"
    if i < len(out):  # also: "i"
        out[i] = 1.0  # also: "i"
