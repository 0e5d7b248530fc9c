"""What the user wants to see beside the findings, as the editor's settings say it.

    {"codeLens": false, "inlayHints": ["sharedMemory", "types"]}

Little is shown unless somebody asks for it: of the hints, only what stands in few lines.
"""

from __future__ import annotations

from enum import StrEnum
from typing import cast

from oxide_analyzer.record import record


class Hint(StrEnum):
    """The kinds of inlay hints."""

    SHARED_MEMORY = "sharedMemory"  # the bytes of an allocation
    CHECKS = "checks"  # an access that is checked at run time
    TYPES = "types"  # the type of a variable that is not annotated
    RANGES = "ranges"  # the numbers that it holds
    DIVERGENCE = "divergence"  # a branch that threads of a block may take differently
    LAUNCH_FACTS = "launchFacts"  # what a launch must fulfil


@record
class Preferences:
    """Each kind of help, on or off."""

    lenses: bool = True
    highlighting: bool = True
    completion: bool = True
    hints: frozenset[Hint] = frozenset({Hint.SHARED_MEMORY, Hint.CHECKS})

    def with_settings(self, settings: dict[str, object]) -> Preferences:
        """The preferences after a change; what is missing or means nothing keeps its value."""
        return Preferences(
            _switch(settings.get("codeLens"), self.lenses),
            _switch(settings.get("semanticHighlighting"), self.highlighting),
            _switch(settings.get("completion"), self.completion),
            _hints(settings.get("inlayHints"), self.hints),
        )


def _switch(setting: object, before: bool) -> bool:
    return setting if isinstance(setting, bool) else before


def _hints(setting: object, before: frozenset[Hint]) -> frozenset[Hint]:
    if setting is False:
        return frozenset()
    if not isinstance(setting, list):
        return before
    known = {hint.value for hint in Hint}
    words = cast("list[object]", setting)
    return frozenset(Hint(word) for word in words if isinstance(word, str) and word in known)
