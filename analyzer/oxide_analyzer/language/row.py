"""What one name of the language is: a row of the table in `builtins.py`."""

from __future__ import annotations

from enum import StrEnum

from oxide_analyzer.record import record


class BuiltinKind(StrEnum):
    """What a name is."""

    SCALAR = "scalar type"
    SLICE = "slice type"
    SCRATCH = "array in the kernel"
    NAMESPACE = "namespace"
    VALUE = "value"
    FUNCTION = "function"
    ITERATOR = "iterator of a for loop"
    REGION = "region of a with statement"
    FACT = "fact of a requirement"
    DECORATOR = "decorator"
    MARKER = "marker of a parameter"


class Origin(StrEnum):
    """Where a name comes from."""

    OXIDE = "oxide"
    MATH = "math"
    NUMBA = "numba"
    PYTHON = "builtins"


class Effect(StrEnum):
    """What a use of the name does besides giving a value."""

    NONE = "none"
    ALLOCATES = "allocates"
    SYNCHRONISES = "synchronises"
    ORDERS = "orders memory"
    CONVERGES = "meets the lanes of the warp"
    ATOMIC = "changes memory atomically"
    PRINTS = "writes a line of text"
    COPIES = "copies to shared memory while the thread goes on"


@record
class Builtin:
    """One name: its signature as hover shows it, and one line of documentation."""

    name: str
    kind: BuiltinKind
    signature: str
    documentation: str
    effect: Effect = Effect.NONE
    origin: Origin = Origin.OXIDE

    @property
    def short_name(self) -> str:
        """The part behind the last dot."""
        return self.name.rpartition(".")[2]
