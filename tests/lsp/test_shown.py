"""What editors show of kernels: hovers, lenses, hints, outline, highlighting, completion."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from lsp.client import ROOT
from lsp.desk import Desk
from oxide_lsp.compiling import Compiled
from oxide_lsp.features import describe, lenses, listings, refreshing, symbols
from oxide_lsp.features.preferences import Hint, Preferences

if TYPE_CHECKING:
    from pathlib import Path

BLOCK_SUM = """\
from oxide import DisjointSlice, SharedArray, Slice, f32, grid_dim, kernel, sync_threads
from oxide import block, device, thread

BLOCK = 256


@device
def half(n: int) -> int:
    most = n // 2
    return most


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = half(BLOCK)
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]
"""
RACE = BLOCK_SUM.replace("        sync_threads()\n        stride", "        stride")
UNPROVED = """\
import math

from oxide import DisjointSlice, Slice, f32, f64, i64, kernel, thread


@kernel
def roots(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i64(math.sqrt(f64(i)))]
"""
NUMBA = """\
from numba import cuda


@cuda.jit
def scale(y, x, factor):
    i = cuda.grid(1)
    if i < x.size and i < y.size:
        y[i] = factor * x[i]
"""
CODE = Compiled(
    0,
    None,
    "",
    ((".visible .entry block_sum_kernel(", 0), ("ld.shared.f32 %f1, [%r1];", 22), ("ret;", 26)),
    (),
    ("12 registers, 0 bytes of spills, 1024 bytes of shared memory", "occupancy: 8 blocks"),
    12,
    (),
    14,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def checked(folder: Path) -> Desk:
    """A proved kernel with its code; nobody edits it."""
    desk = Desk(BLOCK_SUM, folder)
    desk.compilers.known["block_sum"] = CODE
    return desk


@pytest.fixture(scope="module")
def racing(folder: Path) -> Desk:
    return Desk(RACE, folder)


@pytest.fixture
def edited(folder: Path) -> Desk:
    """The same kernel, after something was typed in front of it and in its loop."""
    desk = Desk(BLOCK_SUM, folder)
    desk.compilers.known["block_sum"] = CODE
    desk.edit("BLOCK = 256", "# blocks\nBLOCK = 256")
    desk.edit("        if t < stride:", "        if t <= stride:")
    return desk


# ---------------------------------------------------------------- hovers


def test_a_kernel_tells_its_resources(checked: Desk) -> None:
    text = checked.hover("def block|_sum")
    assert text is not None
    assert text.startswith("**block_sum**: proved safe\n")
    assert "* `len(out) >= grid_dim.x`" in text
    assert "* shared memory: `tile` 1,024 bytes\n* 2 barriers\n* 12 registers" in text
    assert "```ptx\n.visible .entry block_sum_kernel(" in text


def test_an_access_tells_what_protects_it(checked: Desk) -> None:
    text = checked.hover("tile|[t + stride]")
    assert text is not None
    link = "[{0}](file:///project/k.py#L{0})"
    assert text.startswith("**read** `tile[thread.x + stride]`: shared memory of the block, f32\n")
    assert "where `stride >= 1`, `thread.x < stride`" in text
    assert "* in bounds, `0 <= thread.x + stride < 256`: proved (affine)" in text
    barriers = f"{link.format(18)} and {link.format(23)}"
    between = f"a barrier (lines {barriers}) lies between it and the write (line {link.format(17)})"
    assert f"* {between}" in text
    assert f"* no race with the write (line {link.format(22)}): proved (affine)" in text
    assert "* written before it is read: proved (affine)" in text
    assert "no bank conflict" in text
    assert text.endswith("```ptx\nld.shared.f32 %f1, [%r1];\n```"), "the code of its own line"


def test_an_access_tells_what_it_costs_a_warp(checked: Desk) -> None:
    text = checked.hover("a|[i]")
    assert text is not None
    assert "4 sectors of 32 bytes for 128 bytes of data" in text
    assert "nobody writes it during the launch" in text


def test_a_race_is_named_at_both_accesses(racing: Desk) -> None:
    for pattern in ("tile|[t] +=", "tile|[t + stride]"):
        text = racing.hover(pattern)
        assert text is not None
        assert "**violated**" in text


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("if t < stri|de", "**stride**: `i64`, the same in the whole launch\n\nhere 1 … 128; 0 …"),
        ("tile[|t] +=", "**t**: `i64`, may differ from thread to thread\n\nhere 0 … 127; 0 … 255"),
        ("|t, i =", "**t**: `i64`, may differ from thread to thread\n\n0 … 255"),
        ("if |i <", "**i**: `i64`, may differ from thread to thread\n\n0 … "),
        ("return |most", "**most**: `i64`, the same in the whole launch\n\nalways 128"),
        ("|tile = ", "**tile**: `f32[256]`, shared memory of the block\n\n1,024 bytes"),
        ("block_sum(|a:", "**a**: `f32[len(a)]`, global memory, read-only for the launch"),
    ],
)
def test_a_variable_tells_its_numbers(checked: Desk, pattern: str, said: str) -> None:
    text = checked.hover(pattern)
    assert text is not None
    assert text.startswith(said)


def test_words_of_the_language_and_of_python_stay_what_they_are(checked: Desk) -> None:
    text = checked.hover("sync_|threads()")
    assert text is not None
    assert text.startswith("```python\nsync_threads()")
    assert checked.hover("wh|ile stride") is None
    assert checked.hover("BL|OCK = 256") is None


def test_a_kernel_of_numba_speaks_numbas_words(folder: Path) -> None:
    desk = Desk(NUMBA, folder)
    kernel, access = desk.hover("def sca|le"), desk.hover("y|[i]")
    assert kernel is not None
    assert access is not None
    assert "proved safe if its launches are as below" in kernel
    assert "What launches must fulfil:" in kernel
    assert "cuda.threadIdx.x" in access
    assert "(thread.x" not in access
    assert "thread" not in kernel.partition("Resources")[0]
    (lens,) = desk.lenses()
    assert lens.title.startswith("proved if ")
    launched = Desk(f"{NUMBA}\n\nscale[4, 64](y, x, 2.0)\n", folder)
    (lens,) = launched.lenses()
    kernel = launched.hover("def sca|le")
    assert launched.hover("scal|e[4, 64]") == kernel
    assert lens.title.startswith("proved for its launch · ")
    assert kernel is not None
    assert "Judged for the launch at line [11](file:///project/k.py#L11)" in kernel
    assert "`cuda.gridDim.x == 4`" in kernel


def test_a_rule_number_in_any_comment_has_its_page(folder: Path) -> None:
    desk = Desk(BLOCK_SUM + "# OX104 was here, and OX9 was not\n", folder)
    text = desk.hover("OX1|04")
    assert text is not None
    assert text.startswith("# OX104: shared-memory-race")
    assert "ox104_shared_memory_race.md)" in text
    assert desk.hover("OX|9 ") is None


# ---------------------------------------------------------------- while the solver works


def test_nothing_is_waited_for(folder: Path) -> None:
    desk = Desk(BLOCK_SUM, folder, checked=False)
    assert desk.hover("def block|_sum") == "**block_sum**: being checked"
    assert [lens.title for lens in desk.lenses()] == ["being checked"]
    assert desk.hints() == []


def test_what_was_known_moves_with_its_lines(edited: Desk) -> None:
    kernel, access = edited.hover("def block|_sum"), edited.hover("out|[block.x]")
    assert kernel is not None
    assert access is not None
    assert kernel.startswith("**block_sum**: being checked again, proved safe before")
    assert "*being checked again*" in access
    assert [lens.title for lens in edited.lenses()] == ["proved · 12 registers · show PTX"]
    assert edited.hints() == ["tile = SharedArray(f32, BLOCK)«1,024 bytes»"]
    stride = edited.hover("if t <= stri|de")
    assert stride is None, "nothing is known of a line that was edited"


def test_of_a_text_that_does_not_parse_the_last_is_shown(edited: Desk) -> None:
    before = edited.symbols()
    edited.edit("    stride = half(BLOCK)", "    stride = half(BLOCK")
    assert edited.symbols() == [*before[:2], "  barrier: ", "  barrier: "]
    assert len(edited.lenses()) == 1
    assert len(edited.hints()) == 1


# ---------------------------------------------------------------- lenses


def test_a_lens_shows_the_code_of_what_compiles(checked: Desk) -> None:
    (lens,) = checked.lenses()
    assert lens.title == "proved · 12 registers · show PTX"
    assert lens.command == "oxide.showPtx"
    assert lens.arguments == ["file:///project/k.py", "block_sum"]


def test_a_lens_stands_above_the_first_decorator(folder: Path) -> None:
    text = BLOCK_SUM.replace(", requires", ",\n    requires").replace(
        "grid_dim.x)", "grid_dim.x,\n)"
    )
    desk = Desk(text, folder)
    params = types.CodeLensParams(types.TextDocumentIdentifier(desk.uri))
    (lens,) = lenses.lenses(desk.ls, params)
    assert text.split("\n")[lens.range.start.line] == "@kernel(block=BLOCK,"


def test_a_lens_leads_to_what_is_wrong(racing: Desk) -> None:
    (lens,) = racing.lenses()
    assert lens.title == "violated · 1 finding"
    assert lens.command == "oxide.goToFinding"


def test_a_lens_counts_what_is_checked_at_run_time(folder: Path) -> None:
    desk = Desk(UNPROVED, folder)
    (lens,) = desk.lenses()
    assert lens.title == "unproved · 1 finding · 1 checked at run time · show PTX"
    assert desk.compilers.asked == ["roots"]
    assert desk.hints() == ["out[i] = a[i64(math.sqrt(f64(i)))]«checked at run time»"]
    access = desk.hover("a|[i64")
    assert access is not None
    assert "**unproved**" in access
    assert "* checked at run time" in access


def test_lenses_can_be_switched_off(folder: Path) -> None:
    desk = Desk(BLOCK_SUM, folder)
    desk.ls.configure({"codeLens": False})
    assert desk.lenses() == []


# ---------------------------------------------------------------- hints

KINDS = [
    (Hint.SHARED_MEMORY, ["tile = SharedArray(f32, BLOCK)«1,024 bytes»"]),
    (Hint.CHECKS, []),
    (Hint.LAUNCH_FACTS, ["out: DisjointSlice[f32]):«needs len(out) >= grid_dim.x, "]),
    (
        Hint.TYPES,
        [
            "most«: i64» = n // 2",
            "t«: i64», i«: i64» = thread.x, thread.index_1d()",
            "stride«: i64» = half(BLOCK)",
        ],
    ),
    (
        Hint.RANGES,
        ["most«always 128»", "t«0 … 255», i«0 … 2**39 - 257»", "stride«0 … 128» = half(BLOCK)"],
    ),
    (
        Hint.DIVERGENCE,
        [
            "tile[t] = a[i] if i < len(a)«differs in a warp» else 0.0",
            "if t < stride«differs in a warp»:",
            "if t == 0«differs in a warp»:",
        ],
    ),
]


@pytest.mark.parametrize(("kind", "expected"), KINDS)
def test_each_kind_of_hint_by_itself(checked: Desk, kind: Hint, expected: list[str]) -> None:
    checked.ls.configure({"inlayHints": [kind.value, "unheard-of"]})
    found = checked.hints()
    checked.ls.preferences = Preferences()
    assert len(found) == len(expected)
    for line, part in zip(found, expected, strict=True):
        assert part in line


def test_types_come_before_ranges(checked: Desk) -> None:
    checked.ls.configure({"inlayHints": ["ranges", "types"]})
    found = checked.hints()
    checked.ls.preferences = Preferences()
    assert found[-1] == "stride«: i64»«0 … 128» = half(BLOCK)"


def test_annotated_names_get_no_type(folder: Path) -> None:
    desk = Desk(BLOCK_SUM.replace("    stride = half", "    stride: int = half"), folder)
    desk.ls.configure({"inlayHints": ["types"]})
    assert not any("stride" in line for line in desk.hints())


def test_hints_can_be_switched_off(folder: Path) -> None:
    desk = Desk(BLOCK_SUM, folder)
    desk.ls.configure({"inlayHints": []})
    assert desk.hints() == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (255, "255"),
        (2**31 - 1, "2**31 - 1"),
        (-(2**31), "-2**31"),
        (2**31 + 1, "2**31 + 1"),
        (-(2**40) + 1, "-2**40 + 1"),
        (123_456_789, "123456789"),
    ],
)
def test_large_numbers_are_powers_of_two(value: int, said: str) -> None:
    assert describe.number(value) == said


# ---------------------------------------------------------------- outline, highlighting


def test_the_outline_has_kernels_with_what_they_share(checked: Desk) -> None:
    assert checked.symbols() == [
        "block_sum: kernel",
        "  tile: f32[256], shared",
        "  sync_threads(): barrier of the block",
        "  sync_threads(): barrier of the block",
        "half: device function",
    ]


def test_kernels_of_open_files_are_found_by_letters(checked: Desk) -> None:
    def found(query: str) -> list[str]:
        params = types.WorkspaceSymbolParams(query)
        return [symbol.name for symbol in symbols.workspace_symbols(checked.ls, params)]

    assert found("") == found("bksum") == ["block_sum"]
    assert found("sumb") == []


def test_memories_and_divergent_code_are_marked(checked: Desk) -> None:
    tokens = checked.tokens()
    assert tokens["tile:17"] == {"sharedMemory"}
    assert tokens["a:17"] == {"globalMemory", "divergent"}
    assert tokens["tile:22"] == {"sharedMemory", "divergent"}
    assert tokens["stride:22"] == {"divergent"}
    assert "stride:21" not in tokens
    assert "t:21" not in tokens
    assert "sync_threads:23" not in tokens
    assert tokens["out:26"] == {"globalMemory", "divergent"}


def test_files_without_kernels_are_left_to_others(folder: Path) -> None:
    desk = Desk("import oxide\nx = [1][0]\n", folder)
    assert desk.tokens() == {}
    assert desk.symbols() == []
    assert desk.hover("|x =") is None


# ---------------------------------------------------------------- completion


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1  # oxide: ignore[OX10|] why", ["OX101", "OX104"]),
        ("x = 1  # oxide: ignore[OX104, shared|]", ["shared-memory-race", "out-of-bounds"]),
        ("@kernel(block=1, |", ["requires=", "fast_math="]),
        ("@ox.kernel(\n    block=(32, 8),\n    req|", ["requires=", "domain="]),
        ('    atomic.add(out, 0, 1, scope="|', ["block", "device", "cluster", "system"]),
        ('    atomic.load(out, 0, order="rel|")', ["relaxed", "acquire"]),
        ("    atomic.store(out, 0, 1, order='|", ["relaxed", "release"]),
        ('    fence("|', ["block", "device", "cluster", "system"]),
    ],
)
def test_words_that_only_oxide_knows_are_offered(
    folder: Path, line: str, expected: list[str]
) -> None:
    found = Desk(BLOCK_SUM, folder, checked=False).completions(line)
    assert set(expected) <= set(found)
    if "order=" in line or "scope=" in line:
        assert found == expected


@pytest.mark.parametrize(
    "line",
    [
        "x = |",
        "# ignore[|",
        "x = 'oxide|'",
        "@kernel(block=|",
        "@kernel(block=max(|",
        "@kernel(block=1)\ndef k(|",
        "print(|",
    ],
)
def test_everything_else_is_left_to_python(folder: Path, line: str) -> None:
    assert Desk(BLOCK_SUM, folder, checked=False).completions(line) == []


def test_what_a_contract_says_already_is_not_offered_again(folder: Path) -> None:
    found = Desk(BLOCK_SUM, folder, checked=False).completions("@kernel(block=1, |")
    assert "block=" not in found


# ---------------------------------------------------------------- drawn anew, compiled


def test_editors_are_asked_to_draw_anew_when_there_is_something_new(folder: Path) -> None:
    desk = Desk(BLOCK_SUM, folder)
    asked: list[str] = []
    desk.ls.protocol.client_capabilities.workspace = types.WorkspaceClientCapabilities(
        code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True),
        inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=True),
    )
    for kind in ("code_lens", "inlay_hint", "semantic_tokens"):
        setattr(desk.ls, f"workspace_{kind}_refresh", partial(_note, asked, kind))
    refreshing.answered(desk.ls, desk.document)
    assert asked == ["code_lens", "inlay_hint"], "the editor draws no highlighting anew"
    desk.check()
    asked.clear()
    refreshing.answered(desk.ls, desk.document)
    assert asked == [], "it looks as it did"
    desk.edit("        sync_threads()\n        stride", "        stride")
    desk.check()
    refreshing.answered(desk.ls, desk.document)
    assert asked == ["code_lens", "inlay_hint"]


def _note(asked: list[str], kind: str, _: None) -> None:
    asked.append(kind)


class Slow:
    """A worker that compiles when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.running = 0
        self.free = asyncio.Event()

    async def compile(self, path: str, qualname: str, target: str) -> Compiled:
        self.asked.append(f"{qualname} {target}")
        self.running += 1
        assert self.running == 1
        await self.free.wait()
        self.running -= 1
        return CODE


