"""The types in which signatures and arrays are declared: `float32`, `void`, `types.Array`."""

from __future__ import annotations

from typing import Any

from oxide_codegen.numba.types import (
    COMPLEX_TYPES,
    NAMED,
    SCALAR_TYPES,
    VOID,
    NumbaArray,
    NumbaSignature,
    any_tuple,
    uniform_tuple,
)

Signature = NumbaSignature
Array = NumbaArray
UniTuple = uniform_tuple
Tuple = any_tuple

# Declared as anything: a type checker need not know that `float32(x)` is a number, `float32[:]` a
# type and `float32(int32)` a signature.
float16: Any = SCALAR_TYPES["float16"]
float32: Any = SCALAR_TYPES["float32"]
float64: Any = SCALAR_TYPES["float64"]
int8: Any = SCALAR_TYPES["int8"]
int16: Any = SCALAR_TYPES["int16"]
int32: Any = SCALAR_TYPES["int32"]
int64: Any = SCALAR_TYPES["int64"]
uint8: Any = SCALAR_TYPES["uint8"]
uint16: Any = SCALAR_TYPES["uint16"]
uint32: Any = SCALAR_TYPES["uint32"]
uint64: Any = SCALAR_TYPES["uint64"]
complex64: Any = COMPLEX_TYPES["complex64"]
complex128: Any = COMPLEX_TYPES["complex128"]
boolean: Any = SCALAR_TYPES["boolean"]
bool_: Any = boolean
b1: Any = boolean
i1: Any = int8
i2: Any = int16
i4: Any = int32
i8: Any = int64
u1: Any = uint8
u2: Any = uint16
u4: Any = uint32
u8: Any = uint64
f2: Any = float16
f4: Any = float32
f8: Any = float64
c8: Any = complex64
c16: Any = complex128
double: Any = float64
float_: Any = NAMED["float_"]
int_: Any = int64
intc: Any = int32
uintc: Any = uint32
intp: Any = int64
uintp: Any = uint64
uint: Any = uint64
short: Any = int16
byte: Any = uint8
void: Any = VOID
none: Any = VOID
