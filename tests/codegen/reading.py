"""Kernels from source text, for tests of the back end that the IR by hand would make long."""

from __future__ import annotations

from math import prod
from textwrap import dedent

from oxide_analyzer.checked import CheckedKernel
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.ir.walk import assigned
from oxide_analyzer.launch import Contents
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import abi


def kernel_of(text: str):
    """The one kernel of `text`."""
    source = "import math\nfrom oxide import *\n" + dedent(text)
    reading = read(SourceFile("kernel.py", source), NoModules())
    assert not reading.diagnostics, [f"{d.span}: {d.message}" for d in reading.diagnostics]
    (kernel,) = reading.kernels
    return specialise(kernel, source_values(kernel))


def unproved(text: str) -> CheckedKernel:
    """With every check in place, and every local and shared array zeroed."""
    none: frozenset = frozenset()
    return CheckedKernel(kernel_of(text), (), none, none, none, False)


def trusted(text: str, *, compact: bool = True) -> CheckedKernel:
    """Without any check."""
    kernel = kernel_of(text)
    sites = frozenset(abi.failure_sites(kernel))
    names = {local.name for local in assigned(kernel.body)} | set(kernel.arrays)
    return CheckedKernel(kernel, (), sites, sites, frozenset(names), compact)


def contents(value, *shape: int) -> Contents:
    """An array with one value everywhere, or with those of a list."""
    count = prod(shape)
    values = tuple(value) if isinstance(value, list | tuple | range) else (value,) * count
    return Contents(shape, values)
