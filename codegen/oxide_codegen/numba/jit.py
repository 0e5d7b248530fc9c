"""`cuda.jit`: which of its forms means what, and which keywords are taken.

@cuda.jit                               @cuda.jit("void(float32[:])")
@cuda.jit(device=True, inline=True)     @cuda.jit([sig, other], fastmath=True)
fast = cuda.jit(device=True)(f)         cuda.jit(f, unproved="refuse")

Keywords that only tune Numba's compiler are taken and change nothing. What would change what a
kernel does, and Oxide cannot do, is refused.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, cast, overload

from oxide_codegen.numba.dispatch import Dispatcher
from oxide_codegen.numba.names import function_of
from oxide_codegen.numba.program import NumbaOptions
from oxide_codegen.numba.types import convention, signatures
from oxide_codegen.numba.verdicts import policy

if TYPE_CHECKING:
    from collections.abc import Callable

_TUNING = frozenset(
    {
        "abi",
        "abi_info",
        "boundscheck",
        "cache",
        "cc",
        "error_model",
        "forceinline",
        "inline",
        "lineinfo",
        "lto",
        "max_registers",
        "nopython",
        "opt",
        "parallel",
        "shared_memory_carveout",
        "target",
    }
)
_MEANT = _TUNING | {"debug", "fastmath", "launch_bounds"}
_REFUSED = {
    "link": "it would link foreign code, whose races nobody has looked for",
    "extensions": "its arguments would change on their way to the kernel",
    "bind": "kernels are always compiled when they are first launched",
}


@overload
def jit(func_or_sig: Callable[..., Any], /, **kws: Any) -> Dispatcher: ...


@overload
def jit(
    func_or_sig: object = None, /, device: bool = False, **kws: Any
) -> Callable[[Callable[..., Any]], Dispatcher]: ...


def jit(func_or_sig: Any = None, /, device: bool = False, **kws: Any) -> Any:
    """Make a kernel of a function, or, with `device=True`, a function that kernels call.

    `unproved` says what is done about launches of which something is not proved: "warn" (the
    default), "refuse" or "allow". Nothing is read before the first launch.
    """
    unproved = kws.pop("unproved", None)
    policy(unproved)
    for name in ("signature", "argtypes", "func_or_sig"):
        if name in kws:
            func_or_sig = kws.pop(name)
    options = _options(kws)
    function = function_of(func_or_sig) if callable(func_or_sig) else None
    declared = None if function is not None else signatures(_without_result(func_or_sig, device))
    if function is None and declared is None:
        raise TypeError(f"cuda.jit wants a function or a signature, got {func_or_sig!r}")

    said = None if function is not None else convention(func_or_sig)

    def decorate(decorated: Any) -> Dispatcher:
        if isinstance(decorated, Dispatcher):
            return decorated
        found = decorated if isinstance(decorated, FunctionType) else function_of(decorated)
        if found is None:
            raise TypeError(f"cuda.jit wants a function, got a {type(decorated).__name__}")
        made = Dispatcher(found, options, declared or (), unproved, is_device=device)
        made.convention = said
        return made

    return decorate(func_or_sig) if function is not None else decorate


def _without_result(given: Any, device: bool) -> Any:
    """The signature of a device function is one of numbers: see `convention`."""
    return None if device else given


def _options(kws: dict[str, Any]) -> NumbaOptions:
    for name, value in kws.items():
        if name in _REFUSED and value:
            raise NotImplementedError(f"cuda.jit({name}=...): {_REFUSED[name]}")
        if name not in _MEANT and name not in _REFUSED:
            raise TypeError(f"cuda.jit has no keyword {name!r}")
    bounds: Any = kws.get("launch_bounds")
    threads, blocks = None, None
    if bounds is not None:
        parts = cast("tuple[Any, ...]", bounds if isinstance(bounds, tuple) else (bounds,))
        threads = int(parts[0])
        blocks = int(parts[1]) if len(parts) > 1 else None
    fast, debug = (bool(kws.get(name, False)) for name in ("fastmath", "debug"))
    return NumbaOptions(fast, threads, blocks, debug)
