"""An artifact: kernels that were proved and compiled elsewhere, in one file.

    kernels.oxide            a zip archive; its comment is the checksum of
      manifest.json          format, version of Oxide, checksums of all other members, and for each
                             kernel: its parameters, contract, facts, facts about data, hash, and
                             which members are the code of which SM
      0.ir.json              the terms of the proof and the IR, from which a launch is checked and
                             a failed check is explained
      0.sm_90.ptx …          the code for every launch; `0.sm_90.ordinary.ptx` and others are the
                             forms for some (`forms`)
      0.sm_90.cubin …        the same, assembled, where an assembler was at hand: else the driver
                             assembles the PTX, as it does for newer devices

Everything that a launch needs is inside, so neither analyzer nor compiler runs again. That the
facts are those of a proof, and the PTX that of the kernel, is the word of who built the file: the
checksums find damage, not malice. What is read is data; nothing in it is run on the host.

`hash` is that of the kernel's meaning: what its source says, with the values of its constants,
wherever it stands and however it is written.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide_analyzer import encoding
from oxide_analyzer.ir.kernel import Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import Const
from oxide_analyzer.record import record
from oxide_codegen.errors import ArtifactContractError, ArtifactDamagedError, ArtifactVersionError
from oxide_codegen.forms import Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.checked import CheckedKernel, Fact
    from oxide_analyzer.ir.nodes import Expr
    from oxide_codegen.ptx import Ptx

# Raised whenever the meaning of a member, or the calling convention of the code, changes.
FORMAT = 2
SUFFIX = ".oxide"
_MANIFEST = "manifest.json"
# What reading a manifest ends with that is not as it is written here.
_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
# Zip archives know no time before this one, and equal kernels make equal files.
_TIME = (1980, 1, 1, 0, 0, 0)


@record
class ShippedCode:
    """One form of a kernel for one SM, with what `ptx.Ptx` says of it; no cubin is empty."""

    text: str
    cubin: bytes
    shared: int
    dynamic_shared: int
    lanes: int


@record
class Shipped:
    """A kernel of an artifact: what `CheckedKernel` is where the proof was made here."""

    kernel: Kernel
    facts: tuple[Fact, ...]
    compact: bool
    hash: str
    code: Mapping[str, Mapping[Form, ShippedCode]]


@record
class Artifact:
    """What one file holds, by the qualified names of its kernels."""

    path: str
    kernels: Mapping[str, Shipped]

    def kernel(self, qualname: str) -> Shipped:
        """A kernel of the file; `ArtifactContractError` if there is none of that name."""
        if qualname not in self.kernels:
            known = ", ".join(f"`{name}`" for name in self.kernels)
            raise ArtifactContractError(
                self.path,
                f"there is no kernel `{qualname}` in it; there are {known}",
                kernel=qualname,
                expected=tuple(self.kernels),
                actual=qualname,
            )
        return self.kernels[qualname]


def meaning_hash(kernel: Kernel) -> str:
    """The digest of what a kernel without symbols says, wherever it was read."""
    bare = replace(kernel, path="", documentation="", text="")
    return sha256(encoding.meaning(bare).encode("utf-8", "surrogatepass")).hexdigest()


# ---------------------------------------------------------------- writing


def write(
    path: Path, kernels: Sequence[tuple[CheckedKernel, str, Sequence[tuple[Form, Ptx]]]]
) -> None:
    """Write an artifact of proved kernels, each with its hash and its forms for some SMs."""
    members: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for number, (checked, digest, code) in enumerate(kernels):
        kernel = checked.kernel
        terms = f"{number}.ir.json"
        members[terms] = encoding.dump(
            (replace(kernel, text=""), checked.facts, checked.compact)
        ).encode("utf-8", "surrogatepass")
        targets: dict[str, list[dict[str, Any]]] = {}
        for form, compiled in code:
            words = [str(number), compiled.sm]
            words += [word for word, has in asdict(form).items() if has]
            member, cubin = (".".join([*words, kind]) for kind in ("ptx", "cubin"))
            members[member] = compiled.text.encode()
            if compiled.cubin:
                members[cubin] = compiled.cubin
            targets.setdefault(compiled.sm, []).append(
                {
                    "form": asdict(form),
                    "ptx": member,
                    "cubin": cubin if compiled.cubin else None,
                    "shared": compiled.shared,
                    "dynamic_shared": compiled.dynamic_shared,
                    "lanes": compiled.lanes,
                }
            )
        rows.append(
            {
                "qualname": kernel.qualname,
                "hash": digest,
                "terms": terms,
                "targets": targets,
                "contract": dict(contract_rows(kernel)),
                "facts": [fact.text for fact in checked.facts],
                "data": [fact.text for fact in kernel.contract.data],
            }
        )
    manifest = {
        "format": FORMAT,
        "oxide": version(),
        "members": {name: sha256(content).hexdigest() for name, content in members.items()},
        "kernels": rows,
    }
    text = json.dumps(manifest, indent=1).encode()
    # Whoever reads sees the whole file, or the one before.
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {_MANIFEST: text, **members}.items():
                archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
            archive.comment = sha256(text).hexdigest().encode()
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def contract_rows(kernel: Kernel) -> list[tuple[str, str]]:
    """Parameters and contract of a kernel as pairs of a name and what is said of it."""
    rows: list[tuple[str, str]] = []
    for parameter in kernel.parameters:
        if isinstance(parameter, ScalarParameter):
            rows.append((parameter.name, str(parameter.type)))
        else:
            array = kernel.arrays[parameter.name]
            rank = f"{array.rank}D" if array.rank > 1 else ""
            rows.append((parameter.name, f"{array.ownership.value}{rank}[{array.element}]"))
    contract = kernel.contract
    block = "any" if contract.block is None else ", ".join(map(_extent, contract.block))
    return [
        *((f"parameter `{name}`", said) for name, said in rows),
        ("parameters", ", ".join(name for name, _ in rows)),
        ("`block`", block),
        ("`domain`", str(contract.domain)),
        ("`shared`", _extent(contract.shared)),
        ("`max_threads`", _extent(contract.max_threads)),
        ("`min_blocks`", _extent(contract.min_blocks)),
        ("`cooperative`", str(contract.cooperative)),
        ("`cluster`", str(contract.cluster)),
        ("`fast_math`", str(contract.fast_math)),
        ("`requires`", " and ".join(fact.text for fact in (*contract.requires, *contract.data))),
    ]


def _extent(extent: Expr | None) -> str:
    return str(extent.value) if isinstance(extent, Const) else str(None)


# ---------------------------------------------------------------- reading


def read(path: str | os.PathLike[str]) -> Artifact:
    """The artifact in a file.

    `ArtifactDamagedError` if it is not what was written, `ArtifactVersionError` if another Oxide
    wrote it; `OSError` if there is no such file.
    """
    name = os.fspath(path)
    members = _members(name)
    try:
        manifest = json.loads(members[_MANIFEST])
        found, own = (manifest["format"], manifest["oxide"]), (FORMAT, version())
    except _MISSHAPEN as error:
        raise _misshapen(name, error) from None
    if found != own:
        raise ArtifactVersionError(
            name,
            f"it was built by Oxide {found[1]} (format {found[0]}), this is Oxide {own[1]} "
            f"(format {own[0]}): build it again",
            expected=own[1],
            actual=found[1],
        )
    try:
        _demand_members(name, manifest["members"], members)
        kernels = {row["qualname"]: _kernel(name, row, members) for row in manifest["kernels"]}
    except ArtifactDamagedError:
        raise
    except _MISSHAPEN as error:
        raise _misshapen(name, error) from None
    return Artifact(name, kernels)


def _misshapen(name: str, error: Exception) -> ArtifactDamagedError:
    reason = f"`{_MANIFEST}` is not one of Oxide: {type(error).__name__}: {error}"
    return ArtifactDamagedError(name, reason)


def _demand_members(name: str, digests: Mapping[str, str], members: Mapping[str, bytes]) -> None:
    """Raise unless all members are there, and are what was written."""
    for member, digest in digests.items():
        if member not in members:
            raise ArtifactDamagedError(name, f"`{member}` is missing", expected=member)
        actual = sha256(members[member]).hexdigest()
        if actual != digest:
            raise ArtifactDamagedError(
                name, f"`{member}` is not what was written", expected=digest, actual=actual
            )


def _kernel(name: str, row: Mapping[str, Any], members: Mapping[str, bytes]) -> Shipped:
    try:
        kernel, facts, compact = encoding.load(
            members[row["terms"]].decode("utf-8", "surrogatepass")
        )
    except ValueError as error:
        raise ArtifactDamagedError(name, f"`{row['terms']}` cannot be read: {error}") from None
    code = {
        sm: {Form(**one["form"]): _code(one, members) for one in forms}
        for sm, forms in row["targets"].items()
    }
    return Shipped(kernel, facts, compact, row["hash"], code)


def _code(row: Mapping[str, Any], members: Mapping[str, bytes]) -> ShippedCode:
    cubin = row["cubin"]
    return ShippedCode(
        members[row["ptx"]].decode(),
        b"" if cubin is None else members[cubin],
        row["shared"],
        row["dynamic_shared"],
        row["lanes"],
    )


def _members(name: str) -> dict[str, bytes]:
    """All members of an archive whose manifest has its checksum."""
    content = Path(name).read_bytes()
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            checksum = archive.comment.decode("ascii", "replace")
            members = {member: archive.read(member) for member in archive.namelist()}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise ArtifactDamagedError(name, f"it is not a whole artifact: {error}") from None
    except MemoryError:
        raise
    except Exception as error:
        # Whatever the libraries say that unpack it.
        raise ArtifactDamagedError(name, f"a member cannot be unpacked: {error}") from None
    text = members.get(_MANIFEST)
    if text is None:
        raise ArtifactDamagedError(name, f"`{_MANIFEST}` is missing", expected=_MANIFEST)
    actual = sha256(text).hexdigest()
    if actual != checksum:
        raise ArtifactDamagedError(
            name, f"`{_MANIFEST}` is not what was written", expected=checksum, actual=actual
        )
    return members


@cache
def version() -> str:
    """The version of Oxide that runs."""
    try:
        return version_of("oxide-kernels")
    except PackageNotFoundError:
        return "not installed"
