"""Every test compiles what it runs: a cache would hide what the compiler does now."""

from __future__ import annotations

import os

os.environ["OXIDE_CACHE_SIZE"] = "0"
