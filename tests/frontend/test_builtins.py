"""The table of names agrees with what the frontend reads."""

from __future__ import annotations

import pytest

from frontend.reading import in_kernel, reading
from oxide_analyzer.language.builtins import BUILTINS, BuiltinKind, Origin, lookup, member

USES = {
    BuiltinKind.SCALAR: "r = {}(n)",
    BuiltinKind.VALUE: "r = {}",
    BuiltinKind.ITERATOR: "for i in {}(n): pass",
}
CALLS = {
    "breakpoint": "breakpoint()",
    "thread.index_1d": "r = thread.index_1d()",
    "thread.index_2d": "r = thread.index_2d()",
    "thread.index_3d": "r = thread.index_3d()",
    "dynamic_shared": "r = dynamic_shared(f32)",
    "sync_threads": "sync_threads()",
    "sync_warp": "sync_warp(0xff)",
    "grid_sync": "grid_sync()",
    "fence": "fence('block')",
    "async_copy": "async_copy(SharedArray(f32, 4), 0, a, 0, 4)",
    "async_commit": "async_commit()",
    "async_wait": "async_wait(1)",
    "mma.FragmentA": "r = mma.FragmentA(bf16, 32)",
    "mma.FragmentB": "r = mma.FragmentB(f16, 8)",
    "mma.Accumulator": "r = mma.Accumulator(16, 8)",
    "mma.load": "mma.load(mma.FragmentA(bf16, 16), SharedArray(bf16, (16, 16)), 0, 0)",
    "mma.multiply_add": "mma.multiply_add(mma.Accumulator(16, 8), mma.FragmentA(f16, 16), "
    "mma.FragmentB(f16, 8))",
    "mma.fill": "mma.fill(mma.Accumulator(16, 8), s)",
    "mma.store": "mma.store(SharedArray(bf16, (16, 8)), 0, 0, mma.Accumulator(16, 8))",
    "unsafe": "with unsafe('why'): pass",
    "atomic.load": "r = atomic.load(bins, 0)",
    "atomic.compare_exchange": "r = atomic.compare_exchange(bins, 0, 1, 2)",
    "atomic.store": "atomic.store(bins, 0, 1)",
    "warp.lane": "r = warp.lane",
    "warp.index": "r = warp.index",
    "warp.count": "r = warp.count",
    "len": "r = len(a)",
    "min": "r = min(n, 2)",
    "max": "r = max(n, 2)",
    "abs": "r = abs(n)",
    "clz": "r = clz(n)",
    "popc": "r = popc(u)",
    "brev": "r = brev(k)",
    "fma": "r = fma(s, s, s)",
    "math.fma": "r = math.fma(s, s, s)",
    "math.fmod": "r = math.fmod(s, x64)",
    "rsqrt": "r = rsqrt(s)",
    "math.remainder": "r = math.remainder(s, 2)",
    "math.hypot": "r = math.hypot(s, x64)",
    "math.pow": "r = math.pow(s, x64)",
    "math.ldexp": "r = math.ldexp(s, n)",
    "math.atan2": "r = math.atan2(s, 1)",
    "math.copysign": "r = math.copysign(s, -1.0)",
    "select": "r = select(n < 2, s, 1.0)",
    "divmod": "q, r = divmod(n, 3)",
    "pow": "r = pow(s, 2)",
    "round": "r = round(s)",
    "print": "print(f'{n} {s}', k)",
    "SharedArray": "r = SharedArray(f32, 4)",
    "LocalArray": "r = LocalArray(f32, 4)",
}


def _use(name: str) -> str | None:
    row = BUILTINS[name]
    if name in CALLS:
        return CALLS[name]
    if name.startswith("fast."):
        return f"r = {name}(s{', 2' if name == 'fast.pow' else ''})"
    if name.startswith("math.") and BUILTINS[name].kind is BuiltinKind.FUNCTION:
        return f"r = {name}(s)"
    if name.startswith("atomic."):
        return f"r = {name}(bins, 0, 1)"
    if name.startswith(("block.reduce", "block.scan")):
        return f"r = {name}(n)"
    if name.startswith("warp."):
        shuffled = ", 1" if "shuffle" in name else ""
        return f"r = {name}(n{shuffled})"
    return USES[row.kind].format(name) if row.kind in USES else None


@pytest.mark.parametrize("name", [name for name in BUILTINS if _use(name)])
def test_row_is_read(name: str) -> None:
    body = _use(name)
    assert body is not None
    text = in_kernel(body).replace("@kernel\n", "@kernel(cooperative=True)\n")
    assert [d.message for d in reading(text).diagnostics] == []


def test_rows_without_a_use_are_types_namespaces_and_decorators() -> None:
    kinds = {BUILTINS[name].kind for name in BUILTINS if _use(name) is None}
    assert kinds <= {
        BuiltinKind.SLICE,
        BuiltinKind.SCRATCH,
        BuiltinKind.NAMESPACE,
        BuiltinKind.FACT,
        BuiltinKind.DECORATOR,
        BuiltinKind.MARKER,
    }


def test_rows_say_something() -> None:
    for row in BUILTINS.values():
        assert row.documentation
        assert row.short_name in row.signature
        assert "\n" not in row.documentation


def test_lookup() -> None:
    thread = lookup("thread")
    assert thread is not None
    assert member(thread, "x") is lookup("thread.x")
    assert lookup("nope") is None
    assert BUILTINS["math.pi"].origin is Origin.MATH
