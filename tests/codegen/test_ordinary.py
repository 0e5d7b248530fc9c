"""Code for ordinary launches alone: the same results, and what each optimisation changes in it.

As in `test_coarsening`, the device's text runs on this processor, one call a thread.
"""

import ctypes
import itertools
import re
import struct

import pytest

from codegen.differential import _CODES, GUARD, differences, packed
from codegen.test_coarsening import on_host, proved
from oxide_analyzer.interpreter import run
from oxide_analyzer.language.types import I32, I64, U8
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen import abi
from oxide_codegen.forms import EVERY, SIZES, Form, is_ordinary, is_ordinary_array
from oxide_codegen.lowering.optimisations import Optimisation, left_out, named
from oxide_codegen.ptx import compile_ptx, has_form

ORDINARY = Form(ordinary=True)

KERNELS = {
    "rows": """
        @kernel(requires=lambda a, out: (
            a.shape[0] == out.shape[1] and a.shape[1] == out.shape[0]
        ))
        def rows(a: Slice2D[i32], out: DisjointSlice2D[i32]):
            row, col = thread.index_2d()
            if row < out.shape[0] and col < out.shape[1]:
                total = 0
                for k in range(a.shape[0]):
                    total += a[k, row] * i32(k + 1)
                out[row, col] = total + a[col, row]
        """,
    "strided": """
        @kernel(block=(4, 2), requires=lambda a, out: (
            len(a) >= len(out) and grid_dim.y == 1 and grid_dim.z == 1
        ))
        def strided(a: Slice[i32], out: DisjointSlice[i32]):
            total = 0
            for k in range(thread.y, 8, 2):
                if k < len(a):
                    total = total * 3 + a[k]
            for k in range(thread.x, len(a), 4):
                total += a[k]
            for k in range(len(a) - 1, thread.x, -3):
                total -= a[k] * 5
            i = (block.x * 2 + thread.y) * 4 + thread.x
            if i < len(out):
                out[i] = total
        """,
    "grid": """
        @kernel(requires=lambda a, out: len(a) >= len(out) + 2)
        def grid(a: Slice[i32], out: DisjointSlice[i32]):
            for i in grid_stride(len(out)):
                out[i] = a[i] + a[i + 2] - i32(i)
        """,
}


