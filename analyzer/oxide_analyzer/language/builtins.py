"""Every name that a kernel may use: one row a name.

The frontend resolves names to these rows, hover and documentation print them. A name of the
package `oxide` stands as it is written there (`f32`, `thread.index_1d`), one of the module `math`
with its module (`math.sqrt`), one of Python's own built-in functions bare (`min`).
"""

from __future__ import annotations

from oxide_analyzer.language import cooperation, functions, tiles
from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect, Origin

__all__ = [
    "BUILTINS",
    "HOST_NAMES",
    "PLANNED_NAMES",
    "Builtin",
    "BuiltinKind",
    "Effect",
    "Origin",
    "lookup",
    "member",
    "members_of",
    "names_of",
]


def lookup(name: str) -> Builtin | None:
    """The row of `name`: `thread.x`, `f32`, `math.sqrt`, `min`."""
    return BUILTINS.get(name)


def member(namespace: Builtin, attribute: str) -> Builtin | None:
    """The row of `namespace.attribute`."""
    return BUILTINS.get(f"{namespace.name}.{attribute}")


def names_of(origin: Origin) -> tuple[str, ...]:
    """The names that `origin` offers, without the prefix of `math`; dotted ones left out."""
    prefix = "math." if origin is Origin.MATH else ""
    names = (row.name.removeprefix(prefix) for row in BUILTINS.values() if row.origin is origin)
    return tuple(name for name in names if "." not in name)


def members_of(namespace: Builtin) -> tuple[str, ...]:
    """The attributes that `namespace` has."""
    prefix = namespace.name + "."
    return tuple(name.removeprefix(prefix) for name in BUILTINS if name.startswith(prefix))


_SCALARS = (
    ("i8", "a signed 8-bit integer; arithmetic wraps"),
    ("i16", "a signed 16-bit integer; arithmetic wraps"),
    ("i32", "a signed 32-bit integer; arithmetic wraps"),
    ("i64", "a signed 64-bit integer, the type of indices, lengths and `range`; arithmetic wraps"),
    ("u8", "an unsigned 8-bit integer; arithmetic wraps"),
    ("u16", "an unsigned 16-bit integer; arithmetic wraps"),
    ("u32", "an unsigned 32-bit integer; arithmetic wraps"),
    ("u64", "an unsigned 64-bit integer; arithmetic wraps"),
    ("f16", "an IEEE float of 16 bits; each operation is rounded to it"),
    ("bf16", "the upper half of an f32: its range, 8 bits of precision; each operation is rounded"),
    ("f32", "an IEEE float of 32 bits"),
    ("f64", "an IEEE float of 64 bits"),
)

_SLICES = (
    ("Slice", "shared and read-only for the launch"),
    ("DisjointSlice", "owned: an element that one thread writes is touched by no other"),
    ("AtomicSlice", "shared, changed through `atomic.*` only"),
)

_SCRATCH = (
    ("SharedArray", "one array for all threads of the block, undefined at its start"),
    ("LocalArray", "an array of this thread alone, undefined each time its declaration runs"),
)

_RANKS = (
    ("", ""),
    ("2D", " of two dimensions, indexed `a[row, col]`"),
    ("3D", " of three dimensions, indexed `a[plane, row, col]`"),
)

_REGISTERS = (
    ("thread", "the index of the thread in its block"),
    ("block", "the index of the block in the grid"),
    ("block_dim", "the threads of a block"),
    ("grid_dim", "the blocks of the grid"),
)


