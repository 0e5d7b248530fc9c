"""Launches that take far too long, to be interrupted: one block, many blocks, threads that wait.

    python spinning.py

For each it prints how many seconds it took from the signal to the exception, and whether a launch
behind it is right.
"""

import signal
import threading
import time

import numpy as np

import oxide
from oxide import AtomicSlice, DisjointSlice, atomic, i32, i64, kernel, sync_threads, thread


@kernel
def one_block(n: i64, out: DisjointSlice[i32]) -> None:
    x = i32(0)
    i = thread.index_1d()
    for k in range(n):
        x = x * i32(5) + i32(k)
    if i < len(out):
        out[i] = x


@kernel
def many_blocks(n: i64, out: DisjointSlice[i32]) -> None:
    x = i32(1)
    for k in range(4000):
        x = x * i32(5) + i32(k)
    i = thread.index_1d()
    if i < len(out):
        out[i] = x


@kernel
def with_barriers(n: i64, out: DisjointSlice[i32]) -> None:
    x = i32(0)
    for k in range(n):
        sync_threads()
        x += i32(k)
    i = thread.index_1d()
    if i < len(out):
        out[i] = x


@kernel
def waiting(n: i64, flag: AtomicSlice[i32]) -> None:
    while atomic.load(flag, 0) == 0:
        pass


LONG = 1 << 40
LAUNCHES = {
    "many_blocks": lambda out: many_blocks[1 << 20, 64](LONG, out),
    "with_barriers": lambda out: with_barriers[4, 64](LONG, out),
    "waiting": lambda out: waiting[2, 32](1, out),
    # Nothing stops this one, so it keeps a processor busy from then on.
    "one_block": lambda out: one_block[1, 1](LONG, out),
}


def interrupted(name: str) -> None:
    """Launch, with a signal after a while."""
    out = np.zeros(64, np.int32)
    # What is interrupted is the launch, and no compiler.
    oxide.load(globals()[name])
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    threading.Timer(0.2, interrupt).start()
    try:
        LAUNCHES[name](np.zeros(64, np.int32))
    except KeyboardInterrupt:
        late = time.perf_counter() - sent[0]
    else:
        late = float("inf")
    one_block[1, 64](3, out)
    print(name, late, bool((out == 7).all()))


if __name__ == "__main__":
    with oxide.device("cpu"):
        for each in LAUNCHES:
            interrupted(each)
            if each != "one_block":
                # Once it may be the machine that is late.
                interrupted(each)
