"""The programs under `tests/numba/programs` by Numba and by Oxide: results, launches, run times.

    python benchmarks/numba_results.py --target cpu --numba /path/to/python-with-numba
    python benchmarks/numba_results.py --target gpu

Each program runs as it stands under Numba, and with `from numba import cuda` changed to
`from oxide.numba import cuda` under Oxide; the arrays that its `main` returns are compared:
integers bit for bit, floats by units in the last place. On the cpu, Numba is its simulator for CUDA
(`NUMBA_ENABLE_CUDASIM=1`) in another Python, which computes with NumPy's numbers and not with the
types that Numba's compiler gives; on a GPU it is Numba for CUDA in this Python. There launches are
timed too: what a launch of a small kernel costs the host, and how long kernels take.
"""

from __future__ import annotations

import argparse
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

HERE = Path(__file__).parent
PROGRAMS = HERE.parent / "tests" / "numba" / "programs"
# So many units in the last place may results of functions differ in, beside those of + - * /.
LIMIT = {"float16": 1, "float32": 4, "float64": 4, "complex64": 16, "complex128": 16}
# Of results whose terms are added in an order that nobody promises, or nearly cancel.
SUMS = {"matmul": 16, "block_sums": 16, "row_norms": 16, "real_functions": 16}
CHANGES = {"from numba": "from oxide.numba", "import numba": "import oxide.numba"}


