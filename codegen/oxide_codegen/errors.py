"""What Oxide raises at run time.

The first line of every message names the kernel and, where one is to blame, the parameter; what
a program may want to look at is an attribute. A `LaunchError` is also the `TypeError` or
`ValueError` that a Python programmer would expect, and a failed run-time check is also the
exception that the same statement would raise on a list.

    vecadd: `b` wants elements of f32, got float64
    vecadd: index 1024 is out of bounds of `b` with length 1000
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.report import KernelReport


class OxideError(Exception):
    """Everything that Oxide raises by itself."""


def plain(error: OxideError) -> OxideError:
    """`error` without the frames of Oxide, unless OXIDE_TRACEBACK=full."""
    if os.environ.get("OXIDE_TRACEBACK") == "full":
        return error
    return error.with_traceback(None)


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
    been and what it is. `rule` is the number of the rule that the launch breaks, where it has
    one: OX108 (aliased arguments), OX401 (contract), OX405 (limits).
    """

    def __init__(
        self,
        kernel: str,
        message: str,
        *,
        parameter: str | None = None,
        expected: object = None,
        actual: object = None,
        rule: str | None = None,
    ) -> None:
        super().__init__(f"{kernel}: {message}" + (f" [{rule}]" if rule else ""))
        self.kernel = kernel
        self.parameter = parameter
        self.expected = expected
        self.actual = actual
        self.rule = rule


class LaunchTypeError(LaunchError, TypeError):
    """An argument of the wrong kind: its type, element type, rank or number."""


class LaunchValueError(LaunchError, ValueError):
    """An argument, grid or block of the right kind that this kernel does not admit."""


class BufferFreedError(OxideError, ValueError):
    """An array was used whose memory was given back."""


def demand_not_freed(is_freed: bool) -> None:
    """Raise if the memory behind an array of the host was given back."""
    if is_freed:
        raise BufferFreedError("the memory of this array was freed: nothing can use it any more")


class BufferLayoutError(OxideError, ValueError):
    """An array whose elements do not lie side by side was used where only such will do.

    `reason` says so, and `actual` how they lie.
    """

    def __init__(self, array: str, reason: str, actual: str) -> None:
        super().__init__(f"{array} {reason}")
        self.reason = reason
        self.actual = actual


# ---------------------------------------------------------------- operations


class OperationUsedError(OxideError, RuntimeError):
    """An operation that was done, or has become part of another one, was used again."""


class GraphError(OxideError, RuntimeError):
    """Something that cannot be part of a graph."""


class CollectiveError(OxideError, RuntimeError):
    """The devices of a group cannot combine their arrays."""


class CollectiveMismatchError(CollectiveError, ValueError):
    """Ranks that ask for different things: calls, lengths, element types, numbers of processes."""


class CollectiveTimeoutError(CollectiveError, TimeoutError):
    """Ranks that have not come within the time limit of their group."""


class RankLostError(CollectiveError, ConnectionError):
    """A process of a group that is gone, or has left, while others wait for it."""


# ---------------------------------------------------------------- artifacts


class ArtifactError(OxideError):
    """An artifact that was refused; `path` is its file.

    `expected` and `actual` say what should have been there and what is, where that is known.
    """

    def __init__(
        self,
        path: str,
        message: str,
        *,
        kernel: str | None = None,
        expected: object = None,
        actual: object = None,
    ) -> None:
        where = f"`{path}`" if kernel is None else f"{kernel}: `{path}`"
        super().__init__(f"{where}: {message}")
        self.path = path
        self.kernel = kernel
        self.expected = expected
        self.actual = actual


class ArtifactDamagedError(ArtifactError, ValueError):
    """A file that is not what `oxide build` wrote."""


class ArtifactVersionError(ArtifactError, ValueError):
    """An artifact that another version of Oxide has built."""


class ArtifactContractError(ArtifactError, ValueError):
    """An artifact with other kernels, parameters or contracts than the program."""


class ArtifactSourceError(ArtifactError, ValueError):
    """An artifact of a kernel whose source, or a constant of it, is another one here."""


class ArtifactTargetError(ArtifactError, ValueError):
    """An artifact without code for the device."""


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


class DeviceMemoryError(DeviceError, MemoryError):
    """A device without room for an array, after everything that could be given back was.

    `requested`, `free`, `held` (by arrays of Oxide) and `others` (held by others) are bytes.
    """

    def __init__(self, message: str, *, requested: int, free: int, held: int, others: int) -> None:
        super().__init__(message)
        self.requested = requested
        self.free = free
        self.held = held
        self.others = others


# ---------------------------------------------------------------- while a kernel runs


