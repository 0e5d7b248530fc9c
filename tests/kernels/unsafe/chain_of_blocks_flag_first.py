"""The flag is raised before the value is there."""
# launch: grid=4, block=2, a=4, running=4, ready=[0, 0, 0, 0]

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, block, f32, grid_dim, kernel
from oxide import thread, u32, within


@kernel(
    domain=1,
    requires=lambda a, running, ready: len(a) >= grid_dim.x
    and len(running) >= grid_dim.x
    and len(ready) >= grid_dim.x
    and within(ready, 0, 1),
)
def running_sum(a: Slice[f32], running: DisjointSlice[f32], ready: AtomicSlice[u32]):
    if thread.x == 0:
        before = 0.0
        if block.x > 0:
            while atomic.load(ready, block.x - 1, order="acquire") == 0:
                pass
            before = running[block.x - 1]
        atomic.store(ready, block.x, 1, order="release")
        running[block.x] = before + a[block.x]  # error: [OX105]
