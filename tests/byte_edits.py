"""Random edits of the bytes of a file, as slips of a keyboard, an editor or a disk make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_PIECES = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\t",
    b"\x0c",
    b"\\",
    b'"""',
    b"'",
    b"(",
    b")",
    b"[",
    b":",
    b"#",
    b"=",
    b"0",
    b"9" * 30,
    b"-",
    b" ** ",
    b" // 0",
    b" if ",
    b" lambda: ",
    b"\n",
    b"\n    ",
    b"\n        return\n",
    b"\nfrom oxide import *\n",
    b"@kernel\n",
    b"# oxide: ignore[",
    b"thread.x",
    b"sync_threads()\n",
    "é𝔸\u2028".encode(),
)


def edited(content: bytes, chosen: Random) -> bytes:
    """The content after one to three edits, mostly one: most files still have kernels then."""
    for _ in range(chosen.choice((1, 1, 1, 2, 3))):
        content = _edit(content, chosen)
    return content


def _edit(content: bytes, chosen: Random) -> bytes:
    at = chosen.randrange(len(content) + 1)
    to = min(len(content), at + chosen.choice((1, 1, 2, 5, 20, 200)))
    match chosen.randrange(6):
        case 0:
            return content[:at] + content[to:]
        case 1:
            return content[:at] + bytes([chosen.randrange(256)]) + content[at + 1 :]
        case 2:
            return content[:at] + chosen.choice(_PIECES) + content[at:]
        case 3:
            there = chosen.randrange(len(content) + 1)
            return content[:there] + content[at:to] + content[there:]
        case 4:
            lines = content.splitlines(keepends=True)
            first, second = (chosen.randrange(len(lines)) for _ in range(2)) if lines else (0, 0)
            if lines:
                lines[first], lines[second] = lines[second], lines[first]
            return b"".join(lines)
        case _:
            return content[:at]
