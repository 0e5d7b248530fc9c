"""Run a kernel on the cpu device as the reference interpreter would, and compare."""

from __future__ import annotations

import ctypes
import struct

from oxide_analyzer.checked import CheckedKernel
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.walk import assigned
from oxide_analyzer.launch import Contents
from oxide_codegen import abi
from oxide_codegen.native import compile_native

_CODES = {
    "bool": "?",
    "i8": "b",
    "i16": "h",
    "i32": "i",
    "i64": "q",
    "u8": "B",
    "u16": "H",
    "u32": "I",
    "u64": "Q",
    "f16": "e",
    "f32": "f",
    "f64": "d",
}


def packed(values, scalar) -> bytes:
    """Elements in memory."""
    if scalar.name == "bf16":
        return b"".join(struct.pack("<f", value)[2:] for value in values)
    return struct.pack(f"<{len(values)}{_CODES[scalar.name]}", *values)


def unpacked(data, count, scalar):
    """Elements that memory holds."""
    if scalar.name == "bf16":
        whole = b"".join(b"\0\0" + data[k : k + 2] for k in range(0, len(data), 2))
        return struct.unpack(f"<{count}f", whole)
    return struct.unpack(f"<{count}{_CODES[scalar.name]}", data)


def arguments(native, launch):
    """The arguments of a launch, and the memory behind them by array."""
    buffers, values = {}, []
    for slot in native.layout.slots:
        match slot:
            case abi.ScalarSlot(name=name):
                values.append(launch.scalars[name])
            case abi.PointerSlot(array=name, element=element):
                data = packed(launch.arrays[name].values, element)
                # A guard zone behind every array shows writes that no check caught.
                buffers[name] = ctypes.create_string_buffer(data + GUARD, len(data) + len(GUARD))
                values.append(ctypes.addressof(buffers[name]))
            case abi.DimensionSlot(array=name, axis=axis):
                values.append(launch.arrays[name].shape[axis])
    return values, buffers


def execute(native, kernel, launch, workers=1):
    """The arrays after the launch, and the failure; the memory is this function's own."""
    values, buffers = arguments(native, launch)
    failure = native.run(launch.grid, launch.block, values, workers, launch.shared)
    arrays = {}
    for name, buffer in buffers.items():
        element, shape = kernel.arrays[name].element, launch.arrays[name].shape
        size = len(buffer) - len(GUARD)
        assert buffer.raw[size:] == GUARD, f"something wrote behind `{name}`"
        count = size // element.size
        values = unpacked(buffer.raw[:size], count, element)
        arrays[name] = Contents(shape, values)
    return arrays, failure


GUARD = b"\xa5" * 64


def same(expected, actual, scalar) -> bool:
    """Bit for bit; all NaNs are one."""
    if scalar.is_float and expected != expected:
        return actual != actual
    return packed([expected], scalar) == packed([actual], scalar)


def differences(kernel, expected, actual) -> list[str]:
    """Elements in which two sets of arrays differ."""
    found = []
    for name, contents in expected.items():
        scalar = kernel.arrays[name].element
        for number, pair in enumerate(zip(contents.values, actual[name].values, strict=True)):
            if not same(*pair, scalar):
                found.append(f"{name}[{number}]: interpreter {pair[0]!r}, native {pair[1]!r}")
    return found


def check_same(checked, launch, workers=1):
    """The kernel breaks no rule in the interpreter, and gives the same arrays natively."""
    outcome = run(checked.kernel, launch)
    assert outcome.succeeded, outcome.failures[:1]
    native = compile_native(checked, contract=False)
    arrays, failure = execute(native, checked.kernel, launch, workers)
    assert failure is None
    assert differences(checked.kernel, outcome.arrays, arrays) == []
    return arrays


def variants(kernel, launch) -> dict[str, CheckedKernel]:
    """A kernel with every check, and one for launches like this, in which none of them fails."""
    sites = frozenset(abi.failure_sites(kernel))
    names = {local.name for local in assigned(kernel.body)} | set(kernel.arrays)
    none: frozenset = frozenset()
    compact = all(abs(value) < 2**31 for value in launch.scalars.values() if isinstance(value, int))
    return {
        "checked": CheckedKernel(kernel, (), none, none, none, False),
        "proved": CheckedKernel(kernel, (), sites, sites, frozenset(names), compact),
    }
