"""Learning: clusters, layers, losses, boxes."""

import math

import numpy as np
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float32

from numba import cuda, float32, uint64

THREADS = 128
CLUSTERS = 8
BOXES = 64


@cuda.jit
def assign(points, centres, label):
    i = cuda.grid(1)
    if i >= points.shape[0]:
        return
    best, nearest = math.inf, 0
    for c in range(centres.shape[0]):
        d = 0.0
        for k in range(points.shape[1]):
            d += (points[i, k] - centres[c, k]) ** 2
        if d < best:
            best, nearest = d, c
    label[i] = nearest


@cuda.jit
def accumulate(points, label, sums, counts):
    i = cuda.grid(1)
    if i < label.size:
        c = label[i]
        if 0 <= c < counts.size:
            for k in range(points.shape[1]):
                cuda.atomic.add(sums, (c, k), points[i, k])
            cuda.atomic.add(counts, c, 1)


@cuda.jit
def divide(sums, counts, centres):
    c, k = cuda.grid(2)
    if c < centres.shape[0] and k < centres.shape[1] and counts[c] > 0:
        centres[c, k] = sums[c, k] / counts[c]


@cuda.jit
def softmax(logits, out):
    """One row for each block."""
    s = cuda.shared.array(THREADS, float32)
    row, t = cuda.blockIdx.x, cuda.threadIdx.x
    top = float32(-1e30)
    for c in range(t, logits.shape[1], THREADS):
        top = max(top, logits[row, c])
    s[t] = top
    cuda.syncthreads()
    k = THREADS // 2
    while k > 0:
        if t < k:
            s[t] = max(s[t], s[t + k])
        cuda.syncthreads()
        k //= 2
    top = s[0]
    cuda.syncthreads()
    total = float32(0)
    for c in range(t, logits.shape[1], THREADS):
        total += math.exp(logits[row, c] - top)
    s[t] = total
    cuda.syncthreads()
    k = THREADS // 2
    while k > 0:
        if t < k:
            s[t] += s[t + k]
        cuda.syncthreads()
        k //= 2
    for c in range(t, logits.shape[1], THREADS):
        out[row, c] = math.exp(logits[row, c] - top) / s[0]


@cuda.jit
def convolve(images, filters, bias, out):
    """NCHW, no padding, one output pixel for each thread."""
    x, y, z = cuda.grid(3)
    n, f = z // filters.shape[0], z % filters.shape[0]
    if n < out.shape[0] and y < out.shape[2] and x < out.shape[3]:
        total = bias[f]
        for c in range(filters.shape[1]):
            for dy in range(filters.shape[2]):
                for dx in range(filters.shape[3]):
                    total += images[n, c, y + dy, x + dx] * filters[f, c, dy, dx]
        out[n, f, y, x] = max(total, 0.0)


@cuda.jit
def max_pool(source, out):
    row, col = cuda.grid(2)
    if row < out.shape[0] and col < out.shape[1]:
        best = source[2 * row, 2 * col]
        for dy in range(2):
            for dx in range(2):
                best = max(best, source[2 * row + dy, 2 * col + dx])
        out[row, col] = best


@cuda.jit
def dropout(states, activations, keep):
    i = cuda.grid(1)
    if i < activations.size:
        if xoroshiro128p_uniform_float32(states, i) > keep:
            activations[i] = 0.0
        else:
            activations[i] /= keep


@cuda.jit
def embed(table, tokens, out):
    token, k = cuda.grid(2)
    if token < tokens.size and k < table.shape[1]:
        word = tokens[token]
        if word < 0 or word >= table.shape[0]:
            word = 0
        out[token, k] = table[word, k]


@cuda.jit
def suppress(boxes, masks, limit):
    """A bit for each box of a later tile that overlaps too much."""
    others = cuda.shared.array((BOXES, 4), float32)
    t = cuda.threadIdx.x
    mine = cuda.blockIdx.y * BOXES + t
    theirs = cuda.blockIdx.x * BOXES
    n = boxes.shape[0]
    if theirs + t < n:
        for k in range(4):
            others[t, k] = boxes[theirs + t, k]
    cuda.syncthreads()
    if mine < n:
        mask = uint64(0)
        for j in range(min(BOXES, n - theirs)):
            w = min(boxes[mine, 2], others[j, 2]) - max(boxes[mine, 0], others[j, 0])
            h = min(boxes[mine, 3], others[j, 3]) - max(boxes[mine, 1], others[j, 1])
            if theirs + j > mine and w > 0 and h > 0 and w * h > limit:
                mask |= uint64(1) << uint64(j)
        masks[mine, cuda.blockIdx.x] = mask


@cuda.jit
def adam(weights, gradient, first, second, rate, step):
    for i in range(cuda.grid(1), weights.size, cuda.gridsize(1)):
        first[i] = 0.9 * first[i] + 0.1 * gradient[i]
        second[i] = 0.999 * second[i] + 0.001 * gradient[i] ** 2
        m = first[i] / (1 - math.pow(0.9, step))
        v = second[i] / (1 - math.pow(0.999, step))
        weights[i] -= rate * m / (math.sqrt(v) + 1e-8)


def cluster(n, dimensions, rounds):
    points = cuda.to_device(np.random.rand(n, dimensions).astype(np.float32))
    centres = cuda.to_device(np.random.rand(CLUSTERS, dimensions).astype(np.float32))
    label = cuda.device_array(n, dtype=np.int32)
    blocks = (n + THREADS - 1) // THREADS
    for _ in range(rounds):
        sums = cuda.to_device(np.zeros((CLUSTERS, dimensions), dtype=np.float32))
        counts = cuda.to_device(np.zeros(CLUSTERS, dtype=np.int32))
        assign[blocks, THREADS](points, centres, label)
        accumulate[blocks, THREADS](points, label, sums, counts)
        divide[(1, (dimensions + 15) // 16), (CLUSTERS, 16)](sums, counts, centres)


def layers(batch, classes):
    logits = cuda.device_array((batch, classes), dtype=np.float32)
    softmax[batch, THREADS](logits, cuda.device_array((batch, classes), dtype=np.float32))
    images = cuda.device_array((batch, 3, 32, 32), dtype=np.float32)
    filters = cuda.device_array((8, 3, 5, 5), dtype=np.float32)
    out = cuda.device_array((batch, 8, 28, 28), dtype=np.float32)
    convolve[(4, 4, batch * 8), (8, 8, 1)](images, filters, cuda.device_array(8), out)
    plane = cuda.device_array((28, 28), dtype=np.float32)
    max_pool[(2, 2), (8, 8)](plane, cuda.device_array((14, 14), dtype=np.float32))
    size = batch * classes
    states = create_xoroshiro128p_states(size, seed=7)
    dropout[(size + 63) // 64, 64](states, cuda.device_array(size, dtype=np.float32), 0.8)
    tokens = cuda.to_device(np.zeros(batch, dtype=np.int64))
    table = cuda.device_array((1000, 64), dtype=np.float32)
    vectors = cuda.device_array((batch, 64), dtype=np.float32)
    embed[((batch + 3) // 4, 1), (4, 64)](table, tokens, vectors)
    w, g = np.zeros(size), np.zeros(size)
    adam[32, 256](w, g, np.zeros(size), np.zeros(size), 1e-3, 1)


def boxes(n):
    tiles = (n + BOXES - 1) // BOXES
    masks = cuda.to_device(np.zeros((n, tiles), dtype=np.uint64))
    found = cuda.to_device(np.random.rand(n, 4).astype(np.float32))
    suppress[(tiles, tiles), BOXES](found, masks, 0.5)
