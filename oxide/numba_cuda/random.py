"""Random numbers: states are made on the host, `xoroshiro128p_uniform_float32` and its relatives
are called in kernels."""

from __future__ import annotations

from typing import Any

from oxide.numba_cuda.intrinsics import Intrinsic
from oxide_codegen.numba.random import (
    create_xoroshiro128p_states,
    init_xoroshiro128p_states,
    init_xoroshiro128p_states_cpu,
    xoroshiro128p_dtype,
)

__all__ = [
    "create_xoroshiro128p_states",
    "init_xoroshiro128p_states",
    "init_xoroshiro128p_states_cpu",
    "xoroshiro128p_dtype",
    "xoroshiro128p_next",
    "xoroshiro128p_normal_float32",
    "xoroshiro128p_normal_float64",
    "xoroshiro128p_type",
    "xoroshiro128p_uniform_float32",
    "xoroshiro128p_uniform_float64",
]

xoroshiro128p_type: Any = xoroshiro128p_dtype
xoroshiro128p_next: Any = Intrinsic("random.xoroshiro128p_next")
xoroshiro128p_uniform_float32: Any = Intrinsic("random.xoroshiro128p_uniform_float32")
xoroshiro128p_uniform_float64: Any = Intrinsic("random.xoroshiro128p_uniform_float64")
xoroshiro128p_normal_float32: Any = Intrinsic("random.xoroshiro128p_normal_float32")
xoroshiro128p_normal_float64: Any = Intrinsic("random.xoroshiro128p_normal_float64")
