"""From the record that a failed check leaves behind to the exception that Python raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.abi import FailureKind, FailureRecord, failure_sites
from oxide_codegen.errors import (
    DeviceError,
    KernelIndexError,
    KernelZeroDivisionError,
    OxideError,
)

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel


def failure(kernel: Kernel, record: FailureRecord) -> OxideError:
    """What to raise for `record`, left by a launch of `kernel`."""
    site = failure_sites(kernel).get(record.site)
    path, line = (site.span.path, site.span.line) if site else (kernel.path, kernel.span.line)
    if record.kind is FailureKind.BOUNDS and site is not None and site.array is not None:
        return KernelIndexError(
            kernel.name,
            array=kernel.arrays[site.array].name,
            axis=record.axis,
            rank=kernel.arrays[site.array].rank,
            index=record.index,
            length=record.length,
            path=path,
            line=line,
            block=record.block,
            thread=record.thread,
        )
    if record.kind in (FailureKind.DIVISOR, FailureKind.STEP):
        what = (
            "the step of range is zero" if record.kind is FailureKind.STEP else "division by zero"
        )
        return KernelZeroDivisionError(
            kernel.name, what, path=path, line=line, block=record.block, thread=record.thread
        )
    return DeviceError(
        f"an internal check failed ({record.kind.name.lower()}) at {path}:{line}, block "
        f"{record.block}, thread {record.thread}; this is a bug of Oxide, please report it",
        kernel=kernel.name,
    )
