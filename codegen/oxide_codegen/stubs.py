"""What type checkers read of an artifact: a module that loads it, and its stub.

    kernels.oxide        @kernel
    kernels_oxide.py     def saxpy(a: f32, x: Slice[f32], y: DisjointSlice[f32]) -> None: ...
    kernels_oxide.pyi    ↑ in the stub; the module beside it loads the artifact at first use

    from kernels_oxide import saxpy
    saxpy.prepare(grid=4, block=256)(2.0, x, y)      as exact as with the source

A struct in the signature is any object of a class with its name and fields: its class is not in
the artifact. Parameters have no defaults, because an artifact has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import Ownership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from oxide_analyzer.ir.kernel import Kernel

_SLICES = {
    Ownership.READ_ONLY: "Slice",
    Ownership.DISJOINT: "DisjointSlice",
    Ownership.ATOMIC: "AtomicSlice",
}
_LOADER = '''\
"""The kernels of `{artifact}`. Written by `oxide build --stubs`: do not edit."""

from pathlib import Path

import oxide

__all__ = {names!r}


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"`{artifact}` has no kernel `{{name}}`")
    module = oxide.load(Path(__file__).with_name({artifact!r}))
    globals().update({{one: module[one] for one in __all__}})
    return globals()[name]
'''


def write_stubs(artifact: Path, kernels: Sequence[Kernel]) -> Path:
    """Write the module and its stub beside an artifact; gives the path of the stub."""
    # What is nested in a class or function has no name that a module could export.
    exported = [kernel for kernel in kernels if kernel.qualname.isidentifier()]
    module = artifact.with_name(f"{artifact.stem}_oxide.py")
    names = [kernel.name for kernel in exported]
    text = _LOADER.format(artifact=artifact.name, names=names)
    module.write_text(text, encoding="utf-8")
    path = module.with_suffix(".pyi")
    path.write_text(stub(exported), encoding="utf-8")
    return path


def stub(kernels: Sequence[Kernel]) -> str:
    """The stub of a module that exports these kernels."""
    used: set[str] = {"kernel"}
    classes: dict[str, str] = {}
    functions: list[str] = []
    for kernel in kernels:
        classes |= _classes(kernel, used)
        types = _parameters(kernel, used)
        declared = ", ".join(f"{name}: {type}" for name, type in types.items())
        functions.append(f"@kernel\ndef {kernel.name}({declared}) -> None: ...\n")
    imports = [f"from oxide import {', '.join(sorted(used))}\n"]
    if classes:
        imports.insert(0, "from typing import Protocol\n\n")
    return "".join(imports) + "".join(f"\n{text}" for text in (*classes.values(), *functions))


def _parameters(kernel: Kernel, used: set[str]) -> dict[str, str]:
    """The parameters of the source with their types."""
    classes = {s.name: s.class_name for s in kernel.structs}
    found: dict[str, str] = {}
    for parameter in kernel.parameters:
        name = parameter.argument
        found[name] = classes.get(name) or _type(kernel, parameter.name, used)
    return found


def _classes(kernel: Kernel, used: set[str]) -> dict[str, str]:
    """A protocol for each class of a struct in the signature, those inside others first."""
    classes = {s.name: s.class_name for s in kernel.structs}
    found: dict[str, str] = {}
    for place, name in sorted(classes.items(), key=lambda item: -item[0].count(".")):
        fields: dict[str, str] = {}
        for parameter in kernel.parameters:
            if parameter.name.startswith(f"{place}."):
                field = parameter.name[len(place) + 1 :].partition(".")[0]
                inner = classes.get(f"{place}.{field}")
                fields[field] = inner or _type(kernel, parameter.name, used)
        lines = [
            f"    @property\n    def {field}(self) -> {type}: ...\n"
            for field, type in fields.items()
        ]
        found[name] = f"class {name}(Protocol):\n" + "".join(lines or ["    pass\n"])
    return found


def _type(kernel: Kernel, name: str, used: set[str]) -> str:
    parameter = next(p for p in kernel.parameters if p.name == name)
    if isinstance(parameter, ScalarParameter):
        scalar = parameter.type.name
        used |= {scalar} - {"bool"}
        return scalar
    array = kernel.arrays[name]
    slice_ = _SLICES[array.ownership] + ("" if array.rank == 1 else f"{array.rank}D")
    element = array.element.name
    used |= {slice_, element} - {"bool"}
    return f"{slice_}[{element}]"
