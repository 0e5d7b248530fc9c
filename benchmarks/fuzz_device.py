"""Random kernels on an NVIDIA device: the same arrays as in the interpreter, bit for bit.

    python benchmarks/fuzz_device.py make programs.gz --seed 0 --count 500 --sm sm_90
    python benchmarks/fuzz_device.py make together.gz --programs together --jobs 16
    python benchmarks/fuzz_device.py run programs.gz

`make` needs no device: it runs each kernel in the interpreter, compiles it twice (with all checks
in place; with none, and its indices in 32 bits) with `contract` off, and packs PTX, inputs and
expected outputs into a file. `run` needs nothing but a driver: it launches them all and compares.
It writes `benchmarks/results/fuzz_device.json`, or what `--record` names.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import gzip
import json
import struct
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from math import isnan
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from machine_record import ROOT, driver_version, write  # noqa: E402

CODES = {"f32": "f", "f64": "d"}
SIZES = {"bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "f32": 4}
RECORD_SIZE = 64


def main() -> int:
    """Make, or run."""
    parser = argparse.ArgumentParser(description="Random kernels on an NVIDIA device.")
    parser.add_argument("action", choices=["make", "run"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--sm", default="sm_90")
    parser.add_argument(
        "--programs", choices=["deterministic", "together"], default="deterministic"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--record", default="fuzz_device")
    options = parser.parse_args()
    if options.action == "make":
        seeds = range(options.seed, options.seed + options.count)
        make(options.file, seeds, options.sm, options.programs, options.jobs)
        return 0
    return run_all(options.file, options.jobs, options.record)


def make(path: Path, seeds: range, sm: str, programs: str, jobs: int) -> None:
    """One line of JSON for each program and variant."""
    written = 0
    with (
        gzip.open(path, "wt", encoding="utf-8") as file,
        ProcessPoolExecutor(jobs, get_context("spawn")) as workers,
    ):
        for lines in workers.map(rows, seeds, [sm] * len(seeds), [programs] * len(seeds)):
            for line in lines:
                file.write(line + "\n")
                written += 1
    print(f"{written} kernels for {sm} in {path}")


def rows(seed: int, sm: str, programs: str) -> list[str]:
    """The lines of one program."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from codegen.differential import packed, variants
    from oxide_analyzer.interpreter import run
    from oxide_codegen import abi
    from oxide_codegen.ptx import compile_ptx
    from programs.generate import deterministic
    from programs.together import together

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    program = (together if programs == "together" else deterministic)(seed)
    kernel, launch = program.kernel(), program.launch
    outcome = run(kernel, launch)
    if not outcome.succeeded:
        print(f"seed {seed}: the interpreter does not succeed")
        return []
    found: list[str] = []
    for name, checked in variants(kernel, launch).items():
        ptx = compile_ptx(checked, sm, contract=False)
        cells: list[dict[str, str]] = []
        for slot in ptx.layout.slots:
            match slot:
                case abi.PointerSlot(array=array):
                    cells.append({"array": array})
                    continue
                case abi.ScalarSlot(name=scalar):
                    value = launch.scalars[scalar]
                case abi.DimensionSlot(array=array, axis=axis):
                    value = launch.arrays[array].shape[axis]
            cells.append({"cell": text(abi.Layout((slot,)).pack([value]))})
        arrays = {
            array: {
                "type": kernel.arrays[array].element.name,
                "before": text(packed(contents.values, kernel.arrays[array].element)),
                "after": text(packed(outcome.arrays[array].values, kernel.arrays[array].element)),
            }
            for array, contents in launch.arrays.items()
        }
        row = {
            "seed": seed,
            "variant": name,
            "ptx": ptx.text,
            "entry": ptx.entry,
            "hidden": abi.hidden(kernel),
            "shared": launch.shared,
            "dynamic": ptx.dynamic_shared + launch.shared,
            "cooperative": kernel.contract.cooperative,
            "grid": launch.grid,
            "block": launch.block,
            "cells": cells,
            "arrays": arrays,
        }
        found.append(json.dumps(row))
    return found


def run_all(path: Path, jobs: int, record: str) -> int:
    """Launch what a file holds, and compare."""
    started = time.perf_counter()
    agree, failing, seeds = 0, list[str](), list[int]()
    device = ""
    with ProcessPoolExecutor(jobs, get_context("spawn")) as workers:
        for name, agreeing, differing, tried in workers.map(
            run_share, [path] * jobs, range(jobs), [jobs] * jobs
        ):
            device, agree = name, agree + agreeing
            failing += differing
            seeds += tried
    figures = {
        "device": device,
        "driver": driver_version(),
        "seeds": [min(seeds), max(seeds)],
        "variants": agree + len(failing),
        "agree": agree,
        "failing": failing,
    }
    shown = write(record, figures, started).relative_to(ROOT)
    print(f"{device}: {agree} agree, {len(failing)} differ; {shown}")
    return 1 if failing else 0


