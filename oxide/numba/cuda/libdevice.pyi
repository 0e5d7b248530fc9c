from oxide.numba_cuda.libdevice import *  # noqa: F403
from oxide.numba_cuda.libdevice import __getattr__ as __getattr__
