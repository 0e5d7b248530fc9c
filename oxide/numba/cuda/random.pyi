from oxide.numba_cuda.random import *  # noqa: F403
