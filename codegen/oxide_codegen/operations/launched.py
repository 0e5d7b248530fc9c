"""A launch as an operation: `k.prepare(grid=4, block=256).op(a, zeros(n, f32))`.

Arguments that are operations are done first, side by side; the launch takes their results, in
flight as they may be. It gives what the kernel writes, so the next operation can take that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen.errors import LaunchTypeError
from oxide_codegen.operations.operation import DeviceOperation, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_codegen.launch import Launch
    from oxide_codegen.operations.running import Context


def operation(
    launch: Launch[...], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> DeviceOperation[Any]:
    """The operation; `TypeError` where the arguments do not fit the kernel's parameters."""
    names, written = launch.parameters()
    given = dict(zip(names, args, strict=False))
    if kwargs:
        given |= kwargs
    waited = [name for name, one in given.items() if isinstance(one, DeviceOperation)]
    is_usual = len(given) == len(args) == len(names)

    def run(context: Context, *results: Any) -> Any:
        found = given | dict(zip(waited, results, strict=True)) if waited else given
        if context.is_captured:
            _demand_buffers(launch.kernel_name, found)
        values = tuple(found.values()) if waited or not is_usual else args
        if is_usual:
            launch.enqueue(context.stream, values)
        else:
            positional = (*values[: len(args)], *args[len(names) :])
            others = {name: found[name] for name in kwargs}
            launch.on(context.stream).ready(positional, others, repeats=False)[0]()
        context.keep(values)
        outcome = [found[name] for name in written if name in found]
        return outcome[0] if len(outcome) == 1 else tuple(outcome) or None

    inputs = tuple(given[name] for name in waited)
    return Step(f"a launch of {launch.kernel_name}", run, inputs)


def _demand_buffers(kernel: str, arguments: Mapping[str, Any]) -> None:
    """Raise where an array of the host would have to travel while a graph runs."""
    for name, one in arguments.items():
        if hasattr(one, "__array_interface__") and getattr(one, "shape", ()):
            raise LaunchTypeError(
                kernel,
                f"`{name}` is an array of the host, which cannot be part of a graph; use "
                "oxide.asarray",
                parameter=name,
                expected="a buffer on the device",
                actual=type(one).__name__,
            )
