"""Functions that a device may approximate: `fast.sin(x)` for `math.sin(x)`."""

from __future__ import annotations

from oxide_codegen.errors import OutsideKernelError


class Fast:
    """Fewer digits of f32, f16 and bf16 on a GPU, in less time; elsewhere the same as `math.*`."""

    @staticmethod
    def sqrt(x: float, /) -> float:
        """The square root."""
        raise OutsideKernelError("fast.sqrt")

    @staticmethod
    def rsqrt(x: float, /) -> float:
        """`1 / sqrt(x)`."""
        raise OutsideKernelError("fast.rsqrt")

    @staticmethod
    def exp(x: float, /) -> float:
        """e to the power of x."""
        raise OutsideKernelError("fast.exp")

    @staticmethod
    def exp2(x: float, /) -> float:
        """2 to the power of x."""
        raise OutsideKernelError("fast.exp2")

    @staticmethod
    def log(x: float, /) -> float:
        """The natural logarithm."""
        raise OutsideKernelError("fast.log")

    @staticmethod
    def log2(x: float, /) -> float:
        """The logarithm to base 2."""
        raise OutsideKernelError("fast.log2")

    @staticmethod
    def log10(x: float, /) -> float:
        """The logarithm to base 10."""
        raise OutsideKernelError("fast.log10")

    @staticmethod
    def pow(x: float, y: float, /) -> float:
        """x > 0 to the power of y."""
        raise OutsideKernelError("fast.pow")

    @staticmethod
    def sin(x: float, /) -> float:
        """The sine of radians; best within ±π."""
        raise OutsideKernelError("fast.sin")

    @staticmethod
    def cos(x: float, /) -> float:
        """The cosine of radians; best within ±π."""
        raise OutsideKernelError("fast.cos")

    @staticmethod
    def tan(x: float, /) -> float:
        """The tangent of radians; best within ±π/2."""
        raise OutsideKernelError("fast.tan")

    @staticmethod
    def tanh(x: float, /) -> float:
        """The hyperbolic tangent."""
        raise OutsideKernelError("fast.tanh")


fast = Fast()
