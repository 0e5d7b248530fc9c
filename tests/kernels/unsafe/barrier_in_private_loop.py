"""A barrier in a loop whose number of rounds is the thread's own."""
# launch: grid=1, block=32, out=32

from oxide import DisjointSlice, i64, kernel, sync_threads, thread


@kernel
def count(out: DisjointSlice[i64]):
    rounds = 0
    for _ in range(thread.x):
        sync_threads()  # error: [OX201]
        rounds += 1
    i = thread.index_1d()
    if i < len(out):
        out[i] = rounds
