"""Strings of bytes: searching, aligning, counting, hashing."""

import numpy as np

from numba import cuda, int32, uint8

WINDOW = 128
PATTERN = 16


@cuda.jit
def find(text, pattern, hits):
    i = cuda.grid(1)
    if i + pattern.size <= text.size:
        found = True
        for k in range(pattern.size):
            if text[i + k] != pattern[k]:
                found = False
                break
        hits[i] = 1 if found else 0


@cuda.jit
def find_tiled(text, pattern, count):
    window = cuda.shared.array(WINDOW + PATTERN, uint8)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    window[t] = text[i] if i < text.size else 0
    if t < PATTERN:
        window[WINDOW + t] = text[i + WINDOW] if i + WINDOW < text.size else 0
    cuda.syncthreads()
    if i + PATTERN <= text.size:
        same = 0
        for k in range(PATTERN):
            same += window[t + k] == pattern[k]
        if same == PATTERN:
            cuda.atomic.add(count, 0, 1)


@cuda.jit
def edit_diagonal(a, b, before, last, now, d):
    """Cells i + j == d of the table of edit distances."""
    i = cuda.grid(1)
    j = d - i
    if i <= a.size and 0 <= j <= b.size:
        if i == 0 or j == 0:
            now[i] = d
        else:
            cost = 0 if a[i - 1] == b[j - 1] else 1
            now[i] = min(last[i] + 1, last[i - 1] + 1, before[i - 1] + cost)


@cuda.jit
def smith_waterman_row(scores, query, target, row, gap):
    """Matches and gaps from above; those from the left follow."""
    j = cuda.grid(1) + 1
    if j <= target.size:
        same = 3 if query[row - 1] == target[j - 1] else -3
        best = max(scores[row - 1, j - 1] + same, scores[row - 1, j] - gap)
        scores[row, j] = max(best, 0)


@cuda.jit
def letters(text, counts):
    own = cuda.shared.array(26, int32)
    t = cuda.threadIdx.x
    for k in range(t, 26, cuda.blockDim.x):
        own[k] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), text.size, cuda.gridsize(1)):
        c = text[i]
        if 97 <= c <= 122:
            cuda.atomic.add(own, c - 97, 1)
    cuda.syncthreads()
    for k in range(t, 26, cuda.blockDim.x):
        cuda.atomic.add(counts, k, own[k])


@cuda.jit
def kmers(text, counts):
    i = cuda.grid(1)
    if i < text.size - 3:
        code = (text[i] & 3) | (text[i + 1] & 3) << 2
        code |= (text[i + 2] & 3) << 4 | (text[i + 3] & 3) << 6
        cuda.atomic.add(counts, code, 1)


@cuda.jit
def hashes(words, lengths, out):
    w = cuda.grid(1)
    if w < out.size:
        value = np.uint32(2166136261)
        for k in range(min(lengths[w], words.shape[1])):
            value = np.uint32((value ^ words[w, k]) * np.uint32(16777619))
        out[w] = value


@cuda.jit
def upper(text):
    for i in range(cuda.grid(1), text.size, cuda.gridsize(1)):
        if 97 <= text[i] <= 122:
            text[i] -= 32


def align(a, b):
    n, m = a.size, b.size
    rows = [cuda.device_array(n + 1, dtype=np.int32) for _ in range(3)]
    before = cuda.device_array(n + 1, dtype=np.int32)
    last = cuda.device_array(n + 1, dtype=np.int32)
    now = cuda.device_array(n + 1, dtype=np.int32)
    for d in range(n + m + 1):
        edit_diagonal[(n + 128) // 128, 128](a, b, before, last, now, d)
        before, last, now = last, now, before
    scores = cuda.to_device(np.zeros((n + 1, m + 1), dtype=np.int32))
    for row in range(1, n + 1):
        smith_waterman_row[(m + 127) // 128, 128](scores, a, b, row, 2)
    return rows


def search(n):
    text = cuda.to_device(np.zeros(n, dtype=np.uint8))
    pattern = cuda.to_device(np.zeros(PATTERN, dtype=np.uint8))
    hits = cuda.to_device(np.zeros(n, dtype=np.uint8))
    blocks = (n + WINDOW - 1) // WINDOW
    find[blocks, WINDOW](text, pattern, hits)
    count = cuda.to_device(np.zeros(1, dtype=np.int32))
    find_tiled[blocks, WINDOW](text, pattern, count)
    letters[32, 64](text, cuda.to_device(np.zeros(26, dtype=np.int32)))
    kmers.forall(n)(text, cuda.to_device(np.zeros(256, dtype=np.int32)))
    upper[32, 256](text)
    words = cuda.to_device(np.zeros((n, 12), dtype=np.uint8))
    lengths = cuda.to_device(np.zeros(n, dtype=np.int32))
    hashes[blocks, WINDOW](words, lengths, cuda.device_array(n, dtype=np.uint32))
