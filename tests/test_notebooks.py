"""Notebooks: their cells as one file, what is found in them, and what is written into them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oxide.cli import main_check
from oxide_analyzer.notebooks.file import BrokenNotebook, decode
from oxide_analyzer.notebooks.joined import join

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = "%matplotlib inline\nimport numpy as np\nfrom numba import cuda\nfiles = !ls\nN = 64"
KERNELS = """\
@cuda.jit
def add(a, b, c):
    i = cuda.grid(1)
    if i < c.size:
        c[i] = a[i] + b[i]

@cuda.jit
def halves(a):
    i = cuda.grid(1)
    a[i // 2] = i"""
LAUNCHES = """\
a = np.zeros(64); b = np.zeros(64); c = np.zeros(64)
%time add[1, N](a, b, c)
halves[1, N](a)
add?"""


def code(text: str, **more: Any) -> dict[str, Any]:
    lines = text.splitlines(keepends=True)
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": []}
    return cell | {"source": lines} | more


def markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def written(*cells: dict[str, Any], **more: Any) -> str:
    metadata = {"language_info": {"name": "python"}}
    document = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document | more, indent=1)


USUAL = written(
    markdown("about numba"),
    code(IMPORTS),
    code(KERNELS),
    code("%%bash\nls numba"),
    code(LAUNCHES),
)
# Where the finding stands in the file.
LINE = 1 + next(n for n, line in enumerate(USUAL.split("\n")) if "a[i // 2] = i" in line)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "nb.ipynb").write_text(USUAL)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main_check(["--format", "json", *arguments])
    return json.loads(capsys.readouterr().out)


# ---------------------------------------------------------------- cells to one file and back


def test_cells_are_joined_and_every_character_keeps_its_column() -> None:
    notebook = join("nb.ipynb", [IMPORTS, KERNELS, "%%bash\nls", LAUNCHES])
    assert notebook.findings == ()
    joined = notebook.source.text.split("\n")
    assert joined[1].startswith("0 ")
    assert joined[4].startswith("files = __ ")
    assert [line.startswith("#") for line in joined[16:20]] == [False, True, True, True]
    assert joined[22].startswith("if 1: add[1, N](a, b, c)")
    assert joined[24].startswith("0 ")
    assert notebook.place(23) == (4, 2)
    assert notebook.edited(notebook.source.text) == (IMPORTS, KERNELS, "%%bash\nls", LAUNCHES)


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("x = (1\n  % 2)", None),
        ("s = '''\n%time\n!ls\n'''", None),
        ("%time x = f()", "if 1: x = f()"),
        ("%timeit -n 10 -r3 f()", "if 1:             f()"),
        ("%timeit -q", "0         "),
        ("for i in y:\n    !rm {i}\n    print(i)", "for i in y:\n    0      \n    print(i)"),
        ("a, b = %env X", "a, b = __    "),
        ("d['x'] = !ls -l", "d['x'] = __    "),
        ("?np.sum\nnp.sum??", "0      \n0       "),
        ("!ls \\\n  -l\nx = 1", "0    \n\nx = 1"),
        ("%%timeit -n 3\nf()", "\nf()"),
        ("\n%%time\nf(%\n)", "a syntax error"),
        ("s = f('''%s\n''' % 3)\n!ls", "s = f('''%s\n''' % 3)\n0  "),
        ("print('x = %d' % 3)\n%pip install numba", "print('x = %d' % 3)\n0                 "),
    ],
)
def test_lines_of_ipython_become_python_that_does_nothing(cell: str, python: str | None) -> None:
    notebook = join("nb.ipynb", [cell])
    assert notebook.edited(notebook.source.text) == (cell,)
    if python == "a syntax error":
        assert [d.code for d in notebook.findings] == ["OX001"]
        return
    assert notebook.findings == ()
    _, *lines = notebook.source.text.removesuffix("\n").split("\n")
    shown = [line.partition(notebook.mark)[0].removesuffix("  ") for line in lines]
    assert "\n".join(shown) == (cell if python is None else python)


def test_a_cell_that_contains_the_mark_gets_another() -> None:
    cells = ["#%% cell 2\nx = 1", "y = 2\n#%% cell 1"]
    notebook = join("nb.ipynb", cells)
    assert notebook.edited(notebook.source.text) == tuple(cells)


