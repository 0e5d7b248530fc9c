"""What host code says of launches: each way to write one, and what is known of it."""

from __future__ import annotations

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.frontends.numba import read
from oxide_analyzer.ir.kernel import Kernel
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

HEAD = """\
import math
from functools import partial
import numpy as np
import cupy as cp
from numba import cuda

TPB = 64


def make(scale):
    @cuda.jit
    def inner(a, out):
        i = cuda.grid(1)
        if i < scale:
            out[i] = a[i]

    return inner


@cuda.jit
def k(a, out, n=7):
    i = cuda.grid(1)
    if i < n:
        out[i] = a[i]


def plain(a, out):
    out[cuda.grid(1)] = a[0]


"""
# The launch that each of them comes to, if nothing else is said.
ONE = "64 | grid_dim.x == 16; a.shape[0] == 1000; out.shape[0] == 1000"
ARRAYS = "x = np.zeros(1000)\ny = np.empty_like(x)\n"
FORMS = {
    "k[16, 64](np.zeros(1000), np.zeros(1000))": [ONE],
    ARRAYS + "k[16, 64](x, out=y)": [ONE],
    ARRAYS + "k[(16,), (64, 1, 1)](x, y)": [ONE],
    ARRAYS + "k[math.ceil(1000 / TPB), TPB](x, y)": [ONE],
    ARRAYS + "k[-(-1000 // TPB), TPB](x, y)": [ONE],
    ARRAYS + "k[1000 // TPB + (1000 % TPB > 0), TPB](x, y)": [ONE],
    ARRAYS + "k[16, 64, cuda.stream(), 0](*(x, y))": [ONE],
    ARRAYS + "go = k[16, 64]\ngo(x, y)": [ONE],
    ARRAYS + "go = partial(k[16, 64], x)\ngo(y)": [ONE],
    ARRAYS + "k.configure(16, 64)(x, y)": [ONE],
    ARRAYS + "k.forall(1000, 64)(x, y)": [ONE],
    ARRAYS + "how = {'grid': 16, 'block': 64}\nk[how['grid'], how['block']](x, y)": [ONE],
    ARRAYS + "shape = (16, 64)\nk[shape](x, y)": [ONE],
    ARRAYS + "n = 10\nn *= 100\nk[(n + 63) // 64, 64](x, y)": [ONE],
    ARRAYS + "for t in range(9):\n    k[16, 64](x, y)\n    x, y = y, x": [ONE],
    ARRAYS + "if 3 > 2:\n    g = 16\nelse:\n    g = 4\nk[g, 64](x, y)": [ONE],
    ARRAYS + "with cuda.pinned(x):\n    k[16, 64](cuda.to_device(x), y)": [ONE],
    "def config(n, block=TPB):\n    grid = (n + block - 1) // block\n    return grid, block\n"
    + ARRAYS
    + "k[config(1000)](x, y)": [ONE],
    "def run(kernel, n):\n    x = np.zeros(n)\n    kernel[n // TPB + 1, TPB](x, x.copy())\n"
    "run(k, 1000)": [ONE],
    "def run(grid, block):\n    x = np.zeros(1000)\n    k[grid, block](x, x.copy())\n"
    "run(16, TPB)": [ONE],
    "class A:\n    BLOCK = 64\n    def __init__(self):\n        self.n = 1000\n"
    "        self.x = np.zeros(self.n)\n        self.grid = self.blocks()\n"
    "    def blocks(self):\n        return (self.n + 63) // self.BLOCK\n"
    "    def run(self):\n        k[self.grid, A.BLOCK](self.x, self.x.copy())": [ONE],
    "x = cp.ones(1000, dtype='float32')\nk((16,), (64,), (x, x.copy()))": [ONE],
    "for n in (64, 128):\n    k[n // 64, 64](np.zeros(n), np.zeros(n))": [
        "64 | grid_dim.x == 1; a.shape[0] == 64; out.shape[0] == 64",
        "64 | grid_dim.x == 2; a.shape[0] == 128; out.shape[0] == 128",
    ],
    ARRAYS + "for step in range(5):\n    k[16, 64](x, y, step)": [
        "64 | grid_dim.x == 16; a.shape[0] == 1000; out.shape[0] == 1000; (n >= 0); (n < 5)"
    ],
    "def run(x, block):\n    k[(x.size + block - 1) // block, block](x, x.copy(), block)": [
        "None | grid_dim.x == (((a.shape[0] + n) - 1) // block_dim.x); block_dim.x == n; "
        "out.shape[0] == a.shape[0]"
    ],
    "def run(x):\n    h, w = x.shape\n    k[h, 64](np.zeros(w), np.zeros(w + 1), h)": [
        "64 | grid_dim.x == n; out.shape[0] == (a.shape[0] + 1)"
    ],
    "def run(rows, cols):\n    x = np.zeros(rows * cols)\n    k[rows, 64](x, x.copy(), rows)": [
        "64 | grid_dim.x == n; out.shape[0] == a.shape[0]"
    ],
    ARRAYS + "k.forall(len(x))(x, y)": [
        "None | block_dim.y == 1; block_dim.z == 1; a.shape[0] == 1000; out.shape[0] == 1000; "
        "(grid_dim.x == ((1000 + (block_dim.x - 1)) // block_dim.x)); "
        "((grid_dim.x * block_dim.x) >= 1000)"
    ],
    # Of these nothing may be said but what is written.
    ARRAYS + "n = len(input())\nk[n, 64](x, y)": ["64 | a.shape[0] == 1000; out.shape[0] == 1000"],
    ARRAYS + "while y.any():\n    x = x[1:]\n    k[16, 64](x, y)": [
        "64 | grid_dim.x == 16; out.shape[0] == 1000"
    ],
    "def run(grid, block):\n    k[grid, block](grid, block)": ["None | "],
    ARRAYS + "g = [16]\ng[0] = 4\nk[g[0], 64](x, y)": [
        "64 | a.shape[0] == 1000; out.shape[0] == 1000"
    ],
    ARRAYS + "g = [16]\ng.append(4)\nk[g[-1], 64](x, y)": [
        "64 | a.shape[0] == 1000; out.shape[0] == 1000"
    ],
    ARRAYS + "[k[16, 64](x, y) for x in load()]": ["64 | grid_dim.x == 16; out.shape[0] == 1000"],
    ARRAYS + "go = lambda x: k[16, 64](x, y)": ["64 | grid_dim.x == 16; out.shape[0] == 1000"],
    ARRAYS + "try:\n    g = 16\nexcept OSError:\n    g = 4\nk[g, 64](x, y)": [
        ONE,
        "64 | grid_dim.x == 4; a.shape[0] == 1000; out.shape[0] == 1000",
    ],
    "class A:\n    def __init__(self):\n        self.n = 16\n    def run(self):\n"
    "        k[self.n, 64](load(), load())\na = A()\na.n = 20": ["64 | "],
    "@dataclass\nclass A:\n    n: int = 16\n    def run(self):\n"
    "        k[self.n, 64](load(), load())": ["64 | "],
    ARRAYS + "k[16, 64](*load())": ["64 | grid_dim.x == 16"],
}
_FLAT = {"grid_dim.y == 1", "grid_dim.z == 1"}


