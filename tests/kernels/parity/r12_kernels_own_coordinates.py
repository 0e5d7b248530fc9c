"""R12, R20: names are followed by what they mean, not by how they are spelled."""

from oxide import DisjointSlice as Slice
from oxide import f32, kernel
from oxide import thread as lane


class thread:
    x = 0

    @staticmethod
    def index_1d() -> int:
        return 7


@kernel
def forged(out: Slice[f32]):
    i = thread.index_1d()  # error: [OX006]
    out[i] = 1.0


@kernel
def renamed(out: Slice[f32]):
    i = lane.index_1d()
    if i < len(out):
        out[i] = 1.0
