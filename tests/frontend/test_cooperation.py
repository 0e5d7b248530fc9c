"""Atomics, fences, barriers, warps, assertions and `unsafe`: what they become, what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import body_of, findings, kernel, lines, reading, refusals
from oxide_analyzer.ir.show import show


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("atomic.sub(bins, n, 3)", "%1 = atomic sub bins[i64(n)], (u32 3)  @0"),
        (
            "r = atomic.max(bins, 0, u, scope='block', order='acq_rel')",
            "%1 = atomic max bins[0], u scope=block order=acq_rel  @0\nr: u32 = %1",
        ),
        ("atomic.and_(target=bins, index=0, value=u)", "%1 = atomic and_ bins[0], u  @0"),
        (
            "r = atomic.compare_exchange(bins, 0, 1, u)",
            "%1 = atomic compare_exchange bins[0], (u32 1), u  @0\nr: u32 = %1",
        ),
        (
            "r = atomic.load(bins, 0, order='acquire')",
            "%1 = atomic load bins[0] order=acquire  @0\nr: u32 = %1",
        ),
        (
            "atomic.store(bins, 0, 1, scope='system', order='release')",
            "atomic store bins[0], (u32 1) scope=system order=release  @0",
        ),
        ("fence()\nfence('block')", "fence device  @0\nfence block  @1"),
        ("sync_warp()", "warp sync_warp  @0"),
        ("sync_warp(mask=0xff)", "warp sync_warp mask=(u32 255)  @0"),
        ("sync_warp(None)", "warp sync_warp  @0"),
        ("r = warp.lane + 1", "r: i64 = (lane.x + 1)"),
        (
            "r = warp.shuffle(s, n, width=8, mask=u)",
            "%1 = warp shuffle s, i64(n), mask=u, width=8  @0\nr: f32 = %1",
        ),
        ("r = warp.shuffle_xor(flag, 1)", "%1 = warp shuffle_xor flag, 1  @0\nr: bool = %1"),
        ("r = warp.any(n)", "%1 = warp any (n != (i32 0))  @0\nr: bool = %1"),
        ("r = warp.ballot(n > 0)", "%1 = warp ballot (n > (i32 0))  @0\nr: u32 = %1"),
        ("r = warp.match_all(s)", "%1 = warp match_all s  @0\nr: u32 = %1"),
        ("r = warp.reduce_and(u)", "%1 = warp reduce_and u  @0\nr: u32 = %1"),
        (
            "r = warp.scan_max(x64, exclusive=True, mask=None)",
            "%1 = warp scan_max x64, exclusive  @0\nr: f64 = %1",
        ),
        ("assert n > 0", "assert (n > (i32 0)), ''  @0"),
        ("assert n, 'rows'", "assert (n != (i32 0)), 'rows'  @0"),
        (
            "with unsafe('why'):\n    ints[n] = 1",
            "unsafe 'why':  @0\n  store ints[i64(n)] = (i32 1)  @1",
        ),
    ],
)
def test_read(body: str, expected: str) -> None:
    assert body_of(body) == expected


def test_result_of_a_literal_gives_way_as_the_literal_does() -> None:
    assert body_of("acc = 0\nacc += warp.shuffle_down(acc, 16)\nacc += n") == lines(
        """
        acc: i32 = (i32 0)
        %1 = warp shuffle_down acc, 16  @0
        acc: i32 = (acc + %1)
        acc: i32 = (acc + n)
        """
    )


def test_condition_of_an_assert_guards_what_stands_right() -> None:
    assert body_of("assert n < len(a) and a[n] > 0, 'positive'") == lines(
        """
        if (i64(n) < a.shape[0]):
          %1 = load a[i64(n)]  @0
          %2: bool = (%1 > 0.0)
        else:
          %2: bool = False
        assert %2, 'positive'  @1
        """
    )


def test_unsafe_in_a_helper_that_returns_in_it() -> None:
    made = kernel(
        """
        from oxide import *
        @device
        def first(a: Slice[f32], n: i32) -> f32:
            with unsafe("the host never passes an empty slice"):
                if n > 0:
                    return a[0]
                return 0.0
        @kernel(cooperative=True)
        def k(a: Slice[f32], out: DisjointSlice[f32], n: i32):
            with unsafe("one thread"):
                out[0] = first(a, n)
            grid_sync()
            for i in range(n):
                with unsafe("leaves the loop"):
                    break
        """
    )
    assert lines(show(made).partition("\n")[2]) == lines(
        """
        cooperative
        unsafe 'one thread':  @0
          inline first #0:
            unsafe 'the host never passes an empty slice':  @1
              if (n > (i32 0)):
                %1 = load a[0]  @2
                return: f32 = %1
                leave #0
              return: f32 = 0.0
          store out[0] = return  @3
        grid barrier  @4
        for i in range(0, i64(n), 1):
          unsafe 'leaves the loop':  @5
            break
        """
    )


def test_shared_memory_has_atomics() -> None:
    found = body_of("t = SharedArray(u32, 4)\natomic.exchange(t, 0, u)")
    assert found == "%1 = atomic exchange t[0], u  @0"


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("atomic.load(bins, 0, order='release')", "OX003 `atomic.load` cannot release"),
        ("atomic.load(bins, 0, order='acq_rel')", "OX003 `atomic.load` cannot release"),
        ("atomic.store(bins, 0, 1, order='acquire')", "OX003 `atomic.store` cannot acquire"),
        ("r = atomic.store(bins, 0, 1)", "OX003 `atomic.store(bins, 0, 1)` gives no value"),
        ("atomic.add(bins, 0)", "OX003 `atomic.add` needs value"),
        ("atomic.add(bins, 0, 1, 2)", "OX003 `atomic.add` is called with 4 arguments"),
        ("atomic.add(bins, 0, 1, scopes='block')", "OX003 `atomic.add` has no such keyword left"),
        ("atomic.add(bins, 0, 1, value=1)", "OX003 `atomic.add` has no such keyword left"),
        ("atomic.add(bins, 0, 1, scope='warp')", 'OX003 scope is one of "block", "device"'),
        ("atomic.add(bins, 0, 1, order=1)", 'OX003 order is one of "relaxed", "acquire"'),
        ("atomic.add(bins, 0, s)", "OX003 an element of `bins` is u32, the value is f32"),
        ("atomic.add(bins, 0, *a)", "OX002 kernels have no starred arguments"),
        ("atomic.add(out, 0, 1)", "OX003 `out` is a `DisjointSlice`; atomics change"),
        ("atomic.add(n, 0, 1)", "OX003 `n` is not an array; atomics change"),
        (
            "t = SharedArray(f32, 4)\natomic.xor(t, 0, 1)",
            "OX003 `t` holds f32; `atomic.xor` is for integers",
        ),
        (
            "t = SharedArray(i32, 4)\natomic.inc(t, 0, 1)",
            "OX003 `t` holds i32; `atomic.inc` is for unsigned integers, such as `u32`",
        ),
        (
            "t = SharedArray(bool, 4)\natomic.load(t, 0)",
            "OX003 `t` holds bool; atomics are of 32 and 64 bits, such as `u32`",
        ),
        ("fence('warp')", 'OX003 scope is one of "block", "device"'),
        ("sync_warp(s)", "OX003 a mask is u32, the value is f32; write `u32(s)`"),
        ("sync_warp(-1)", "OX003 literal -1 does not fit a mask, which is u32"),
        ("sync_warp(n)", "OX003 a mask is u32, the value is i32; write `u32(n)`"),
        ("r = sync_warp()", "OX003 `sync_warp()` gives no value"),
        ("warp.shuffle(s)", "OX003 `warp.shuffle` needs lane"),
        ("warp.shuffle(s, s)", "OX003 `lane` is an integer, the value is f32"),
        ("warp.shuffle(a, 1)", "OX003 `a` is an array of f32; arithmetic is by element"),
        ("warp.shuffle(s, 1, width=3)", "OX003 `width` is a literal 1, 2, 4, 8, 16 or 32"),
        ("warp.shuffle(s, 1, width=n)", "OX003 `width` is a literal 1, 2, 4, 8, 16 or 32"),
        ("warp.scan_add(s, exclusive=1)", "OX003 `exclusive` is `True` or `False`"),
        ("warp.any(n, width=8)", "OX003 `warp.any` has no such keyword left"),
        ("warp.any(s)", "OX003 a condition is bool or an integer, the value is f32"),
        ("warp.reduce_add(flag)", "OX003 `warp.reduce_add` of a bool; write `i32(flag)`"),
        ("warp.reduce_xor(s)", "OX003 `warp.reduce_xor` is for integers, the value is f32"),
        ("r = warp.shuffel(s, 1)", "OX004 there is no `warp.shuffel`; did you mean `warp.shuf"),
        ("assert (n > 0, 'x')", "OX002 this tuple is always true"),
        ("assert n, n", "OX002 the message of an `assert` is a literal string"),
        ("assert a", "OX003 `a` is an array of f32, not a number"),
        ("with unsafe(): pass", "OX702 `unsafe` without a reason"),
        ("with unsafe: pass", "OX702 `unsafe` without a reason"),
        ("with unsafe('  '): pass", "OX702 `unsafe` without a reason"),
        ("with unsafe(n): pass", "OX702 the reason of `unsafe` is one literal string"),
        ("with unsafe(f'{n}'): pass", "OX702 the reason of `unsafe` is one literal string"),
        ("with unsafe('a', 'b'): pass", "OX702 the reason of `unsafe` is one literal string"),
        ("with unsafe('a') as q: pass", "OX002 `unsafe` gives no value; leave out `as`"),
        ("with unsafe('a'), unsafe('b'): pass", "OX002 a kernel's `with` has one item"),
        ("with open('f'): pass", "OX002 kernels have no `with`, save `with unsafe("),
        ("with foo: pass", "OX004 `foo` is not defined"),
        ("r = unsafe('a')", "OX002 `unsafe` is for the head of a `with`"),
        ("r = unsafe + 1", "OX003 `unsafe` is a region of a with statement, not a number"),
    ],
)
def test_refused(body: str, finding: str) -> None:
    found = refusals(body)
    assert len(found) == 1, found
    assert finding in found[0]


def test_cooperative_is_a_literal() -> None:
    (found,) = findings("from oxide import *\nC = True\n@kernel(cooperative=C)\ndef k(): pass\n")
    assert "OX404 `cooperative` is `True` or `False`" in found


@pytest.mark.parametrize(
    ("decorator", "edited"),
    [
        ("@kernel", "@kernel(cooperative=True)"),
        ("@kernel()", "@kernel(cooperative=True)"),
        (
            "@kernel(requires=lambda a: len(a) > 1, block=32)",
            "@kernel(requires=lambda a: len(a) > 1, block=32, cooperative=True)",
        ),
    ],
)
def test_grid_sync_wants_a_cooperative_kernel(decorator: str, edited: str) -> None:
    text = (
        "from oxide import *\n@device\ndef meet():\n    grid_sync()\n"
        f"{decorator}\ndef k(a: Slice[f32]):\n    meet()\n"
    )
    found = reading(text)
    (diagnostic,) = found.diagnostics
    assert (diagnostic.span.line, diagnostic.code) == (4, "OX204")
    assert len(found.kernels) == 1
    (edit,) = diagnostic.fixes[0].edits
    line = text.splitlines()[edit.span.line - 1]
    assert line[: edit.span.column - 1] + edit.text + line[edit.span.column - 1 :] == edited
    assert reading(text.replace(decorator, edited)).diagnostics == ()
