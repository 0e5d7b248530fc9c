"""Binary search: two bounds that move towards each other, carried round a loop."""
# launch: grid=2, block=16, table=[1, 3, 5, 9, 12], keys=20, found=20
# launch: grid=1, block=8, table=0, keys=3, found=8

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(requires=lambda keys, found: len(found) >= len(keys))
def search(table: Slice[i32], keys: Slice[i32], found: DisjointSlice[i32]):
    i = thread.index_1d()
    if i >= len(keys):
        return
    key = keys[i]
    low, high = 0, len(table)
    while low < high:
        middle = (low + high) // 2
        if table[middle] < key:
            low = middle + 1
        else:
            high = middle
    found[i] = i32(low)
