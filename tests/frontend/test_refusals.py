"""What kernels do not have: one finding, its code, its line, and the alternative in its message."""

from __future__ import annotations

import pytest

from frontend.reading import HEAD, findings, in_kernel, reading, refusals


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("r = [1, 2]", "1 OX002 kernels have no lists; use a `LocalArray` or a tuple"),
        ("r = [x for x in a]", "1 OX002 kernels have no comprehensions"),
        ("r = {x for x in a}", "1 OX002 kernels have no comprehensions"),
        ("r = {x: x for x in a}", "1 OX002 kernels have no comprehensions"),
        ("r = sum(x for x in a)", "1 OX002 kernels have no `sum`; write a loop"),
        ("r = {1: 2}", "1 OX002 kernels have no dicts"),
        ("r = {1}", "1 OX002 kernels have no sets"),
        ("r = 'x'", "1 OX002 kernels have no strings"),
        ("r = f'{n}'", "1 OX002 kernels have no strings"),
        ("r = b'x'", "1 OX002 kernels have no strings"),
        ("r = 1j", "1 OX002 kernels have no complex numbers"),
        ("r = None", "1 OX002 kernels have no `None`"),
        ("r = ...", "1 OX002 kernels have no `...`"),
        ("r = lambda *x: 1", "1 OX002 a lambda in a kernel has plain parameters without defaults"),
        ("r = (q := 1)", "1 OX002 kernels have no `:=`"),
        ("r = n @ n", "1 OX002 kernels have no `@`"),
        ("r = n is n", "1 OX002 kernels have no `is`; compare with `==`"),
        ("r = n in a", "1 OX002 kernels have no `in`"),
        ("out[1:2] = 3", "1 OX002 `out[1:2]` is a view"),
        ("*r, q = 1, 2", "1 OX002 kernels have no starred targets"),
        ("r = *(1, 2), 3", "1 OX002 kernels have no starred expressions"),
        ("with n: pass", "1 OX002 kernels have no `with`"),
        ("try: pass\nexcept Exception: pass", "1 OX002 kernels have no exceptions; test with `if`"),
        ("raise ValueError", "1 OX002 kernels have no exceptions"),
        ("del n", "1 OX002 kernels have no `del`"),
        ("global n", "1 OX002 kernels have no `global`"),
        ("nonlocal n", "1 OX002 kernels have no `nonlocal`"),
        ("import os", "1 OX002 kernels have no imports; import at the top"),
        ("from os import path", "1 OX002 kernels have no imports"),
        ("class A: pass", "1 OX002 kernels have no classes"),
        ("def f(): pass", "1 OX002 kernels have no nested functions; write a `@device` function"),
        ("yield n", "1 OX002 kernels have no `yield`"),
        ("await n", "1 OX002 kernels have no `await`"),
        (
            "match n:\n    case [*_]: pass",
            "2 OX002 a case is an integer, a member of an enum, a name, `_`, or a tuple of these",
        ),
        ("for i in range(3): pass\nelse: pass", "2 OX002 kernels have no `else` on loops"),
        ("while n: pass\nelse: pass", "2 OX002 kernels have no `else` on loops"),
        ("for x in m: pass", "1 OX002 kernels loop over indices here: `for k in range(len(m))`"),
        ("for x in bins: pass", "1 OX002 elements of an `AtomicSlice` are read by `atomic.load`"),
        ("for x in (1, 2): pass", "1 OX002 kernels loop over `range(…)`"),
        ("for i, x in enumerate(a): pass", "1 OX002 kernels loop over indices"),
        ("for x, y in zip(a, a): pass", "1 OX002 kernels loop over indices"),
        ("r = range(3)", "1 OX002 `range` is for the head of a loop"),
        ("return n", "1 OX002 a kernel returns nothing; store the result into a slice"),
        ("print(f'{n:3}')", "1 OX002 a field of `print` has no format"),
        ("print(f'{n!s}')", "1 OX002 a field of `print` has no conversion"),
        ("print(n, end='')", "1 OX003 `print` takes no keywords"),
        ("print(a)", "1 OX003 `a` is an array of"),
        ("r = float(n)", "1 OX002 `float` does not say its precision; write `f32(x)` or `f64(x)`"),
        ("r = list(a)", "1 OX002 kernels have no lists"),
        ("r = str(n)", "1 OX002 kernels have no strings"),
        ("r = open('f')", "1 OX002 kernels have no `open`"),
        ("r = min(a)", "1 OX002 `min` of one argument"),
        (
            "r = a.sum()",
            "1 OX002 `a` has no `.sum` in a kernel; it has `.shape`, `.size`, `.dtype`",
        ),
        ("r = n.real", "1 OX002 `n` has no attributes in a kernel"),
        ("a.x = 1", "1 OX002 `a.x` cannot be assigned in a kernel"),
        ("r = a if flag else out", "1 OX002 a ternary does not choose between arrays"),
        ("r = (1, 2) if flag else (3,)", "1 OX003 the two sides of this ternary differ in form"),
        ("r = (n, 2)[n]", "1 OX002 the index of a tuple is a literal"),
        ("atomic.maxx(bins, 0, 1)", "1 OX004 there is no `atomic.maxx`; did you mean `atomic.max`"),
        ("sync_threads", "1 OX002 `sync_threads` is not called; write `sync_threads(…)`"),
        ("r = math.dist(s)", "1 OX006 kernels have no `math.dist`; of `math` they have"),
        ("r = math", "1 OX006 `math` is the module `math`"),
        ("r = sorted", "1 OX006 `sorted` is Python's `sorted`"),
        ("r = zeros(3)", "1 OX006 `zeros` is for the host"),
        ("r = warp + 1", "1 OX003 `warp` is a namespace, not a number"),
        ("r = foo + bar2(n)", "1 OX004 `foo` is not defined"),
        ("r = lenn(a)", "1 OX004 `lenn` is not defined; did you mean `len`?"),
        ("r = thread.w", "1 OX004 there is no `thread.w`; there are `.x`, `.y`, `.z`"),
        ("r = thread.index_4d()", "1 OX004 there is no `thread.index_4d`; did you mean"),
        ("r = r + 1", "1 OX004 `r` is read here, and nothing gives it a value before"),
        ("r: foo = 1", "1 OX004 `foo` is not defined"),
        ("break", "1 OX001 'break' outside loop"),
        ("if n: continue", "1 OX001 'continue' not properly in loop"),
        ("a[0] = 1", "1 OX101 `a` is a read-only `Slice`; declare it as a `DisjointSlice`"),
        ("a[0] += 1", "1 OX101 `a` is a read-only `Slice`"),
        ("r = bins[0]", "1 OX106 `bins` is an `AtomicSlice` and is loaded here without an atomic"),
        ("bins[0] = 1", "1 OX106 `bins` is an `AtomicSlice` and is stored here without an atomic"),
        (
            "bins[0] += 1",
            "1 OX106 `bins` is an `AtomicSlice` and is changed here without an atomic",
        ),
        ("t = SharedArray(f32, 1)\nt = 1", "1 OX002 `t` is assigned more than once"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    found = refusals(body)
    assert found[0].startswith(finding), found
    others = [one for one in found[1:] if "OX004 `bar2`" not in one and "assigned more" not in one]
    assert others == []


@pytest.mark.parametrize(
    ("file", "finding"),
    [
        (
            "@kernel\ndef k(a): pass",
            "OX005 parameter `a` of `k` has no type; write `a: Slice[f32]`",
        ),
        ("@kernel\ndef k(*a): pass", "OX002 `*a`; write each parameter"),
        ("@kernel\ndef k(a: float): pass", "OX003 `float` does not say its precision"),
        ("@kernel\ndef k(a: Slice): pass", "OX003 `Slice` needs its element type: `Slice[f32]`"),
        ("@kernel\ndef k(a: Slice[foo]): pass", "OX004 `foo` is not defined"),
        ("@kernel\ndef k(a: bf16): pass", "OX003 `a` is a bf16; numbers are given as `f32`"),
        ("@kernel\ndef k(a: list): pass", "OX006 `list` is Python's `list`"),
        (
            "@kernel\ndef k(a: 'Slice[f32'): pass",
            "OX001 the annotation 'Slice[f32' is no expression",
        ),
        ("@kernel\ndef k(a: SharedArray[f32]): pass", "OX003 `SharedArray[f32]` is made in the"),
        ("@kernel\ndef k(a: i32, a: i32): pass", "OX001 duplicate argument 'a'"),
        ("@kernel\nasync def k(): pass", "OX002 `k` is `async`"),
        ("@kernel\ndef k() -> i32: pass", "OX002 a kernel returns nothing; its result type"),
        ("class A:\n    @kernel\n    def k(self): pass", "OX002 `k` is a method"),
        ("@print\n@kernel\ndef k(): pass", "OX002 `@print` on a kernel; it has `@kernel` alone"),
        ("@kernel\n@device\ndef k(): pass", "OX002 `@device` on a kernel"),
        ("L = [1]\n@kernel\ndef k():\n    r = L", "OX006 `L` is a list, which a kernel cannot use"),
        ("def f(): pass\n@kernel\ndef k():\n    f()", "OX006 `f` is an ordinary function"),
        (
            "import numpy as np\n@kernel\ndef k():\n    r = np.zeros(3)",
            "OX006 `np.zeros` is `numpy.zeros`",
        ),
        ("class A: pass\n@kernel\ndef k():\n    r = A()", "OX006 `A` is the class `A`"),
    ],
)
def test_refused_files(file: str, finding: str) -> None:
    found = findings(f"{HEAD}{file}\n")
    assert len(found) == 1
    assert finding in found[0]


def test_many_mistakes_in_one_go() -> None:
    found = refusals("r = foo\nq = r + 1\nout[q] = [1]\nout[0] = n / 2\nwhile q > r:\n    r = bar")
    assert [one[:7] for one in found] == ["1 OX004", "3 OX002", "4 OX003", "6 OX004"]


def test_refused_kernel_is_unread_and_its_neighbour_is_not() -> None:
    found = reading(in_kernel("r = [1]") + "\n@kernel\ndef fine(): pass\n")
    assert [unread.qualname for unread in found.unread] == ["k_"]
    assert [kernel.name for kernel in found.kernels] == ["fine"]
    assert {finding.kernel for finding in found.diagnostics} == {"k_"}


def test_forbidden_access_leaves_the_kernel_readable() -> None:
    found = reading(in_kernel("a[0] = 1\nout[0] = 2"))
    assert found.unread == ()
    (kernel,) = found.kernels
    assert len(kernel.body) == 1


def test_place_of_a_name() -> None:
    found = reading(
        "from oxide import *\n\n@kernel  # ×\ndef   naïve(n: i32):\n    r = 'é' + foo\n"
    )
    (unread,) = found.unread
    span = unread.name_span
    assert (span.line, span.column, span.end_column) == (4, 7, 12)
    places = {d.code: (d.span.column, d.span.end_column) for d in found.diagnostics}
    assert places == {"OX002": (9, 12), "OX004": (15, 18)}
