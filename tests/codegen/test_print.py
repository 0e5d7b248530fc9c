"""`print` in PTX: one call of `vprintf`, with the formats of the types, on every target."""

import pytest

from codegen.reading import trusted
from oxide_codegen import toolchain
from oxide_codegen.ptx import compile_ptx, plan

KERNEL = """
@kernel
def shout(a: Slice[f32], h: Slice[f16], n: u64, out: DisjointSlice[f64]):
    i = thread.index_1d()
    if i < len(out):
        print(f"100% {i} {n} {a[i]} {h[i]} {out[i]} {i > 3}!")
        out[i] = 1.0
"""


@pytest.mark.parametrize("sm", ["sm_75", "sm_90", "sm_120"])
def test_a_line_is_one_call(sm):
    made = compile_ptx(trusted(KERNEL), sm)
    assert made.text.count("call.uni") == 1
    text = b"100%% %lld %llu %.9g %.5g %.17g %s!\n\0"
    # PTX leaves out the zero at the end.
    assert ", ".join(map(str, text[:-1])) in made.text
    if toolchain.ptxas():
        assert toolchain.registers(made.text, sm).spill_stores == 0


def test_one_thread_does_not_print_for_others():
    assert "a `print`" in str(plan(trusted(KERNEL)))
