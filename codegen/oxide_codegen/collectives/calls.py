"""What the ranks of a group ask for, and what comes of it.

    all_reduce (sum) of 3 f32         1 2 3 | 4 5 6   ─►   5 7 9 | 5 7 9
    broadcast from rank 1 of 3 f32    1 2 3 | 4 5 6   ─►   4 5 6 | 4 5 6
    all_gather of 3 f32               1 2 3 | 4 5 6   ─►   1 2 3 4 5 6 | 1 2 3 4 5 6

All ranks ask for the same call, or nothing is done. On the cpu arrays are combined in the order of
ranks, element by element, as a kernel would: integers wrap, and of two floats one of which is no
number `min` and `max` take the other. Every rank gets the same bits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from oxide_codegen.elements import dtype_of, item_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What NCCL reduces, with its numbers for it.
REDUCED = {
    "i8": 0,
    "u8": 1,
    "i32": 2,
    "u32": 3,
    "i64": 4,
    "u64": 5,
    "f16": 6,
    "f32": 7,
    "f64": 8,
    "bf16": 9,
}
# The operators: NCCL's numbers, and NumPy's names of them.
OPERATORS = {"sum": (0, "add"), "prod": (1, "multiply"), "max": (2, "fmax"), "min": (3, "fmin")}


@dataclass(frozen=True, slots=True)
class Call:
    """One collective call: the same for all ranks."""

    name: str
    element: str
    count: int
    operator: str = ""
    root: int = 0

    @property
    def size(self) -> int:
        """The bytes of the array of one rank."""
        return self.count * item_size(self.element)

    def header(self) -> dict[str, Any]:
        """As the processes tell each other."""
        return asdict(self)

    @staticmethod
    def of(header: Mapping[str, Any]) -> Call:
        """What another process has told; `ValueError` for anything else."""
        name, element, operator = (str(header[key]) for key in ("name", "element", "operator"))
        return Call(name, element, int(header["count"]), operator, int(header["root"]))

    def __str__(self) -> str:
        how = f" ({self.operator})" if self.operator else ""
        whence = f" from rank {self.root}" if self.name == "broadcast" else ""
        return f"{self.name}{how}{whence} of {self.count:,} {self.element}"


def combined(call: Call, rows: Sequence[Any], into: Any = None) -> Any:
    """What each rank gets, as bytes in a NumPy array; of the rows of bytes of all ranks in order.

    Of a broadcast there is one row, that of the root. `into` is where the result may go: of a
    reduction it may be the first row.
    """
    import numpy as np

    match call.name:
        case "broadcast":
            return rows[0]
        case "all_gather":
            return np.concatenate(rows, out=into)
        case _:
            return _reduced(call, rows, into)


def _reduced(call: Call, rows: Sequence[Any], into: Any) -> Any:
    import numpy as np

    operate = getattr(np, OPERATORS[call.operator][1])
    if call.element == "bf16":
        total = _widened(rows[0])
        for row in rows[1:]:
            with np.errstate(all="ignore"):
                total = _widened(_narrowed(operate(total, _widened(row))))
        return _narrowed(total).view(np.uint8)
    dtype = dtype_of(call.element)
    first, *others = (row.view(dtype) for row in rows)
    total = np.empty_like(first) if into is None else into.view(dtype)
    with np.errstate(all="ignore"):
        for row in others:
            operate(first, row, out=total)
            first = total
    if not others:
        total[:] = first
    return total.view(np.uint8) if into is None else into


def _widened(row: Any) -> Any:
    """The bytes of bf16 as f32, whose upper halves they are."""
    import numpy as np

    return (row.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _narrowed(numbers: Any) -> Any:
    """The bits of the nearest bf16, ties to even."""
    import numpy as np

    bits = numbers.view(np.uint32)
    nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(numbers), 0x7FC0, nearest).astype(np.uint16)
