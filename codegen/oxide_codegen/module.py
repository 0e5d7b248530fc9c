"""Kernels that belong together: those of a Python module, or those of an artifact.

    kernels = oxide.load("kernels.oxide")        without their source
    kernels.saxpy.prepare(grid=4, block=256)(2.0, x, y)

An artifact knows the parameters of its kernels by name and type, not their defaults. Type
checkers learn them from what `oxide build --stubs` writes beside it (`stubs`).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from oxide_codegen.kernel import Kernel
from oxide_codegen.shipped import StandaloneProgram

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from types import ModuleType

    from oxide_analyzer.ir.kernel import Kernel as IR


class Module:
    """The kernels of an artifact, by name: `module.saxpy`, or `module["Physics.step"]`."""

    def __init__(self, path: str, kernels: dict[str, Kernel[...]]) -> None:
        self._path = path
        self._kernels = kernels

    def __getattr__(self, name: str) -> Kernel[...]:
        found = self.__dict__.get("_kernels", {}).get(name)
        if found is None:
            known = ", ".join(f"`{one}`" for one in self.__dict__.get("_kernels", {}))
            raise AttributeError(f"`{self._path}` has no kernel `{name}`; there are {known}")
        return found

    def __getitem__(self, qualname: str, /) -> Kernel[...]:
        """The kernel of a qualified name."""
        return self._kernels[qualname]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kernels)

    def __len__(self) -> int:
        return len(self._kernels)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self._kernels if name.isidentifier())]

    def __repr__(self) -> str:
        return f"<oxide.Module {self._path}: {', '.join(self._kernels)}>"


def from_artifact(path: str | PathLike[str], device: str | None = None) -> Module:
    """All kernels of an artifact, loaded for `device`, or for the current one."""
    from oxide_codegen.artifact import read

    artifact = read(path)
    kernels: dict[str, Kernel[...]] = {}
    for qualname, shipped in artifact.kernels.items():
        program = StandaloneProgram(artifact.path, shipped, prototype(shipped.kernel))
        kernels[qualname] = Kernel[...].standing_for(program)
        kernels[qualname].compile(device)
    return Module(artifact.path, kernels)


def compile_all(module: ModuleType, device: str | None = None) -> None:
    """Check the kernels that a Python module defines, and compile them."""
    for found in vars(module).values():
        if isinstance(found, Kernel) and found.__module__ == module.__name__:
            kernel: Kernel[...] = found
            kernel.compile(device)


def prototype(kernel: IR) -> Any:
    """A function with the name and parameters of a kernel, which does nothing."""
    names = dict.fromkeys(parameter.argument for parameter in kernel.parameters)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def declared(*_arguments: object) -> None:
        """Nothing: it stands for its parameters."""

    declared.__name__, declared.__qualname__ = kernel.name, kernel.qualname
    declared.__doc__ = kernel.documentation or None
    declared.__dict__["__signature__"] = inspect.Signature(
        [inspect.Parameter(name, kind) for name in names]
    )
    return declared
