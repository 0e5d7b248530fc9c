"""Whatever a file contains, the answer is findings with a place in it, never an exception."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from byte_edits import edited
from oxide_analyzer import project
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

TESTS = Path(__file__).parent
EXAMPLES = sorted((TESTS.parent / "examples").glob("*.py"))
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))


def assert_answers(text: str) -> None:
    source = SourceFile("k.py", text)
    report = check(source, NoModules())
    for diagnostic in report.diagnostics:
        assert 1 <= diagnostic.span.line <= len(source.lines) + 1, diagnostic
        assert diagnostic.span.column >= 1, diagnostic
        assert "\n" not in diagnostic.message, diagnostic


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_half_typed_kernels(path: Path) -> None:
    """A file as it is while it is typed: cut anywhere, a line or a character missing."""
    text = path.read_text(encoding="utf-8")
    text = text[: text.index("def main()")]
    lines = text.splitlines(keepends=True)
    chosen = random.Random(path.stem)
    # What is proved of a warp's matrices takes a second each time.
    for _ in range(1 if path.stem == "gemm_bf16" else 6):
        assert_answers(text[: chosen.randrange(len(text))])
        gone = chosen.randrange(len(lines))
        assert_answers("".join(lines[:gone] + lines[gone + 1 :]))
        gone = chosen.randrange(len(text))
        assert_answers(text[:gone] + text[gone + 1 :])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_edited_bytes(path: Path) -> None:
    """A slice of what benchmarks/robustness.py does: slips of a keyboard, a tool, a disk."""
    content = path.read_bytes()
    content = content[: content.index(b"def main()")]
    chosen = random.Random(path.stem)
    for _ in range(8):
        read = project.text(edited(content, chosen), "k.py")
        if isinstance(read, project.Undecodable):
            assert project.syntax_error(read).span.line >= 1
        else:
            assert_answers(read.text)


def test_files_of_the_standard_library() -> None:
    for path in LIBRARY[::20]:
        assert_answers(path.read_text(encoding="utf-8", errors="replace"))


KERNEL = "from oxide import *\n\n@kernel\ndef k(a: DisjointSlice[f32]):\n    i = thread.x\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "from numba import cuda\n@cuda.jit\ndef k(a, a):\n    a[cuda.grid(1)] = a[0]\n"
        "def main(x):\n    k[1, 8](x, x)\n",
        "\ufeff",
        "\x00",
        "\x0c\n\r\n\u2028",
        "x = " + "(" * 1000 + ")" * 1000,
        KERNEL + "    x = " + "(" * 1000 + "i" + ")" * 1000,
        KERNEL + "    x = " + "-" * 3000 + "i",
        KERNEL + "    x = " + " + ".join(["i"] * 3000),
        KERNEL + "    x = " + "not " * 3000 + "i",
        KERNEL + "    a" + "[0]" * 3000 + " = 1.0",
        KERNEL + "".join(f"{'    ' * n}if i > {n}:\n" for n in range(1, 90)) + "    " * 90 + "pass",
        KERNEL + "    a[" + "9" * 4000 + "] = 1.0",
        KERNEL + "    a[" + "9" * 5000 + "] = 1.0",
        KERNEL + "    a[i] = 1e999",
        KERNEL + "    é = i; \N{MATHEMATICAL BOLD SMALL A}[é] = 1.0",
        KERNEL + "    return k(a)",
        KERNEL.replace("a: DisjointSlice[f32]", "*a, **b"),
        KERNEL.replace("DisjointSlice[f32]", "'DisjointSlice[f32'"),
        "@oxide.kernel\ndef f(: pass",
        "from oxide import kernel\nclass C:\n    @kernel\n    def k(self): ...\n",
        "from oxide import kernel\n@kernel(block=)\ndef k(): ...\n",
        KERNEL.replace("@kernel", "@kernel(block=10**10000, domain='x', requires=1)"),
        "from oxide import kernel\n@kernel\nasync def k(): ...\n",
        "from oxide import kernel\nk = kernel(lambda a: a)\n",
        "from oxide import kernel as kernel, kernel\nkernel = kernel\n@kernel\ndef kernel(): ...\n",
        "from .. import x\nfrom oxide import kernel\n@kernel\ndef k(a: x.y): x.y.z(a)\n",
    ],
    ids=range(27),
)
def test_strange_files(text: str) -> None:
    assert_answers(text)


STATEMENTS = [
    "xs = [1]",
    "d = {1: 2}",
    "s = {1}",
    "s = 'text'",
    "s = f'{i}'",
    "b = b'x'",
    "x = [j for j in range(3)]",
    "x = {j: j for j in range(3)}",
    "x = (j for j in range(3))",
    "x = lambda: i",
    "del i",
    "global i",
    "nonlocal i",
    "import math",
    "from math import sqrt",
    "raise ValueError",
    "try:\n        pass\n    finally:\n        pass",
    "with open('x') as f:\n        pass",
    "class C: pass",
    "def f(): pass",
    "yield i",
    "await i",
    "x = (y := i)",
    "x = i is None",
    "x = i in (1, 2)",
    "x = i @ i",
    "x: int",
    "x: list[int] = i",
    "x = *a, i",
    "x, *y = i, i",
    "a.shape = 1",
    "a[i].x = 1.0",
    "a[:] = 1.0",
    "a[i:j:2] = 1.0",
    "a[...] = 1.0",
    "a[i, i] = 1.0",
    "a['x'] = 1.0",
    "a[None] = 1.0",
    "x = a",
    "x = None",
    "x = 1j",
    "x = ...",
    "x = len",
    "x = thread",
    "x = thread.w",
    "x = thread.x.y",
    "thread.x = 1",
    "len(a, a)",
    "len()",
    "range(3)",
    "for j in a: pass",
    "for j, k in range(3): pass",
    "for j in range(3):\n        pass\n    else:\n        pass",
    "for j in range(): pass",
    "for j in range(1, 2, 3, 4): pass",
    "while True:\n        pass\n    else:\n        pass",
    "break",
    "continue",
    "return 1",
    "print(i)",
    "assert i > 0",
    "sync_threads(1)",
    "x = sync_threads()",
    "tile = SharedArray(f32, i)",
    "tile = SharedArray(f32)",
    "tile = SharedArray(f32, -1)",
    "tile = SharedArray(f32, 10**9)",
    "tile = SharedArray(str, 4)",
    "atomic.add(a, i, 1.0)",
    "atomic.nothing(a, i)",
    "atomic.add()",
    "x = f32(i, i)",
    "x = f32('1')",
    "x = i << -1",
    "x = 1 if i else 'a'",
    "x = min()",
    "x = min(*a)",
    "x = abs(i, key=1)",
    "i()()",
    "a[i] += a",
    "i += 1.5",
    "x = a[i][i]",
    "x = undefined.attribute.chain(1)",
    "match i:\n        case 1: pass\n        case _: pass",
    "x = i ** 2",
    "x = divmod(i, 2)",
    "x = not a",
    "x = -a",
    "x = a < a",
    "x = i < i < i < 'x'",
    "x = ~1.5",
    "x = True + 1",
    "x = 99999999999999999999999",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_unsupported_construct(statement: str) -> None:
    assert_answers(f"{KERNEL}    {statement}\n    a[i] = 1.0\n")
