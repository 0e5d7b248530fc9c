"""Files that are read again after edits: what is remembered is what would be read."""

from __future__ import annotations

import random

import pytest

from oxide_analyzer.frontends.oxide import Reading, read
from oxide_analyzer.frontends.oxide.reading import Lowered
from oxide_analyzer.frontends.oxide.remembered import Remembered
from oxide_analyzer.modules import NoModules
from oxide_analyzer.notebooks.joined import join
from oxide_analyzer.source import SourceFile

TEXT = """\
from oxide import DisjointSlice, SharedArray, Slice, device, f32, kernel, sync_threads, thread

BLOCK = 64


@device
def twice(x: f32) -> f32:
    return x * FACTOR


@kernel(block=BLOCK)
def one(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = twice(a[i])


@kernel
def two(out: DisjointSlice[f32]):
    i = thread.index_1d()
    out[i] = 1.0


FACTOR = 2.0


@device
def half(x: f32) -> f32:
    return x / 2.0


@kernel
def three(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = half(a[i])


def main():
    print("nothing of this matters")
"""
PIECES = ["\n", "x", "1", "    ", "# c\n", "FACTOR = 3.0\n", "BLOCK = 32\n", " + 1", "global one\n",
          "@device\ndef half(x: f32) -> f32:\n    return x\n"]  # fmt: skip


def again(text: str, remembered: Remembered[list[Lowered]]) -> Reading:
    return read(SourceFile("k.py", text), NoModules(), remembered)


class This:
    """An object by its identity, which it has as long as somebody compares it."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, This) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


def kernels(reading: Reading) -> dict[str, This]:
    return {kernel.name: This(kernel) for kernel in reading.kernels}


@pytest.mark.parametrize(
    ("old", "new", "anew"),
    [
        ("out[i] = 1.0", "out[i] = 2.0", {"two"}),
        ("FACTOR = 2.0", "FACTOR = 4.0", {"one"}),
        ("return x / 2.0", "return x / 4.0", {"three"}),
        ("nothing of this matters", "nothing", set[str]()),
        ('    print("nothing of this matters")', "    one_more = 1", set[str]()),
        # What is unknown is compared with all names that there are.
        ("def main", "def mine", {"one", "two", "three"}),
        # Lines move: above all kernels, between them, and below what they mention.
        ("BLOCK = 64", "\nBLOCK = 64", {"one", "two", "three"}),
        ("    out[i] = 1.0", "\n    out[i] = 1.0", {"one", "two", "three"}),
        ("def main", "\ndef main", set[str]()),
        ("    i = thread.index_1d()\n    if i < len(a) and i < len(out):\n        out[i] = half",
         "\n    i = thread.index_1d()\n    if i < len(a) and i < len(out):\n        out[i] = half",
         {"three"}),
    ],
)  # fmt: skip
def test_what_an_edit_does_not_reach_is_not_read_anew(old: str, new: str, anew: set[str]) -> None:
    remembered: Remembered[list[Lowered]] = Remembered()
    before = kernels(again(TEXT, remembered))
    assert TEXT.count(old) == 1
    after = kernels(again(TEXT.replace(old, new), remembered))
    assert {name for name in after if before[name] != after[name]} == anew


@pytest.mark.parametrize("seed", range(3))
def test_edited_files_read_as_if_nothing_were_remembered(seed: int) -> None:
    chance, text = random.Random(seed), TEXT
    remembered: Remembered[list[Lowered]] = Remembered()
    for _ in range(25):
        at = chance.randrange(len(text))
        end = min(len(text), at + chance.choice((0, 0, 1, 5)))
        new = text[:at] + chance.choice(PIECES) + text[end:]
        fresh = read(SourceFile("k.py", new), NoModules())
        assert repr(again(new, remembered)) == repr(fresh)
        text = new if fresh.kernels else TEXT


def test_a_module_that_changes_is_read_anew() -> None:
    class Changing:
        text = "N = 4\n"

        def find(self, name: str, importer: SourceFile) -> SourceFile | None:
            return SourceFile("sizes.py", self.text) if name == "sizes" else None

    text = TEXT.replace("FACTOR = 2.0", "from sizes import N as FACTOR")
    remembered: Remembered[list[Lowered]] = Remembered()
    modules, source = Changing(), SourceFile("k.py", text)
    before = kernels(read(source, modules, remembered))
    assert kernels(read(source, modules, remembered)) == before
    modules.text = "N = 8\n"
    after = kernels(read(source, modules, remembered))
    assert after["one"] != before["one"]


def test_a_function_that_another_cell_defines_again_is_read_anew() -> None:
    helper = "@device\ndef half(x: f32) -> f32:\n    return x / 2.0\n"
    head, tail = TEXT.split("@device\ndef half", 1)
    cells = [head, "@device\ndef half" + tail]
    remembered: Remembered[list[Lowered]] = Remembered()
    for texts in (cells, [*cells, helper], [helper, *cells], [head + helper, *cells]):
        source = join("nb.ipynb", texts).source
        again_read = read(source, NoModules(), remembered)
        assert repr(again_read) == repr(read(source, NoModules()))
