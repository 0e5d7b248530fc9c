"""A sum under a lock that is given back before the last addition."""
# launch: grid=2, block=3, part=1, flag=[0], n=5

from oxide import AtomicSlice, DisjointSlice, atomic, i32, kernel


@kernel(domain=1, requires=lambda part, flag: len(flag) >= 1 and len(part) >= 1)
def total_under_lock(part: DisjointSlice[i32], flag: AtomicSlice[i32], n: i32):
    while atomic.compare_exchange(flag, 0, 0, 1, order="acquire") != 0:
        pass
    atomic.store(flag, 0, 0, order="release")
    if n > 3:
        part[0] += n  # error: [OX102]
