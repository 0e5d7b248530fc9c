"""Kernels that hand data on by flags and tickets, and are wrong in one respect: none is proved.

Beside each stands the right one, which is: so the test can fail both ways.
"""

from __future__ import annotations

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

PROLOGUE = """
from oxide import (
    AtomicSlice, DisjointSlice, SharedArray, Slice, atomic, block, f32, fence, grid_dim, i32, i64,
    injective, kernel, sync_threads, thread, u32, unsafe, within,
)
"""

FLAG = """
@kernel(block=32, domain=1, requires=lambda a, data, flag: len(a) >= grid_dim.x
        and len(data) >= grid_dim.x and len(flag) >= grid_dim.x and within(flag, 0, 1))
def k(a: Slice[f32], data: DisjointSlice[f32], flag: AtomicSlice[u32], out: DisjointSlice[f32]):
    if thread.x == 0:
        data[block.x] = a[block.x]
        fence()
        atomic.store(flag, block.x, 1)
        if block.x > 0:
            while atomic.load(flag, block.x - 1) == 0:
                pass
            fence()
            if block.x < len(out):
                out[block.x] = data[block.x - 1]
"""

BLOCKS = """
@kernel(block=32, domain=1, requires=lambda a, data, flag: len(a) >= grid_dim.x * 32
        and len(data) >= grid_dim.x * 32 and len(flag) >= grid_dim.x and within(flag, 0, 1))
def k(a: Slice[f32], data: DisjointSlice[f32], flag: AtomicSlice[u32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    data[i] = a[i]
    sync_threads()
    if thread.x == 0:
        atomic.store(flag, block.x, 1, order="release")
    if block.x > 0:
        if thread.x == 0:
            while atomic.load(flag, block.x - 1, order="acquire") == 0:
                pass
        sync_threads()
        if i < len(out):
            out[i] = data[i - 32]
"""

LAST = """
@kernel(block=32, domain=1, requires=lambda a, part, count, out: len(a) >= grid_dim.x * 32
        and len(part) >= grid_dim.x * 32 and len(count) == 1 and within(count, 0, 1)
        and len(out) == 1)
def k(a: Slice[f32], part: DisjointSlice[f32], count: AtomicSlice[u32], out: DisjointSlice[f32]):
    last = SharedArray(i32, 1)
    i = thread.index_1d()
    part[i] = a[i]
    sync_threads()
    if thread.x == 0:
        fence()
        ticket = atomic.add(count, 0, 1)
        last[0] = 1 if ticket == grid_dim.x - 1 else 0
        fence()
    sync_threads()
    if last[0] == 1:
        if thread.x == 0:
            s = 0.0
            for j in range(grid_dim.x * 32):
                s += part[j]
            out[0] = s
"""

APPEND = """
@kernel(domain=1, requires=lambda a, count: len(count) == 1)
def k(a: Slice[f32], count: AtomicSlice[u32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        if a[i] > 0.0:
            place = atomic.add(count, 0, 1)
            if place < len(out):
                out[place] = a[i]
"""

SCATTER = """
@kernel(domain=1, requires=lambda idx, a, out: injective(idx) and within(idx, 0, len(out))
        and len(a) == len(idx))
def k(idx: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(idx):
        out[idx[i]] = a[i]
"""

MESSAGE = """
@kernel(domain=1, requires=lambda flag, part, out: len(flag) >= 1 and len(part) >= 2
        and within(flag, 0, 1))
def k(part: DisjointSlice[i32], flag: AtomicSlice[i32], out: DisjointSlice[i32], n: i32):
    i = thread.index_1d()
    if i == n:
        part[1] = 7
        atomic.add(flag, 0, 1, order="release")
    if i > 0 and i < len(out):
        seen = atomic.load(flag, 0, order="acquire")
        if seen == 1:
            out[i] = part[1]
"""

CHAIN = """
@kernel(block=8, domain=1, requires=lambda flag, part: len(flag) >= grid_dim.x
        and len(part) >= grid_dim.x and within(flag, 0, 1))
def k(part: DisjointSlice[i32], flag: AtomicSlice[i64]):
    if thread.x == 0:
        before = 0
        if block.x > 0:
            while atomic.load(flag, block.x - 1, order="acquire") == 0:
                pass
            before = part[block.x - 1]
        part[block.x] = before + 1
        atomic.add(flag, block.x, 1, order="release")
"""

