"""On which streams the branches of an operation run.

    RoundRobin(4)          the next of four streams for each branch; the default
    SingleStream(s)        one for all
    a function of yours    device -> stream, called for each branch

The first branch goes on where the operation was; each further one asks the policy. What orders
branches that share arrays is `ordering`, whatever the policy says.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, TypeAlias

from oxide_codegen import host_streams, streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.devices import DeviceId
    from oxide_codegen.streams import Stream

Policy: TypeAlias = "Callable[[DeviceId], Stream]"
DEFAULT_STREAMS = 4


class RoundRobin:
    """The next of `count` streams of the device, made when they are first needed.

    A process that was forked makes its own.
    """

    def __init__(self, count: int = DEFAULT_STREAMS) -> None:
        if count < 1:
            raise ValueError(f"RoundRobin wants at least one stream, got {count}")
        self._count = count
        self._streams: dict[DeviceId, list[Stream]] = {}
        self._process = host_streams.process()
        self._turns = itertools.count()
        self._lock = threading.Lock()

    def __call__(self, device: DeviceId) -> Stream:
        """The next stream of this device."""
        if self._process is not host_streams.process():
            self._streams, self._lock = {}, threading.Lock()
            self._process = host_streams.process()
        made = self._streams.get(device)
        if made is not None and len(made) == self._count:
            return made[next(self._turns) % self._count]
        with self._lock:
            made = self._streams.setdefault(device, [])
            if len(made) < self._count:
                made.append(streams.stream(str(device)))
            return made[-1]


class SingleStream:
    """One stream for everything: of Oxide, or of another library on the current device."""

    def __init__(self, stream: object) -> None:
        is_ours = isinstance(stream, streams.Stream)
        self._stream = stream if is_ours else streams.Stream.from_handle(stream)

    def __call__(self, device: DeviceId) -> Stream:
        """The stream; `ValueError` where the work is on another device."""
        if self._stream.device_id != device:
            raise ValueError(
                f"the stream is on {self._stream.device}, and the operation runs on {device}"
            )
        return self._stream


_policy: list[Policy] = []
_lock = threading.Lock()


def policy() -> Policy:
    """What schedules operations that name no policy."""
    chosen = _policy
    if not chosen:
        with _lock:
            if not chosen:
                chosen.append(RoundRobin())
    return chosen[0]


def set_policy(chosen: Policy) -> None:
    """Schedule operations that name no policy by this one from now on."""
    with _lock:
        _policy[:] = [chosen]
