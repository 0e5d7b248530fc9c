"""Arrays of several devices combined, in one process or in several: who takes part, and how.

    group = Group("cuda:0", "cuda:1")          devices of this process
    group = Group.join()                       those of all processes that a launcher started

Elements travel through NCCL between GPUs, and through the hub between processes of the cpu. In both
cases the hub hears of every call of every process, and so finds ranks that ask for different
things, that are gone, or that do not come.
"""