def test_kernels_are_compiled_one_by_one_and_remembered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "_QUIET", 0.0)
    two = BLOCK_SUM + BLOCK_SUM[BLOCK_SUM.index("@kernel(") :].replace("block_sum", "other")
    desk, worker, changes = Desk(two, folder), Slow(), list[int]()

    async def scene() -> None:
        desk.ls.worker = worker  # pyright: ignore[reportAttributeAccessIssue]
        compiled = listings.Listings(desk.ls, lambda: changes.append(1))

        def known() -> list[Compiled | None]:
            return [compiled.of(desk.document, kernel) for kernel in desk.document.kernels()]

        assert known() == known() == [None, None]
        await asyncio.sleep(0.02)
        assert worker.asked == ["other sm_80"]
        worker.free.set()
        await asyncio.sleep(0.02)
        assert worker.asked == ["other sm_80", "block_sum sm_80"]
        assert len(changes) == 2
        assert known() == [CODE, CODE]
        # Of two kernels one is edited: the other keeps its code, checked or not.
        head = "def other(a: Slice[f32], out: DisjointSlice[f32]):\n"
        desk.edit(head, f"{head}    # first\n")
        assert known() == [CODE, CODE]
        desk.check()
        assert known() == [CODE, None]

    asyncio.run(scene())


