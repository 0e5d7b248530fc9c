"""Batches through a network of two layers, side by side: what one copies, another one computes.

Each batch is a chain of operations, `upload`, two launches, `download`, on a stream of its own;
four are under way at a time. Nothing waits but the event loop, for what is done. Between the stages
each chain leaves events, from which the time line is drawn: `python async_mlp.py timeline.svg`.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np

import oxide
from oxide import DisjointSlice2D, Slice, Slice2D, f32, kernel, thread
from oxide import operations as ops

if TYPE_CHECKING:
    from collections.abc import Callable

TILE = 16
STREAMS = 4
BATCHES = 12
# Samples of a batch, inputs, hidden units and outputs: what keeps a cpu or a GPU busy for a while.
SIZES = {"cpu": (128, 128, 256, 10), "cuda": (2048, 512, 1024, 10)}


@kernel(
    domain=2,
    requires=lambda x, weights, bias, y: (
        x.shape[0] == y.shape[0]
        and x.shape[1] == weights.shape[0]
        and weights.shape[1] == y.shape[1]
        and len(bias) >= y.shape[1]
    ),
)
def dense(
    x: Slice2D[f32], weights: Slice2D[f32], bias: Slice[f32], least: f32, y: DisjointSlice2D[f32]
):
    """`y = max(x @ weights + bias, least)`."""
    row, col = thread.index_2d()
    rows, cols = y.shape
    if row < rows and col < cols:
        total = bias[col]
        for k in range(x.shape[1]):
            total += x[row, k] * weights[k, col]
        y[row, col] = max(total, least)


def layer(batch: int, weights: Any, bias: Any, least: float) -> Callable[[Any], Any]:
    """What makes the operation of a layer out of what comes in."""
    outputs = len(bias)
    grid = (-(-outputs // TILE), -(-batch // TILE))
    launch = dense.prepare(grid=grid, block=(TILE, TILE))

    def operation(x: Any) -> Any:
        return launch.op(x, weights, bias, least, ops.empty((batch, outputs), f32))

    return operation


class Timeline:
    """When each stage of each batch began and ended on its stream, in milliseconds."""

    def __init__(self) -> None:
        self._origin = oxide.stream().record()
        self._marks: list[tuple[int, str, Any, Any]] = []

    def timed(self, batch: int, stage: str, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`make`, between two events on the stream that it runs on."""

        def operation(given: Any) -> Any:
            def ended(before: Any, result: Any) -> Any:
                def note(context: Any) -> Any:
                    self._marks.append((batch, stage, before, context.stream.record()))
                    return result

                return ops.with_context(note)

            begun = ops.with_context(lambda context: context.stream.record())
            return begun.and_then(lambda before: make(given).and_then(partial(ended, before)))

        return operation

    def spans(self) -> list[tuple[int, str, float, float]]:
        """Batch, stage, begin and end, all of them done."""
        marks = [(batch, stage, before, after) for batch, stage, before, after in self._marks]
        for *_, after in marks:
            after.sync()
        return [(b, stage, x - self._origin, y - self._origin) for b, stage, x, y in marks]


async def run(batches: list[Any], layers: list[Callable[[Any], Any]], line: Timeline) -> list[Any]:
    """What the network makes of each batch."""
    room = asyncio.Semaphore(STREAMS)

    async def one(number: int, samples: Any) -> Any:
        stages = [ops.upload, *layers, ops.download]
        names = ["upload", *(f"layer {k + 1}" for k in range(len(layers))), "download"]
        chain: Any = ops.value(samples)
        for name, stage in zip(names, stages, strict=True):
            chain = chain.and_then(line.timed(number, name, stage))
        async with room:
            return await chain

    return list(await asyncio.gather(*(one(k, samples) for k, samples in enumerate(batches))))


COLOURS = {
    "upload": "#4e79a7",
    "layer 1": "#f28e2b",
    "layer 2": "#e15759",
    "download": "#76b7b2",
}


