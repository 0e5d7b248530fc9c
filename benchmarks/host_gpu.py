"""What `host` compares with on a GPU: the driver called from C, CuPy if it is there, the link.

The loops in C make the same calls that operations make, with the same function, stream and
arguments, and nothing between them.
"""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from launch_overhead import compile_c

import oxide
from oxide_codegen.cuda import cuda

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide import DeviceBuffer

# GB/s of one lane of PCI Express, by generation.
_LANE = {3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563}

_C = r"""
typedef int (*launch_t)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                        unsigned, void*, void**, void**);
typedef int (*two_t)(void*, void*);
typedef int (*one_t)(void*);
typedef int (*copy_t)(unsigned long long, unsigned long long, unsigned long, void*);

int launches(void* launch, void* f, unsigned threads, void* stream, void** p, int count) {
    for (int i = 0; i < count; ++i) {
        int status = ((launch_t)launch)(f, 1, 1, 1, threads, 1, 1, 0, stream, p, 0);
        if (status) return status;
    }
    return 0;
}
int trips(void* launch, void* f, unsigned threads, void* stream, void** p,
          void* record, void* wait, void* event, int count) {
    for (int i = 0; i < count; ++i) {
        int status = launches(launch, f, threads, stream, p, 1);
        if (!status) status = ((two_t)record)(event, stream);
        if (!status) status = ((one_t)wait)(event);
        if (status) return status;
    }
    return 0;
}
int copies(void* copy, unsigned long long to, unsigned long long of, unsigned long size,
           void* stream, int count) {
    for (int i = 0; i < count; ++i) {
        int status = ((copy_t)copy)(to, of, size, stream);
        if (status) return status;
    }
    return 0;
}
int replays(void* launch, void* graph, void* stream, int count) {
    for (int i = 0; i < count; ++i) {
        int status = ((two_t)launch)(graph, stream);
        if (status) return status;
    }
    return 0;
}
"""


