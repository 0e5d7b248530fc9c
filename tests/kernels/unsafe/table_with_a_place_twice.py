"""Takes the places of its writes from a table that names one twice."""
# launch: grid=1, block=4, out=4

from oxide import DisjointSlice, i64, kernel, thread

PLACES = (0, 2, 1, 2)


@kernel(block=4, domain=1, requires=lambda out: len(out) >= 4)
def scattered(out: DisjointSlice[i64]):
    if thread.index_1d() < 4:
        out[PLACES[thread.x]] = thread.x  # error: [OX102]
