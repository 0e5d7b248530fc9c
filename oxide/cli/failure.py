"""What a command cannot do because of how it was called, or of what is not installed."""

from __future__ import annotations

from importlib.util import find_spec


class WrongUse(Exception):
    """Exit code 2; the text is one sentence for the user."""


def require(extra: str, *modules: str) -> None:
    """Raise unless `modules`, which `oxide-kernels[extra]` brings, are installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise WrongUse(f"this needs {' and '.join(missing)}: pip install 'oxide-kernels[{extra}]'")
