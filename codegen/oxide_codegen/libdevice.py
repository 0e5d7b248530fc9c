"""NVIDIA's libdevice, where it is found: functions of f32 on devices in place of our own.

Our own functions of f32 are computed in doubles, off by at most 0.51 ulp; NVIDIA's are computed in
f32, off by at most 3, and up to six times as fast: `docs/language.md` has the figures. Of f64 our
own are as good, and so is our `exp` of f32, and they are the same on every machine.

    OXIDE_LIBDEVICE=             where it is found: CUDA_HOME, a wheel, /usr/local/cuda
    OXIDE_LIBDEVICE=/a/file.bc   this file
    OXIDE_LIBDEVICE=0            our own functions

What is compiled depends on the file, so its digest is part of every key of the cache. Only the
functions that a kernel calls are read, as slices of the file that are kept once made.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_codegen.cache import code_cache
from oxide_codegen.errors import OxideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE = "OXIDE_LIBDEVICE"
_FILE = Path("nvvm") / "libdevice" / "libdevice.10.bc"
PREFIX = "__nv_"


@dataclass(frozen=True)
class Library:
    """The bitcode of libdevice, what stands for its contents, and its functions taken apart."""

    path: Path
    digest: str
    _slices: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def slice(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The bitcode of one function, as it was made before if it was."""
        found = self._slices.get(name)
        if found is None:
            cache = code_cache()
            key = sha256(f"slice {name} of {self.digest}".encode()).hexdigest()
            found = None if cache is None else cache.get(key)
            if found is None:
                found = make()
                if cache is not None:
                    cache.put(key, found)
            self._slices[name] = found
        return found


def chosen() -> Library | None:
    """The library, unless it is nowhere or not wanted; `OxideError` where a file is not there."""
    asked = os.environ.get(VARIABLE, "")
    return None if asked == "0" else _library(asked)


def mark() -> str:
    """What stands for the library in keys of the cache."""
    library = chosen()
    return "" if library is None else f" libdevice {library.digest}"


def found() -> Path | None:
    """The file of a toolkit or a wheel, if there is one."""
    return next((path for path in _places() if path.is_file()), None)


@cache
def _library(asked: str) -> Library | None:
    path = Path(asked) if asked else found()
    if path is None:
        return None
    if not path.is_file():
        raise OxideError(f"{VARIABLE} names {path}, and there is no such file")
    return Library(path, sha256(path.read_bytes()).hexdigest())


def _places() -> Iterator[Path]:
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(variable):
            yield Path(os.environ[variable]) / _FILE
    if find_spec("cuda") is not None and find_spec("cuda.pathfinder") is not None:
        pathfinder = import_module("cuda.pathfinder")
        # It looks in wheels and environments alone.
        with suppress(pathfinder.BitcodeLibNotFoundError):
            yield Path(pathfinder.find_bitcode_lib("device"))
    yield Path("/usr/local/cuda") / _FILE
