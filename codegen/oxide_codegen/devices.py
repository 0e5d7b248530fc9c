"""Which device a launch of host arrays runs on.

`with oxide.device("cpu")`, else the variable `OXIDE_DEVICE`, else `cuda:0` if the NVIDIA driver
loads and reports a device, else `cpu`. A driver that is there and fails is an error: falling
back to the cpu would hide it. `"interpreter"` and `"sanitizer"` mean arrays of the cpu, and
launches that are interpreted or watched: see `interpreted` and `sanitised`.

`"cpu:1"` is one more device of the same processor, with arrays and streams of its own: what a
program does with several GPUs it does with several of these, and is told of the same mistakes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_codegen.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextvars import Token
    from types import TracebackType

_SUCCESS, _NO_DEVICE = 0, 100
_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@record
class DeviceId:
    """A device by kind, "cpu" or "cuda", and number."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return "cpu" if self == CPU else f"{self.kind}:{self.index}"


CPU = DeviceId("cpu")


class Way(StrEnum):
    """How a launch of host arrays runs, where not as compiled for a device.

    Arrays are those of the host, so these are ways to run and no places.
    """

    INTERPRETER = "interpreter"
    SANITIZER = "sanitizer"


_WAYS = {str(way): way for way in Way}
_chosen: ContextVar[tuple[DeviceId, Way | None] | None] = ContextVar("oxide_device", default=None)
# Choices that are entered here, the innermost last, with what undoes them.
_entered: ContextVar[tuple[tuple[DeviceChoice, Token[tuple[DeviceId, Way | None] | None]], ...]] = (
    ContextVar("oxide_entered", default=())
)
# What a whole process does, whatever its program chooses.
_forced: list[Way] = []


@contextmanager
def forced(way: Way) -> Generator[None]:
    """Run every launch of host arrays, in all threads, this way."""
    _forced.append(way)
    try:
        yield
    finally:
        _forced.pop()


class DeviceChoice:
    """`with oxide.device("cuda:1"):` sets the device of host arrays and new buffers within."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.way = Way(name) if name in list(Way) else None
        self.id = parse(name) if self.way is None else CPU

    def __enter__(self) -> DeviceChoice:
        if self.id.kind == "cuda":
            demand(self.id)
        # One object may be entered in several threads and tasks, so they have the tokens.
        token = _chosen.set((self.id, self.way))
        _entered.set((*_entered.get(), (self, token)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        entered = _entered.get()
        place = max(k for k, (choice, _) in enumerate(entered) if choice is self)
        _entered.set((*entered[:place], *entered[place + 1 :]))
        _chosen.reset(entered[place][1])

    def __repr__(self) -> str:
        return f"oxide.device({str(self.way or self.id)!r})"


def parse(name: str) -> DeviceId:
    """`"cpu"`, `"cuda"`, `"cuda:1"` or `"cpu:1"`; `DeviceError` for anything else."""
    kind, colon, number = name.partition(":")
    if kind in ("cpu", "cuda") and (not colon or (number.isascii() and number.isdigit())):
        return DeviceId(kind, int(number) if colon else 0)
    raise DeviceError(
        f"there is no device {name!r}; devices are 'cpu', 'cuda', 'cuda:<number>', 'cpu:<number>' "
        f"and, for launches, {' and '.join(repr(str(way)) for way in Way)}"
    )


def current() -> DeviceId:
    """The device of host arrays and of new buffers, here and now."""
    if _forced:
        return CPU
    chosen = _chosen.get()
    if chosen is not None:
        return chosen[0]
    named = os.environ.get("OXIDE_DEVICE")
    if named in _WAYS:
        return CPU
    if named:
        try:
            wanted = parse(named)
        except DeviceError as error:
            raise DeviceError(f"OXIDE_DEVICE: {error}") from None
        if wanted.kind == "cuda":
            demand(wanted)
        return wanted
    return DeviceId("cuda") if device_count() else CPU


def way() -> Way | None:
    """How launches of host arrays run, here and now; None: as compiled for their device."""
    if _forced:
        return _forced[-1]
    chosen = _chosen.get()
    if chosen is not None:
        return chosen[1]
    named = os.environ.get("OXIDE_DEVICE")
    return _WAYS.get(named or "")


@cache
def device_count() -> int:
    """The number of NVIDIA devices; 0 without a driver; `DeviceError` if the driver fails."""
    driver = load_driver()
    if driver is None:
        return 0
    status = int(driver.cuInit(0))
    if status == _NO_DEVICE:
        return 0
    count = ctypes.c_int(0)
    if status == _SUCCESS:
        status = int(driver.cuDeviceGetCount(ctypes.byref(count)))
    if status != _SUCCESS:
        raise DeviceError(
            f"the NVIDIA driver is installed but does not work ({_error_name(driver, status)}); "
            "`oxide doctor` says more, and OXIDE_DEVICE=cpu runs without it",
            code=status,
        )
    return count.value


def load_driver() -> ctypes.CDLL | None:
    """The driver's library, or None where there is none."""
    try:
        return ctypes.CDLL(_DRIVER)
    except OSError:
        return None


def demand(wanted: DeviceId) -> None:
    """Raise `DeviceError` where there is no such GPU."""
    count = device_count()
    if wanted.index < count:
        return
    if count == 0:
        raise DeviceError(
            f"there is no device {str(wanted)!r}: no NVIDIA driver with a device was found; "
            "`oxide doctor` says more"
        )
    raise DeviceError(
        f"there is no device {str(wanted)!r}: the driver reports {count} (cuda:0"
        + (f" to cuda:{count - 1})" if count > 1 else ")")
    )


def _error_name(driver: ctypes.CDLL, status: int) -> str:
    text = ctypes.c_char_p()
    if int(driver.cuGetErrorName(status, ctypes.byref(text))) == _SUCCESS and text.value:
        return f"{text.value.decode()}, code {status}"
    return f"code {status}"
