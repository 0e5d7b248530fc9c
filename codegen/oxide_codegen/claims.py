"""Facts about the elements of arrays, `injective(idx)` and `within(idx, low, high)`, at a launch.

On the host they are checked by NumPy, on a GPU by kernels of ours (`claim_kernels`), behind the
work that may still write the array; what is broken there is copied to the host, to say which
element it is. Of a buffer that is ours alone, once: it remembers what holds, and forgets it when a
launch may write it or its elements are replaced, also while they are looked at. A buffer whose
address was given away (`__cuda_array_interface__`), and every foreign array, is looked at again by
each launch.

    scatter: `within(idx, 0, len(out))` is broken: idx[7] is 12, not from 0 to below 10 [OX401]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_analyzer.contract import value
from oxide_analyzer.ir.kernel import DataProperty
from oxide_codegen.buffers import host_array, import_numpy
from oxide_codegen.errors import LaunchValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.contract import Given
    from oxide_analyzer.ir.kernel import DataFact, Kernel
    from oxide_codegen.arguments import Arguments
    from oxide_codegen.arrays import ArrayView


def demand_data(
    kernel: Kernel,
    facts: tuple[DataFact, ...],
    arguments: Arguments,
    given: Given,
    read: Callable[[str], Any],
    holds: Callable[[DataFact, tuple[int, int] | None], bool | None],
) -> None:
    """Raise `LaunchValueError` unless each fact holds.

    `holds` knows it of what lies on a device, or says None; `read` gives the elements of an array.
    """
    elements: dict[str, Any] = {}
    for fact in facts:
        bounds = _bounds(fact, given)
        key = (fact.property, bounds)
        buffer = arguments.owners.get(fact.array)
        if buffer is not None and buffer.knows(key):
            continue
        asked = None if buffer is None else buffer.ask()
        if not holds(fact, bounds):
            if fact.array not in elements:
                elements[fact.array] = read(fact.array)
            _demand(kernel.name, fact, bounds, elements[fact.array])
        if buffer is not None:
            buffer.learn(key, asked)


def on_host(view: ArrayView) -> Any:
    """The elements of an array in host memory."""
    return host_array(view)


def _bounds(fact: DataFact, given: Given) -> tuple[int, int] | None:
    if fact.low is None or fact.high is None:
        return None
    return int(value(fact.low, given)), int(value(fact.high, given))


def _demand(kernel: str, fact: DataFact, bounds: tuple[int, int] | None, elements: Any) -> None:
    match fact.property:
        case DataProperty.WITHIN:
            assert bounds is not None
            _demand_within(kernel, fact, bounds, elements)
        case DataProperty.INJECTIVE:
            _demand_injective(kernel, fact, elements)


def _demand_within(kernel: str, fact: DataFact, bounds: tuple[int, int], elements: Any) -> None:
    low, high = bounds
    outside = (elements < low) | (elements >= high)
    if not outside.any():
        return
    first = int(outside.argmax())
    found = elements.flat[first].item()
    raise LaunchValueError(
        kernel,
        f"`{fact.text}` is broken: {_place(fact.array, elements, first)} is {found}, not from "
        f"{low} to below {high}",
        parameter=fact.array,
        expected=fact.text,
        actual=found,
        rule="OX401",
    )


def _demand_injective(kernel: str, fact: DataFact, elements: Any) -> None:
    flat = elements.ravel()
    order = import_numpy().argsort(flat, kind="stable")
    ordered = flat[order]
    equal = ordered[1:] == ordered[:-1]
    if not equal.any():
        return
    at = int(equal.argmax())
    first, second = (_place(fact.array, elements, int(order[at + k])) for k in (0, 1))
    found = ordered[at].item()
    raise LaunchValueError(
        kernel,
        f"`{fact.text}` is broken: {first} and {second} are both {found}",
        parameter=fact.array,
        expected=fact.text,
        actual=found,
        rule="OX401",
    )


def _place(name: str, elements: Any, number: int) -> str:
    index = import_numpy().unravel_index(number, elements.shape)
    return f"{name}[{', '.join(str(int(i)) for i in index)}]"
