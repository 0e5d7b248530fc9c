"""A loop with a barrier that threads leave when their own data says so."""
# launch: grid=1, block=32, a=[0, 5, 0, 5], rounds=3

from oxide import Slice, i32, kernel, sync_threads, thread


@kernel
def wait(a: Slice[i32], rounds: i32):
    i = thread.index_1d()
    for r in range(rounds):
        if i < len(a) and a[i] > r:
            break
        sync_threads()  # error: [OX201]
