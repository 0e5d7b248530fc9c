"""The test suite of numba-cuda with `oxide.numba` in the place of `numba`.

    pip download --no-deps numba-cuda && unzip numba_cuda-*.whl -d there
    python benchmarks/numba_suite.py there/numba_cuda/numba/cuda/tests/cudapy

The tests are not ours and are run as they stand, but for what they take for granted: text that
they give to `exec`, or to a Python of its own, is kept where a program has to keep it
(`linecache`), and the Python of its own has the same stand-in. A test counts as

    passed       the same result
    refused      something that Oxide says it cannot compile, launch or offer
    inside       a part of Numba's that Oxide has not: its typing, drivers
    other        texts of messages and of PTX, exceptions of debugging, or a different result:
                 these are to be read one by one

Tests of Numba's insides (its IR, caches, debug information, datetimes) are left out by
file.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import io
import linecache
import os
import re
import subprocess
import sys
import time
import traceback
import types
import unittest
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

os.environ.setdefault("OXIDE_DEVICE", "cpu")
os.environ.setdefault("OXIDE_NUMBA", "allow")
FILES = (
    "alignment",
    "array",
    "array_args",
    "atomics",
    "blackscholes",
    "boolean",
    "casting",
    "complex_kernel",
    "complex",
    "constmem",
    "cooperative_groups",
    "cuda_jit_no_types",
    "device_func",
    "enums",
    "fastmath",
    "flow_control",
    "forall",
    "freevar",
    "frexp_ldexp",
    "globals",
    "idiv",
    "intrinsics",
    "iterators",
    "lang",
    "laplace",
    "localmem",
    "mandel",
    "math",
    "matmul",
    "minmax",
    "montecarlo",
    "nondet",
    "numba_interop",
    "operator",
    "optimization",
    "powi",
    "print",
    "py2_div_issue",
    "random",
    "record_dtype",
    "recursion",
    "reduction",
    "retrieve_autoconverted_arrays",
    "slicing",
    "sm",
    "sm_creation",
    "ssa",
    "sync",
    "transpose",
    "typeconv",
    "userexc",
    "warp_ops",
    "libdevice",
    "vectorize",
    "vectorize_complex",
    "vectorize_decor",
    "vectorize_device",
    "vectorize_scalar_arg",
    "gufunc",
    "gufunc_scalar",
    "array_methods",
    "dispatcher",
    "errors",
    "exception",
)
_INSIDE = "an internal of Numba's"
# Paths of a machine say nothing elsewhere, and texts of PTX are long.
_PATH = re.compile(r"/[^\s'\"]*/")
_LONGEST = 140
REFUSALS = (
    "UnsupportedKernelError",
    "LaunchTypeError",
    "SourceError",
    "NotImplementedError",
    "has no keyword",
)


def main() -> int:
    """Run the files, print what came of them, and write a record."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="one file, by its name without test_")
    parser.add_argument("--name", help="the record to write")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    started = time.perf_counter()
    stand_in(arguments.folder)
    counts: Counter[str] = Counter()
    others: list[str] = []
    refusals: Counter[str] = Counter()
    for name in [arguments.only] if arguments.only else FILES:
        found = _run(arguments.folder / f"test_{name}.py", arguments.verbose)
        counts += Counter(kind for kind, _, _ in found)
        others += [
            f"{name}: {test}: {_PATH.sub('', why)[:_LONGEST]}"
            for kind, test, why in found
            if kind in ("other", "unread")
        ]
        refusals += Counter(why[:90] for kind, _, why in found if kind == "refused")
        print(f"{name:32} {dict(Counter(kind for kind, _, _ in found))}", flush=True)
    print(dict(counts))
    for text, count in refusals.most_common(40):
        print(f"refused {count:4} {text}")
    for text in others:
        print(f"other   {text[:200]}")
    if arguments.name:
        from machine_record import write

        figures = {
            "tests": dict(counts),
            "refused": dict(refusals.most_common()),
            "other": others,
            "files": FILES,
        }
        write(arguments.name, figures, started)
    return 0


