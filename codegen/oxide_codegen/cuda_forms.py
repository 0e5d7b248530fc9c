"""The forms of one kernel on one device, each compiled and loaded when a launch first needs it."""

from __future__ import annotations

import threading
from itertools import product
from typing import TYPE_CHECKING

from oxide_codegen.forms import EVERY, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.launch import Extent
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.cuda_kernel import CudaKernel

# With so many blocks for each multiprocessor a launch is large. On an H200 smaller ones took as
# long with one element per thread as with several: the launch itself is what they wait for.
LARGE = 16


class CudaForms:
    """`make` gives the kernel in one form, None if there is no such form; of `EVERY` there is."""

    def __init__(self, device: Cuda, make: Callable[[Form], CudaKernel | None]) -> None:
        self.device = device
        self._make = make
        self._made: dict[Form, CudaKernel | None] = {}
        self._lock = threading.Lock()

    def suited(self, grid: Extent, *, ordinary: bool) -> CudaKernel:
        """The form for launches with this grid that are ordinary, or that may not be."""
        large = grid[0] >= LARGE * self.device.multiprocessors
        wanted = ((True, False) if ordinary else (False,), (True, False) if large else (False,))
        for form in (Form(*one) for one in product(*wanted)):
            found = self._form(form)
            if found is not None:
                return found
        raise AssertionError(f"there is no {EVERY}")

    def _form(self, form: Form) -> CudaKernel | None:
        if form not in self._made:
            with self._lock:
                if form not in self._made:
                    self._made[form] = self._make(form)
        return self._made[form]
