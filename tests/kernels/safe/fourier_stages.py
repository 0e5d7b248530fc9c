"""The butterflies of a Fourier transform in shared memory."""
# launch: grid=2, block=8, re=32, im=32
# launch: grid=1, block=8, re=11, im=11

import math

from oxide import DisjointSlice, SharedArray, block, f32, kernel, sync_threads, thread

N = 16


@kernel(block=N // 2, domain=1, requires=lambda re, im: len(re) == len(im))
def fft(re: DisjointSlice[f32], im: DisjointSlice[f32]):  # hint: [OX605]
    sr = SharedArray(f32, N)
    si = SharedArray(f32, N)
    t = thread.x
    base = block.x * N
    for k in range(t, N, N // 2):
        sr[k] = re[base + k] if base + k < len(re) else 0.0
        si[k] = im[base + k] if base + k < len(re) else 0.0
    sync_threads()
    half = 1
    while half < N:
        pos = t % half
        top = (t // half) * (2 * half) + pos
        bot = top + half
        angle = -3.14159265 * f32(pos) / f32(half)
        wr, wi = math.cos(angle), math.sin(angle)
        ar, ai = sr[top], si[top]
        br, bi = sr[bot], si[bot]
        tr = wr * br - wi * bi
        ti = wr * bi + wi * br
        sr[top] = ar + tr
        si[top] = ai + ti
        sr[bot] = ar - tr
        si[bot] = ai - ti
        sync_threads()
        half *= 2
    for k in range(t, N, N // 2):
        if base + k < len(re):
            re[base + k] = sr[k]
            im[base + k] = si[k]
