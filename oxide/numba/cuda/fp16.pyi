from oxide.numba_cuda.fp16 import *  # noqa: F403
from oxide.numba_cuda.fp16 import __getattr__ as __getattr__
