"""The reference interpreter: what the kernel IR means, races and all.

`arithmetic` is the meaning of the operators, `translate` writes a kernel as a Python function
that plays one thread, `machine` runs the threads of a launch, `ordering` knows what nothing
orders, `memory` what is undefined, `outcome` what a run came to.
"""

from oxide_analyzer.interpreter.outcome import (
    Divergence,
    Event,
    Failure,
    HarmfulExit,
    Outcome,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.run import run

__all__ = [
    "Divergence",
    "Event",
    "Failure",
    "HarmfulExit",
    "OutOfBounds",
    "Outcome",
    "Race",
    "Uninitialised",
    "ZeroDivisor",
    "run",
]
