"""Kernels by the hundred, run in the interpreter and by a back end: do they give the same arrays?

A kernel is compared on launches which it survives in the interpreter without breaking a rule, and
which leave the same arrays under three schedules; whether it is proved does not matter. Each is
compiled with every check, or with none and its indices in 32 bits, by turns; elements are compared
bit for bit, with `contract` off. Kernels in files may compute exponentials and their like, of which
devices give some last bits each their own way: of those floats are to be close.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import isclose, isnan
from random import Random
from typing import TYPE_CHECKING

from codegen.batches import joined, natives
from codegen.differential import differences, execute, variants
from oxide_analyzer.interpreter import Named, run
from oxide_analyzer.ir.nodes import Math
from oxide_analyzer.ir.walk import expressions
from oxide_analyzer.language.functions import ROUNDED
from oxide_codegen import llvm, ptx, toolchain
from oxide_codegen.forms import Form
from oxide_codegen.lowering.unrolling import COUNTED
from oxide_codegen.target import nearest
from programs.features import features, spoken
from programs.generate import KINDS, deterministic
from programs.launches import launches
from programs.program import is_telling
from programs.together import together
from programs.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codegen.driver import Driver
    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Contents, Launch
    from programs.program import Program
    from programs.written import Written

# What threads come to that wait for one another's atomics is not one thing, and launches of hidden
# scalars are not any launches.
_OTHERS = ("mixed", "handover", "waits", "hidden")
PROGRAMS: Mapping[str, Callable[[int], Program | Written]] = {
    "deterministic": deterministic,
    "together": together,
    "written": written,
    **{kind: make for kind, make in KINDS.items() if kind not in _OTHERS},
}
SMS = ("sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120")
_BUDGET = 300_000
_LAUNCHES = 2
_SCHEDULES = (Named.REVERSE, 1)
_ROUNDED = {"math.rsqrt", *(name for name, _, _ in ROUNDED)}


@dataclass(frozen=True)
class Case:
    """A kernel of one seed, with launches and what they leave in the interpreter."""

    name: str
    checked: CheckedKernel
    variant: str
    launches: Sequence[tuple[Launch, Mapping[str, Contents]]]

    @property
    def kernel(self) -> Kernel:
        return self.checked.kernel


@dataclass
class Tally:
    """What came of a number of kernels."""

    programs: int = 0
    compared: int = 0
    launches: int = 0
    telling: int = 0
    optimised: int = 0
    variants: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.programs += other.programs
        self.compared += other.compared
        self.launches += other.launches
        self.telling += other.telling
        self.optimised += other.optimised
        self.variants += other.variants
        self.left_out += other.left_out
        self.features += other.features
        self.differing += other.differing


def cases(kind: str, seeds: Iterable[int], tally: Tally, *, inexact: bool = False) -> list[Case]:
    """The kernels of some seeds that can be compared; the tally counts them and the others."""
    found: list[Case] = []
    for seed in seeds:
        tally.programs += 1
        program = (
            deterministic(seed, inexact=True)
            if inexact and kind == "deterministic"
            else PROGRAMS[kind](seed)
        )
        kernel = program.kernel()
        chosen = (
            [program.launch]
            if program.launch is not None
            else list(launches(Random(seed), kernel, (), _LAUNCHES))
        )
        expected: list[tuple[Launch, Mapping[str, Contents]]] = []
        told = False
        for launch in chosen:
            outcome = run(kernel, launch, budget=_BUDGET)
            reason = _unfit(kernel, launch, outcome, made_so=program.launch is not None)
            if reason is not None:
                tally.left_out[reason] += 1
                continue
            told = told or is_telling(kernel, outcome)
            expected.append((launch, outcome.arrays))
        if not expected:
            continue
        # Without checks only what every launch fulfils may be left out: sizes that fit 32 bits.
        offered = [variants(kernel, launch) for launch, _ in expected]
        compact = all(one["proved"].compact for one in offered)
        variant = "proved" if seed % 2 and compact else "checked"
        tally.compared += 1
        tally.launches += len(expected)
        tally.telling += told
        tally.variants[variant] += 1
        tally.features.update(features(kernel) | spoken(program.source))
        found.append(Case(f"{kind} {seed} {variant}", offered[0][variant], variant, expected))
    return found


def on_cpu(found: Sequence[Case], tally: Tally, *, optimises: bool = True) -> None:
    """Compare with the cpu device, or with its code before LLVM's optimiser."""
    for narrows in (False, True):
        own = [case for case in found if (case.variant == "proved") is narrows]
        if not own:
            continue
        checked = [case.checked for case in own]
        compiled = natives(checked, narrows=narrows, optimises=optimises)
        for number, (case, native) in enumerate(zip(own, compiled, strict=True)):
            for launch, arrays in case.launches:
                actual, failure = execute(native, case.kernel, launch, 1 + number % 3)
                if failure is not None:
                    tally.differing.append(f"{case.name}: {failure}")
                elif wrong := _differences(case.kernel, arrays, actual):
                    tally.differing.append(f"{case.name}: {wrong[0]}")