LOCK = """
@kernel(domain=1, requires=lambda part, lock: len(lock) >= 2 and len(part) >= 2
        and within(lock, 0, 1))
def k(part: DisjointSlice[i32], lock: AtomicSlice[i32], n: i32):
    while atomic.compare_exchange(lock, 0, 0, 1, order="acquire") != 0:
        pass
    if n > 3:
        part[0] += n
    part[1] = n
    atomic.store(lock, 0, 0, order="release")
"""

SPIN = """
@kernel(domain=1, block=32, requires=lambda part, lock: len(lock) >= 2 and len(part) >= 2
        and within(lock, 0, 1))
def k(part: DisjointSlice[i32], lock: AtomicSlice[i32], n: i32):
    held = i32(1)
    while held != 0:
        held = atomic.exchange(lock, 0, 1, order="acquire")
    part[0] += 1
    atomic.store(lock, 0, 0, order="release")
"""

TRY = """
@kernel(domain=1, block=32, requires=lambda part, lock: len(lock) >= 2 and len(part) >= 2
        and within(lock, 0, 1))
def k(part: DisjointSlice[i32], lock: AtomicSlice[i32], n: i32):
    for r in range(n):
        if atomic.compare_exchange(lock, 0, 0, 1, order="acquire") == 0:
            part[0] += 1
            atomic.store(lock, 0, 0, order="release")
"""

RIGHT = {
    "lock": LOCK,
    "spin": SPIN,
    "try": TRY,
    "message": MESSAGE,
    "chain": CHAIN,
    "flag": FLAG,
    "blocks": BLOCKS,
    "last": LAST,
    "append": APPEND,
    "scatter": SCATTER,
}

PUBLISH = """\
        data[block.x] = a[block.x]
        fence()
        atomic.store(flag, block.x, 1)
"""

