"""The memory of a run, and what a load or a store does to it; `atomics` has the rest.

An element is a number, or None while nothing has written it. For each access of the kernel a
function is made that the translated kernel calls, with the thread's number and the element's
offset in C order; the translation has compared the indices with the shape before.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.launch import Repeated
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.interpreter.clock import Clock
    from oxide_analyzer.interpreter.ordering import Observer, Publisher
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Contents, Number

Values: TypeAlias = "list[Number | None]"
# Told of a read of an undefined element: thread, element, step.
Undefined: TypeAlias = "Callable[[int, int, int], None]"


class Sparse(dict[int, "Number | None"]):
    """Elements by offset, of which few are used; the others are those of a pattern."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: Sequence[Number | None]) -> None:
        self.pattern = pattern

    def __missing__(self, offset: int) -> Number | None:
        return self.pattern[offset % len(self.pattern)]


class Memory:
    """One array: its elements, and those whose value was left to chance.

    Where blocks run together it holds the shared array of each, one behind the other.
    """

    __slots__ = ("count", "doubtful", "element", "shape", "values")

    def __init__(
        self,
        element: Scalar,
        shape: tuple[int, ...],
        copies: int = 1,
        contents: Contents | None = None,
    ) -> None:
        self.element = element
        self.shape = tuple(max(extent, 0) for extent in shape)
        self.count = prod(self.shape)
        given = None if contents is None else contents.values
        self.values: Values | Sparse
        if isinstance(given, Repeated):
            self.values = Sparse(arithmetic.literals(given.pattern, element))
        elif given is not None:
            self.values = _values(arithmetic.literals(given, element))
        else:
            # Of the shared memory of many blocks little may ever be touched.
            self.values = _dense(self.count) if copies == 1 else Sparse((None,))
        self.doubtful: set[int] = set()

    def forget(self) -> None:
        """Undefined again, as shared memory is at the start of a block."""
        assert isinstance(self.values, list)
        self.values[:] = [None] * self.count
        self.doubtful.clear()

    def index(self, offset: int) -> tuple[int, ...]:
        """The index of the element at `offset`."""
        offset %= max(self.count, 1)
        index: list[int] = []
        for extent in reversed(self.shape):
            offset, i = divmod(offset, extent)
            index.append(i)
        return tuple(reversed(index))


def _values(numbers: list[Number]) -> Values:
    # An element may become undefined, which the numbers of a launch are not.
    return [*numbers]


def _dense(count: int) -> Values:
    undefined: Values = [None]
    return undefined * count


@record
class Scene:
    """What an access acts on.

    `visits` gathers the threads that come here, `observe` looks for races (None where there can
    be none), `undefined` is told of undefined elements, `taints` holds the tainted threads.
    """

    memory: Memory
    clock: Clock
    visits: set[int]
    observe: Observer | None
    undefined: Undefined
    taints: dict[int, int]


def loader(scene: Scene) -> Callable[[int, int], Number]:
    """What a load from shared or global memory does."""
    values, doubtful = scene.memory.values, scene.memory.doubtful
    clock, visits, observe, taints = scene.clock, scene.visits, scene.observe, scene.taints
    undefined = scene.undefined
    nothing = arithmetic.zero(scene.memory.element)

    def load(thread: int, offset: int) -> Number:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        # What a race leaves to chance is real in this run, but only in this run.
        if observe is not None and observe(thread, offset, step):
            taints.setdefault(thread, step)
        value = values[offset]
        if value is None:
            undefined(thread, offset, step)
            return nothing
        if doubtful and offset in doubtful:
            taints.setdefault(thread, step)
        return value

    return load


def storer(scene: Scene, publish: Publisher | None = None) -> Callable[[int, int, Number], None]:
    """What a store to shared or global memory does; an atomic one may also publish."""
    values, doubtful = scene.memory.values, scene.memory.doubtful
    clock, visits, observe, taints = scene.clock, scene.visits, scene.observe, scene.taints

    def store(thread: int, offset: int, value: Number) -> None:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        races = observe is not None and observe(thread, offset, step)
        values[offset] = value
        if races or thread in taints:
            doubtful.add(offset)
        elif doubtful:
            doubtful.discard(offset)
        if publish is not None:
            publish(thread, offset, step)

    return store


def private_loader(scene: Scene) -> Callable[[int, Values, int], Number]:
    """What a load from a local array does."""
    clock, visits, undefined = scene.clock, scene.visits, scene.undefined
    nothing = arithmetic.zero(scene.memory.element)

    def load(thread: int, values: Values, offset: int) -> Number:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        value = values[offset]
        if value is None:
            undefined(thread, offset, step)
            return nothing
        return value

    return load


def private_storer(scene: Scene) -> Callable[[int, Values, int, Number], None]:
    """What a store to a local array does."""
    clock, visits = scene.clock, scene.visits

    def store(thread: int, values: Values, offset: int, value: Number) -> None:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        values[offset] = value

    return store
