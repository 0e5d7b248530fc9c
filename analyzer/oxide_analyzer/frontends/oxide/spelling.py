"""Names that nothing defines, and which ones were perhaps meant.

idnex                                     did you mean `index`?
from oxide import thread_index_1d         `oxide` has no `thread_index_1d`; did you mean
                                          `thread.index_1d`?
sync_threads, not imported                write `from oxide import sync_threads`
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.scopes import Imported
from oxide_analyzer.language.builtins import BUILTINS, lookup
from oxide_analyzer.language.row import Origin
from oxide_analyzer.rules import ox004_unknown_name

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.scopes import Scope

_OXIDE = "oxide"
_NEAR = 0.7
_NEAR_OF_OXIDE = 0.6


def nearest(lowering: Lowering, name: str) -> str | None:
    """The name that a kernel could have said and that is spelled most like `name`."""
    frame = lowering.frame
    around = lowering.resolver.names(frame.function.scope)
    pool = {*frame.body.assigned, *frame.statics, *around} - {name}
    close = get_close_matches(name, sorted(pool), n=1, cutoff=_NEAR)
    return close[0] if close else None


def unknown(lowering: Lowering, name: str) -> tuple[str, str | None]:
    """What is said of a name that nothing defines, and the name to write instead, if one is."""
    module = _imported_from(name, lowering.frame.function.scope)
    if module is not None:
        return ox004_unknown_name.missing(module, name, _of_oxide(module, name)), None
    near = nearest(lowering, name)
    row = lookup(name)
    if near is None and row is not None:
        return f"`{name}` is not imported; write `from oxide import {row.name}`", None
    return ox004_unknown_name.unknown(name, near), near


def _imported_from(name: str, scope: Scope) -> str | None:
    """The module that a name is said to come from."""
    inside: Scope | None = scope
    while inside is not None:
        match inside.bindings.get(name):
            case [*_, Imported(module=module, attribute=str(attribute))] if attribute == name:
                return module
            case None:
                inside = inside.parent
            case _:
                return None
    return None


def _of_oxide(module: str, name: str) -> str | None:
    if module != _OXIDE:
        return None
    pool = [row.name for row in BUILTINS.values() if row.origin is Origin.OXIDE]
    close = get_close_matches(name, pool, n=1, cutoff=_NEAR_OF_OXIDE)
    return close[0] if close else None