def main() -> int:
    """Run, compare, print, and write a record."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--target", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--numba", default=sys.executable, help="the Python that has Numba")
    parser.add_argument("--run", help="only run the programs by this, and write what they give")
    parser.add_argument("--write", help="where to")
    parser.add_argument("--name", help="the record to write")
    parser.add_argument("--commit", help="what is measured, where there is no git to say it")
    parser.add_argument("--launches", type=int, default=20000)
    arguments = parser.parse_args()
    if arguments.run:
        found = run(arguments.run, arguments.target, arguments.launches)
        Path(arguments.write).write_bytes(pickle.dumps(found))
        return 0
    started = time.perf_counter()
    results = {by: _by(by, arguments) for by in ("numba", "oxide")}
    rows, failed = compared(results["numba"], results["oxide"])
    for row in rows:
        print(f"{row['program']:14} {row['result']:34} {row['type']:8} {row['difference']}")
        for example in row["examples"]:
            print(f"    {example}")
    print(f"{len(rows)} results, {failed} differ by more than they may")
    for by, found in results.items():
        for program, error in found["errors"].items():
            print(f"{by}: {program}: {error}")
    times = {by: found["times"] for by, found in results.items()}
    for what in times["oxide"]:
        both = " ".join(f"{by} {times[by].get(what, float('nan')):9.2f}" for by in times)
        print(f"{what:28} {both} us")
    if arguments.name:
        from machine_record import write

        record = {
            "versions": {by: found["version"] for by, found in results.items()},
            "target": arguments.target,
            "results": len(rows),
            "beyond": [row for row in rows if row["beyond"]],
            "largest": _largest(rows),
            "errors": {by: found["errors"] for by, found in results.items()},
            "warnings": results["oxide"]["warnings"],
            "microseconds": times,
        }
        write(arguments.name, record, started, arguments.commit)
    return 1 if failed else 0


def _by(by: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """What the programs give by one of the two, each in a process of its own."""
    environment = dict(os.environ)
    python = sys.executable
    if by == "numba" and arguments.target == "cpu":
        python, environment["NUMBA_ENABLE_CUDASIM"] = arguments.numba, "1"
    if by == "oxide":
        environment["OXIDE_DEVICE"] = "cpu" if arguments.target == "cpu" else "cuda"
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "found"
        subprocess.run(
            [
                python,
                __file__,
                "--run",
                by,
                "--target",
                arguments.target,
                "--write",
                str(there),
                "--launches",
                str(arguments.launches),
            ],
            env=environment,
            check=True,
        )
        # What this very script has written.
        return pickle.loads(there.read_bytes())


def run(by: str, target: str, launches: int) -> dict[str, Any]:
    """Run all programs here."""
    if not hasattr(np, "row_stack"):
        # Some versions of Numba for CUDA want it, and newer ones of NumPy lack it.
        np.row_stack = np.vstack  # pyright: ignore[reportAttributeAccessIssue]
    found: dict[str, Any] = {"results": {}, "errors": {}, "times": {}, "warnings": []}
    for path in sorted(PROGRAMS.glob("*.py")):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            start = time.perf_counter()
            try:
                found["results"][path.stem] = loaded(path, by).main()
            except Exception as error:
                # Not every program runs everywhere: the simulator computes with Python's numbers.
                found["errors"][path.stem] = f"{type(error).__name__}: {error}"[:2000]
            found["times"][f"{path.stem}, first run"] = 1e6 * (time.perf_counter() - start)
        if by == "oxide":
            told = [str(w.message).splitlines()[0] for w in caught]
            found["warnings"] += [re.sub(r"/\S*/", "", text) for text in told]
    try:
        found["times"] |= timed(by, target, launches)
    except Exception as error:
        found["errors"]["times"] = f"{type(error).__name__}: {error}"[:2000]
    found["version"] = _version(by)
    return found


def loaded(path: Path, by: str) -> ModuleType:
    """A program, under the imports of one of the two."""
    text = path.read_text(encoding="utf-8")
    if by == "oxide":
        for old, new in CHANGES.items():
            text = text.replace(old, new)
    # Kernels are compiled from their source, so it is a file.
    folder = Path(tempfile.mkdtemp())
    file = folder / path.name
    file.write_text(text, encoding="utf-8")
    import importlib.util

    spec = importlib.util.spec_from_file_location(f"{path.stem}_{by}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _version(by: str) -> str:
    if by == "oxide":
        return "this"
    found: list[str] = []
    for name in ("numba", "numba-cuda"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


# ---------------------------------------------------------------- comparison


def compared(numba: dict[str, Any], oxide: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """One row for each result, and how many differ by more than they may."""
    rows: list[dict[str, Any]] = []
    for program, results in numba["results"].items():
        if program not in oxide["results"]:
            continue
        others = oxide["results"][program]
        assert list(results) == list(others), program
        for name, expected in results.items():
            units = difference(expected, others[name])
            limit = SUMS.get(name, LIMIT.get(str(expected.dtype), 0))
            rows.append(
                {
                    "program": program,
                    "result": name,
                    "type": str(expected.dtype),
                    "difference": units,
                    "beyond": units > limit,
                    "examples": _examples(expected, others[name]) if units > limit else [],
                }
            )
    return rows, sum(row["beyond"] for row in rows)


def _examples(one: Any, other: Any) -> list[str]:
    """The first places where two arrays differ."""
    places = np.argwhere(one != other)[:4]
    return [f"{p.tolist()}: {one[tuple(p)]} and {other[tuple(p)]}" for p in places]


def difference(one: Any, other: Any) -> int:
    """The largest distance between two arrays, in numbers of their type."""
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    if one.dtype.kind == "c":
        # Of a complex number the larger part is exact to so many digits, and the smaller one to
        # as many behind the point.
        with np.errstate(over="ignore"):
            distance = np.abs(one - other) / np.spacing(np.abs(one))
        beyond = ~np.isfinite(distance)
        return 1 << 62 if beyond.any() else int(np.ceil(distance.max(initial=0)))
    if one.dtype.kind != "f":
        return int((one != other).sum()) and 1 << 62
    both_nan = np.isnan(one) & np.isnan(other)
    if (np.isnan(one) != np.isnan(other)).any():
        return 1 << 62
    places = [_ordered(np.where(both_nan, 0, array).astype(one.dtype)) for array in (one, other)]
    pairs = zip(*map(np.ravel, places), strict=True)
    return max((abs(int(a) - int(b)) for a, b in pairs), default=0)


def _ordered(array: Any) -> Any:
    """Floats as integers in the order of the floats."""
    bits = np.ascontiguousarray(array).view(f"i{array.dtype.itemsize}").astype(object)
    sign = 1 << (8 * array.dtype.itemsize - 1)
    return np.where(array < 0, -(bits & (sign - 1)), bits & (sign - 1))


def _largest(rows: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["type"]] = max(found.get(row["type"], 0), row["difference"])
    return found


# ---------------------------------------------------------------- times


def timed(by: str, target: str, launches: int) -> dict[str, float]:
    """Microseconds: of the host for a launch, and of kernels."""
    if target == "cpu" and by == "numba":
        return {}
    program = loaded(HERE / "gpu_numba.py", by)
    cuda = program.cuda
    n = 1 << 20
    small = [cuda.to_device(np.ones(256, np.float32)) for _ in range(3)]
    large = [cuda.to_device(np.ones(n, np.float32)) for _ in range(3)]
    side = 512 if target == "gpu" else 64
    square = [cuda.to_device(np.ones((side, side), np.float32)) for _ in range(3)]
    tile = program.TILE
    grid = (-(-side // tile), -(-side // tile))
    host = [np.ones(256, np.float32) for _ in range(3)]
    scaled = _scaled(cuda, by)

    def launch(kernel: Any, grid: Any, block: Any, arrays: Any) -> Callable[[], None]:
        configured = kernel[grid, block]
        return lambda: configured(*arrays)

    return {
        "launch": _rate(cuda, launch(program.vecadd, 1, 256, small), launches),
        "k[g, b](...)": _rate(cuda, lambda: program.vecadd[1, 256](*small), launches),
        "launch with a number": _rate(cuda, lambda: scaled[1, 256](small[0], 2.0, 3), launches),
        "launch of host arrays": _rate(cuda, launch(program.vecadd, 1, 256, host), launches // 20),
        "vecadd 1 Mi": _rate(cuda, launch(program.vecadd, n // 256, 256, large), launches // 20),
        f"naive matmul {side}": _rate(cuda, launch(program.naive, grid, (tile, tile), square), 100),
        f"tiled matmul {side}": _rate(cuda, launch(program.tiled, grid, (tile, tile), square), 100),
    }


def _scaled(cuda: Any, by: str) -> Any:
    text = (
        "from numba import cuda\n\n\n@cuda.jit\ndef scaled(x, factor, n):\n"
        "    i = cuda.grid(1)\n    if i < n:\n        x[i] *= factor\n"
    )
    folder = Path(tempfile.mkdtemp())
    (folder / "scaled.py").write_text(text, encoding="utf-8")
    del cuda
    return loaded(folder / "scaled.py", by).scaled


def _rate(cuda: Any, call: Callable[[], None], count: int) -> float:
    """The shortest of five times for one of `count` calls, waited for at the end."""
    call()
    call()
    call()
    cuda.synchronize()
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            call()
        cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / count)
    return 1e6 * best


if __name__ == "__main__":
    sys.exit(main())
