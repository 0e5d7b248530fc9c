"""Libraries that may be missing, and what the CUDA driver answers, as values and exceptions."""

from __future__ import annotations

import importlib
from typing import Any

from oxide_codegen.errors import DeviceError, MissingExtraError


def libraries(names: tuple[str, str], doing: str, package: str, extra: str) -> tuple[Any, Any]:
    """Two modules; `MissingExtraError` says which extra has them.

    By name, because type checkers see these packages only where they are installed.
    """
    first, second = names
    try:
        return importlib.import_module(first), importlib.import_module(second)
    except ImportError as error:
        raise MissingExtraError(doing, package, extra) from error


def check(driver: Any, result: tuple[Any, ...], doing: str, kernel: str | None = None) -> Any:
    """What a call to the driver returned, or a `DeviceError` that says what failed."""
    status, *values = result
    code = int(status)
    if code:
        _, text = driver.cuGetErrorString(status)
        words = text.decode() if isinstance(text, bytes) else str(text)
        raise DeviceError(f"{doing} failed: {words} (code {code})", kernel=kernel, code=code)
    return values[0] if values else None
