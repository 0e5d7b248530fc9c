"""Break correct kernels in many small ways, and try to refute every proof that is left.

    python benchmarks/mutate_kernels.py [SECONDS]

Each mutant of a safe kernel drops a barrier or a guard, or is off by one in a comparison, an
index, an axis or a constant. Some are still correct. What the analyzer proves is run in the
reference interpreter on small launches that fulfil its facts: a failure there is a false proof.
Prints the verdicts, and exits with 1 if there is a false proof or a crash.
"""

from __future__ import annotations

import ast
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.modules import NoModules
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.report import KernelReport

ROOT = Path(__file__).resolve().parent.parent
LAUNCHES = 24
STEPS = 120_000
TYPES = ("Slice", "DisjointSlice", "AtomicSlice", "SharedArray", "LocalArray", "tuple")
SHIFTED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


def main(arguments: list[str]) -> int:
    """Mutate, check, try to refute."""
    deadline = time.monotonic() + float(arguments[0] if arguments else 600)
    verdicts: Counter[str] = Counter()
    wrong = 0
    paths = [*sorted((ROOT / "tests/kernels/safe").glob("*.py"))]
    paths += [p for p in sorted((ROOT / "examples").glob("*.py")) if p.name != "run_all.py"]
    for path in paths:
        for what, line, text in mutants(path.read_text(encoding="utf-8")):
            if time.monotonic() > deadline:
                print("out of time")
                return _close(verdicts, wrong)
            for report in check(SourceFile(path.name, text), NoModules()).kernels:
                verdicts[report.verdict] += 1
                if failure := refuted(report):
                    wrong += 1
                    print(f"false proof: {path.name}:{line} {what}: {failure}")
    return _close(verdicts, wrong)


def _close(verdicts: Counter[str], wrong: int) -> int:
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    print(f"{wrong} false proofs")
    return 1 if wrong else 0


def refuted(report: KernelReport) -> str | None:
    """A failure of a kernel that was proved, on a launch that its facts admit."""
    if report.verdict is not Verdict.PROVED or report.kernel is None:
        return None
    values = {
        c.symbol: c.value if c.value is not None else (8 if c.type.is_integer else 1.5)
        for c in report.kernel.constants
    }
    kernel = specialise(report.kernel, values)
    facts = tuple(fact.condition for fact in report.facts)
    for launch in Admitted(kernel, facts).small(LAUNCHES):
        for failure in run(kernel, launch, budget=STEPS).failures:
            return f"grid {launch.grid}, block {launch.block}: {failure}"
    return None


def mutants(text: str) -> Iterator[tuple[str, int, str]]:
    """What was changed, in which line, and the file with that change."""
    for number in range(len(list(ast.walk(ast.parse(text))))):
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        if what := _mutate(nodes[number], nodes):
            yield (
                what,
                getattr(nodes[number], "lineno", 0),
                ast.unparse(ast.fix_missing_locations(tree)),
            )


def _mutate(node: ast.AST, nodes: list[ast.AST]) -> str | None:
    """Change the node in place, and say what was done; None if it is not one to change."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="sync_threads"))):
            for owner in nodes:
                for body in (getattr(owner, "body", None), getattr(owner, "orelse", None)):
                    if isinstance(body, list) and node in body:
                        body[body.index(node)] = ast.Pass()
            return "without the barrier"
        case ast.If() | ast.IfExp():
            node.test = ast.Compare(ast.Constant(0), [ast.Eq()], [ast.Constant(0)])
            return "without the condition"
        case ast.Compare(ops=[op]) if type(op) in SHIFTED:
            node.ops = [SHIFTED[type(op)]()]
            return "with the comparison off by one"
        case ast.Subscript(value=ast.Name(id=name)) if not name.startswith(TYPES):
            last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
            moved = ast.BinOp(last, ast.Add(), ast.Constant(1))
            if isinstance(node.slice, ast.Tuple):
                node.slice.elts[-1] = moved
            else:
                node.slice = moved
            return "with the index off by one"
        case ast.Attribute(value=ast.Name(id="thread"), attr="x"):
            node.attr = "y"
            return "along the other axis"
        case ast.Constant(value=1 | 2 as value) if not isinstance(value, bool):
            node.value = value + 1
            return "with a larger constant"
        case _:
            return None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
