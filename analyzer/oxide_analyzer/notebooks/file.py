"""Notebooks on disk: nbformat 4, which is JSON.

Read with the standard library: what is wanted of the format is a list of cells with their sources.
Of each source it is kept where in the text of the file it stands, so that a changed cell replaces
the lines that changed and nothing else: whatever wrote the file, its indentation, its order and its
outputs stay as they are.

    "source": [                            "source": [
     "@cuda.jit\\n",                         "@cuda.jit\\n",
     "def k(a):\\n",                         "def k(a):\\n",
     "    a[cuda.grid(1)] = 1"      ─►       "    if cuda.grid(1) < a.size:\\n",
    ]                                       "        a[cuda.grid(1)] = 1"
                                           ]

What is broken is a finding about the file: text that is no JSON, a version without a list of cells,
a code cell without source. A notebook in another language has no cells.
"""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from oxide_analyzer.notebooks.joined import join
from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.notebooks.joined import Notebook

SUFFIX = ".ipynb"
_BOM = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*")
_PYTHON = re.compile(r"i?python[\d.]*", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_VERSION = 4
_DECODER = json.JSONDecoder()


class BrokenNotebook(Exception):
    """A file that is no notebook of a kind that is read; says why, and on which line."""

    def __init__(self, why: str, line: int = 1) -> None:
        """Why, as the end of a sentence about the file."""
        super().__init__(why)
        self.line = line


@record
class Source:
    """Where a cell's source stands in the file: `start` to `end`.

    `strings` are the places of its strings, and `values` what they say; a source that is one
    string has one and no list round it.
    """

    start: int
    end: int
    strings: tuple[tuple[int, int], ...]
    values: tuple[str, ...]
    is_list: bool

    @property
    def text(self) -> str:
        """The text of the cell."""
        return "".join(self.values)


@record
class NotebookFile:
    """A notebook, the text of its file, and where its code cells stand in it."""

    content: str
    sources: tuple[Source, ...]
    notebook: Notebook

    def changed(self, joined: str) -> NotebookFile:
        """The file after a change of the joined text; raises `ValueError` if it cannot be."""
        content = self.content
        cells = self.notebook.edited(joined)
        for source, cell in reversed(list(zip(self.sources, cells, strict=True))):
            if cell != source.text:
                new = _written(content, source, cell)
                content = content[: source.start] + new + content[source.end :]
        return decode(content, self.notebook.source.path)


def decode(content: str, path: str) -> NotebookFile:
    """The notebook that the text of a file holds; raises `BrokenNotebook`."""
    text = content.removeprefix(_BOM)
    shift = len(content) - len(text)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenNotebook(f"is no JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise BrokenNotebook("is nested too deeply") from None
    if not _is_python(_checked(document)):
        return NotebookFile(content, (), join(path, ()))
    found = list(_code_cells(text, shift, content))
    texts = [source.text for source, _ in found]
    foreign = frozenset(n for n, (_, is_foreign) in enumerate(found) if is_foreign)
    lines = [_file_lines(content, source) for source, _ in found]
    notebook = join(path, texts, foreign=foreign, file_lines=lines)
    return NotebookFile(content, tuple(source for source, _ in found), notebook)


def _checked(document: object) -> dict[str, Any]:
    """What a notebook has, or why it is none."""
    if not isinstance(document, dict):
        raise BrokenNotebook("is no notebook: there is no object in it")
    found = cast("dict[str, Any]", document)
    version = found.get("nbformat", _VERSION)
    if isinstance(version, int) and version != _VERSION:
        hint = ""
        if version < _VERSION:
            hint = "; `jupyter nbconvert --to notebook --inplace` converts it"
        raise BrokenNotebook(f"has nbformat {version}, and nbformat {_VERSION} is read{hint}")
    if not isinstance(found.get("cells"), list):
        raise BrokenNotebook("is no notebook: it has no list of `cells`")
    return found


def _is_python(document: dict[str, Any]) -> bool:
    """Whether the notebook says no other language."""
    metadata = _object(document.get("metadata"))
    named = (
        _object(metadata.get("language_info")).get("name"),
        _object(metadata.get("kernelspec")).get("language"),
    )
    language = next((name for name in named if isinstance(name, str)), "python")
    return _PYTHON.fullmatch(language) is not None


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


# ---------------------------------------------------------------- places in the text


def _code_cells(text: str, shift: int, content: str) -> Iterator[tuple[Source, bool]]:
    """The source of each code cell, and whether it is in another language."""
    start = next(start for name, start in _members(text, _skip(text, 0)) if name == "cells")
    for number, at in enumerate(_items(text, start), 1):
        line = content.count("\n", 0, at + shift) + 1
        cell, _ = _DECODER.raw_decode(text, at)
        if not isinstance(cell, dict):
            raise BrokenNotebook(f"is no notebook: entry {number} of its cells is no object", line)
        fields = cast("dict[str, Any]", cell)
        if fields.get("cell_type") != "code":
            continue
        value = fields.get("source")
        if not isinstance(value, str) and not _is_strings(value):
            raise BrokenNotebook(f"is no notebook: cell {number} has no source", line)
        place = [place for name, place in _members(text, at) if name == "source"][-1]
        language = _object(_object(fields.get("metadata")).get("vscode")).get("languageId")
        foreign = isinstance(language, str) and not _PYTHON.fullmatch(language)
        yield _source(text, place, shift), foreign


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) for item in cast("list[object]", value)
    )


