"""A random program: its source, its parameters, a launch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, nan, prod
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import Atomic, For, If, Load, Store, While
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.launch import Contents
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from oxide_analyzer.interpreter import Outcome
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Launch


@dataclass(frozen=True)
class Slot:
    """A parameter: a scalar if `rank` is 0, else a slice of the family `form`."""

    name: str
    form: str
    type: Scalar
    rank: int

    @property
    def declaration(self) -> str:
        if self.rank == 0:
            return f"{self.name}: {self.type}"
        return f"{self.name}: {self.form}{('', '2D', '3D')[self.rank - 1]}[{self.type}]"


@dataclass(frozen=True)
class Program:
    """A module with the kernel `k`, and a launch for it where it was made for one.

    `nearby` is the program of which this one is the same with other scalars (`hidden`).
    """

    seed: int
    source: str
    slots: tuple[Slot, ...]
    launch: Launch | None
    nearby: Program | None = None

    @property
    def path(self) -> str:
        return f"program{self.seed}.py"

    @property
    def file(self) -> SourceFile:
        return SourceFile(self.path, self.source)

    def kernel(self) -> Kernel:
        """The kernel, read and specialised; a program that cannot be read is a bug of either."""
        reading = read(self.file, NoModules())
        if reading.diagnostics or len(reading.kernels) != 1:
            findings = [f"{d.span}: {d.code} {d.message}" for d in reading.diagnostics]
            raise AssertionError("\n".join([*findings, self.source]))
        (kernel,) = reading.kernels
        return specialise(kernel, source_values(kernel))


def is_telling(kernel: Kernel, outcome: Outcome) -> bool:
    """Whether two threads came to one access in a loop or branch: else a run says little."""
    return any(
        isinstance(inner, Load | Store | Atomic) and len(outcome.executed(inner.site)) > 1
        for outer in statements(kernel.body)
        if isinstance(outer, If | For | While)
        for inner in statements((outer,))
    )


class Lines:
    """Text, line by line, with its indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def add(self, text: str = "") -> None:
        self.lines.append("    " * self.depth + text if text else "")

    @contextmanager
    def indented(self, by: int = 1) -> Iterator[None]:
        self.depth += by
        yield
        self.depth -= by

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def random_contents(random: Random, type: Scalar, shape: tuple[int, ...]) -> Contents:
    """Small and extreme values of a type."""
    return Contents(shape, tuple(_element(random, type) for _ in range(prod(shape))))


def _element(random: Random, type: Scalar) -> int | float | bool:
    if type == BOOL:
        return random.random() < 0.5
    if type.is_float:
        if random.random() < 0.1:
            return random.choice([inf, -inf, nan, -0.0, 0.0])
        return arithmetic.literal(random.choice([1.0, 10.0, 1e8]) * random.uniform(-1, 1), type)
    if random.random() < 0.15:
        return random.choice([type.min, type.max])
    low = -20 if type.is_signed else 0
    return random.choice([random.randint(low, 40), random.randint(type.min, type.max)])
