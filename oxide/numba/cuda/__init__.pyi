from oxide.numba_cuda import *  # noqa: F403
