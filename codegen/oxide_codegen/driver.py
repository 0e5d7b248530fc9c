"""What the CUDA driver answers, as values and exceptions."""

from __future__ import annotations

from typing import Any

from oxide_codegen.errors import DeviceError


def check(driver: Any, result: tuple[Any, ...], doing: str, kernel: str | None = None) -> Any:
    """What a call to the driver returned, or a `DeviceError` that says what failed."""
    status, *values = result
    code = int(status)
    if code:
        _, text = driver.cuGetErrorString(status)
        words = text.decode() if isinstance(text, bytes) else str(text)
        raise DeviceError(f"{doing} failed: {words} (code {code})", kernel=kernel, code=code)
    return values[0] if values else None
