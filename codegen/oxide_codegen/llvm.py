"""LLVM behind the text: parse, optimise, emit.

An error that LLVM finds in the text or by its verifier is an ordinary exception. One that it
finds while it selects instructions ends the process: `target` refuses what leads there, and who
must not die compiles in a worker process.
"""

from __future__ import annotations

import ctypes
import re
import sys
import threading
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import llvmlite.binding as llvm

from oxide_codegen import libdevice
from oxide_codegen.errors import OxideError
from oxide_codegen.single import single

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

NVPTX = "nvptx64-nvidia-cuda"
_ANY_SM = "sm_75"
_LIBRARY = re.compile(rf"declare \w+ @({libdevice.PREFIX}\w+)\(")
# LLVM's vectorizer of straight code keeps addresses by their distance from each other, and ends the
# process where a distance is one of the ends of i64, which takes one of these to come about.
_ENDS_OF_DISTANCES = re.compile(r"\b922337203685477580[78]\b")
# What LLVM calls to convert a half where a processor cannot, or where it overlooks that it can.
_HALVES = re.compile(rb"__(?:(?:trunc|extend)[a-z]*hf[a-z]*2?|gnu_[a-z0-9]*_ieee)")

# Settings of LLVM that hold for a whole process, so they are changed for one call and set back:
# the setting, what a GPU's code is compiled with, and what LLVM has.
#
# How many stores above a store are asked whether it overwrites them. A kernel that ends with 128
# stores spends half of its compile time on these questions, and the stores stay.
_LOOK_FOR_DEAD_STORES = ("-dse-memoryssa-walklimit", "10", "90")
# Strength reduction of addresses in loops. Where a loop has been unrolled they differ by constants,
# which loads and stores of PTX add for nothing; LLVM looks through all other ways, half of the time
# that emission takes, and what it finds has more instructions.
_KEEP_ADDRESSES = ("-disable-lsr", "true", "false")


@cache
def nvptx_machine(sm: str) -> llvm.TargetMachine:
    """The target machine of an SM, with the lowest PTX version that knows it.

    At level 3 values are numbered once more behind the optimiser, which takes a tenth of the time
    and leaves no fewer instructions.
    """
    _initialise()
    target = llvm.Target.from_triple(NVPTX)
    return target.create_target_machine(cpu=sm, features="", opt=2, codemodel="default")


@single
def host_machine() -> llvm.TargetMachine:
    """The target machine of this processor, with all it can do."""
    _initialise()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
    )


def optimised(
    text: str, machine: llvm.TargetMachine, *, vectorises: bool = False
) -> llvm.ModuleRef:
    """The module of `text` after LLVM's O3 pipeline for `machine`."""
    head = f'target triple = "{machine.triple}"\ntarget datalayout = "{machine.target_data}"\n'
    context = llvm.create_context()
    module = llvm.parse_assembly(head + text, context)
    if f"@{libdevice.PREFIX}" in text:
        _link_library(module, context, text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(3)
    options.loop_vectorization = vectorises
    options.slp_vectorization = _ENDS_OF_DISTANCES.search(text) is None
    options.loop_unrolling = True
    passes = llvm.create_pass_builder(machine, options)
    with _set(_LOOK_FOR_DEAD_STORES if machine.triple == NVPTX else None):
        passes.getModulePassManager().run(module, passes)
    return module


@contextmanager
def _set(setting: tuple[str, str, str] | None) -> Generator[None]:
    """One of LLVM's settings, or none, while something is done that others do not change it for."""
    with _SETTINGS:
        if setting is None:
            yield
            return
        name, ours, usual = setting
        llvm.set_option("", f"{name}={ours}")
        try:
            yield
        finally:
            llvm.set_option("", f"{name}={usual}")


def _link_library(module: llvm.ModuleRef, context: llvm.ContextRef, text: str) -> None:
    """Link what a module calls of libdevice."""
    library = libdevice.chosen()
    assert library is not None
    for name in sorted(set(_LIBRARY.findall(text))):
        bitcode = library.slice(name, lambda name=name: _slice(library, name))
        part = llvm.parse_bitcode(bitcode, context)
        part.triple, part.data_layout = module.triple, module.data_layout
        module.link_in(part)
        module.get_function(name).linkage = "internal"


def _slice(library: libdevice.Library, name: str) -> bytes:
    """One function of libdevice and what it calls; all of it takes long to read."""
    module = llvm.parse_bitcode(library.path.read_bytes(), llvm.create_context())
    for part in (*module.functions, *module.global_variables):
        if not part.is_declaration and part.name != name:
            part.linkage = "internal"
    machine = nvptx_machine(_ANY_SM)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(0)))
    return module.as_bitcode()


