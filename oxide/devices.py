"""`device`: the decorator of helper functions, and the choice of a device on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from oxide_codegen import live
from oxide_codegen.devices import DeviceChoice

if TYPE_CHECKING:
    from collections.abc import Callable

Helper = TypeVar("Helper", bound="Callable[..., Any]")


@overload
def device(function: Helper, /) -> Helper: ...


@overload
def device(name: str, /) -> DeviceChoice: ...


def device(subject: Any, /) -> Any:
    """`@device` marks a function that kernels call; `with device("cpu"):` chooses a device.

    A marked function stays an ordinary function. Its source is taken now and read when a kernel
    that calls it is first used.
    """
    if isinstance(subject, str):
        return DeviceChoice(subject)
    live.take(subject)
    return subject