def picture(spans: list[tuple[int, str, float, float]], device: str) -> str:
    """The time line as SVG: a row for each batch, a box for each stage."""
    start, end = min(span[2] for span in spans), max(span[3] for span in spans)
    left, width, height = 70, 760, 20
    scale = width / (end - start)
    rows = 1 + max(span[0] for span in spans)
    bottom = 30 + rows * height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 30} {bottom + 40}"'
        ' font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (stage, colour) in enumerate(COLOURS.items()):
        at = left + 90 * place
        parts.append(f'<rect x="{at}" y="8" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{at + 14}" y="17">{stage}</text>')
    for row in range(rows):
        parts.append(f'<text x="8" y="{30 + row * height + 14}">batch {row}</text>')
    for row, stage, begun, ended in spans:
        x, y = left + (begun - start) * scale, 30 + row * height + 3
        box = f'width="{max((ended - begun) * scale, 0.5):.1f}" height="{height - 6}"'
        title = f"batch {row}, {stage}: {begun - start:.2f} to {ended - start:.2f} ms"
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" {box} fill="{COLOURS[stage]}"><title>{title}</title></rect>'
        )
    for tick in range(6):
        x = left + width * tick / 5
        parts.append(f'<line x1="{x}" y1="28" x2="{x}" y2="{bottom}" stroke="#ddd"/>')
        time = (end - start) * tick / 5
        parts.append(f'<text x="{x}" y="{bottom + 14}" text-anchor="middle">{time:.1f}</text>')
    parts.append(f'<text x="{left}" y="{bottom + 32}">milliseconds, on {device}</text></svg>')
    return "\n".join(parts) + "\n"


def length(spans: list[tuple[int, str, float, float]]) -> float:
    """The sum of their times."""
    return sum(ended - begun for _, _, begun, ended in spans)


def together(spans: list[tuple[int, str, float, float]]) -> float:
    """The time from the first to the last."""
    return max(span[3] for span in spans) - min(span[2] for span in spans)


def main() -> None:
    """Run all batches in turn and side by side, and compare with numpy."""
    random = np.random.default_rng(10)
    batch, inputs, hidden, outputs = SIZES[oxide.stream().device.partition(":")[0]]
    shapes = ((inputs, hidden), (hidden, outputs))
    weights = [0.1 * random.standard_normal(shape, dtype=np.float32) for shape in shapes]
    biases = [random.random(shape[1], dtype=np.float32) for shape in shapes]
    batches = [random.random((batch, inputs), dtype=np.float32) for _ in range(BATCHES)]

    least = (0.0, -np.inf)
    layers = [
        layer(batch, oxide.asarray(w), oxide.asarray(b), floor)
        for w, b, floor in zip(weights, biases, least, strict=True)
    ]
    # The first time kernels are compiled and memory is taken from the device.
    asyncio.run(run(batches[:1], layers, Timeline()))
    ops.set_policy(ops.SingleStream(oxide.stream()))
    line = Timeline()
    asyncio.run(run(batches, layers, line))
    in_turn = line.spans()
    ops.set_policy(ops.RoundRobin(STREAMS))
    line = Timeline()
    results = asyncio.run(run(batches, layers, line))

    for samples, result in zip(batches, results, strict=True):
        inner = np.maximum(samples.astype(np.float64) @ weights[0] + biases[0], 0)
        expected = inner @ weights[1] + biases[1]
        error = float(np.abs(result - expected).max())
        if error > 1e-3:
            raise ArithmeticError(f"the network differs from numpy by {error}")
    spans = line.spans()
    stages = {stage: length([span for span in in_turn if span[1] == stage]) for stage in COLOURS}
    slowest = max(stages, key=lambda stage: stages[stage])
    print(
        f"async_mlp   {BATCHES} batches on {oxide.stream().device}: {together(in_turn):.1f} ms on "
        f"one stream, {stages[slowest]:.1f} of them {slowest}; {together(spans):.1f} ms on "
        f"{STREAMS}, as numpy has them"
    )
    drawn = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(gettempdir()) / "async_mlp.svg"
    drawn.write_text(picture(spans, oxide.stream().device), encoding="utf-8")
    print(f"            the time line is in {drawn}")


if __name__ == "__main__":
    main()
