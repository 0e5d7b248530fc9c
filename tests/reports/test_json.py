"""The format is a promise to other programs, so the tests spell all of it out."""

from __future__ import annotations

import json as stdlib_json
from dataclasses import replace

from oxide_analyzer.diagnostics import Place, Verdict
from oxide_analyzer.report import Report
from oxide_analyzer.reports import json
from reports.findings import RACE, REPORT, UNPROVED, WITNESS, kernel

KERNEL = {
    "path": "k.py",
    "name": "block_sum",
    "line": 2,
    "end_line": 8,
    "cell": None,
    "dialect": "oxide",
    "verdict": "violated",
    "facts": [],
    "launches": [],
    "assumed": [],
    "unsafe": [],
    "obligations": {
        "proved": {"affine": 9, "z3": 1},
        "violated": 1,
        "unproved": 0,
        "lifted": 0,
    },
    "milliseconds": 3.142,
}

DIAGNOSTIC = {
    "path": "k.py",
    "line": 7,
    "column": 13,
    "end_line": 7,
    "end_column": 20,
    "cell": None,
    "code": "OX104",
    "name": "shared-memory-race",
    "severity": "error",
    "kernel": "block_sum",
    "verdict": "violated",
    "message": "`tile[t]` is written while another thread reads it",
    "reason": None,
    "suppressed": None,
    "related": [{"path": "k.py", "line": 7, "column": 24, "cell": None, "message": "read here"}],
    "fixes": [
        {
            "title": "insert `sync_threads()` behind line 7",
            "safe": True,
            "edits": [
                {
                    "path": "k.py",
                    "line": 8,
                    "column": 1,
                    "end_line": 8,
                    "end_column": 1,
                    "cell": None,
                    "text": "        sync_threads()\n",
                }
            ],
        }
    ],
    "witness": {
        "array": "tile",
        "shape": [256],
        "index": [35],
        "block_dim": [256, 1, 1],
        "grid_dim": [2, 1, 1],
        "parameters": {"len(a)": 7},
        "values": {"stride": 32},
        "replayed": True,
        "threads": [
            {"block": [0, 0, 0], "thread": [3, 0, 0], "line": 7, "access": "read"},
            {"block": [0, 0, 0], "thread": [35, 0, 0], "line": 7, "access": "write"},
        ],
    },
}


def test_every_key_is_there() -> None:
    document = stdlib_json.loads(json.render([REPORT], [RACE]))
    assert document == {"version": 1, "kernels": [KERNEL], "diagnostics": [DIAGNOSTIC]}


def test_unused_keys_are_null_or_empty() -> None:
    (found,) = json.document([], [UNPROVED])["diagnostics"]
    assert found.keys() == DIAGNOSTIC.keys()
    assert (found["witness"], found["related"], found["fixes"]) == (None, [], [])
    assert found["reason"] == "the index is loaded from memory"


def test_entries_are_sorted_by_place() -> None:
    one = kernel(Verdict.PROVED)
    moved = replace(one, span=replace(one.span, path="a.py"))
    other = Report("a.py", (moved,), ())
    document = json.document([REPORT, other], [RACE, UNPROVED])
    assert [entry["path"] for entry in document["kernels"]] == ["a.py", "k.py"]
    assert [entry["line"] for entry in document["diagnostics"]] == [3, 7]


def test_assumptions_and_unsafe_blocks_are_listed() -> None:
    report = kernel(Verdict.PROVED, assumed=(Place(12, 5, "`cupy.fuse` returns"),))
    report = replace(report, unsafe=(Place(15, 1, "one block is launched"),))
    (found,) = json.document([Report("k.py", (report,), ())], [])["kernels"]
    assert found["assumed"] == [{"line": 12, "column": 5, "what": "`cupy.fuse` returns"}]
    assert found["unsafe"] == [{"line": 15, "reason": "one block is launched"}]


def test_infinities_are_strict_json() -> None:
    witness = replace(WITNESS, values={"x": float("inf"), "y": float("nan"), "z": True})
    text = json.render([], [replace(RACE, witness=witness)])

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (found,) = stdlib_json.loads(text, parse_constant=refuse)["diagnostics"]
    assert found["witness"]["values"] == {"x": "inf", "y": "nan", "z": True}
