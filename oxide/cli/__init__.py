"""The commands `oxide` and `oxide-check`; one module a subcommand, imported when it is called.

Exit codes: 0 clean, 1 findings, 2 wrong use, 101 a bug in Oxide.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "check": "check kernels for races, divergent barriers and out-of-bounds accesses",
    "rule": "explain a rule",
    "new": "make a project that checks, runs and has tests",
    "sanitize": "run a program and watch its kernels: races, uninitialised reads, failed checks",
    "pipeline": "show every stage of a kernel: IR, facts, obligations, LLVM, PTX",
    "inspect": "show what a kernel becomes: IR, LLVM, PTX, registers",
    "build": "prove and compile kernels into an artifact, which runs without a compiler",
    "cache": "show or clear the compiled kernels that are kept",
    "doctor": "say what is installed, what is missing, and what to do",
}

_COLLECT_AFTER = 50_000

_USAGE = "usage: oxide [--version] [--help] COMMAND …"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `oxide`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0 if words else 2
    command, rest = words[0], words[1:]
    if command in ("-V", "--version", "version"):
        return _version()
    if command not in _COMMANDS:
        from difflib import get_close_matches

        close = get_close_matches(command, _COMMANDS, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        sys.stderr.write(f"oxide: there is no command `{command}`{hint}\n{_USAGE}\n")
        return 2
    return _run(command, rest, f"oxide {command}")


def main_check(arguments: Sequence[str] | None = None) -> int:
    """The command `oxide-check`: the same as `oxide check`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["-V"], ["--version"]):
        return _version()
    return _run("check", words, "oxide-check")


def _run(command: str, arguments: list[str], program: str) -> int:
    import gc
    from importlib import import_module

    from oxide.cli.failure import WrongUse

    # Of what a command makes little is garbage before its end.
    gc.set_threshold(_COLLECT_AFTER)
    # A terminal or pipe that cannot show a character gets a question mark, never a traceback.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code: int = import_module(f"oxide.cli.{command}").run(arguments, program)
        sys.stdout.flush()
    except WrongUse as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    # Python would look through all modules for garbage before it ends, for a tenth of the time
    # that a small file takes.
    gc.freeze()
    return code


def _broken_pipe() -> int:
    """The reader went away (`| head`): no more output, and no complaint at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _version() -> int:
    from importlib.metadata import version

    sys.stdout.write(f"oxide {version('oxide-kernels')}\n")
    return 0


def _help() -> str:
    width = max(map(len, _COMMANDS))
    rows = "".join(f"  {name:<{width}}  {text}\n" for name, text in _COMMANDS.items())
    return (
        "GPU kernels in Python, proved safe and compiled to PTX.\n\n"
        f"{_USAGE}\n\ncommands:\n{rows}\n"
        "`oxide COMMAND --help` says more. `oxide-check` is `oxide check`.\n"
    )
