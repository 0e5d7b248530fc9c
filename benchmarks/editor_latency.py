"""How long an editor waits: diagnostics, hover, compiled code, a cold start; and what it costs.

Starts language servers as an editor does and talks to them through their pipes. Each edit makes or
repairs a fault in the last kernel of the file, so each answer must differ from the one before; a
stale answer is an error, not a fast one. For the cheap findings the fault is a name that nobody
defined, for all of them a barrier that is missing. No text comes twice, so nothing remembered about
an older version answers for a newer one. Other servers get the file and the name that nobody
defined.

    python benchmarks/editor_latency.py [FILE] [--edits N] [--long N] [--others ruff ty pyright]

FILE is a file of kernels, by default the examples as one, without the product on matrix units:
its proof alone takes ten seconds. At its end the two kernels that are edited are added. `--long` is
for how many edits the memory is watched. Writes `benchmarks/results/editor_latency.json`.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from editor_client import Server
from machine_record import ROOT, load, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG_PROOFS = ("gemm_bf16",)
WARM_UP = 5
STARTS = 5
PAUSE = 0.1

OXIDE = [sys.executable, "-m", "oxide_lsp", "--stdio"]
OTHERS = {
    "ruff": ["ruff", "server"],
    "ty": ["ty", "server"],
    "pyright": ["pyright-langserver", "--stdio"],
}

EDITED = """

@kernel(block=64)
def edited_cheap(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i] + CHEAP


@kernel(block=64, requires=lambda out: len(out) >= grid_dim.x)
def edited_solved(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.index_1d()] if thread.index_1d() < len(a) else 0.0
    SOLVED
    if thread.x == 0:
        out[block.x] = tile[63]
"""
NAMES = "DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread"

# What replaces the word in the right and in the faulty state, with the number of the version.
FAULTS = {
    "cheap": ("CHEAP", "{0}.0", "undefined_{0}"),
    "all": ("SOLVED", "sync_threads()  # {0}", "pass  # {0}"),
}


def all_examples() -> str:
    """The kernels of the examples as one file, as long as a real one."""
    parts: list[str] = []
    imports: set[str] = {*NAMES.split(", ")}
    for path in sorted((ROOT / "examples").glob("*.py")):
        if path.stem in LONG_PROOFS:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for node in ast.parse(text).body:
            match node:
                case ast.ImportFrom(module="oxide", names=names):
                    imports |= {name.name for name in names}
                case ast.FunctionDef(name="main") | ast.If() | ast.Import() | ast.ImportFrom():
                    continue
                case ast.Expr():
                    continue
                case _:
                    decorators = getattr(node, "decorator_list", [])
                    first = decorators[0].lineno if decorators else node.lineno
                    parts.append("".join(lines[first - 1 : node.end_lineno]))
    head = f"import math\n\nfrom oxide import {', '.join(sorted(imports))}\n\n\n"
    return head + "\n\n".join(parts)


def found(name: str) -> str | None:
    """Where another server is: beside this Python, or on the way of programs."""
    beside = Path(sys.executable).parent / OTHERS[name][0]
    return str(beside) if beside.exists() else shutil.which(OTHERS[name][0])


def cheap(version: int, *, faulty: bool) -> Callable[[list[Any]], bool]:
    """Whether diagnostics show the name that this version does not define, and no older one."""
    name = f"undefined_{version}"

    def right(diagnostics: list[Any]) -> bool:
        text = json.dumps(diagnostics)
        return name in text if faulty else "undefined_" not in text

    return right


def solved(_: int, *, faulty: bool) -> Callable[[list[Any]], bool]:
    """Whether diagnostics show the race of this version, or none of any."""
    return lambda diagnostics: faulty == any(d["code"] == "OX104" for d in diagnostics)


RIGHT = {"cheap": cheap, "all": solved}


def faulty_text(text: str, version: int) -> str:
    """The text with the fault of either kind."""
    for word, _, fault in FAULTS.values():
        text = text.replace(word, fault.format(version))
    return text


def right_text(text: str, version: int) -> str:
    """The text without faults."""
    for word, good, _ in FAULTS.values():
        text = text.replace(word, good.format(version))
    return text


def edits(text: str, kind: str, number: int) -> Iterator[tuple[int, str, bool]]:
    """Versions of a text, by turns with and without the fault of one kind."""
    word, good, bad = FAULTS[kind]
    rest = text.replace(word, "\0")
    rest = right_text(rest, 1)
    for version in range(2, number + 2):
        faulty = version % 2 == 0
        yield version, rest.replace("\0", (bad if faulty else good).format(version)), faulty


def measure(command: list[str], kind: str, text: str, number: int, *, pull: bool) -> list[float]:
    """Milliseconds from an edit to the right diagnostics."""
    times: list[float] = []
    right = RIGHT[kind]
    with TemporaryDirectory() as folder:
        server = Server(command, Path(folder), pull=pull)
        uri = server.open(Path(folder) / "kernels.py", right_text(text, 1))
        server.shown(uri, right(1, faulty=False))
        for version, edited, faulty in edits(text, kind, number + WARM_UP):
            time.sleep(PAUSE)
            begin = server.change(uri, version, edited)
            times.append((server.shown(uri, right(version, faulty=faulty)) - begin) * 1e3)
        server.stop()
    return times[WARM_UP:]


def measure_starts(command: list[str], text: str, kinds: tuple[str, ...]) -> list[list[float]]:
    """Milliseconds from the start of a server to diagnostics that show each kind of fault.

    The file has both faults.
    """
    times: list[list[float]] = [[] for _ in kinds]
    for _ in range(STARTS + 1):
        with TemporaryDirectory() as folder:
            server = Server(command, Path(folder), pull=False)
            uri = server.open(Path(folder) / "kernels.py", faulty_text(text, 1))
            for number, kind in enumerate(kinds):
                at = server.shown(uri, RIGHT[kind](1, faulty=True))
                times[number].append((at - server.started) * 1e3)
            server.stop()
    # The first start may have to write byte code and to fill the disk's cache.
    return [found[1:] for found in times]


def place_of(text: str, name: str) -> dict[str, int]:
    """Where a function's name stands in its `def`."""
    line = next(n for n, line in enumerate(text.split("\n")) if line.startswith(f"def {name}("))
    return {"line": line, "character": 5}


