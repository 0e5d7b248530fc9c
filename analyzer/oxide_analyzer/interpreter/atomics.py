"""What an atomic does to its element, as one step.

    add(out, i, 1)                       old = out[i]; out[i] = old + 1; gives old
    compare_exchange(out, i, 0, 7)       old = out[i]; out[i] = 7 if old == 0; gives old

For each atomic of the kernel a function is made that the translated kernel calls, as `memory`
does it for loads and stores. The observer is told before, and acquires; the publisher behind, and
releases. A compare-exchange compares bits, and releases only what it writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from oxide_analyzer.interpreter import arithmetic, memory
from oxide_analyzer.interpreter.warps import same_bits
from oxide_analyzer.ir.nodes import AtomicOp, BinaryOp

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.interpreter.memory import Scene
    from oxide_analyzer.interpreter.ordering import Publisher
    from oxide_analyzer.launch import Number

_COMBINE: dict[AtomicOp, BinaryOp] = {
    AtomicOp.ADD: BinaryOp.ADD,
    AtomicOp.SUB: BinaryOp.SUB,
    AtomicOp.MIN: BinaryOp.MIN,
    AtomicOp.MAX: BinaryOp.MAX,
    AtomicOp.AND: BinaryOp.AND,
    AtomicOp.OR: BinaryOp.OR,
    AtomicOp.XOR: BinaryOp.XOR,
}


def atomic(scene: Scene, op: AtomicOp, publish: Publisher | None) -> Callable[..., Any]:
    """The function of thread and offset, and of the operands that `op` has."""
    match op:
        case AtomicOp.LOAD:
            return memory.loader(scene)
        case AtomicOp.STORE:
            return memory.storer(scene, publish)
        case AtomicOp.COMPARE_EXCHANGE:
            return _exchanger(scene, publish)
        case AtomicOp.EXCHANGE:
            return _changer(scene, _second, publish)
        case AtomicOp.INC:
            return _changer(scene, _incremented, publish)
        case AtomicOp.DEC:
            return _changer(scene, _decremented, publish)
        case (
            AtomicOp.ADD
            | AtomicOp.SUB
            | AtomicOp.MIN
            | AtomicOp.MAX
            | AtomicOp.AND
            | AtomicOp.OR
            | AtomicOp.XOR
        ):
            combine = arithmetic.binary_function(_COMBINE[op], scene.memory.element)
            return _changer(scene, combine, publish)
        case _:
            assert_never(op)


def _second(old: Number, new: Number) -> Number:
    del old
    return new


def _incremented(old: Number, last: Number) -> Number:
    return 0 if old >= last else old + 1


def _decremented(old: Number, last: Number) -> Number:
    return last if old == 0 or old > last else old - 1


def _changer(
    scene: Scene, change: arithmetic.TwoOperands, publish: Publisher | None
) -> Callable[[int, int, Number], Number]:
    """A read-modify-write that always writes."""
    values, doubtful = scene.memory.values, scene.memory.doubtful
    clock, visits, observe, taints = scene.clock, scene.visits, scene.observe, scene.taints
    undefined = scene.undefined
    nothing = arithmetic.zero(scene.memory.element)

    def read_modify_write(thread: int, offset: int, value: Number) -> Number:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        if observe is not None and observe(thread, offset, step):
            doubtful.add(offset)
        old = values[offset]
        if old is None:
            undefined(thread, offset, step)
            old = nothing
        if offset in doubtful:
            taints.setdefault(thread, step)
        if thread in taints:
            doubtful.add(offset)
        values[offset] = change(old, value)
        if publish is not None:
            publish(thread, offset, step)
        return old

    return read_modify_write


def _exchanger(
    scene: Scene, publish: Publisher | None
) -> Callable[[int, int, Number, Number], Number]:
    """A compare-exchange, which writes if the element equals what was expected."""
    values, doubtful = scene.memory.values, scene.memory.doubtful
    clock, visits, observe, taints = scene.clock, scene.visits, scene.observe, scene.taints
    undefined = scene.undefined
    nothing = arithmetic.zero(scene.memory.element)

    def compare_exchange(thread: int, offset: int, value: Number, compare: Number) -> Number:
        clock.now = step = clock.now + 1
        if step >= clock.alarm:
            clock.ring()
        visits.add(thread)
        if observe is not None and observe(thread, offset, step):
            doubtful.add(offset)
        old = values[offset]
        if old is None:
            undefined(thread, offset, step)
            old = nothing
        if offset in doubtful:
            taints.setdefault(thread, step)
        if same_bits(old, compare):
            if thread in taints:
                doubtful.add(offset)
            values[offset] = value
            if publish is not None:
                publish(thread, offset, step)
        return old

    return compare_exchange
