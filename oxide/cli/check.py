"""`oxide check [PATH…]`: check the kernels of files and folders, and print what is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli import check_options
from oxide.cli.checking import Task, answer, selected
from oxide.cli.failure import WrongUse
from oxide.cli.inputs import inputs
from oxide.cli.outcome import collect, known_findings
from oxide.cli.output import write
from oxide_analyzer.configuration import ConfigurationError, selection
from oxide_analyzer.configuration import find as find_configuration

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

    from oxide.cli.checking import Answer
    from oxide.cli.outcome import Outcome

CLEAN, FINDINGS, INTERNAL = 0, 1, 101

# With fewer files it is not worth while to look which of them have kernels before they are checked.
_FEW = 16

# Fixing one file can change what is found in those that import it.
_ROUNDS = 4


def run(arguments: list[str], program: str) -> int:
    """Check, print, and return the exit code."""
    options = check_options.parse(arguments, program)
    try:
        # Names of rules that do not exist are told even where there is nothing to check.
        selection(options.select or (), options.ignore or ())
        check_options.complete(options, find_configuration(Path()))
        return _run(options)
    except ConfigurationError as error:
        raise WrongUse(str(error)) from error


def _run(options: Namespace) -> int:
    if options.watch:
        return _watch(options)
    answered = _answered(options)
    if options.diff:
        return _diff(answered, options)
    done: tuple[str, ...] = ()
    if options.fix:
        answered, sentence = _fix(list(answered), options)
        done = (sentence,)
    outcome = collect(answered, options)
    if options.write_baseline:
        return _write_baseline(outcome, options)
    if options.add_ignore is not None:
        from oxide.cli import changes

        sys.stdout.write(changes.add_ignores(outcome, options.add_ignore) + "\n")
        return INTERNAL if outcome.crashed else CLEAN
    write(options, outcome, *done)
    if outcome.crashed:
        return INTERNAL
    return FINDINGS if outcome.failed else CLEAN


def _answered(options: Namespace) -> Iterator[tuple[Task, Answer | None]]:
    tasks = list(_tasks(options))
    return zip(tasks, _answers(tasks, options), strict=True)


def _tasks(options: Namespace) -> Iterator[Task]:
    paths = options.paths or ["."]
    for entry in inputs(paths, force_exclude=options.force_exclude):
        settings = entry.configuration
        fixes = "none"
        if options.fix or options.diff:
            fixes = "all" if options.unsafe_fixes or settings.unsafe_fixes else "safe"
        yield Task(
            entry,
            selected(entry, options.select, options.ignore),
            fixes,
            settings.timeout if options.timeout is None else options.timeout,
            options.cache,
        )


def _answers(tasks: list[Task], options: Namespace) -> Iterable[Answer | None]:
    """In this process, or in several where there is enough to do."""
    if options.jobs == 1 or (options.jobs is None and len(tasks) < _FEW):
        return map(answer, tasks)
    from oxide.cli.jobs import answers, processes

    with_kernels = sum(_may_have_kernels(task) for task in tasks)
    wanted = processes(with_kernels) if options.jobs is None else min(options.jobs, with_kernels)
    return answers(tasks, wanted)


def _may_have_kernels(task: Task) -> bool:
    from oxide_analyzer import project

    try:
        return task.entry.path is not None and project.has_words(project.content(task.entry.path))
    except (OSError, ValueError):
        # Why it cannot be read is found again, and said, where it is checked.
        return False


def _fix(
    answered: list[tuple[Task, Answer | None]], options: Namespace
) -> tuple[list[tuple[Task, Answer | None]], str]:
    """Write what was fixed, check again what imports it, and say what was done."""
    from oxide.cli import changes

    number = 0
    written: set[str] = set()
    fixed = [found for _, found in answered if found is not None]
    for _ in range(_ROUNDS):
        changed = changes.write_fixes(fixed)
        number += sum(found.fixed for found in fixed)
        written |= changed
        stale = [
            index
            for index, (_, found) in enumerate(answered)
            if found is not None and not changed.isdisjoint(found.imports)
        ]
        if not stale:
            break
        again = list(_answers([answered[index][0] for index in stale], options))
        for index, found in zip(stale, again, strict=True):
            answered[index] = answered[index][0], found
        fixed = [found for found in again if found is not None]
    return answered, changes.applied(number, len(written))


def _diff(answered: Iterator[tuple[Task, Answer | None]], options: Namespace) -> int:
    from oxide.cli import changes

    text, sentence = changes.diff([found for _, found in answered if found is not None])
    if options.output_file is None:
        sys.stdout.write(text)
    else:
        try:
            Path(options.output_file).write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            raise WrongUse(f"cannot write `{options.output_file}`: {error.strerror}") from error
    changes.say(sentence)
    return FINDINGS if text else CLEAN


def _write_baseline(outcome: Outcome, options: Namespace) -> int:
    from oxide_analyzer import baseline

    file = Path(options.baseline)
    found = [diagnostic for diagnostic in outcome.shown if diagnostic.suppressed is None]
    kept = None
    if file.exists():
        kept = baseline.unchecked(known_findings(file), file.parent, outcome.checked)
    text = baseline.write(found, outcome.sources, file.parent, kept)
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise WrongUse(f"cannot write `{file}`: {error.strerror}") from error
    noun = "finding" if len(found) == 1 else "findings"
    sys.stdout.write(f"{len(found)} {noun} written to {file}\n")
    return INTERNAL if outcome.crashed else CLEAN


def _watch(options: Namespace) -> int:
    from oxide.cli.watching import Answered, watch

    def show(answered: list[Answered]) -> None:
        write(options, collect(answered, options))

    watch(lambda: list(_tasks(options)), lambda tasks: _answers(tasks, options), show)
    return CLEAN
