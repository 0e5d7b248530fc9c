"""Takes places from beyond a table, because somebody vouches for them: they may be anything."""
# launch: grid=1, block=8, out=8

from oxide import DisjointSlice, i64, kernel, thread, unsafe

PLACES = (0, 1, 2, 3)


@kernel(block=8, domain=1, requires=lambda out: len(out) >= 8)
def vouched(out: DisjointSlice[i64]):
    t = thread.x
    with unsafe("the memory behind the table holds the other places"):
        place = PLACES[t]  # error: [OX301]
    if thread.index_1d() < 8 and 0 <= place < len(out):
        out[place] = t
