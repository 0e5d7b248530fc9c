"""Names that hold several things, zero divisors and negative exponents: what Numba gives.

`results_of_numba.json` holds what the functions of `programs/names.py` give under numba 0.68 with
`njit(error_model="numpy")`, which compiles as Numba for CUDA does.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oxide
from oxide.numba import UnprovedKernelWarning
from oxide_codegen.errors import KernelZeroDivisionError
from runtime import numba_kernels as kernels

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "results_of_numba.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = (HERE / "programs" / "names.py").read_text(encoding="utf-8")
    file = tmp_path_factory.mktemp("names") / "names_of_oxide.py"
    file.write_text(text.replace("from numba", "from oxide.numba"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_results_are_those_of_numba(program: Any) -> None:
    with oxide.device("cpu"), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = program.main()
    assert {name: array.tolist() for name, array in found.items()} == EXPECTED
    # What is not proved runs, and is told.
    assert ["divisor" in str(w.message) for w in told] == [True]


def test_a_zero_divisor_raises_where_it_does_with_numba() -> None:
    with (
        oxide.device("cpu"),
        pytest.warns(UnprovedKernelWarning, match="by >= 1"),
        pytest.raises(KernelZeroDivisionError),
    ):
        kernels.divided[1, 4](np.arange(4), 0)


def test_nothing_behind_a_division_takes_the_divisor_as_proved() -> None:
    x, out = np.arange(8), np.zeros(4, np.int64)
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels.looked_up[1, 4](x[:5], 5, out)
        assert out.tolist() == [0, 1, 2, 3]
        kernels.looked_up[1, 4](x[:5], 0, out)
        assert out.tolist() == [0, 0, 0, 0]
        with pytest.raises(IndexError, match="out of bounds"):
            kernels.looked_up[1, 4](x[:0], 0, out)
