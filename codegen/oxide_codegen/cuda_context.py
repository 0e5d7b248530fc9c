"""The context of a GPU, current in the calling thread for a while.

    with device.current():      calls to the driver; afterwards what was current before
    with device.unseen():       the same for those that ask or wait for events

While somebody captures a stream, a thread that asks for an event would end that capture, unless it
is in a mode of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_codegen.cuda import Cuda


class Current:
    """The context of a device, current within."""

    __slots__ = ("_before", "_device")

    def __init__(self, device: Cuda) -> None:
        self._device = device

    def __enter__(self) -> None:
        self._before = self._device.enter()

    def __exit__(self, *_: object) -> None:
        self._device.leave(self._before)


class Unseen(Current):
    """The same, in the mode in which a thread may ask for events while others capture."""

    __slots__ = ("_mode",)

    def __enter__(self) -> None:
        super().__enter__()
        driver = self._device.driver
        relaxed = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        _, self._mode = driver.cuThreadExchangeStreamCaptureMode(relaxed)

    def __exit__(self, *_: object) -> None:
        self._device.driver.cuThreadExchangeStreamCaptureMode(self._mode)
        super().__exit__()
