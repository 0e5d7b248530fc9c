// The kernels of gpu_programs.py in CUDA C++: the same algorithms, nothing checked.

#define TILE 32
#define BLOCK 256

extern "C" __global__ void vecadd(const float* __restrict__ a, const float* __restrict__ b,
                                  float* __restrict__ c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

// A hand with patience: a multiple of four elements, aligned.
extern "C" __global__ void vecadd4(const float4* __restrict__ a, const float4* __restrict__ b,
                                   float4* __restrict__ c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float4 x = a[i], y = b[i];
        c[i] = make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
    }
}

extern "C" __global__ void naive(const float* __restrict__ a, const float* __restrict__ b,
                                 float* __restrict__ c, int rows, int inner, int cols) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row < rows && col < cols) {
        float total = 0.0f;
        for (int k = 0; k < inner; ++k) total += a[row * inner + k] * b[k * cols + col];
        c[row * cols + col] = total;
    }
}

extern "C" __global__ void tiled(const float* __restrict__ a, const float* __restrict__ b,
                                 float* __restrict__ c, int rows, int inner, int cols) {
    __shared__ float tile_a[TILE][TILE];
    __shared__ float tile_b[TILE][TILE];
    int x = threadIdx.x, y = threadIdx.y;
    int row = blockIdx.y * TILE + y, col = blockIdx.x * TILE + x;
    float total = 0.0f;
    for (int start = 0; start < inner; start += TILE) {
        tile_a[y][x] = row < rows && start + x < inner ? a[row * inner + start + x] : 0.0f;
        tile_b[y][x] = start + y < inner && col < cols ? b[(start + y) * cols + col] : 0.0f;
        __syncthreads();
        for (int k = 0; k < TILE; ++k) total += tile_a[y][k] * tile_b[k][x];
        __syncthreads();
    }
    if (row < rows && col < cols) c[row * cols + col] = total;
}

template <typename Combine>
__device__ float block_reduce(float value, float neutral, Combine combine) {
    __shared__ float parts[32];
    for (int d = 16; d > 0; d /= 2) value = combine(value, __shfl_xor_sync(~0u, value, d));
    int lane = threadIdx.x % 32;
    if (lane == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = lane < BLOCK / 32 ? parts[lane] : neutral;
    for (int d = 16; d > 0; d /= 2) value = combine(value, __shfl_xor_sync(~0u, value, d));
    __syncthreads();
    return value;
}

struct Largest {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Sum {
    __device__ float operator()(float a, float b) const { return a + b; }
};

extern "C" __global__ void __launch_bounds__(BLOCK)
    softmax(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
    int row = blockIdx.x;
    if (row >= rows) return;
    float top = -INFINITY;
    for (int j = threadIdx.x; j < cols; j += BLOCK) top = fmaxf(top, x[row * cols + j]);
    top = block_reduce(top, -INFINITY, Largest());
    float weight = 0.0f;
    for (int j = threadIdx.x; j < cols; j += BLOCK) weight += expf(x[row * cols + j] - top);
    float scale = 1.0f / block_reduce(weight, 0.0f, Sum());
    for (int j = threadIdx.x; j < cols; j += BLOCK)
        y[row * cols + j] = expf(x[row * cols + j] - top) * scale;
}

extern "C" __global__ void __launch_bounds__(BLOCK)
    total(const float* __restrict__ a, float* out, int n) {
    float part = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        part += a[i];
    part = block_reduce(part, 0.0f, Sum());
    if (threadIdx.x == 0) atomicAdd(out, part);
}

// A hand with patience again.
extern "C" __global__ void __launch_bounds__(BLOCK)
    total4(const float4* __restrict__ a, float* out, int n) {
    float part = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        float4 v = a[i];
        part += (v.x + v.y) + (v.z + v.w);
    }
    part = block_reduce(part, 0.0f, Sum());
    if (threadIdx.x == 0) atomicAdd(out, part);
}