def test_a_cell_of_no_lines_and_one_without_an_end_stay_as_they_are() -> None:
    cells = ["", "x = 1\n", "\n", "y = 1\r\nz = 2"]
    notebook = join("nb.ipynb", cells)
    assert notebook.edited(notebook.source.text) == tuple(cells)
    assert notebook.edited(notebook.source.text.replace("z = 2", "z = 3"))[3] == "y = 1\r\nz = 3"


# ---------------------------------------------------------------- findings


def test_findings_name_the_cell_and_the_line_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = found(capsys, "nb.ipynb")
    (finding,) = report["diagnostics"]
    assert [finding[key] for key in ("path", "cell", "line", "column", "code")] == [
        "nb.ipynb", 2, 10, 5, "OX102",
    ]  # fmt: skip
    launched = finding["related"][-1]
    assert (launched["cell"], launched["line"]) == (4, 3)
    add, halves = report["kernels"]
    assert (add["cell"], add["line"], add["verdict"]) == (2, 2, "proved")
    assert (halves["cell"], halves["verdict"]) == (2, "violated")
    assert add["launches"] == ["nb.ipynb:cell 4:2"]


@pytest.mark.parametrize(
    ("format", "parts"),
    [
        ("full", ["--> nb.ipynb:cell 2:10:5 in `halves`", "10 |     a[i // 2] = i", "cell 4:3:1"]),
        ("concise", ["nb.ipynb:cell 2:10:5: OX102"]),
        ("github", [f"file=nb.ipynb,line={LINE},endLine={LINE}::nb.ipynb:cell 2:10:5: OX102"]),
        ("gitlab", [f'"begin": {LINE}', "(cell 2, line 10)"]),
        ("junit", [f'file="nb.ipynb" line="{LINE - 2}"', "nb.ipynb:cell 2:10:5: OX102"]),
        ("sarif", [f'"startLine": {LINE}', '"cell": 2']),
    ],
)
def test_every_format_says_where_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], format: str, parts: list[str]
) -> None:
    assert main_check(["nb.ipynb", "--format", format]) == 1
    out = capsys.readouterr().out
    for part in parts:
        assert part in out


def test_a_cell_that_does_not_parse_leaves_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = written(code(IMPORTS), code("M = = 3"), code(KERNELS.replace("a[i]", "a[i] * M")))
    (folder / "nb.ipynb").write_text(text)
    report = found(capsys, "nb.ipynb")
    first = report["diagnostics"][0]
    assert (first["code"], first["cell"], first["line"], first["column"]) == ("OX001", 2, 1, 5)
    assert "OX004" not in {finding["code"] for finding in report["diagnostics"]}
    assert len(report["kernels"]) == 2


