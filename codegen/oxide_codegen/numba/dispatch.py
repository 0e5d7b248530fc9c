"""What `cuda.jit` makes of a function, and its launches.

    k[grid, block](x, n)         reads and judges k for these arguments the first time, then runs it
    k[grid, block, stream, shared](…)
    k.forall(n)(x)               as many threads as tasks

A launch finds its code by the forms of its arguments, and runs the first variant whose facts it
fulfils: see `program`.
"""

from __future__ import annotations

import inspect
import threading
from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from oxide_analyzer.frontends.numba.given import ArrayForm, Convention, ScalarForm, TupleForm
from oxide_codegen import live
from oxide_codegen.errors import LaunchTypeError, LaunchValueError, OxideError, plain
from oxide_codegen.geometry import block_extent, grid_extent, shared_bytes
from oxide_codegen.launch import Launch
from oxide_codegen.numba.arguments import Passed, form_of, key_of, with_repeated
from oxide_codegen.numba.arrays import DeviceNDArray
from oxide_codegen.numba.overloads import conversions
from oxide_codegen.numba.program import NumbaOptions, NumbaProgram, Variant
from oxide_codegen.numba.verdicts import Unproved, policy, tell
from oxide_codegen.streams import Stream, queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FunctionType

    from oxide_analyzer.frontends.numba.given import Form
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.report import KernelReport
    from oxide_codegen.streams import Queue

_MOST_CONFIGURED = 64
_THREADS = 256


