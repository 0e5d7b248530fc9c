"""What a launch needs of a kernel, wherever its proof and its code come from.

Program          proves the live source in this process, and compiles it
ShippedProgram   takes both from an artifact that somebody else has built
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport
    from oxide_codegen.abi import Layout
    from oxide_codegen.arguments import Signature
    from oxide_codegen.cuda_forms import CudaForms
    from oxide_codegen.live import Guard
    from oxide_codegen.native import Native


class Terms(Protocol):
    """Under which conditions a kernel is proved: `CheckedKernel` says what they are."""

    @property
    def kernel(self) -> Kernel:
        """The IR without symbols."""
        ...

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What a launch has to fulfil."""
        ...

    @property
    def compact(self) -> bool:
        """Whether sizes have to fit 32 bits."""
        ...


class Launchable(Protocol):
    """One kernel for fixed values of its constants, with code by device."""

    @property
    def checked(self) -> Terms:
        """What the proof rests on."""
        ...

    @property
    def kernel(self) -> Kernel:
        """The IR without symbols."""
        ...

    @property
    def signature(self) -> Signature:
        """How arguments are taken."""
        ...

    @property
    def layout(self) -> Layout:
        """How arguments are passed."""
        ...

    def native(self) -> Native:
        """Code for the cpu device."""
        ...

    def cuda(self, index: int) -> CudaForms:
        """The kernel on `cuda:<index>`."""
        ...


class Launches(Protocol):
    """What stands behind `oxide.Kernel`."""

    name: str
    function: Any

    @property
    def is_open(self) -> bool:
        """Whether only a launch completes the kernel."""
        ...

    def demand_proof(self) -> None:
        """Raise `CheckError` if an open kernel is violated, whatever completes it."""
        ...

    def specialisation(self) -> Launchable:
        """The kernel for the values that its constants have now."""
        ...

    def current(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Launchable, Guard]:
        """The same for these arguments, and what says for how long it is the right one."""
        ...

    def unproved(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Kernel, Guard]:
        """The IR for these arguments, whatever is proved of it."""
        ...

    def signature(self, kernel: Kernel) -> Signature:
        """How launches of such a kernel take their arguments."""
        ...

    def stated(self) -> Kernel:
        """The kernel as its source says it."""
        ...

    def report(self) -> KernelReport:
        """What is proved about the kernel."""
        ...
