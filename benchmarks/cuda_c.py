"""CUDA C++ beside Oxide: compile it, load it, time both on one stream, write the figures down."""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import machine_record
from machine_record import driver_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.cuda import Cuda


class CudaModule:
    """CUDA C++ compiled by nvcc, here or elsewhere, or by NVRTC where there is none."""

    def __init__(self, device: Cuda, source: str, image: bytes | None = None) -> None:
        self.device = device
        self.driver = device.driver
        arch = f"sm_{device.capability[0]}{device.capability[1]}"
        nvcc = image is not None or _nvcc() is not None
        self.compiler = "nvcc -O3" if nvcc else "NVRTC"
        if image is None:
            image = compiled(source, arch) if nvcc else _with_nvrtc(device, source, arch)
        with device.current():
            self._image = image
            self._module = _ok(self.driver.cuModuleLoadData(image))

    def function(self, name: str) -> Any:
        """A kernel declared `extern "C"`."""
        with self.device.current():
            return _ok(self.driver.cuModuleGetFunction(self._module, name.encode()))

    def launcher(
        self,
        name: str,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        arguments: Sequence[Any],
    ) -> Callable[[], None]:
        """A call that enqueues the kernel on the default stream; arguments are ctypes values."""
        function = self.function(name)
        table = (ctypes.c_void_p * len(arguments))(*(ctypes.addressof(a) for a in arguments))
        stream = self.device.default_handle

        def launch() -> None:
            _ok(
                self.driver.cuLaunchKernel(
                    function, *grid, *block, 0, stream, ctypes.addressof(table), 0
                )
            )

        # The driver reads the arguments through the table.
        launch.__dict__["arguments"] = (arguments, table)
        return launch


def compiled(source: str, arch: str) -> bytes:
    """A cubin by nvcc."""
    nvcc = _nvcc()
    if nvcc is None:
        raise SystemExit("there is no nvcc")
    return _with_nvcc(nvcc, source, arch)


def _nvcc() -> str | None:
    return shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")


def seconds_per_launch(
    device: Cuda,
    launch: Callable[[], None],
    *,
    batch: int,
    rounds: int = 15,
    ahead: Callable[[], None] = lambda: None,
) -> float:
    """The median over `rounds` of the time that the device spends on one of `batch` launches.

    They are enqueued behind what `ahead` keeps the device busy with.
    """
    driver = device.driver
    with device.current():
        start, stop = _ok(driver.cuEventCreate(0)), _ok(driver.cuEventCreate(0))
        stream = device.default_handle
        for _ in range(3):
            launch()
        _ok(driver.cuStreamSynchronize(stream))
        times = []
        for _ in range(rounds):
            ahead()
            _ok(driver.cuEventRecord(start, stream))
            for _ in range(batch):
                launch()
            _ok(driver.cuEventRecord(stop, stream))
            _ok(driver.cuEventSynchronize(stop))
            times.append(float(_ok(driver.cuEventElapsedTime(start, stop))) / 1e3 / batch)
    return statistics.median(times)


def write(name: str, device: Cuda, figures: dict[str, Any], started: float) -> Path:
    """Write `results/<name>.json`, with the device and the CUDA version of its driver."""
    measured_on = {
        "device": str(device.device.name),
        "capability": ".".join(map(str, device.capability)),
        "driver": driver_version(),
        "cuda": int(_ok(device.driver.cuDriverGetVersion())),
    }
    return machine_record.write(name, {**measured_on, **figures}, started)


def _with_nvcc(nvcc: str, source: str, arch: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "kernels.cu").write_text(source)
        subprocess.run(
            [nvcc, "-O3", "-cubin", f"-arch={arch}", "-o", "kernels.cubin", "kernels.cu"],
            cwd=place,
            check=True,
        )
        return (place / "kernels.cubin").read_bytes()


def _with_nvrtc(device: Cuda, source: str, arch: str) -> bytes:
    core = device.core
    program = core.Program(source, "c++", core.ProgramOptions(arch=arch))
    return bytes(program.compile("cubin").code)


def _ok(result: tuple[Any, ...]) -> Any:
    status, *values = result
    if int(status):
        raise RuntimeError(f"the driver answered {status}")
    return values[0] if values else None
