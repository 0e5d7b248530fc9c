"""Documents as a client of the fuzz has them, and what it puts into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

Json = dict[str, Any]

# What is put into texts: code, what breaks it, line ends and other troubles of text.
SNIPPETS = [
    "x", " ", "\t", "0", "(", ")", '"""', "'", "#", "\\", ":", "\n", "\r\n", "\r", "\n    ",
    "\f", "\v", "\x1c", "\x85", "\u2028", "𝛼", "é", "漢", "👩‍🚀", "\u0301", "\ufeff",
    "    sync_threads()\n", "    if i < len(out):\n", "    tile[thread.x] = 0.0\n",
    "cuda.syncthreads()",
    "@kernel\n", "def k(out: DisjointSlice[f32]):\n", "    out[thread.index_1d()] = 1.0\n",
    "    # oxide: ignore[OX102] because\n", "BLOCK = 64\n", "unknown_name", "thread.x",
    "%time k()\n",
    "!ls\n", "%%bash\n",
]  # fmt: skip

KERNELS = """\
from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, thread
from oxide import sync_threads

BLOCK = 64


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def last(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    tile[thread.x] = a[i] if i < len(a) else 0.0
    sync_threads()
    if thread.x == 0:
        out[block.x] = tile[63]


@kernel
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i]  # é 𝛼
"""
NUMBA = """\
import numpy as np
from numba import cuda


@cuda.jit
def add(a, b, c):
    i = cuda.grid(1)
    if i < c.size:
        c[i] = a[i] + b[i]


add[1, 64](np.zeros(64), np.zeros(64), np.zeros(64))
"""
TEXTS = (KERNELS, NUMBA, KERNELS + "\n\n" + "\f\n# \u2028\n", "x = 1\n")

LINE_END = re.compile(r"\r\n|\n|\r")


class Wrong(Exception):
    """The server did what it must not do."""


@dataclass
class Asked:
    """A request that waits for its answer."""

    method: str
    uri: str | None
    at: float
    is_cancelled: bool = False
    edits: int = 0


@dataclass
class Text:
    """A document as the client has it."""

    uri: str
    text: str
    version: int = 1

    def position(self, offset: int, encoding: str) -> Json:
        """Line and character of an offset, by counting from the start."""
        ends = [m.end() for m in LINE_END.finditer(self.text) if m.end() <= offset]
        start = ends[-1] if ends else 0
        return {"line": len(ends), "character": units(self.text[start:offset], encoding)}

    def holds(self, place: Json, encoding: str) -> bool:
        """Whether there is such a position in the text."""
        lines = LINE_END.split(self.text)
        line, character = place["line"], place["character"]
        return 0 <= line < len(lines) and 0 <= character <= units(lines[line], encoding)

    def offset(self, chance: random.Random) -> int:
        """A place between two characters; none within a line end, which has no position."""
        at = chance.randint(0, len(self.text))
        return at + 1 if self.text[at - 1 : at + 1] == "\r\n" and at else at


def units(text: str, encoding: str) -> int:
    """How long a text is to a client of this encoding."""
    match encoding:
        case "utf-8":
            return len(text.encode())
        case "utf-16":
            return len(text.encode("utf-16-le")) // 2
        case _:
            return len(text)


@dataclass
class Notebook:
    """A notebook as the client has it: its cells in order."""

    uri: str
    cells: list[Text]
    version: int = 1


def item(text: Text) -> Json:
    """A text as an editor opens it."""
    return {
        "uri": text.uri,
        "languageId": "python",
        "version": text.version,
        "text": text.text,
    }


def as_cell(cell: Text) -> Json:
    """A cell as it stands in a notebook."""
    return {"kind": 2, "document": cell.uri}


def places(value: object) -> Iterator[Json]:
    """The positions in an answer, without those that are in other documents."""
    match value:
        case {"line": int(line), "character": int(character)}:
            yield {"line": line, "character": character}
        case dict():
            for name, inner in value.items():
                if name not in ("location", "relatedInformation", "edit", "command", "data"):
                    yield from places(inner)
        case list():
            for inner in value:
                yield from places(inner)
        case _:
            pass


def token_ranges(data: list[int]) -> Iterator[Json]:
    """Start and end of each semantic token, from numbers that count from the one before."""
    line = character = 0
    for at in range(0, len(data), 5):
        down, along, length = data[at : at + 3]
        line, character = line + down, along if down else character + along
        yield {"line": line, "character": character}
        yield {"line": line, "character": character + length}
