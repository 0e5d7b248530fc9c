"""Constant arrays: constant memory on devices, private constants on the host, one for a tuple."""

import pytest

from codegen.differential import check_same
from codegen.reading import contents, kernel_of, trusted, unproved
from codegen.test_ptx import instructions
from oxide_analyzer.ir.nodes import Const, Space
from oxide_analyzer.launch import Launch
from oxide_codegen import toolchain
from oxide_codegen.ptx import compile_ptx

KERNEL = """
WEIGHTS: tuple[f32, ...] = (0.1, 0.5, 0.25, -0.0)
GRID = ((1, 2, 3), (-4, 5, 2**40))
FLAGS = (True, False, True)
BYTES: tuple[u8, u8] = (200, 7)
HALVES: tuple[f16, ...] = (0.1, 3.0)
MANY = (0.1, 1e300)

@kernel
def look(a: Slice[f32], out: DisjointSlice[f64]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        s = f64(a[i] * WEIGHTS[i % 4] + WEIGHTS[(i + 1) % 4])
        s += f64(GRID[i % 2][i % 3])
        s += f64(GRID[1][(i + 1) % 3]) + MANY[i % 2] / 1e298
        if FLAGS[i % 3]:
            s += f64(BYTES[i % 2]) + f64(HALVES[i % 2])
        out[i] = s
"""


@pytest.mark.parametrize("make", [unproved, trusted])
def test_same_numbers_as_in_the_interpreter(make):
    arrays = {"a": contents([k / 7 for k in range(24)], 24), "out": contents(0.0, 24)}
    check_same(make(KERNEL), Launch((3, 1, 1), (8, 1, 1), {}, arrays))


@pytest.mark.parametrize("sm", ["sm_75", "sm_90"])
def test_they_lie_in_constant_memory(sm):
    made = compile_ptx(trusted(KERNEL), sm)
    assert instructions(made.text, "ld.const.b32")
    assert made.text.count(".const ") >= 6
    if toolchain.ptxas():
        assert toolchain.registers(made.text, sm).spill_stores == 0


def test_large_ones_lie_in_global_memory():
    values = ", ".join(str(7 * k % 31) for k in range(3000))
    one, other = f"A: tuple[u64, ...] = ({values})", f"B: tuple[i64, ...] = ({values})"
    three = f"C: tuple[f64, ...] = ({values})"
    kernel = """
@kernel
def look(out: DisjointSlice[f64]):
    i = thread.index_1d()
    if i < len(out) and i < 3000:
        out[i] = f64(A[i]) + f64(B[i]) + C[i]
"""
    text = compile_ptx(trusted("\n".join([one, other, three, kernel])), "sm_80").text
    assert ".const " not in text
    assert text.count(".global .align 16") == 3


def test_there_is_one_array_for_a_tuple():
    kernel = kernel_of(KERNEL)
    tables = {a.name: a for a in kernel.arrays.values() if a.space is Space.CONSTANT}
    elements = {name: str(array.element) for name, array in tables.items()}
    assert elements == {
        "WEIGHTS": "f32",
        "GRID": "i64",
        "GRID.1": "i64",
        "MANY": "f64",
        "FLAGS": "bool",
        "BYTES": "u8",
        "HALVES": "f16",
    }
    assert [e.value for e in tables["GRID"].shape] == [2, 3]
    assert all(isinstance(e, Const) for array in tables.values() for e in array.contents)