def measure_hover(command: list[str], text: str, number: int, name: str) -> list[float]:
    """Milliseconds of hovers over a function's name, one behind each edit."""
    times: list[float] = []
    with TemporaryDirectory() as folder:
        server = Server(command, Path(folder), pull=False)
        uri = server.open(Path(folder) / "kernels.py", right_text(text, 1))
        server.shown(uri, cheap(1, faulty=False))
        for version, edited, faulty in edits(text, "cheap", number + WARM_UP):
            server.change(uri, version, edited)
            server.shown(uri, cheap(version, faulty=faulty))
            time.sleep(PAUSE)
            at = {"textDocument": {"uri": uri}, "position": place_of(edited, name)}
            begin = time.perf_counter()
            end, answer = server.ask("textDocument/hover", at)
            if answer is None:
                raise SystemExit("there is no hover")
            times.append((end - begin) * 1e3)
        server.stop()
    return times[WARM_UP:]


def measure_ptx(text: str, number: int) -> list[float]:
    """Milliseconds from an edit to the PTX of the edited kernel."""
    times: list[float] = []
    word = FAULTS["cheap"][0]
    with TemporaryDirectory() as folder:
        server = Server(OXIDE, Path(folder), pull=False)
        uri = server.open(Path(folder) / "kernels.py", right_text(text, 1))
        params = {"textDocument": {"uri": uri}, "kernel": "edited_cheap"}
        server.ask("oxide/ptx", params)
        rest = text.replace(word, "\0")
        for version in range(2, number + WARM_UP + 2):
            time.sleep(PAUSE)
            edited = right_text(rest, 1).replace("\0", f"{version}.0")
            begin = server.change(uri, version, edited)
            at, answer = server.ask("oxide/ptx", params)
            if answer["problem"] is not None:
                raise SystemExit(answer["problem"])
            times.append((at - begin) * 1e3)
        server.stop()
    return times[WARM_UP:]


def measure_memory(text: str, number: int) -> dict[str, object]:
    """MiB of server and worker along many edits, each of which is answered."""
    along: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        server = Server(OXIDE, Path(folder), pull=False)
        uri = server.open(Path(folder) / "kernels.py", right_text(text, 1))
        server.shown(uri, cheap(1, faulty=False))
        for version, edited, faulty in edits(text, "cheap", number):
            server.change(uri, version, edited)
            server.shown(uri, cheap(version, faulty=faulty))
            if version % max(number // 10, 1) == 0:
                along[str(version)] = round(server.memory(), 1)
                print(f"{version:>8} edits: {along[str(version)]:.0f} MiB", flush=True)
        server.stop()
    return {"edits": number, "mib_after_edits": along}


def rows_of(options: argparse.Namespace, text: str) -> Iterator[tuple[str, list[float]]]:
    """Every measurement of times, by its name."""
    number = options.edits
    for pull in (False, True):
        way = "pulled" if pull else "pushed"
        for kind in FAULTS:
            name = f"keystroke to {kind}, {way}"
            yield name, measure(OXIDE, kind, text, number, pull=pull)
    starts = measure_starts(OXIDE, text, ("cheap", "all"))
    yield from zip(("start to cheap", "start to all"), starts, strict=True)
    yield "hover", measure_hover(OXIDE, text, number, "edited_solved")
    yield "keystroke to PTX", measure_ptx(text, number)
    for other in options.others:
        command = [str(found(other)), *OTHERS[other][1:]]
        for pull in (False, True):
            way = "pulled" if pull else "pushed"
            times = measure(command, "cheap", text, number, pull=pull)
            yield f"{other}: keystroke to diagnostics, {way}", times
        yield f"{other}: start to diagnostics", measure_starts(command, text, ("cheap",))[0]
        if other != "ruff":
            yield f"{other}: hover", measure_hover(command, text, number, "edited_solved")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--long", type=int, default=10_000)
    here = [name for name in OTHERS if found(name) is not None]
    parser.add_argument("--others", nargs="*", choices=OTHERS, default=here)
    options = parser.parse_args()
    started = time.perf_counter()
    if options.file is None:
        text = all_examples() + EDITED
    else:
        text = f"{options.file.read_text(encoding='utf-8')}\n\nfrom oxide import {NAMES}{EDITED}"
    lines, kernels = text.count("\n"), text.count("@kernel")
    figures: dict[str, object] = {
        "lines": lines,
        "kernels": kernels,
        "edits": options.edits,
        "starts": STARTS,
        "load_before": load(),
    }
    print(f"{lines} lines, {kernels} kernels, {options.edits} edits")
    print(f"{'':<40} median ms   p95 ms   max ms")
    for title, times in rows_of(options, text):
        times.sort()
        median, p95 = times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
        print(f"{title:<40} {median:>9.1f} {p95:>8.1f} {times[-1]:>8.1f}", flush=True)
        figures[title] = {
            "median_ms": round(median, 1),
            "p95_ms": round(p95, 1),
            "worst_ms": round(times[-1], 1),
        }
    if options.long:
        figures["memory"] = measure_memory(text, options.long)
    figures["load_after"] = load()
    print(f"\n{write('editor_latency', figures, started).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