def _rows() -> list[Builtin]:
    kind = BuiltinKind
    rows = [
        Builtin(
            "kernel",
            kind.DECORATOR,
            "@kernel(block=…, domain=1|2|3, requires=lambda …, shared=…, max_threads=…, "
            "min_blocks=…, cooperative=True, cluster=…, fast_math=True)",
            "makes a function a kernel; what it declares holds for every launch",
        ),
        Builtin("device", kind.DECORATOR, "@device", "makes a function callable from kernels"),
        Builtin(
            "struct",
            kind.DECORATOR,
            "@struct",
            "makes a class a record of numbers that kernels take and make by value",
        ),
    ]
    rows.append(
        Builtin(
            "Const",
            kind.MARKER,
            "Const[int]",
            "an argument that is known when the kernel is compiled: one specialisation per value",
        )
    )
    rows += [
        Builtin(name, kind.SCALAR, f"{name}(x)", f"{doc}; called, it converts")
        for name, doc in _SCALARS
    ]
    rows += [
        Builtin(name + suffix, kind.SLICE, f"{name}{suffix}[T]", f"array{dimensions}: {doc}")
        for name, doc in _SLICES
        for suffix, dimensions in _RANKS
    ]
    for name, doc in _SCRATCH:
        rows.append(
            Builtin(name, kind.SCRATCH, f"{name}(T, shape)", doc, Effect.ALLOCATES),
        )
        rows += [
            Builtin(
                f"{name}{n}D",
                kind.SCRATCH,
                f"{name}{n}D[T]",
                f"a `{name}` of {word} dimensions, as the type of a parameter",
            )
            for n, word in ((2, "two"), (3, "three"))
        ]
    rows.append(
        Builtin(
            "dynamic_shared",
            kind.SCRATCH,
            "dynamic_shared(T)",
            "shared memory of as many bytes as the launch has (`shared=`), once for each kernel",
            Effect.ALLOCATES,
        )
    )
    for name, doc in _REGISTERS:
        rows.append(Builtin(name, kind.NAMESPACE, name, f"{doc}: `.x`, `.y` and `.z`"))
        rows += [
            Builtin(f"{name}.{axis}", kind.VALUE, f"{name}.{axis}: i64", f"{doc}, along {axis}")
            for axis in "xyz"
        ]
    rows += [
        Builtin(
            "thread.index_1d",
            kind.FUNCTION,
            "thread.index_1d() -> i64",
            "the thread's index in the grid: `block.x * block_dim.x + thread.x`",
        ),
        Builtin(
            "thread.index_2d",
            kind.FUNCTION,
            "thread.index_2d() -> tuple[i64, i64]",
            "the thread's (row, col) in the grid: row along y, col along x",
        ),
        Builtin(
            "thread.index_3d",
            kind.FUNCTION,
            "thread.index_3d() -> tuple[i64, i64, i64]",
            "the thread's (plane, row, col) in the grid: along z, y and x",
        ),
        Builtin(
            "grid_stride",
            kind.ITERATOR,
            "for i in grid_stride(n)",
            "this thread's share of 0 … n: from `thread.index_1d()` in steps of the grid's threads",
        ),
    ]
    rows.append(
        Builtin(
            "unsafe",
            kind.REGION,
            'with unsafe("why it holds"):',
            "lifts the obligations of what lies inside; the reason is a literal string",
        )
    )
    rows += [
        Builtin(
            "injective",
            kind.FACT,
            "requires=lambda idx: injective(idx)",
            "no two elements of `idx` are equal; checked on the device when a launch starts",
        ),
        Builtin(
            "within",
            kind.FACT,
            "requires=lambda idx, n: within(idx, 0, n)",
            "`low <= idx[i] < high` for every element; checked on the device when a launch starts",
        ),
    ]
    rows += cooperation.rows()
    rows += tiles.rows()
    rows += functions.rows()
    rows += [
        Builtin(f"math.{name}", row_kind, signature, doc, origin=Origin.MATH)
        for name, row_kind, signature, doc in (
            ("inf", kind.VALUE, "math.inf", "infinity, a literal"),
            ("nan", kind.VALUE, "math.nan", "not a number, a literal"),
            ("pi", kind.VALUE, "math.pi", "3.14159…, a literal"),
            ("e", kind.VALUE, "math.e", "2.71828…, a literal"),
            ("tau", kind.VALUE, "math.tau", "6.28318…, a literal"),
        )
    ]
    rows += [
        Builtin(name, row_kind, signature, doc, origin=Origin.PYTHON)
        for name, row_kind, signature, doc in (
            ("int", kind.SCALAR, "int(x) -> i64", "i64; called, it converts"),
            ("bool", kind.SCALAR, "bool(x)", "True or False; called, it is `x != 0`"),
            ("len", kind.FUNCTION, "len(a) -> i64", "`a.shape[0]`"),
            (
                "min",
                kind.FUNCTION,
                "min(x, y, …)",
                "the smallest; of floats, never NaN if one is not",
            ),
            (
                "max",
                kind.FUNCTION,
                "max(x, y, …)",
                "the largest; of floats, never NaN if one is not",
            ),
            ("abs", kind.FUNCTION, "abs(x)", "the magnitude; of the smallest integer, itself"),
            ("range", kind.ITERATOR, "for i in range(start, stop, step)", "counts in i64"),
        )
    ]
    return rows


BUILTINS: dict[str, Builtin] = {row.name: row for row in _rows()}

# What `oxide` offers on the host: in a kernel these are host objects, not unknown names.
HOST_NAMES = frozenset(
    {
        "CheckError",
        "DeviceBuffer",
        "DeviceError",
        "HostArray",
        "KernelAssertion",
        "KernelIndexError",
        "LaunchError",
        "Module",
        "OxideError",
        "Stream",
        "asarray",
        "empty",
        "from_dlpack",
        "load",
        "managed",
        "memory_resource",
        "pinned",
        "set_memory_resource",
        "zeros",
    }
)

# Named by the language's design, not by this version of it.
PLANNED_NAMES = frozenset(
    {
        "bool_",
    }
)
