"""What may run in the place of a kernel: its source, read, verified, proved and compiled.

    Program ── first use ──► IR with symbols, verified against the live function and its helpers
       └─ types and functions of a launch ──► the IR of that instance, if the kernel is open
             └─ values of its constants now ──► Specialisation: a proof for these values
                                                   └─ device ──► machine code

Each arrow is kept. A constant that changes later leads to another specialisation with a proof of
its own; a helper that was replaced sends the kernel back to its first use.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.language.types import Kind
from oxide_codegen import compiled, live
from oxide_codegen.abi import Layout, layout
from oxide_codegen.arguments import Signature, bound
from oxide_codegen.contract import demand_constants, demand_contract
from oxide_codegen.cuda_forms import CudaForms
from oxide_codegen.debugging import warn_of_breakpoints
from oxide_codegen.errors import CheckError, DeviceError, SourceError
from oxide_codegen.lowering import optimisations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide import Reading
    from oxide_analyzer.ir.kernel import Constant, Function, Kernel
    from oxide_analyzer.launch import Number
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.forms import Form
    from oxide_codegen.instances import Decision
    from oxide_codegen.native import Native


# So many instances of an open kernel are remembered.
_MOST_INSTANCES = 64


@dataclass(frozen=True)
class Options:
    """The keywords of `@kernel`, as the live decorator got them."""

    block: Any = None
    domain: int | None = None
    requires: Any = None
    shared: int | None = None
    max_threads: int | None = None
    min_blocks: int | None = None
    cooperative: bool = False
    cluster: Any = None
    fast_math: bool = False


@dataclass(frozen=True, eq=False)
class Specialisation:
    """A kernel proved for fixed values of its constants, and its machine code by device."""

    checked: CheckedKernel
    report: KernelReport
    signature: Signature
    layout: Layout
    _native: list[Native] = field(default_factory=list["Native"])
    _cuda: dict[int, CudaForms] = field(default_factory=dict[int, CudaForms])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kernel(self) -> Kernel:
        """The IR without symbols."""
        return self.checked.kernel

    def native(self) -> Native:
        """Code for the cpu device, compiled at the first call."""
        with self._lock:
            if not self._native:
                warn_of_breakpoints(self.kernel, "the cpu")
                self._native.append(compiled.native(self.checked))
            return self._native[0]

    def cuda(self, index: int) -> CudaForms:
        """The kernel on `cuda:<index>`; each form is compiled and loaded when it is needed."""
        loaded = self._cuda.get(index)
        if loaded is not None:
            return loaded
        with self._lock:
            if index not in self._cuda:
                from oxide_codegen.cuda import cuda

                device = cuda(index)
                warn_of_breakpoints(self.kernel, f"cuda:{index}")
                self._cuda[index] = CudaForms(device, lambda form: self._form(device, form))
            return self._cuda[index]

    def _form(self, device: Cuda, form: Form) -> CudaKernel | None:
        from oxide_codegen.cuda_kernel import CudaKernel
        from oxide_codegen.target import Unsupported, nearest

        try:
            sm = nearest(*device.capability)
            ptx = compiled.ptx(self.checked, sm, form, optimisations.left_out())
        except Unsupported as reason:
            raise DeviceError(
                f"{device.id} cannot run it: {reason}", kernel=self.kernel.name
            ) from None
        return ptx and CudaKernel(device, self.kernel, ptx, len(self.layout.slots))


class Program:
    """One `@kernel`: made when the decorator runs, from then on lazy."""

    def __init__(self, function: Any, options: Options) -> None:
        self.function = function
        self.options = options
        self.name = str(getattr(function, "__name__", function))
        self._source = live.take(function)
        self._lock = threading.Lock()
        self._first: _FirstUse | None = None
        self._current: tuple[Specialisation, live.Guard] | None = None
        self._instances: dict[object, tuple[Decision, _FirstUse]] = {}

    def specialisation(self) -> Specialisation:
        """The kernel for the values that its constants have now; `CheckError` if it has none."""
        return self.current((), {})[0]

    def current(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Specialisation, live.Guard]:
        """The same for these arguments, and the guard that says for how long it is the right one.

        The arguments matter where a launch completes the kernel: see `instances`.
        """
        current = self._current
        if current is not None and current[1].holds():
            return current
        with self._lock:
            try:
                first = self._read_first()
                if first.is_open:
                    return self._complete(first, args, kwargs)
                self._current = current = self._specialise(first, {}, {})
            except live.Unavailable as reason:
                raise SourceError(self.name, str(reason)) from None
            return current

    def stated(self) -> Kernel:
        """The kernel as its source says it: what a launch completes is still open there."""
        with self._lock:
            try:
                first = self._read_first()
                if not first.is_open:
                    return self._specialise(first, {}, {})[0].kernel
                from oxide_analyzer.ir.specialise import specialise

                values, _ = first.constants(self.function, self.options, {}, None)
                return specialise(first.kernel, values)
            except live.Unavailable as reason:
                raise SourceError(self.name, str(reason)) from None

    @property
    def is_open(self) -> bool:
        """Whether only a launch completes the kernel."""
        with self._lock:
            try:
                return self._read_first().is_open
            except live.Unavailable as reason:
                raise SourceError(self.name, str(reason)) from None

    def demand_proof(self) -> None:
        """Raise `CheckError` if an open kernel is violated, whatever completes it."""
        report = self.report()
        if report.verdict is Verdict.VIOLATED:
            sources = self._first.sources if self._first is not None else {}
            raise CheckError(self.name, self._explain(report.diagnostics, sources), report)

    @property
    def has_source(self) -> bool:
        """Whether there is a text to read."""
        return self._source is not None

    def unproved(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Kernel, live.Guard]:
        """What the source says, and nothing proved of it: with the values that constants have
        now, and what the arguments of a launch complete.

        The guard says for how long that is so.
        """
        with self._lock:
            try:
                first = self._read_first()
                arguments: Mapping[str, Any] = {}
                functions: Mapping[str, FunctionType] = {}
                if first.is_open:
                    first, arguments, functions = self._instance(first, args, kwargs)
                if first.errors:
                    raise CheckError(self.name, self._explain(first.errors, first.sources))
                from oxide_analyzer.ir.specialise import specialise

                values, guard = first.constants(self.function, self.options, functions, arguments)
                key = _key(values)
                if key not in first.unproved:
                    # One object for one text: what is made of it is kept by it.
                    first.unproved[key] = specialise(first.kernel, values)
                return first.unproved[key], guard
            except live.Unavailable as reason:
                raise SourceError(self.name, str(reason)) from None

    def signature(self, kernel: Kernel) -> Signature:
        """How launches of such a kernel take their arguments."""
        return Signature(kernel, self.function)

    def report(self) -> KernelReport:
        """What is proved about the kernel; of an open one, whatever a launch completes it with."""
        with self._lock:
            try:
                first = self._read_first()
                if not first.is_open:
                    return self._specialise(first, {}, {})[0].report
                from oxide_analyzer.analysis import check_kernel
                from oxide_analyzer.instances import combined

                return combined([(one, check_kernel(one)) for one in first.every])
            except live.Unavailable as reason:
                raise SourceError(self.name, str(reason)) from None

    def _read_first(self) -> _FirstUse:
        if self._first is None or not self._first.guard.holds():
            self._first = self._read(None, {})
            self._instances.clear()
        return self._first

    def _complete(
        self, first: _FirstUse, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Specialisation, live.Guard]:
        """The instance of an open kernel that the arguments of a launch mean."""
        return self._specialise(*self._instance(first, args, kwargs))

    def _instance(
        self, first: _FirstUse, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[_FirstUse, Mapping[str, Any], Mapping[str, FunctionType]]:
        """The same before it is proved, with its arguments and functions."""
        from oxide_codegen.instances import decide

        arguments = bound(self.name, self.function, args, kwargs)
        decision = decide(first.kernel, arguments)
        known = self._instances.get(decision.key)
        if known is None or not known[1].guard.holds():
            if len(self._instances) >= _MOST_INSTANCES:
                self._instances.clear()
            known = decision, self._read(decision, decision.functions)
            self._instances[decision.key] = known
        return known[1], arguments, decision.functions

    def _specialise(
        self,
        first: _FirstUse,
        arguments: Mapping[str, Any],
        functions: Mapping[str, FunctionType],
    ) -> tuple[Specialisation, live.Guard]:
        if first.errors:
            # Such statements are not in the IR, so a proof of the rest would say too much.
            raise CheckError(self.name, self._explain(first.errors, first.sources))
        values, guard = first.constants(self.function, self.options, functions, arguments)
        key = _key(values)
        known = first.pairs.get(key)
        if known is not None and known[1].holds():
            # One guard for as long as it holds: what is written out for it is written once.
            return known
        report = first.reports.get(key)
        if report is None:
            demand_constants(first.kernel, values)
            report = first.reports[key] = self._prove(first, values)
        if report.checked is None:
            raise CheckError(self.name, self._explain(report.diagnostics, first.sources), report)
        made = first.specialisations.get(key)
        if made is None:
            demand_contract(report.checked.kernel, self.options)
            made = first.specialisations[key] = Specialisation(
                report.checked,
                report,
                Signature(report.checked.kernel, self.function),
                layout(report.checked.kernel),
            )
        first.pairs[key] = made, guard
        return made, guard

    def _prove(self, first: _FirstUse, values: Mapping[str, Number]) -> KernelReport:
        from oxide_analyzer.analysis import check_kernel
        from oxide_analyzer.ir.specialise import specialise

        return check_kernel(specialise(first.kernel, values))

    def _read(self, decision: Decision | None, functions: Mapping[str, FunctionType]) -> _FirstUse:
        """Read the kernel from its source, and make sure that it is the live function's."""
        from oxide_analyzer.frontends.oxide import read, read_given
        from oxide_codegen.instances import given, is_open

        function = self.function
        if not isinstance(function, FunctionType):
            raise live.Unavailable(
                f"`@kernel` wants a function, got a {type(function).__name__}; other decorators "
                "cannot stand below it"
            )
        if self._source is None:
            raise live.without_source("its source", function.__code__.co_filename)
        modules = live.LiveModules()
        source = self._source
        if live.is_cell(source.path):
            source = modules.complete(source, function.__globals__)
        if decision is None or self._first is None:
            reading = read(source, modules)
        else:
            line = self._first.kernel.span.line
            completed = given(self._first.kernel, decision, modules)
            reading = read_given(source, modules, self._first.kernel.qualname, line, completed)
        kernel = self._find(reading, function, {source.path: source})
        guard = live.Guard()
        sources: dict[str, SourceFile] = {source.path: self._source}
        for part in kernel.functions:
            found = live.follow(functions.get(part.argument, function), part, guard)
            text = sources.get(part.path) or modules.source_of(part.path)
            if text is None:
                raise live.without_source(f"the source of `{part.qualname}`", part.path)
            sources[part.path] = text
            if part.argument and not part.route:
                live.verify_given(found, text)
            else:
                live.verify(found, text, part.qualname, part.span.line)
            guard.code(found)
        requires = self.options.requires
        if requires is not None:
            live.verify_lambda(requires, self._source)
        elif kernel.contract.requires or kernel.contract.data:
            raise live.Unavailable("`@kernel` was called without the `requires` of its source")
        errors = [
            d
            for d in reading.diagnostics
            if d.severity is Severity.ERROR
            and any(
                part.path == d.span.path and part.span.contains(d.span.line, d.span.column)
                for part in kernel.functions
            )
        ]
        every = [one for one in reading.kernels if one.name_span == kernel.name_span]
        left_open = decision is None and is_open(kernel)
        return _FirstUse(kernel, sources, guard, errors, left_open, every)

    def _find(
        self, reading: Reading, function: FunctionType, sources: Mapping[str, SourceFile]
    ) -> Kernel:
        code = function.__code__
        found = [
            kernel
            for kernel in reading.kernels
            if kernel.qualname == code.co_qualname and kernel.span.line >= code.co_firstlineno
        ]
        if found:
            return min(found, key=lambda kernel: kernel.span.line)
        spans = [unread.span for unread in reading.unread if unread.qualname == code.co_qualname]
        mine = [
            d
            for d in reading.diagnostics
            if any(s.path == d.span.path and s.contains(d.span.line, d.span.column) for s in spans)
        ] or [d for d in reading.diagnostics if d.severity is Severity.ERROR]
        if not mine:
            raise live.Unavailable(
                f"no kernel `{code.co_qualname}` stands in `{code.co_filename}` as it was when it "
                "was imported"
            )
        raise CheckError(self.name, self._explain(mine, sources))

    def _explain(
        self,
        diagnostics: tuple[Diagnostic, ...] | list[Diagnostic],
        sources: Mapping[str, SourceFile],
    ) -> str:
        from oxide_analyzer.reports.full import render

        shown = [d for d in diagnostics if d.severity in (Severity.ERROR, Severity.WARNING)]
        first = shown[0].message if shown else "it is not proved safe"
        return f"{first}\n\n{render(shown, sources, False).rstrip()}"


