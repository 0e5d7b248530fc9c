"""`--watch`: check again whenever a file changes.

Files are looked at a few times a second; what tells a changed one is its time and size, so no
system's own notifications are needed and it works on network drives. What changed is checked
again, with all that imports it, also through other files; where a file appears or goes, so is what
imports something that was not found.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from oxide.cli.failure import WrongUse
from oxide_analyzer.configuration import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oxide.cli.checking import Answer, Task

Stamp: TypeAlias = tuple[int, int]
Answered: TypeAlias = "tuple[Task, Answer | None]"

_PAUSE = 0.3

# A walk over a large tree must not keep a core busy.
_SHARE = 10

_CLEAR = "\x1b[2J\x1b[3J\x1b[H"


class Watch:
    """What is known about the files of a run, and which of it still holds."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._answers: dict[Path, Answered] = {}
        self._stamps: dict[Path, Stamp | None] = {}
        self._has_looked = False

    def update(
        self, tasks: Iterable[Task], check: Callable[[list[Task]], Iterable[Answer | None]]
    ) -> list[Answered] | None:
        """The answers to all tasks, those that still hold from before; None if all do."""
        by_path = {task.entry.path: task for task in tasks if task.entry.path is not None}
        appeared = by_path.keys() - self._answers.keys()
        gone = self._answers.keys() - by_path.keys()
        changed = {path for path, stamp in self._stamps.items() if _stamp(path) != stamp}
        # Other settings ask something else of the same file.
        asked_otherwise = {
            path
            for path, (task, _) in self._answers.items()
            if path in by_path and by_path[path] != task
        }
        holds = not (appeared or gone or changed or asked_otherwise)
        if holds and self._has_looked:
            return None
        self._has_looked = True
        for path in gone:
            del self._answers[path]
        stale = appeared | asked_otherwise
        stale |= {
            path
            for path, (_, answer) in self._answers.items()
            if path in changed
            or (answer is not None and not changed.isdisjoint(_imports(answer)))
            or (answer is not None and answer.missing and (appeared or gone))
        }
        asked = [task for path, task in by_path.items() if path in stale]
        # Stamped first: what changes during the check is checked again.
        for path in stale | changed:
            self._stamps[path] = _stamp(path)
        for task, answer in zip(asked, check(asked), strict=True):
            assert task.entry.path is not None
            self._answers[task.entry.path] = task, answer
        self._restamp()
        return [self._answers[path] for path in by_path]

    def _restamp(self) -> None:
        """Look from now on at the files that answers depend on, and no others."""
        wanted = {
            path
            for own, (_, answer) in self._answers.items()
            for path in (own, *(() if answer is None else _imports(answer)))
        }
        self._stamps = {
            path: self._stamps[path] if path in self._stamps else _stamp(path) for path in wanted
        }


def watch(
    tasks: Callable[[], list[Task]],
    check: Callable[[list[Task]], Iterable[Answer | None]],
    show: Callable[[list[Answered]], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Check and show until the user interrupts.

    What is wrong at first is wrong use; later it may be for a moment only, as where an editor
    replaces a file, or half of a setting is written. So it is said, and looked at again.
    """
    watched = Watch()
    wrong: str | None = None
    is_first = True
    while True:
        start = time.monotonic()
        try:
            answered = watched.update(tasks(), check)
            wrong = None
        except (WrongUse, ConfigurationError) as error:
            if is_first:
                raise
            if str(error) != wrong:
                wrong = str(error)
                sys.stderr.write(f"{wrong}\n")
            answered = None
        is_first = False
        if answered is not None:
            if sys.stdout.isatty():
                sys.stdout.write(_CLEAR)
            show(answered)
            sys.stdout.flush()
            sys.stderr.write("Waiting for changes; interrupt to end.\n")
            start = time.monotonic()
        sleep(max(_PAUSE, _SHARE * (time.monotonic() - start)))


def _imports(answer: Answer) -> set[Path]:
    return {Path(path) for path in answer.imports}


def _stamp(path: Path) -> Stamp | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