class _Loops:
    """The loops in C, on addresses of the driver's functions."""

    def __init__(self) -> None:
        self._library = compile_c(_C)
        self._driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        for name, types in _TYPES.items():
            function = getattr(self._library, name)
            function.argtypes, function.restype = types, ctypes.c_int

    def address(self, name: str) -> int | None:
        """Of a function of the driver."""
        return ctypes.cast(getattr(self._driver, name), ctypes.c_void_p).value

    def call(self, name: str, *arguments: Any) -> None:
        """One of the loops."""
        status = getattr(self._library, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: the driver answered {status}")


_P, _U, _N = ctypes.c_void_p, ctypes.c_uint, ctypes.c_int
_L, _S = ctypes.c_ulonglong, ctypes.c_ulong
_TYPES: dict[str, list[Any]] = {
    "launches": [_P, _P, _U, _P, _P, _N],
    "trips": [_P, _P, _U, _P, _P, _P, _P, _P, _N],
    "copies": [_P, _L, _L, _S, _P, _N],
    "replays": [_P, _P, _P, _N],
}


class Beside:
    """A kernel with its arguments, launched without Oxide; `launched` has launched it once."""

    def __init__(
        self, launched: Callable[[], None], arguments: tuple[Any, ...], program: Any
    ) -> None:
        launched()
        oxide.synchronize()
        self._device = device = cuda(0)
        self._loops = _Loops()
        self._loaded = loaded = (
            program._program.specialisation().cuda(0).suited((1, 1, 1), ordinary=True)
        )
        self._arena = loaded.arena(0, (1, 1, 1))
        cells: list[Any] = []
        for argument in arguments:
            view = argument.view() if hasattr(argument, "view") else None
            cells += [argument] if view is None else [view.address, *view.shape]
        layout = program._program.specialisation().layout
        layout.packer.pack_into(self._arena.cells, 0, *cells)
        self._arrays = [one for one in arguments if hasattr(one, "view")]
        self._size = self._arrays[0].shape[0]
        self._stream = oxide.stream()
        with device.current():
            self._event = device.driver.cuEventCreate(2)[1]
        self._pool = ThreadPoolExecutor(1)

    def overhead(self) -> dict[str, Callable[[int], None]]:
        """The driver from C, and CuPy."""
        to, of = self._arrays[-1].view(), self._arrays[0].view()

        def launches(count: int) -> None:
            self._call("launches", "cuLaunchKernel", *self._function(), count)

        def copies(count: int) -> None:
            place = (to.address, of.address, to.size, self._stream.handle)
            self._call("copies", "cuMemcpyAsync", *place, count)

        def copied(count: int) -> None:
            for _ in range(count):
                copies(1)

        return {
            "cuLaunchKernel, from C": launches,
            "cuLaunchKernel and event, from C": self._trips,
            "cuMemcpyAsync, from C": copies,
            "cuMemcpyAsync and wait, from C": copied,
        } | self._cupy()

    async def awaited(self) -> None:
        """A launch whose event a thread waits for."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._trips, 1)

    def graphs(self, chain: Any, parts: int) -> dict[str, Callable[[int], None]]:
        """A graph of `parts` launches, launched by the driver from C; and one of CuPy's."""
        graph = int(chain._form._executable.handle)

        def replays(count: int) -> None:
            self._call("replays", "cuGraphLaunch", graph, self._stream.handle, count // parts)

        paths: dict[str, Callable[[int], None]] = {"cuGraphLaunch, from C": replays}
        kernel = _cupy_kernel()
        if kernel is not None:
            cupy, raw = kernel
            arguments = _cupy_arguments(cupy, self._size)
            stream = cupy.cuda.Stream(non_blocking=True)
            with stream:
                stream.begin_capture()
                for _ in range(parts):
                    raw((1,), (self._size,), arguments)
                captured = stream.end_capture()

            def replayed(count: int) -> None:
                for _ in range(count // parts):
                    captured.launch(stream)
                stream.synchronize()

            paths["CuPy, graph"] = replayed
        return paths

    def _function(self) -> tuple[Any, ...]:
        handle = int(self._loaded.handle)
        return handle, self._size, self._stream.handle, self._arena.address

    def _trips(self, count: int) -> None:
        waits = [self._loops.address(name) for name in ("cuEventRecord", "cuEventSynchronize")]
        function = self._function()
        with self._device.current():
            entry = self._loops.address("cuLaunchKernel")
            self._loops.call("trips", entry, *function, *waits, int(self._event), count)

    def _call(self, loop: str, function: str, *arguments: Any) -> None:
        with self._device.current():
            self._loops.call(loop, self._loops.address(function), *arguments)
            self._device.wait(self._stream.handle)

    def _cupy(self) -> dict[str, Callable[[int], None]]:
        kernel = _cupy_kernel()
        if kernel is None:
            return {}
        cupy, raw = kernel
        stream = cupy.cuda.Stream(non_blocking=True)
        arguments = _cupy_arguments(cupy, self._size)

        def launches(count: int) -> None:
            with stream:
                for _ in range(count):
                    raw((1,), (self._size,), arguments)
            stream.synchronize()

        def waited(count: int) -> None:
            with stream:
                for _ in range(count):
                    raw((1,), (self._size,), arguments)
                    stream.synchronize()

        def copies(count: int) -> None:
            with stream:
                for _ in range(count):
                    arguments[3][...] = arguments[1]
            stream.synchronize()

        return {
            "CuPy, launch of a RawKernel": launches,
            "CuPy, launch and wait": waited,
            "CuPy, copy": copies,
        }


def _cupy_kernel() -> tuple[Any, Any] | None:
    try:
        import cupy
    except ImportError:
        return None
    text = (
        'extern "C" __global__ void mix(int s, const int* a, const int* b, int* out, int n) '
        "{ int i = threadIdx.x; if (i < n) out[i] = a[i] * s + b[i]; }"
    )
    return cupy, cupy.RawKernel(text, "mix")


def _cupy_arguments(cupy: Any, size: int) -> tuple[Any, ...]:
    arrays = [cupy.zeros(size, cupy.int32) for _ in range(3)]
    return (cupy.int32(3), *arrays, cupy.int32(size))


def copies(x: DeviceBuffer[Any], pinned: Any) -> dict[str, Callable[[], Any]]:
    """Copies by the driver alone, between a buffer and pinned memory, of all its elements."""
    device, loops, stream = cuda(0), _Loops(), oxide.stream()
    host, view = pinned.__array_interface__["data"][0], x.view()

    def run(function: str, to: int, of: int) -> None:
        with device.current():
            loops.call("copies", loops.address(function), to, of, view.size, stream.handle, 1)
            device.wait(stream.handle)

    return {
        "cuMemcpyHtoDAsync": lambda: run("cuMemcpyHtoDAsync_v2", view.address, host),
        "cuMemcpyDtoHAsync": lambda: run("cuMemcpyDtoHAsync_v2", host, view.address),
    }


def link() -> float | str:
    """GB/s of the link between host and device, one way, as nvidia-smi has it."""
    query = "pcie.link.gen.max,pcie.link.width.max"
    try:
        said = subprocess.run(
            ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        generation, width = (int(part) for part in said.splitlines()[0].split(","))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        return f"unknown: {error}"
    return round(_LANE[generation] * width, 1) if generation in _LANE else said.strip()
