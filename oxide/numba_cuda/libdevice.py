"""The functions of `numba.cuda.libdevice`, which kernels call; outside of kernels they say so."""

from __future__ import annotations

from typing import Any

from oxide.numba_cuda.intrinsics import Intrinsic
from oxide_analyzer.language.libdevice import LIBDEVICE


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name not in LIBDEVICE.definitions:
        raise AttributeError(LIBDEVICE.refusal(name))
    return Intrinsic(f"libdevice.{name}")
