"""B12: a function of the user's own is his own, whatever it is called."""

from oxide import DisjointSlice, block, device, f32, kernel, sync_threads, thread
from oxide import thread as me


@device
def index_1d() -> int:
    return thread.x


@kernel
def own_name(out: DisjointSlice[f32]):
    i = index_1d()
    if i < len(out):
        out[i] = block.x * 1.0  # error: [OX105]


@kernel
def alias(out: DisjointSlice[f32]):
    i = me.index_1d()
    if i < len(out):
        out[i] = 1.0
    sync_threads()
