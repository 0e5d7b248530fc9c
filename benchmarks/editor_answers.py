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

from editor_client import Server
from editor_latency import EDITED, FAULTS, all_examples, solved
from machine_record import ROOT, load, write

_WORD = re.compile(r"[^\W\d]\w*")
_REST = 0.5
_HINTS = ["sharedMemory", "checks", "types", "ranges", "divergence", "launchFacts"]
# What the editor asks, besides hovers: all hints at once is more than anybody shows.
_WHOLE = {
    "lenses": "textDocument/codeLens",
    "outline": "textDocument/documentSymbol",
    "highlighting": "textDocument/semanticTokens/full",
}


class Editor:
    """Asks, and notes how long the answers took."""

    def __init__(self, server: Server, uri: str) -> None:
        self._server, self._uri, self._text = server, uri, ""
        self._versions = itertools.count(2)
        self.times: dict[str, list[float]] = {}

    def ask(self, title: str, method: str, params: Any) -> Any:
        """The answer; its milliseconds go under the title."""
        begin = time.perf_counter()
        at, answer = self._server.ask(method, params)
        self.times.setdefault(title, []).append((at - begin) * 1e3)
        return answer

    def draw(self, where: str, chance: random.Random) -> None:
        """Ask what an editor asks when it draws, and what is under the mouse."""
        document = {"textDocument": {"uri": self._uri}}
        lines = self._text.split("\n")
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
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
        self.ask(f"hints, {where}", "textDocument/inlayHint", {**document, "range": whole})

    def edit(self, text: str) -> None:
        """The file is another one."""
        self._text = text
        self._server.change(self._uri, next(self._versions), text)


def measure(rounds: int, seed: int) -> dict[str, list[float]]:
    """The milliseconds of each kind of answer."""
    chance = random.Random(seed)
    template = (all_examples() + EDITED).replace(FAULTS["cheap"][0], "1.0")
    word, good, bad = FAULTS["all"]
    with TemporaryDirectory() as folder:
        server = Server([sys.executable, "-m", "oxide_lsp", "--stdio"], Path(folder), pull=True)
        uri = server.open(Path(folder) / "kernels.py", template.replace(word, good.format(0)))
        server.send("workspace/didChangeConfiguration", {"settings": {"inlayHints": _HINTS}})
        editor = Editor(server, uri)
        for number in range(1, rounds + 1):
            faulty = number % 2 == 1
            editor.edit(template.replace(word, (bad if faulty else good).format(number)))
            editor.draw("behind an edit", chance)
            server.shown(uri, solved(number, faulty=faulty))
            time.sleep(_REST)
            editor.draw("at rest", chance)
        server.stop()
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
