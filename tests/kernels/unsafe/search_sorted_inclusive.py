"""Binary search with an inclusive upper bound that begins at the length: the key above all reads beyond."""
# launch: grid=1, block=8, table=[1, 2, 3], keys=[7, 7, 7], found=3

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(requires=lambda keys, found: len(found) >= len(keys))
def search(table: Slice[i32], keys: Slice[i32], found: DisjointSlice[i32]):
    i = thread.index_1d()
    if i >= len(keys):
        return
    key = keys[i]
    low, high = 0, len(table)
    while low <= high:
        middle = (low + high) // 2
        if table[middle] < key:  # error: [OX301]
            low = middle + 1
        else:
            high = middle - 1
    found[i] = i32(low)
