"""Several elements per thread: the same results, for every length, grid and address.

The device's text runs on this processor: special registers become variables, and one call is one
thread. Accesses that claim an alignment which is not there fail here as they do on a GPU.
"""

import ctypes
import itertools
import re
import struct

import pytest

from codegen.differential import _CODES, GUARD, differences, packed
from oxide_analyzer.analysis import check
from oxide_analyzer.interpreter import run
from oxide_analyzer.launch import Contents, Launch
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import abi, toolchain
from oxide_codegen.forms import Form
from oxide_codegen.llvm import linked, object_code
from oxide_codegen.lowering.coarsening import Coarsening, Refusal
from oxide_codegen.ptx import compile_ptx, plan

LARGE = Form(coarse=True)
ENOUGH = "requires=lambda a, out: len(a) >= len(out)"

COARSE = {
    "add": (
        "f32",
        4,
        f"""
        @kernel({ENOUGH})
        def add(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = a[i] + 1.0
        """,
    ),
    "in_place": (
        "f64",
        2,
        """
        @kernel
        def in_place(out: DisjointSlice[f64]):
            i = thread.index_1d()
            if i >= len(out):
                return
            out[i] = 2.0 * out[i]
            out[i] += f64(i)
        """,
    ),
    "long": (
        "i32",
        4,
        f"""
        @device
        def square(x: i32) -> i32:
            return x * x

        @kernel({ENOUGH})
        def long(a: Slice[i32], out: DisjointSlice[i32]):
            i = thread.index_1d()
            if i < len(out) and i < len(a):
                x = square(a[i])
                y = 7
                if x > 9:
                    y = x - 1
                elif x == 4:
                    y = i32(grid_dim.x)
                out[i] = y + i32(i) if i % 3 != 0 else -x
        """,
    ),
    "bytes": (
        "u8",
        16,
        f"""
        @kernel({ENOUGH})
        def bytes(a: Slice[u8], out: DisjointSlice[u8]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = a[i] ^ 37
                out[i] = out[i] + u8(i)
        """,
    ),
    "unguarded": (
        "i64",
        2,
        """
        @kernel(requires=lambda a, out: (
            len(out) >= grid_dim.x * block_dim.x and len(a) >= grid_dim.x * block_dim.x
        ))
        def unguarded(a: Slice[i64], out: DisjointSlice[i64]):
            i = block.x * block_dim.x + thread.x
            out[i] = a[i] + a[0] * 100 + grid_dim.x
        """,
    ),
    "moved": (
        "f32",
        4,
        """
        @kernel(requires=lambda a, out: len(a) >= len(out) + 8)
        def moved(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = a[i + 8] - a[i + 4]
        """,
    ),
    "one_of_many": (
        "i32",
        4,
        f"""
        @kernel({ENOUGH})
        def one_of_many(a: Slice[i32], out: DisjointSlice[i32], few: i64):
            i = thread.index_1d()
            if i < len(out):
                x = a[i]
                if i < few:
                    x = x * 3
                out[i] = x // 2
        """,
    ),
}


def proved(text):
    lines = [line[8:] for line in text.splitlines()]
    source = SourceFile("kernel.py", "from oxide import *" + "\n".join(lines))
    report = check(source, NoModules())
    (kernel,) = report.kernels
    assert kernel.checked is not None, [d.message for d in report.diagnostics]
    return kernel.checked


def on_host(ptx):
    """The function of one thread, and its registers."""
    text = ptx.llvm.replace("ptx_kernel ", "").replace(" addrspace(1)", "")
    names = sorted(set(re.findall(r"@llvm\.nvvm\.read\.ptx\.sreg\.([a-z.]+)\(\)", text)))
    for name in names:
        text = text.replace(f"call i32 @llvm.nvvm.read.ptx.sreg.{name}()", f"load i32, ptr @{name}")
    assert "llvm.nvvm" not in text
    head = "\n".join(f"@{name} = global i32 0" for name in names)
    owner, addresses = linked(object_code(f"{head}\n{text}", vectorises=False), (ptx.entry, *names))
    registers = {name: ctypes.c_int32.from_address(addresses[name]) for name in names}
    return owner, addresses[ptx.entry], registers


