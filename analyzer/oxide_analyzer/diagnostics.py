"""What the analyzer says: diagnostics, their related places, fixes and witnesses.

Plain frozen data. Rules make it, `reports` prints it, the language server converts it.
"""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.source import Span


class Severity(StrEnum):
    """How much a diagnostic matters; only `ERROR` fails a run."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    HINT = "hint"


class Verdict(StrEnum):
    """The three answers about an obligation or a kernel."""

    PROVED = "proved"
    VIOLATED = "violated"
    UNPROVED = "unproved"


class AccessKind(StrEnum):
    """What a thread of a witness does at its line."""

    READ = "read"
    WRITE = "write"
    ATOMIC = "atomic"
    WAIT = "wait"
    EXIT = "exit"


@record
class Related:
    """Another place that takes part in a finding, with what happens there."""

    span: Span
    message: str


@record
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


@record
class Fix:
    """A titled set of edits; `safe` if it keeps what the kernel computes."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


@record
class WitnessThread:
    """One thread of a witness: (x, y, z) block and thread index, line, and what it does there."""

    block: tuple[int, int, int]
    thread: tuple[int, int, int]
    line: int
    access: AccessKind


@record
class Witness:
    """A concrete launch that breaks a kernel.

    `block_dim` and `grid_dim` are (x, y, z). `parameters` names lengths (`len(a)`, `a.shape[1]`)
    and scalars; `values` names what locals hold there. `replayed` is true if the reference
    interpreter ran into the failure with exactly these inputs.
    """

    array: str | None
    shape: tuple[int, ...]
    index: tuple[int, ...]
    block_dim: tuple[int, int, int]
    grid_dim: tuple[int, int, int]
    parameters: Mapping[str, int | float | bool]
    values: Mapping[str, int | float | bool]
    threads: tuple[WitnessThread, ...]
    replayed: bool


@record
class Diagnostic:
    """One finding about one place.

    `message` is one line in the present tense without a final period, enough by itself in
    `concise` output. `reason` says why something is unproved. `suppressed` holds the reason of
    the suppression comment that hides it.
    """

    span: Span
    code: str
    name: str
    severity: Severity
    message: str
    kernel: str | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
    witness: Witness | None = None
    suppressed: str | None = None

    def suppress(self, reason: str) -> Diagnostic:
        """The same finding, hidden for `reason`."""
        return replace(self, suppressed=reason)


@record
class Place:
    """A line, column and text: something a report lists beside the diagnostics."""

    line: int
    column: int
    text: str


@record
class ObligationCounts:
    """How many obligations of a kernel ended how; `proved` by the tier that proved them."""

    proved: Mapping[str, int] = field(default_factory=dict[str, int])
    violated: int = 0
    unproved: int = 0
    lifted: int = 0