def test_the_last_definition_counts_for_later_cells_and_each_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = "@cuda.jit\ndef k(a):\n    i = cuda.grid(1)\n    if i < SIZE():\n        a[i] = 1"
    size = "@cuda.jit(device=True)\ndef SIZE():\n    return {}"
    launch = "k[1, 64](np.zeros(64))"
    cells = [IMPORTS, size.format(64), first, launch, size.format(65), first, launch]
    (folder / "nb.ipynb").write_text(written(*(code(cell) for cell in cells)))
    one, two = found(capsys, "nb.ipynb")["kernels"]
    assert (one["verdict"], one["launches"]) == ("proved", ["nb.ipynb:cell 4:1"])
    assert (two["verdict"], two["launches"]) == ("proved", ["nb.ipynb:cell 7:1"])
    cells[6] = "k[2, 64](np.zeros(64))"
    (folder / "nb.ipynb").write_text(written(*(code(cell) for cell in cells)))
    one, two = found(capsys, "nb.ipynb")["kernels"]
    assert (one["verdict"], two["verdict"]) == ("proved", "violated")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numba {", "is no JSON"),
        ('["numba"]', "there is no object in it"),
        ('{"nbformat": 3, "worksheets": ["numba"]}', "has nbformat 3"),
        ('{"nbformat": 5, "cells": ["numba"]}', "has nbformat 5"),
        ('{"metadata": "numba"}', "no list of `cells`"),
        ('{"cells": [[], "numba"]}', "entry 1 of its cells is no object"),
        ('{"cells": [{"cell_type": "code"}], "x": "numba"}', "cell 1 has no source"),
        ('{"cells": [{"cell_type": "code", "source": [1]}], "x": "numba"}', "has no source"),
        ("[" * 100_000 + "numba", "is nested too deeply"),
    ],
)
def test_a_broken_notebook_is_a_finding(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (folder / "nb.ipynb").write_text(text)
    assert main_check(["nb.ipynb", "--format", "concise"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("nb.ipynb:")
    assert "OX001 [syntax-error] the file cannot be read: it " in out
    assert message in out


@pytest.mark.parametrize(
    "text",
    [
        written(markdown("numba"), code("x = 1")),
        written(code("numba <- 1"), metadata={"language_info": {"name": "R"}}),
        written(code("numba = = 1", metadata={"vscode": {"languageId": "julia"}})),
        written(x="numba"),
    ],
)
def test_a_notebook_without_kernels_is_clean(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (folder / "nb.ipynb").write_text(text)
    assert main_check(["."]) == 0
    assert capsys.readouterr().out == (
        "0 kernels: 0 proved, 0 violated, 0 unproved, 0 assumed. No findings.\n"
    )


# ---------------------------------------------------------------- what is written


def test_a_comment_is_written_into_its_cell_and_nothing_else_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_check(["nb.ipynb", "--add-ignore", "one block is launched"]) == 0
    assert capsys.readouterr().out == "1 finding suppressed in 1 file.\n"
    old, new = "a[i // 2] = i", "a[i // 2] = i  # oxide: ignore[OX102] one block is launched"
    assert (folder / "nb.ipynb").read_text() == USUAL.replace(old, new)
    assert main_check(["nb.ipynb"]) == 0
    # No finding any more: the comment hides nothing, which is one, with a fix.
    text = (folder / "nb.ipynb").read_text().replace("a[i // 2]", "a[i // 1]")
    (folder / "nb.ipynb").write_text(text)
    assert main_check(["nb.ipynb", "--diff"]) == 1
    diff = capsys.readouterr().out
    assert [line for line in diff.split("\n") if line.startswith(("-  ", "+  "))] == [
        f'-    "    {new.replace("// 2", "// 1")}"',
        f'+    "    {old.replace("// 2", "// 1")}"',
    ]
    assert main_check(["nb.ipynb", "--fix"]) == 0
    assert "1 fix applied in 1 file" in capsys.readouterr().out
    assert (folder / "nb.ipynb").read_text() == USUAL.replace("// 2", "// 1")


def test_a_source_that_is_one_string_stays_one(folder: Path) -> None:
    cells = code(IMPORTS), code("") | {"source": KERNELS}, code(LAUNCHES)
    text = json.dumps(json.loads(written(*cells)), separators=(",", ":")) + "\n"
    (folder / "nb.ipynb").write_text(text)
    assert main_check(["nb.ipynb", "--add-ignore", "é"]) == 0
    after = (folder / "nb.ipynb").read_text(encoding="utf-8")
    assert after == text.replace("a[i // 2] = i", "a[i // 2] = i  # oxide: ignore[OX102] é")


def test_a_finding_stays_known_when_cells_are_put_in_front(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_check(["nb.ipynb", "--baseline", "known.json", "--write-baseline"]) == 0
    cells = code("x = 1"), code(IMPORTS), code(KERNELS), code(LAUNCHES)
    (folder / "nb.ipynb").write_text(written(*cells))
    capsys.readouterr()
    assert main_check(["nb.ipynb", "--baseline", "known.json"]) == 0
    assert "1 known from the baseline." in capsys.readouterr().out


def test_a_file_that_is_edited_keeps_its_order_escapes_and_numbers() -> None:
    text = (
        '{"nbformat":4, "x": 1e-05,\r\n"cells": [ {"source" : ["a = \\u00e9\\n" ,  "b = 1"],'
        '\t"cell_type":"code"}]}'
    )
    file = decode(text, "nb.ipynb")
    changed = file.changed(file.notebook.source.text.replace("b = 1", "b = 2\nc = 'é'"))
    assert changed.content == text.replace('"b = 1"', '"b = 2\\n" ,  "c = \'\\u00e9\'"')
    with pytest.raises(BrokenNotebook, match="no JSON"):
        decode(text[:-1], "nb.ipynb")
