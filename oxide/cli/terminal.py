"""Whether a stream shows colours."""

from __future__ import annotations

import os
from typing import TextIO


def shows_colour(stream: TextIO) -> bool:
    """NO_COLOR turns colours off, FORCE_COLOR on; else a terminal that is not dumb has them."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
