"""Random Numba kernels on records and complex numbers: proofs, races, and three ways to run.

    python benchmarks/fuzz_records.py --seed 0 --count 400 --devices 40 --name fuzz_records

Each kernel stores to fields, parts and whole records of five arrays, at indices of its own and of
its neighbours, some of them behind conditions and barriers. What is proved has to run clean in the
interpreter, on the launches on which violations are looked for; `--devices` of these kernels run
through `oxide.numba` on the cpu, in the interpreter and watched, and have to leave the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from machine_record import write

import oxide
from oxide_analyzer import interpreter
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.numba import read
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.source import SourceFile

SIZE = 100
HEAD = """\
import numpy as np
from numba import complex64, cuda

cell = np.dtype([("a", "i4"), ("b", "f8")])
rec = np.dtype([("x", "f4"), ("v", "f4", (3,)), ("z", np.complex64), ("s", cell, (2,))])
uni = np.dtype(
    {"names": ["w", "l", "h"], "formats": ["u4", "u2", "u2"], "offsets": [0, 0, 2], "itemsize": 4}
)


@cuda.jit
def k(p, q, u, c):
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    tile = cuda.shared.array(64, rec)
"""
LAUNCH = """
n = 100
k[(n + 63) // 64, 64](np.zeros(n, rec), np.zeros(n, rec), np.zeros(n, uni), np.zeros(n, "c8"))
"""
INDICES = ("i", "i", "i // 2", "2 * i", "2 * i + 1", "i + 1", "i ^ 1", "0", "t", "p.size - 1 - i")
IN_TILE = ("t", "t", "t ^ 1", "63 - t", "t // 2", "(t + 1) % 64")
FIELDS = ("x", "x", "v[0]", "v[1]", "v[i % 3]", "v[i % 2]", "z", "z", "s[0].a", "s[i % 2].b")
GUARDS = ("i % 2 == 0", "i % 2 == 1", "t < 32", "i == 0", "t % 3 == 1")


def kernel(random: Random) -> str:
    """The text of a kernel."""
    lines: list[str] = []
    for _ in range(random.randint(1, 4)):
        target, array, index = _place(random)
        value = random.choice(("1", "i"))
        operator = random.choice(("=", "=", "+="))
        if array in "pq" and random.random() < 0.15:
            target, operator = f"{array}[{index}]", "="
            value = f"{random.choice('pq')}[{random.choice(INDICES[:3])}]"
        elif random.random() < 0.5:
            value, _, _ = _place(random)
            is_complex = value.endswith(".z") or value.startswith("c[")
            if is_complex and not (target.endswith(".z") or target.startswith("c[")):
                value = f"abs({value})"
        guards = [f"0 <= {index} < {array}.size"] if array in "pquc" else []
        if random.random() < 0.3:
            guards.append(random.choice(GUARDS))
        store = f"{target} {operator} {value}"
        if guards:
            lines += [f"    if {' and '.join(guards)}:", f"        {store}"]
        else:
            lines.append(f"    {store}")
        if random.random() < 0.3:
            lines.append("    cuda.syncthreads()")
    return HEAD + "\n".join(lines) + "\n"


def _place(random: Random) -> tuple[str, str, str]:
    """An element, its array, and the index in it."""
    array = random.choice(("p", "p", "q", "c", "u", "tile"))
    index = random.choice(IN_TILE if array == "tile" else INDICES)
    if array == "c":
        texts = (f"c[{index}]", f"c.real[{index}]", f"c.imag[{index}]")
        return random.choice(texts), array, index
    if array == "u":
        return f"u[{index}].{random.choice('wlh')}", array, index
    field = random.choice(FIELDS)
    if field == "x" and random.random() < 0.4:
        return f'{array}["x"][{index}]', array, index
    return f"{array}[{index}].{field}", array, index


def unclean(source: SourceFile) -> str | None:
    """What goes wrong with a proved kernel on a small launch."""
    found = read(source, ProjectModules(())).kernels[0]
    launched = replace(found, contract=found.launches[0].contract)
    for launch in Admitted(launched).small(4):
        outcome = interpreter.run(launched, launch, budget=300_000)
        if outcome.failures:
            return str(outcome.failures[0])
    return None


def arguments(module: Any, seed: int) -> list[Any]:
    """Arrays of small whole numbers."""
    rng = np.random.default_rng(seed)
    arrays = [np.zeros(SIZE, module.rec) for _ in range(2)]
    for array in arrays:
        _fill(array, rng)
    numbers = rng.integers(-4, 5, SIZE) + 1j * rng.integers(-4, 5, SIZE)
    return [*arrays, np.zeros(SIZE, module.uni), numbers.astype(np.complex64)]


def _fill(array: Any, rng: np.random.Generator) -> None:
    if array.dtype.names:
        for name in array.dtype.names:
            _fill(array[name], rng)
    elif array.dtype.kind == "c":
        array[...] = rng.integers(-4, 5, array.shape) + 1j * rng.integers(-4, 5, array.shape)
    else:
        array[...] = rng.integers(-4, 5, array.shape)


def differing(text: str, seed: int) -> list[str]:
    """The devices that do not leave what the cpu does."""
    folder = Path(tempfile.mkdtemp())
    file = folder / f"kernel_{seed}.py"
    file.write_text(text.replace("from numba", "from oxide.numba"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    left: dict[str, list[bytes]] = {}
    for device in ("cpu", "interpreter", "sanitizer"):
        given = arguments(module, seed)
        with oxide.device(device):
            module.k[2, 64](*given)
        left[device] = [array.tobytes() for array in given]
    return [device for device, found in left.items() if found != left["cpu"]]


def main() -> int:
    """Make kernels, judge, run, count."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--devices", type=int, default=20, help="kernels to run three ways")
    parser.add_argument("--name", help="the record to write")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    verdicts: dict[str, int] = {}
    false_proofs: list[int] = []
    apart: list[int] = []
    ran = 0
    for seed in range(given.seed, given.seed + given.count):
        text = kernel(Random(seed))
        source = SourceFile("k.py", text + LAUNCH)
        verdict = check(source, ProjectModules(())).kernels[0].verdict
        verdicts[verdict.value] = verdicts.get(verdict.value, 0) + 1
        if verdict is not Verdict.PROVED:
            continue
        wrong = unclean(source)
        if wrong is not None:
            false_proofs.append(seed)
            print(f"seed {seed} is proved, and\n{wrong}\n{text}")
        if ran < given.devices and "u[" not in text:
            ran += 1
            if differing(text, seed):
                apart.append(seed)
                print(f"seed {seed} differs between devices\n{text}")
    print(f"{given.count} kernels: {verdicts}; {ran} ran three ways")
    print(f"{len(false_proofs)} false proofs, {len(apart)} differ")
    if given.name:
        figures = {
            "kernels": given.count,
            "first_seed": given.seed,
            "verdicts": verdicts,
            "ran_three_ways": ran,
            "false_proofs": false_proofs,
            "differing": apart,
        }
        write(given.name, figures, started)
    return 1 if false_proofs or apart else 0


if __name__ == "__main__":
    sys.exit(main())