def assembly(text: str, machine: llvm.TargetMachine, *, keeps_addresses: bool = False) -> str:
    """Assembly text for a module; LLVM finds other ways to addresses in loops, or keeps them."""
    module = optimised(text, machine)
    with _set(_KEEP_ADDRESSES if keeps_addresses else None):
        return machine.emit_assembly(module)


def object_code(text: str, *, vectorises: bool) -> bytes:
    """Machine code for a module, as an object file for `host_target()`."""
    machine = host_machine()
    module = optimised(text, machine, vectorises=vectorises)
    with _set(None):
        return machine.emit_object(module)


def host_target() -> str:
    """What object code for this processor depends on: the platform, and all it can do."""
    _initialise()
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.get_default_triple()} {llvm.get_host_cpu_name()} {features}"


def converts_halves() -> bool:
    """Whether this processor converts between f16 and f32 by an instruction."""
    architecture = llvm.get_default_triple().partition("-")[0]
    if architecture in ("x86_64", "amd64"):
        features = llvm.get_host_cpu_features()
        return bool(features.get("f16c") or features.get("avx512fp16"))
    return architecture in ("aarch64", "arm64")


def linked(image: bytes, symbols: Sequence[str]) -> tuple[object, dict[str, int]]:
    """Object code in memory: its owner, and the addresses of symbols.

    Raises `OxideError` for code that calls what this process does not have.
    """
    if missing := _missing(image):
        # The linker would not say so.
        names = ", ".join(missing)
        raise OxideError(f"this processor has no {names}, which the kernel's halves need")
    library = llvm.JITLibraryBuilder()
    library.add_object_img(image)
    # memset and its like.
    library.add_current_process()
    for symbol in symbols:
        library.export_symbol(symbol)
    with _LINKING:
        owner = library.link(_jit(), f"kernel.{next(_NUMBERS)}")
    return owner, {symbol: owner[symbol] for symbol in symbols}


def _missing(image: bytes) -> list[str]:
    """The conversions of halves that an object calls and that nobody in this process defines."""
    called = {name.decode() for name in _HALVES.findall(image)}
    if not called:
        return []
    process = ctypes.CDLL(None)
    return sorted(name for name in called if not hasattr(process, name))


@single
def _jit() -> llvm.LLJIT:
    # LLVM's older linker maps each section by itself, and ends the process where two of them lie
    # more than 2 GiB apart, as they may in a large address space. The newer one knows less of COFF.
    return llvm.create_lljit_compiler(host_machine(), use_jit_link=sys.platform != "win32")


_NUMBERS = count()
_LINKING = threading.Lock()
_SETTINGS = threading.Lock()


@single
def _initialise() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    # Square roots within libdevice are rounded, as NVIDIA's own compiler has them. LLVM would take
    # the approximation.
    llvm.set_option("", "-nvvm-reflect-add=__CUDA_PREC_SQRT=1")


def lines(text: str) -> Iterator[str]:
    """The instructions of a listing: no comments, no blank lines."""
    for line in text.splitlines():
        code = line.partition("//")[0].strip()
        if code:
            yield code
