"""Images: grey values, stencils with and without tiles, look-up tables, resizing."""

import math

import numpy as np

from numba import cuda, float32, int32, uint8

TILE = 16
RADIUS = 2
WIDE = TILE + 2 * RADIUS


@cuda.jit
def to_grey(rgb, grey):
    row, col = cuda.grid(2)
    if row < grey.shape[0] and col < grey.shape[1]:
        grey[row, col] = (
            0.299 * rgb[row, col, 0] + 0.587 * rgb[row, col, 1] + 0.114 * rgb[row, col, 2]
        )


@cuda.jit
def sobel(image, edges):
    y, x = cuda.grid(2)
    height, width = image.shape
    if y < 1 or x < 1 or y >= height - 1 or x >= width - 1:
        return
    gx = image[y - 1, x + 1] + 2 * image[y, x + 1] + image[y + 1, x + 1]
    gx -= image[y - 1, x - 1] + 2 * image[y, x - 1] + image[y + 1, x - 1]
    gy = image[y + 1, x - 1] + 2 * image[y + 1, x] + image[y + 1, x + 1]
    gy -= image[y - 1, x - 1] + 2 * image[y - 1, x] + image[y - 1, x + 1]
    edges[y, x] = math.sqrt(gx * gx + gy * gy)


@cuda.jit
def blur_tiled(image, weights, out):
    tile = cuda.shared.array((WIDE, WIDE), float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    x = cuda.blockIdx.x * TILE + tx - RADIUS
    y = cuda.blockIdx.y * TILE + ty - RADIUS
    height, width = image.shape
    tile[ty, tx] = 0.0
    if 0 <= x < width and 0 <= y < height:
        tile[ty, tx] = image[y, x]
    cuda.syncthreads()
    inside = RADIUS <= tx < WIDE - RADIUS and RADIUS <= ty < WIDE - RADIUS
    if inside and x < width and y < height:
        total = 0.0
        for dy in range(-RADIUS, RADIUS + 1):
            for dx in range(-RADIUS, RADIUS + 1):
                total += tile[ty + dy, tx + dx] * weights[dy + RADIUS, dx + RADIUS]
        out[y, x] = total


@cuda.jit
def histogram(image, counts):
    bins = cuda.shared.array(256, int32)
    t = cuda.threadIdx.x
    if t < 256:
        bins[t] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), image.size, cuda.gridsize(1)):
        cuda.atomic.add(bins, image[i], 1)
    cuda.syncthreads()
    if t < 256:
        cuda.atomic.add(counts, t, bins[t])


@cuda.jit
def look_up(image, table, out):
    i = cuda.grid(1)
    if i < image.size:
        out[i] = table[image[i]]


@cuda.jit
def resize(source, target):
    row, col = cuda.grid(2)
    if row >= target.shape[0] or col >= target.shape[1]:
        return
    y = row * (source.shape[0] - 1) / target.shape[0]
    x = col * (source.shape[1] - 1) / target.shape[1]
    top = min(max(int(y), 0), source.shape[0] - 1)
    left = min(max(int(x), 0), source.shape[1] - 1)
    bottom = min(top + 1, source.shape[0] - 1)
    right = min(left + 1, source.shape[1] - 1)
    fy, fx = y - top, x - left
    upper = source[top, left] * (1 - fx) + source[top, right] * fx
    lower = source[bottom, left] * (1 - fx) + source[bottom, right] * fx
    target[row, col] = upper * (1 - fy) + lower * fy


@cuda.jit
def median3(image, out):
    y, x = cuda.grid(2)
    if 0 < y < image.shape[0] - 1 and 0 < x < image.shape[1] - 1:
        window = cuda.local.array(9, uint8)
        for k in range(9):
            window[k] = image[y + k // 3 - 1, x + k % 3 - 1]
        for i in range(5):
            least = i
            for j in range(i + 1, 9):
                if window[j] < window[least]:
                    least = j
            window[i], window[least] = window[least], window[i]
        out[y, x] = window[4]


@cuda.jit
def erode(image, out, size):
    y, x = cuda.grid(2)
    if y < image.shape[0] and x < image.shape[1]:
        low = image[y, x]
        for dy in range(max(0, y - size), min(image.shape[0], y + size + 1)):
            for dx in range(max(0, x - size), min(image.shape[1], x + size + 1)):
                low = min(low, image[dy, dx])
        out[y, x] = low


@cuda.jit
def rotate(image, out, cosine, sine):
    y, x = cuda.grid(2)
    height, width = image.shape
    if y < height and x < width:
        sx = int(cosine * (x - width / 2) + sine * (y - height / 2) + width / 2)
        sy = int(cosine * (y - height / 2) - sine * (x - width / 2) + height / 2)
        if sx >= 0 and sx < width and sy >= 0 and sy < height:
            out[y, x] = image[sy, sx]
        else:
            out[y, x] = 0


class Pipeline:
    THREADS = (16, 16)

    def __init__(self, height, width):
        self.height = height
        self.width = width
        self.grid = self.blocks(height, width)

    def blocks(self, height, width):
        return (math.ceil(height / 16), math.ceil(width / 16))

    def run(self, picture):
        grey = cuda.device_array((self.height, self.width), dtype=np.float32)
        edges = cuda.to_device(np.zeros((self.height, self.width), dtype=np.float32))
        to_grey[self.grid, self.THREADS](picture, grey)
        sobel[self.grid, self.THREADS](grey, edges)
        return edges


def main():
    h, w = 480, 640
    Pipeline(h, w).run(cuda.to_device(np.zeros((h, w, 3), dtype=np.uint8)))
    image = np.random.rand(h, w).astype(np.float32)
    weights = np.full((2 * RADIUS + 1, 2 * RADIUS + 1), 1 / 25, dtype=np.float32)
    out = np.zeros_like(image)
    blur_tiled[((w + TILE - 1) // TILE, (h + TILE - 1) // TILE), (WIDE, WIDE)](image, weights, out)
    pixels = np.zeros(h * w, dtype=np.uint8)
    counts = np.zeros(256, dtype=np.int32)
    histogram[32, 256](pixels, counts)
    table = np.arange(256, dtype=np.uint8)
    look_up[(h * w + 255) // 256, 256](pixels, table, np.empty_like(pixels))
    grid = ((h + 15) // 16, (w + 15) // 16)
    small = np.zeros((h // 2, w // 2), dtype=np.float32)
    resize[grid, (16, 16)](image, small)
    bytes_ = np.zeros((h, w), dtype=np.uint8)
    cleaned = np.zeros((h, w), dtype=np.uint8)
    median3[grid, (16, 16)](bytes_, cleaned)
    erode[grid, (16, 16)](bytes_, cleaned, 3)
    rotate[grid, (16, 16)](bytes_, cleaned, 0.8, 0.6)


if __name__ == "__main__":
    main()
