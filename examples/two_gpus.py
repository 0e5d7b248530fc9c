"""Logistic regression on two devices: each has half of the samples, and both learn from all.

In every step each device computes the gradient of its samples, the two are added up where they lie
by `all_reduce`, and each device takes the same step. So both have the same weights at the end,
those of one device with all samples.

It runs on two GPUs, else on two devices of the cpu; or, one device in each process,
`torchrun --nproc-per-node 2 two_gpus.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import oxide
from oxide import DisjointSlice, Slice, Slice2D, block, f32, kernel, thread, warp
from oxide import operations as ops

BLOCK = 128
WARP = 32
SAMPLES_A_BLOCK = BLOCK // WARP
SAMPLES, FEATURES = 4_000, 32
STEPS, RATE = 40, 0.5


@kernel(
    block=BLOCK,
    requires=lambda x, labels, weights, out: (
        x.shape[0] == len(out) and len(labels) >= len(out) and len(weights) >= x.shape[1]
    ),
)
def residual(x: Slice2D[f32], labels: Slice[f32], weights: Slice[f32], out: DisjointSlice[f32]):
    """How far the model is off for each sample: `1 / (1 + exp(-x @ weights)) - labels`.

    A warp takes a sample, so that its lanes read neighbouring features.
    """
    i = block.x * SAMPLES_A_BLOCK + thread.x // WARP
    part = 0.0
    if i < len(out):
        for k in range(warp.lane, x.shape[1], WARP):
            part += x[i, k] * weights[k]
    total = warp.reduce_add(part)
    if i < len(out) and warp.lane == 0:
        out[i] = 1.0 / (1.0 + math.exp(-total)) - labels[i]


@kernel(requires=lambda x, off, out: x.shape[1] == len(out) and len(off) >= x.shape[0])
def gradient(x: Slice2D[f32], off: Slice[f32], out: DisjointSlice[f32]):
    """What these samples say of each weight: `off @ x`."""
    k = thread.index_1d()
    if k < len(out):
        total = 0.0
        for i in range(x.shape[0]):
            total += off[i] * x[i, k]
        out[k] = total


@kernel(requires=lambda grad, weights: len(grad) >= len(weights))
def descend(rate: f32, grad: Slice[f32], weights: DisjointSlice[f32]):
    """`weights -= rate * grad`."""
    k = thread.index_1d()
    if k < len(weights):
        weights[k] -= rate * grad[k]


class Part:
    """The samples of one device, and its copy of the model."""

    def __init__(self, device: str, x: np.ndarray, labels: np.ndarray) -> None:
        self.device = device
        self._x = oxide.asarray(x, device=device)
        self._labels = oxide.asarray(labels, device=device)
        self._off = oxide.zeros(len(x), f32, device=device)
        self._gradient = oxide.zeros(x.shape[1], f32, device=device)
        self.weights = oxide.zeros(x.shape[1], f32, device=device)
        self._residual = residual.prepare(grid=-(-len(x) // SAMPLES_A_BLOCK))
        self._sum = gradient.prepare(grid=-(-x.shape[1] // BLOCK), block=BLOCK)
        self._descend = descend.prepare(grid=-(-x.shape[1] // BLOCK), block=BLOCK)

    def learn(self) -> Any:
        """The operation that gives the gradient of these samples."""
        off = self._residual.op(self._x, self._labels, self.weights, self._off)
        return off.and_then(lambda off: self._sum.op(self._x, off, self._gradient))

    def step(self, total: Any) -> Any:
        """The operation that takes a step, with the gradient of all samples."""
        return ops.on(self.device, self._descend.op(RATE / SAMPLES, total, self.weights))


def train(group: ops.Group, x: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The weights that each device of this process has learned."""
    places = [slice(r * len(x) // group.size, (r + 1) * len(x) // group.size) for r in group.ranks]
    parts = [
        Part(device, x[place], labels[place])
        for device, place in zip(group.devices, places, strict=True)
    ]
    for _ in range(STEPS):
        totals = ops.all_reduce(group, [part.learn() for part in parts])
        totals.and_then(
            lambda all_of: ops.zip_ops(*(p.step(t) for p, t in zip(parts, all_of, strict=True)))
        ).sync()
    return [part.weights.numpy() for part in parts]


def devices() -> ops.Group:
    """Who learns together."""
    if ops.processes() > 1:
        return ops.Group.join()
    try:
        return ops.Group("cuda:0", "cuda:1")
    except (oxide.DeviceError, oxide.MissingExtraError) as error:
        print(f"two_gpus    two devices of the cpu, because: {error}")
        return ops.Group("cpu:0", "cpu:1")


def main() -> None:
    """Train on all devices and on one, and with numpy, and compare."""
    random = np.random.default_rng(12)
    x = random.standard_normal((SAMPLES, FEATURES), dtype=np.float32)
    truth = random.standard_normal(FEATURES)
    labels = (x @ truth + 0.5 * random.standard_normal(SAMPLES) > 0).astype(np.float32)

    with devices() as group:
        learned = train(group, x, labels)
        with ops.Group(group.devices[0]) as alone:
            [of_one] = train(alone, x, labels)
        expected = np.zeros(FEATURES)
        for _ in range(STEPS):
            off = 1 / (1 + np.exp(-x @ expected)) - labels
            expected -= RATE / SAMPLES * (off @ x)
        for weights in learned:
            error = float(np.abs(weights - of_one).max())
            if error > 1e-4 or float(np.abs(weights - expected).max()) > 1e-4:
                raise ArithmeticError(f"two devices have learned something else, by {error}")
        right = float(np.mean((x @ learned[0] > 0) == (labels > 0.5)))
        print(
            f"two_gpus    {', '.join(group.devices)}: {SAMPLES} samples, {right:.1%} right, as one "
            f"device to {float(np.abs(learned[0] - of_one).max()):.1e}"
        )


if __name__ == "__main__":
    main()
