"""Long kernels, made to measure: hundreds of accesses, and helpers five deep.

Each function gives the text of a file with one kernel of about `size` accesses. What the names end
with is what the verdict has to be: `…_racy` is violated, the others are proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_IMPORTS = """\
from oxide import DisjointSlice, SharedArray, Slice, block, device, f32, i32, kernel
from oxide import sync_threads, thread
"""


def stencil(size: int) -> str:
    """One store, and loads left and right of it."""
    reach = (size - 1) // 2
    loads = [f"        total += a[i + {k} - {reach}]" for k in range(size - 1)]
    return _file(
        "@kernel",
        "def stencil(a: Slice[f32], out: DisjointSlice[f32]):",
        "    i = thread.index_1d()",
        f"    if {reach} <= i < len(a) - {reach} and i < len(out):",
        "        total = 0.0",
        *loads,
        "        out[i] = total",
    )


def unrolled_tile(size: int) -> str:
    """A tile that is filled, read in reverse order and straight, and written out, unrolled."""
    return _tile(size, "unrolled_tile", ["    sync_threads()"])


def unrolled_tile_racy(size: int) -> str:
    """The same without its barrier."""
    return _tile(size, "unrolled_tile_racy", [])


def _tile(size: int, name: str, barrier: list[str]) -> str:
    parts = range(size // 6)
    width = f"{len(parts)} * BLOCK"
    return _file(
        "BLOCK = 128",
        "",
        "@kernel(block=BLOCK)",
        f"def {name}(a: Slice[f32], out: DisjointSlice[f32]):",
        f"    tile = SharedArray(f32, {width})",
        "    t = thread.x",
        f"    base = block.x * ({width})",
        f"    if base + {width} <= len(a) and base + {width} <= len(out):",
        *(f"        tile[t + {k} * BLOCK] = a[base + t + {k} * BLOCK]" for k in parts),
        "    else:",
        *(f"        tile[t + {k} * BLOCK] = 0.0" for k in parts),
        *barrier,
        f"    if base + {width} <= len(out):",
        *(
            f"        out[base + t + {k} * BLOCK] = "
            f"tile[(BLOCK - 1 - t) + {k} * BLOCK] + tile[t + {k} * BLOCK]"
            for k in parts
        ),
    )


def in_place(size: int) -> str:
    """Many elements of one slice, read and written by the thread that owns them."""
    own = size // 2
    return _file(
        "@kernel",
        "def in_place(a: DisjointSlice[f32]):",
        f"    i = thread.index_1d() * {own}",
        f"    if i + {own} <= len(a):",
        *(f"        a[i + {k}] = a[i + {own - 1 - k}] * 0.5" for k in range(own)),
    )


def mixed(size: int) -> str:
    """Several arrays, guards of all kinds, shared memory between barriers, loops."""
    body: list[str] = []
    for part in range(size // 10):
        body.extend(_PARTS[part % len(_PARTS)](part))
    return _file(
        "BLOCK = 64",
        "",
        "@kernel(block=BLOCK, requires=lambda width: width >= 1)",
        "def mixed(",
        "    a: Slice[f32], b: Slice[f32],",
        "    out: DisjointSlice[f32], more: DisjointSlice[f32], width: i32,",
        "):",
        "    tile = SharedArray(f32, 2 * BLOCK)",
        "    t = thread.x",
        "    i = thread.index_1d()",
        "    total = 0.0",
        "    tile[t] = 0.0",
        "    tile[t + BLOCK] = 0.0",
        "    sync_threads()",
        *body,
    )


def _neighbours(part: int) -> list[str]:
    back = part % 7 + 1
    return [
        f"    if i + {part} < len(a) and i + {part} < len(b):",
        f"        total += a[i + {part}] * b[i + {part}]",
        "    tile[t] = total",
        "    sync_threads()",
        f"    if t >= {back}:",
        f"        total += tile[t - {back}] + tile[t]",
        "    sync_threads()",
        "    tile[t + BLOCK] = total + tile[t + BLOCK]",
        "    sync_threads()",
        "    total += tile[2 * BLOCK - 1 - t] + tile[t]",
        "    sync_threads()",
    ]


def _four_each(_: int) -> list[str]:
    return [
        "    if i * 4 + 3 < len(more):",
        *(f"        more[i * 4 + {k}] = more[i * 4 + {k}] + total" for k in range(4)),
        "    if i < len(out):",
        "        out[i] = out[i] + total",
    ]


def _row(part: int) -> list[str]:
    return [
        f"    for j{part} in range(width):",
        f"        k{part} = i * width + j{part}",
        f"        if k{part} < len(a) and k{part} < len(b):",
        f"            total += a[k{part}] + b[k{part}]",
        f"    if i + {part} < len(a):",
        f"        total += a[i + {part}]",
        "        total -= a[i]",
        "    if i < len(out):",
        "        out[i] += total",
        "        out[i] -= 1.0",
        "        total += out[i]",
    ]


_PARTS: tuple[Callable[[int], list[str]], ...] = (_neighbours, _four_each, _row)


def helpers(fan: int, depth: int = 5) -> str:
    """A kernel that calls helpers `depth` deep, each of which calls `fan` others."""
    lines = [
        "@device",
        f"def level{depth}(a: Slice[f32], i: int) -> f32:",
        "    if 0 <= i < len(a):",
        "        return a[i]",
        "    return 0.0",
        "",
    ]
    for level in range(depth - 1, 0, -1):
        lines += [
            "@device",
            f"def level{level}(a: Slice[f32], i: int) -> f32:",
            "    total = 0.0",
            *(f"    total += level{level + 1}(a, i + {k})" for k in range(fan)),
            "    return total",
            "",
        ]
    return _file(
        *lines,
        "@kernel",
        "def helpers(a: Slice[f32], out: DisjointSlice[f32]):",
        "    i = thread.index_1d()",
        "    if i < len(out):",
        "        out[i] = level1(a, i)",
    )


def _file(*lines: str) -> str:
    return _IMPORTS + "\n\n" + "\n".join(lines) + "\n"


LONG = {
    "stencil, 300 accesses": stencil(300),
    "unrolled tile, 300 accesses": unrolled_tile(300),
    "unrolled tile, 300 accesses, racy": unrolled_tile_racy(300),
    "in place, 300 accesses": in_place(300),
    "mixed, 300 accesses": mixed(300),
    "helpers five deep, three calls each": helpers(3),
}
