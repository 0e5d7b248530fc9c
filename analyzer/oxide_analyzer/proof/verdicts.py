"""The three answers about an obligation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.obligations import Obligation


@dataclass(frozen=True, slots=True)
class Proved:
    """Holds for every admitted launch; `tier` is the prover that said so."""

    tier: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The reference interpreter ran into `failure` on `launch`."""

    failure: Failure
    launch: Launch


@dataclass(frozen=True, slots=True)
class Refuted:
    """Broken by a concrete launch."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither; `reason` says what is missing."""

    reason: str


Result: TypeAlias = Proved | Refuted | Unknown


@dataclass(frozen=True, slots=True)
class Judged:
    """An obligation with its answer."""

    obligation: Obligation
    result: Result
