"""Text to syntax tree, whatever the text holds.

Python's parser answers bad input in many ways: `SyntaxError` with a place, `ValueError` for null
bytes, `UnicodeEncodeError` for lone surrogates, `MemoryError` and `RecursionError` for deep
nesting, warnings for odd escapes. Here each becomes one diagnostic with a place.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.rules.ox001_syntax_error import RULE, too_deep
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

_BOM = "\ufeff"
_TYPE_PARAMETERS = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*\[|type\s+\w+\s*[=\[]")


@lru_cache(maxsize=64)
def parse(source: SourceFile) -> ast.Module | Diagnostic:
    """The syntax tree of a file, or why it has none."""
    text = source.text.removeprefix(_BOM)
    if "\0" in text:
        # Python names no place for it.
        return RULE.diagnostic(*_unreadable(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        place = _place(source, error)
        return RULE.diagnostic(place, _newer(source, place) or error.msg or "invalid syntax")
    except (RecursionError, MemoryError):
        return too_deep(_deepest(source))
    except ValueError:
        return RULE.diagnostic(*_unreadable(source))


def _newer(source: SourceFile, place: Span) -> str | None:
    """What is said of syntax that a later Python than the one that runs this has."""
    line = source.lines[place.line - 1] if place.line <= len(source.lines) else ""
    if sys.version_info >= (3, 12) or not _TYPE_PARAMETERS.match(line):
        return None
    running = ".".join(map(str, sys.version_info[:2]))
    return (
        f"type parameters are read by Python 3.12 or later, and Oxide runs on {running} here; "
        'write `T = TypeVar("T", f32, f64)`'
    )


def _place(source: SourceFile, error: SyntaxError) -> Span:
    """Where Python says the error is; an end that is missing or in front becomes one character."""
    line = max(error.lineno or 1, 1)
    column = max(error.offset or 1, 1)
    end_line = error.end_lineno or line
    end_column = error.end_offset or 0
    if end_line < line or (end_line == line and end_column <= column):
        end_line, end_column = line, column + 1
    return Span(source.path, line, column, end_line, end_column)


def _deepest(source: SourceFile) -> Span:
    """The line that most likely overflowed the parser: the longest one."""
    number, text = max(enumerate(source.lines, 1), key=lambda item: len(item[1]), default=(1, ""))
    return Span(source.path, number, 1, number, len(text.rstrip("\r\n")) + 1)


def _unreadable(source: SourceFile) -> tuple[Span, str]:
    """The first character that no Python source may hold."""
    for number, text in enumerate(source.lines, 1):
        for column, character in enumerate(text, 1):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                what = "a null byte" if character == "\0" else "half of a surrogate pair"
                return Span(
                    source.path, number, column, number, column + 1
                ), f"{what} in the source"
    return Span(source.path, 1, 1, 1, 2), "the source cannot be encoded"
