"""Lines of a cell that are IPython's and not Python's, as Python that stands at the same places.

    cell                         Python
    %matplotlib inline           0
    files = !ls                  files = __
    %time k[8, 128](a)           if 1: k[8, 128](a)
    ?k                           0
    %%capture                    (a comment)

What such a line computes is unknown, so a name that it is assigned to stands for nobody knows
what: IPython gives `__` no meaning that a kernel could have. A line magic that runs a statement
keeps the statement, because it may be a launch. A cell magic that runs the cell as Python loses
its line alone; any other cell magic makes the whole cell somebody else's business.

Which lines are meant is decided as IPython does: those where a statement starts, so neither the
inside of a string nor of brackets. Nothing is done to a cell that parses as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Cell magics whose cell runs in the same namespace.
_PYTHON_CELLS = frozenset({"capture", "debug", "prun", "time", "timeit"})
_CELL = re.compile(r"%%\s*(\w+)")

# Line magics that run a statement; in front of it may be options.
_RUN = re.compile(r"%(?:time|timeit|prun)[ \t]+(?:-\w[ \t]*\d*[ \t]+)*(?=[^\s-])")
_ASSIGNED = re.compile(r"[^\W\d](?:[^=#'\"]|\[[\"'][^\"']*[\"']\])*=[ \t]*(?=[%!])")
_HELP = re.compile(r"%{0,2}[^\W\d][\w.*]*(?:\[[^\]\n]*\][\w.*]*)*\?{1,2}[ \t]*$")
_LEADING = ("%", "!", "?", ",", ";", "/")

_UNKNOWN = "__"
_NOTHING = "0"
_RUNS = "if 1:"

# What matters for where a statement ends: strings, comments, brackets.
_TOKEN = re.compile(
    r"(?P<triple>\"\"\"|''')"
    r"|(?P<string>\"(?:\\.|[^\"\\\r\n])*\"?|'(?:\\.|[^'\\\r\n])*'?)"
    r"|(?P<comment>#.*)"
    r"|(?P<open>[(\[{])"
    r"|(?P<close>[)\]}])",
)


@record
class Line:
    """A line as the cell has it, without its end, and what takes the place of its beginning.

    `python` stands where `text[start:end]` stood, and is not longer. A line of Python has both
    empty.
    """

    text: str
    start: int = 0
    end: int = 0
    python: str = ""
    hidden: bool = False

    @property
    def is_python(self) -> bool:
        """Whether the line stays as it is."""
        return not self.hidden and self.start == self.end

    @property
    def shown(self) -> str:
        """The line of Python; what follows the magic keeps its column."""
        if self.hidden:
            return ""
        filled = self.python.ljust(self.end - self.start)
        return self.text[: self.start] + filled + self.text[self.end :]


def is_foreign(lines: Sequence[str]) -> bool:
    """Whether a cell magic hands the cell to something else than this namespace."""
    magic = _CELL.match(_first(lines))
    return magic is not None and magic[1] not in _PYTHON_CELLS


def translated(lines: Sequence[str], *, run: bool = True) -> list[Line]:
    """The lines of a cell (without ends); with `run` the statements that line magics run stay."""
    found: list[Line] = []
    state = _State()
    first = next((n for n, line in enumerate(lines) if line.strip()), -1)
    continued = False
    for number, text in enumerate(lines):
        if continued:
            found.append(Line(text, hidden=True))
            continued = text.endswith("\\")
            continue
        line = None
        if number == first and _CELL.match(text):
            line = Line(text, hidden=True)
        elif state.is_open:
            pass
        else:
            line = _magic(text, run)
        if line is None:
            state.read(text)
            found.append(Line(text))
            continue
        found.append(line)
        if line.python == _RUNS:
            state.read(line.shown)
        else:
            continued = text.endswith("\\")
    return found


def _first(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _magic(text: str, run: bool) -> Line | None:
    """The line, if IPython would not give it to Python as it is."""
    start = len(text) - len(text.lstrip())
    rest = text[start:]
    if run and (runs := _RUN.match(rest)) is not None:
        return Line(text, start, start + runs.end(), _RUNS)
    if rest.startswith(_LEADING) or _HELP.match(rest):
        return Line(text, start, len(text), _NOTHING)
    if (assigned := _ASSIGNED.match(rest)) is not None:
        return Line(text, start + assigned.end(), len(text), _UNKNOWN)
    return None


class _State:
    """Whether the next line goes on with a statement."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""
        self._joined = False

    @property
    def is_open(self) -> bool:
        return bool(self._depth > 0 or self._quote or self._joined)

    def read(self, line: str) -> None:
        at = 0
        self._joined = False
        while True:
            if self._quote:
                end = _end_of(line, at, self._quote)
                if end < 0:
                    return
                at, self._quote = end, ""
            token = _TOKEN.search(line, at)
            if token is None:
                break
            at = token.end()
            match token.lastgroup:
                case "triple":
                    self._quote = token[0]
                case "comment":
                    return
                case "open":
                    self._depth += 1
                case "close":
                    self._depth -= 1
                case _:
                    pass
        self._joined = line.endswith("\\")


def _end_of(line: str, at: int, quote: str) -> int:
    """Where a string ends that is open at `at`, -1 if it is not on this line."""
    for found in _ends(line, at):
        if line.startswith(quote, found):
            return found + len(quote)
    return -1


def _ends(line: str, at: int) -> Iterator[int]:
    """The places from `at` on at which no backslash takes the character."""
    while at < len(line):
        if line[at] == "\\":
            at += 2
            continue
        yield at
        at += 1