def _key(values: Mapping[str, Number]) -> tuple[object, ...]:
    """What stands for the values of constants: 1, 1.0 and True are different ones."""
    return tuple((name, type(value), repr(value)) for name, value in sorted(values.items()))


@dataclass
class _FirstUse:
    """What the source says, verified against the live function."""

    kernel: Kernel
    sources: Mapping[str, SourceFile]
    guard: live.Guard
    errors: list[Diagnostic]
    is_open: bool
    every: list[Kernel]
    reports: dict[Any, KernelReport] = field(default_factory=dict[Any, "KernelReport"])
    specialisations: dict[Any, Specialisation] = field(default_factory=dict[Any, "Specialisation"])
    unproved: dict[Any, Kernel] = field(default_factory=dict[Any, "Kernel"])
    pairs: dict[Any, tuple[Specialisation, live.Guard]] = field(
        default_factory=dict[Any, "tuple[Specialisation, live.Guard]"]
    )

    def constants(
        self,
        function: FunctionType,
        options: Options,
        functions: Mapping[str, FunctionType],
        arguments: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Number], live.Guard]:
        """The values that constants have now, and a guard over them and the functions.

        Those that are `arguments` of a launch are left out where there are none.
        """
        guard = live.Guard(self.guard)
        values: dict[str, Number] = {}
        for constant in self.kernel.constants:
            value: object
            if constant.holder == ("argument",):
                if arguments is not None:
                    from oxide_codegen.instances import constant_of

                    name = constant.symbol
                    values[name] = constant_of(self.kernel.name, constant, arguments)
                continue
            if not constant.holder:
                root = functions.get(constant.owner.argument, function)
                owner = live.follow(root, constant.owner, guard)
                value = live.look_up(owner, constant.attributes, guard)
                self._demand_lengths(constant, owner, guard)
            elif constant.holder == ("requires",):
                value = live.look_up(options.requires, constant.attributes, guard)
            else:
                # What the decorator got does not change.
                keyword, *items = constant.holder
                value = getattr(options, keyword)
                for item in (*items, *constant.attributes[1:]):
                    value = _item(constant, value, int(item))
            values[constant.symbol] = _fit(constant, value)
        return values, guard

    def _demand_lengths(self, constant: Constant, owner: FunctionType, guard: live.Guard) -> None:
        """Raise unless the tuples that a constant is an item of have as many as in the source."""
        for depth in range(1, len(constant.attributes)):
            place, tuple_ = constant.attributes[depth], constant.attributes[:depth]
            if not place.isdigit():
                continue
            value = live.look_up(owner, tuple_, guard)
            written = self._lengths[constant.owner, tuple_]
            if isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) != written:
                raise live.Unavailable(
                    f"`{'.'.join(tuple_)}` at {constant.span} has "
                    f"{len(cast('tuple[object, ...]', value))} items now, and {written} in the "
                    "source: a tuple that a kernel takes from outside keeps its length"
                )

    @cached_property
    def _lengths(self) -> dict[tuple[Function, tuple[str, ...]], int]:
        """How many items each tuple has of which a constant is one."""
        found: dict[tuple[Function, tuple[str, ...]], int] = {}
        for constant in self.kernel.constants:
            for depth in range(1, len(constant.attributes)):
                place = constant.attributes[depth]
                if place.isdigit() and not constant.holder:
                    key = constant.owner, constant.attributes[:depth]
                    found[key] = max(found.get(key, 0), int(place) + 1)
        return found


def _item(constant: Constant, value: object, index: int) -> object:
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        if index < len(items):
            return items[index]
    raise live.Unavailable(
        f"`@kernel` was called with {value!r}, where its source has `{constant.attributes[0]}`"
    )


def _fit(constant: Constant, value: object) -> Number:
    """A live value as a number of the constant's type."""
    name, type_ = ".".join(constant.attributes), constant.type
    if isinstance(value, Enum):
        value = value.value
    if type_.kind is Kind.BOOL:
        fits = isinstance(value, bool)
    elif type_.is_integer:
        fits = (
            isinstance(value, int)
            and not isinstance(value, bool)
            and type_.min <= value <= type_.max
        )
    else:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not isinstance(value, int | float):
        raise live.Unavailable(
            f"`{name}` at {constant.span} is {value!r} now, which is no {type_}: what a kernel "
            "takes from its module or closure is a number that keeps its type"
        )
    if type_.is_float:
        from oxide_analyzer.interpreter.arithmetic import literal

        return literal(float(value), type_)
    return bool(value) if type_.kind is Kind.BOOL else int(value)
