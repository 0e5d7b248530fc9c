"""The CUDA driver through ctypes: a module, launches of its kernels, what they leave in memory.

Nothing of the runtime is in between, so what is compared is the code alone.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager

from codegen.differential import packed, unpacked
from oxide_analyzer.launch import Contents
from oxide_codegen import abi

_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class DriverError(Exception):
    """A call that failed."""


class Driver:
    """The first device."""

    def __init__(self) -> None:
        windows = sys.platform == "win32"
        self._cuda = ctypes.CDLL("nvcuda.dll" if windows else "libcuda.so.1")
        self._call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, 256, device)
        self.name = name.value.decode()
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(major), 75, device)
        self._call("cuDeviceGetAttribute", ctypes.byref(minor), 76, device)
        self.capability = major.value, minor.value
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)

    @contextmanager
    def module(self, text):
        """PTX, loaded."""
        module = ctypes.c_void_p()
        self._call("cuModuleLoadData", ctypes.byref(module), text.encode() + b"\0")
        try:
            yield module
        finally:
            self._call("cuModuleUnload", module)

    def execute(self, module, entry, kernel, launch, dynamic=0):
        """The arrays after a launch, and the failure; `dynamic` are bytes that the code needs."""
        function = ctypes.c_void_p()
        self._call("cuModuleGetFunction", ctypes.byref(function), module, entry.encode())
        dynamic += launch.shared
        if dynamic:
            self._call("cuFuncSetAttribute", function, _DYNAMIC_SHARED, dynamic)
        memory = {
            name: self._copied(packed(contents.values, kernel.arrays[name].element))
            for name, contents in launch.arrays.items()
        }
        hidden = {
            abi.Hidden.FAILURE: self._copied(abi.EMPTY_RECORD),
            abi.Hidden.SHARED: ctypes.c_uint64(launch.shared),
            abi.Hidden.WORKSPACE: self._copied(bytes(8)),
        }
        cells = [self._cell(slot, launch, memory) for slot in abi.layout(kernel).slots]
        cells += [hidden[name] for name in abi.hidden(kernel)]
        parameters = (ctypes.c_void_p * len(cells))(*(ctypes.addressof(cell) for cell in cells))
        shape = (*launch.grid, *launch.block, dynamic, None, parameters)
        if kernel.contract.cooperative:
            self._call("cuLaunchCooperativeKernel", function, *shape)
        else:
            self._call("cuLaunchKernel", function, *shape, None)
        self._call("cuCtxSynchronize")
        failure = abi.decode(self._read(hidden[abi.Hidden.FAILURE], abi.RECORD_SIZE))
        arrays = {}
        for name, address in memory.items():
            element, given = kernel.arrays[name].element, launch.arrays[name]
            data = self._read(address, len(given.values) * element.size)
            arrays[name] = Contents(given.shape, unpacked(data, len(given.values), element))
        for address in (hidden[abi.Hidden.FAILURE], hidden[abi.Hidden.WORKSPACE], *memory.values()):
            self._call("cuMemFree_v2", address)
        return arrays, failure

    def _cell(self, slot, launch, memory):
        match slot:
            case abi.PointerSlot(array=array):
                return memory[array]
            case abi.ScalarSlot(name=name):
                value = launch.scalars[name]
            case abi.DimensionSlot(array=array, axis=axis):
                value = launch.arrays[array].shape[axis]
        return ctypes.create_string_buffer(abi.Layout((slot,)).pack([value]), abi.CELL)

    def _copied(self, data):
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(len(data), 1)))
        self._call("cuMemcpyHtoD_v2", address, bytes(data), ctypes.c_size_t(len(data)))
        return address

    def _read(self, address, size):
        buffer = ctypes.create_string_buffer(max(size, 1))
        self._call("cuMemcpyDtoH_v2", buffer, address, ctypes.c_size_t(size))
        return buffer.raw[:size]

    def _call(self, name, *arguments):
        code = getattr(self._cuda, name)(*arguments)
        if code:
            raise DriverError(f"{name} gives {code}")
