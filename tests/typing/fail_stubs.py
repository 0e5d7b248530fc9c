"""Launches of kernels that are known by the stub of an artifact alone."""

import kernels_oxide
from kernels_oxide import advance, scale

import oxide
from oxide import f32, i32, struct


@struct
class Step:
    dt: f32
    n: i32


x = oxide.zeros(16, f32)
launch = scale.prepare(grid=1, block=64)
launch(2.0, x, x)
launch(2.0, x, y=x)
launch(2.0, x)  # expect: pyright mypy
launch("2", x, x)  # expect: pyright mypy
launch(2.0, x, oxide.zeros(16, i32), 1)  # expect: pyright mypy
scale.prepare(block=64)  # expect: pyright mypy
scale.launch_unchecked(grid=1)(2.0)  # expect: pyright mypy
advance.prepare(grid=1)(Step(0.5, 3), x)
advance.prepare(grid=1)(0.5, x)  # expect: pyright mypy
oxide.load(kernels_oxide).scale.prepare(grid=1)(2.0, x, x)
oxide.load(kernels_oxide).scale.prepare(grid=1)(2.0)  # expect: pyright
