"""Programs as they are written for Numba give on a GPU what they give on the cpu."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from runtime import numba_intrinsics as kernels

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.gpu

PROGRAMS = sorted((Path(__file__).parent.parent / "numba" / "programs").glob("*.py"))


def loaded(path: Path, folder: Path) -> ModuleType:
    """A program, with Oxide in the place of Numba; kernels are compiled from a file."""
    text = path.read_text(encoding="utf-8").replace("from numba", "from oxide.numba")
    file = folder / path.name
    file.write_text(text, encoding="utf-8")
    name = f"{path.stem}_on_a_gpu"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_gives_what_it_gives_on_the_cpu(path: Path, tmp_path: Path) -> None:
    program: Any = loaded(path, tmp_path)
    results: dict[str, dict[str, Any]] = {}
    for device in ("cpu", "cuda"):
        with oxide.device(device), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results[device] = program.main()
    assert list(results["cpu"]) == list(results["cuda"])
    for name, expected in results["cpu"].items():
        found = results["cuda"][name]
        assert found.dtype == expected.dtype, name
        if expected.dtype.kind in "fc":
            digits = np.finfo(expected.dtype).eps
            np.testing.assert_allclose(found, expected, rtol=64 * digits, atol=256 * digits)
        else:
            np.testing.assert_array_equal(found, expected, err_msg=name)


def test_extremes_signatures_and_records_are_those_of_the_cpu() -> None:
    dtype = np.dtype([("size", np.float64), ("count", np.int32), ("at", np.float32, (3,))])
    found: list[list[Any]] = []
    for device in ("cpu", "cuda"):
        extremes, kept = np.full(3, np.nan), np.full(3, 2.5)
        sums, records, out = np.zeros(4), np.zeros(2, dtype), np.zeros(2)
        records[1]["size"] = 5
        with oxide.device(device), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kernels.extremes[1, 8](np.arange(8.0), extremes)
            kernels.extremes[1, 4](np.array([np.nan, 5, -1, 3]), kept)
            kernels.by_signatures[1, 1](1.7, 2.7, sums)
            kernels.of_one_record[1, 1](records[1], out)
        found.append([repr(one.tolist()) for one in (extremes, kept, sums, records, out)])
    assert found[0] == found[1]
