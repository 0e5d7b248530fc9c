"""`@kernel`, `load`, and the object that stands for a kernel in Python.

The decorator does next to nothing: it takes the source text and keeps the keywords. Reading,
checking and compiling wait for the first `load`, `prepare` or launch, so a module full of kernels
imports as fast as one without, and on machines where none of them will ever run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from copy import copy
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeAlias, TypeVar, overload

from oxide_codegen import devices
from oxide_codegen.contract import declared_block, demand_geometry, requested_shared
from oxide_codegen.errors import LaunchTypeError, OxideError, SourceError, plain
from oxide_codegen.geometry import block_extent, grid_extent, shared_bytes
from oxide_codegen.launch import Launch
from oxide_codegen.program import Options, Program
from oxide_codegen.streams import queue
from oxide_codegen.vouching import demand_vouched

if TYPE_CHECKING:
    from os import PathLike

    from oxide_analyzer.ir.kernel import Kernel as IR
    from oxide_analyzer.report import KernelReport
    from oxide_codegen.launchable import Launches
    from oxide_codegen.module import Module
    from oxide_codegen.operations.operation import DeviceOperation

P = ParamSpec("P")
F = TypeVar("F")
M = TypeVar("M", bound=ModuleType)
Extent: TypeAlias = int | tuple[int] | tuple[int, int] | tuple[int, int, int]

# One alternative for each number of parameters: then those of a lambda are Any, not unknown.
A: TypeAlias = Any
Requirement: TypeAlias = (
    Callable[[], bool]
    | Callable[[A], bool]
    | Callable[[A, A], bool]
    | Callable[[A, A, A], bool]
    | Callable[[A, A, A, A], bool]
    | Callable[[A, A, A, A, A], bool]
    | Callable[[A, A, A, A, A, A], bool]
    | Callable[[A, A, A, A, A, A, A], bool]
    | Callable[[A, A, A, A, A, A, A, A], bool]
)


_MOST_LAUNCHES = 64


class Kernel(Generic[P]):
    """A kernel: launch it as `k[grid, block](...)`, or `k.prepare(grid=..., block=...)(...)`."""

    def __init__(self, function: Callable[P, None], options: Options) -> None:
        self._stand_for(Program(function, options), function)

    def _stand_for(self, program: Launches, function: Any) -> None:
        self._program = program
        self._launches: dict[Any, Launch[...]] = {}
        # What `functools.wraps` does, but for anything that `@kernel` may stand on.
        self.__wrapped__ = function
        self.__name__ = self._program.name
        self.__qualname__ = str(getattr(function, "__qualname__", self.__name__))
        self.__module__ = str(getattr(function, "__module__", ""))
        self.__doc__ = getattr(function, "__doc__", None)

    @classmethod
    def standing_for(cls, program: Launches) -> Kernel[P]:
        """A kernel that is none of this program's functions."""
        made = cls.__new__(cls)
        made._stand_for(program, program.function)
        return made

    def __getitem__(
        self,
        config: tuple[Extent, Extent]
        | tuple[Extent, Extent, object]
        | tuple[Extent, Extent, object, int],
        /,
    ) -> Launch[...]:
        """`k[grid, block]`, `k[grid, block, stream]` or `k[grid, block, stream, shared]`.

        The result is called with the arguments; `shared` is the bytes of dynamic shared memory.
        """
        name = self.__name__
        given: Any = config
        plain_numbers = _is_plain(given)
        if plain_numbers and given in self._launches:
            return self._launches[given]
        try:
            if not isinstance(given, tuple) or not 2 <= len(parts := list[Any](given)) <= 4:
                raise LaunchTypeError(
                    name,
                    "a launch is written k[grid, block](...), k[grid, block, stream](...) or "
                    "k[grid, block, stream, shared](...)",
                    parameter="grid",
                    expected="grid, block and perhaps a stream",
                    actual=given,
                )
            stream = parts[2] if len(parts) > 2 else None
            launch: Launch[...] = Launch(
                self._program,
                grid_extent(name, parts[0]),
                block_extent(name, parts[1]),
                queue(name, stream),
                shared_bytes(name, parts[3]) if len(parts) == 4 else None,
            )
        except OxideError as error:
            raise plain(error) from None
        if plain_numbers:
            # A loop repeats its launches; one that never does must not fill memory.
            if len(self._launches) >= _MOST_LAUNCHES:
                self._launches.clear()
            self._launches[given] = launch
        return launch

    def prepare(
        self,
        *,
        grid: Extent,
        block: Extent | None = None,
        stream: object = None,
        shared: int | None = None,
    ) -> Launch[P]:
        """The launch with this grid and block, by default that of `@kernel(block=...)`.

        `shared` is the bytes of dynamic shared memory, by default those of `@kernel(shared=...)`.

        Checks the kernel now: `CheckError` if it is not proved.
        """
        return self._prepared(grid, block, stream, shared, is_checked=True)

    def op(self, prepared: Launch[P], *args: Any, **kwargs: Any) -> DeviceOperation[Any]:
        """A launch that was prepared as an operation: what `prepared.op` gives.

        `LaunchTypeError` where it was prepared of another kernel.
        """
        if not prepared.is_of(self._program):
            raise LaunchTypeError(
                self.__name__,
                f"`op` wants what {self.__name__}.prepare gives, got a launch of "
                f"{prepared.kernel_name}",
                parameter="prepared",
                expected=f"a launch of {self.__name__}",
                actual=f"a launch of {prepared.kernel_name}",
            )
        return prepared.op(*args, **kwargs)

    def launch_unchecked(
        self,
        *,
        grid: Extent,
        block: Extent | None = None,
        stream: object = None,
        shared: int | None = None,
    ) -> Launch[P]:
        """Like `prepare`, but the launch does not ask whether the facts of the contract hold.

        Its author says why they do: it runs only inside `with oxide.unsafe(reason):`. Types and
        places of arguments, limits of the device and the shape of the block are checked as ever.
        """
        return self._prepared(grid, block, stream, shared, is_checked=False)

    def _prepared(
        self,
        grid: Extent,
        block: Extent | None,
        stream: object,
        shared: int | None,
        *,
        is_checked: bool,
    ) -> Launch[P]:
        name = self.__name__
        try:
            if not is_checked:
                demand_vouched(name)
            kernel = self._stated()
            if block is None:
                extent = declared_block(kernel)
                if extent is None:
                    raise LaunchTypeError(
                        name,
                        "`block` is missing: the kernel does not declare one",
                        parameter="block",
                        expected="an int or a tuple of ints",
                        actual=None,
                    )
            else:
                extent = block_extent(name, block)
            blocks = grid_extent(name, grid)
            demand_geometry(kernel, blocks, extent)
            size = None if shared is None else shared_bytes(name, shared)
            requested_shared(kernel, size)
            return Launch(
                self._program, blocks, extent, queue(name, stream), size, is_checked=is_checked
            )
        except OxideError as error:
            raise plain(error) from None

    def _stated(self) -> IR:
        """The kernel as its source says it; proved, unless launches need no proof."""
        if devices.way() is not None and not self._program.is_open:
            return self._program.unproved((), {})[0]
        return self._program.stated()

    @property
    def report(self) -> KernelReport:
        """What is proved about this kernel, and under which facts; `CheckError` if it is not."""
        try:
            return self._program.report()
        except OxideError as error:
            raise plain(error) from None

    def compile(self, device: str | None = None) -> None:
        """Check this kernel and compile it for `device`, or for the current one."""
        where = devices.current() if device is None else devices.parse(device)
        if self._program.is_open:
            # What there is to compile, only a launch knows.
            self._program.demand_proof()
            return
        specialisation = self._program.specialisation()
        if where.kind == "cpu":
            specialisation.native()
        else:
            # The one that launches will need, as likely as not.
            specialisation.cuda(where.index).suited((1, 1, 1), ordinary=True)

    def from_artifact(self, path: str | PathLike[str], device: str | None = None) -> Kernel[P]:
        """This kernel with proof and code from a file; see `load`."""
        from oxide_codegen.artifact import read
        from oxide_codegen.shipped import ShippedProgram

        program = self._program
        live = program.live if isinstance(program, ShippedProgram) else program
        if not isinstance(live, Program):
            raise SourceError(self.__name__, "it is of an artifact itself, and has no source here")
        made = copy(self)
        made._program = ShippedProgram(live, read(path))
        made._launches = {}
        made.compile(device)
        return made

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        """Refused: a kernel wants a grid and a block."""
        raise LaunchTypeError(
            self.__name__,
            f"a kernel is launched with a grid and a block: {self.__name__}[grid, block](...)",
            parameter="grid",
            expected="grid and block",
            actual="a plain call",
        )

    def __copy__(self) -> Kernel[P]:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        # As functions are pickled: by where they are found.
        return _found, (self.__module__, self.__qualname__)

    def __repr__(self) -> str:
        return f"<oxide.Kernel {self.__qualname__}>"


