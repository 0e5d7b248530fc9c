"""How long an editor waits for what it shows: hovers, lenses, hints, outline, highlighting.

Asks the language server through its pipe, about a file that has been checked, and right behind an
edit, while the solver works: then the server also reads the new text. None of the answers may wait
for the solver or the compiler.

    python benchmarks/editor_answers.py [--rounds N] [--seed N]

The file holds the kernels of all examples. Writes `benchmarks/results/editor_answers.json`.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from editor_latency import EDITED, FAULTS, Server, all_examples, open_file, stop
from machine_record import ROOT, load, write

_WORD = re.compile(r"[^\W\d]\w*")
_HINTS = ["sharedMemory", "checks", "types", "ranges", "divergence", "launchFacts"]
# What the editor asks, besides hovers: all hints at once is more than anybody shows.
_WHOLE = {
    "lenses": "textDocument/codeLens",
    "outline": "textDocument/documentSymbol",
    "highlighting": "textDocument/semanticTokens/full",
}


class Editor:
    """Asks, and notes how long the answers took."""

    def __init__(self, server: Server, uri: str, text: str) -> None:
        self._server, self._uri, self.text = server, uri, text
        self._numbers = itertools.count(10)
        self._versions = itertools.count(2)
        self.times: dict[str, list[float]] = {}

    def ask(self, title: str, method: str, params: Any) -> Any:
        """The answer; its milliseconds go under the title."""
        number = next(self._numbers)
        begin = time.perf_counter()
        self._server.send(method, params, number)
        at, message = self._server.wait(lambda m: m.get("id") == number and "method" not in m)
        self.times.setdefault(title, []).append((at - begin) * 1e3)
        return message["result"]

    def draw(self, where: str, chance: random.Random) -> None:
        """Ask what an editor asks when it draws, and what is under the mouse."""
        document = {"textDocument": {"uri": self._uri}}
        lines = self.text.split("\n")
        for _ in range(5):
            line = chance.choice([n for n, text in enumerate(lines) if _WORD.search(text)])
            word = chance.choice(list(_WORD.finditer(lines[line])))
            place = {"line": line, "character": word.start()}
            self.ask(f"hover, {where}", "textDocument/hover", {**document, "position": place})
        for title, method in _WHOLE.items():
            found = self.ask(f"{title}, {where}", method, document)
            if title == "lenses":
                for lens in found:
                    self.ask(f"one lens, {where}", "codeLens/resolve", lens)
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99_999, "character": 0}}
        self.ask(f"hints, {where}", "textDocument/inlayHint", {**document, "range": whole})

    def edit(self, text: str) -> int:
        """The file is another one; its version."""
        version = next(self._versions)
        self.text = text
        self._server.send(
            "textDocument/didChange",
            {"textDocument": {"uri": self._uri, "version": version},
             "contentChanges": [{"text": text}]},
        )  # fmt: skip
        return version

    def settle(self, version: int, code: str, *, faulty: bool) -> None:
        """Wait until the solver has spoken."""

        def right(message: dict[str, Any]) -> bool:
            params = message.get("params", {})
            if not isinstance(params, dict) or params.get("version") != version:
                return False
            return faulty == any(d["code"] == code for d in params["diagnostics"])

        self._server.wait(right)


def measure(rounds: int, seed: int) -> dict[str, list[float]]:
    """The milliseconds of each kind of answer."""
    chance = random.Random(seed)
    template = (all_examples() + EDITED).replace("CHEAP", "1.0")
    word, good, bad, code = FAULTS["all"]
    with TemporaryDirectory() as folder:
        server, uri, _ = open_file(Path(folder), template.replace(word, good.format(0)))
        editor = Editor(server, uri, template.replace(word, good.format(0)))
        server.send("workspace/didChangeConfiguration", {"settings": {"inlayHints": _HINTS}})
        faulty = False
        for number in range(1, rounds + 1):
            faulty = not faulty
            text = template.replace(word, (bad if faulty else good).format(number))
            version = editor.edit(text)
            editor.draw("behind an edit", chance)
            if number % 2:
                # Not every answer of the solver is waited for by name: the next edit may overtake.
                continue
            version = editor.edit(text.replace(f"# {number}", f"# {number} again"))
            editor.settle(version, code, faulty=faulty)
            time.sleep(0.3)
            editor.draw("at rest", chance)
        stop(server)
    return editor.times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.perf_counter()
    before = load()
    times = measure(options.rounds, options.seed)
    figures: dict[str, object] = {"rounds": options.rounds, "seed": options.seed}
    figures["load_before"] = before
    print(f"{'':<28} {'median ms':>10} {'p95 ms':>8} {'max ms':>8}")
    for title, found in times.items():
        found.sort()
        median, p95 = found[len(found) // 2], found[int(0.95 * (len(found) - 1))]
        print(f"{title:<28} {median:>10.1f} {p95:>8.1f} {found[-1]:>8.1f}")
        figures[title] = {
            "answers": len(found),
            "median_ms": round(median, 2),
            "p95_ms": round(p95, 2),
            "worst_ms": round(found[-1], 2),
        }
    print(f"\n{write('editor_answers', figures, started).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
