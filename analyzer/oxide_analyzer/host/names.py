"""Which import a name comes from, as a dotted path.

    import numpy as np                    np.zeros      numpy.zeros
    from oxide import operations as ops   ops.upload    oxide.operations.upload
    from oxide import *                   zeros         oxide.zeros

A name that is bound in any other way as well has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.scopes import Imported

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.scopes import Scope

_STARRED = frozenset(
    (
        *("asarray", "empty", "zeros", "managed", "pinned", "from_dlpack"),
        *("device", "stream", "synchronize", "load"),
    )
)


def imported(name: str, scope: Scope) -> str | None:
    """The dotted path of an imported name; None for what is no such name."""
    inside: Scope | None = scope
    while inside is not None:
        if (not inside.is_class or inside is scope) and name in inside.bindings:
            paths = {_path(binding) for binding in inside.bindings[name]}
            return paths.pop() if len(paths) == 1 else None
        if "oxide" in inside.stars and name in _STARRED:
            return f"oxide.{name}"
        inside = inside.parent
    return None


def is_bound(name: str, scope: Scope) -> bool:
    """Whether the source binds a name at all; else it is Python's own."""
    inside: Scope | None = scope
    while inside is not None:
        if name in inside.bindings or inside.stars:
            return True
        inside = inside.parent
    return False


def _path(binding: object) -> str | None:
    match binding:
        case Imported(module=module, attribute=None):
            return module
        case Imported(module=module, attribute=attribute):
            return f"{module}.{attribute}"
        case _:
            return None
