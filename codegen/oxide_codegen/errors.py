"""What Oxide raises at run time.

The first line of every message names the kernel and, where one is to blame, the parameter; what
a program may want to look at is an attribute. A `LaunchError` is also the `TypeError` or
`ValueError` that a Python programmer would expect, and a failed run-time check is also the
exception that the same statement would raise on a list.

    vecadd: `b` wants elements of f32, got float64
    vecadd: index 1024 is out of bounds of `b` with length 1000
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.report import KernelReport


class OxideError(Exception):
    """Everything that Oxide raises by itself."""


class OutsideKernelError(OxideError, RuntimeError):
    """A name of the kernel language was used by ordinary Python code."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` has a meaning only inside a kernel: call it in a function decorated with "
            "`@oxide.kernel` or `@oxide.device`, and launch the kernel as `k[grid, block](...)`"
        )
        self.name = name


class HostAccessError(OxideError, TypeError):
    """The elements of a device buffer were asked for where only host memory will do."""


class MissingExtraError(OxideError, ImportError):
    """A package that this device needs is not installed."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"pip install 'oxide-kernels[{extra}]'"
        )
        self.package = package
        self.extra = extra


# ---------------------------------------------------------------- before a launch


class CheckError(OxideError):
    """A kernel that is not proved safe; the text is what `oxide-check` says about it."""

    def __init__(self, kernel: str, text: str, report: KernelReport | None = None) -> None:
        super().__init__(f"{kernel}: {text}")
        self.kernel = kernel
        self.report = report


class SourceError(CheckError):
    """A kernel whose source is missing, or is no longer that of the function which would run."""


class LaunchError(OxideError):
    """A launch that was refused; nothing has been enqueued.

    `parameter` is the one to blame, or None; `expected` and `actual` say what it should have
    been and what it is.
    """

    def __init__(
        self,
        kernel: str,
        message: str,
        *,
        parameter: str | None = None,
        expected: object = None,
        actual: object = None,
    ) -> None:
        super().__init__(f"{kernel}: {message}")
        self.kernel = kernel
        self.parameter = parameter
        self.expected = expected
        self.actual = actual


class LaunchTypeError(LaunchError, TypeError):
    """An argument of the wrong kind: its type, element type, rank or number."""


class LaunchValueError(LaunchError, ValueError):
    """An argument, grid or block of the right kind that this kernel does not admit."""


# ---------------------------------------------------------------- devices


class DeviceError(OxideError, RuntimeError):
    """A device that cannot be used, or a call to the driver that failed.

    `code` is the driver's number for it, where the driver spoke.
    """

    def __init__(
        self,
        message: str,
        *,
        kernel: str | None = None,
        stream: int | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(message if kernel is None else f"{kernel}: {message}")
        self.kernel = kernel
        self.stream = stream
        self.code = code


# ---------------------------------------------------------------- while a kernel runs


class KernelError(OxideError):
    """A run-time check that failed: the first one of the launch.

    `path` and `line` are the statement's, `block` and `thread` the (x, y, z) index of the thread
    that found it.
    """

    def __init__(
        self, kernel: str, message: str, *, path: str, line: int, block: Extent, thread: Extent
    ) -> None:
        super().__init__(
            f"{kernel}: {message}\n  {path}:{line}, block {_index(block)}, thread {_index(thread)}"
        )
        self.kernel = kernel
        self.path = path
        self.line = line
        self.block = block
        self.thread = thread


class KernelIndexError(KernelError, IndexError):
    """An access outside an array; `index` and `length` are those of the axis `axis`."""

    def __init__(
        self,
        kernel: str,
        *,
        array: str,
        axis: int,
        rank: int,
        index: int,
        length: int,
        path: str,
        line: int,
        block: Extent,
        thread: Extent,
    ) -> None:
        along = f" along axis {axis}" if rank > 1 else ""
        super().__init__(
            kernel,
            f"index {index} is out of bounds of `{array}` with length {length}{along}",
            path=path,
            line=line,
            block=block,
            thread=thread,
        )
        self.array = array
        self.axis = axis
        self.index = index
        self.length = length


class KernelZeroDivisionError(KernelError, ZeroDivisionError):
    """A divisor, or the step of a `range`, that is zero."""


class KernelAssertion(KernelError, AssertionError):
    """An `assert` of a kernel that does not hold."""


def _index(place: Extent) -> str:
    return "(" + ", ".join(str(k) for k in place) + ")"
