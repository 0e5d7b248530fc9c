"""Scalar types and how operands meet.

One row a type. `f32` and friends are aliases of Python's types to type checkers, so width,
sign and precision are checked here and nowhere else.
"""

from __future__ import annotations

from enum import Enum

from oxide_analyzer.record import Hashed, hashed_record


class Kind(Enum):
    """The families of scalars between which only a call converts."""

    BOOL = "bool"
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    FLOAT = "float"


@hashed_record
class Scalar(Hashed):
    """A scalar type. `bits` is its size in memory (bool: 8, of which 0 and 1 are used)."""

    name: str
    kind: Kind
    bits: int

    def __str__(self) -> str:
        return self.name

    @property
    def is_integer(self) -> bool:
        """Signed or unsigned, not bool."""
        return self.kind in (Kind.SIGNED, Kind.UNSIGNED)

    @property
    def is_float(self) -> bool:
        """One of the IEEE types."""
        return self.kind is Kind.FLOAT

    @property
    def is_signed(self) -> bool:
        """A two's complement integer."""
        return self.kind is Kind.SIGNED

    @property
    def size(self) -> int:
        """Bytes of one element in memory."""
        return self.bits // 8

    @property
    def alignment(self) -> int:
        """What the address of one in an array is a multiple of."""
        return self.size

    @property
    def min(self) -> int:
        """The smallest value of an integer or bool type."""
        return -(1 << (self.bits - 1)) if self.kind is Kind.SIGNED else 0

    @property
    def max(self) -> int:
        """The largest value of an integer or bool type."""
        if self.kind is Kind.BOOL:
            return 1
        return (1 << (self.bits - (self.kind is Kind.SIGNED))) - 1

    def wrap(self, value: int) -> int:
        """`value` as the low bits of this integer type."""
        value &= (1 << self.bits) - 1
        if self.kind is Kind.SIGNED and value >> (self.bits - 1):
            value -= 1 << self.bits
        return value


BOOL = Scalar("bool", Kind.BOOL, 8)
I8 = Scalar("i8", Kind.SIGNED, 8)
I16 = Scalar("i16", Kind.SIGNED, 16)
I32 = Scalar("i32", Kind.SIGNED, 32)
I64 = Scalar("i64", Kind.SIGNED, 64)
U8 = Scalar("u8", Kind.UNSIGNED, 8)
U16 = Scalar("u16", Kind.UNSIGNED, 16)
U32 = Scalar("u32", Kind.UNSIGNED, 32)
U64 = Scalar("u64", Kind.UNSIGNED, 64)
F16 = Scalar("f16", Kind.FLOAT, 16)
BF16 = Scalar("bf16", Kind.FLOAT, 16)
F32 = Scalar("f32", Kind.FLOAT, 32)
F64 = Scalar("f64", Kind.FLOAT, 64)

SCALARS: dict[str, Scalar] = {
    s.name: s for s in (BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, BF16, F32, F64)
}


def join(left: Scalar, right: Scalar) -> Scalar | None:
    """The type in which two operands meet, or None where a cast must be written.

    Of one kind the wider, of f16 and bf16 none; integer with float the float's; unsigned with a
    wider signed type the signed one; any other mix of signs, and bool with a number, is None.
    """
    if left == right:
        return left
    if left.kind is right.kind:
        if left.bits == right.bits:
            return None  # f16 and bf16: neither holds what the other does
        return left if left.bits > right.bits else right
    if left.kind is Kind.BOOL or right.kind is Kind.BOOL:
        return None
    if left.is_float or right.is_float:
        return left if left.is_float else right
    signed, unsigned = (left, right) if left.is_signed else (right, left)
    return signed if signed.bits > unsigned.bits else None
