"""Which accesses of a run nothing orders: the questions, and who may race with whom.

Two accesses by different threads race if nothing orders them, one of them changes the element,
and they are not both atomic (atomics whose scope is a block protect from nobody in another block).

`intervals` answers for kernels that synchronise by the barriers of a block alone, `clocks` for all
others. Only the accesses of one run are compared: what no thread did in it is not known. Yet the
order in which the threads took turns does not matter: of two accesses that nothing orders, the
second finds the first, whichever that is.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Protocol, TypeAlias

from oxide_analyzer.ir.nodes import Atomic, AtomicOp, Load, Scope, Space, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch

Access: TypeAlias = Load | Store | Atomic
# The threads that did something, each with the step at which it did.
Threads: TypeAlias = "dict[int, int]"
Elements: TypeAlias = "dict[int, Threads]"
Observer: TypeAlias = "Callable[[int, int, int], bool]"
# Told of what an atomic has written: thread, element, step.
Publisher: TypeAlias = "Callable[[int, int, int], None]"

# Told of each race: the earlier access with its thread and step, then the present one with its
# thread, step and element.
Raced: TypeAlias = "Callable[[Access, tuple[int, int], Access, tuple[int, int, int]], None]"


class Ordering(Protocol):
    """What `Intervals` and `Clocks` are to the machine."""

    def observer(self, access: Access) -> Observer | None:
        """To be called with (thread, element, step) at each such access; true if it races.

        None if no other access of the kernel can race with it.
        """
        ...

    def publisher(self, access: Atomic) -> Publisher | None:
        """To be called where an atomic has changed its element, behind its observer.

        None if atomics order nothing here.
        """
        ...

    def fence(self, thread: int, scope: Scope, step: int) -> None:
        """A thread came to a fence."""
        ...

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """Who else changed what `access` has read, at which step, with nothing to order them."""
        ...

    def meet(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """All `live` threads have met; `returned` have left since the barrier before."""
        ...

    def end_block(self) -> None:
        """All threads of the block are done, and no other has begun."""
        ...


def changes(access: Access) -> bool:
    """Whether it may write its element."""
    match access:
        case Load():
            return False
        case Store():
            return True
        case Atomic(op=op):
            return op is not AtomicOp.LOAD


def leaves_block(scope: Scope) -> bool:
    """Whether a scope holds threads of all other blocks.

    What blocks of a cluster hand to each other in its scope counts as ordered in the block alone.
    """
    return scope in (Scope.DEVICE, Scope.SYSTEM)


def reaches_cluster(a: Access, b: Access) -> bool:
    """Whether two accesses are atomic among the blocks of one cluster, and not beyond."""
    if not (isinstance(a, Atomic) and isinstance(b, Atomic)):
        return False
    scopes = {a.scope, b.scope}
    return Scope.CLUSTER in scopes and Scope.BLOCK not in scopes


def cluster_of(launch: Launch, cluster: tuple[int, int, int]) -> Callable[[int], int]:
    """The number of a thread's cluster: `cluster` says how many blocks it has along x, y and z."""
    size, (across, down, _) = prod(launch.block), launch.grid
    wide, high = -(-across // cluster[0]), -(-down // cluster[1])

    def of(thread: int) -> int:
        block = thread // size
        x, y, z = block % across, block // across % down, block // (across * down)
        return x // cluster[0] + wide * (y // cluster[1] + high * (z // cluster[2]))

    return of


def can_race(a: Access, b: Access) -> bool:
    """Whether two accesses to one element by threads of one block race if nothing orders them."""
    if isinstance(a, Atomic) and isinstance(b, Atomic):
        return False
    return a.array == b.array and (changes(a) or changes(b))


def can_race_across_blocks(kernel: Kernel, a: Access, b: Access) -> bool:
    """Whether two accesses to one element by threads of different blocks race."""
    if a.array != b.array or kernel.arrays[a.array].space is not Space.GLOBAL:
        return False
    if not (changes(a) or changes(b)):
        return False
    if isinstance(a, Atomic) and isinstance(b, Atomic):
        return not (leaves_block(a.scope) and leaves_block(b.scope))
    return True


def shared_accesses(kernel: Kernel, sites: Iterable[object]) -> tuple[Access, ...]:
    """The accesses to arrays that more than one thread can reach."""
    return tuple(
        s
        for s in sites
        if isinstance(s, Load | Store | Atomic) and kernel.arrays[s.array].space is not Space.LOCAL
    )
