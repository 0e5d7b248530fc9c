"""The options of `oxide check`, and the settings that hold where an option is not given."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer.configuration import FORMATS

if TYPE_CHECKING:
    from oxide_analyzer.configuration import Configuration

_EPILOG = """\
examples:
  oxide-check                          everything below this folder
  oxide-check kernels.py src           a file and a folder
  oxide-check --format json - < k.py   standard input, for programs
  oxide-check --ignore OX402 --strict  fail where something is not proved
  oxide-check --fix                    apply the fixes that keep what kernels compute
  oxide-check --watch                  check again whenever a file changes

  oxide-check --baseline known.json --write-baseline    write down what is found now
  oxide-check --baseline known.json                     and from then on show what is new

Settings come from [tool.oxide] in pyproject.toml. A finding is suppressed by a comment on its
line: # oxide: ignore[OX104] reason

exit codes: 0 no errors, 1 errors found, 2 wrong use, 101 a bug in Oxide
"""


def parse(arguments: list[str], program: str) -> Namespace:
    """The options; ends the process with exit code 2 where they mean nothing."""
    options = _parser(program).parse_args(arguments)
    _refuse_contradictions(options)
    return options


def complete(options: Namespace, settings: Configuration) -> None:
    """Fill in, from the settings of the folder of the run, what was not given."""
    if options.format is None:
        actions = os.environ.get("GITHUB_ACTIONS") == "true"
        options.format = settings.format or ("github" if actions else "full")
    if options.baseline is None and settings.baseline is not None:
        options.baseline = str(settings.root / settings.baseline)
    if options.write_baseline and options.baseline is None:
        raise WrongUse("--write-baseline needs --baseline FILE, which says where")
    options.cache = None
    if not options.no_cache:
        from oxide_analyzer import verdict_cache

        options.cache = str(verdict_cache.folder(settings.root, settings.cache_dir))
    options.strict |= settings.strict
    options.show_suppressed |= settings.show_suppressed
    options.force_exclude |= settings.force_exclude


def _parser(program: str) -> ArgumentParser:
    parser = ArgumentParser(
        program,
        description="Check GPU kernels for races, divergent barriers and out-of-bounds accesses.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files and folders; `-` is standard input"
    )
    _which_findings(parser)
    _how_shown(parser)
    _changes(parser)
    _how_run(parser)
    return parser


class _Formatter(RawDescriptionHelpFormatter):
    """Asks for the width of the terminal itself: argparse imports `shutil` for it, for 3 ms."""

    def __init__(self, prog: str) -> None:
        asked = os.environ.get("COLUMNS", "")
        try:
            width = int(asked) if asked.isdecimal() else os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=max(width, 40) - 2)


def _which_findings(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("what is asked for").add_argument
    add(
        "--select",
        type=_list,
        metavar="RULES",
        help="show only these: OX104,shared-memory-race,OX3",
    )
    add("--ignore", type=_list, metavar="RULES", help="do not show these")
    add("--strict", action="store_true", help="fail also where something is not proved")
    add("--baseline", metavar="FILE", help="show only what is not in this file")
    add("--write-baseline", action="store_true", help="write what is found into that file")
    add("--force-exclude", action="store_true", help="let settings exclude files named as PATH too")


def _how_shown(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("how it is shown").add_argument
    add(
        "--format",
        choices=FORMATS,
        metavar="FORMAT",
        help="full (default), concise, github (default under GITHUB_ACTIONS), json, sarif, gitlab, "
        "junit",
    )
    add("--show-suppressed", action="store_true", help="show what comments suppress, with reasons")
    add("--statistics", action="store_true", help="print how often each rule spoke instead")
    add("--unsafe", action="store_true", help="list the `unsafe` blocks, with reasons, instead")
    add("--output-file", metavar="FILE", help="write there, not to standard output")


def _changes(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("what is changed").add_argument
    add("--fix", action="store_true", help="apply fixes that keep what kernels compute")
    add("--unsafe-fixes", action="store_true", help="with --fix or --diff: apply other fixes, too")
    add("--diff", action="store_true", help="print what --fix would change; exit 1 if anything")
    add(
        "--add-ignore",
        metavar="REASON",
        help="write a comment that suppresses it on the line of each error and warning",
    )


def _how_run(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("how it runs").add_argument
    add("--watch", action="store_true", help="check again whenever a file changes")
    add(
        "--jobs",
        "-j",
        type=_jobs,
        metavar="N",
        help="check in so many processes (default: as many as the machine has cores for)",
    )
    add(
        "--timeout",
        type=_timeout,
        metavar="SECONDS",
        help="stop the check of a kernel after so long; what is open then counts as unproved",
    )
    add("--no-cache", action="store_true", help="neither read nor write known verdicts")


def _refuse_contradictions(options: Namespace) -> None:
    changes = [
        option
        for option, given in (
            ("--fix", options.fix),
            ("--diff", options.diff),
            ("--add-ignore", options.add_ignore is not None),
            ("--write-baseline", options.write_baseline),
            ("--watch", options.watch),
        )
        if given
    ]
    if len(changes) > 1:
        raise WrongUse(f"{changes[0]} and {changes[1]} do not go together")
    if "-" in options.paths and changes and changes[0] not in ("--diff", "--write-baseline"):
        raise WrongUse(f"{changes[0]} needs files, and `-` is standard input")
    if options.unsafe_fixes and not (options.fix or options.diff):
        raise WrongUse("--unsafe-fixes needs --fix or --diff")
    if options.statistics and options.unsafe:
        raise WrongUse("--statistics and --unsafe do not go together")
    if options.add_ignore is not None and not options.add_ignore.strip():
        raise WrongUse("--add-ignore needs a reason: a suppression says why it is right")


def _list(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1024:
        raise ArgumentTypeError(f"`{text}` is not a number of processes")
    return int(text)


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ArgumentTypeError(f"`{text}` is not a number of seconds")
    return seconds
