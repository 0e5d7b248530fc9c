"""`oxide check [PATH…]`: check the kernels of files and folders, and print what is found."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer import project
from oxide_analyzer.configuration import Configuration, ConfigurationError, Selection, selection
from oxide_analyzer.configuration import find as find_configuration
from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.record import record
from oxide_analyzer.report import Report
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.diagnostics import Diagnostic

CLEAN, FINDINGS, INTERNAL = 0, 1, 101

_EXAMPLES = """\
examples:
  oxide-check                          everything below this folder
  oxide-check kernels.py src           a file and a folder
  oxide-check --format json - < k.py   standard input, for programs
  oxide-check --ignore OX402 --strict  fail where something is not proved

Settings come from [tool.oxide] in pyproject.toml. A finding is suppressed by a comment on its
line: # oxide: ignore[OX104] reason

exit codes: 0 no errors, 1 errors found, 2 wrong use, 101 a bug in Oxide
"""


@record
class _Input:
    """A file (None: standard input), its path in messages, and the settings that hold there."""

    path: Path | None
    shown: str
    configuration: Configuration


@dataclass
class _Run:
    """What has been found so far."""

    reports: list[Report] = field(default_factory=list[Report])
    shown: list[Diagnostic] = field(default_factory=list["Diagnostic"])
    suppressed: int = 0
    sources: dict[str, SourceFile] = field(default_factory=dict[str, SourceFile])
    failed: bool = False
    crashes: set[str] = field(default_factory=set[str])


def run(arguments: list[str], program: str) -> int:
    """Check, print, and return the exit code."""
    options = _parser(program).parse_args(arguments)
    found = _Run()
    try:
        # Names of rules that do not exist are told even where there is nothing to check.
        selection(options.select or (), options.ignore or ())
        for entry in _inputs(options):
            settings = entry.configuration
            chosen = selection(options.select or settings.select, options.ignore or settings.ignore)
            _check(entry, chosen, options, found)
    except ConfigurationError as error:
        raise WrongUse(str(error)) from error
    found.shown.sort(key=lambda diagnostic: (diagnostic.span, diagnostic.code))
    _write(options, found)
    if found.crashes:
        return INTERNAL
    return FINDINGS if found.failed else CLEAN


def _parser(program: str) -> ArgumentParser:
    parser = ArgumentParser(
        program,
        description="Check GPU kernels for races, divergent barriers and out-of-bounds accesses.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders; `-` is standard input")
    add("--format", choices=("full", "concise", "json"), default="full")
    add(
        "--select",
        type=_list,
        metavar="RULES",
        help="show only these: OX104,shared-memory-race,OX3",
    )
    add("--ignore", type=_list, metavar="RULES", help="do not show these")
    add("--show-suppressed", action="store_true", help="show what comments suppress, with reasons")
    add("--statistics", action="store_true", help="print how often each rule spoke instead")
    add("--strict", action="store_true", help="fail also where something is not proved")
    add("--force-exclude", action="store_true", help="let settings exclude files named as PATH too")
    add("--output-file", metavar="FILE", help="write there, not to standard output")
    return parser


def _list(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _inputs(options: Namespace) -> Iterator[_Input]:
    """Each file once, in order."""
    seen: set[Path] = set()
    notebooks = 0
    paths: list[str] = options.paths or ["."]
    # Settled before anything is checked: a name typed wrong shall not cost a whole run.
    for name in paths:
        if name != "-" and not Path(name).exists():
            raise WrongUse(f"there is no file or folder `{name}`")
        if name.endswith(".ipynb"):
            raise WrongUse(f"notebooks are not read yet: `{name}`")
    # Hooks name many files of one folder, and reading TOML takes as long as checking a kernel.
    configuration_of = cache(find_configuration)
    for name in paths:
        if name == "-":
            yield _Input(None, "-", configuration_of(Path()))
            continue
        path = Path(name)
        configuration = configuration_of(path if path.is_dir() else path.parent)
        walk = project.Walk(configuration)
        if path.is_dir():
            files = walk.files(path)
        elif options.force_exclude and walk.excludes(path):
            files = iter(())
        else:
            files = iter((path,))
        for file in files:
            if file not in seen:
                seen.add(file)
                # A file that was named keeps the path by which it was.
                yield _Input(file, name if file is path else str(file), configuration)
        notebooks += walk.notebooks
    if notebooks:
        noun = "notebook" if notebooks == 1 else "notebooks"
        sys.stderr.write(f"{notebooks} {noun} not checked: notebooks are not read yet\n")


def _check(entry: _Input, chosen: Selection, options: Namespace, found: _Run) -> None:
    if entry.path is None:
        read = project.decode(sys.stdin.buffer.read(), "-")
    else:
        try:
            read = project.read(entry.path, entry.shown)
        except OSError as error:
            raise WrongUse(f"cannot read `{entry.shown}`: {error.strerror or error}") from error
    if read is None:
        return
    if isinstance(read, project.Undecodable):
        report = Report(read.path, (), (project.syntax_error(read),))
    else:
        report = _analyse(read, entry, found)
        found.sources[read.path] = read
    found.reports.append(report)
    for diagnostic in report.diagnostics:
        if not chosen.admits(diagnostic):
            continue
        if diagnostic.suppressed is not None:
            found.suppressed += 1
            if options.show_suppressed:
                found.shown.append(diagnostic)
            continue
        found.shown.append(diagnostic)
        found.failed |= diagnostic.severity is Severity.ERROR
        found.failed |= options.strict and diagnostic.verdict is Verdict.UNPROVED
    spoken = {diagnostic.kernel for diagnostic in report.diagnostics}
    found.failed |= options.strict and any(
        kernel.verdict is Verdict.UNPROVED and kernel.name not in spoken
        for kernel in report.kernels
    )


def _analyse(source: SourceFile, entry: _Input, found: _Run) -> Report:
    from oxide_analyzer.analysis import check

    try:
        return check(source, project.modules(entry.path, entry.configuration))
    except Exception as error:
        # Whatever escapes from the analyzer is a bug in it; other files are checked all the same.
        from traceback import format_tb, print_exc

        from oxide_analyzer.rules.ox999_internal_error import internal_error

        # One bug often meets many files; its traceback is worth reading once.
        *_, place = format_tb(error.__traceback__)
        if place not in found.crashes:
            found.crashes.add(place)
            print_exc()
        return Report(source.path, (), (internal_error(source.path, error),))


def _write(options: Namespace, found: _Run) -> None:
    from oxide.cli.terminal import shows_colour

    if options.output_file is None:
        sys.stdout.write(_text(options, found, shows_colour(sys.stdout)))
        return
    try:
        Path(options.output_file).write_text(_text(options, found, False), encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"cannot write `{options.output_file}`: {error.strerror}") from error


def _text(options: Namespace, found: _Run, colour: bool) -> str:
    if options.format == "json":
        from oxide_analyzer.reports import json

        return json.render(found.reports, found.shown)
    from oxide_analyzer.reports import summary

    closing = summary.closing(found.reports, found.shown, found.suppressed) + "\n"
    if options.statistics:
        return summary.statistics(found.shown) + closing
    if options.format == "concise":
        from oxide_analyzer.reports import concise

        return concise.render(found.shown) + closing
    from oxide_analyzer.reports import full

    return full.render(found.shown, _with_related(found), colour) + closing


def _with_related(found: _Run) -> dict[str, SourceFile]:
    """The files of the frames: those that were checked, and those that findings lead to."""
    sources = dict(found.sources)
    for diagnostic in found.shown:
        for related in diagnostic.related:
            path = related.span.path
            if path not in sources and Path(path).is_file():
                read = project.read(Path(path))
                if isinstance(read, SourceFile):
                    sources[path] = read
    return sources
