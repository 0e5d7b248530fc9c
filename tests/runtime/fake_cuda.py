"""A CUDA driver made of host memory, whose launches run the cpu's machine code.

It finds what can be wrong in the runtime without a GPU: which calls are made, with which
arguments, on which stream, in which context; with several devices also whether stream, context and
memory are of one. Launches reach it through bindings in Python, and where a test asks for that, at
addresses of C functions as those of the driver's library.
"""

import ctypes
import itertools
import sys
import threading
import types
from struct import Struct

from oxide_codegen import abi, cuda, devices, enqueue, ptx
from oxide_codegen.kernel import Kernel
from oxide_codegen.native import compile_native
from oxide_codegen.operations import completion
from oxide_codegen.program import Program
from runtime import programs

LEGACY = 1


class Driver:
    """What the runtime uses of `cuda.bindings.driver`."""

    class CUpointer_attribute:
        CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9

    class CUfunction_attribute:
        CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
        CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0

    class CUstreamCaptureStatus:
        CU_STREAM_CAPTURE_STATUS_NONE = 0

    class CUstreamCaptureMode:
        CU_STREAM_CAPTURE_MODE_RELAXED = 2

    class CUmemorytype:
        CU_MEMORYTYPE_HOST = 1
        CU_MEMORYTYPE_DEVICE = 2

    class CUmemAttach_flags:
        CU_MEM_ATTACH_GLOBAL = 1

    class CUdevice_attribute:
        CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16

    def __init__(self, count=1):
        self._here = threading.local()
        self.count = count
        # On which device streams and memory are.
        self.streams = {}
        self.memory = {}
        # Whether devices reach each other's memory.
        self.peers = True
        self.log = []
        self.loaded = []
        self.functions = {}
        self.answer = 0
        self.captured = set()
        # Streams whose events are not done before somebody waits for them.
        self.busy = set()
        self.properties = types.SimpleNamespace(managed_memory=True, concurrent_managed_access=True)
        self.managed = {}
        # Sizes of pinned memory that was asked for.
        self.pins = []
        self.is_old = False

    class CUresult(int):
        CUDA_ERROR_OUT_OF_MEMORY = 2

        def __new__(cls, code):
            if code == 999:
                raise ValueError(code)
            return int.__new__(cls, code)

    class CUmemoryPool(str):
        __slots__ = ()

    CUDA_MEMCPY2D = types.SimpleNamespace

    @property
    def context(self):
        """The context that is current in this thread; of device k it is 1000 + k."""
        return getattr(self._here, "context", 0)

    @context.setter
    def context(self, context):
        self._here.context = context

    def cuInit(self, _):
        return (0,)

    def cuGetErrorString(self, code):
        return 0, b"a made-up error"

    def cuCtxGetCurrent(self):
        return 0, self.context

    def cuCtxSetCurrent(self, context):
        self.context = int(context)
        return (0,)

    def cuKernelGetFunction(self, kernel):
        self._in_context()
        return 0, kernel

    def cuFuncGetAttribute(self, attribute, _):
        self._in_context()
        return 0, {0: 1024}[attribute]

    def cuFuncSetAttribute(self, _, attribute, value):
        self._in_context()
        self.log.append(("attribute", attribute, value))
        return (0,)

    def cuDeviceGetAttribute(self, attribute, _):
        return 0, {97: 227 * 1024, 16: 4}[attribute]

    def cuOccupancyMaxActiveBlocksPerMultiprocessor(self, _, threads, shared):
        self._in_context()
        return 0, min(2048 // threads, 227 * 1024 // max(shared, 1))

    def cuCtxSynchronize(self):
        self._in_context()
        self.log.append(("sync", None))
        return (0,)

    def cuDeviceGetMemPool(self, _):
        return 0, 1

    def cuMemPoolTrimTo(self, pool, size):
        self.log.append(("trim", size))
        return (0,)

    def cuMemGetInfo(self):
        return 0, 1000, 100_000

    def cuStreamIsCapturing(self, stream):
        self._in_context()
        return 0, int(stream in self.captured)

    def cuStreamSynchronize(self, stream):
        self._in_context()
        self.log.append(("wait", int(stream)))
        return (0,)

    def cuMemcpyHtoDAsync(self, target, source, size, stream):
        return self._move("upload", target, source, size, stream)

    def cuMemcpyDtoHAsync(self, target, source, size, stream):
        return self._move("download", target, source, size, stream)

    def cuMemcpyAsync(self, target, source, size, stream):
        return self._move("copy", target, source, size, stream)

    def cuMemcpy2DAsync(self, copy, stream):
        self._in_context()
        host = self.CUmemorytype.CU_MEMORYTYPE_HOST
        to = copy.dstHost if copy.dstMemoryType == host else copy.dstDevice
        of = copy.srcHost if copy.srcMemoryType == host else copy.srcDevice
        assert copy.WidthInBytes <= min(copy.dstPitch, copy.srcPitch)
        self.log.append(("rectangle", int(stream)))
        for row in range(copy.Height):
            target, source = to + row * copy.dstPitch, of + row * copy.srcPitch
            ctypes.memmove(target, source, copy.WidthInBytes)
        return (0,)

    def cuThreadExchangeStreamCaptureMode(self, mode):
        return 0, mode

    def cuMemcpyPeerAsync(self, target, to, source, of, size, stream):
        for address, context in ((target, to), (source, of)):
            assert self.memory[address] == context - 1000, "memory of another device"
        assert to == self.context
        return self._move("peer", target, source, size, stream)

    def cuMemAllocManaged(self, size, flags):
        self._in_context()
        assert flags == self.CUmemAttach_flags.CU_MEM_ATTACH_GLOBAL
        buffer = Buffer(size)
        self.managed[buffer.handle] = buffer
        return 0, buffer.handle

    def cuMemFree(self, address):
        self._in_context()
        del self.managed[address]
        return (0,)

    def cuMemsetD8Async(self, target, value, size, stream):
        self._in_context()
        ctypes.memset(target, value, size)
        return (0,)

    def cuLaunchKernel(self, function, *rest):
        gx, gy, gz, bx, by, bz, shared, stream, table, extra = rest
        self._in_context()
        assert extra == 0
        if self.answer:
            return (self.answer,)
        return self._run(function, (gx, gy, gz), (bx, by, bz), shared, stream, table)

    def cuLaunchCooperativeKernel(self, function, *rest):
        gx, gy, gz, bx, by, bz, shared, stream, table = rest
        self._in_context()
        self.log.append(("together", int(stream)))
        return self._run(function, (gx, gy, gz), (bx, by, bz), shared, stream, table)

    def _run(self, function, grid, block, shared, stream, table):
        self._in_context(stream)
        native, hidden, lanes = self.functions[int(function)]
        count = len(native.layout.slots)
        pointers = (ctypes.c_void_p * (count + len(hidden))).from_address(table)
        cells = b"".join(ctypes.string_at(pointers[k], abi.CELL) for k in range(count))
        values = {
            name: ctypes.c_uint64.from_address(pointers[count + k]).value
            for k, name in enumerate(hidden)
        }
        failure = values[abi.Hidden.FAILURE]
        if abi.Hidden.WORKSPACE in values:
            assert ctypes.string_at(values[abi.Hidden.WORKSPACE], 8) == bytes(8)
        requested = values.get(abi.Hidden.SHARED, shared)
        assert requested <= shared
        self.log.append(("launch", int(stream)))
        arguments = native.layout.packer.unpack(cells)
        if abi.Hidden.GRID in values:
            # The native code has one element per thread.
            blocks = values[abi.Hidden.GRID]
            assert grid == (-(-blocks // lanes), 1, 1)
            grid = blocks, 1, 1
            self.log.append(("coarse", lanes))
        found = native.run(grid, block, arguments, shared=requested)
        if found is not None:
            record = Struct("<4I3q6I").pack(
                abi.FailureState.COMPLETE,
                found.site,
                found.kind,
                found.axis,
                found.index,
                found.length,
                found.stop,
                *found.block,
                *found.thread,
            )
            ctypes.memmove(failure, record, len(record))
        return (0,)

    def _move(self, what, target, source, size, stream):
        self._in_context(stream)
        self.log.append((what, int(stream)))
        ctypes.memmove(target, source, size)
        return (0,)

    def _in_context(self, stream=LEGACY):
        place = self.context - 1000
        assert 0 <= place < self.count, "no primary context is current"
        assert self.streams.get(int(stream), place) == place, "a stream of another device"


_CURRENT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p))
_LAUNCH = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    *(ctypes.c_uint,) * 7,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


class Library:
    """`cuCtxGetCurrent` and `cuLaunchKernel` of a driver as C functions that note their calls."""

    def __init__(self, driver):
        self.driver = driver
        self.calls = []
        self._functions = _CURRENT(self._current), _LAUNCH(self._launch)
        current, launch = (ctypes.cast(f, ctypes.c_void_p).value for f in self._functions)
        self.functions = enqueue.Functions(current, launch)

    def _current(self, result):
        status, result[0] = self.driver.cuCtxGetCurrent()
        return status

    def _launch(self, function, *rest):
        *extents, stream, table, extra = rest
        self.calls.append((function, *extents, stream))
        return self.driver.cuLaunchKernel(function, *extents, stream, table, extra or 0)[0]


class Event(str):
    """What was on a stream."""

    __slots__ = ("driver", "on")

    @property
    def is_done(self):
        return self.on not in self.driver.busy

    def sync(self):
        self.driver.log.append(("reach", self.on))
        self.driver.busy.discard(self.on)


class Buffer:
    def __init__(self, size):
        self._memory = ctypes.create_string_buffer(size + 256)
        self.size = size
        self.handle = -(-ctypes.addressof(self._memory) // 256) * 256
        self.closed = False

    def close(self, stream=None):
        self.closed = True


def install(monkeypatch, *, library=False, count=1):
    """Put the fake, of so many devices, in the place of cuda-core and cuda-bindings, and of the
    driver's library or none; the driver.
    """
    driver = Driver(count)
    driver.library = Library(driver) if library else None
    functions = driver.library.functions if library else None
    monkeypatch.setattr(enqueue, "functions", lambda: functions)
    handles = itertools.count(5000)

    class Stream:
        def __init__(self, handle):
            self.handle = handle

        @staticmethod
        def from_handle(handle):
            return Stream(handle)

        def wait(self, other):
            driver.log.append(("order", self.handle, getattr(other, "handle", other)))

        def record(self, event=None, *, options=None):
            event = Event(f"event on {self.handle}")
            event.driver, event.on = driver, self.handle
            return event

        def sync(self):
            driver.log.append(("wait", self.handle))

    class Device:
        name = "a made-up device"
        compute_capability = (9, 0)
        default_stream = Stream(LEGACY)
        properties = driver.properties
        memory_resource = "the current pool"

        def __init__(self, index):
            assert 0 <= index < count
            self.index = index
            if count > 1:
                self.memory_resource = types.SimpleNamespace(peer_accessible_by=set())

        def set_current(self):
            driver.context = 1000 + self.index

        def can_access_peer(self, other):
            return driver.peers and other != self.index

        def allocate(self, size, *, stream):
            assert size > 0
            assert driver.streams.get(stream.handle, self.index) == self.index
            buffer = Buffer(size)
            driver.memory[buffer.handle] = self.index
            return buffer

        def create_stream(self):
            handle = next(handles)
            driver.streams[handle] = self.index
            return Stream(handle)

    class Pinned:
        def allocate(self, size, *, stream=None):
            driver.pins.append(size)
            return Buffer(size)

    class Code:
        @staticmethod
        def from_ptx(module, *, name=""):
            assert isinstance(module, bytes)
            driver.loaded.append("ptx")
            return Code()

        @staticmethod
        def from_cubin(module, *, name=""):
            driver.loaded.append("cubin")
            if driver.is_old:
                raise RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU")
            assert module.startswith(b"\x7fELF")
            return Code()

        def get_kernel(self, name):
            return types.SimpleNamespace(handle=entries[name])

    entries = {}

    def compile_ptx(checked, sm, *form, **options):
        made = real(checked, sm, *form, **options)
        entries[made.entry] = handle = next(handles)
        hidden = abi.hidden(checked.kernel, made.lanes)
        driver.functions[handle] = compile_native(checked), hidden, made.lanes
        return made

    real = ptx.compile_ptx
    core = types.SimpleNamespace(
        Device=Device,
        Stream=Stream,
        LegacyPinnedMemoryResource=Pinned,
        ObjectCode=Code,
        EventOptions=types.SimpleNamespace,
    )
    monkeypatch.setattr(ptx, "compile_ptx", compile_ptx)
    monkeypatch.setattr(cuda, "_import", lambda: (driver, core))
    monkeypatch.setattr(cuda, "_devices", {})
    monkeypatch.setattr(devices, "device_count", lambda: count)
    for value in vars(programs).values():
        if isinstance(value, Kernel):
            # Code is kept by kernel: start anew, on this driver.
            made = Program(value.__wrapped__, value._program.options)
            monkeypatch.setattr(value, "_program", made)
            monkeypatch.setattr(value, "_launches", {})
    # The driver of this machine, if it has one, knows nothing of these streams.
    monkeypatch.setattr(completion, "_host_function_launcher", lambda: None)
    monkeypatch.setattr(completion, "_threads", {})
    monkeypatch.delenv("OXIDE_DEVICE", raising=False)
    assert sys.byteorder == "little"
    return driver
