"""What `--fix`, `--diff` and `--add-ignore` do to files."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer import project
from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide.cli.checking import Answer
    from oxide.cli.outcome import Outcome
    from oxide_analyzer.notebooks.file import NotebookFile


def write_fixes(answers: list[Answer]) -> set[str]:
    """Write the fixed texts into their files, and return which they were."""
    written: set[str] = set()
    for answer in answers:
        if answer.before is not None and answer.source is not None:
            save(answer.before, answer.source.text)
            written.add(answer.report.path)
    return written


def applied(number: int, files: int) -> str:
    """What was done, as a sentence."""
    return f"{_plural(number, 'fix', 'fixes')} applied in {_plural(files, 'file', 'files')}."


def diff(answers: list[Answer]) -> tuple[str, str]:
    """The unified diff of the fixes, and what would be done, as a sentence."""
    parts: list[str] = []
    number = files = 0
    for answer in answers:
        if answer.before is not None and answer.source is not None:
            parts += _diff(*_files(answer.before, answer.source))
            number += answer.fixed
            files += 1
    done = f"{_plural(number, 'fix', 'fixes')} to apply in {_plural(files, 'file', 'files')}."
    return "".join(parts), done


def add_ignores(outcome: Outcome, reason: str) -> str:
    """Suppress the errors and warnings that are shown; what was done, as a sentence."""
    from oxide_analyzer import ignoring

    asked = [
        d
        for d in outcome.shown
        if d.suppressed is None and d.severity in (Severity.ERROR, Severity.WARNING)
    ]
    number = files = left = 0
    for path in sorted({diagnostic.span.path for diagnostic in asked}):
        here = [diagnostic for diagnostic in asked if diagnostic.span.path == path]
        source = outcome.sources.get(path)
        added = None if source is None else ignoring.add(source, here, reason)
        if added is None or source is None:
            left += len(here)
            continue
        if added.source.text != source.text:
            save(source, added.source.text)
            files += 1
        number += added.number
        left += len(here) - added.number
    rest = f" {_plural(left, 'finding', 'findings')} cannot be suppressed." if left else ""
    what = f"{_plural(number, 'finding', 'findings')} suppressed"
    return f"{what} in {_plural(files, 'file', 'files')}.{rest}"


def save(before: SourceFile, text: str) -> None:
    """Write a new text into the file that `before` was read from, in its encoding."""
    path = Path(before.path)
    try:
        content = project.content(path)
        if project.is_notebook(before.path):
            after = _notebook(content, before).changed(text).content.encode()
        elif project.text(content, before.path) != before:
            raise _changed(before)
        else:
            after = project.encode(text, content)
        project.replace_file(path, content, after)
    except UnicodeEncodeError as error:
        wrong = error.object[error.start]
        raise WrongUse(f"cannot write `{path}`: {error.encoding} has no `{wrong}`") from error
    except ValueError as error:
        raise WrongUse(f"cannot write `{path}`: {error}") from error
    except OSError as error:
        raise WrongUse(f"cannot write `{path}`: {error.strerror or error}") from error


def _notebook(content: bytes, before: SourceFile) -> NotebookFile:
    """The notebook of which `before` is the joined text, as it was read."""
    read = project.read_notebook(content, before.path)
    if isinstance(read, project.Unreadable) or read.notebook.source.text != before.text:
        raise _changed(before)
    return read


def _changed(before: SourceFile) -> WrongUse:
    return WrongUse(f"`{before.path}` was changed while it was checked; nothing is written to it")


def _files(before: SourceFile, after: SourceFile) -> tuple[SourceFile, SourceFile]:
    """What changes on disk: of a notebook its file, not the joined text of its cells."""
    if not project.is_notebook(before.path):
        return before, after
    old = _notebook(project.content(Path(before.path)), before)
    new = old.changed(after.text)
    return SourceFile(before.path, old.content), SourceFile(after.path, new.content)


def _diff(before: SourceFile, after: SourceFile) -> Iterator[str]:
    for line in unified_diff(before.lines, after.lines, before.path, after.path):
        if line.endswith(("\n", "\r")):
            yield line
        else:
            yield f"{line}\n\\ No newline at end of file\n"


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def say(sentence: str) -> None:
    """Tell what was done, beside what a program may read from standard output."""
    sys.stderr.write(f"{sentence}\n")