def _source(text: str, at: int, shift: int) -> Source:
    starts = list(_items(text, at)) if text[at] == "[" else [at]
    places: list[tuple[int, int]] = []
    values: list[str] = []
    for start in starts:
        value, end = _DECODER.raw_decode(text, start)
        places.append((start + shift, end + shift))
        values.append(value)
    _, end = _DECODER.raw_decode(text, at)
    return Source(at + shift, end + shift, tuple(places), tuple(values), text[at] == "[")


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The names in the object at a place, and where their values start; the last of a name counts.

    The text was read as JSON before, so it is well formed.
    """
    found: dict[str, int] = {}
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        found[name] = at
        _, at = _DECODER.raw_decode(text, at)
        at = _next(text, at)
    yield from found.items()


def _items(text: str, at: int) -> Iterator[int]:
    """Where the items of the list at a place start."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        yield at
        _, at = _DECODER.raw_decode(text, at)
        at = _next(text, at)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _file_lines(content: str, source: Source) -> tuple[int, ...]:
    """On which line of the file each line of a cell begins."""
    found: list[int] = []
    line, at, is_start = content.count("\n", 0, source.start) + 1, source.start, True
    for (start, _), value in zip(source.strings, source.values, strict=True):
        line += content.count("\n", at, start)
        at = start
        for part in SourceFile("", value).lines:
            if is_start:
                found.append(line)
            is_start = part.endswith(("\n", "\r"))
    return tuple(found) or (line,)


# ---------------------------------------------------------------- writing


def _written(content: str, source: Source, text: str) -> str:
    """What stands in the file for a cell's new text; strings that stay are kept as they are."""
    ascii_only = content.isascii() and "\\u" in content
    if not source.is_list:
        return _encoded(text, ascii_only)
    new = re.findall(r"[^\n]*\n|[^\n]+", text)
    strings: list[str] = []
    matcher = SequenceMatcher(None, source.values, new, autojunk=False)
    for tag, old_start, old_end, start, end in matcher.get_opcodes():
        if tag == "equal":
            strings += [content[a:b] for a, b in source.strings[old_start:old_end]]
        else:
            strings += [_encoded(line, ascii_only) for line in new[start:end]]
    before, between, after = _separators(content, source)
    return f"[{before}{between.join(strings)}{after}]" if strings else "[]"


def _encoded(text: str, ascii_only: bool) -> str:
    # Half of a surrogate pair can be written in no other way.
    return json.dumps(text, ensure_ascii=ascii_only or bool(_SURROGATE.search(text)))


def _separators(content: str, source: Source) -> tuple[str, str, str]:
    """What stands in front of the strings of a list, between them, and behind them."""
    strings: Sequence[tuple[int, int]] = source.strings
    if not strings:
        return "", ", ", ""
    before = content[source.start + 1 : strings[0][0]]
    after = content[strings[-1][1] : source.end - 1]
    between = next(
        (content[one[1] : other[0]] for one, other in pairwise(strings)), f",{before or ' '}"
    )
    return before, between, after
