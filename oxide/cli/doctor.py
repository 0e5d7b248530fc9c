"""`oxide doctor`: what is installed, what is missing, and what to do about it.

Nothing heavy is imported: packages are looked up, not loaded, and the driver is asked directly,
so that this works where everything else does not.
"""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from argparse import ArgumentParser
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_analyzer.reports.style import Style, coloured, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.reports.style import Paint


class State(StrEnum):
    """Whether a part can be used."""

    READY = "ok"
    ABSENT = "--"
    BROKEN = "!!"


@record
class Finding:
    """One part: whether it is there, what it is, and what to do where it is not."""

    state: State
    part: str
    what: str
    advice: str = ""


_STYLES = {State.READY: Style.HELP, State.ABSENT: Style.WARNING, State.BROKEN: Style.ERROR}

# Distribution, what it is for, the extra that brings it.
_PACKAGES = (
    ("z3-solver", "proofs that need a solver", None),
    ("pygls", "the language server", "lsp"),
    ("llvmlite", "compiling kernels", "cpu"),
    ("numpy", "host arrays", "cpu"),
    ("cuda-core", "NVIDIA GPUs", "cuda"),
    ("cuda-bindings", "NVIDIA GPUs", "cuda"),
    ("nccl4py", "arrays of several GPUs combined", "nccl"),
)


def run(arguments: list[str], program: str) -> int:
    """Print the findings; 1 if a part is there and does not work, else 0."""
    parser = ArgumentParser(program, description="Say what is installed and what is missing.")
    parser.parse_args(arguments)
    from oxide.cli.terminal import shows_colour

    findings = [
        *_python(),
        *_packages(),
        *_driver(),
        *_assembler(),
        *_sanitizer(),
        *_library(),
        *_device(),
    ]
    paint = coloured if shows_colour(sys.stdout) else plain
    sys.stdout.write(render(findings, paint))
    return 1 if any(finding.state is State.BROKEN for finding in findings) else 0


def render(findings: list[Finding], paint: Paint) -> str:
    """One line a part, and below it what to do."""
    width = max(len(finding.part) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        mark = paint(finding.state, _STYLES[finding.state])
        lines.append(f"{mark}  {finding.part:<{width}}  {finding.what}")
        if finding.advice:
            lines.append(f"    {'':<{width}}  {paint('->', Style.GUTTER)} {finding.advice}")
    return "\n".join(lines) + "\n"


def _python() -> Iterator[Finding]:
    what = f"{platform.python_version()} at {sys.executable} ({platform.platform()})"
    yield Finding(State.READY, "python", what)
    try:
        yield Finding(State.READY, "oxide-kernels", version("oxide-kernels"))
    except PackageNotFoundError:
        advice = "pip install oxide-kernels"
        yield Finding(State.BROKEN, "oxide-kernels", "imported, but not installed", advice)


def _packages() -> Iterator[Finding]:
    for name, purpose, extra in _PACKAGES:
        try:
            yield Finding(State.READY, name, version(name))
        except PackageNotFoundError:
            wanted = "oxide-kernels" if extra is None else f"'oxide-kernels[{extra}]'"
            state = State.BROKEN if extra is None else State.ABSENT
            advice = f"pip install {wanted}"
            yield Finding(state, name, f"not installed (for {purpose})", advice)


def _driver() -> Iterator[Finding]:
    from oxide_codegen.devices import device_count, load_driver
    from oxide_codegen.errors import DeviceError

    driver = load_driver()
    if driver is None:
        what = "none was found: kernels run on the cpu device"
        yield Finding(State.ABSENT, "NVIDIA driver", what)
        return
    number = ctypes.c_int(0)
    if int(driver.cuDriverGetVersion(ctypes.byref(number))) == 0:
        cuda = f"for CUDA {number.value // 1000}.{number.value % 1000 // 10}"
    else:
        cuda = "of unknown version"
    try:
        count = device_count()
    except DeviceError as error:
        advice = (
            "does `nvidia-smi` work? After an update of the driver the machine must be restarted; "
            "in a container the driver's libraries must come from the host"
        )
        yield Finding(State.BROKEN, "NVIDIA driver", f"{cuda}: {error}", advice)
        return
    yield Finding(State.READY, "NVIDIA driver", cuda)
    if count == 0:
        advice = "is the device passed into this container, and CUDA_VISIBLE_DEVICES not empty?"
        yield Finding(State.ABSENT, "NVIDIA devices", "the driver reports none", advice)
    for index in range(count):
        yield Finding(State.READY, f"cuda:{index}", _device_name(driver, index))


def _device_name(driver: ctypes.CDLL, index: int) -> str:
    handle = ctypes.c_int(0)
    name = ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(0), ctypes.c_int(0)
    failed = (
        driver.cuDeviceGet(ctypes.byref(handle), index)
        or driver.cuDeviceGetName(name, len(name), handle)
        # 75 and 76 are the attributes that hold the compute capability.
        or driver.cuDeviceGetAttribute(ctypes.byref(major), 75, handle)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), 76, handle)
    )
    if failed:
        return f"the driver does not describe it (code {failed})"
    return f"{name.value.decode(errors='replace')}, sm_{major.value}{minor.value}"


def _assembler() -> Iterator[Finding]:
    from oxide_codegen.toolchain import ptxas

    path = ptxas()
    if path is None:
        advice = (
            "install the CUDA toolkit to see registers in `oxide inspect`; nothing else needs it"
        )
        yield Finding(State.ABSENT, "ptxas", "was not found", advice)
        return
    asked = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False)
    release = [line for line in asked.stdout.splitlines() if "release" in line]
    if asked.returncode or not release:
        yield Finding(State.BROKEN, "ptxas", f"{path} does not run", "reinstall the CUDA toolkit")
    else:
        yield Finding(State.READY, "ptxas", f"{release[0].partition('release ')[2]} at {path}")


def _sanitizer() -> Iterator[Finding]:
    from oxide_codegen.toolchain import compute_sanitizer

    path = compute_sanitizer()
    if path is None:
        advice = (
            "install the CUDA toolkit for `oxide sanitize --gpu`; without it kernels are watched "
            "on the cpu"
        )
        yield Finding(State.ABSENT, "compute-sanitizer", "was not found", advice)
    else:
        yield Finding(State.READY, "compute-sanitizer", f"at {path}")


def _library() -> Iterator[Finding]:
    from oxide_codegen.errors import OxideError
    from oxide_codegen.libdevice import chosen

    try:
        library = chosen()
    except OxideError as error:
        yield Finding(State.BROKEN, "libdevice", str(error))
        return
    if library is None:
        advice = "install nvidia-nvvm, or set CUDA_HOME, for faster functions of f32 on a GPU"
        yield Finding(State.ABSENT, "libdevice", "is not used", advice)
    else:
        yield Finding(State.READY, "libdevice", str(library.path))


def _device() -> Iterator[Finding]:
    from oxide_codegen.devices import current
    from oxide_codegen.errors import DeviceError

    try:
        yield Finding(State.READY, "default device", str(current()))
    except DeviceError as error:
        yield Finding(State.BROKEN, "default device", str(error))
