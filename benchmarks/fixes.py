"""Every fix that the broken kernels of the tests and the examples of the rule pages are offered.

    python benchmarks/fixes.py [--seed 0 --count 50]

Applies each to its source, checks and runs that again (`tests/fixing.py` says what is right), and
prints a row for each rule: fixes tried, and of these right. A slice takes that many files, from a
place that the seed says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import machine_record

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

KERNELS = ("kernels/unsafe", "kernels/beyond", "kernels/parity", "kernels/unproved", "numba/unsafe")
# A kernel with a second defect of the same kind, which shows once its threads go on.
UNCOVERS = {"tests/kernels/unsafe/columns_of_image_digits.py"}


def main() -> int:
    """Try them, print the table, write the record."""
    from fixing import trials  # pyright: ignore[reportMissingImports]
    from mdtest import sections  # pyright: ignore[reportMissingImports]
    from oxide_analyzer import rules
    from oxide_analyzer.modules import NoModules, ProjectModules
    from oxide_analyzer.source import SourceFile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=None)
    options = parser.parse_args()
    started = time.perf_counter()
    files = [path for folder in KERNELS for path in sorted((ROOT / "tests" / folder).glob("*.py"))]
    files += sorted(Path(rules.__file__).parent.glob("*.md"))
    if options.count is not None:
        files = [files[(options.seed + k) % len(files)] for k in range(options.count)]
    tried: Counter[str] = Counter()
    right: Counter[str] = Counter()
    without: Counter[str] = Counter()
    wrong: list[str] = []
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py":
            texts = [(name, path.read_text(encoding="utf-8"))]
            modules = ProjectModules((path.parent,))
        else:
            texts = [(f"{name}: {s.title}", s.text) for s in sections(path, name)]
            modules = NoModules()
        for shown, text in texts:
            for trial in trials(SourceFile(shown, text), modules):
                code = trial.diagnostic.code
                tried[code] += 1
                right[code] += not trial.problems
                if trial.problems and name not in UNCOVERS:
                    wrong.append(str(trial))
                elif trial.problems:
                    without[code] += 1
    print(f"{'rule':8}{'tried':>8}{'right':>8}{'uncover':>9}")
    for code in sorted(tried):
        print(f"{code:8}{tried[code]:8}{right[code]:8}{without[code]:9}")
    for text in wrong:
        print(text)
    if options.count is None:
        figures = {
            "files": len(files),
            "tried": dict(sorted(tried.items())),
            "right": dict(sorted(right.items())),
            "uncovered_another_defect": dict(sorted(without.items())),
            "wrong": wrong,
        }
        print(machine_record.write("fixes", figures, started))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
