"""The names by which threads act together: barriers, fences, warps and atomics."""

from __future__ import annotations

from oxide_analyzer.language.row import Builtin, BuiltinKind, Effect

_MASKED = "*, mask=None"
_SEGMENT = "*, width=32, mask=None"
_ORDERED = '*, scope="device", order="relaxed"'

_MEETINGS = (
    (
        "sync_threads",
        "sync_threads()",
        "waits until all threads of the block are here; orders what they did before it",
        Effect.SYNCHRONISES,
    ),
    (
        "sync_warp",
        "sync_warp(mask=None)",
        "waits until the lanes of the warp are here; orders what they did before it",
        Effect.SYNCHRONISES,
    ),
    (
        "grid_sync",
        "grid_sync()",
        "waits until all threads of the grid are here; needs `@kernel(cooperative=True)`",
        Effect.SYNCHRONISES,
    ),
    (
        "fence",
        'fence(scope="device")',
        "what this thread did before is seen by the threads of `scope` before what it does after",
        Effect.ORDERS,
    ),
)

_SHUFFLES = (
    ("shuffle", "lane", "the `v` of lane `lane`"),
    ("shuffle_up", "delta", "the `v` of the lane `delta` below; past the first, the own one"),
    ("shuffle_down", "delta", "the `v` of the lane `delta` above; past the last, the own one"),
    ("shuffle_xor", "bits", "the `v` of the lane whose number differs in `bits`"),
)

_VOTES = (
    ("any", "bool", "whether `p` holds in some lane of the warp"),
    ("all", "bool", "whether `p` holds in every lane of the warp"),
    ("ballot", "u32", "one bit for each lane of the warp: whether `p` holds there"),
)

_MATCHES = (
    ("match_any", "the lanes whose `v` equals the own one, a bit for each"),
    ("match_all", "the lanes that take part, a bit for each, if all have one `v`; else 0"),
)

_REDUCTIONS = (
    ("add", "the sum of `v` over the {0}"),
    ("min", "the smallest `v` of the {0}"),
    ("max", "the largest `v` of the {0}"),
    ("and", "the bits that are set in the `v` of all {0}"),
    ("or", "the bits that are set in the `v` of some of the {0}"),
    ("xor", "the bits that are set in the `v` of an odd number of {0}"),
)

_SCANS = (
    ("add", "the sum of `v` over this {0} and those below"),
    ("min", "the smallest `v` of this {0} and those below"),
    ("max", "the largest `v` of this {0} and those below"),
)

_UPDATES = (
    ("add", "adds `value` to an element of an `AtomicSlice` or `SharedArray`"),
    ("sub", "subtracts `value` from an element"),
    ("min", "makes an element the smaller of itself and `value`"),
    ("max", "makes an element the larger of itself and `value`"),
    ("and_", "clears the bits of an element that `value` has not set"),
    ("or_", "sets the bits of an element that `value` has set"),
    ("xor", "flips the bits of an element that `value` has set"),
    ("exchange", "puts `value` into an element"),
    ("inc", "counts an unsigned element up, and from `value` or above on to 0"),
    ("dec", "counts an unsigned element down, and from 0 or above `value` on to `value`"),
)


def rows() -> list[Builtin]:
    """The rows, in the order of the documentation."""
    meetings = (
        Builtin(name, BuiltinKind.FUNCTION, signature, text, effect)
        for name, signature, text, effect in _MEETINGS
    )
    return [*meetings, *_warp(), *_block(), *_atomic()]


def _warp() -> list[Builtin]:
    kind = BuiltinKind
    found = [
        Builtin("warp", kind.NAMESPACE, "warp", "what the 32 threads of a warp do together"),
        Builtin("warp.lane", kind.VALUE, "warp.lane: i64", "the thread's place in its warp"),
        Builtin("warp.index", kind.VALUE, "warp.index: i64", "the warp's place in its block"),
        Builtin("warp.count", kind.VALUE, "warp.count: i64", "how many warps a block has"),
    ]
    signatures = [(name, f"v, {lane}, {_SEGMENT}", "T", text) for name, lane, text in _SHUFFLES]
    signatures += [(name, f"p, {_MASKED}", result, text) for name, result, text in _VOTES]
    signatures += [(name, f"v, {_MASKED}", "u32", text) for name, text in _MATCHES]
    signatures += [
        (f"reduce_{name}", f"v, {_SEGMENT}", "T", f"{text.format('lanes')}, in every lane")
        for name, text in _REDUCTIONS
    ]
    signatures += [
        (f"scan_{name}", "v, *, exclusive=False, width=32, mask=None", "T", text.format("lane"))
        for name, text in _SCANS
    ]
    found += [
        Builtin(
            f"warp.{name}",
            kind.FUNCTION,
            f"warp.{name}({parameters}) -> {result}",
            text,
            Effect.CONVERGES,
        )
        for name, parameters, result, text in signatures
    ]
    return found


def _block() -> list[Builtin]:
    """What a block does together; the namespace is that of its index."""
    signatures = [
        (f"reduce_{name}", "v", f"{text.format('threads of the block')}, in every thread")
        for name, text in _REDUCTIONS
    ]
    signatures += [
        (f"scan_{name}", "v, *, exclusive=False", f"{text.format('thread')} in the block")
        for name, text in _SCANS
    ]
    return [
        Builtin(
            f"block.{name}",
            BuiltinKind.FUNCTION,
            f"block.{name}({parameters}) -> T",
            f"{text}; all threads of the block come here",
            Effect.SYNCHRONISES,
        )
        for name, parameters, text in signatures
    ]


def _atomic() -> list[Builtin]:
    signatures = [
        (name, f"target, index, value, {_ORDERED}", " -> T", f"{text}; gives the old value")
        for name, text in _UPDATES
    ]
    signatures += [
        (
            "compare_exchange",
            f"target, index, expected, value, {_ORDERED}",
            " -> T",
            "puts `value` into an element that equals `expected`; gives the old value",
        ),
        ("load", f"target, index, {_ORDERED}", " -> T", "reads an element whole"),
        ("store", f"target, index, value, {_ORDERED}", "", "writes an element whole"),
    ]
    namespace = Builtin("atomic", BuiltinKind.NAMESPACE, "atomic", "changes of memory as one step")
    return [
        namespace,
        *(
            Builtin(
                f"atomic.{name}",
                BuiltinKind.FUNCTION,
                f"atomic.{name}({parameters}){result}",
                text,
                Effect.ATOMIC,
            )
            for name, parameters, result, text in signatures
        ),
    ]
