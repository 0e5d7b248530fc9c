"""One of several processes that combine arrays: `RANK=1 WORLD_SIZE=3 python … cpu`, or `cuda`.

Prints a line of JSON for each thing it has seen; at the end the second one is killed.
"""

import asyncio
import json
import os
import signal
import sys
import time

import numpy as np

import oxide
from oxide import operations as ops

RANK = int(os.environ["RANK"])
KIND = sys.argv[1]
# NCCL takes longer than that to bring ranks together.
SHORT = 0.5 if KIND == "cpu" else 20.0


def say(**seen):
    print(json.dumps(seen), flush=True)


def numbers(rank):
    return np.random.default_rng(rank).random(1000, dtype=np.float32)


def together():
    """Everything that goes well."""
    with ops.Group.join(limit=20) as group:
        x = oxide.asarray(numbers(RANK))
        ops.all_reduce(group, x).sync()
        seen = {"sum": x.numpy().tobytes().hex()}
        gathered = ops.all_gather(group, ops.upload(np.array([RANK, 7], np.int16))).sync()
        seen["gathered"] = gathered.numpy().tolist()
        told = oxide.asarray(np.full(3, RANK, np.float64))
        ops.broadcast(group, told, root=group.size - 1).sync()
        seen["told"] = told.numpy().tolist()

        async def many():
            total = oxide.asarray([float(RANK)], oxide.f64)
            for _ in range(5):
                await ops.all_reduce(group, total, "max")
            return total.numpy().tolist()

        seen["many"] = asyncio.run(many())
        say(rank=group.rank, size=group.size, **seen)


def two_devices():
    """Several devices in each process."""
    with ops.Group.join("cpu:0", "cpu:1", limit=20) as group:
        mine = tuple(
            oxide.asarray([rank + 1], oxide.i64, device=d)
            for rank, d in zip(group.ranks, group.devices, strict=True)
        )
        ops.all_reduce(group, mine, "prod").sync()
        gathered = ops.all_gather(group, mine).sync()
        say(product=[int(one.numpy()[0]) for one in mine], shape=gathered[1].shape)


def failing(limit, act):
    """A call in which one process does not do what the others do."""
    group = ops.Group.join(limit=limit)
    begun = time.monotonic()
    try:
        act(group)
    except oxide.CollectiveError as error:
        say(error=type(error).__name__, text=str(error), seconds=time.monotonic() - begun)
    group.close()


def mismatch(group):
    count = 1000 if RANK else 999
    ops.all_reduce(group, oxide.zeros(count, oxide.f32)).sync()


def late(group):
    if RANK == 1:
        time.sleep(2 * SHORT)
    ops.all_reduce(group, oxide.zeros(10, oxide.f32)).sync()


def lost(group):
    if RANK == 1:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    ops.all_reduce(group, oxide.zeros(10, oxide.f32)).sync()


if __name__ == "__main__":
    with oxide.device("cpu" if KIND == "cpu" else f"cuda:{RANK}"):
        together()
        if KIND == "cpu":
            two_devices()
        failing(30, mismatch)
        failing(SHORT, late)
        failing(30, lost)
    sys.exit(0)
