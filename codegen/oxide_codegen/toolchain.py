"""What NVIDIA's assembler says about PTX, where one is installed: registers, spills, memory.

`ptxas` from PATH, from the toolkit that CUDA_HOME names, or from a wheel; else nvJitLink through
cuda.core. With `nvdisasm` the machine code as well. No GPU is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Resources:
    """What one thread (registers, spills and stack in bytes) and one block (shared) take."""

    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    shared: int


class AssemblyError(Exception):
    """The assembler refuses the PTX; the text is its own."""


_SECONDS = 120
_REGISTERS = re.compile(r"Used (\d+) registers")
_SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_SHARED = re.compile(r"(\d+) bytes smem")


def assemble(ptx: str, sm: str) -> bytes | None:
    """The cubin of PTX for one SM, None where `ptxas` is not installed."""
    tool = ptxas()
    return _run(tool, ptx, sm)[1] if tool is not None else None


def registers(ptx: str, sm: str) -> Resources | None:
    """The resources of the one kernel in `ptx`, None where no assembler is installed."""
    tool = ptxas()
    if tool is not None:
        return _parsed(_run(tool, ptx, sm)[0])
    if _has("cuda.core") and _has("nvidia.nvjitlink"):
        return _parsed(_link(ptx, sm))
    return None


def machine_code(ptx: str, sm: str) -> str | None:
    """The instructions of the machine with the lines that they come from, as nvdisasm lists them.

    None where `ptxas` or `nvdisasm` is not installed.
    """
    assembler, lister = ptxas(), nvdisasm()
    if assembler is None or lister is None:
        return None
    cubin = _run(assembler, ptx, sm, "-lineinfo")[1]
    with tempfile.TemporaryDirectory(prefix="oxide-") as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        done = subprocess.run(
            [str(lister), "--print-line-info", "--print-code", str(path)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        raise AssemblyError(done.stderr or done.stdout)
    return done.stdout


@cache
def ptxas() -> Path | None:
    """The assembler, if there is one."""
    return _found("ptxas") or _of_wheel("ptxas")


@cache
def nvdisasm() -> Path | None:
    """What lists machine code, if it is there."""
    return _found("nvdisasm") or _of_wheel("nvdisasm")


def _of_wheel(tool: str) -> Path | None:
    """A tool that a package of NVIDIA's has brought."""
    if not _has("cuda.pathfinder"):
        return None
    utility = import_module("cuda.pathfinder").find_nvidia_binary_utility(tool)
    return Path(utility) if utility else None


@cache
def compute_sanitizer() -> Path | None:
    """NVIDIA's checker of programs on a GPU, if there is one."""
    return _found("compute-sanitizer")


def _found(tool: str) -> Path | None:
    """A tool on PATH, or in the toolkit that the environment names."""
    found = shutil.which(tool)
    if found is not None:
        return Path(found)
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        home = os.environ.get(variable)
        if home:
            beside = shutil.which(tool, path=str(Path(home) / "bin"))
            if beside is not None:
                return Path(beside)
    return None


def _run(tool: Path, ptx: str, sm: str, *flags: str) -> tuple[str, bytes]:
    """What the assembler says, and the cubin that it makes."""
    with tempfile.TemporaryDirectory(prefix="oxide-") as folder:
        source, target = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(ptx, encoding="utf-8")
        done = subprocess.run(
            [str(tool), "-v", *flags, f"-arch={sm}", "-o", str(target), str(source)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise AssemblyError(done.stderr or done.stdout)
        return done.stderr + done.stdout, target.read_bytes()


def _link(ptx: str, sm: str) -> str:
    core = import_module("cuda.core")
    options = core.LinkerOptions(arch=sm, verbose=True)
    linker = core.Linker(core.ObjectCode.from_ptx(ptx), options=options)
    try:
        linker.link("cubin")
    except Exception as error:
        raise AssemblyError(linker.get_error_log() or str(error)) from error
    return linker.get_info_log()


def _parsed(log: str) -> Resources:
    used, spills, shared = _REGISTERS.search(log), _SPILLS.search(log), _SHARED.search(log)
    if used is None:
        raise AssemblyError(f"no registers in what the assembler said:\n{log}")
    stack, stores, loads = (int(n) for n in spills.groups()) if spills else (0, 0, 0)
    return Resources(int(used[1]), stores, loads, stack, int(shared[1]) if shared else 0)


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
