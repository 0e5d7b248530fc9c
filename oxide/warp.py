"""What the 32 threads of a warp do together, without memory.

All lanes that take part come to the same call: `mask` names them, a bit for each, and None all
that the warp has. `width` cuts the warp into segments of 1, 2, 4, 8, 16 or 32 lanes.
"""

from __future__ import annotations

from typing import TypeVar

from oxide_codegen.errors import OutsideKernelError

T = TypeVar("T")


class Warp:
    """The operations of a warp."""

    @property
    def lane(self) -> int:
        """The place of this thread in its warp, 0 to 31."""
        raise OutsideKernelError("warp.lane")

    @property
    def index(self) -> int:
        """The place of this warp in its block: a block of 100 threads has the warps 0 to 3."""
        raise OutsideKernelError("warp.index")

    @property
    def count(self) -> int:
        """How many warps a block has; the last one may lack lanes."""
        raise OutsideKernelError("warp.count")

    def shuffle(self, value: T, lane: int, /, *, width: int = 32, mask: int | None = None) -> T:
        """The `value` of lane `lane` of the own segment."""
        raise OutsideKernelError("warp.shuffle")

    def shuffle_up(self, value: T, delta: int, /, *, width: int = 32, mask: int | None = None) -> T:
        """The `value` of the lane `delta` below; past the first, the own one."""
        raise OutsideKernelError("warp.shuffle_up")

    def shuffle_down(
        self, value: T, delta: int, /, *, width: int = 32, mask: int | None = None
    ) -> T:
        """The `value` of the lane `delta` above; past the last, the own one."""
        raise OutsideKernelError("warp.shuffle_down")

    def shuffle_xor(self, value: T, bits: int, /, *, width: int = 32, mask: int | None = None) -> T:
        """The `value` of the lane whose number differs in `bits`."""
        raise OutsideKernelError("warp.shuffle_xor")

    def any(self, predicate: int, /, *, mask: int | None = None) -> bool:
        """Whether `predicate` holds in some lane."""
        raise OutsideKernelError("warp.any")

    def all(self, predicate: int, /, *, mask: int | None = None) -> bool:
        """Whether `predicate` holds in every lane."""
        raise OutsideKernelError("warp.all")

    def ballot(self, predicate: int, /, *, mask: int | None = None) -> int:
        """A bit for each lane: whether `predicate` holds there (u32)."""
        raise OutsideKernelError("warp.ballot")

    def match_any(self, value: float, /, *, mask: int | None = None) -> int:
        """The lanes whose `value` equals the own one (u32)."""
        raise OutsideKernelError("warp.match_any")

    def match_all(self, value: float, /, *, mask: int | None = None) -> int:
        """The lanes that take part if all have one `value`, else 0 (u32)."""
        raise OutsideKernelError("warp.match_all")

    def reduce_add(self, value: T, /, *, width: int = 32, mask: int | None = None) -> T:
        """The sum of `value` over the lanes, in every lane."""
        raise OutsideKernelError("warp.reduce_add")

    def reduce_min(self, value: T, /, *, width: int = 32, mask: int | None = None) -> T:
        """The smallest `value` of the lanes, in every lane."""
        raise OutsideKernelError("warp.reduce_min")

    def reduce_max(self, value: T, /, *, width: int = 32, mask: int | None = None) -> T:
        """The largest `value` of the lanes, in every lane."""
        raise OutsideKernelError("warp.reduce_max")

    def reduce_and(self, value: int, /, *, width: int = 32, mask: int | None = None) -> int:
        """The bits set in every lane's `value`."""
        raise OutsideKernelError("warp.reduce_and")

    def reduce_or(self, value: int, /, *, width: int = 32, mask: int | None = None) -> int:
        """The bits set in some lane's `value`."""
        raise OutsideKernelError("warp.reduce_or")

    def reduce_xor(self, value: int, /, *, width: int = 32, mask: int | None = None) -> int:
        """The bits set in an odd number of lanes' `value`s."""
        raise OutsideKernelError("warp.reduce_xor")

    def scan_add(
        self, value: T, /, *, exclusive: bool = False, width: int = 32, mask: int | None = None
    ) -> T:
        """The sum of `value` over this lane and those below."""
        raise OutsideKernelError("warp.scan_add")

    def scan_min(
        self, value: T, /, *, exclusive: bool = False, width: int = 32, mask: int | None = None
    ) -> T:
        """The smallest `value` of this lane and those below."""
        raise OutsideKernelError("warp.scan_min")

    def scan_max(
        self, value: T, /, *, exclusive: bool = False, width: int = 32, mask: int | None = None
    ) -> T:
        """The largest `value` of this lane and those below."""
        raise OutsideKernelError("warp.scan_max")

    def __repr__(self) -> str:
        return "oxide.warp"


warp = Warp()
