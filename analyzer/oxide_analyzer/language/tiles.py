"""The names for tiles: asynchronous copies to shared memory, and matrix fragments."""

from __future__ import annotations

from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect

_MATRIX = (
    (
        "FragmentA",
        "T, rows",
        "a matrix of `rows` × 16 numbers, `bf16` or `f16`, that the lanes of a warp hold",
        Effect.ALLOCATES,
    ),
    (
        "FragmentB",
        "T, columns",
        "a matrix of 16 × `columns` numbers, `bf16` or `f16`, that the lanes of a warp hold",
        Effect.ALLOCATES,
    ),
    (
        "Accumulator",
        "rows, columns",
        "a matrix of `rows` × `columns` f32, zeros at first, that the lanes of a warp hold",
        Effect.ALLOCATES,
    ),
    (
        "load",
        "fragment, source, row, col, *, transposed=False",
        "loads a fragment from a matrix, from the element `source[row, col]` on",
        Effect.CONVERGES,
    ),
    (
        "multiply_add",
        "acc, a, b",
        "adds the product of two fragments to an accumulator",
        Effect.CONVERGES,
    ),
    ("fill", "acc, value", "gives every element of an accumulator one value", Effect.NONE),
    (
        "store",
        "target, row, col, acc",
        "stores an accumulator to a matrix, from the element `target[row, col]` on",
        Effect.NONE,
    ),
)


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
        Builtin("mma", kind.NAMESPACE, "mma", "products of small matrices that a warp makes"),
        *(
            Builtin(f"mma.{name}", kind.FUNCTION, f"mma.{name}({parameters})", text, effect)
            for name, parameters, text, effect in _MATRIX
        ),
    ]
