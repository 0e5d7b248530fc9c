"""Read kernels from text, and say what came of it."""

from __future__ import annotations

import re
from textwrap import dedent, indent
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import Reading, read
from oxide_analyzer.ir.show import show
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel

HEAD = "import math\nfrom oxide import *\n"
SIGNATURE = (
    "a: Slice[f32], d: Slice[f64], idx: Slice[i32], m: Slice2D[f32], out: DisjointSlice[f32], "
    "ints: DisjointSlice[i32], bins: AtomicSlice[u32], n: i32, k: i64, u: u32, w: u64, s: f32, "
    "x64: f64, flag: bool"
)
BODY_LINE = HEAD.count("\n") + 3


def reading(text: str) -> Reading:
    """What a file holds; every kernel of it is well formed."""
    found = read(SourceFile("k.py", dedent(text)), NoModules())
    for kernel in found.kernels:
        assert verify(kernel) == []
    return found


def findings(text: str) -> list[str]:
    """Each finding as `line CODE message`."""
    return [f"{d.span.line} {d.code} {d.message}" for d in reading(text).diagnostics]


def kernel(text: str) -> Kernel:
    """The one kernel of a file without findings."""
    found = reading(text)
    assert [d.message for d in found.diagnostics] == []
    assert len(found.kernels) == 1
    return found.kernels[0]


def in_kernel(body: str) -> str:
    """A file whose one kernel has `body`, and a parameter of every kind."""
    code = indent(dedent(body).strip("\n"), "    ")
    return f"{HEAD}@kernel\ndef k_({SIGNATURE}):\n{code}\n"


def body_of(body: str) -> str:
    """The statements that `body` becomes, without constants and arrays."""
    return statements(kernel(in_kernel(body)))


def statements(of: Kernel) -> str:
    """The IR of a kernel without its head."""
    lines = show(of).splitlines()[1:]
    head = re.compile(r"  (block|domain|requires|constant|shared|local) ")
    return "\n".join(line[2:] for line in lines if not head.match(line))


def lines(text: str) -> str:
    """An expected text, as it is indented in a test."""
    return dedent(text).strip("\n")


def refusals(body: str) -> list[str]:
    """Each finding about `body` as `line CODE message`, lines counted within it."""
    found = reading(in_kernel(body)).diagnostics
    return [f"{d.span.line - BODY_LINE + 1} {d.code} {d.message}" for d in found]