@dataclass(frozen=True)
class Entry:
    """A kernel in a module: its name there, and the shared memory that it wants at a launch."""

    case: Case
    name: str
    dynamic: int


def as_module(found: Sequence[Case], sm: str) -> tuple[str, list[Entry]]:
    """The kernels as one PTX text for one SM; a proved one in its form for ordinary launches."""
    texts: list[str] = []
    entries: list[Entry] = []
    keeps_addresses = False
    for number, case in enumerate(found):
        form = Form(ordinary=case.variant == "proved")
        text, device = ptx.lower(case.checked, sm, form, contract=False)
        texts.append(text)
        # As `compile_ptx` has it for these; the others of the module go along.
        keeps_addresses |= form.ordinary and COUNTED in text
        dynamic = device.shared if device.is_dynamic else 0
        entries.append(Entry(case, f"{ptx.entry_name(case.kernel)}_{number}", dynamic))
    machine = llvm.nvptx_machine(sm)
    return llvm.assembly(joined(texts), machine, keeps_addresses=keeps_addresses), entries


def assembled(found: Sequence[Case], sm: str, tally: Tally) -> None:
    """Have ptxas take the PTX."""
    if found:
        try:
            toolchain.registers(as_module(found, sm)[0], sm)
        except toolchain.AssemblyError as error:
            tally.differing.append(f"{found[0].name} to {found[-1].name}, {sm}: {error}")


def on_gpu(found: Sequence[Case], driver: Driver, tally: Tally) -> None:
    """Compare with the first GPU."""
    if not found:
        return
    text, entries = as_module(found, nearest(*driver.capability))
    with driver.module(text) as module:
        for entry in entries:
            kernel = entry.case.kernel
            for launch, arrays in entry.case.launches:
                actual, failure = driver.execute(module, entry.name, kernel, launch, entry.dynamic)
                if failure is not None:
                    tally.differing.append(f"{entry.case.name}: {failure}")
                elif wrong := _differences(kernel, arrays, actual):
                    tally.differing.append(f"{entry.case.name}: {wrong[0]}")


def _differences(kernel, expected, actual) -> list[str]:
    """Elements that are not the same, or, where functions are not exact, not close."""
    wrong = differences(kernel, expected, actual)
    if not wrong or not any(
        isinstance(e, Math) and f"math.{e.function}" in _ROUNDED for e in expressions(kernel.body)
    ):
        return wrong
    return [
        f"{name}[{number}]: {pair[0]!r}, {pair[1]!r}"
        for name, contents in expected.items()
        for number, pair in enumerate(zip(contents.values, actual[name].values, strict=True))
        if not (isclose(*pair, rel_tol=1e-4, abs_tol=1e-5) or (isnan(pair[0]) and isnan(pair[1])))
    ]


def _unfit(kernel: Kernel, launch: Launch, outcome, *, made_so: bool) -> str | None:
    """Why a launch says nothing about devices."""
    if outcome.exhausted:
        return "too long"
    if outcome.failures:
        return "breaks a rule"
    if made_so:
        return None
    for schedule in _SCHEDULES:
        again = run(kernel, launch, schedule=schedule, budget=2 * _BUDGET)
        if not again.succeeded:
            return "breaks a rule under another schedule"
        if differences(kernel, outcome.arrays, again.arrays):
            return "depends on the schedule"
    return None
