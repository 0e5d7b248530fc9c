"""One type for each name: a fixpoint over the assignments of a kernel.

A kernel is lowered while the types of its names are being found. Each assignment raises the
type of its name; if a name that was already used gets another type, the kernel is lowered
again with what is known now. Types only rise, so this ends; mostly after one pass.

    acc = 0                    acc: a literal so far, i64 if nothing else is assigned
    acc += a[i]                acc: f32, and the kernel is lowered again
    k = 0; v = idx[i] + k      k was read as a literal and stays one: it is i64 from now on,
                               and v with it

The order is  nothing < literal (weak) < a type of the language < a wider one < conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide.values import Give
from oxide_analyzer.language.types import Kind, Scalar, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.annotations import StructType
    from oxide_analyzer.frontends.oxide.values import Number
    from oxide_analyzer.language.records import Record
    from oxide_analyzer.source import Span

Key: TypeAlias = tuple[int | str, ...]
"""The frame, the name, and the place in each tuple on the way down."""


@dataclass(slots=True)
class Entry:
    """What is known about one name. `first` is the assignment that gave it its type."""

    type: Scalar | None = None
    weak: bool = False
    arity: int | None = None
    struct: StructType | Record | None = None
    declared: bool = False
    refused: bool = False
    conflict: Diagnostic | None = None
    first: Span | None = None
    seen: int = 0


class NameTypes:
    """The types of all names of a kernel and of what is inlined in it, over all passes."""

    def __init__(self, join: Callable[[Scalar, Scalar], Scalar | None] = join) -> None:
        self._join = join
        self.entries: dict[Key, Entry] = {}
        self._pass = 1
        self._changed = False
        self._stale = False
        self._weak_adapted = False
        self._incomplete = False

    def entry(self, key: Key) -> Entry:
        """What is known about `key`; made at its first mention."""
        found = self.entries.get(key)
        if found is None:
            found = self.entries[key] = Entry()
        return found

    def read(self, key: Key) -> Entry:
        """The entry of a name that is being read."""
        entry = self.entry(key)
        entry.seen = self._pass
        if entry.type is None and entry.arity is None:
            self._incomplete = True
        return entry

    def declare(self, key: Key, type: Scalar) -> Entry:
        """An annotation fixes the type; assignments convert to it or are refused."""
        entry = self.entry(key)
        if not entry.declared:
            entry.declared = True
            self._raise(entry, type, weak=False)
        return entry

    def shape(self, key: Key, arity: int, struct: StructType | Record | None = None) -> bool:
        """The name holds a tuple of `arity` items, or a struct; False if it already holds
        something else."""
        entry = self.entry(key)
        if entry.arity is None and entry.type is None:
            entry.arity, entry.struct = arity, struct
            self._changed = True
        entry.seen = self._pass
        return entry.arity == arity and entry.struct == struct

    def become(self, key: Key, arity: int, struct: Record) -> None:
        """A name that held numbers holds what `struct` is, which numbers become."""
        entry = self.entry(key)
        entry.type, entry.weak, entry.arity, entry.struct = None, False, arity, struct
        self._changed = self._stale = True

    def assign(self, key: Key, number: Number) -> Entry:
        """Raise the type of a name by what is assigned; a clash makes it a conflict."""
        entry = self.entry(key)
        if entry.declared or entry.refused:
            entry.seen = self._pass
            return entry
        weak = number.give is not Give.FIXED
        if entry.type is None:
            self._raise(entry, number.type, weak)
        elif entry.weak and not weak:
            if Kind.BOOL in (entry.type.kind, number.type.kind) and entry.type != number.type:
                self._refuse(entry)
            else:
                self._raise(entry, number.type, weak=False)
        elif entry.weak == weak:
            joined = self._join(entry.type, number.type)
            if joined is None:
                self._refuse(entry)
            else:
                self._raise(entry, joined, weak)
        entry.seen = self._pass
        return entry

    def adapted(self, number: Number, type: Scalar) -> None:
        """A weak number was used as one of `type`: right only if its name gets that type."""
        if self._join(number.type, type) != type:
            self._weak_adapted = True

    def settled(self) -> bool:
        """End a pass: whether what it made is right. If not, lower the kernel again."""
        again = self._stale or (self._incomplete and self._changed)
        if not again and self._weak_adapted:
            again = self._changed or self._freeze()
        self._pass += 1
        self._changed = self._stale = self._weak_adapted = self._incomplete = False
        return not again

    def conflicts(self) -> list[Diagnostic]:
        """What is said about names that have no one type."""
        return [entry.conflict for entry in self.entries.values() if entry.conflict is not None]

    def _refuse(self, entry: Entry) -> None:
        """No type holds all that is assigned; what was read as one is silent the next time."""
        entry.refused = self._changed = self._stale = True

    def _raise(self, entry: Entry, type: Scalar, weak: bool) -> None:
        if entry.type == type and entry.weak == weak:
            return
        if entry.type != type and entry.seen == self._pass:
            self._stale = True
        entry.type, entry.weak = type, weak
        self._changed = True

    def _freeze(self) -> bool:
        """Literals alone were assigned: these names have the literals' own type."""
        frozen = [entry for entry in self.entries.values() if entry.weak]
        for entry in frozen:
            entry.weak = False
        return bool(frozen)
