"""`def axpy[T: (f32, f64)](…)`: type variables as Python 3.12 writes them."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from frontend.reading import HEAD, findings, reading

IS_READ = sys.version_info >= (3, 12)

GENERIC = HEAD + dedent("""
    @device
    def twice[T: (f32, f64)](x: T) -> T:
        return x + x

    @kernel
    def axpy[T: (f32, f64)](s: T, x: Slice[T], y: DisjointSlice[T]):
        acc: T = 0
        i = thread.index_1d()
        if i < len(x) and i < len(y):
            acc += twice(s * x[i])
            y[i] = acc + y.dtype(1)
    """)
REFUSED = {
    "def k[T](x: Slice[T]):\n    pass": "OX003 `T` does not say which types it may be; "
    "write `[T: (f32, f64)]`",
    "def k[T: f32](x: Slice[T]):\n    pass": "OX003 `T` does not say which types it may be",
    "def k[T: (f32, Slice[f32])](x: Slice[T]):\n    pass": "OX003 a type variable such as `T` is",
    "def k[T: (f32, f64)](x: DisjointSlice[T]):\n    x[0] = T(0)": "OX003 `T` is a type variable; "
    "what it stands for is the `.dtype`",
}
NEWER = "type parameters are read by Python 3.12 or later, and Oxide runs on 3.11 here"


def test_a_generic_kernel_is_read_for_each_type():
    if not IS_READ:
        assert NEWER in findings(GENERIC)[0]
        return
    found = reading(GENERIC)
    assert not found.diagnostics
    assert [[(c.name, str(c.type)) for c in k.choices] for k in found.kernels] == [
        [("T", "f32")],
        [("T", "f64")],
    ]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_type_variable_of_kernels(text):
    found = findings(f"{HEAD}@kernel\n{text}\n")
    expected = REFUSED[text] if IS_READ else f"OX001 {NEWER}"
    assert any(expected in one for one in found), found


def test_other_errors_keep_python_s_words():
    assert "OX001 '(' was never closed" in findings(HEAD + "def k(x, y:\n    pass")[0]
