"""Mistakes at a launch: `prepare` knows the kernel's parameters."""

import numpy as np

import oxide
from oxide import DisjointSlice, Slice, f32, i32, kernel


@kernel(block=256)
def scale(factor: f32, x: Slice[f32], y: DisjointSlice[f32], n: i32 = 0) -> None:
    pass


x = oxide.zeros(16, f32)
ints = oxide.asarray(np.zeros(16, np.int32))
launch = scale.prepare(grid=1)
launch(2.0, x, x)
launch(2.0, x)  # expect: pyright mypy
launch(2.0, x, x, 1, 2)  # expect: pyright mypy
launch(x, x, x)  # expect: pyright mypy
launch(2.0, x, ints)  # expect: pyright mypy
launch(2.0, x, x, m=1)  # expect: pyright mypy
launch(2.0, x, x, n=1.5)  # expect: pyright mypy
launch(2.0, x, x, n="1")  # expect: pyright mypy
launch.bind(2.0, x)  # expect: pyright mypy
scale.prepare(block=256)  # expect: pyright mypy
scale.prepare(grid="4")  # expect: pyright mypy
scale[4](2.0, x, x)  # expect: pyright mypy
oxide.load(scale).prepare(grid=1)(2.0)  # expect: pyright mypy
oxide.device(3)  # expect: pyright mypy
loaded = oxide.load("kernels.oxide", scale)
loaded.prepare(grid=1)(2.0, x, x)
loaded.prepare(grid=1)(2.0)  # expect: pyright mypy
oxide.load("kernels.oxide").scale.prepare(grid=1)(2.0)
oxide.load("kernels.oxide", grid=1)  # expect: pyright mypy
oxide.load(3, scale)  # expect: pyright mypy
oxide.load(scale, 3)  # expect: pyright mypy


oxide.pinned()  # expect: pyright mypy
oxide.managed(4, f32).array = None  # expect: pyright mypy
oxide.zeros(4, f32).copy_from()  # expect: pyright mypy
oxide.from_dlpack(object(), copy="no")  # expect: pyright mypy
oxide.zeros(4, f32).reshape("4")  # expect: pyright mypy
