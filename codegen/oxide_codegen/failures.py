"""From the record that a failed check leaves behind to the exception that Python raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.abi import FailureKind, FailureRecord, failure_sites
from oxide_codegen.errors import (
    DeviceError,
    KernelAlignmentError,
    KernelAssertion,
    KernelIndexError,
    KernelViewError,
    KernelZeroDivisionError,
    OxideError,
    Where,
)

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel


def failure(kernel: Kernel, record: FailureRecord) -> OxideError:
    """What to raise for `record`, left by a launch of `kernel`."""
    site = failure_sites(kernel).get(record.site)
    path, line = (site.span.path, site.span.line) if site else (kernel.path, kernel.span.line)
    where = Where(path, line, record.block, record.thread)
    name = kernel.name
    array = kernel.arrays.get(site.array) if site and site.array is not None else None
    match record.kind:
        case FailureKind.BOUNDS if array is not None and site is not None:
            return KernelIndexError(
                name,
                where,
                array=array.name,
                axis=record.axis,
                rank=array.rank,
                index=record.index,
                length=record.length,
                view=site.access == "view",
            )
        case FailureKind.VIEW if array is not None:
            return KernelViewError(
                name,
                where,
                array=array.name,
                axis=record.axis,
                rank=array.rank,
                start=record.index,
                stop=record.stop,
                length=record.length,
            )
        case FailureKind.ALIGNMENT if array is not None:
            return KernelAlignmentError(
                name, where, array=array.name, offset=record.index, width=record.length
            )
        case FailureKind.ASSERTION if site is not None:
            return KernelAssertion(
                name, site.message or "an assert of the kernel does not hold", where
            )
        case FailureKind.DIVISOR:
            return KernelZeroDivisionError(name, "division by zero", where)
        case FailureKind.STEP:
            return KernelZeroDivisionError(name, "the step of range is zero", where)
        case _:
            pass
    return DeviceError(
        f"an internal check failed ({record.kind.name.lower()}) at {path}:{line}, block "
        f"{record.block}, thread {record.thread}; this is a bug of Oxide, please report it",
        kernel=kernel.name,
    )
