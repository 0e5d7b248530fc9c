"""What a device has room for: OX405, where a launch asks for more.

Shared memory counts the kernel's own arrays and what the launch asks for. A cooperative launch has
all its blocks on the device at once, so as many as fit are the most that it may have:

    smooth: `grid` has 4000 blocks, but a cooperative launch has at most 1056 on cuda:0: …

The cpu could take any launch; it takes what an H100 has room for, so that what runs there runs on
a GPU as well.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.launch import MAX_SHARED
from oxide_codegen.errors import LaunchValueError

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent

_MULTIPROCESSORS, _THREADS, _BLOCKS = 132, 2048, 32


def demand_on_cpu(kernel: Kernel, grid: Extent, block: Extent, static: int, shared: int) -> None:
    """Raise unless an H100 has room for the launch; `static` are the kernel's own shared arrays."""
    demand_shared(kernel.name, "cpu", static, shared, MAX_SHARED)
    if kernel.contract.cooperative:
        warps = -(-prod(block) // 32)
        fit = min(_BLOCKS, _THREADS // (32 * warps))
        if static + shared:
            fit = min(fit, MAX_SHARED // (static + shared))
        demand_resident(kernel.name, "the cpu", grid, fit * _MULTIPROCESSORS)


def demand_shared(kernel: str, where: str, static: int, shared: int, most: int) -> None:
    """Raise unless a block's shared memory is there."""
    if static + shared > most:
        own = f" besides the {static} of the kernel's own arrays" if static else ""
        raise LaunchValueError(
            kernel,
            f"`shared` is {shared} bytes{own}; on {where} a block has at most {most}",
            parameter="shared",
            expected=most - static,
            actual=shared,
            rule="OX405",
        )


def demand_threads(kernel: str, where: str, block: Extent, most: int) -> None:
    """Raise unless a block of this kernel may have so many threads."""
    if prod(block) > most:
        raise LaunchValueError(
            kernel,
            f"`block` has {prod(block)} threads; compiled for {where} the kernel takes at most "
            f"{most}",
            parameter="block",
            expected=most,
            actual=prod(block),
            rule="OX405",
        )


def demand_resident(kernel: str, where: str, grid: Extent, most: int) -> None:
    """Raise unless all blocks fit at once."""
    if prod(grid) > most:
        raise LaunchValueError(
            kernel,
            f"`grid` has {prod(grid)} blocks, but a cooperative launch has at most {most} on "
            f"{where}: all of them run at once",
            parameter="grid",
            expected=most,
            actual=prod(grid),
            rule="OX405",
        )
