"""The few text styles of the reports: as terminal escapes, or as nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from oxide_analyzer.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Style(StrEnum):
    """What a piece of text is; the values are the parameters of the terminal's escape."""

    ERROR = "1;31"
    WARNING = "1;33"
    INFORMATION = "1;36"
    HELP = "1;32"
    GUTTER = "1;34"
    BOLD = "1"


class Paint(Protocol):
    """Gives a piece of text its style."""

    def __call__(self, text: str, style: Style) -> str:
        """`text`, visibly `style`."""
        ...


def coloured(text: str, style: Style) -> str:
    """`text` between the escapes of a terminal."""
    return f"\x1b[{style}m{text}\x1b[0m" if text else text


def plain(text: str, style: Style) -> str:
    """`text` as it is."""
    del style
    return text


SEVERITY_STYLES: Mapping[Severity, Style] = {
    Severity.ERROR: Style.ERROR,
    Severity.WARNING: Style.WARNING,
    Severity.INFORMATION: Style.INFORMATION,
    Severity.HINT: Style.INFORMATION,
}