def kernels(host: str) -> dict[str, Kernel]:
    return {
        kernel.name: kernel for kernel in read(SourceFile("k.py", HEAD + host), NoModules()).kernels
    }


def shown(kernel: Kernel) -> list[str]:
    found = []
    for site in kernel.launches:
        block = site.contract.block
        extents = (
            None
            if block is None
            else ", ".join(str(extent.value) for extent in block if extent.value != 1)
        )
        # What a parameter is by default they all say, unless they give it.
        left_out = {*_FLAT, "n == 7"}
        texts = [r.text for r in site.contract.requires if r.text not in left_out]
        found.append(f"{extents} | {'; '.join(texts)}")
    return found


@pytest.mark.parametrize(("host", "wanted"), FORMS.items(), ids=range(len(FORMS)))
def test_every_way_to_write_a_launch(host: str, wanted: list[str]) -> None:
    assert shown(kernels(host)["k"]) == wanted


def test_what_a_factory_is_given_is_what_its_kernel_has() -> None:
    host = "one, two = make(100), make(70)\none[2, 64](np.ones(128), np.ones(128))\n"
    found = kernels(host + "two[2, 64](np.ones(128), np.ones(128))")["inner"]
    assert [dict(site.constants) for site in found.launches] == [{"scale": 100}, {"scale": 70}]


@pytest.mark.parametrize("made", ["cuda.jit(plain)", "cuda.jit('void(f4[:], f4[:])')(plain)"])
def test_what_is_made_a_kernel_by_a_call_is_one(made: str) -> None:
    found = kernels(f"fast = {made}\nfast[16, 64](np.zeros(1000), np.zeros(1000))")["plain"]
    assert shown(found) == [ONE]
    assert "plain" not in kernels("")


SAME = {
    ARRAYS + "k[16, 64](x, x)": [("out", "a")],
    ARRAYS + "y = x\nk[16, 64](x, out=y)": [("out", "a")],
    "def run(x):\n    k[16, 64](x, x)": [("out", "a")],
    ARRAYS + "k[16, 64](x, y)": [],
    ARRAYS + "k[16, 64](x, x.copy())": [],
    ARRAYS + "for t in range(9):\n    k[16, 64](x, y)\n    x, y = y, x": [],
    "def run(x, y):\n    k[16, 64](x[0], y[0])": [],
    "def run(x, y):\n    k[16, 64](load(), load())": [],
}