# ---------------------------------------------------------------- notebooks


def test_each_cell_shows_its_own_part(folder: Path) -> None:
    head, helper, kernel = BLOCK_SUM.partition("@device\n")
    helper, _, kernel = kernel.partition("@kernel(")
    cells = (head, f"@device\n{helper}", f"%time\n@kernel({kernel}")
    first, second, third = (Desk.of_cells(cells, folder, number) for number in (1, 2, 3))
    assert [desk.symbols() for desk in (first, second)] == [[], ["half: device function"]]
    assert third.symbols()[:2] == ["block_sum: kernel", "  tile: f32[256], shared"]
    assert [len(desk.lenses()) for desk in (first, second, third)] == [0, 0, 1]
    assert third.hints() == ["tile = SharedArray(f32, BLOCK)«1,024 bytes»"]
    assert (first.hints(), second.hints()) == ([], [])
    assert (first.tokens(), second.tokens()) == ({}, {})
    assert third.tokens()["tile:4"] == {"sharedMemory"}
    most, access = second.hover("return |most"), third.hover("tile|[t + stride]")
    assert most is not None
    assert most.startswith("**most**: `i64`")
    assert access is not None
    assert "barrier (lines 7 and 12) lies between it and the write (line 6)" in access


# ---------------------------------------------------------------- to the other access


