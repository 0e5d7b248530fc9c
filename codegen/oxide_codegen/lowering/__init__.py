"""The kernel IR as LLVM text, for both back ends."""