def run_share(path: Path, share: int, shares: int) -> tuple[str, int, list[str], list[int]]:
    """Every `shares`-th line of the file: the device, how many agree, which do not, the seeds."""
    driver = Driver()
    agree, failing, seeds = 0, list[str](), list[int]()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % shares != share:
                continue
            row = json.loads(line)
            seeds.append(row["seed"])
            found = driver.compare(row)
            if found:
                failing.append(f"{row['seed']} {row['variant']}")
                print(f"seed {row['seed']}, {row['variant']}:", *found[:5], sep="\n  ")
            else:
                agree += 1
    return driver.name, agree, failing, seeds


class Driver:
    """The CUDA driver through ctypes: load, copy, launch."""

    def __init__(self) -> None:
        windows = sys.platform == "win32"
        self._cuda = ctypes.CDLL("nvcuda.dll" if windows else "libcuda.so.1")
        self._call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, 256, device)
        self.name = name.value.decode()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)

    def compare(self, row: dict[str, Any]) -> list[str]:
        """How the device differs from what the interpreter gave."""
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        try:
            self._call("cuModuleLoadData", ctypes.byref(module), row["ptx"].encode() + b"\0")
        except RuntimeError as error:
            return [str(error)]
        self._call("cuModuleGetFunction", ctypes.byref(function), module, row["entry"].encode())
        if row["dynamic"]:
            self._call("cuFuncSetAttribute", function, 8, row["dynamic"])
        memory = {
            name: self._copied(base64.b64decode(array["before"]))
            for name, array in row["arrays"].items()
        }
        record = self._copied(bytes(RECORD_SIZE))
        cells = [
            ctypes.create_string_buffer(base64.b64decode(cell["cell"]), 8)
            if "cell" in cell
            else memory[cell["array"]]
            for cell in row["cells"]
        ]
        hidden = {
            "failure": record,
            "shared": ctypes.c_uint64(row["shared"]),
            "workspace": self._copied(bytes(8)),
        }
        cells += [hidden[name] for name in row["hidden"]]
        parameters = (ctypes.c_void_p * len(cells))(*(ctypes.addressof(cell) for cell in cells))
        launch = "cuLaunchCooperativeKernel" if row["cooperative"] else "cuLaunchKernel"
        extra = () if row["cooperative"] else (None,)
        self._call(
            launch,
            function,
            *row["grid"],
            *row["block"],
            row["dynamic"],
            None,
            parameters,
            *extra,
        )
        self._call("cuCtxSynchronize")
        found: list[str] = []
        failure = self._read(record, RECORD_SIZE)
        if failure[:4] != bytes(4):
            found.append(f"a check failed: {failure.hex()}")
        for name, array in row["arrays"].items():
            expected = base64.b64decode(array["after"])
            found += _differences(
                name, array["type"], expected, self._read(memory[name], len(expected))
            )
        for address in (record, hidden["workspace"], *memory.values()):
            self._call("cuMemFree_v2", address)
        self._call("cuModuleUnload", module)
        return found

    def _copied(self, data: bytes) -> ctypes.c_uint64:
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(len(data), 1)))
        self._call("cuMemcpyHtoD_v2", address, data, ctypes.c_size_t(len(data)))
        return address

    def _read(self, address: ctypes.c_uint64, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(max(size, 1))
        self._call("cuMemcpyDtoH_v2", buffer, address, ctypes.c_size_t(size))
        return buffer.raw[:size]

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._cuda, name)(*arguments)
        if code:
            raise RuntimeError(f"{name} gives {code}")


def _differences(name: str, scalar: str, expected: bytes, actual: bytes) -> list[str]:
    """Elements whose bits differ; all NaNs are one."""
    if expected == actual:
        return []
    size = SIZES.get(scalar, 8)
    found: list[str] = []
    for start in range(0, len(expected), size):
        one, other = expected[start : start + size], actual[start : start + size]
        if one == other:
            continue
        if scalar in CODES:
            numbers = [struct.unpack(f"<{CODES[scalar]}", data)[0] for data in (one, other)]
            if all(isnan(number) for number in numbers):
                continue
        else:
            numbers = [int.from_bytes(data, "little") for data in (one, other)]
        found.append(f"{name}[{start // size}]: interpreter {numbers[0]!r}, device {numbers[1]!r}")
    return found


if __name__ == "__main__":
    sys.exit(main())