def test_an_action_leads_to_the_other_access_and_back(racing: Desk) -> None:
    (finding,) = racing.document.findings()
    other = finding.related[0].span
    titles = [a.title.split()[0] for a in racing.actions("tile|[t] +=")]
    assert titles.index("Go") < titles.index("Suppress")
    here = [a for a in racing.actions("tile|[t] +=") if a.title.startswith("Go to")]
    assert [a.title for a in here] == [f"Go to the other access, line {other.line}"]
    command = here[0].command
    assert command is not None
    assert command.command == "oxide.goToOtherAccess"
    uri = "file:///project/k.py"
    assert command.arguments == [uri, racing.place("tile|[t] +=")]
    shown: list[tuple[str, int]] = []

    def show(params: types.ShowDocumentParams) -> Future[None]:
        assert params.selection is not None
        shown.append((params.uri, params.selection.start.line + 1))
        return Future()

    racing.ls.window_show_document = show  # pyright: ignore[reportAttributeAccessIssue]
    commands = racing.ls.protocol.fm.commands
    commands["oxide.goToOtherAccess"](uri, racing.place("tile|[t] +="))
    back = types.Position(other.line - 1, other.column - 1)
    commands["oxide.goToOtherAccess"](uri, back)
    commands["oxide.goToFinding"](uri, "block_sum")
    commands["oxide.goToOtherAccess"](uri, types.Position(0, 0))
    here = (uri, finding.span.line)
    assert shown == [(uri, other.line), here, here]


@pytest.mark.parametrize("name", ["block_sum", "histogram"])
def test_examples_are_shown_as_they_are_and_with_a_line_missing(folder: Path, name: str) -> None:
    text = (ROOT / f"examples/{name}.py").read_text(encoding="utf-8")
    desk = Desk(text, folder)
    desk.ls.configure({"inlayHints": [hint.value for hint in Hint]})
    assert all((desk.lenses(), desk.symbols(), desk.tokens(), desk.hints()))
    lines = desk.document.source.lines
    for missing in range(0, len(lines), 3):
        desk.edit(desk.document.source.text, "".join((*lines[:missing], *lines[missing + 1 :])))
        desk.lenses()
        desk.symbols()
        desk.tokens()
        desk.hints()
