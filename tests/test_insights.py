"""What is shown beside the lines of a kernel says what the provers found, and no more."""

from __future__ import annotations

import pickle
from functools import cache

import pytest

from oxide_analyzer import analysis
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.insights.records import AccessInsight, Insights, VariableInsight
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

HEAD = """\
from oxide import AtomicSlice, DisjointSlice, LocalArray, SharedArray, Slice, atomic, f32, i32
from oxide import kernel, sync_threads, thread, unsafe, warp

TABLE = (1, 2, 3, 4)


@kernel(block=128)
def k(n: i32, idx: Slice[i32], a: Slice[f32], out: DisjointSlice[f32], bins: AtomicSlice[i32]):
    i = thread.index_1d()
    t = thread.x
"""


@cache
def shown(body: str) -> Insights:
    text = HEAD + body
    source = SourceFile("k.py", text)
    (report,) = analysis.check(source, NoModules(), analysis.check_kernel_to_show).kernels
    assert report.insights is not None, report.diagnostics
    assert pickle.loads(pickle.dumps(report.insights)) == report.insights
    return report.insights


def line_of(body: str, text: str) -> int:
    lines = enumerate((HEAD + body).split("\n"), 1)
    return next(n for n, line in lines if text in line and "import" not in line)


def access(body: str, text: str) -> AccessInsight:
    """The access of the line that contains the text; the array's name begins the text."""
    line = line_of(body, text)
    (found,) = [
        a for a in shown(body).accesses if a.span.line == line and a.array == text.partition("[")[0]
    ]
    return found


def notes(found: AccessInsight) -> list[str]:
    return [note.text for note in found.notes]


def variable(body: str, name: str) -> VariableInsight:
    return next(v for v in shown(body).variables if v.name == name)


def partial_lines(body: str) -> dict[int, Level]:
    """The lines of code to which not all come, counted from the first of the body."""
    first = HEAD.count("\n")
    return {stretch.span.line - first: stretch.level for stretch in shown(body).stretches}


RETURN = """\
    if i >= len(out):
        return
    out[i] = 1.0
"""
WARPS = """\
    if t < 64:
        v = warp.reduce_add(t)
        if i < len(out):
            out[i] = f32(v)
"""
LOOP = """\
    for j in range(t):
        if j < n:
            atomic.add(bins, 0, 1)
"""
TOGETHER = """\
    for j in range(n):
        atomic.add(bins, 0, 1)
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RETURN, {2: Level.THREAD}),
        (WARPS, {2: Level.WARP, 3: Level.WARP, 4: Level.THREAD}),
        (LOOP, {2: Level.THREAD, 3: Level.THREAD}),
        (TOGETHER, {}),
    ],
)
def test_stretches_are_what_some_threads_do_not_come_to(
    body: str, expected: dict[int, Level]
) -> None:
    found = partial_lines(body)
    assert {line: level for line, level in found.items() if line in expected} == expected
    assert not found.keys() - expected.keys()


def test_levels_are_those_behind_the_branch() -> None:
    body = "    x = 0\n    if t < 7:\n        x = 1\n    y = n + x\n    z = n + 1\n"
    body += "    atomic.add(bins, z - z, i32(y))\n"
    assert variable(body, "x").level is Level.THREAD
    assert variable(body, "y").level is Level.THREAD
    assert variable(body, "z").level is Level.LAUNCH
    assert variable(body, "n").is_parameter


TILE = """\
    tile = SharedArray(f32, 128)
    own = LocalArray(f32, 4)
    own[0] = 1.0
    tile[t] = own[0]
    sync_threads()
    if i < len(out):
        out[i] = tile[127 - t]
    sync_threads()
    tile[t] = 2.0
"""


def test_barriers_between_two_accesses_are_named() -> None:
    found = access(TILE, "tile[127")
    between = [note for note in found.notes if note.text.startswith("a barrier")]
    (note,) = {note.text for note in between}
    assert note == "a barrier ({}) lies between it and the write ({})"
    lines = [[place.line for group in note.places for place in group] for note in between]
    first, last = line_of(TILE, "sync_threads()\n".strip()), line_of(TILE, "tile[t] = 2.0")
    assert lines == [[first, first - 1], [last - 1, last]]
    assert not any("no race" in text for text in notes(found))


def test_memory_of_one_thread_is_nobody_elses() -> None:
    line = line_of(TILE, "tile[t] = own[0]")
    (found,) = [a for a in shown(TILE).accesses if (a.array, a.span.line) == ("own", line)]
    assert notes(found)[1:] == [
        "no other thread has this memory",
        "written before it is read: proved (affine)",
    ]


def test_sizes_are_those_of_the_elements() -> None:
    sizes = {memory.name: memory.bytes for memory in shown(TILE).memories}
    assert sizes["tile"] == 512
    assert sizes["own"] == 16
    assert sizes["a"] is None


UNSAFE = """\
    if i < len(idx):
        with unsafe("idx holds indices"):
            out[idx[i]] = TABLE[t % 4]
"""


def test_what_is_vouched_for_is_no_proof() -> None:
    found = access(UNSAFE, "out[idx")
    assert found.is_checked
    assert any("vouched for by `unsafe`" in text for text in notes(found))
    assert not any("meet in one element: proved" in text for text in notes(found))


def test_atomics_are_said_not_to_race() -> None:
    body = "    if len(bins) > 0:\n        atomic.add(bins, 0, 1)\n"
    (found,) = shown(body).accesses
    assert "atomics of one element do not race" in notes(found)
    assert found.touches[0].where == ("len(bins) >= 1",)


def test_a_guard_is_told_as_a_comparison() -> None:
    (touch,) = access(RETURN, "out[i]").touches
    assert touch.element == "out[128*block.x + thread.x]"
    assert touch.where == ("128*block.x + thread.x < len(out)",)