@record
class Where:
    """The statement of a failed check, and the (x, y, z) index of the thread that failed it."""

    path: str
    line: int
    block: Extent
    thread: Extent


class KernelError(OxideError):
    """A run-time check that failed: the first one of the launch.

    `path` and `line` are the statement's, `block` and `thread` the (x, y, z) index of the thread
    that found it. `rule` is the number of the rule whose obligation was left to the check.
    """

    rule: str | None = None

    def __init__(self, kernel: str, message: str, where: Where, kind: str = "") -> None:
        super().__init__(
            f"{kernel}: {message}\n  {where.path}:{where.line}, block {_index(where.block)}, "
            f"thread {_index(where.thread)}" + (f", {kind}" if kind else "")
        )
        self.kernel = kernel
        self.path = where.path
        self.line = where.line
        self.block = where.block
        self.thread = where.thread


class KernelIndexError(KernelError, IndexError):
    """An access outside an array; `index` and `length` are those of the axis `axis`.

    With `view` they are those of a view of `array`.
    """

    rule = "OX301"

    def __init__(
        self,
        kernel: str,
        where: Where,
        *,
        array: str,
        axis: int,
        rank: int,
        index: int,
        length: int,
        view: bool = False,
        message: str | None = None,
    ) -> None:
        along = f" along axis {axis}" if rank > 1 else ""
        what = f"a view of `{array}`" if view else f"`{array}`"
        super().__init__(
            kernel,
            message or f"index {index} is out of bounds of {what} with length {length}{along}",
            where,
        )
        self.array = array
        self.axis = axis
        self.index = index
        self.length = length
        self.view = view


class KernelViewError(KernelIndexError):
    """A view that does not lie within its array, or ends before it starts."""

    def __init__(
        self,
        kernel: str,
        where: Where,
        *,
        array: str,
        axis: int,
        rank: int,
        start: int,
        stop: int,
        length: int,
    ) -> None:
        along = f" along axis {axis}" if rank > 1 else ""
        super().__init__(
            kernel,
            where,
            array=array,
            axis=axis,
            rank=rank,
            index=start,
            length=length,
            view=True,
            message=f"the view [{start}:{stop}] of `{array}` is not within its length "
            f"{length}{along}",
        )
        self.start = start
        self.stop = stop


class KernelAlignmentError(KernelError, ValueError):
    """A wide access to `array` that starts at an `offset` which is no multiple of its `width`."""

    rule = "OX306"

    def __init__(self, kernel: str, where: Where, *, array: str, offset: int, width: int) -> None:
        super().__init__(
            kernel,
            f"{width} elements of `{array}` at once from offset {offset}, which is no multiple "
            f"of {width}",
            where,
        )
        self.array = array
        self.offset = offset
        self.width = width


class KernelZeroDivisionError(KernelError, ZeroDivisionError):
    """A divisor, or the step of a `range`, that is zero."""

    rule = "OX307"


class KernelAssertion(KernelError, AssertionError):
    """An `assert` of a kernel that does not hold."""

    rule = "OX308"


# ---------------------------------------------------------------- in the interpreter


@record
class Step:
    """What one thread did at a statement: "read", "write", "atomic", "wait" or "exit"."""

    where: Where
    kind: str

    def __str__(self) -> str:
        where = self.where
        return (
            f"{where.path}:{where.line}, block {_index(where.block)}, "
            f"thread {_index(where.thread)}, {self.kind}"
        )


class KernelUninitialisedError(KernelError):
    """Something is read that nothing has written."""

    rule = "OX303"


class _TwoThreadsError(KernelError):
    """What two threads did; `first` came first, and `second` is where the error was found."""

    def __init__(
        self, kernel: str, message: str, first: Step | None, second: Step, rule: str
    ) -> None:
        before = "" if first is None else f"\n  {first}"
        super().__init__(kernel, f"{message}{before}", second.where, second.kind)
        self.first = first
        self.second = second
        self.rule = rule


class KernelRaceError(_TwoThreadsError):
    """Two threads touch `array[index]`, one of them changes it, and nothing orders them."""

    def __init__(
        self,
        kernel: str,
        message: str,
        first: Step,
        second: Step,
        rule: str,
        array: str,
        index: tuple[int, ...],
    ) -> None:
        super().__init__(kernel, message, first, second, rule)
        self.array = array
        self.index = index


class KernelConvergenceError(_TwoThreadsError):
    """A thread waits at a barrier or warp operation for another one that does not come."""

    def __init__(
        self, kernel: str, message: str, second: Step, first: Step | None, rule: str
    ) -> None:
        super().__init__(kernel, message, first, second, rule)


def _index(place: Extent) -> str:
    return "(" + ", ".join(str(k) for k in place) + ")"