@pytest.mark.parametrize(("host", "wanted"), SAME.items(), ids=range(len(SAME)))
def test_one_array_for_two_parameters(host: str, wanted: list[tuple[str, str]]) -> None:
    [site] = kernels(host)["k"].launches
    assert list(site.same) == wanted
    assert (site.variant is None) is not bool(wanted)


ELEMENTS = {
    "np.zeros(9)": "f64",
    "np.zeros(9, np.float32)": "f32",
    "np.arange(9)": "i64",
    "np.arange(9, dtype='u1')": "u8",
    "np.full(9, 1)": "i64",
    "np.full(9, 0.5, dtype=np.int16)": "i16",
    "np.array([1, 2, 3])": "i64",
    "np.array([1, 2.5, 3])": "f64",
    "np.random.rand(9).astype(np.float32)": "f32",
    "np.random.randint(0, 5, 9)": "i64",
    "cuda.device_array(9, dtype=np.uint8)": "u8",
    "cuda.to_device(np.ones(9, dtype=bool.__name__))": "f64",
    "np.zeros_like(np.zeros(9, np.int8))": "i8",
    "np.ones((3, 9), np.int8)[0]": "i8",
    "load()": "f64",
}


@pytest.mark.parametrize(("array", "element"), ELEMENTS.items(), ids=ELEMENTS)
def test_elements_are_those_of_the_arrays_that_are_given(array: str, element: str) -> None:
    found = kernels(f"k[1, 64]({array}, np.zeros(9))")["k"]
    assert found.arrays["a"].element.name == element


def test_arrays_that_differ_from_launch_to_launch_say_nothing_of_elements() -> None:
    found = kernels("k[1, 64](np.zeros(9, 'i4'), np.ones(9))\nk[1, 64](np.zeros(9), np.ones(9))")
    assert found["k"].arrays["a"].element.name == "f64"
    assert found["k"].arrays["out"].element.name == "f64"


def facts(host: str) -> tuple[str, list[str]]:
    [report] = [k for k in check(SourceFile("k.py", host), NoModules()).kernels if k.name == "k"]
    return report.verdict.value, [fact.text for fact in report.facts if not fact.declared]


TILE = """\
import numpy as np
from numba import cuda, float32
TPB = 32


@cuda.jit
def k(a, out):
    tile = cuda.shared.array({size}, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
{stores}
    cuda.syncthreads()
    if i < out.size:
        out[i] = tile[TPB - 1 - t]
"""
STORED = {
    "    tile[t] = 1.0": "TPB",
    "    tile[t] = 1.0\n    tile[t + TPB] = 2.0": "2 * TPB",
    "    tile[2 * t] = 1.0\n    tile[2 * t + 1] = 2.0": "2 * TPB",
}


@pytest.mark.parametrize(("stores", "size"), STORED.items(), ids=range(len(STORED)))
def test_a_block_that_nobody_says_is_what_fits_and_is_stated(stores: str, size: str) -> None:
    text = TILE.format(size=size, stores=stores)
    wanted = ["block_dim.x == 32", "block_dim.y == 1", "block_dim.z == 1"]
    for host in ("", "def run(x, b):\n    k[4, b](x, x.copy())\n"):
        verdict, stated = facts(text + host)
        assert verdict == "proved"
        assert [fact for fact in stated if fact.startswith("block_dim")] == wanted


def test_what_any_of_several_launches_rests_on_is_stated() -> None:
    text = "from numba import cuda\nimport numpy as np\n\n@cuda.jit\ndef k(a, out):\n"
    text += "    i = cuda.grid(1)\n    if i < out.size:\n        out[i] = a[i]\n\ndef run(x, y):\n"
    text += "    k[4, 64](np.zeros(9), np.zeros(9))\n    k[5, 64](x, y)\n"
    assert facts(text) == ("proved", ["len(a) >= len(out)"])


UNGUARDED = """\
import numpy as np
from numba import cuda
from elsewhere import some


@cuda.jit
def k(a, n):
    i = cuda.grid(1)
    a[i] = n << 1


"""
# What the launch does not say of an array is stated; what it says is held against the kernel.
LENGTHS = {
    "k[64, 64](some(), 7)": ("proved", ["len(a) >= 64*grid_dim.x"]),
    "def run(x, n):\n    x = np.zeros(n)\n    k[64, 64](x, 7)": (
        "proved",
        ["len(a) >= 64*grid_dim.x"],
    ),
    "k[64, 64](np.zeros(4096), 7)": ("proved", []),
    "k[64, 64](np.zeros(4095), 7)": ("violated", []),
    "def run(x, n):\n    k[(n + 63) // 64, 64](x, n)": ("unproved", ["sizes fit 32 bits"]),
    "def run(x):\n    k[(len(x) + 63) // 64, 64](x, 7)": ("violated", []),
}


