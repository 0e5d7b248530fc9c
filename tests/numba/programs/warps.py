"""What the threads of a warp or a block do together: votes, shuffles, ballots, counts."""

import numpy as np

from numba import cuda, int32


@cuda.jit
def warp_sums(x, out):
    i = cuda.grid(1)
    value = x[i]
    offset = 16
    while offset > 0:
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, offset)
        offset //= 2
    if cuda.laneid == 0:
        out[i // 32] = value


@cuda.jit
def block_votes(x, out):
    i = cuda.grid(1)
    out[0, i] = cuda.syncthreads_or(int32(x[i] > 2))
    out[1, i] = cuda.syncthreads_and(int32(x[i] > -100))
    out[2, i] = cuda.syncthreads_count(int32(x[i] > 0))


@cuda.jit
def warp_votes(x, out):
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    ballot = cuda.ballot_sync(0xFFFFFFFF, x[i] > 0)
    out[0, i] = cuda.popc(ballot)
    out[1, i] = cuda.eq_sync(0xFFFFFFFF, x[i] > -100)
    out[2, i] = cuda.eq_sync(0xFFFFFFFF, x[i] > 0)
    out[3, i] = cuda.shfl_xor_sync(0xFFFFFFFF, t, 1)
    out[4, i] = cuda.shfl_up_sync(0xFFFFFFFF, t, 2)
    out[5, i] = cuda.shfl_sync(0xFFFFFFFF, t, 5)
    out[6, i] = cuda.any_sync(0xFFFFFFFF, t == 40)
    out[7, i] = cuda.all_sync(0xFFFFFFFF, t < 32)
    out[8, i] = cuda.match_any_sync(0xFFFFFFFF, t // 4)
    out[9, i] = ballot
    lanes, same = cuda.match_all_sync(0xFFFFFFFF, t // 64)
    out[10, i] = lanes + same


@cuda.jit
def bits(out):
    t = cuda.threadIdx.x
    out[0, t] = cuda.ffs(t * 8)
    out[1, t] = cuda.clz(int32(t))
    out[2, t] = cuda.brev(np.uint32(t))
    out[3, t] = cuda.popc(t)
    out[4, t] = cuda.selp(t > 5, t, int32(5))
    out[5, t] = cuda.laneid


def main():
    found = {}
    rng = np.random.default_rng(5)
    out = np.zeros(4, np.int64)
    warp_sums[1, 128](np.arange(128), out)
    found["warp_sums"] = out
    x = rng.standard_normal(128)
    out = np.zeros((3, 128), np.int64)
    block_votes[2, 64](x, out)
    found["block_votes"] = out
    out = np.zeros((11, 128), np.int64)
    warp_votes[2, 64](x, out)
    found["warp_votes"] = out
    out = np.zeros((6, 64), np.int64)
    bits[1, 64](out)
    found["bits"] = out
    return found
