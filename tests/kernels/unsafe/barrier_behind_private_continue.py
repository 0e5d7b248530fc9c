"""A loop with a barrier that some threads skip by `continue`: they meet the others a round late."""
# launch: grid=1, block=32, rounds=3

from oxide import i32, kernel, sync_threads, thread


@kernel
def wait(rounds: i32):
    for r in range(rounds):
        if thread.x == r:
            continue
        sync_threads()  # error: [OX201]