def execute(ptx, kernel, launch, shift):
    """The arrays after a launch of the coarse form; arrays start `shift` elements off 16 bytes."""
    owner, address, registers = on_host(ptx)
    values, types, memory = [], [], {}
    for slot in ptx.layout.slots:
        match slot:
            case abi.ScalarSlot(name=name):
                values.append(launch.scalars[name])
                types.append(ctypes.c_int64)
            case abi.PointerSlot(array=name, element=element):
                data = packed(launch.arrays[name].values, element)
                buffer = ctypes.create_string_buffer(len(data) + len(GUARD) + 256)
                start = -(-ctypes.addressof(buffer) // 16) * 16 + shift * element.size
                ctypes.memmove(start, data + GUARD, len(data) + len(GUARD))
                memory[name] = buffer, start, len(data)
                values.append(start)
                types.append(ctypes.c_void_p)
            case abi.DimensionSlot(array=name, axis=axis):
                values.append(launch.arrays[name].shape[axis])
                types.append(ctypes.c_int64)
    # The record of failures, which nothing of this looks at, and the blocks of the launch.
    function = ctypes.CFUNCTYPE(None, *types, ctypes.c_void_p, ctypes.c_int64)(address)
    blocks, width = -(-launch.grid[0] // ptx.lanes), launch.block[0]
    for register, value in (("ntid.x", width), ("nctaid.x", blocks)):
        if register in registers:
            registers[register].value = value
    for block, thread in itertools.product(range(blocks), range(width)):
        registers["ctaid.x"].value = block
        registers["tid.x"].value = thread
        function(*values, None, launch.grid[0])
    del owner
    arrays = {}
    for name, (_, start, size) in memory.items():
        element = kernel.arrays[name].element
        raw = ctypes.string_at(start, size + len(GUARD))
        assert raw[size:] == GUARD, f"something wrote behind `{name}`"
        found = struct.unpack(f"<{size // element.size}{_CODES[element.name]}", raw[:size])
        arrays[name] = Contents(launch.arrays[name].shape, found)
    return arrays


def launches(checked, element):
    """Every tail of a vector, with grids that end before it, on it and behind it."""
    kernel = checked.kernel
    for length, grid, width in [
        *((n, 9, 4) for n in range(26, 38)),
        *((64, grid, 4) for grid in (1, 3, 4, 8, 15, 16, 17)),
        (0, 4, 8),
        (1, 1, 1),
        (100, 8, 16),
        (130, 33, 5),
    ]:
        count = length
        if kernel.name == "unguarded":
            count = max(length, grid * width)
        values = [(7 * k) % 23 for k in range(count + 8)]
        if element[0] == "f":
            values = [v / 4 for v in values]
        arrays = {"out": Contents((count,), tuple(values[:count]))}
        if "a" in kernel.arrays:
            arrays["a"] = Contents((count + 8,), tuple(values))
        scalars = {"few": 5} if kernel.name == "one_of_many" else {}
        yield Launch((grid, 1, 1), (width, 1, 1), scalars, arrays)


@pytest.mark.parametrize("name", COARSE)
def test_the_results_are_those_of_the_interpreter(name):
    element, lanes, text = COARSE[name]
    checked = proved(text)
    found = plan(checked)
    assert isinstance(found, Coarsening), str(found)
    assert found.lanes == lanes
    ptx = compile_ptx(checked, "sm_90", LARGE, contract=False)
    for launch, shift in itertools.product(launches(checked, element), (0, 1)):
        outcome = run(checked.kernel, launch)
        assert outcome.succeeded, outcome.failures[:1]
        arrays = execute(ptx, checked.kernel, launch, shift)
        assert differences(checked.kernel, outcome.arrays, arrays) == [], (launch, shift)


@pytest.mark.parametrize("name", COARSE)
@pytest.mark.parametrize("sm", ["sm_75", "sm_90", "sm_120"])
def test_accesses_have_16_bytes(name, sm):
    ptx = compile_ptx(proved(COARSE[name][2]), sm, LARGE)
    assert f".entry {ptx.entry}(" in ptx.text
    assert re.search(r"st\.global\.v[24]\.", ptx.text)
    if "a: Slice" in COARSE[name][2]:
        assert re.search(r"ld\.global\.nc\.v[24]\.", ptx.text)
    if toolchain.ptxas():
        used = toolchain.registers(ptx.text, sm)
        assert used is not None
        assert used.stack == 0


ALONE = {
    "barrier": (
        """
        @kernel
        def k(out: DisjointSlice[f32]):
            i = thread.index_1d()
            sync_threads()
            if i < len(out):
                out[i] = 1.0
        """,
        "a barrier at line 5",
    ),
    "vote": (
        """
        @kernel
        def k(out: DisjointSlice[f32]):
            i = thread.index_1d()
            x = warp.reduce_add(1)
            if i < len(out):
                out[i] = f32(x)
        """,
        "a warp operation",
    ),
    "atomic": (
        """
        @kernel(requires=lambda n: len(n) >= 1)
        def k(out: DisjointSlice[f32], n: AtomicSlice[i32]):
            i = thread.index_1d()
            if i < len(out):
                atomic.add(n, 0, 1)
                out[i] = 1.0
        """,
        "an atomic",
    ),
    "loop": (
        """
        @kernel
        def k(out: DisjointSlice[f32]):
            for i in grid_stride(len(out)):
                out[i] = 1.0
        """,
        "a loop",
    ),
    "place": (
        """
        @kernel
        def k(out: DisjointSlice[i32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = i32(thread.x)
        """,
        "places are read",
    ),
    "rows": (
        """
        @kernel
        def k(out: DisjointSlice2D[f32]):
            row, col = thread.index_2d()
            if row < out.shape[0] and col < out.shape[1]:
                out[row, col] = 1.0
        """,
        "threads along y or z",
    ),
    "gather": (
        """
        @kernel(requires=lambda a, out: len(a) >= 2 * len(out))
        def k(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = a[2 * i]
        """,
        "the index of `a` at line 6",
    ),
    "stencil": (
        """
        @kernel(requires=lambda a, out: len(a) >= len(out) + 1)
        def k(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                out[i] = a[i + 1]
        """,
        "start 1 beside the thread's own",
    ),
    "condition": (
        """
        @kernel(requires=lambda a, out: len(a) >= len(out))
        def k(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                if a[i] > 0.0:
                    out[i] = 1.0
        """,
        "`out[…]` at line 7 depends on a condition",
    ),
    "vouched": (
        """
        @kernel
        def k(out: DisjointSlice[f32]):
            i = thread.index_1d()
            if i < len(out):
                with unsafe("nobody else comes here"):
                    out[i + 1] = 1.0
        """,
        "an `unsafe` block",
    ),
    "moving": (
        """
        @kernel(requires=lambda a, out: len(a) >= len(out) + 4)
        def k(a: Slice[f32], out: DisjointSlice[f32]):
            i = thread.index_1d()
            j = i
            if i < len(out):
                if i % 2 == 0:
                    j += 4
                out[i] = a[j]
        """,
        "the index of `a`",
    ),
    "nothing": (
        """
        @kernel(domain=1)
        def k(out: DisjointSlice[f32]):
            pass
        """,
        "no array is accessed",
    ),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_keeps_one_element_per_thread(name):
    text, reason = ALONE[name]
    checked = proved(text)
    found = plan(checked)
    assert isinstance(found, Refusal)
    assert reason in str(found)
    with pytest.raises(ValueError, match="one element per thread"):
        compile_ptx(checked, "sm_90", LARGE)
