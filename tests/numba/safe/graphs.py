"""Graphs as rows of edges: levels, ranks, labels, distances."""

import numpy as np

from numba import cuda

THREADS = 256


@cuda.jit
def bfs_level(offsets, targets, frontier, levels, level, changed):
    v = cuda.grid(1)
    if v < frontier.size and frontier[v]:
        for e in range(offsets[v], offsets[v + 1]):
            if 0 <= e < targets.size:
                w = targets[e]
                if 0 <= w < levels.size:
                    if cuda.atomic.cas(levels, w, -1, level + 1) == -1:
                        cuda.atomic.add(changed, 0, 1)


@cuda.jit
def page_rank(offsets, sources, degrees, rank, new_rank, damping):
    v = cuda.grid(1)
    n = rank.shape[0]
    if v >= n:
        return
    total = 0.0
    for e in range(max(offsets[v], 0), min(offsets[v + 1], sources.size)):
        u = sources[e]
        if 0 <= u < n and degrees[u] > 0:
            total += rank[u] / degrees[u]
    new_rank[v] = (1 - damping) / n + damping * total


@cuda.jit
def hook(edges, label, changed):
    e = cuda.grid(1)
    if e < edges.shape[0]:
        u, w = edges[e, 0], edges[e, 1]
        if u >= 0 and w >= 0 and u < label.size and w < label.size:
            low = min(cuda.atomic.add(label, u, 0), cuda.atomic.add(label, w, 0))
            if cuda.atomic.min(label, u, low) > low:
                cuda.atomic.max(changed, 0, 1)
            if cuda.atomic.min(label, w, low) > low:
                cuda.atomic.max(changed, 0, 1)


@cuda.jit
def relax(edges, weights, distance, best):
    e = cuda.grid(1)
    if e < weights.size:
        u, w = edges[e, 0], edges[e, 1]
        if 0 <= u < distance.size and 0 <= w < best.size:
            cuda.atomic.min(best, w, distance[u] + weights[e])


@cuda.jit
def floyd(before, after, k):
    i, j = cuda.grid(2)
    n = before.shape[0]
    if i < n and j < n:
        after[i, j] = min(before[i, j], before[i, k] + before[k, j])


@cuda.jit
def degrees_of(targets, degree):
    i = cuda.grid(1)
    if i < targets.size:
        w = targets[i]
        if 0 <= w < degree.size:
            cuda.atomic.add(degree, w, 1)


@cuda.jit
def triangles(adjacency, counts):
    i = cuda.grid(1)
    n = adjacency.shape[0]
    if i < n:
        found = 0
        for j in range(i + 1, n):
            if adjacency[i, j]:
                for k in range(j + 1, n):
                    if adjacency[i, k] and adjacency[j, k]:
                        found += 1
        counts[i] = found


@cuda.jit
def any_left(frontier, flag):
    i = cuda.grid(1)
    left = 0
    if i < frontier.size:
        left = frontier[i]
    if cuda.syncthreads_or(left) and cuda.threadIdx.x == 0:
        cuda.atomic.max(flag, 0, 1)


@cuda.jit
def block_counts(active, counts):
    i = cuda.grid(1)
    n = cuda.syncthreads_count(i < active.size and active[i] > 0)
    if cuda.threadIdx.x == 0:
        counts[cuda.blockIdx.x] = n


def run(n, m):
    offsets = np.zeros(n + 1, dtype=np.int32)
    targets = np.zeros(m, dtype=np.int32)
    levels = np.full(n, -1, dtype=np.int32)
    changed = np.zeros(1, dtype=np.int32)
    by_vertex = (n + THREADS - 1) // THREADS
    by_edge = (m + THREADS - 1) // THREADS
    bfs_level[by_vertex, THREADS](offsets, targets, np.zeros(n, dtype=np.uint8), levels, 0, changed)
    degree = np.zeros(n, dtype=np.int32)
    degrees_of[by_edge, THREADS](targets, degree)
    rank, new = np.full(n, 1.0), np.zeros(n)
    for _ in range(20):
        page_rank[by_vertex, THREADS](offsets, targets, degree, rank, new, 0.85)
        rank, new = new, rank
    edges = np.zeros((m, 2), dtype=np.int32)
    label = np.arange(n)
    hook[by_edge, THREADS](edges, label, changed)
    weights, distance, best = np.ones(m), np.zeros(n), np.zeros(n)
    relax[by_edge, THREADS](edges, weights, distance, best)
    one, other = np.zeros((n, n)), np.zeros((n, n))
    for k in range(n):
        floyd[((n + 15) // 16, (n + 15) // 16), (16, 16)](one, other, k)
        one, other = other, one
    counts = np.zeros(n, dtype=np.int64)
    triangles[by_vertex, THREADS](np.zeros((n, n), dtype=np.uint8), counts)
    any_left[by_vertex, THREADS](levels, changed)
    block_counts[by_vertex, THREADS](levels, np.zeros(by_vertex, dtype=np.int32))
