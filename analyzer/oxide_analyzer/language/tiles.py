"""The names for tiles: asynchronous copies to shared memory."""

from __future__ import annotations

from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect


def rows() -> list[Builtin]:
    """The rows, in the order of the documentation."""
    kind = BuiltinKind
    return [
        Builtin(
            "async_copy",
            kind.FUNCTION,
            "async_copy(target, target_index, source, source_index, count)",
            "starts to copy `count` neighbours, of 4, 8 or 16 bytes, from a `Slice` to a "
            "`SharedArray`",
            Effect.COPIES,
        ),
        Builtin(
            "async_commit",
            kind.FUNCTION,
            "async_commit()",
            "makes the thread's copies since its last commit one group",
            Effect.COPIES,
        ),
        Builtin(
            "async_wait",
            kind.FUNCTION,
            "async_wait(pending=0)",
            "waits until all of the thread's groups but the last `pending` are copied",
            Effect.COPIES,
        ),
    ]
