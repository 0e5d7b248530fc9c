"""Elements that are several numbers: complex numbers, and records as NumPy lays them out.

A record is never one value of the IR. It is taken apart into its leaves, the numbers in it, and an
array of records is an array for each leaf, all of one memory: a leaf lies at its offset in each
record, and the records lie side by side.

    [("x", f4), ("hit", u1), ("v", f4, (2,))]        0  x    4 bytes
                                                     4  hit  1 byte
                                                     5  v    2 times 4 bytes, packed
    13 bytes

    a[i].v[1]   lies at   13 * i + 5 + 4 * 1

Leaves of one record lie apart unless the dtype says otherwise; `overlapping` names those that do
not. What is not aligned is read and written in pieces: `Record.alignment` is what every such array
is sure to start at, and no access assumes more than that, the size and the offset allow.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.language.types import F32, F64, U64, Scalar
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PLACES = 4096


@record
class RecordField:
    """A field: a number, a record, or, with a shape, an array of either in C order."""

    name: str
    type: Element
    offset: int
    shape: tuple[int, ...] = ()


@record
class RecordLeaf:
    """A number in a record, or an array of numbers: `strides` are bytes along `shape`."""

    path: tuple[str, ...]
    type: Scalar
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def name(self) -> str:
        """The fields on the way, as the source says them."""
        return ".".join(self.path)

    def places(self) -> Iterator[int]:
        """Where in the record its numbers begin."""
        starts = [self.offset]
        for extent, stride in zip(self.shape, self.strides, strict=True):
            starts = [start + k * stride for start in starts for k in range(extent)]
        return iter(starts)


@record
class Record:
    """A type of elements: fields at offsets, `size` bytes from one to the next.

    `alignment` is a power of two that an array of them starts at a multiple of.
    """

    name: str
    fields: tuple[RecordField, ...]
    size: int
    alignment: int

    def __str__(self) -> str:
        return self.name

    def field(self, name: str) -> RecordField | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)

    def place(self, name: str) -> int | None:
        """Which of the fields has this name."""
        return next((k for k, field in enumerate(self.fields) if field.name == name), None)

    def leaves(self) -> tuple[RecordLeaf, ...]:
        """The numbers in it, in the order of the fields."""
        return tuple(_leaves(self))

    def overlapping(self) -> frozenset[tuple[str, ...]]:
        """The paths of leaves that share bytes with another one."""
        found: set[tuple[str, ...]] = set()
        leaves = self.leaves()
        if sum(prod(leaf.shape) for leaf in leaves) > _MOST_PLACES:
            return frozenset(leaf.path for leaf in leaves)
        owners: dict[int, tuple[str, ...]] = {}
        for leaf in leaves:
            for start in leaf.places():
                for byte in range(start, start + leaf.type.size):
                    other = owners.setdefault(byte, leaf.path)
                    if other != leaf.path:
                        found |= {other, leaf.path}
        return frozenset(found)

    @property
    def is_complex(self) -> bool:
        """Whether it is a complex number, which has arithmetic."""
        return self in (COMPLEX64, COMPLEX128)


Element: TypeAlias = Scalar | Record


def alignment_of(record: Record, leaf: RecordLeaf, start: int) -> int:
    """To how many bytes each number of a leaf lies aligned, where the array starts at `start`."""
    found = max(start, 1)
    for distance in (record.size, leaf.offset, *leaf.strides):
        found = min(found, distance & -distance) if distance else found
    return found


def natural_alignment(fields: tuple[RecordField, ...], size: int) -> int:
    """The alignment of an array of records that is where C would put it, as far as `size` keeps
    it: that of its widest number."""
    widest = max((_widest(field.type) for field in fields), default=1)
    return min(widest, size & -size) if size else widest


def record_of(name: str, fields: tuple[RecordField, ...], size: int) -> Record:
    """A record that starts where its widest number wants to."""
    return Record(name, fields, size, natural_alignment(fields, size))


def _widest(type: Element) -> int:
    if isinstance(type, Scalar):
        return type.size
    return max((_widest(field.type) for field in type.fields), default=1)


def _leaves(record: Record) -> Iterator[RecordLeaf]:
    for field in record.fields:
        inner = field.type
        size = inner.size
        strides: tuple[int, ...] = ()
        for extent in reversed(field.shape):
            strides = (size, *strides)
            size *= extent
        if isinstance(inner, Scalar):
            yield RecordLeaf((field.name,), inner, field.offset, field.shape, strides)
            continue
        for leaf in inner.leaves():
            yield RecordLeaf(
                (field.name, *leaf.path),
                leaf.type,
                field.offset + leaf.offset,
                (*field.shape, *leaf.shape),
                (*strides, *leaf.strides),
            )


def _complex(name: str, part: Scalar) -> Record:
    fields = (RecordField("real", part, 0), RecordField("imag", part, part.size))
    return record_of(name, fields, 2 * part.size)


COMPLEX64 = _complex("complex64", F32)
COMPLEX128 = _complex("complex128", F64)
COMPLEXES: dict[str, Record] = {r.name: r for r in (COMPLEX64, COMPLEX128)}

XOROSHIRO = record_of(
    "xoroshiro128p state", (RecordField("s0", U64, 0), RecordField("s1", U64, 8)), 16
)
