"""The scalar types of kernels.

To type checkers they are aliases of Python's `float` and `int`: then `0.0`, `x if c else 0` and
`k.prepare(...)(1024, 2.0, x)` are right as they stand. Width, sign and precision are checked by
`oxide-check`. At run time each is a class that converts exactly as a kernel does, and names the
element type of a buffer: `oxide.zeros(1024, f32)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    bf16: TypeAlias = float
    f16: TypeAlias = float
    f32: TypeAlias = float
    f64: TypeAlias = float
    i8: TypeAlias = int
    i16: TypeAlias = int
    i32: TypeAlias = int
    i64: TypeAlias = int
    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
else:
    from oxide_codegen.scalars import bf16, f16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64

__all__ = ["bf16", "f16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
