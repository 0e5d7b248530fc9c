"""Data that a flag announces, with nothing that makes them seen before the flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX206", "publish-without-fence", Severity.ERROR)


def message(wrote: Event, read: Event, flag: str, missing: str, launch: Launch) -> str:
    """Who wrote, who read, and what stands between without ordering them."""
    return (
        f"{thread(wrote, launch)} writes {element(wrote)} and {thread(read, launch)} reads it"
        f" behind a look at `{flag}`, but {missing}"
    )


def unproved_message(array: str, flag: str, missing: str) -> str:
    """The same without a launch."""
    return f"`{flag}` announces what is written to `{array}`, but {missing}"