def _run(path: Path, verbose: bool) -> list[tuple[str, str, str]]:
    """What came of each test of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = _loaded(path)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        return [("unread", path.stem, f"{type(error).__name__}: {error}"[:200])]
    found: list[tuple[str, str, str]] = []
    for case in _cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
        result = unittest.TestResult()
        quiet = io.StringIO()
        with redirect_stdout(quiet), redirect_stderr(quiet), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.run(result)
        wrong = [*result.errors, *result.failures]
        test = case.id().partition(".")[2]
        if result.skipped:
            found.append(("skipped", test, result.skipped[0][1]))
        elif not wrong:
            found.append(("passed", test, ""))
        else:
            text = wrong[0][1]
            if verbose:
                print(test, text)
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
            headline = next((x for x in text.splitlines() if any(r in x for r in REFUSALS)), None)
            kind = "other" if headline is None else "refused"
            kind = "inside" if _INSIDE in text else kind
            why = last if headline is None else _reason(text, headline)
            found.append((kind, test, why.strip()))
    return found


def _reason(text: str, headline: str) -> str:
    """What was refused: of a kernel, the first of its places."""
    lines = text.splitlines()
    place = lines.index(headline)
    if "it cannot be compiled" in headline and place + 1 < len(lines):
        return lines[place + 1].partition(": ")[2]
    return headline.partition(": ")[2]


def _cases(suite: Any) -> list[Any]:
    if isinstance(suite, unittest.TestSuite):
        return [case for inner in suite for case in _cases(inner)]
    return [suite]


def _loaded(path: Path) -> types.ModuleType:
    name = f"suite_of_numba.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    vars(module)["exec"] = kept
    spec.loader.exec_module(module)
    if hasattr(module, "subprocess"):
        module.subprocess = _Processes(path.parent)  # type: ignore[attr-defined]
    return module


def kept(text: Any, names: dict[str, Any] | None = None, own: dict[str, Any] | None = None) -> None:
    """Run text as `exec` does, and keep it, so that kernels in it have a source."""
    here = inspect.currentframe()
    caller = here and here.f_back
    assert caller is not None
    if isinstance(text, str):
        name = f"<kept {len(linecache.cache)}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        text = compile(text, name, "exec")
    names = caller.f_globals if names is None else names
    exec(text, names, caller.f_locals if own is None and names is caller.f_globals else own)


class _Processes:
    """`subprocess`, of which a Python of its own has the same stand-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def run(self, command: list[str], **rest: Any) -> Any:
        """Run a command, or the text behind `-c`."""
        if command[1:2] != ["-c"]:
            return subprocess.run(command, check=False, **rest)
        start = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import numba_suite; "
            f"numba_suite.stand_in(__import__('pathlib').Path({str(self._folder)!r})); "
            f"numba_suite.kept({command[2]!r}, dict(__name__='__main__'))"
        )
        return subprocess.run([command[0], "-c", start], **rest)  # noqa: PLW1510


class _Inside:
    """Something inside of Numba that Oxide has not; who calls it is told."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(_INSIDE)

    def __iter__(self) -> Any:
        """There is nothing in it."""
        return iter(())

    def __getattr__(self, name: str) -> Any:
        return _of_inside(name)


def _of_inside(name: str) -> Any:
    """What a module of Numba's has by a name: what Oxide has as well, or nothing to be called."""
    from oxide.numba import cuda, from_dtype
    from oxide_codegen.numba.arrays import numpy_type

    if name.startswith("__"):
        raise AttributeError(name)
    known = {
        "from_dtype": from_dtype,
        "as_dtype": numpy_type,
        "from_array_like": cuda.device_array_like,
        "auto_device": _auto_device,
        "cc_X_or_above": _is_recent,
        "_have_nvjitlink": lambda: False,
    }
    return known.get(name, _Inside())


def _auto_device(array: Any, **_: Any) -> tuple[Any, bool]:
    from oxide.numba import cuda

    return cuda.to_device(array), True


def _is_recent(*_: int) -> bool:
    return True


def _foreign(*_: Any, **__: Any) -> _Inside:
    return _Inside()


class _Types(type):
    """The class of Numba's types, of which ours are instances."""

    def __instancecheck__(cls, instance: Any) -> bool:
        from oxide_codegen.numba.types import is_type

        return is_type(instance)


