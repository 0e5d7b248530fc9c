"""CheckedKernel to LLVM to PTX or native code; devices, buffers, launches."""