def _found(module: str, name: str) -> object:
    """The kernel of that name in a module, which is imported for it."""
    return attrgetter(name)(importlib.import_module(module))


@overload
def kernel(function: Callable[P, None], /) -> Kernel[P]: ...


@overload
def kernel(
    *,
    block: Extent | None = None,
    domain: int | None = None,
    requires: Requirement | None = None,
    shared: int | None = None,
    max_threads: int | None = None,
    min_blocks: int | None = None,
    cooperative: bool = False,
    cluster: Extent | None = None,
    fast_math: bool = False,
) -> Callable[[Callable[P, None]], Kernel[P]]: ...


def kernel(
    function: Any = None,
    /,
    *,
    block: Extent | None = None,
    domain: int | None = None,
    requires: Requirement | None = None,
    shared: int | None = None,
    max_threads: int | None = None,
    min_blocks: int | None = None,
    cooperative: bool = False,
    cluster: Extent | None = None,
    fast_math: bool = False,
) -> Any:
    """Make a kernel of a function. Nothing is checked until its first use.

    `block` fixes the threads of a block, `domain` the number of axes in use, and `requires` is a
    lambda over any of the kernel's parameters that says what every launch fulfils. `shared` is
    the bytes of dynamic shared memory, `max_threads` bounds the threads of a block, `min_blocks`
    wants so many blocks on one multiprocessor, and a `cooperative` kernel may call `grid_sync`.
    The blocks of a `cluster` run at once and near each other (sm_90 and newer). `fast_math` trades
    digits for speed: approximations on a GPU, sums in another order.
    """
    options = Options(
        block, domain, requires, shared, max_threads, min_blocks, cooperative, cluster, fast_math
    )
    if function is not None:
        return Kernel(function, options)

    def decorate(decorated: Callable[..., None]) -> Kernel[...]:
        return Kernel(decorated, options)

    return decorate


