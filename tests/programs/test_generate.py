"""The random programs are what they promise to be."""

import ast
from random import Random

import pytest

from oxide_analyzer.contract import evaluate
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.kernel import DataProperty
from oxide_analyzer.ir.verify import verify
from programs.features import features, spoken
from programs.generate import KINDS, deterministic, wild
from programs.launches import launches
from programs.program import is_telling

pytestmark = pytest.mark.fuzz


@pytest.mark.parametrize("seed", range(40))
def test_deterministic_programs_break_no_rule(seed):
    program = deterministic(seed)
    kernel = program.kernel()
    assert verify(kernel) == []
    outcome = run(kernel, program.launch)
    assert outcome.succeeded, (outcome.failures, program.source)


def test_most_deterministic_programs_tell_something():
    programs = [deterministic(seed) for seed in range(40)]
    kernels = [(program.kernel(), program.launch) for program in programs]
    assert sum(is_telling(kernel, run(kernel, launch)) for kernel, launch in kernels) >= 28


def test_a_seed_is_a_program():
    assert deterministic(3) == deterministic(3)
    assert wild(3) == wild(3)
    assert deterministic(3).source != deterministic(4).source


def test_programs_use_the_language():
    sources = [deterministic(seed).source for seed in range(60)]
    text = "\n".join(sources)
    nodes = {type(node) for source in sources for node in ast.walk(ast.parse(source))}
    assert {ast.For, ast.While, ast.If, ast.IfExp, ast.BoolOp, ast.Break, ast.Continue} <= nodes
    words = ["SharedArray", "LocalArray", "atomic.add", "sync_threads", "Slice2D", "grid_stride"]
    for word in [*words, "return", "elif", "math.sqrt", "helper1(", "bool", "domain=1"]:
        assert word in text
    assert "f32(" not in deterministic(1, floats=False).source.split("def k")[1]


def test_wild_programs_fail_in_every_way_and_succeed_too():
    ends = set()
    for seed in range(80):
        kernel = wild(seed).kernel()
        for launch in launches(Random(seed), kernel, (), 12):
            outcome = run(kernel, launch, budget=100_000)
            ends |= {type(failure).__name__ for failure in outcome.failures} or {"none"}
    assert {"Race", "OutOfBounds", "Uninitialised", "Divergence", "none"} <= ends


@pytest.mark.parametrize(("kind", "ways"), [
    ("lanes", {"Race", "WarpDivergence", "OutsideMask", "Uninitialised", "Divergence", "none"}),
    ("handover", {"Race", "Divergence", "Uninitialised", "none"}),
    ("forms", {"Race", "BadView", "OutOfBounds", "Misaligned", "FailedAssertion", "none"}),
    ("calls", {"Race", "Divergence", "Uninitialised", "OutOfBounds", "none"}),
    ("waits", {"Race", "Divergence", "OutOfBounds", "none"}),
])  # fmt: skip
def test_other_kinds_fail_in_their_ways(kind, ways):
    ends = set()
    for seed in range(70):
        program = KINDS[kind](seed)
        kernel = program.kernel()
        assert verify(kernel) == []
        for launch in launches(Random(seed), kernel, (), 6):
            outcome = run(kernel, launch, schedule=seed, budget=20_000)
            ends |= {type(failure).__name__ for failure in outcome.failures} or {"none"}
    assert ways <= ends


def test_the_kinds_use_the_language():
    programs = [KINDS["mixed"](seed) for seed in range(210)]
    used = set().union(*(features(p.kernel()) | spoken(p.source) for p in programs))
    assert {
        *("warp operation", "sync_warp", "mask", "warp operation in loop", "barrier in loop"),
        *("atomic add", "atomic other", "atomic order", "atomic scope block", "fence"),
        *("grid barrier", "loop over an atomic", "view", "wide access", "three dimensions"),
        *("dynamic shared", "small integers", "data: injective", "data: within", "assertion"),
        *("nested branches", "helper", "return", "return before a barrier", "struct", "match"),
        *("barrier in helper", "barrier in helper in loop", "barrier in helper in branch"),
        *("early return of a helper", "while True", "barrier and wait in one loop"),
        *("grid barrier in loop", "warp operation beside a barrier"),
    } <= used


@pytest.mark.parametrize("kind", ["wild", "forms", "handover", "waits"])
def test_launches_keep_the_contract(kind):
    admitted = 0
    for seed in range(30):
        kernel = KINDS[kind](seed).kernel()
        for launch in launches(Random(seed), kernel, (), 40):
            admitted += 1
            shapes = {name: contents.shape for name, contents in launch.arrays.items()}
            for fact in kernel.contract.data:
                values = launch.arrays[fact.array].values
                if fact.property is DataProperty.INJECTIVE:
                    assert len(set(values)) == len(values)
                    continue
                given = (launch.scalars, shapes, launch.grid, launch.block)
                low, high = evaluate(fact.low, *given), evaluate(fact.high, *given)
                assert all(low <= value < high for value in values)
            for requirement in kernel.contract.requires:
                given = (launch.scalars, shapes, launch.grid, launch.block)
                assert evaluate(requirement.condition, *given)
    assert admitted > 100
