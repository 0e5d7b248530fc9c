"""The three answers about an obligation."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter.schedule import Named
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.interpreter.schedule import Schedule
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.subjects import Obligation


@record
class Proved:
    """Holds for every admitted launch; `tier` is the prover that said so."""

    tier: str


@record
class Violation:
    """The reference interpreter ran into `failure` on `launch`, with threads in this order."""

    failure: Failure
    launch: Launch
    schedule: Schedule = Named.IN_ORDER


@record
class Refuted:
    """Broken by a concrete launch."""

    violation: Violation


ELSEWHERE = "the kernel is violated elsewhere"
"""Why an obligation was not looked at any further."""


@record
class Unknown:
    """Neither; `reason` says what is missing."""

    reason: str


@record
class Lifted:
    """Not proved, and vouched for: it stands in an `unsafe` block."""


Result: TypeAlias = Proved | Refuted | Unknown | Lifted


@record
class Judged:
    """An obligation with its answer."""

    obligation: Obligation
    result: Result