class _Type(metaclass=_Types):
    """What a type of a program's own is made from, whatever it says of itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """It says nothing that is looked at."""


class _Insides:
    """Finds modules of Numba's that Oxide has not, with whatever is asked of them."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """An empty module for every name in `numba`."""
        del path, target
        if not name.startswith("numba."):
            return None
        return importlib.util.spec_from_loader(name, loader=self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> types.ModuleType:
        """A module that has every name."""

        class Module(types.ModuleType):
            def __getattr__(self, name: str) -> Any:
                return _of_inside(name)

        return Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """It is empty."""


def stand_in(folder: Path) -> None:
    """Let `numba` mean `oxide.numba`, and give what its tests want beside it."""
    import oxide.numba
    from oxide.numba import cuda

    class CudaTestCase(unittest.TestCase):
        """What tests of Numba's expect of theirs."""

        FLOAT16_RTOL = 1e-3

        def assertPreciseEqual(
            self,
            first: Any,
            second: Any,
            prec: str = "exact",
            ulps: int = 1,
            abs_tol: str | float | None = None,
            **rest: Any,
        ) -> None:
            """Equal as Numba has it: parts of complex numbers by digits of the whole, and where
            one part is no number, the other is not looked at."""
            import numpy as np

            del rest
            if prec == "exact" or np.ndim(first) or np.ndim(second):
                return np.testing.assert_array_equal(first, second)
            if np.isnan(first) and np.isnan(second):
                return None
            digits = 2.0 ** (ulps - {"single": 24, "double": 53}[prec] - 1)
            near = digits * (abs(first) + abs(second))
            if abs_tol is not None:
                near = max(near, np.finfo(type(first)).eps if abs_tol == "eps" else abs_tol)
            for part in (np.real, np.imag):
                one, other = part(first), part(second)
                nothing = np.isnan(one) and np.isnan(other)
                if not (nothing or one == other or abs(one - other) <= near):
                    self.fail(f"{first} is not {second}")
            return None

    def _skipping(reason: Any = None) -> Any:
        def keep(thing: Any) -> Any:
            return thing

        return reason if callable(reason) else keep

    class Skips(types.ModuleType):
        """Every `skip_…` of Numba's runs its test."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith(("skip", "xfail", "expected")):
                return _skipping
            return _of_inside(name)

    testing = Skips("numba.cuda.testing")
    testing.unittest = unittest  # type: ignore[attr-defined]
    testing.CUDATestCase = CudaTestCase  # type: ignore[attr-defined]
    testing.ForeignArray = lambda array: array  # type: ignore[attr-defined]
    support = Skips("numba.cuda.tests.support")
    support.TestCase = CudaTestCase  # type: ignore[attr-defined]
    support.CheckWarningsMixin = type("CheckWarningsMixin", (), {})  # type: ignore[attr-defined]
    config: Any = types.SimpleNamespace(ENABLE_CUDASIM=False, CUDA_ENABLE_NRT=False)
    errors: Any = types.ModuleType("numba.cuda.core.errors")
    for name in ("TypingError", "LoweringError", "NumbaPerformanceWarning", "NumbaValueError"):
        setattr(errors, name, type(name, (Exception,), {}))
    cuda_module: Any = cuda
    cuda_module.HAS_NUMBA = False
    cuda_module.config = config
    for name in (
        "utils",
        "compile_ptx",
        "compile_ptx_for_current_device",
        "launchconfig",
        "args",
        "cgutils",
        "descriptor",
    ):
        setattr(cuda_module, name, _Inside())
    named: Any = oxide.numba.types
    named.Type = cuda_module.types.Type = _Type
    named.CPointer = cuda_module.types.CPointer = _Inside()
    cuda_module.CUSource = _foreign
    sys.modules.setdefault("cffi", types.ModuleType("cffi")).FFI = _Inside  # type: ignore[attr-defined]
    extensions: Any = types.ModuleType("suite_of_numba.extensions_usecases")
    extensions.struct_model_type = extensions.MyStruct = _Inside()
    core: Any = types.ModuleType("numba.cuda.core")
    core.config, core.errors = config, errors
    tests: Any = types.ModuleType("numba.cuda.tests")
    tests.support, tests.__path__ = support, []
    usecases: Any = types.ModuleType("numba.cuda.tests.cudapy")
    usecases.__path__ = [str(folder)]
    core.__path__ = []
    oxide_numba: Any = oxide.numba
    oxide_numba.core = types.SimpleNamespace(errors=errors)
    oxide_numba.errors = cuda_module.errors = errors
    sys.modules |= {
        "numba": oxide.numba,
        "numba.cuda": cuda,
        "numba.cuda.random": cuda.random,
        "numba.cuda.types": oxide.numba.types,
        "numba.types": oxide.numba.types,
        "numba.cuda.testing": testing,
        "numba.cuda.core": core,
        "numba.cuda.core.errors": errors,
        "numba.cuda.core.config": config,
        "numba.cuda.tests": tests,
        "numba.cuda.tests.support": support,
        "numba.cuda.tests.cudapy": usecases,
        "suite_of_numba": usecases,
        "suite_of_numba.extensions_usecases": extensions,
    }
    # An installed numba-cuda would look for `numba.cuda` in itself, for ever.
    sys.meta_path[:] = [f for f in sys.meta_path if "numba_cuda" not in type(f).__module__]
    sys.meta_path.append(_Insides())
    # What is in a module of Numba's is no function of a program.
    for name in ("complex_usecases", "enum_usecases", "recursion_usecases"):
        sys.modules[f"numba.cuda.tests.cudapy.{name}"] = _loaded(folder / f"{name}.py")


if __name__ == "__main__":
    sys.exit(main())
