"""How long a kernel takes from its source to PTX, and to machine code of the host.

    python benchmarks/compile_time.py

For each example, in one warm process: reading and checking, lowering to LLVM text, the whole way
to PTX and to native code, each the median of several rounds of processor time, which tells more
than the clock where others are at work; registers where ptxas is found. Then, by the clock, vecadd
from the start of a process that has nothing loaded. Writes `benchmarks/results/compile_time.json`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import toolchain
from oxide_codegen.forms import Form
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx, lower

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.checked import CheckedKernel

SM = "sm_90"
# The code that a first launch compiles, as likely as not.
FORM = Form(ordinary=True)
ROUNDS = 9
COLD = """
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen.forms import Form
from oxide_codegen.ptx import compile_ptx
path = "examples/vecadd.py"
report = check(SourceFile(path, open(path, encoding="utf-8").read()), NoModules())
compile_ptx(report.kernels[0].checked, "sm_90", Form(ordinary=True))
"""


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    figures: dict[str, object] = {"sm": SM, "rounds": ROUNDS, "clock": "processor time"}
    kernels: dict[str, dict[str, object]] = {}
    print(f"{'ms':<14}{'check':>8}{'lower':>8}{'to PTX':>8}{'native':>8}{'registers':>11}")
    for path in sorted((ROOT / "examples").glob("*.py")):
        if path.name == "run_all.py":
            continue
        source = SourceFile(f"examples/{path.name}", path.read_text(encoding="utf-8"))
        for report in check(source, NoModules()).kernels:
            if report.checked is None:
                print(f"{report.name:<14} is {report.verdict}: nothing to compile")
                continue
            kernels[report.name] = row = _measure(source, report.checked)
            print(
                f"{report.name:<14}"
                + "".join(f"{row[key]:>8}" for key in ("check", "lower", "ptx", "native"))
                + f"{row['registers']!s:>11}"
            )
    figures["kernels"] = kernels
    figures["cold_process_seconds"] = cold = round(_cold(), 3)
    print(f"cold process to PTX of vecadd: {cold} s")
    print(write("compile_time", figures, started).relative_to(ROOT))
    return 0


def _measure(source: SourceFile, checked: CheckedKernel) -> dict[str, object]:
    resources = toolchain.registers(compile_ptx(checked, SM, FORM).text, SM)
    return {
        "check": _median(lambda: check(source, NoModules())),
        "lower": _median(lambda: lower(checked, SM, FORM)),
        "ptx": _median(lambda: compile_ptx(checked, SM, FORM)),
        "native": _median(lambda: compile_native(checked)),
        "registers": resources.registers if resources else None,
    }


def _median(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        times.append((time.process_time() - begin) * 1000)
    return round(statistics.median(times), 2)


def _cold() -> float:
    times: list[float] = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", COLD], cwd=ROOT, check=True)
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    raise SystemExit(main())
