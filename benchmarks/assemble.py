"""Whether ptxas accepts what every example and every test kernel becomes, for every architecture.

    python benchmarks/assemble.py
    python benchmarks/assemble.py --sm sm_90a --seed 0 --count 40

Each proved kernel is compiled in each of its forms (`forms`); a kernel that an architecture lacks
the instructions or the shared memory for is refused before, and counted. Open kernels take their
first instance. Slices repeat: `--seed` is the first file, `--count` how many. Writes
`benchmarks/results/assemble.json`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import toolchain
from oxide_codegen.forms import Form
from oxide_codegen.ptx import compile_ptx, has_form
from oxide_codegen.target import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_codegen.ptx import Ptx

TARGETS = ("sm_75", "sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120")
FOLDERS = (
    "examples",
    *(f"tests/kernels/{kind}" for kind in ("safe", "unproved", "parity", "beyond")),
)


def main() -> int:
    """Compile, assemble, count, write; 1 if ptxas refuses something."""
    parser = argparse.ArgumentParser(description="Assemble every example and test kernel.")
    parser.add_argument("--sm", action="append", help="an architecture; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="the first file")
    parser.add_argument("--count", type=int, default=None, help="how many files")
    options = parser.parse_args()
    if toolchain.ptxas() is None:
        raise SystemExit("there is no ptxas")
    started = time.perf_counter()
    stop = None if options.count is None else options.seed + options.count
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    kernels = [found for path in files[options.seed : stop] for found in _kernels(path)]
    rows: dict[str, dict[str, object]] = {}
    failures: list[dict[str, str]] = []
    for sm in options.sm or TARGETS:
        tally, refused = _target(kernels, sm)
        rows[sm] = dict(tally)
        failures += refused
        print(sm, rows[sm], flush=True)
    for failure in failures:
        print(f"{failure['kernel']} for {failure['sm']}: {failure['what']}")
    figures = {
        "ptxas": _version(),
        "files": len(files[options.seed : stop]),
        "kernels": len(kernels),
        "targets": rows,
        "failures": failures,
    }
    print(write("assemble", figures, started).relative_to(ROOT))
    return 1 if failures else 0


def _kernels(path: Path) -> Iterator[tuple[str, CheckedKernel]]:
    name = path.relative_to(ROOT).as_posix()
    source = SourceFile(name, path.read_text(encoding="utf-8"))
    for report in check(source, NoModules()).kernels:
        if report.checked is not None:
            yield f"{name}:{report.name}", report.checked


def _target(
    kernels: list[tuple[str, CheckedKernel]], sm: str
) -> tuple[Counter[str], list[dict[str, str]]]:
    tally: Counter[str] = Counter()
    failures: list[dict[str, str]] = []

    def note(name: str, what: str) -> None:
        tally["failures"] += 1
        failures.append({"kernel": name, "sm": sm, "what": what})

    with ThreadPoolExecutor(2) as pool:
        waiting: list[tuple[str, object]] = []
        for name, checked in kernels:
            for form in (Form(*one) for one in product((False, True), repeat=2)):
                if not has_form(checked, form, frozenset()):
                    continue
                try:
                    compiled = compile_ptx(checked, sm, form)
                except Unsupported:
                    tally["unsupported"] += 1
                    continue
                waiting.append((f"{name} {form}", pool.submit(_assembled, compiled)))
        for name, future in waiting:
            used = future.result()  # type: ignore[attr-defined]
            if isinstance(used, str):
                note(name, used)
                continue
            tally["assembled"] += 1
            if used.spill_loads or used.spill_stores:
                tally["with spills"] += 1
            tally["registers, most"] = max(tally["registers, most"], used.registers)
    return tally, failures


def _assembled(compiled: Ptx) -> toolchain.Resources | str:
    try:
        used = toolchain.registers(compiled.text, compiled.sm)
    except toolchain.AssemblyError as error:
        return str(error).strip().splitlines()[0]
    return used or "ptxas is gone"


def _version() -> str:
    import subprocess

    done = subprocess.run(
        [str(toolchain.ptxas()), "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-2]


if __name__ == "__main__":
    raise SystemExit(main())