@pytest.mark.parametrize("host", LENGTHS)
def test_a_length_that_nobody_says_is_stated(host: str) -> None:
    assert facts(f"{UNGUARDED}{host}\n") == LENGTHS[host]


ROWS = UNGUARDED.replace("a[i]", "a[i, 0]")


@pytest.mark.parametrize("size", ["x.size", "x.ravel().size"])
def test_the_size_of_an_array_of_any_shape_is_no_length(size: str) -> None:
    verdict, _ = facts(f"{ROWS}x = np.zeros(some())\nk[{size}, 1](x, 7)\n")
    assert verdict == "violated"


CLOSURE = """\
import numpy as np
from numba import cuda


def run(params, x):
    n = params[0]

    @cuda.jit
    def k(a):
        i = cuda.grid(1)
{body}

    k[4, 64]({array})
"""
# Numbers of the code round a kernel are one number each, and what must hold of them is stated.
NUMBERS = {
    "        if i < n:\n            a[i] = 0": ("proved", ["len(a) >= n"]),
    "        if i < a.size:\n            a[i] = i // n": ("proved", ["n >= 1"]),
    "        if i < n * n:\n            a[i // n, i % n] = 0": ("proved", []),
    "        if i < n * n:\n            a[i // n, i % (n + 1)] = 0": ("unproved", None),
    "        if i < 256:\n            a[i // n] = 0": ("unproved", None),
    "        if i < n:\n            a[i % 8] = i": ("unproved", None),
}


@pytest.mark.parametrize("body", NUMBERS)
def test_numbers_round_a_kernel_are_one_number_each(body: str) -> None:
    array = "np.zeros((n, n))" if "," in body else "x"
    verdict, stated = facts(CLOSURE.format(body=body, array=array))
    wanted, least = NUMBERS[body]
    assert verdict == wanted
    assert least is None or stated == least


SHAPES = """\
import numpy as np
from numba import cuda


@cuda.jit
def k(a, b):
    i = cuda.grid(1)
    if {guard}:
        row, column = divmod(i, b.shape[1])
        a[{into}] = b[row, column]


{host}
"""
EQUAL = ["len(a) == len(b)", "a.shape[1] == b.shape[1]"]
ONE_SHAPE = {
    ("i < a.size", "row, column", ""): ("proved", EQUAL),
    ("i < a.size", "row, column", "def run(x, y):\n    k[4, 64](x, y)"): ("proved", EQUAL),
    ("i < a.size", "column, row", ""): ("unproved", []),
    ("i < a.size", "row, column + 1", ""): ("unproved", []),
    ("i < a.size and a.shape[0] != b.shape[0]", "row, column", ""): ("unproved", []),
    ("i < a.size and a.size > b.size", "row, column", ""): ("unproved", []),
    ("i < a.size", "row, column", "k[4, 64](np.zeros((8, 9)), np.zeros((9, 8)))"): ("violated", []),
    (
        "i < b.size",
        "row, column",
        "def run(n, m):\n    k[n * m, 2](np.zeros((n, m)), np.zeros((n, 2 * m)))",
    ): ("violated", []),
}


@pytest.mark.parametrize("case", ONE_SHAPE)
def test_arrays_that_one_index_goes_into_have_one_shape(case: tuple[str, str, str]) -> None:
    guard, into, host = case
    wanted, shapes = ONE_SHAPE[case]
    verdict, stated = facts(SHAPES.format(guard=guard, into=into, host=host))
    assert verdict == wanted
    assert [fact for fact in stated if "==" in fact and "_dim" not in fact] == shapes


@pytest.mark.parametrize(
    "rest",
    [
        "    k[4, 64](x)\n    n = params[1]\n    k[4, 64](x)",
        "    while n:\n        k[4, 64](x)\n        n -= 1",
        "    def go():\n        nonlocal n\n        n = 2\n    k[4, 64](x)\n    go()",
    ],
)
def test_no_fact_speaks_of_a_number_that_changes(rest: str) -> None:
    body = "        if i < n:\n            a[i] = 0"
    text = CLOSURE.format(body=body, array="x").replace("    k[4, 64](x)", rest)
    assert facts(text) == ("proved", ["len(a) >= 64*grid_dim.x"])
