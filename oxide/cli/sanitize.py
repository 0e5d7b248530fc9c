"""`oxide sanitize SCRIPT …`: run a program, and watch every kernel that it launches.

oxide sanitize train.py --epochs 1           races, reads of what nothing wrote, failed checks
oxide sanitize -m pytest tests               the same for a module
oxide sanitize --gpu train.py                on the GPU, by NVIDIA's compute-sanitizer

Kernels run on the cpu, as machine code that keeps a shadow of memory. Nothing has to be proved
first: what `oxide-check` calls unproved runs as well, and what it calls violated up to where that
shows. Findings have the rules and the form that `oxide-check` gives them.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import traceback
from argparse import REMAINDER, ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse, require

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.source import SourceFile

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
# What no program is likely to exit with by itself.
_FOUND = 86


def run(arguments: list[str], program: str) -> int:
    """Run the program; 1 if something was found, else its own exit code."""
    parser = ArgumentParser(program, description="Run a program and watch its kernels.")
    add = parser.add_argument
    add("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    add("--format", choices=["full", "concise", "json", "github"], default="full")
    add("--output-file", metavar="PATH", help="write the findings there")
    add("--gpu", action="store_true", help="run on the GPU, under NVIDIA's compute-sanitizer")
    add(
        "--tool",
        action="append",
        choices=TOOLS,
        help="with --gpu: which of its tools, one run for each (default: all)",
    )
    add("script", metavar="SCRIPT", help="a Python file")
    add("rest", metavar="…", nargs=REMAINDER, help="its arguments")
    options = parser.parse_args(arguments)
    if not options.module and not Path(options.script).is_file():
        raise WrongUse(f"there is no file `{options.script}`")
    return _on_gpu(options) if options.gpu else _on_cpu(options)


class Gathered:
    """What all launches of a program came to."""

    def __init__(self) -> None:
        self.launches = 0
        self.kernels: set[str] = set()
        self.found: dict[object, Diagnostic] = {}

    def report(self, kernel: Kernel, launch: Launch, failures: list[Failure]) -> None:
        """Take the findings of one launch, each pair of places once."""
        from oxide_analyzer.observed import observed

        self.launches += 1
        self.kernels.add(kernel.qualname)
        for one in observed(kernel, launch, failures):
            places = frozenset((one.span, *(related.span for related in one.related)))
            self.found.setdefault((one.code, places), one)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The findings by place."""
        return sorted(
            self.found.values(), key=lambda d: (d.span.path, d.span.line, d.span.column, d.code)
        )


def _on_cpu(options: Namespace) -> int:
    require("cpu", "llvmlite", "numpy")
    from oxide_codegen.sanitised import gathering

    gathered = Gathered()
    with gathering(gathered.report):
        code = _execute(options)
    _write(options, gathered)
    return 1 if gathered.found else code


def _execute(options: Namespace) -> int:
    """Run the program in this process, as Python would; its exit code."""
    before = sys.argv, list(sys.path)
    sys.argv = [options.script, *options.rest]
    try:
        if options.module:
            sys.path.insert(0, str(Path.cwd()))
            runpy.run_module(options.script, run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, str(Path(options.script).resolve().parent))
            runpy.run_path(options.script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        # The program's own error, told as Python tells it; what was found is told as well.
        traceback.print_exc()
        return 1
    finally:
        sys.argv, sys.path[:] = before
    return 0


def _write(options: Namespace, gathered: Gathered) -> None:
    from oxide.cli.terminal import shows_colour

    colour = options.output_file is None and shows_colour(sys.stdout)
    text = _text(options.format, gathered, colour)
    sys.stdout.flush()
    if options.output_file is None:
        sys.stdout.write(text)
        return
    try:
        Path(options.output_file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"cannot write `{options.output_file}`: {error.strerror}") from error


def _text(form: str, gathered: Gathered, colour: bool) -> str:
    found = gathered.diagnostics
    match form:
        case "json":
            from oxide_analyzer.reports import json

            return json.render([], found)
        case "github":
            from oxide_analyzer.reports import github

            text = github.render(found, Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()))
        case "concise":
            from oxide_analyzer.reports import concise

            text = concise.render(found)
        case _:
            from oxide_analyzer.reports import full

            text = full.render(found, _sources(found), colour)
    return f"{text}{_closing(gathered)}\n"


def _closing(gathered: Gathered) -> str:
    if not gathered.launches:
        return "No kernel was launched, so nothing was watched."
    launches = f"{gathered.launches} launch{'' if gathered.launches == 1 else 'es'}"
    kernels = f"{len(gathered.kernels)} kernel{'' if len(gathered.kernels) == 1 else 's'}"
    number = len(gathered.found)
    findings = f"{number or 'no'} finding{'' if number == 1 else 's'}"
    return f"{launches} of {kernels} watched: {findings}."


def _sources(found: list[Diagnostic]) -> dict[str, SourceFile]:
    from oxide_analyzer import project
    from oxide_analyzer.source import SourceFile

    paths = {span.path for d in found for span in (d.span, *(r.span for r in d.related))}
    sources: dict[str, SourceFile] = {}
    for path in sorted(paths):
        if Path(path).is_file():
            read = project.read(Path(path))
            if isinstance(read, SourceFile):
                sources[path] = read
    return sources


# ---------------------------------------------------------------- on the GPU


def _on_gpu(options: Namespace) -> int:
    from oxide_codegen.toolchain import compute_sanitizer

    tool = compute_sanitizer()
    if tool is None:
        raise WrongUse(
            "compute-sanitizer was not found: it comes with the CUDA toolkit; without it, leave "
            "--gpu out and the kernels are watched on the cpu"
        )
    command = [sys.executable, *(["-m"] if options.module else []), options.script, *options.rest]
    code = 0
    for name in options.tool or TOOLS:
        sys.stdout.write(f"compute-sanitizer --tool {name}\n")
        sys.stdout.flush()
        asked = [
            str(tool),
            "--tool",
            name,
            "--target-processes",
            "all",
            # Bindings ask an older driver for functions that it lacks, and Oxide raises what
            # the driver refuses: neither is about a kernel.
            "--report-api-errors",
            "no",
            "--error-exitcode",
            str(_FOUND),
            *command,
        ]
        ended = subprocess.run(asked, check=False).returncode
        code = 1 if ended == _FOUND else code or ended
    return code
