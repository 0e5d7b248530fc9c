"""`oxide new NAME`: a project with two kernels that are proved, a program that runs them, tests,
and a hook that checks kernels before each commit.

oxide new blur              the folder `blur` with a package of that name
oxide new work/fast-blur    the folder `work/fast-blur` with the package `fast_blur`
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from keyword import iskeyword
from pathlib import Path

from oxide.cli.failure import WrongUse

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
# A package of one of these names would be found in the place of another one.
_TAKEN = frozenset({"oxide", "numpy", "pytest", "tests", "test", "llvmlite", "z3", "cuda"})

_FILES = {
    "pyproject.toml": """\
[project]
name = "DISTRIBUTION"
version = "0.1.0"
description = "GPU kernels, proved safe"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["numpy", "oxide-kernels[cpu]"]

[project.optional-dependencies]
cuda = ["oxide-kernels[cuda]"]
dev = ["pre-commit", "pytest"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["PACKAGE"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
""",
    ".pre-commit-config.yaml": """\
repos:
  - repo: local
    hooks:
      - id: oxide-check
        name: oxide-check
        description: Check GPU kernels for races, divergent barriers and out-of-bounds accesses
        entry: oxide-check --force-exclude
        language: system
        types_or: [python]
        require_serial: true
""",
    ".gitignore": """\
__pycache__/
.pytest_cache/
.oxide_cache/
.venv/
dist/
*.oxide
""",
    "README.md": """\
# DISTRIBUTION

    pip install -e '.[dev]'     # and '.[cuda]' where there is an NVIDIA GPU
    oxide-check                 # prove the kernels
    python -m PACKAGE           # run them: on a GPU if there is one, else on the cpu
    pytest                      # test them
    pre-commit install          # check kernels before each commit
""",
    "PACKAGE/__init__.py": '''\
"""GPU kernels, proved safe."""
''',
    "PACKAGE/kernels.py": '''\
"""The kernels: `oxide-check` proves that no launch can race or leave an array."""

from __future__ import annotations

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    f32,
    grid_dim,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 256


@kernel(requires=lambda x, y: len(x) >= len(y))
def saxpy(a: f32, x: Slice[f32], y: DisjointSlice[f32]) -> None:
    """`y = a * x + y`, as long as `y`."""
    i = thread.index_1d()
    if i < len(y):
        y[i] = a * x[i] + y[i]


@kernel(block=BLOCK, requires=lambda sums: len(sums) >= grid_dim.x)
def block_sums(x: Slice[f32], sums: DisjointSlice[f32]) -> None:
    """The sum of each block's part of `x`; the barriers let threads read what others wrote."""
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = x[i] if i < len(x) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        sums[block.x] = tile[0]
''',
    "PACKAGE/__main__.py": '''\
"""Run the kernels once: `python -m PACKAGE`."""

from __future__ import annotations

import numpy as np

from PACKAGE.kernels import BLOCK, block_sums, saxpy


def main() -> None:
    """Launch both kernels and show what they computed."""
    n = 1_000_000
    blocks = -(-n // BLOCK)
    x = np.ones(n, np.float32)
    y = np.full(n, 2, np.float32)
    saxpy[blocks, BLOCK](3.0, x, y)
    print(f"saxpy: 3 * 1 + 2 = {y[0]:g}")
    sums = np.zeros(blocks, np.float32)
    block_sums[blocks, BLOCK](y, sums)
    print(f"block_sums: {n} * 5 = {sums.sum():g}")


if __name__ == "__main__":
    main()
''',
    "tests/test_kernels.py": '''\
"""The kernels compute what NumPy does, for lengths that do and do not fill a block."""

import numpy as np
import pytest

from PACKAGE.kernels import BLOCK, block_sums, saxpy


@pytest.mark.parametrize("n", [1, BLOCK, 1000])
def test_saxpy(n: int) -> None:
    random = np.random.default_rng(n)
    x = random.random(n, dtype=np.float32)
    y = random.random(n, dtype=np.float32)
    expected = np.float32(2) * x + y
    saxpy[-(-n // BLOCK), BLOCK](2.0, x, y)
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [1, BLOCK, 1000])
def test_block_sums(n: int) -> None:
    x = np.arange(n, dtype=np.float32)
    sums = np.zeros(-(-n // BLOCK), np.float32)
    block_sums[len(sums), BLOCK](x, sums)
    parts = [x[start : start + BLOCK].sum() for start in range(0, n, BLOCK)]
    np.testing.assert_allclose(sums, parts, rtol=1e-6)


def test_a_launch_that_breaks_the_contract_is_refused() -> None:
    with pytest.raises(ValueError, match="len"):
        saxpy[1, BLOCK](2.0, np.ones(3, np.float32), np.ones(4, np.float32))
''',
}


def run(arguments: list[str], program: str) -> int:
    """Make a project; 2 if its folder is not empty."""
    parser = ArgumentParser(program, description="Make a project with kernels that are proved.")
    parser.add_argument("path", metavar="NAME", type=Path, help="the project, and its folder")
    folder: Path = parser.parse_args(arguments).path
    distribution = folder.resolve().name
    package = distribution.replace("-", "_").lower()
    _demand_name(distribution, package)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise WrongUse(f"`{folder}` is not empty")
        for name, text in _FILES.items():
            path = folder / name.replace("PACKAGE", package)
            path.parent.mkdir(parents=True, exist_ok=True)
            written = text.replace("PACKAGE", package).replace("DISTRIBUTION", distribution)
            path.write_text(written, encoding="utf-8", newline="\n")
    except OSError as error:
        raise WrongUse(f"cannot make `{folder}`: {error.strerror}") from error
    sys.stdout.write(
        f"made {folder}\n\n"
        f"  cd {folder}\n"
        "  oxide-check            # prove the kernels\n"
        f"  python -m {package:<12} # run them\n"
        "  pytest                 # test them\n"
        "  git init && pre-commit install\n"
    )
    return 0


def _demand_name(name: str, package: str) -> None:
    if not _NAME.fullmatch(name) or iskeyword(package):
        raise WrongUse(
            f"`{name}` cannot be the name of a package: it wants letters, digits and single "
            "hyphens, and a letter first"
        )
    if package in _TAKEN or package in sys.stdlib_module_names:
        raise WrongUse(f"`{package}` is already the name of a package; choose another one")
