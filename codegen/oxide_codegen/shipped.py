"""A kernel that runs what an artifact holds, in the place of what would be proved and compiled.

    k = oxide.load("kernels.oxide", k)       k: the kernel in this program, for its types
    k[grid, block](a, b)                     checks of the launch from the artifact, its PTX

Where the source of `k` is at hand, it has to say what was built: the same parameters, contract,
constants and statements, or loading is refused, and so is a launch after a constant has changed.
Where there is none, or in another process, what the live object still says is compared: names of
parameters, and the keywords of the decorator.
"""

from __future__ import annotations

import inspect
import re
import threading
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from oxide_codegen import abi, live
from oxide_codegen.arguments import Signature
from oxide_codegen.artifact import contract_rows, meaning_hash
from oxide_codegen.contract import declared_block, literal
from oxide_codegen.cuda_forms import CudaForms
from oxide_codegen.errors import (
    ArtifactContractError,
    ArtifactSourceError,
    ArtifactTargetError,
    SourceError,
)
from oxide_codegen.geometry import block_extent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport
    from oxide_codegen.artifact import Artifact, Shipped
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.forms import Form
    from oxide_codegen.native import Native
    from oxide_codegen.program import Program

_SM = re.compile(r"sm_(\d+)(a?)f?")


class ShippedProgram:
    """The kernel of an artifact in the place of a live one; raises if they do not agree."""

    def __init__(self, program: Program, artifact: Artifact) -> None:
        self.name = program.name
        self.function = program.function
        self._live = program
        self._path = artifact.path
        qualname = str(getattr(program.function, "__qualname__", program.name))
        self._shipped = artifact.kernel(qualname)
        self._guard = self._verify()
        self._code = ShippedSpecialisation(self._path, self._shipped, program.function)

    is_open = False

    @property
    def live(self) -> Program:
        """The program that the artifact was compared with."""
        return self._live

    def demand_proof(self) -> None:
        """Nothing: it is in the artifact."""

    def specialisation(self) -> ShippedSpecialisation:
        """The kernel, if it is still the one that was built."""
        return self.current((), {})[0]

    def current(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[ShippedSpecialisation, live.Guard]:
        """The same, and what says for how long it is."""
        del args, kwargs  # An artifact has one instance of each kernel.
        if not self._guard.holds():
            self._guard = self._verify()
        return self._code, self._guard

    def unproved(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Kernel, live.Guard]:
        """The IR of the kernel."""
        code, guard = self.current(args, kwargs)
        return code.kernel, guard

    def signature(self, kernel: Kernel) -> Signature:
        """How launches of such a kernel take their arguments."""
        return Signature(kernel, self.function)

    def stated(self) -> Kernel:
        """The IR of the kernel."""
        return self.specialisation().kernel

    def report(self) -> KernelReport:
        """Refused: the proof was made where the artifact was built."""
        raise _made_elsewhere(self.name, self._path)

    def _verify(self) -> live.Guard:
        """Compare what was built with what is there; what may change later is noted."""
        if not self._live.has_source:
            self._demand_declared()
            return live.Guard()
        if self._live.is_open:
            raise self._other("a kernel", "complete", "completed by its launches")
        kernel, guard = self._live.unproved((), {})
        shipped = self._shipped
        for built, now in zip_longest(contract_rows(shipped.kernel), contract_rows(kernel)):
            if built != now:
                what = (now or built)[0]
                raise self._other(what, built and built[1], now and now[1])
        found = meaning_hash(kernel)
        if found != shipped.hash:
            raise ArtifactSourceError(
                self._path,
                "its source, or a constant that it uses, is not what was built: build it again",
                kernel=self.name,
                expected=shipped.hash,
                actual=found,
            )
        return guard

    def _demand_declared(self) -> None:
        """The comparison where there is no source."""
        kernel, options = self._shipped.kernel, self._live.options
        names = ", ".join(dict.fromkeys(p.argument for p in kernel.parameters))
        own = ", ".join(inspect.signature(self._live.function).parameters)
        if names != own:
            raise self._other("parameters", names, own)
        contract = kernel.contract
        given = options.block
        pairs: dict[str, tuple[object, object]] = {
            "block": (
                declared_block(kernel),
                None if given is None else block_extent(self.name, given),
            ),
            "domain": (contract.domain, options.domain),
            "shared": (literal(contract.shared), options.shared),
            "max_threads": (literal(contract.max_threads), options.max_threads),
            "min_blocks": (literal(contract.min_blocks), options.min_blocks),
            "cooperative": (contract.cooperative, options.cooperative),
            "fast_math": (contract.fast_math, options.fast_math),
            "cluster": (
                contract.cluster,
                None if options.cluster is None else block_extent(self.name, options.cluster),
            ),
            "requires": (
                bool(contract.requires or contract.data),
                options.requires is not None,
            ),
        }
        for name, (built, now) in pairs.items():
            if built != now:
                raise self._other(f"`{name}`", built, now)

    def _other(self, what: str, built: object, now: object) -> ArtifactContractError:
        return ArtifactContractError(
            self._path,
            f"{what} was {built or 'nothing'} when it was built, and is {now or 'nothing'} here",
            kernel=self.name,
            expected=built,
            actual=now,
        )


class StandaloneProgram:
    """The kernel of an artifact by itself: there is no source to compare it with."""

    is_open = False

    def __init__(self, path: str, shipped: Shipped, function: Any) -> None:
        self.name = shipped.kernel.name
        self.function = function
        self._path = path
        self._code = ShippedSpecialisation(path, shipped, function)
        self._guard = live.Guard()

    def demand_proof(self) -> None:
        """Nothing: it is in the artifact."""

    def specialisation(self) -> ShippedSpecialisation:
        """The kernel."""
        return self._code

    def current(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[ShippedSpecialisation, live.Guard]:
        """The same; nothing can change it."""
        del args, kwargs
        return self._code, self._guard

    def unproved(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Kernel, live.Guard]:
        """The IR of the kernel."""
        del args, kwargs
        return self._code.kernel, self._guard

    def signature(self, kernel: Kernel) -> Signature:
        """How launches of such a kernel take their arguments."""
        return Signature(kernel, self.function)

    def stated(self) -> Kernel:
        """The IR of the kernel."""
        return self._code.kernel

    def report(self) -> KernelReport:
        """Refused: the proof was made where the artifact was built."""
        raise _made_elsewhere(self.name, self._path)


def _made_elsewhere(name: str, path: str) -> SourceError:
    return SourceError(
        name,
        f"it was loaded from `{path}`: what was proved, and how, is known where that was built; "
        "`oxide-check` says it of the source",
    )


class ShippedSpecialisation:
    """What a launch needs, from an artifact; `program.Specialisation` where it is made here."""

    def __init__(self, path: str, shipped: Shipped, function: Any) -> None:
        self.checked = shipped
        self.kernel = shipped.kernel
        self.signature = Signature(shipped.kernel, function)
        self.layout = abi.layout(shipped.kernel)
        self._path = path
        self._cuda: dict[int, CudaForms] = {}
        self._lock = threading.Lock()

    def native(self) -> Native:
        """Refused: artifacts have code for GPUs."""
        raise self._no_code("the cpu", None)

    def cuda(self, index: int) -> CudaForms:
        """The kernel on `cuda:<index>`, loaded when it is needed."""
        with self._lock:
            if index not in self._cuda:
                from oxide_codegen.cuda import cuda

                device = cuda(index)
                sm = _best(self.checked.code, *device.capability)
                if sm is None:
                    major, minor = device.capability
                    raise self._no_code(f"cuda:{index}, an sm_{major}{minor}", f"sm_{major}{minor}")
                self._cuda[index] = CudaForms(device, lambda form: self._form(device, sm, form))
            return self._cuda[index]

    def _form(self, device: Cuda, sm: str, form: Form) -> CudaKernel | None:
        from oxide_codegen.cuda_kernel import CudaKernel
        from oxide_codegen.ptx import Ptx, entry_name

        code = self.checked.code[sm].get(form)
        if code is None:
            return None
        ptx = Ptx(
            code.text,
            entry_name(self.kernel, code.lanes),
            sm,
            self.layout,
            abi.failure_sites(self.kernel),
            code.shared,
            code.dynamic_shared,
            "",
            code.lanes,
            form.ordinary,
            code.cubin if _runs(sm, *device.capability) else b"",
        )
        return CudaKernel(device, self.kernel, ptx, len(self.layout.slots))

    def _no_code(self, where: str, actual: str | None) -> ArtifactTargetError:
        targets = tuple(self.checked.code)
        return ArtifactTargetError(
            self._path,
            f"it has code for {', '.join(targets)}, and none for {where}",
            kernel=self.kernel.name,
            expected=targets,
            actual=actual or "cpu",
        )


def _runs(sm: str, major: int, minor: int) -> bool:
    """Whether a device runs what was assembled for an SM: one of its generation, no newer."""
    match = _SM.fullmatch(sm)
    own = 10 * major + minor
    return match is not None and int(match[1]) // 10 == major and int(match[1]) <= own


def _best(code: Mapping[str, object], major: int, minor: int) -> str | None:
    """The newest PTX that a device can translate; of `sm_90a`, no other than that one."""
    own, fitting = 10 * major + minor, dict[int, str]()
    for sm in code:
        match = _SM.fullmatch(sm)
        if match and (int(match[1]) == own if match[2] else int(match[1]) <= own):
            fitting[int(match[1])] = sm
    return fitting[max(fitting)] if fitting else None
