"""Frames of a film, sharpened: while one is computed, the next one comes and the last one goes.

There are two of everything: arrays in pinned memory, which the device copies from and to by itself,
buffers, and a stream. The host fills one while the device works on the other. It waits only where
it would overwrite what is still read, or read what is still written; that the arrays do by
themselves.
"""

from __future__ import annotations

import time

import numpy as np

import oxide
from oxide import DisjointSlice2D, Slice2D, device, f32, i64, kernel, thread, u8

BLOCK_X, BLOCK_Y = 32, 8
ROWS, COLS, FRAMES = 360, 640, 12
AMOUNT = 1.5


@device
def inside(i: i64, n: i64) -> i64:
    """The nearest index that there is."""
    return min(max(i, 0), n - 1)


@kernel(
    domain=2,
    requires=lambda frame, out: frame.shape[0] == out.shape[0] and frame.shape[1] == out.shape[1],
)
def blur_rows(frame: Slice2D[u8], out: DisjointSlice2D[f32]):
    """Each pixel with two neighbours on either side, weighted 1 4 6 4 1."""
    row, col = thread.index_2d()
    rows, cols = frame.shape
    if row < rows and col < cols:
        near = f32(frame[row, inside(col - 1, cols)]) + f32(frame[row, inside(col + 1, cols)])
        far = f32(frame[row, inside(col - 2, cols)]) + f32(frame[row, inside(col + 2, cols)])
        out[row, col] = 0.0625 * (6.0 * f32(frame[row, col]) + 4.0 * near + far)


@kernel(
    domain=2,
    requires=lambda frame, blurred, out: (
        frame.shape[0] == out.shape[0]
        and frame.shape[1] == out.shape[1]
        and blurred.shape[0] == out.shape[0]
        and blurred.shape[1] == out.shape[1]
    ),
)
def sharpen(frame: Slice2D[u8], blurred: Slice2D[f32], amount: f32, out: DisjointSlice2D[u8]):
    """Blur the columns too, and move each pixel away from that."""
    row, col = thread.index_2d()
    rows, cols = frame.shape
    if row < rows and col < cols:
        near = blurred[inside(row - 1, rows), col] + blurred[inside(row + 1, rows), col]
        far = blurred[inside(row - 2, rows), col] + blurred[inside(row + 2, rows), col]
        soft = 0.0625 * (6.0 * blurred[row, col] + 4.0 * near + far)
        pixel = f32(frame[row, col])
        # The conversion saturates: what is too dark is 0, what is too bright 255.
        out[row, col] = u8(pixel + amount * (pixel - soft) + 0.5)


class Slot:
    """What one frame needs on its way."""

    def __init__(self) -> None:
        self.frame = oxide.pinned((ROWS, COLS), u8)
        self.result = oxide.pinned((ROWS, COLS), u8)
        self.stream = oxide.stream()
        self._on_device = oxide.empty((ROWS, COLS), u8)
        self._blurred = oxide.empty((ROWS, COLS), f32)
        self._sharp = oxide.empty((ROWS, COLS), u8)
        grid, block = (-(-COLS // BLOCK_X), -(-ROWS // BLOCK_Y)), (BLOCK_X, BLOCK_Y)
        self._blur = blur_rows.prepare(grid=grid, block=block, stream=self.stream)
        self._sharpen = sharpen.prepare(grid=grid, block=block, stream=self.stream)

    def enqueue(self) -> None:
        """Have the frame sharpened; nothing is waited for."""
        self._on_device.copy_from(self.frame, self.stream)
        self._blur(self._on_device, self._blurred)
        self._sharpen(self._on_device, self._blurred, AMOUNT, self._sharp)
        self._sharp.copy_to(self.result, self.stream)


def film(frames: list[np.ndarray]) -> list[np.ndarray]:
    """All frames sharpened, through two slots by turns."""
    slots = [Slot(), Slot()]
    results: list[np.ndarray] = []
    for number, frame in enumerate(frames):
        slot = slots[number % 2]
        if number >= 2:
            results.append(slot.result.copy())
        slot.frame[...] = frame
        slot.enqueue()
    for number in range(max(len(frames) - 2, 0), len(frames)):
        results.append(slots[number % 2].result.copy())
    return results


def expected_of(frame: np.ndarray) -> np.ndarray:
    """The same with numpy."""

    def blurred(a: np.ndarray, axis: int) -> np.ndarray:
        def shifted(by: int) -> np.ndarray:
            places = np.clip(np.arange(a.shape[axis]) + by, 0, a.shape[axis] - 1)
            return np.take(a, places, axis)

        near, far = shifted(-1) + shifted(1), shifted(-2) + shifted(2)
        return np.float32(0.0625) * (np.float32(6) * a + np.float32(4) * near + far)

    pixels = frame.astype(np.float32)
    soft = blurred(blurred(pixels, 1), 0)
    sharp = pixels + np.float32(AMOUNT) * (pixels - soft) + np.float32(0.5)
    return np.clip(sharp, 0, 255).astype(np.uint8)


def main() -> None:
    """Sharpen a film of moving squares and noise, and compare each frame with numpy."""
    random = np.random.default_rng(11)
    frames = [random.integers(90, 110, (ROWS, COLS), dtype=np.uint8) for _ in range(FRAMES)]
    for number, frame in enumerate(frames):
        frame[100:200, 20 * number : 20 * number + 150] = 220
    film(frames[:2])
    begun = time.perf_counter()
    results = film(frames)
    milliseconds = 1e3 * (time.perf_counter() - begun)
    # Where a device multiplies and adds in one step, a pixel may be rounded the other way.
    for result, frame in zip(results, frames, strict=True):
        error = int(np.abs(result.astype(np.int16) - expected_of(frame)).max())
        if error > 1:
            raise ArithmeticError(f"a frame differs from numpy by {error}")
    print(f"image_filter {FRAMES} frames of {COLS} × {ROWS} in {milliseconds:.1f} ms, as numpy's")


if __name__ == "__main__":
    main()
