"""What a run prints: the report in the format that was asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer.reports import summary

if TYPE_CHECKING:
    from argparse import Namespace

    from oxide.cli.outcome import Outcome


def write(options: Namespace, outcome: Outcome, *extra: str) -> None:
    """Print the report, or write it to the file that was named; `extra` goes before its counts."""
    from oxide.cli.terminal import shows_colour

    if outcome.notebooks:
        outcome = _in_cells(outcome)
    if options.output_file is None:
        sys.stdout.write(_text(options, outcome, extra, shows_colour(sys.stdout)))
        return
    try:
        Path(options.output_file).write_text(
            _text(options, outcome, extra, False), encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise WrongUse(f"cannot write `{options.output_file}`: {error.strerror}") from error


def _in_cells(outcome: Outcome) -> Outcome:
    """The outcome as it is shown, where places in notebooks are places in their cells."""
    from oxide_analyzer.notebooks import placed

    cells = [cell for notebook in outcome.notebooks.values() for cell in notebook.cells]
    reports, shown = placed.in_cells(outcome.notebooks, outcome.reports, outcome.shown)
    sources = {**outcome.sources, **{cell.path: cell for cell in cells}}
    return replace(outcome, reports=reports, shown=shown, sources=sources, notebooks={})


def _text(options: Namespace, outcome: Outcome, extra: tuple[str, ...], colour: bool) -> str:
    match options.format:
        case "json":
            from oxide_analyzer.reports import json

            return json.render(outcome.reports, outcome.shown, outcome.sources)
        case "sarif":
            from oxide_analyzer.reports import sarif

            return sarif.render(outcome.reports, outcome.shown, outcome.sources, _root())
        case "gitlab":
            from oxide_analyzer.reports import gitlab

            return gitlab.render(outcome.shown, outcome.sources, _root("CI_PROJECT_DIR"))
        case "junit":
            from oxide_analyzer.reports import junit

            root, strict = _root(), options.strict
            return junit.render(
                outcome.reports, outcome.shown, root, strict=strict, sources=outcome.sources
            )
        case _:
            return _for_people(options, outcome, colour) + "".join(
                f"{line}\n" for line in (*extra, *_closing(outcome))
            )


def _for_people(options: Namespace, outcome: Outcome, colour: bool) -> str:
    if options.unsafe:
        return summary.unsafe_blocks(outcome.reports)
    if options.statistics:
        return summary.statistics(outcome.shown)
    match options.format:
        case "concise":
            from oxide_analyzer.reports import concise

            return concise.render(outcome.shown)
        case "github":
            from oxide_analyzer.reports import github

            return github.render(outcome.shown, _root("GITHUB_WORKSPACE"), outcome.sources)
        case _:
            from oxide_analyzer.reports import full

            return full.render(outcome.shown, outcome.sources, colour)


def _closing(outcome: Outcome) -> list[str]:
    lines = [summary.closing(outcome.reports, outcome.shown, outcome.suppressed)]
    if outcome.known or outcome.stale:
        entries = "entry" if outcome.stale == 1 else "entries"
        stale = f"; {outcome.stale} stale {entries}, --write-baseline removes them"
        lines.append(f"{outcome.known} known from the baseline{stale if outcome.stale else ''}.")
    safe, unsafe = outcome.fixable, outcome.fixable_unsafely
    if safe:
        lines.append(f"{safe} fixable with --fix.")
    if unsafe:
        lines.append(f"{unsafe}{' more' if safe else ''} fixable with --fix --unsafe-fixes.")
    return lines


def _root(variable: str | None = None) -> Path:
    """The folder that paths in reports start from: the checkout of a CI system, or this one."""
    named = os.environ.get(variable, "") if variable is not None else ""
    return Path(named) if named and Path(named).is_dir() else Path.cwd()
