"""The functions of `numba.cuda.fp16`, which kernels call; outside of kernels they say so."""

from __future__ import annotations

from typing import Any

from oxide.numba_cuda.intrinsics import Intrinsic
from oxide_analyzer.language.halves import FP16


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name not in FP16.definitions:
        raise AttributeError(FP16.refusal(name))
    return Intrinsic(f"fp16.{name}")