class Dispatcher:
    """A function under `cuda.jit`: a kernel to be launched, or a function that kernels call."""

    def __init__(
        self,
        function: FunctionType,
        options: NumbaOptions,
        signatures: Sequence[tuple[Form, ...]],
        unproved: str | None,
        *,
        is_device: bool,
    ) -> None:
        # Its text is that of now; who edits the file later is told.
        live.take(function)
        self.py_func = function
        self.is_device = is_device
        self.options = options
        self.signatures = tuple(signatures)
        # What its signature makes of numbers where another kernel calls it.
        self.convention: Convention | None = None
        self._unproved = unproved
        self._python = inspect.signature(function)
        self.names = tuple(self._python.parameters)
        self._lock = threading.RLock()
        self._programs: dict[object, NumbaProgram] = {}
        self._configured: dict[Any, Configured] = {}
        self._told: set[tuple[int, str | None]] = set()
        self.__wrapped__ = function
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__

    # ------------------------------------------------------------ launches

    def __getitem__(self, config: Any) -> Configured:
        """`k[grid, block]`, `k[grid, block, stream]` or `k[grid, block, stream, shared]`."""
        try:
            known = self._configured.get(config)
        except TypeError:
            # Lists are extents as well.
            known = None
        if known is not None and _is_plain(config):
            return known
        try:
            if not isinstance(config, tuple) or not 2 <= len(parts := list[Any](config)) <= 4:
                raise LaunchTypeError(
                    self.__name__,
                    "a launch is written k[grid, block](...), k[grid, block, stream](...) or "
                    "k[grid, block, stream, shared](...)",
                    parameter="grid",
                    expected="grid, block and perhaps a stream",
                    actual=config,
                )
            made = self.configure(*parts)
        except OxideError as error:
            raise plain(error) from None
        if _is_plain(config):
            if len(self._configured) >= _MOST_CONFIGURED:
                self._configured.clear()
            self._configured[config] = made
        return made

    def configure(
        self, griddim: Any, blockdim: Any, stream: Any = 0, sharedmem: Any = 0
    ) -> Configured:
        """The kernel with its grid and block."""
        name = self.__name__
        if self.is_device:
            raise LaunchTypeError(
                name,
                "it is a device function, which kernels call",
                parameter="grid",
                expected="a kernel",
                actual="a device function",
            )
        block, most = block_extent(name, blockdim), self.options.max_threads
        if most is not None and prod(block) > most:
            raise LaunchValueError(
                name,
                f"`block` has {prod(block)} threads, and the kernel is declared with "
                f"launch_bounds={most}",
                parameter="block",
                expected=most,
                actual=prod(block),
            )
        return Configured(
            self,
            grid_extent(name, griddim),
            block,
            queue(name, stream or None),
            shared_bytes(name, sharedmem),
        )

    def forall(self, ntasks: int, tpb: int = 0, stream: Any = 0, sharedmem: int = 0) -> ForAll:
        """A launch with a thread for each of `ntasks`."""
        if ntasks < 0:
            raise ValueError(f"Can't create ForAll with negative task count: {ntasks}")
        return ForAll(self, int(ntasks), int(tpb), stream, sharedmem)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: a kernel wants a grid and a block, a device function a kernel."""
        del args, kwargs
        name = self.__name__
        what = (
            "it is a device function, which kernels call"
            if self.is_device
            else f"a kernel is launched with a grid and a block: {name}[grid, block](...)"
        )
        raise plain(
            LaunchTypeError(
                name, what, parameter="grid", expected="a launch", actual="a plain call"
            )
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A kernel in a class is launched as it is; `self` is not an argument that kernels take."""
        del instance, owner
        return self

    # ------------------------------------------------------------ what is known of it

    def specialize(self, *args: Any) -> Dispatcher:
        """Read and judge the kernel for such arguments now."""
        self.program(self.forms(args))
        return self

    def compile(self, sig: Any) -> NumbaProgram:
        """Read the kernel for a signature now."""
        from oxide_codegen.numba.types import signatures

        found = signatures(sig)
        if not found:
            raise TypeError(f"{sig!r} is no signature")
        return self.program(dict(zip(self.names, found[0], strict=True)))

    def report(self, *args: Any) -> KernelReport:
        """What is proved about launches with such arguments, whatever their grid and block."""
        return self.program(self.forms(args)).proved_for_all().judged

    @property
    def overloads(self) -> Mapping[object, NumbaProgram]:
        """What it has been read for."""
        return dict(self._programs)

    def inspect_asm(self, signature: Any = None) -> Any:
        """The PTX for an sm_90 of what it has been read for, or of a signature."""
        return self._inspected(signature, "text")

    def inspect_llvm(self, signature: Any = None) -> Any:
        """The same as LLVM."""
        return self._inspected(signature, "llvm")

    def _inspected(self, signature: Any, what: str) -> Any:
        from oxide_codegen import compiled

        programs = self._programs
        if signature is not None:
            programs = {None: self.compile(signature)}
        found: dict[object, str] = {}
        for key, program in programs.items():
            made = compiled.ptx(program.proved_for_all().made.checked, "sm_90")
            found[key] = "" if made is None else str(getattr(made, what))
        return found if signature is None else found[None]

    def __repr__(self) -> str:
        what = "device function" if self.is_device else "kernel"
        return f"<oxide.numba {what} {self.__qualname__}>"

    # ------------------------------------------------------------ for launches

    def bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments in the order of the parameters, defaults filled in."""
        try:
            found = self._python.bind(*args, **kwargs)
        except TypeError as error:
            raise LaunchTypeError(
                self.__name__,
                f"{error}; it takes ({', '.join(self.names)})",
                expected=len(self.names),
                actual=len(args) + len(kwargs),
            ) from None
        found.apply_defaults()
        return tuple(found.arguments.values())

    def forms(self, args: Sequence[Any]) -> dict[str, Form]:
        """What the arguments of a launch are, or what the signature that fits them says."""
        given = {
            name: form_of(self.__name__, name, value)
            for name, value in zip(self.names, args, strict=True)
        }
        if not self.signatures:
            return given
        fitting = [
            signature
            for signature in self.signatures
            if len(signature) == len(given) and all(map(_fits, given.values(), signature))
        ]
        if fitting:
            # As Numba does: the fewest conversions that may lose something, then of any kind.
            best = min(fitting, key=lambda one: conversions(tuple(given.values()), one))
            return dict(zip(self.names, best, strict=True))
        raise LaunchTypeError(
            self.__name__,
            f"no signature of it takes ({', '.join(map(_spelled, given.values()))}); it has "
            + " and ".join(f"({', '.join(map(_spelled, one))})" for one in self.signatures),
            expected=self.signatures,
            actual=tuple(given.values()),
        )

    def program(self, forms: Mapping[str, Form]) -> NumbaProgram:
        """The kernel for arguments of these forms, read at the first time."""
        key = tuple(forms.values())
        with self._lock:
            known = self._programs.get(key)
            if known is None:
                known = self._programs[key] = NumbaProgram(self.py_func, forms, self.options)
            return known

    def say(self, report: KernelReport, program: NumbaProgram, broken: str | None) -> None:
        """Tell, once, what is not proved of a launch that is about to run; or refuse it."""
        chosen = policy(self._unproved)
        # Reports live as long as their programs do.
        key = id(report), broken
        if chosen is Unproved.WARN and key in self._told:
            return
        self._told.add(key)
        tell(report, program.sources, chosen, broken)


class Configured:
    """A kernel with its grid and block: call it with the kernel's arguments."""

    __slots__ = (
        "_count",
        "_known",
        "block",
        "dispatcher",
        "grid",
        "repeated",
        "shared",
        "stream",
    )

    def __init__(
        self, dispatcher: Dispatcher, grid: Extent, block: Extent, stream: Queue, shared: int
    ) -> None:
        self.dispatcher = dispatcher
        self.grid = grid
        self.block = block
        self.stream = stream
        self.shared = shared
        self._count = len(dispatcher.names)
        self._known: dict[object, _Prepared] = {}
        # Launches like the last one, as straight code; false for any other.
        self.repeated: Callable[[tuple[Any, ...]], bool] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Launch; on a GPU with device arrays this returns when the launch is enqueued."""
        repeated = self.repeated
        if repeated is not None and not kwargs and repeated(args):
            return
        try:
            if kwargs or len(args) != self._count:
                args = self.dispatcher.bound(args, kwargs)
            key: list[object] = []
            addresses: list[int] = []
            for value in args:
                if value.__class__ is DeviceNDArray and value.kind is not None:
                    key.append(value.kind)
                    addresses.append(value.buffer.extent[0])
                else:
                    key.append(key_of(value))
                    if isinstance(value, np.ndarray):
                        addresses.append(value.__array_interface__["data"][0])
            once = len(set(addresses)) == len(addresses)
            prepared = self._known.get(tuple(key)) if once else None
            if prepared is None:
                prepared = self._prepare(args, tuple(key), once=once)
            prepared.launch(args)
        except OxideError as error:
            raise plain(error) from None

    def _prepare(self, args: tuple[Any, ...], key: tuple[object, ...], *, once: bool) -> _Prepared:
        dispatcher = self.dispatcher
        forms = dispatcher.forms(args)
        if not once:
            forms, same = with_repeated(dispatcher.names, args, forms)
            known = self._known.get((key, same))
            key = (key, same)
            if known is not None:
                return known
        made = _Prepared(self, dispatcher.program(forms), tuple(forms.items()))
        if len(self._known) >= _MOST_CONFIGURED:
            self._known.clear()
        self._known[key] = made
        return made

    def __repr__(self) -> str:
        return f"<{self.dispatcher!r} with grid {self.grid}, block {self.block}>"


class _Prepared:
    """A configured kernel for arguments of certain forms."""

    __slots__ = (
        "_direct",
        "_doubt",
        "_first",
        "_forms",
        "_launches",
        "_lock",
        "_of",
        "_overlapping",
        "_program",
        "_rest",
    )

    def __init__(
        self, of: Configured, program: NumbaProgram, forms: tuple[tuple[str, Form], ...]
    ) -> None:
        self._of = of
        self._program = program
        self._forms = forms
        self._launches: list[tuple[Variant, Launch[...]]] = []
        self._lock = threading.Lock()
        self._rest: Iterator[Variant] = program.variants(of.grid, of.block)
        self._overlapping: Launch[...] | None = None
        # What all launches run but the odd ones, once it is known.
        self._first: Launch[...] | None = None
        # What is said of it, where it is not proved.
        self._doubt: KernelReport | None = None
        self._direct = _direct([form for _, form in forms])

    def launch(self, args: tuple[Any, ...]) -> None:
        """Pass the arguments and run, by the short way where all of them are on the device."""
        if self._first is not None and self._direct is not None:
            values = self._direct(args)
            if values is not None:
                self._run(values)
                return
        passed = Passed()
        is_mixed = any(not isinstance(a, np.ndarray) and _is_array(a) for a in args)
        name = self._of.dispatcher.__name__
        for (parameter, form), value in zip(self._forms, args, strict=True):
            passed.add(name, parameter, form, value, is_mixed=is_mixed)
        self._run(tuple(passed.values))
        stream = self._of.stream.owner
        if passed.back and isinstance(stream, Stream):
            stream.sync()
        for copy in passed.back:
            copy()

    def _run(self, values: tuple[Any, ...]) -> None:
        first = self._first
        if first is not None:
            if self._doubt is not None:
                self._of.dispatcher.say(self._doubt, self._program, None)
            try:
                first(*values)
            except LaunchValueError as error:
                if error.rule not in ("OX401", "OX108"):
                    raise
            else:
                if self._of.repeated is None and self._doubt is None and first.repeats:
                    self._of.repeated = _straight([form for _, form in self._forms], first)
                return
        self._choose(values)

    def _choose(self, values: tuple[Any, ...]) -> None:
        """Run the first variant that the launch fits."""
        broken: str | None = None
        worst: KernelReport | None = None
        for variant, launch in self._variants():
            try:
                run, _ = launch.ready(values, {}, repeats=False)
            except LaunchValueError as error:
                if error.rule == "OX108":
                    self._overlap(values, error)
                    return
                if error.rule != "OX401":
                    raise
                broken = broken or _reason(error)
                worst = worst if variant.is_proved else variant.judged
                continue
            if not variant.is_proved:
                self._of.dispatcher.say(worst or variant.judged, self._program, broken)
            if variant is self._launches[0][0]:
                self._first = launch
                self._doubt = None if variant.is_proved else variant.judged
            run()
            return

    def _overlap(self, values: tuple[Any, ...], error: LaunchValueError) -> None:
        """Arrays share memory: code that holds nothing apart."""
        report = self._launches[0][0].judged
        if self._overlapping is None:
            self._overlapping = self._launch(self._program.overlapping(report))
        self._of.dispatcher.say(report, self._program, _reason(error))
        self._overlapping(*values)

    def _variants(self) -> Iterator[tuple[Variant, Launch[...]]]:
        """The known ones, then new ones; threads that launch at once share them."""
        for place in count():
            with self._lock:
                if place == len(self._launches):
                    variant = next(self._rest, None)
                    if variant is None:
                        return
                    self._launches.append((variant, self._launch(variant)))
                found = self._launches[place]
            yield found

    def _launch(self, variant: Variant) -> Launch[...]:
        of = self._of
        return Launch(variant, of.grid, of.block, of.stream, of.shared)


class ForAll:
    """A launch with a thread for each task."""

    def __init__(
        self, dispatcher: Dispatcher, tasks: int, threads: int, stream: Any, shared: int
    ) -> None:
        self._dispatcher = dispatcher
        self._tasks = tasks
        self._threads = threads or min(_THREADS, dispatcher.options.max_threads or _THREADS)
        self._stream = stream
        self._shared = shared

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Launch with as many blocks as that takes."""
        if not self._tasks:
            return
        blocks = -(-self._tasks // self._threads)
        self._dispatcher[blocks, self._threads, self._stream, self._shared](*args, **kwargs)


def _is_plain(config: Any) -> bool:
    """Whether a configuration says all there is by its value: 1.0 and True equal 1 as keys."""
    return (
        isinstance(config, tuple)
        and len(config) == 2
        and all(
            type(extent) is int
            or (type(extent) is tuple and all(type(part) is int for part in extent))
            for extent in config
        )
    )


def _is_array(value: Any) -> bool:
    return not isinstance(value, int | float | tuple | np.generic)


def _direct(forms: list[Form]) -> Callable[[tuple[Any, ...]], tuple[Any, ...] | None] | None:
    """What passes arguments that are device arrays and Python numbers as they are; None where a
    form needs more."""
    if any(
        isinstance(form, TupleForm) or (isinstance(form, ArrayForm) and form.same) for form in forms
    ):
        return None
    kinds = [_PLAIN.get(form.type.name) if isinstance(form, ScalarForm) else None for form in forms]

    def direct(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        values: list[Any] = []
        for value, kind in zip(args, kinds, strict=True):
            if value.__class__ is DeviceNDArray and kind is None:
                if value.buffer is None:
                    return None
                values.append(value.buffer)
            elif value.__class__ is kind:
                values.append(value)
            else:
                return None
        return tuple(values)

    return direct


def _straight(forms: list[Form], launch: Launch[...]) -> Callable[[tuple[Any, ...]], bool] | None:
    """What launches with device arrays and Python numbers by the launch's own straight code.

    That looks at kinds, sizes and places of all arguments, and refuses what it was not made for.
    """
    if any(
        isinstance(form, TupleForm) or (isinstance(form, ArrayForm) and form.same) for form in forms
    ):
        return None
    names = [f"v{k}" for k in range(len(forms))]
    arrays = [v for v, form in zip(names, forms, strict=True) if isinstance(form, ArrayForm)]
    given = (f"{v}.buffer" if v in arrays else v for v in names)
    lines = [
        "def repeated(a):",
        f"    if len(a) != {len(names)}: return False",
        f"    {', '.join(names)}, = a" if names else "    pass",
        *(f"    if {v}.__class__ is not Array: return False" for v in arrays),
        f"    return launch.again(({', '.join(given)}{',' if names else ''}))",
    ]
    found: dict[str, Any] = {"Array": DeviceNDArray, "launch": launch}
    # The text is made of numbers and names of our own making.
    exec(compile("\n".join(lines), "<launch>", "exec"), found)
    return found["repeated"]


_PLAIN: Mapping[str, type] = {"i64": int, "f64": float, "bool": bool}


def _fits(given: Form, declared: Form) -> bool:
    """Whether an argument may be passed for what a signature says; numbers are converted."""
    match given, declared:
        case ScalarForm(), ScalarForm():
            return True
        case ArrayForm(), ArrayForm():
            return (given.element, given.rank, given.alone) == (
                declared.element,
                declared.rank,
                declared.alone,
            )
        case TupleForm(), TupleForm():
            return len(given.items) == len(declared.items) and all(
                map(_fits, given.items, declared.items)
            )
        case _:
            return False


def _spelled(form: Form) -> str:
    match form:
        case ScalarForm(type=type):
            return str(type)
        case ArrayForm(element=element, rank=rank):
            return f"{element}[{', '.join(':' * rank)}]"
        case TupleForm(items=items):
            return f"({', '.join(map(_spelled, items))})"


def _reason(error: LaunchValueError) -> str:
    """The message of a refused launch, without its kernel and rule."""
    text = str(error).partition(": ")[2]
    return text.rpartition(" [")[0] or text