def execute(ptx, kernel, launch):
    """The arrays after a launch."""
    owner, address, registers = on_host(ptx)
    values, types, memory = [], [], {}
    for slot in ptx.layout.slots:
        match slot:
            case abi.PointerSlot(array=name, element=element):
                data = packed(launch.arrays[name].values, element)
                buffer = ctypes.create_string_buffer(len(data) + len(GUARD) + 64)
                start = -(-ctypes.addressof(buffer) // 16) * 16
                ctypes.memmove(start, data + GUARD, len(data) + len(GUARD))
                memory[name] = buffer, start, len(data)
                values.append(start)
                types.append(ctypes.c_void_p)
            case abi.DimensionSlot(array=name, axis=axis):
                values.append(launch.arrays[name].shape[axis])
                types.append(ctypes.c_int64)
    function = ctypes.CFUNCTYPE(None, *types, ctypes.c_void_p)(address)
    for place, extent in (("ntid", launch.block), ("nctaid", launch.grid)):
        for axis, value in zip("xyz", extent, strict=True):
            if f"{place}.{axis}" in registers:
                registers[f"{place}.{axis}"].value = value
    for block in itertools.product(*map(range, launch.grid)):
        for thread in itertools.product(*map(range, launch.block)):
            for place, index in (("ctaid", block), ("tid", thread)):
                for axis, value in zip("xyz", index, strict=True):
                    if f"{place}.{axis}" in registers:
                        registers[f"{place}.{axis}"].value = value
            function(*values, None)
    del owner
    arrays = {}
    for name, (_, start, size) in memory.items():
        element = kernel.arrays[name].element
        raw = ctypes.string_at(start, size + len(GUARD))
        assert raw[size:] == GUARD, f"something wrote behind `{name}`"
        found = struct.unpack(f"<{size // element.size}{_CODES[element.name]}", raw[:size])
        arrays[name] = Contents(launch.arrays[name].shape, found)
    return arrays


def launches(name):
    def array(*shape):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        return Contents(shape, tuple((7 * k) % 23 - 9 for k in range(count)))

    for rows, cols in ((0, 3), (1, 1), (3, 5), (17, 20), (33, 4)):
        if name == "rows":
            arrays = {"a": array(cols, rows), "out": array(rows, cols)}
            yield Launch((3, 5, 1), (8, 8, 1), {}, arrays)
        elif name == "strided":
            yield Launch((4, 1, 1), (4, 2, 1), {}, {"a": array(40 + rows), "out": array(rows)})
        elif name == "grid":
            for blocks in (1, 2, 7):
                arrays = {"a": array(rows * cols + 2), "out": array(rows * cols)}
                yield Launch((blocks, 1, 1), (3, 1, 1), {}, arrays)


@pytest.mark.parametrize("name", ["rows", "strided", "grid"])
def test_the_results_are_those_of_the_interpreter(name):
    checked = proved(KERNELS[name])
    forms = [compile_ptx(checked, "sm_90", form) for form in (ORDINARY, EVERY)]
    # Without proofs a thread may end, which no function of the host does.
    without = frozenset(Optimisation) - {Optimisation.CHECKS}
    forms.append(compile_ptx(checked, "sm_90", ORDINARY, without=without))
    for launch in launches(name):
        outcome = run(checked.kernel, launch)
        assert outcome.succeeded, outcome.failures[:1]
        for ptx in forms:
            arrays = execute(ptx, checked.kernel, launch)
            assert differences(checked.kernel, outcome.arrays, arrays) == [], launch


def test_a_launch_is_ordinary_by_its_sizes_and_addresses():
    kernel = proved(KERNELS["rows"]).kernel
    one = (1, 1, 1)

    def fits(*arrays, grid=one, block=one):
        return is_ordinary(kernel, {}, arrays, grid, block)

    assert fits((0, (4, 4)), (4096, (4, 4)))
    assert not fits((0, (4, 4)), (4100, (4, 4)))
    assert fits((0, (1 << 15, (1 << 15) - 1)))
    assert not fits((0, (1 << 15, 1 << 15)))
    assert not fits((0, (SIZES, 0)))
    assert fits(grid=(1 << 20, 1, 1), block=(512, 1, 1))
    assert not fits(grid=(1 << 20, 1, 1), block=(1024, 1, 1))
    assert is_ordinary_array(16, ())


@pytest.mark.parametrize(
    ("type_", "value", "is_one"),
    [
        (I64, SIZES - 1, True),
        (I64, SIZES, False),
        (I64, -SIZES, False),
        (I32, SIZES, False),
        (U8, 255, True),
    ],
)
def test_a_launch_is_ordinary_by_its_scalars(type_, value, is_one):
    kernel = proved(
        f"""
        @kernel
        def k(out: DisjointSlice[f32], n: {type_}):
            i = thread.index_1d()
            if i < len(out):
                out[i] = f32(n)
        """
    ).kernel
    assert is_ordinary(kernel, {"n": value}, [], (1, 1, 1), (1, 1, 1)) == is_one


# ---------------------------------------------------------------- each optimisation


def text_of(name, form=ORDINARY, *without):
    text = KERNELS.get(name, name)
    return compile_ptx(proved(text), "sm_90", form, without=frozenset(without)).text


def test_no_check_of_what_is_proved():
    assert "exit;" not in text_of("rows")
    assert "exit;" in text_of("rows", ORDINARY, Optimisation.CHECKS)


def test_rows_start_at_products_of_32_bits():
    assert "mul.lo.s64" not in text_of("rows")
    assert "mul.lo.s64" in text_of("rows", EVERY)
    assert "mul.lo.s64" in text_of("rows", ORDINARY, Optimisation.INDICES)


def test_only_what_is_never_written_is_read_past_the_coherent_cache():
    text = text_of("rows")
    assert "ld.global.nc" in text
    assert "ld.global.nc" not in text_of("rows", ORDINARY, Optimisation.READ_ONLY)
    updated = """
        @kernel(requires=lambda a, out: len(a) >= len(out))
        def updated(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = out[i] + a[i]
        """
    ptx = compile_ptx(proved(updated), "sm_90", ORDINARY)
    loads = re.findall(r"ld\.global(\.nc)?\.b32", ptx.text)
    assert sorted(loads) == ["", ".nc"]
    (head,) = (line for line in ptx.llvm.splitlines() if line.startswith("define ptx_kernel"))
    # `noalias` on memory that a launch writes would be wrong across barriers.
    assert re.findall(r"(noalias )?readonly", head) == ["noalias "]
    assert head.count("noalias") == 1


APART = """
        @kernel(block=64, requires=lambda p, q: len(p) == len(q))
        def apart(p: DisjointSlice[f32], q: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(p):
                p[i] = 1.0
                q[i] = 2.0
                q[i] = p[i] + q[i]
        """
WAITING = """
        @kernel(block=64, requires=lambda p, q: len(p) == len(q) and len(p) >= 64 * grid_dim.x)
        def waiting(p: DisjointSlice[f32], q: DisjointSlice[f32]):
            i = thread.index_1d()
            p[i] = 1.0
            q[i] = 2.0
            sync_threads()
            q[i] = p[block.x * 64 + 63 - thread.x] + q[i]
        """


def test_slices_that_are_apart_pass_each_other_and_no_barrier():
    assert "ld.global" not in text_of(APART)
    assert "ld.global" in text_of(APART, ORDINARY, Optimisation.ALIASES)
    ahead, behind = text_of(WAITING).split("bar.sync")
    assert ahead.count("st.global") == 2
    assert "ld.global" in behind


FOURS = """
        @kernel(requires=lambda a, out: (
            out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1] and a.shape[1] % 4 == 0
        ))
        def fours(a: Slice2D[f32], out: DisjointSlice2D[f32]):
            row, part = thread.index_2d()
            if row < a.shape[0] and 4 * part + 3 < a.shape[1]:
                out[row, 4 * part] = a[row, 4 * part + 1]
                out[row, 4 * part + 1] = a[row, 4 * part]
                out[row, 4 * part + 2] = a[row, 4 * part + 3]
                out[row, 4 * part + 3] = a[row, 4 * part + 2]
        """


def test_neighbours_become_one_access_where_sizes_are_multiples():
    assert "ld.global.nc.v4" in text_of(FOURS)
    assert "st.global.v4" in text_of(FOURS)
    assert ".v4" not in text_of(FOURS, EVERY)
    assert ".v4" not in text_of(FOURS, ORDINARY, Optimisation.ALIGNMENT)
    assert ".v4" not in text_of(FOURS.replace("a.shape[1] % 4 == 0", "a.shape[1] % 4 == 1"))


def test_blocks_of_whole_warps_meet_at_once():
    text = """
        @kernel(requires=lambda a, out: len(a) >= len(out) {more})
        def together(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            x = warp.reduce_add(a[i] if i < len(a) else 0.0)
            if i < len(out):
                out[i] = x
        """
    assert "vote.sync.ballot" in text_of(text.format(more=""))
    assert "vote.sync" not in text_of(text.format(more="and block_dim.x % 32 == 0"))


def test_extents_that_are_equal_are_one():
    # A pointer each, and of four extents the two that are not equal to others.
    assert set(re.findall(r"param_(\d)\]", text_of("rows"))) == {"0", "1", "2", "3"}
    plain = text_of("rows", ORDINARY, Optimisation.ALIGNMENT)
    assert len(set(re.findall(r"param_(\d)\]", plain))) > 4


def test_loops_that_load_stand_several_times():
    loads = [
        text_of("strided", ORDINARY, *without).count("ld.global.nc")
        for without in ((), (Optimisation.UNROLLING,))
    ]
    assert loads[0] > loads[1] + 16


LOOP = """
        @kernel(block=32, requires=lambda a, out: len(a) >= 32)
        def loop(a: Slice[i32], out: DisjointSlice[i32]):
            total = 0
            for k in range({bounds}):
                total += a[k]
            i = thread.index_1d()
            if i < len(out):
                out[i] = total
        """


def test_a_loop_that_runs_few_times_stands_few_times():
    # Four elements are one access; behind the rounds there is one element at a time.
    assert text_of(LOOP.format(bounds="thread.x")).count("ld.global.nc") == 4 // 4 + 1
    assert text_of(LOOP.format(bounds="len(a)")).count("ld.global.nc") == 16 // 4 + 1


def test_no_pointer_walks_along_an_unrolled_loop():
    walks = re.compile(r"add\.s64\s+(%rd\d+), \1,")
    ordinary, every = (
        text_of(LOOP.format(bounds="thread.x, len(a), 32"), form) for form in (ORDINARY, EVERY)
    )
    assert "+1920]" in ordinary
    assert not walks.search(ordinary)
    assert walks.search(every)


def test_what_is_left_out_has_no_form(monkeypatch):
    checked = proved(KERNELS["grid"])
    assert has_form(checked, ORDINARY, frozenset())
    assert not has_form(checked, ORDINARY, named("indices, alignment"))
    assert not has_form(checked, Form(coarse=True), frozenset())
    monkeypatch.setenv("OXIDE_WITHOUT", "read-only,aliases")
    assert left_out() == {Optimisation.READ_ONLY, Optimisation.ALIASES}
    monkeypatch.setenv("OXIDE_WITHOUT", "readonly")
    with pytest.raises(ValueError, match=r"OXIDE_WITHOUT: .* did you mean `read-only`\?"):
        left_out()
