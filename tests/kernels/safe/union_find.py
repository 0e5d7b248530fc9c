"""Sets united by atomics: roots are followed, and the higher one is hung below the lower."""
# launch: grid=1, block=4, a=[0, 1, 2], b=[1, 2, 3], parent=[0, 1, 2, 3]
# launch: grid=2, block=2, a=[3, 3, 0, 1], b=[0, 1, 1, 2], parent=[0, 1, 2, 3]

from oxide import AtomicSlice, Slice, atomic, device, i32, kernel, thread, within


@device
def root(parent: AtomicSlice[i32], x: i32) -> i32:
    p = atomic.load(parent, x)
    while p != x:
        x = p
        p = atomic.load(parent, x)
    return x


@kernel(
    domain=1,
    requires=lambda a, b, parent: (
        len(b) == len(a) and within(a, 0, len(parent)) and within(b, 0, len(parent))
    ),
)
def unite(a: Slice[i32], b: Slice[i32], parent: AtomicSlice[i32]):
    i = thread.index_1d()
    if i >= len(a):
        return
    x, y = a[i], b[i]
    n = len(parent)
    while True:
        p = atomic.load(parent, x)
        while p != x and 0 <= p < n:
            x = p
            p = atomic.load(parent, x)
        q = atomic.load(parent, y)
        while q != y and 0 <= q < n:
            y = q
            q = atomic.load(parent, y)
        if x == y:
            break
        low, high = min(x, y), max(x, y)
        old = atomic.compare_exchange(parent, high, high, low)
        if old == high:
            break
        if old < 0 or old >= n:
            break
        x = low
        y = old