# What is wrong, in which kernel, and the text that makes it so.
WRONG = {
    "a lock that is free already": (LOCK, "(lock, 0, 0, 1, order", "(lock, 0, 1, 1, order"),
    "a lock that is not taken": (LOCK, "0, 0, 1, order", "0, 0, 0, order"),
    "a lock with two keys": (LOCK, "atomic.store(lock, 0, 0, ", "atomic.store(lock, 0, 2, "),
    "a lock given back elsewhere": (LOCK, "atomic.store(lock, 0", "atomic.store(lock, 1"),
    "a lock for each thread": (LOCK, "(lock, 0, 0, 1", "(lock, thread.x % 2, 0, 1"),
    "a lock that is not acquired": (LOCK, '0, 0, 1, order="acquire"', "0, 0, 1"),
    "a lock that is not released": (LOCK, '0, 0, order="release"', "0, 0"),
    "a lock of the block": (LOCK, 'order="acquire"', 'order="acquire", scope="block"'),
    "a lock released to the block": (LOCK, 'order="release"', 'order="release", scope="block"'),
    "a lock left in between": (
        LOCK,
        "    part[1] = n\n",
        '    atomic.store(lock, 0, 0, order="release")\n    part[1] = n\n',
    ),
    "a lock that may be left in between": (
        LOCK,
        "        part[0] += n\n",
        '        part[0] += n\n        atomic.store(lock, 0, 0, order="release")\n',
    ),
    "access behind a lock": (
        LOCK,
        '    part[1] = n\n    atomic.store(lock, 0, 0, order="release")\n',
        '    atomic.store(lock, 0, 0, order="release")\n    part[1] = n\n',
    ),
    "access in front of a lock": (LOCK, "    while atomic", "    part[1] = 0\n    while atomic"),
    "a lock that somebody opens": (
        LOCK,
        "    while atomic",
        '    if n == 1:\n        atomic.store(lock, 0, 0, order="release")\n    while atomic',
    ),
    "a lock that somebody counts": (
        LOCK,
        "    while atomic",
        "    if thread.x == n:\n        atomic.sub(lock, 0, 1)\n    while atomic",
    ),
    "a lock that waits for the other value": (LOCK, ") != 0", ") == 0"),
    "a lock that waits for one more": (LOCK, ") != 0", ") > 1"),
    "a spin lock that need not spin": (SPIN, "held = i32(1)", "held = i32(0)"),
    "a spin lock that may not spin": (SPIN, "held = i32(1)", "held = n"),
    "a spin lock left by a break": (
        SPIN,
        'order="acquire")\n',
        'order="acquire")\n        if n == 3:\n            break\n',
    ),
    "a spin lock that counts": (SPIN, "atomic.exchange", "atomic.add"),
    "a spin lock that keeps the first": (
        SPIN,
        '        held = atomic.exchange(lock, 0, 1, order="acquire")\n',
        '        held = n - atomic.exchange(lock, 0, 1, order="acquire")\n',
    ),
    "a try lock that was not had": (TRY, "== 0:", "!= 0:"),
    "a try lock that was had or not": (TRY, "== 0:", "<= 1:"),
    "a try lock given back by anybody": (
        TRY,
        "            atomic.store",
        "        atomic.store",
    ),
    "a message of anybody": (MESSAGE, "if i == n:", "if i >= n:"),
    "a message of every block": (MESSAGE, "if i == n:", "if thread.x == n:"),
    "a message counted by others": (
        MESSAGE,
        "    if i > 0 and",
        '    if i == n + 1:\n        atomic.add(flag, 0, 1, order="release")\n    if i > 0 and',
    ),
    "a message that is not there": (MESSAGE, "seen == 1", "seen <= 1"),
    "a message sent before": (
        MESSAGE,
        '        part[1] = 7\n        atomic.add(flag, 0, 1, order="release")\n',
        '        atomic.add(flag, 0, 1, order="release")\n        part[1] = 7\n',
    ),
    "a message not released": (
        MESSAGE,
        'atomic.add(flag, 0, 1, order="release")',
        "atomic.add(flag, 0, 1)",
    ),
    "a message not acquired": (MESSAGE, 'load(flag, 0, order="acquire")', "load(flag, 0)"),
    "a message from the start": (MESSAGE, "\n        and within(flag, 0, 1)", ""),
    "a chain raised by two": (CHAIN, "if thread.x == 0:", "if thread.x < 2:"),
    "a chain raised elsewhere": (CHAIN, "atomic.add(flag, block.x, 1", "atomic.add(flag, 0, 1"),
    "a chain not waited for": (CHAIN, "== 0:", "== 5:"),
    "no fence before the flag": (
        FLAG,
        "        fence()\n        atomic.store",
        "        atomic.store",
    ),
    "no fence behind the flag": (FLAG, "            fence()\n", ""),
    "flag of the block only": (FLAG, "block.x, 1)", 'block.x, 1, scope="block")'),
    "fence of the block only": (FLAG, "fence()\n        atomic", 'fence("block")\n        atomic'),
    "look of the block only": (FLAG, "block.x - 1) == 0", 'block.x - 1, scope="block") == 0'),
    "flag before the data": (
        FLAG,
        PUBLISH,
        "        fence()\n        atomic.store(flag, block.x, 1)\n"
        "        data[block.x] = a[block.x]\n",
    ),
    "data of another than the flag": (
        FLAG,
        "data[block.x - 1]",
        "data[(block.x + 1) % grid_dim.x]",
    ),
    "flag of another than the data": (FLAG, "flag, block.x - 1)", "flag, 0)"),
    "two producers of one flag": (FLAG, "(flag, block.x, 1)", "(flag, block.x // 2, 1)"),
    "a start that passes": (FLAG, "within(flag, 0, 1)", "within(flag, 0, 2)"),
    "an unknown start": (FLAG, " and within(flag, 0, 1)", ""),
    "the wrong test": (FLAG, "block.x - 1) == 0", "block.x - 1) == 2"),
    "read before the look": (
        FLAG,
        "        if block.x > 0:\n            while",
        "        if block.x > 0:\n            early = data[block.x - 1]\n"
        "            if block.x < len(out):\n                out[block.x] = early\n"
        "            while",
    ),
    "another who sets the flag": (
        FLAG,
        "        if block.x > 0:\n            while",
        "        if block.x > 1:\n            atomic.store(flag, block.x - 1, 2)\n"
        "        if block.x > 0:\n            while",
    ),
    "a look that may be skipped": (
        FLAG,
        "            while atomic.load(flag, block.x - 1) == 0:\n                pass\n",
        "            if a[0] > 0.0:\n"
        "                while atomic.load(flag, block.x - 1) == 0:\n                    pass\n",
    ),
    "a look that gives up": (
        FLAG,
        "            while atomic.load(flag, block.x - 1) == 0:\n                pass\n",
        "            n = 0\n            while atomic.load(flag, block.x - 1) == 0:\n"
        "                n += 1\n                if n > 9:\n                    break\n",
    ),
    "two rounds with one flag": (
        FLAG,
        PUBLISH,
        "        for r in range(2):\n            data[block.x] = a[block.x]\n            fence()\n"
        "            atomic.store(flag, block.x, 1)\n",
    ),
    "data written again": (
        FLAG,
        "        if block.x > 0:\n            while",
        "        data[block.x] = 0.0\n        if block.x > 0:\n            while",
    ),
    "no barrier before the flag": (
        BLOCKS,
        "    sync_threads()\n    if thread.x == 0:\n        atomic",
        "    if thread.x == 0:\n        atomic",
    ),
    "no barrier behind the look": (
        BLOCKS,
        "                pass\n        sync_threads()\n",
        "                pass\n",
    ),
    "relaxed between barriers": (BLOCKS, ', order="release"', ""),
    "relaxed look between barriers": (BLOCKS, ', order="acquire"', ""),
    "looks at its own flag": (BLOCKS, "(flag, block.x - 1,", "(flag, block.x,"),
    "nobody looks": (
        BLOCKS,
        "        if thread.x == 0:\n            while",
        "        if thread.x == 99:\n            while",
    ),
    "ticket of the first": (LAST, "grid_dim.x - 1", "0"),
    "ticket of the one before": (LAST, "grid_dim.x - 1", "grid_dim.x - 2"),
    "count that starts anywhere": (LAST, " and within(count, 0, 1)", ""),
    "count that starts at one": (LAST, "within(count, 0, 1)", "within(count, 1, 2)"),
    "count by twos": (LAST, "atomic.add(count, 0, 1)", "atomic.add(count, 0, 2)"),
    "each thread counts": (
        LAST,
        "    if thread.x == 0:\n        fence()",
        "    if thread.x >= 0:\n        fence()",
    ),
    "no fence before the ticket": (LAST, "        fence()\n        ticket", "        ticket"),
    "no fence behind the ticket": (LAST, "else 0\n        fence()\n", "else 0\n"),
    "no barrier before the ticket": (
        LAST,
        "    part[i] = a[i]\n    sync_threads()\n",
        "    part[i] = a[i]\n",
    ),
    "ticket of the block": (LAST, "(count, 0, 1)\n", '(count, 0, 1, scope="block")\n'),
    "the wrong flag is read": (LAST, "if last[0] == 1", "if last[0] == 0"),
    "somebody else resets the count": (
        LAST,
        "    sync_threads()\n    if last[0]",
        "    if i == 5:\n        atomic.store(count, 0, 0)\n    sync_threads()\n    if last[0]",
    ),
    "part written behind the ticket": (
        LAST,
        "    if last[0] == 1:\n",
        "    part[i] = 2.0\n    if last[0] == 1:\n",
    ),
    "a count that is set back": (
        APPEND,
        "            if place",
        "            atomic.store(count, 0, 0)\n            if place",
    ),
    "a count by nothing": (APPEND, "(count, 0, 1)", "(count, 0, 0)"),
    "a count of the block": (APPEND, "(count, 0, 1)", '(count, 0, 1, scope="block")'),
    "the place behind": (APPEND, "out[place] = a[i]", "out[place // 2] = a[i]"),
    "a count that may come round": (
        APPEND,
        "        if a[i] > 0.0:\n",
        "        for _ in range(i):\n",
    ),
    "one number for two": (SCATTER, "injective(idx) and ", ""),
    "of another array": (SCATTER, "injective(idx)", "len(out) >= len(idx)"),
    "half of the number": (SCATTER, "out[idx[i]]", "out[idx[i] // 2]"),
    "the number of a neighbour": (SCATTER, "out[idx[i]]", "out[idx[i // 2]]"),
}


def verdict(kernel: str) -> Verdict:
    report = check(SourceFile("k.py", PROLOGUE + kernel), NoModules())
    assert all(not d.code.startswith("OX0") for d in report.diagnostics), report.diagnostics
    (one,) = report.kernels
    return one.verdict


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_proved(name: str) -> None:
    assert verdict(RIGHT[name]) is Verdict.PROVED


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_not(name: str) -> None:
    kernel, text, wrong = WRONG[name]
    assert text in kernel
    assert verdict(kernel.replace(text, wrong)) is not Verdict.PROVED
