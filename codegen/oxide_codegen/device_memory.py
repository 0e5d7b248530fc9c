"""Memory of one NVIDIA device: who used it last, who else has it, and how it goes.

What is garbage is only noted, because a finalizer runs anywhere, within our own calls to the driver
too: `Cuda.reap` frees it.

Memory that another library was given by DLPack is lent: freed meanwhile, nobody uses it through us
any more, and it is given back when the last loan ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen.errors import demand_not_freed
from oxide_codegen.ordering import Uses

if TYPE_CHECKING:
    from oxide_codegen.cuda import Cuda

# The `stream` of memory that was used on others than the default one; no stream has this handle.
SEVERAL = -1
# The lane of the host, which waits and enqueues nothing.
_HOST = -2


class Memory:
    """Device memory with its last uses; freed behind them.

    `stream` is the default one while every use was there; only then may a launch on it go ahead
    without looking at `uses`. Of memory that others have parts of (`is_joined`) it never is: they
    share its uses, and each would have to be told.
    """

    __slots__ = (
        "__weakref__",
        "_loans",
        "_returns",
        "address",
        "device",
        "is_freed",
        "is_joined",
        "is_ours",
        "owner",
        "stream",
        "uses",
    )

    def __init__(self, device: Cuda, address: int, owner: Any, *, is_ours: bool) -> None:
        self.device = device
        self.address = address
        self.owner = owner
        self.is_ours = is_ours
        self.stream = device.default_handle
        self.uses = Uses(device.default_point)
        self.is_freed = False
        self.is_joined = False
        # Who gives it back takes the only item, so it is given back once.
        self._returns = [owner] if owner is not None else []
        self._loans: dict[int, None] = {}

    def free(self) -> None:
        """Give it back behind its last uses, and let nobody use it any more."""
        self.is_freed = True
        # Launches that are repeated look at their memory once more.
        self.stream = SEVERAL
        self.device.moved = object()
        if not self._loans:
            self._give_back()
        self.device.reap()

    @property
    def is_borrowed(self) -> bool:
        """Whether somebody else frees it."""
        return not self.is_ours

    def forsaken(self) -> Memory:
        """What an array has in its place that was freed; other arrays have borrowed it too."""
        self.stream = SEVERAL
        self.device.moved = object()
        made = Memory(self.device, self.address, None, is_ours=False)
        made.is_freed = True
        return made

    def lend(self) -> Loan:
        """As long as this lives, the memory is not given back."""
        loan = Loan(self)
        self._loans[id(loan)] = None
        return loan

    def returned(self, loan: int) -> None:
        """A loan has ended. No call to the driver and no lock: this may run within either."""
        self._loans.pop(loan, None)
        if self.is_freed and not self._loans:
            self._give_back()

    def settle(self, *, writes: bool) -> None:
        """Wait for the uses that the host comes behind if it reads, or also writes, the memory."""
        demand_not_freed(self.is_freed)
        device = self.device
        with device.current():
            if not device.sees_managed_memory:
                # Nothing may run on the device while the host is there.
                device.wait_for_all()
            elif self.stream == device.default_handle:
                device.wait(device.default_handle)
            else:
                for point in self.uses.before(_HOST, writes=writes):
                    if point.lane == device.default_handle:
                        device.wait(device.default_handle)
                    else:
                        device.event(point).sync()
        device.raise_failures()

    def _give_back(self) -> None:
        try:
            owner = self._returns.pop()
        except IndexError:
            return
        self.owner = None
        self.device.garbage.put((owner, self.uses, self.is_ours))

    def __del__(self) -> None:
        # No call to the driver and no lock: this may run within either.
        self._give_back()


class Loan:
    """Memory that another library has."""

    __slots__ = ("_memory",)

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __del__(self) -> None:
        self._memory.returned(id(self))
