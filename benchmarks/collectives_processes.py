"""What a sum of arrays of several processes takes on the cpu, beside a ring of bare sockets.

`python benchmarks/collectives_processes.py` starts 2 and 4 processes on this machine, which add f32
arrays of several sizes. Each figure is the median of `--rounds`, in milliseconds, of process 0.

    all_reduce      by way of process 0, where the processes meet: see `collectives.hub`
    ring            each process hands parts to the next one, `2 (n - 1)` times: every process sends
                    twice its array less a part, whatever `n`; NumPy adds, and nothing is checked
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import oxide
from oxide import operations as ops

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = tuple(1 << power for power in (12, 16, 20, 24, 26))
COUNTS = (2, 4)


def main() -> None:
    """Start the processes and record what process 0 says, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="bytes")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        measured(options)
        return
    import machine_record

    started = time.perf_counter()
    rows: list[dict[str, Any]] = []
    for count in COUNTS:
        rows += [{"processes": count, **row} for row in several(count, sys.argv[1:])]
    for row in rows:
        print(row)
    figures = {"load": machine_record.load(), "sizes": rows}
    print(machine_record.write("collectives_processes", figures, started))


def several(count: int, arguments: list[str]) -> list[dict[str, Any]]:
    """What process 0 of so many says."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, *arguments, "--count", str(count), "--port", str(port)]
    processes = [
        subprocess.Popen([*command, "--rank", str(rank)], stdout=subprocess.PIPE, text=True)
        for rank in range(count)
    ]
    said = [process.communicate()[0] for process in processes]
    return json.loads(said[0])


def measured(options: argparse.Namespace) -> None:
    """One of the processes; number 0 prints."""
    rank, count = options.rank, options.count
    neighbours = Ring(rank, count, options.port + 1)
    rows: list[dict[str, Any]] = []
    place: dict[str, Any] = {"process": rank, "count": count, "port": options.port}
    with oxide.device("cpu"), ops.Group.join("cpu", address="127.0.0.1", **place) as everyone:
        for size in (one for one in SIZES if one <= options.largest):
            array = oxide.asarray(np.full(size // 4, rank + 1, np.float32))
            plain = np.full(size // 4, rank + 1, np.float32)
            wanted = count * (count + 1) / 2
            ops.all_reduce(everyone, array).sync()
            neighbours.add(plain)
            assert array.numpy()[0] == wanted == plain[0], "both add"
            zeros = oxide.zeros(size // 4, oxide.f32)
            plain[:] = 0
            ways: dict[str, Callable[[], object]] = {
                "all_reduce": lambda zeros=zeros: ops.all_reduce(everyone, zeros).sync(),
                "ring": lambda plain=plain: neighbours.add(plain),
            }
            row: dict[str, Any] = {"bytes": size}
            for name, run in ways.items():
                times: list[float] = []
                for _ in range(options.rounds):
                    clock = time.perf_counter()
                    run()
                    times.append(time.perf_counter() - clock)
                row[name] = round(1e3 * statistics.median(times), 3)
            rows.append(row)
    if rank == 0:
        print(json.dumps(rows))


class Ring:
    """Sockets to the next process and from the one before."""

    def __init__(self, rank: int, count: int, port: int) -> None:
        self._rank, self._count = rank, count
        with socket.create_server(("127.0.0.1", port + rank)) as listener:
            self._next = self._connected(port + (rank + 1) % count)
            self._before, _ = listener.accept()
        for one in (self._next, self._before):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def _connected(port: int) -> socket.socket:
        until = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def add(self, array: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        """The sum of the arrays of all, in place."""
        count, rank = self._count, self._rank
        parts = np.array_split(array, count)
        arrived = np.empty_like(parts[0])
        for step in range(2 * (count - 1)):
            given, wanted = parts[(rank - step) % count], parts[(rank - step - 1) % count]
            into = arrived[: wanted.size]
            # Who only sends until the next one has taken it all would wait for ever in a ring.
            sender = threading.Thread(target=self._next.sendall, args=(given.view(np.uint8).data,))
            sender.start()
            rest = into.view(np.uint8).data
            while rest:
                rest = rest[self._before.recv_into(rest) :]
            sender.join()
            if step < count - 1:
                wanted += into
            else:
                wanted[:] = into


if __name__ == "__main__":
    main()
