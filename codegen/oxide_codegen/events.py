"""Places on streams that a program waits for, and the time between two of them.

before = stream.record()
k[4, 256, stream](a, b)
after = stream.record()
other.wait(after)                what is enqueued on `other` from now on comes behind
after.sync()
print(after - before, "ms")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen.errors import DeviceError
from oxide_codegen.staying import Staying

if TYPE_CHECKING:
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.host_streams import Done


class Event(Staying):
    """All that was on a stream when it was recorded."""

    def __init__(self, device: DeviceId, inner: Any) -> None:
        self.device_id = device
        # Of a GPU the event of cuda.core, of the cpu a future of the time when it was reached.
        self.inner = inner

    @property
    def device(self) -> str:
        """Where it is: "cpu" or "cuda:0"."""
        return str(self.device_id)

    @property
    def is_done(self) -> bool:
        """Whether all of it is done, well or not."""
        if self.device_id.kind == "cpu":
            return self._reached.done()
        from oxide_codegen.cuda import cuda

        with cuda(self.device_id.index).current():
            return bool(self.inner.is_done)

    def sync(self) -> None:
        """Wait for all of it; raises what a launch ran into."""
        if self.device_id.kind == "cpu":
            from oxide_codegen import host_streams

            self._reached.wait()
            host_streams.raise_failures()
            return
        from oxide_codegen.cuda import cuda

        device = cuda(self.device_id.index)
        device.reap()
        with device.current():
            self.inner.sync()
        device.raise_failures()

    def __sub__(self, earlier: Event) -> float:
        """Milliseconds from one event to another, both of one device and done."""
        if earlier.device_id != self.device_id:
            raise DeviceError(
                f"there is no time between an event on {self.device} and one on {earlier.device}"
            )
        if not (self.is_done and earlier.is_done):
            raise DeviceError("the time between events is known when both are done: sync first")
        if self.device_id.kind == "cpu":
            return (self._reached.result() - earlier._reached.result()) * 1e3
        return float(self.inner - earlier.inner)

    @property
    def _reached(self) -> Done:
        return self.inner

    def __repr__(self) -> str:
        state = "done" if self.is_done else "in flight"
        return f"<oxide.Event on {self.device}, {state}>"
