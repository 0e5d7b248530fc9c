"""Work that is described first and done later, by `.sync()`, `.sync_on(stream)` or `await`.

from oxide import operations as ops

x = ops.upload(samples)
y = blur.prepare(grid=64, block=256).op(x, ops.zeros(n, f32))
result = await ops.download(y)
"""

from oxide_codegen.collectives.environment import processes
from oxide_codegen.collectives.group import Group
from oxide_codegen.errors import GraphError, OperationUsedError
from oxide_codegen.operations.collectives import all_gather, all_reduce, broadcast
from oxide_codegen.operations.graphs import Graph
from oxide_codegen.operations.operation import (
    DeviceOperation,
    host,
    on,
    unzip,
    value,
    with_context,
    zip_ops,
)
from oxide_codegen.operations.running import Context
from oxide_codegen.operations.scheduling import Policy, RoundRobin, SingleStream, policy, set_policy
from oxide_codegen.operations.transfers import clear, copy, download, empty, upload, zeros

__all__ = [
    "Context",
    "DeviceOperation",
    "Graph",
    "GraphError",
    "Group",
    "OperationUsedError",
    "Policy",
    "RoundRobin",
    "SingleStream",
    "all_gather",
    "all_reduce",
    "broadcast",
    "clear",
    "copy",
    "download",
    "empty",
    "host",
    "on",
    "policy",
    "processes",
    "set_policy",
    "unzip",
    "upload",
    "value",
    "with_context",
    "zeros",
    "zip_ops",
]
