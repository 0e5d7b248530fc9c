"""A launch with its arguments: what was checked once is not checked again, see `repeated`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen.errors import OxideError, plain
from oxide_codegen.repeated import once

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.launch import Launch


class BoundLaunch:
    """A launch with its arguments; calling it launches."""

    __slots__ = ("_args", "_kwargs", "_launch", "_once")

    def __init__(self, launch: Launch[...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._launch = launch
        self._args = args
        self._kwargs = kwargs
        self._once: Callable[[], bool]
        self._ready()

    def __call__(self) -> None:
        """Launch; on a GPU with device buffers this returns when the launch is enqueued."""
        try:
            while not self._once():
                self._ready()
        except OxideError as error:
            raise plain(error) from None

    def _ready(self) -> None:
        run, guard = self._launch.ready(self._args, self._kwargs, repeats=True)
        self._once = once(run, guard)