@overload
def load(kernel: Kernel[P], /, device: str | None = None) -> Kernel[P]: ...


@overload
def load(
    artifact: str | PathLike[str], kernel: Kernel[P], /, device: str | None = None
) -> Kernel[P]: ...


@overload
def load(module: M, /, device: str | None = None) -> M: ...


@overload
def load(artifact: str | PathLike[str], /, *, device: str | None = None) -> Module: ...


def load(first: Any, /, *rest: Any, **device: Any) -> Any:
    """`load(k)` checks `k` and compiles it now, for `device` or for the current one.

    `load(module)` does so for all kernels that a Python module defines.

    `load(artifact)` gives all kernels of a file that `oxide build` wrote, without their source.

    `load(artifact, k)` takes both from a file that `oxide build` wrote, and gives a kernel with
    the types of `k` that runs what was built: no analyzer and no compiler is needed. It raises an
    `ArtifactError` if the file is damaged, was built by another Oxide, from another source or
    contract, or for other devices. Whoever built the file is trusted with its proof and its code.
    """
    try:
        if isinstance(first, Kernel):
            first.compile(*rest, **device)
            return first
        from oxide_codegen import module

        if isinstance(first, ModuleType):
            module.compile_all(first, *rest, **device)
            return first
        if not rest:
            return module.from_artifact(first, **device)
        kernel, *rest_of = rest
        return kernel.from_artifact(first, *rest_of, **device)
    except OxideError as error:
        raise plain(error) from None


def _is_plain(config: Any) -> bool:
    """Whether a configuration is a grid and a block of ints: 1.0 and True equal 1 as keys."""
    if type(config) is not tuple or len(config) != 2:
        return False
    grid, block = config
    if type(grid) is int and type(block) is int:
        return True
    return all(
        type(extent) is int or (type(extent) is tuple and all(type(part) is int for part in extent))
        for extent in config
    )
