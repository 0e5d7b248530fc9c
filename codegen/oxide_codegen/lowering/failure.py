"""The one cold block of a function in which a failed run-time check is recorded.

Every check sets what it found in stack slots, which become phis, and jumps here: the code of the
record stands once, however many checks there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Scope
from oxide_codegen import abi
from oxide_codegen.lowering.atomics import LLVM_SCOPES
from oxide_codegen.lowering.builder import Builder, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_codegen.lowering.environment import Failure


class FailureBlock:
    """`pointer` is the type of the pointer `%failure`."""

    def __init__(self, build: Builder, pointer: str) -> None:
        self._pointer = pointer
        self._label = build.label("failure")
        self._slots: dict[str, str] = {}
        self.is_used = False

    def jump(self, build: Builder, failure: Failure) -> None:
        """Leave for the block with what a check found."""
        if not self.is_used:
            self.is_used = True
            for name, type_ in _FIELDS:
                self._slots[name] = build.variable(type_, name)
        for name, type_ in _FIELDS:
            build.store(Value(getattr(failure, name), type_), self._slots[name])
        build.jump(self._label)

    def place(self, build: Builder, block: Sequence[Value], thread: Sequence[Value]) -> None:
        """Write the block; it ends where the machine ends the thread. Places are i64."""
        self.close(build, self.open(build), block, thread)

    def open(self, build: Builder) -> dict[str, Value]:
        """Start the block; gives what the check found."""
        build.place(self._label)
        return {name: build.load(type_, self._slots[name]) for name, type_ in _FIELDS}

    def close(
        self,
        build: Builder,
        values: dict[str, Value],
        block: Sequence[Value],
        thread: Sequence[Value],
    ) -> None:
        """Write the record."""
        record(build, self._pointer, values, block, thread)


def operands(failure: Failure) -> dict[str, Value]:
    """What a check found, as `record` takes it."""
    return {name: Value(getattr(failure, name), type_) for name, type_ in _FIELDS}


def has_failed(build: Builder, pointer: str) -> Value:
    """Whether some thread of the launch has failed a check by now."""
    state = build.value("i32", f"load volatile i32, {pointer} %failure")
    return build.compare("icmp ne", state, f"{abi.FailureState.EMPTY:d}")


def record(
    build: Builder,
    pointer: str,
    values: dict[str, Value],
    block: Sequence[Value],
    thread: Sequence[Value],
) -> None:
    """Fill in the record at `%failure` if nobody has claimed it before.

    Only threads of one launch claim it, so the device's scope is enough: the record lies in memory
    of the host, on which not every device has atomics of the whole system.
    """
    claim = build.value(
        "{ i32, i1 }",
        f"cmpxchg {pointer} %failure, i32 {abi.FailureState.EMPTY:d}, "
        f"i32 {abi.FailureState.CLAIMED:d} {LLVM_SCOPES[Scope.DEVICE]}monotonic monotonic",
    )
    first = build.value("i1", f"extractvalue {claim}, 1")
    mine, done = build.label("first"), build.label("recorded")
    build.branch(first.text, mine, done)
    build.place(mine)

    def put(offset: int, value: Value) -> None:
        at = build.value(pointer, f"getelementptr i8, {pointer} %failure, i64 {offset}")
        build.emit(f"store {value}, {at}")

    for name, offset in _OFFSETS.items():
        put(offset, values[name])
    for start, place in ((abi.BLOCK_OFFSET, block), (abi.THREAD_OFFSET, thread)):
        for axis, value in enumerate(place):
            put(start + 4 * axis, build.cast("trunc", value, "i32"))
    put(abi.STATE_OFFSET, Value(str(int(abi.FailureState.COMPLETE)), "i32"))
    build.place(done)


_FIELDS = (
    ("site", "i32"),
    ("kind", "i32"),
    ("axis", "i32"),
    ("index", "i64"),
    ("length", "i64"),
    ("stop", "i64"),
)
_OFFSETS = {
    "site": abi.SITE_OFFSET,
    "kind": abi.KIND_OFFSET,
    "axis": abi.AXIS_OFFSET,
    "index": abi.INDEX_OFFSET,
    "length": abi.LENGTH_OFFSET,
    "stop": abi.STOP_OFFSET,
}
