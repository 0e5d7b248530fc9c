"""A proved kernel to code, by the cache where it is known.

The code of a kernel is a function of what was proved (`CheckedKernel`: the IR with its constants,
the facts, and which checks the proof makes needless), of the target, and of the compiler. The key
is a digest of all three, so nothing is ever found that this proof would not have compiled to:

    kernel proved again after `N = 4` became `N = 8`      another IR, another key
    the same text, a bound that is not proved any more    another `proved_bounds`, another key
    another processor, LLVM or version of Oxide           another key

Between processes neither the proof nor the launch checks are kept: they are made anew.
"""

from __future__ import annotations

import os
import sys
import zlib
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

from oxide_codegen import abi, libdevice
from oxide_codegen.cache import code_cache
from oxide_codegen.errors import MissingExtraError
from oxide_codegen.forms import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.checked import CheckedKernel
    from oxide_codegen.forms import Form
    from oxide_codegen.lowering.optimisations import Optimisation
    from oxide_codegen.native import Native, NativeCode
    from oxide_codegen.ptx import Ptx

# Text and object code shrink to a fifth, and more effort buys little.
_EFFORT = 1
_LENGTH = 4
_SIZES = Struct("<3q")


def native(checked: CheckedKernel) -> Native:
    """The kernel's machine code for this processor, in memory."""
    demand_llvm()
    from oxide_codegen.native import emit_native

    return _native("native", checked, emit_native)


def watched(checked: CheckedKernel) -> Native:
    """The same of a kernel that watches what its threads do: see `sanitised`."""
    demand_llvm()
    from oxide_codegen.native import emit_watched

    return _native("watched", checked, emit_watched)


def _native(
    kind: str, checked: CheckedKernel, emit: Callable[[CheckedKernel], NativeCode]
) -> Native:
    from oxide_codegen import llvm
    from oxide_codegen.native import NativeCode, link_native

    found = code_cache()
    key = found and _key(kind, checked, llvm.host_target())
    if found is None or key is None:
        return link_native(checked.kernel, emit(checked))
    parts = _unpacked(found.get(key), 2)
    if parts is not None:
        return link_native(checked.kernel, NativeCode(parts[0], parts[1].decode()))
    made = emit(checked)
    found.put(key, _packed(made.image, made.llvm.encode()))
    return link_native(checked.kernel, made)


def ptx(
    checked: CheckedKernel,
    sm: str,
    form: Form = EVERY,
    without: frozenset[Optimisation] = frozenset(),
) -> Ptx | None:
    """The kernel's PTX for one SM; None where it has no such form.

    Raises `target.Unsupported` where the SM lacks something.
    """
    from oxide_codegen.ptx import compile_ptx, has_form

    known, keep = _known_ptx(form, without, checked, sm)
    if known is None:
        demand_llvm()
        made = has_form(checked, form, without)
        # That there is none is kept as well: as a kernel without text.
        known = keep(
            compile_ptx(checked, sm, form, without=without) if made else _nothing(checked, sm)
        )
    return known if known.text else None


def _nothing(checked: CheckedKernel, sm: str) -> Ptx:
    from oxide_codegen.ptx import Ptx

    return Ptx("", "", sm, abi.layout(checked.kernel), {}, 0, 0, "")


def _known_ptx(
    form: Form, without: frozenset[Optimisation], checked: CheckedKernel, sm: str
) -> tuple[Ptx | None, Callable[[Ptx], Ptx]]:
    """What the cache has, and a function that keeps what it has not."""
    from oxide_codegen.ptx import Ptx, entry_name

    found, kernel = code_cache(), checked.kernel
    target = sm + libdevice.mark()
    key = found and _key(f"ptx {form} without {sorted(without)}", checked, target)

    def keep(made: Ptx) -> Ptx:
        if found is not None and key is not None:
            sizes = _SIZES.pack(made.shared, made.dynamic_shared, made.lanes)
            found.put(key, _packed(made.text.encode(), made.llvm.encode(), sizes))
        return made

    parts = None if found is None or key is None else _unpacked(found.get(key), 3)
    if parts is None:
        return None, keep
    text, llvm, sizes = parts
    shared, dynamic_shared, lanes = _SIZES.unpack(sizes)
    known = Ptx(
        text.decode(),
        entry_name(kernel, lanes),
        sm,
        abi.layout(kernel),
        abi.failure_sites(kernel),
        shared,
        dynamic_shared,
        llvm.decode(),
        lanes,
        form.ordinary,
    )
    return known, keep


def demand_llvm() -> None:
    """Raise `MissingExtraError` unless the compiler is installed."""
    if find_spec("llvmlite") is None:
        raise MissingExtraError("compiling kernels", "llvmlite", "cpu")


# ---------------------------------------------------------------- entries


def _packed(*parts: bytes) -> bytes:
    """Some byte strings as one, each behind its length."""
    text = b"".join(len(part).to_bytes(_LENGTH, "little") + part for part in parts)
    return zlib.compress(text, _EFFORT)


def _unpacked(entry: bytes | None, number: int) -> list[bytes] | None:
    """So many byte strings; None if that is not what the entry holds."""
    if entry is None:
        return None
    try:
        text = zlib.decompress(entry)
    except zlib.error:
        return None
    parts: list[bytes] = []
    while text:
        end = _LENGTH + int.from_bytes(text[:_LENGTH], "little")
        parts.append(text[_LENGTH:end])
        text = text[end:]
    return parts if len(parts) == number else None


# ---------------------------------------------------------------- keys


def _key(kind: str, checked: CheckedKernel, target: str) -> str | None:
    """What stands for the code of a kernel; None where nothing does."""
    from oxide_analyzer import encoding

    compiler = versions()
    if compiler is None:
        return None
    path = checked.kernel.path
    try:
        proved = encoding.canonical(checked, path)
    except (TypeError, RecursionError):
        return None
    # Lines of the source are part of the code, by the name of its file.
    parts = (kind, compiler, target, path, proved)
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def versions() -> str | None:
    """The compiler: Oxide's own modules, LLVM and Python; None where that cannot be told.

    Files are known by size and time, since a version number says nothing while they change.
    """
    import oxide_analyzer

    states = [f"python {sys.version_info[0]}.{sys.version_info[1]}"]
    for package in (Path(__file__).parent, Path(str(oxide_analyzer.__file__)).parent):
        found = sorted(_states(str(package), lambda name: name.endswith(".py")))
        if not found:
            return None
        states += found
    spec = find_spec("llvmlite")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        states += sorted(_states(place, lambda name: "llvmlite" in name))
    return sha256("\n".join(states).encode()).hexdigest()


def _states(below: str, is_meant: Callable[[str], bool], within: str = "") -> Iterator[str]:
    """The files of a folder and those in it, with their sizes and times."""
    try:
        found = os.scandir(below)
    except (FileNotFoundError, NotADirectoryError):
        # Inside of an archive, for example.
        return
    with found as entries:
        for entry in entries:
            name = f"{within}{entry.name}"
            if entry.name == "__pycache__":
                continue
            if entry.is_dir():
                yield from _states(entry.path, is_meant, f"{name}/")
            elif is_meant(entry.name):
                status = entry.stat()
                yield f"{name} {status.st_size} {status.st_mtime_ns}"
