"""Constant arrays: private constants of the module.

    WEIGHTS = (0.25, 0.5, 0.25)      @constant.WEIGHTS = internal unnamed_addr addrspace(4)
                                     constant [3 x float] [float 0x3FD…, …], align 16

On a device they lie in constant memory, as long as all of a kernel's fit into what there is of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Const, Space
from oxide_codegen.lowering.builder import constant, memory_type
from oxide_codegen.lowering.room import byte_size

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array
    from oxide_codegen.lowering.builder import Builder

# What a module has of constant memory.
_CONSTANT_MEMORY = 65_536
_ALIGNMENT = 16


def device_space(kernel: Kernel) -> str:
    """The address space of all tables of a kernel."""
    tables = (a for a in kernel.arrays.values() if a.space is Space.CONSTANT)
    size = sum(-(-byte_size(array) // _ALIGNMENT) * _ALIGNMENT for array in tables)
    return "addrspace(4)" if size <= _CONSTANT_MEMORY else "addrspace(1)"


def define(build: Builder, array: Array, space: str) -> str:
    """Put the table into the module; gives its name."""
    stem = "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}_" for c in array.name)
    name = f"@constant.{stem}"
    if name not in build.functions:
        type_ = memory_type(array.element)
        values = [constant(e.value, e.type).text for e in array.contents if isinstance(e, Const)]
        if len(values) < len(array.contents):
            raise ValueError(f"a constant of `{array.name}` has no value yet")
        listed = ", ".join(f"{type_} {value}" for value in values)
        build.functions[name] = (
            f"{name} = internal unnamed_addr {space}constant [{len(values)} x {type_}] "
            f"[{listed}], align {_ALIGNMENT}"
        )
    return name
