"""Which process of how many this is, as launchers say it in environment variables.

    torchrun, or by hand    RANK                  WORLD_SIZE            LOCAL_RANK
    mpirun of Open MPI      OMPI_COMM_WORLD_RANK  OMPI_COMM_WORLD_SIZE  OMPI_COMM_WORLD_LOCAL_RANK
    mpirun of MPICH         PMI_RANK              PMI_SIZE              MPI_LOCALRANKID
    srun                    SLURM_PROCID          SLURM_NTASKS          SLURM_LOCALID

They meet at MASTER_ADDR and MASTER_PORT, by default on this machine. torchrun itself listens on
that port, so under it the next one is taken.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_codegen.errors import CollectiveError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAUNCHERS = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
)
_DEFAULT_PORT = 29511


@dataclass(frozen=True, slots=True)
class Place:
    """Process `process` of `count`, the `local`-th on its machine, and where all meet."""

    process: int
    count: int
    local: int
    address: str
    port: int


def processes() -> int:
    """How many processes a launcher has started to run this program together; 1 without one."""
    launched = any(rank in os.environ and size in os.environ for rank, size, _ in _LAUNCHERS)
    return place(os.environ).count if launched else 1


def place(variables: Mapping[str, str]) -> Place:
    """What the launcher says; `CollectiveError` if there is none, or it says nothing sensible."""
    for rank, size, local in _LAUNCHERS:
        if rank in variables and size in variables:
            process, count = _number(variables, rank), _number(variables, size)
            if not 0 <= process < count:
                raise CollectiveError(f"{rank} is {process} and {size} {count}: there is none such")
            here = _number(variables, local) if local in variables else process
            return Place(process, count, here, *_meeting_place(variables))
    raise CollectiveError(
        "this process is not one of several: RANK and WORLD_SIZE are not set; start it with "
        "torchrun, mpirun or srun, or set them"
    )


def _meeting_place(variables: Mapping[str, str]) -> tuple[str, int]:
    address = variables.get("MASTER_ADDR", "127.0.0.1")
    if "MASTER_PORT" not in variables:
        return address, _DEFAULT_PORT
    port = _number(variables, "MASTER_PORT")
    is_taken = variables.get("TORCHELASTIC_USE_AGENT_STORE", "").lower() == "true"
    return address, port + 1 if is_taken else port


def _number(variables: Mapping[str, str], name: str) -> int:
    text = variables[name]
    if not (text.isascii() and text.isdigit()):
        raise CollectiveError(f"{name} wants a number, got {text!r}")
    return int(text)
