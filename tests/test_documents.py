"""Every Python fence of the documents is true: it is proved, or what stands below it is printed.

A fence is a file of its own. Behind it, a `text` fence that begins with `$ oxide-check x.py`,
`$ python x.py` or `$ oxide sanitize x.py` shows what that prints; `…` stands for anything. A file
is named after the first command that names it. Without such a fence the kernels in it are proved.
Fragments get what they leave out from `AROUND`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oxide
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

ROOT = Path(__file__).parent.parent
# Pages with tests of their own: they are one program, or show a kernel that is wrong on purpose.
OTHERS = {"collectives.md", "host.md", "numba.md"}
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    if path.name not in OTHERS
)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (?P<input>printf .* \| )?(?P<tool>oxide-check|oxide sanitize|python)")
PRELUDE = (
    "import math\nfrom oxide import (\n    "
    + ",\n    ".join(name for name in oxide.__all__ if name not in oxide._HOST)
    + ",\n    device,\n    kernel,\n)\n\n\n"
)
# By the first line of a fragment: what stands before it, and how far it is indented.
AROUND = {
    "row = m[i, :]           # also m[i]": (
        "@kernel(requires=lambda a, m, i, j: 0 <= i and i <= j and j <= len(a) and j <= m.shape[0]"
        " and i < m.shape[0] and m.shape[1] >= 12)\n"
        "def k(a: Slice[f32], m: Slice2D[f32], i: i64, j: i64):\n",
        "    ",
    ),
    "out[i] = a[i]  # oxide: ignore[OX301] the host launches len(out) threads": (
        "@kernel\ndef k(a: Slice[f32], out: DisjointSlice[f32]):\n"
        "    i = thread.index_1d()\n    if i < len(out) and i < len(a):\n",
        "        ",
    ),
}


def fences(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def programs() -> list[tuple[str, int, str, list[str]]]:
    """The Python fences: their page, their number there, the text, what is shown below."""
    found: list[tuple[str, int, str, list[str]]] = []
    for page in PAGES:
        for language, text in fences(page):
            if language == "python":
                number = sum(one[0] == page.name for one in found)
                found.append((page.name, number, text, []))
            elif language == "text" and COMMAND.match(text) and found and found[-1][0] == page.name:
                found[-1][3].append(text)
    return found


SHOWN = [one for one in programs() if one[3]]
CHECKED = [one for one in programs() if not one[3]]


def name_of(one: tuple[str, int, str, list[str]]) -> str:
    return f"{one[0]}-{one[1]}"


@pytest.mark.parametrize("one", CHECKED, ids=name_of)
def test_kernels_are_proved(one):
    page, _, text, _ = one
    if "import" not in text:
        before, indent = AROUND.get(text.splitlines()[0], ("", ""))
        text = PRELUDE + before + "".join(f"{indent}{line}\n" for line in text.splitlines())
    report = check(SourceFile(page, text), NoModules())
    wrong = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert [f"{d.code} {d.message}" for d in wrong] == [], text


@pytest.mark.parametrize("page", sorted({one[0] for one in SHOWN}))
def test_what_is_shown_is_printed(page, tmp_path):
    environment = {**os.environ, "NO_COLOR": "1", "OXIDE_DEVICE": "cpu"}
    environment.pop("GITHUB_ACTIONS", None)
    for _, number, text, shown in [one for one in SHOWN if one[0] == page]:
        for fence in shown:
            command, _, expected = fence.partition("\n")
            name = re.search(r"[\w.]+\.py", command)
            assert name is not None, command
            path = tmp_path / name[0]
            if not path.exists():
                path.write_text(text, encoding="utf-8")
            found = COMMAND.match(command)
            assert found is not None
            done = subprocess.run(
                [*_tool(found["tool"]), name[0]],
                cwd=tmp_path,
                env=environment,
                input=_input(found["input"]),
                capture_output=True,
                text=True,
                check=False,
            )
            wanted = re.escape(expected.strip()).replace("…", "(?s:.*?)")
            assert re.fullmatch(wanted, done.stdout.strip()), (number, done.stdout, done.stderr)


def _tool(words: str) -> list[str]:
    if words == "python":
        return [sys.executable]
    return [sys.executable, "-m", "oxide", *("check" if "check" in words else "sanitize",)]


def _input(printf: str | None) -> str | None:
    if printf is None:
        return None
    quoted = re.search(r"'(.*)'", printf)
    assert quoted is not None
    return quoted[1].replace("\\n", "\n")
