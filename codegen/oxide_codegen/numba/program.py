"""One Numba kernel for one kind of arguments: read, judged, compiled, each when a launch needs it.

    forms of the arguments ── read ──► IR, or the places that cannot be compiled
       └─ judged for the block of a launch ► code under the facts of the proof
       └─ judged for all launches ─────────► the same, where blocks keep changing
       └─ nothing taken as proved ─────────► code that checks everything

A launch runs the first code whose facts it fulfils. Where that is not one that is proved, the
finding is told once, and the launch runs all the same: see `verdicts`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.numba.given import ArrayForm, Launched, TupleForm
from oxide_analyzer.ir.kernel import Assumption, Contract, Requirement
from oxide_analyzer.ir.nodes import (
    Barrier,
    Compare,
    CompareOp,
    Const,
    Forget,
    Group,
    Register,
    Special,
)
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.language.types import I64
from oxide_codegen import live
from oxide_codegen.abi import layout
from oxide_codegen.arguments import Signature
from oxide_codegen.errors import SourceError
from oxide_codegen.numba.names import LiveNames
from oxide_codegen.numba.verdicts import UnsupportedKernelError
from oxide_codegen.program import Specialisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FunctionType

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.frontends.numba.given import Form
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile, Span

_NEVER_CHANGES = live.Guard()
# With the block of a launch proofs are quick and say more. Of a kernel that has come with so many,
# one for all blocks is tried.
_MOST_SHAPES = 4


@dataclass(frozen=True)
class NumbaOptions:
    """What the keywords of `cuda.jit` say to the compiler."""

    fast_math: bool = False
    max_threads: int | None = None
    min_blocks: int | None = None
    debug: bool = False


@dataclass(eq=False)
class Variant:
    """Code for launches that fulfil its facts; what stands behind `Launch`.

    Code that checks everything `is_assured` of nothing, whatever is known of other launches.
    """

    made: Specialisation
    judged: KernelReport
    is_assured: bool
    name: str

    @property
    def is_proved(self) -> bool:
        """Whether nothing is left to say about launches that fulfil its facts."""
        return self.is_assured and self.judged.verdict is Verdict.PROVED

    @property
    def function(self) -> Any:
        """There is no function whose signature its arguments have."""
        return None

    @property
    def is_open(self) -> bool:
        """The arguments have completed it."""
        return False

    def demand_proof(self) -> None:
        """What is not proved runs here as well."""

    def specialisation(self) -> Specialisation:
        """The kernel, of which no constant changes."""
        return self.made

    def current(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Specialisation, live.Guard]:
        """The same for all arguments of its kind."""
        del args, kwargs
        return self.made, _NEVER_CHANGES

    def unproved(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Kernel, live.Guard]:
        """The IR."""
        del args, kwargs
        return self.made.kernel, _NEVER_CHANGES

    def signature(self, kernel: Kernel) -> Signature:
        """One argument for each parameter of the kernel."""
        return Signature.positional(kernel)

    def stated(self) -> Kernel:
        """The IR."""
        return self.made.kernel

    def report(self) -> KernelReport:
        """What is known of it."""
        return self.judged


class NumbaProgram:
    """A kernel for arguments of certain forms."""

    def __init__(
        self, function: FunctionType, forms: Mapping[str, Form], options: NumbaOptions
    ) -> None:
        self.name = function.__name__
        self.sources: Mapping[str, SourceFile] = {}
        self._lock = threading.RLock()
        self._variants: dict[object, Variant] = {}
        self._shapes: set[object] = set()
        self.kernel = self._read(function, forms, options)
        self._asks_for_block = any(
            isinstance(e, Special) and e.register is Register.BLOCK
            for e in expressions(self.kernel.body)
        )

    def _read(
        self, function: FunctionType, forms: Mapping[str, Form], options: NumbaOptions
    ) -> Kernel:
        from oxide_analyzer.frontends.numba import read_launched

        modules = live.LiveModules()
        names = LiveNames(modules)
        try:
            found = names.read(function)
            kernel = read_launched(found, modules, Launched(forms, names))
        except live.Unavailable as reason:
            raise SourceError(self.name, str(reason)) from None
        except RecursionError:
            raise SourceError(self.name, "it nests too deeply to be compiled") from None
        self.sources = names.sources
        places = list(_unknown(kernel))
        if places:
            raise UnsupportedKernelError(self.name, places)
        # With `debug=True` a zero divisor raises, as with Numba.
        divides = not options.debug
        return replace(kernel, contract=_contract(kernel, options), divides_by_zero=divides)

    def variants(self, grid: Extent, block: Extent) -> Iterator[Variant]:
        """What launches of this shape may run, the best first; the last one has no facts."""
        with self._lock:
            self._shapes.add(block)
            is_varied = len(self._shapes) > _MOST_SHAPES
        if is_varied and self.proved_for_all().is_proved:
            yield self.proved_for_all()
        first = self.proved_for(grid, block)
        yield first
        yield self.checked(first.judged)

    def proved_for_all(self) -> Variant:
        """Judged for every launch."""
        return self._variant("all", self.kernel)

    def proved_for(self, grid: Extent, block: Extent) -> Variant:
        """Judged for launches with this block; alone, of a kernel that does not ask for it."""
        is_alone = grid == (1, 1, 1) and not self._asks_for_block
        key = block, is_alone
        known = self._variants.get(key)
        if known is None:
            span = self.kernel.name_span
            contract = replace(
                self.kernel.contract,
                block=_constants(block, span),
                requires=tuple(_is_one(axis, span) for axis in range(3)) if is_alone else (),
            )
            known = self._variant(key, replace(self.kernel, contract=contract))
        return known

    def checked(self, report: KernelReport) -> Variant:
        """Nothing is taken as proved; `report` says why."""
        from oxide_analyzer.analysis import unproved

        with self._lock:
            known = self._variants.get("none")
            if known is None:
                known = self._variants["none"] = self._made(unproved(self.kernel), report, False)
            return known

    def overlapping(self, report: KernelReport) -> Variant:
        """For arrays that share memory: nothing is taken as proved, and no access as apart."""
        from oxide_analyzer.analysis import unproved

        with self._lock:
            known = self._variants.get("overlap")
            if known is None:
                made = unproved(self.kernel, may_overlap=True)
                known = self._variants["overlap"] = self._made(made, report, False)
            return known

    def _variant(self, key: object, kernel: Kernel) -> Variant:
        from oxide_analyzer.analysis import runnable

        with self._lock:
            known = self._variants.get(key)
            if known is None:
                report, checked = runnable(kernel)
                known = self._variants[key] = self._made(checked, report, True)
            return known

    def _made(self, checked: CheckedKernel, report: KernelReport, is_assured: bool) -> Variant:
        signature = Signature.positional(checked.kernel, may_overlap=checked.may_overlap)
        made = Specialisation(checked, report, signature, layout(checked.kernel))
        return Variant(made, report, is_assured, self.name)


def parameter_names(name: str, form: Form) -> list[tuple[str, tuple[int, ...]]]:
    """The parameters of the kernel that an argument is, each with its place in tuples."""
    if isinstance(form, TupleForm):
        return [
            (inner, (k, *places))
            for k, item in enumerate(form.items)
            for inner, places in parameter_names(f"{name}.{k}", item)
        ]
    if isinstance(form, ArrayForm) and form.same:
        return []
    return [(name, ())]


def _unknown(kernel: Kernel) -> list[Assumption]:
    """What a kernel does that its IR does not say."""
    found = {a.span: a for a in kernel.assumptions}
    for statement in statements(kernel.body):
        if isinstance(statement, Forget) and statement.told is None:
            found.setdefault(statement.span, Assumption(statement.span, statement.what))
    return [found[span] for span in sorted(found)]


def _contract(kernel: Kernel, options: NumbaOptions) -> Contract:
    meets = any(isinstance(s, Barrier) and s.group is Group.GRID for s in statements(kernel.body))
    span = kernel.name_span
    return Contract(
        cooperative=meets,
        fast_math=options.fast_math,
        max_threads=None if options.max_threads is None else _constant(options.max_threads, span),
        min_blocks=None if options.min_blocks is None else _constant(options.min_blocks, span),
    )


def _constant(value: int, span: Span) -> Const:
    return Const(value, I64, span)


def _constants(extent: Extent, span: Span) -> tuple[Expr, Expr, Expr]:
    x, y, z = (_constant(one, span) for one in extent)
    return x, y, z


def _is_one(axis: int, span: Span) -> Requirement:
    register = Special(Register.GRID_DIM, axis, span)
    condition = Compare(CompareOp.EQ, register, _constant(1, span), span)
    return Requirement(condition, f"{Register.GRID_DIM}.{'xyz'[axis]} == 1", span)
