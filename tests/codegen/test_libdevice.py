"""Functions of libdevice: linked where it is found, our own where it is not or not wanted."""

import re

import llvmlite.binding as llvm
import pytest

from codegen.reading import trusted
from oxide_codegen import libdevice
from oxide_codegen.errors import OxideError
from oxide_codegen.llvm import NVPTX
from oxide_codegen.ptx import compile_ptx

# As in the real one: a function may call another, and most are for kernels of others.
BITCODE = f"""
target triple = "{NVPTX}"
define float @__nv_sinf(float %x) {{
  %y = call float @__internal_twice(float %x)
  ret float %y
}}
define internal float @__internal_twice(float %x) noinline {{
  %y = fmul float %x, 0x4008000000000000
  ret float %y
}}
define float @__nv_unused(float %x) {{
  ret float %x
}}
@asked = private constant [17 x i8] c"__CUDA_PREC_SQRT\\00"
declare i32 @__nvvm_reflect(ptr)
define float @__nv_hypotf(float %x, float %y) {{
  %exact = call i32 @__nvvm_reflect(ptr @asked)
  %is_exact = icmp ne i32 %exact, 0
  %three_or_five = select i1 %is_exact, float 3.0, float 5.0
  %found = fmul float %x, %three_or_five
  ret float %found
}}
"""
KERNEL = """
@kernel
def k(a: Slice[{type}], out: DisjointSlice[{type}]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = math.sin(a[i]) + math.exp(a[i])
"""

ROOTS = """
@kernel
def k(a: Slice[f32], b: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(b) and i < len(out):
        out[i] = math.hypot(a[i], b[i])
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    path = tmp_path / "libdevice.bc"
    path.write_bytes(llvm.parse_assembly(BITCODE).as_bitcode())
    monkeypatch.setenv(libdevice.VARIABLE, str(path))
    monkeypatch.setenv("OXIDE_CACHE_DIR", str(tmp_path / "cache"))
    return path


def ptx(scalar="f32"):
    return compile_ptx(trusted(KERNEL.format(type=scalar)), "sm_80").text


def test_a_kernel_gets_what_it_calls(library):
    text = ptx()
    assert "0f40400000" in text
    assert "__nv_" not in re.sub(r"(?m)^\s*//.*$", "", text)
    # `exp` has a form of its own on every device.
    assert "ex2.approx.ftz.f32" in text


def test_doubles_and_those_who_refuse_it_have_our_own(library, monkeypatch):
    assert "0f40400000" not in ptx("f64")
    monkeypatch.setenv(libdevice.VARIABLE, "0")
    own = ptx()
    assert "0f40400000" not in own
    assert "fma.rn.f64" in own


def test_its_square_roots_are_rounded(library):
    text = compile_ptx(trusted(ROOTS), "sm_80").text
    assert "0f40400000" in text
    assert "0f40A00000" not in text


def test_another_file_is_another_key(library, tmp_path, monkeypatch):
    first = libdevice.mark()
    other = tmp_path / "other.bc"
    other.write_bytes(library.read_bytes() + b"\0\0\0\0")
    monkeypatch.setenv(libdevice.VARIABLE, str(other))
    second = libdevice.mark()
    monkeypatch.setenv(libdevice.VARIABLE, "0")
    assert len({first, second, libdevice.mark()}) == 3


def test_a_file_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(libdevice.VARIABLE, str(tmp_path / "nothing.bc"))
    with pytest.raises(OxideError, match=r"OXIDE_LIBDEVICE names .*nothing\.bc"):
        ptx()
