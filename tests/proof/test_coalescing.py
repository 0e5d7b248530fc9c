"""What a warp asks of memory, counted lane by lane: the facts say the same, or nothing."""

from __future__ import annotations

import random

import pytest

from oxide_analyzer.facts.coalescing import Request, distance, requests, told
from oxide_analyzer.facts.effects import Analysis, analyse
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

# A size that nobody knows, as a row that is long and aligned.
LONG = 1 << 20
KERNEL = """\
from oxide import DisjointSlice, SharedArray, Slice, Slice2D, f32, f64, i8, i32, i64, kernel, thread


@kernel(block={block})
def k(a: Slice[{type}], b: Slice2D[{type}], at: Slice[i64], out: DisjointSlice[{type}], w: i64):
    tile = SharedArray({type}, 65536)
    x, y = thread.x, thread.y
    for k in range(w):
        if {condition}:
            out[0] = {array}[{index}]
"""
TERMS = ["1", "x", "y", "k", "w * x", "w * y"]
TERMS += ["x // 2", "x % 4", "y % 2", "x // 4 % 2", "x & 3"]
SIZES = {"i8": 1, "f32": 4, "f64": 8}


def asked(
    array: str, index: str, block: object = 64, type: str = "f32", condition: str = "True"
) -> tuple[Analysis, Request | None]:
    text = KERNEL.format(array=array, index=index, block=block, type=type, condition=condition)
    (kernel,) = read(SourceFile("k.py", text), NoModules()).kernels
    analysis = analyse(kernel, (), frozenset(), compact=False)
    return analysis, next((r for r in requests(analysis) if r.array == array), None)


def starts(index: str, block: tuple[int, int], size: int, condition: str) -> list[int]:
    """The byte at which each lane of the first warp reads, by Python's own arithmetic."""
    found: list[int] = []
    for lane in range(min(32, block[0] * block[1])):
        names = {"x": lane % block[0], "y": lane // block[0], "w": LONG, "k": 0}
        if eval(condition, {}, names):
            found.append(eval(index, {}, names) * size)
    return found


def sectors(places: list[int], size: int) -> int:
    return len({byte // 32 for place in places for byte in (place, place + size - 1)})


def passes(index: str, block: tuple[int, int], size: int, condition: str) -> int:
    """Groups of lanes one after the other, each as long as its most wanted bank."""
    total = 0
    lanes = min(32, block[0] * block[1])
    at_once = 128 // max(size, 4)
    for first in range(0, lanes, at_once):
        banks: dict[int, set[int]] = {}
        for lane in range(first, min(first + at_once, lanes)):
            names = {"x": lane % block[0], "y": lane // block[0], "w": LONG, "k": 0}
            if eval(condition, {}, names):
                place = eval(index, {}, names) * size
                for word in range(place // 4, (place + size - 1) // 4 + 1):
                    banks.setdefault(word % 32, set()).add(word)
        total += max(map(len, banks.values()), default=0)
    return total


def forms(seed: int) -> tuple[str, tuple[int, int], str, str]:
    """An index, a block, a type and a condition."""
    rng = random.Random(seed)
    block = rng.choice([(64, 1), (32, 4), (16, 16), (8, 8), (4, 4), (24, 2)])
    picked = rng.sample(TERMS, rng.randint(1, 3))
    index = " + ".join(f"{rng.choice([1, 1, 2, 3, 4, 8, 17, 32, 33])} * ({t})" for t in picked)
    condition = rng.choice(["True", "True", "x < 5", "x % 2 == 0", "y == 0", "x == 3 or x == 4"])
    return index, block, rng.choice(list(SIZES)), condition


@pytest.mark.parametrize("seed", range(24))
def test_sectors_and_passes_are_those_of_the_lanes(seed: int) -> None:
    index, block, type, condition = forms(seed)
    size = SIZES[type]
    _, request = asked("a", index, block, type, condition)
    assert request is not None
    places = starts(index, block, size, condition)
    if not request.is_apart or block[0] % 3:
        assert request.sectors == sectors(places, size)
    assert request.lanes == len(places)
    if "w" not in index:
        _, request = asked("tile", index, block, type, condition)
        assert request is not None
        assert request.passes == passes(index, block, size, condition)


@pytest.mark.parametrize(
    ("array", "index", "said"),
    [
        ("a", "64 * k + x", "4 sectors of 32 bytes for 128 bytes of data: lanes are 4 bytes apart"),
        ("a", "x + 1", "reads 5 sectors of 32 bytes for 128 bytes of data"),
        ("a", "w * x + k", "32 sectors of 32 bytes for 128 bytes of data: lanes are `w` elements"),
        ("b", "x, k", "lanes are `b.shape[1]` elements apart"),
        ("b", "k, x", "reads 4 sectors"),
        ("a", "k", "reads 4 bytes: one element for all lanes"),
        ("tile", "33 * x", "in 1 pass: no bank conflict"),
        ("tile", "32 * x", "in 32 passes: 32-way bank conflict, lanes are 128 bytes apart"),
        ("tile", "k", "reads 4 bytes: one element for all lanes"),
    ],
)
def test_words(array: str, index: str, said: str) -> None:
    analysis, request = asked(array, index)
    assert request is not None
    assert said in told(request, distance(request, analysis))


@pytest.mark.parametrize(
    ("array", "index"),
    [("a", "at[x]"), ("a", "x // w"), ("tile", "w * x"), ("tile", "x ^ k"), ("a", "x * x % 7 * w")],
)
def test_what_is_not_known_is_not_said(array: str, index: str) -> None:
    assert asked(array, index)[1] is None
