"""Draws icon.png: the threads of a block, and the barrier that they all reach."""

import struct
import zlib
from pathlib import Path

SIZE = 128
SAMPLES = 4  # along each axis of a pixel

GROUND = (31, 26, 23)
RUST = (214, 92, 44)
LIGHT = (247, 214, 178)


def inside(
    x: float, y: float, left: float, top: float, right: float, bottom: float, r: float
) -> bool:
    """Whether a point lies in a rectangle with corners of radius r."""
    dx = max(left + r - x, x - (right - r), 0)
    dy = max(top + r - y, y - (bottom - r), 0)
    return left <= x <= right and top <= y <= bottom and dx * dx + dy * dy <= r * r


def colour(x: float, y: float) -> tuple[int, int, int, int]:
    """Red, green, blue and opacity of a point, 0 to 255."""
    if not inside(x, y, 0, 0, SIZE, SIZE, 26):
        return (0, 0, 0, 0)
    if inside(x, y, 20, 58, 108, 70, 6):
        return (*LIGHT, 255)
    for lane in range(4):
        left = 24 + lane * 23
        above = inside(x, y, left, 22 + (lane % 2) * 8, left + 11, 52, 5.5)
        below = inside(x, y, left, 76, left + 11, 106 - (lane % 3) * 6, 5.5)
        if above or below:
            return (*RUST, 255)
    return (*GROUND, 255)


def pixel(column: int, row: int) -> bytes:
    """The mean of the pixel's samples, colours weighted by opacity."""
    step = 1 / SAMPLES
    samples = [
        colour(column + (i + 0.5) * step, row + (j + 0.5) * step)
        for i in range(SAMPLES)
        for j in range(SAMPLES)
    ]
    opacity = sum(a for *_, a in samples)
    mean = [round(sum(s[k] * s[3] for s in samples) / opacity) if opacity else 0 for k in range(3)]
    return bytes([*mean, round(opacity / len(samples))])


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    checked = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checked


def main() -> None:
    """Write the file beside this one."""
    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(SIZE)) for y in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    png += chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    Path(__file__).with_name("icon.png").write_bytes(png)


if __name__ == "__main__":
    main()
