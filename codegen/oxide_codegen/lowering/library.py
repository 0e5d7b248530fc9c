"""Functions of libdevice, where it is found: see `oxide_codegen.libdevice`.

math.sin(x) of f32      declare float @__nv_sinf(float), linked when the module is optimised
math.sin(x) of f64      our own
"""

from __future__ import annotations

from oxide_analyzer.ir.expressions import MathFunction
from oxide_analyzer.record import record
from oxide_codegen.libdevice import PREFIX
from oxide_codegen.lowering.mathematics import FUNCTIONS


@record
class LibraryFunction:
    """A function of f32 that is declared where it is used; of f64 it is our own."""

    function: MathFunction

    def define(self, bits: int, functions: dict[str, str]) -> str:
        """Declare it among `functions`; gives its name."""
        if bits != 32:
            return FUNCTIONS[self.function].define(bits, functions)
        name = f"{PREFIX}{self.function.value}f"
        operands = ", ".join(["float"] * self.function.arity)
        functions[name] = f"declare float @{name}({operands})"
        return name


# Their own `exp` has the device's bits, and what they have of the gamma function is far less exact.
_OURS = (MathFunction.EXP, MathFunction.GAMMA, MathFunction.LGAMMA)

LIBRARY = {
    function: LibraryFunction(function)
    for function in MathFunction
    if not function.is_exact and function not in _OURS
}
