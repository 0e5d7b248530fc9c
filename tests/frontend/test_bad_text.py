"""Text that is hardly Python: a finding with a code and a place, never an exception, never slow."""

from __future__ import annotations

import time

import pytest

from frontend.reading import HEAD, in_kernel, reading
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

WORD = "# oxide\n"

NOT_PARSED = [
    "def",
    "(",
    "@",
    "@kernel\ndef k(a:",
    "@kernel\ndef k(a: Slice[f32]",
    "@kernel\ndef k(a: Slice[f32]):",
    "@kernel\ndef k(a: Slice[f32]):\n    i = ",
    "@kernel\ndef k(a: Slice[f32]):\n    if i <",
    "@kernel\ndef k(a: Slice[f32]):\n  x = 1\n    y = 2",
    "@kernel\ndef k(a: Slice[f32]):\n\tx = 1\n        y = 2",
    "x = '",
    'x = """',
    "x = 1 +",
    "x = 0777",
    "x = \x00",
    "x = '\ud800'",
    "print 'x'",
    "x = " + "(" * 1000 + ")" * 1000,
    "x = " + "[" * 300,
    "x = " + "-" * 100_000 + "1",
    "x = " + "+".join(["1"] * 100_000),
    "x = " + "a." * 50_000 + "b",
    "if 1:\n" * 200,
    "".join(f"{' ' * k}if 1:\n" for k in range(150)) + " " * 150 + "pass",
    "lambda: " * 5_000 + "1",
    "`x`",
    "x = \\",
    "é = 1 ×",
    "\ufeffdef",
]


@pytest.mark.parametrize("text", NOT_PARSED, ids=range(len(NOT_PARSED)))
def test_not_parsed(text: str) -> None:
    found = read(SourceFile("k.py", WORD + text), NoModules())
    assert found.kernels == found.unread == ()
    (finding,) = found.diagnostics
    assert finding.code == "OX001"
    span = finding.span
    rows = (WORD + text).count("\n") + 2
    assert 1 <= span.line <= span.end_line <= rows
    assert (span.line, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)


DEEP = [
    "r = " + "(" * 100 + "n" + ")" * 100,
    "r = " + "-" * 300 + "n",
    "r = " + "not " * 200 + "n",
    "r = " + "n + " * 700 + "n",
    "r = " + " and ".join(["a[n] > 0"] * 700),
    "r = " + " < ".join(["n"] * 500),
    "r = " + "1 if n else " * 90 + "2",
    "r = " + "a[" * 90 + "n" + "]" * 90,
    "r = " + "min(" * 90 + "n" + ", 1)" * 90,
    "r = " + "(" * 80 + "n" + ",)" * 80,
    "r = (" + "n, " * 3000 + ")",
    "\n".join(f"{'el' * (k > 0)}if n == {k}:\n    out[0] = {k}" for k in range(250)),
    "\n".join(f"{' ' * k}if n:" for k in range(90)) + "\n" + " " * 90 + "pass",
    "\n".join(f"{' ' * k}while n:" for k in range(90)) + "\n" + " " * 90 + "pass",
    "while 1:\n" + "\n".join(f"    x{k} = x{k + 1}" for k in range(120)) + "\n    x120 = s",
    "r = 1 << 100000000000",
    "r = 10 ** 10 ** 10",
    "r = " + "9" * 4000,
]


@pytest.mark.parametrize("body", DEEP, ids=range(len(DEEP)))
def test_deep_or_long_bodies(body: str) -> None:
    started = time.perf_counter()
    found = reading(in_kernel(body))
    # Ten times what it takes on a slow machine: nothing here may grow beyond measure.
    assert time.perf_counter() - started < 10
    assert len(found.kernels) + len(found.unread) == 1
    assert bool(found.unread) == bool(found.diagnostics)


OUTSIDE = [
    "N = " + "1 + " * 700 + "1\n@kernel\ndef k():\n    r = N\n",
    "N = " + "-" * 900 + "1\n@kernel\ndef k():\n    r = N\n",
    "x = x\ny = z\nz = y\n@kernel\ndef k():\n    r = x + y\n",
    "@kernel\ndef k(a: '" + "Slice[" * 60 + "f32" + "]" * 60 + "'): pass\n",
    "@kernel(requires=lambda n: " + "-(" * 90 + "n" + ")" * 90 + " > 1)\ndef k(n: i32): pass\n",
    "@kernel(block=" + "(" * 80 + "1" + ",)" * 80 + ")\ndef k(): pass\n",
    "\n".join(f"{' ' * k}def f{k}():" for k in range(90)) + "\n" + " " * 90 + "pass\n",
    "\n".join(f"@device\ndef f{k}(x: f32): return f{k + 1}(x)" for k in range(60))
    + "\n@device\ndef f60(x: f32): return x\n@kernel\ndef k(): f0(1)\n",
    "from . import k\nfrom .... import x\n@kernel\ndef k2():\n    r = x\n",
    "kernel = 3\n@kernel\ndef k(): pass\n",
    "@kernel\n@kernel\ndef k(): pass\n",
    "@kernel.x\ndef k(): pass\n",
    "class A(kernel):\n    kernel = kernel\n    @kernel\n    def k(a: i32): pass\n",
]


@pytest.mark.parametrize("text", OUTSIDE, ids=range(len(OUTSIDE)))
def test_odd_surroundings(text: str) -> None:
    found = reading(HEAD + text)
    assert bool(found.unread) <= bool(found.diagnostics)


def test_file_without_the_word_is_not_parsed() -> None:
    assert read(SourceFile("k.py", "def ("), NoModules()).diagnostics == ()


def test_byte_order_mark_is_no_character() -> None:
    found = reading("\ufefffrom oxide import *\n@kernel\ndef k(): pass\n")
    assert len(found.kernels) == 1
