"""A message that is announced before it is written."""
# launch: grid=2, block=3, part=2, flag=[0], out=6, n=1

from oxide import AtomicSlice, DisjointSlice, atomic, i32, kernel, thread, within


@kernel(
    domain=1,
    requires=lambda flag, part, out: len(flag) >= 1 and len(part) >= 2 and within(flag, 0, 1),
)
def message_by_flag(
    part: DisjointSlice[i32], flag: AtomicSlice[i32], out: DisjointSlice[i32], n: i32
):
    i = thread.index_1d()
    if i == n:
        atomic.add(flag, 0, 1, order="release")
        part[1] = 7  # error: [OX103]
    elif i < len(out):
        seen = atomic.load(flag, 0, order="acquire")
        if seen == 1:
            out[i] = part[1]
