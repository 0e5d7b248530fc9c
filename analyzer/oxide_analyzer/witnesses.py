"""From what the interpreter ran into to a witness: sizes, threads, index, values.

Everything in it was replayed; names are those of the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Related, Verdict, Witness, WitnessThread
from oxide_analyzer.ir.nodes import Const

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch, Number
    from oxide_analyzer.rules.rule import Rule


def violated(
    rule: Rule,
    kernel: Kernel,
    event: Event,
    related: tuple[Related, ...],
    message: str,
    launch: Launch,
    other: Event | None = None,
    verdict: Verdict = Verdict.VIOLATED,
) -> Diagnostic:
    """A finding of `rule` about what one thread, or two, did on one launch."""
    return rule.diagnostic(
        event.span,
        message,
        kernel=kernel.name,
        verdict=verdict,
        related=related,
        witness=_witness(kernel, launch, event, other),
    )


def _witness(kernel: Kernel, launch: Launch, event: Event, other: Event | None) -> Witness:
    parameters: dict[str, Number] = {}
    for array in kernel.array_parameters():
        if array.memory != array.name:
            continue
        for axis, extent in enumerate(launch.arrays[array.name].shape[: array.held_rank]):
            name = f"len({array.name})" if axis == 0 else f"{array.name}.shape[{axis}]"
            parameters[name] = extent
    parameters.update(launch.scalars)
    events = [event] if other is None else [event, other]
    touched = next((e for e in events if e.array is not None), None)
    shape: tuple[int, ...] = ()
    if touched is not None and touched.array is not None:
        array = kernel.arrays[touched.array]
        held = launch.arrays.get(array.name)
        shape = held.shape if held is not None else _constant_shape(array.shape)
    return Witness(
        touched.array if touched is not None else None,
        shape,
        touched.index if touched is not None else (),
        launch.block,
        launch.grid,
        parameters,
        # Names that no program has are our own.
        {name: value for name, value in event.values.items() if "·" not in name},
        tuple(WitnessThread(e.block, e.thread, e.span.line, e.kind) for e in events),
        replayed=True,
    )


def _constant_shape(shape: Iterable[object]) -> tuple[int, ...]:
    return tuple(int(e.value) for e in shape if isinstance(e, Const))
