from __future__ import annotations

import re
from dataclasses import replace

from oxide_analyzer.diagnostics import Diagnostic, Related
from oxide_analyzer.reports import full
from oxide_analyzer.source import SourceFile, Span
from reports.findings import RACE, SOURCE, UNPROVED, WITNESS

EXPECTED = """\
error[OX104] shared-memory-race: `tile[t]` is written while another thread reads it
 --> k.py:7:13 in `block_sum`
  |
6 |         if t < stride:
7 |             tile[t] += tile[t + stride]
  |             ^^^^^^^ thread 35 of block 0 writes
  |                        ---------------- read here
8 |         stride //= 2
  |
  = launch: block_sum[2, 256] with len(a) = 7
  = thread 3 of block 0: reads `tile[35]` on line 7
  = thread 35 of block 0: writes `tile[35]` on line 7
  = values: stride = 32
  = help: insert `sync_threads()` behind line 7

"""


def rendered(diagnostic: Diagnostic, source: SourceFile = SOURCE) -> str:
    return full.render([diagnostic], {source.path: source}, colour=False)


def test_race_shows_both_accesses_the_launch_and_the_fix() -> None:
    assert rendered(RACE) == EXPECTED


def test_colours_change_nothing_but_escapes() -> None:
    coloured = full.render([RACE, UNPROVED], {"k.py": SOURCE}, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == rendered(RACE) + rendered(UNPROVED)


def test_unproved_says_why() -> None:
    assert "warning[OX901]" in rendered(UNPROVED)
    assert "= not proved: the index is loaded from memory\n" in rendered(UNPROVED)


def test_suppressed_says_why() -> None:
    text = rendered(RACE.suppress("one thread is launched"))
    assert "= suppressed: one thread is launched\n" in text


def test_two_dimensional_launch_is_written_as_tuples() -> None:
    witness = replace(WITNESS, block_dim=(16, 16, 1), grid_dim=(2, 3, 4))
    text = rendered(replace(RACE, witness=witness))
    assert "block_sum[(2, 3, 4), (16, 16)]" in text
    assert "thread (35, 0, 0) of block (0, 0, 0) writes" in text


def test_distant_lines_are_separated() -> None:
    far = replace(RACE, related=(Related(Span("k.py", 2, 5, 2, 14), "kernel"),))
    numbers = re.findall(r"^(\d|\.\.\.)", rendered(far), re.MULTILINE)
    assert numbers == ["1", "2", "3", "...", "6", "7", "8"]


def test_another_file_has_its_own_frame() -> None:
    other = SourceFile("ops.py", "def clamp(x):\n    return x[0]\n")
    finding = replace(RACE, related=(Related(Span("ops.py", 2, 12, 2, 16), "read here"),))
    text = full.render([finding], {"k.py": SOURCE, "ops.py": other}, colour=False)
    assert " --> ops.py:2:12\n  |\n1 | def clamp(x):\n2 |     return x[0]\n" in text
    assert "  |            ---- read here\n" in text


def test_unknown_file_is_named() -> None:
    assert " --> k.py:7:13 in `block_sum`\n  = launch" in full.render([RACE], {}, colour=False)


def test_carets_stand_below_wide_and_tabbed_text() -> None:
    source = SourceFile("k.py", "\t日本 = é[i]\n")
    finding = replace(UNPROVED, span=Span("k.py", 1, 7, 1, 11))
    lines = rendered(finding, source).splitlines()
    assert lines[3:5] == ["1 |     日本 = é[i]", "  |            ^^^^"]


def test_long_lines_are_cut_around_the_finding() -> None:
    source = SourceFile("k.py", "x = " + "a + " * 500 + "tile[t]\n")
    finding = replace(UNPROVED, span=Span("k.py", 1, 2005, 1, 2012))
    shown, carets = rendered(finding, source).splitlines()[3:5]
    assert len(shown) < 200
    assert shown[carets.index("^") :] == "tile[t]"


def test_nothing_steers_the_terminal() -> None:
    source = SourceFile("k.py", "x = '\x1b[2J\u202e'\n")
    finding = replace(UNPROVED, span=Span("k.py", 1, 1, 1, 2), message="\x1b]0;title\x07")
    assert re.search("[\x00-\x09\x0b-\x1f\u202e]", rendered(finding, source)) is None


def test_places_outside_of_the_text_are_harmless() -> None:
    for span in (
        Span("k.py", 99, 1, 99, 5),
        Span("k.py", 1, 500, 1, 501),
        Span("k.py", 2, 1, 8, 3),
    ):
        assert "^" in rendered(replace(UNPROVED, span=span))
