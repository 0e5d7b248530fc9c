"""32-bit arithmetic for launches whose sizes fit 32 bits: lengths do, their products need not."""

from dataclasses import replace

import numpy as np
import pytest

from codegen.building import (
    HERE,
    assign,
    binary,
    checked,
    compare,
    const,
    kernel,
    load,
    param,
    proved,
    read,
    slice_of,
    store,
    thread_index,
    when,
)
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, Dim, Local, Ownership
from oxide_analyzer.language.types import BOOL, F32, I64
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx

ROWS, COLUMNS = 65537, 32768


def compacted(made):
    return replace(made, compact=True)


def instructions(ptx, opcode):
    return [line for line in ptx.llvm.splitlines() if f" = {opcode}" in line]


def matrix(*, sites_proved):
    """`a[i, c] = a[i, c]` with a thread index and a parameter, in two dimensions."""
    x, c = Local("x", F32), param("c", I64)
    body = [
        load(x, "a", thread_index(), c),
        store("b", (thread_index(), c), read(x)),
    ]
    arrays = [slice_of("a", F32, rank=2), slice_of("b", F32, Ownership.DISJOINT, rank=2)]
    made = checked(kernel("matrix", [*arrays, ("c", I64)], body), initialised=("x",))
    return compacted(proved(made) if sites_proved else made)


@pytest.mark.parametrize("sites_proved", [False, True])
def test_offsets_in_two_dimensions_are_computed_in_64_bits(sites_proved):
    narrow = compile_ptx(matrix(sites_proved=sites_proved), "sm_90")
    products = [line for line in instructions(narrow, "mul") if "extent" not in line]
    # The index of the thread is the only product of 32 bits, row times width the one of 64.
    assert {line.split("=")[1].split("%")[0].strip() for line in products} == {
        "mul nsw i32",
        "mul i64",
    }
    assert len([line for line in products if "mul i64" in line]) == 2
    # Its sum with the column too: none but the index of the thread is added in 32 bits.
    assert all("i64" in line or "nsw i32" in line for line in instructions(narrow, "add"))


@pytest.mark.parametrize("sites_proved", [False, True])
def test_elements_behind_the_first_2_to_31(sites_proved):
    """Of an array of two gibibytes and a little, of which only two pages are ever touched."""
    body = [store("a", (param("r", I64), param("c", I64)), const(True, BOOL))]
    array = slice_of("a", BOOL, Ownership.DISJOINT, rank=2)
    made = checked(kernel("far", [("r", I64), ("c", I64), array], body))
    native = compile_native(compacted(proved(made) if sites_proved else made), narrows=True)
    memory = np.zeros((ROWS, COLUMNS), np.uint8)
    places = [(ROWS - 1, 5), (ROWS - 1, COLUMNS - 1), (0, 7)]
    for row, column in places:
        arguments = [row, column, memory.ctypes.data, ROWS, COLUMNS]
        assert native.run((1, 1, 1), (1, 1, 1), arguments) is None
    assert ROWS * COLUMNS > 2**31
    assert [memory[place] for place in places] == [1, 1, 1]


def test_products_of_sizes_are_values_of_64_bits():
    """`r * c`, stored, compared, and divided again, where its low 32 bits would be zero."""
    product = binary(BinaryOp.MUL, param("r", I64), param("c", I64))
    area = Local("area", I64)
    body = [
        store("out", const(0), product),
        assign(area, binary(BinaryOp.MUL, product, const(2))),
        store("out", const(1), binary(BinaryOp.FLOORDIV, read(area), param("c", I64))),
        when(
            compare(CompareOp.LT, product, Dim("out", 0, HERE)),
            store("out", const(2), const(1)),
        ),
    ]
    out = slice_of("out", I64, Ownership.DISJOINT)
    made = checked(kernel("area", [("r", I64), ("c", I64), out], body), initialised=("area",))
    native = compile_native(compacted(proved(made)), narrows=True)
    for r, c in ((2**16, 2**16), (-(2**31) + 1, 2**31 - 1), (2**30, 12)):
        memory = np.zeros(3, np.int64)
        native.run((1, 1, 1), (1, 1, 1), [r, c, memory.ctypes.data, 3])
        assert memory.tolist() == [r * c, r * 2, int(r * c < 3)]
