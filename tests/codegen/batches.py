"""Many kernels in one module: LLVM sets up once, and what kernels have in common stands once.

Every text has its own names and its own numbers of metadata. Functions that are the same to the
letter, and call only such, are kept once (the scheduler of coroutines, `sin`); all other names get
the number of their kernel behind them: `@run` of the third is `@run_2`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

import llvmlite.binding as binding

from oxide_analyzer.facts.ranges import ranges
from oxide_codegen import llvm
from oxide_codegen.lowering import coroutines, patterns, thread_loop
from oxide_codegen.native import native_of, symbols

_NAME = re.compile(r"@([\w.$-]+)")
_NUMBER = re.compile(r"!(\d+)\b")
_DEFINITION = re.compile(r"^(?:define\b.*?)?@([\w.$-]+)")


@dataclass
class _Text:
    """A module in parts: functions and variables by name, what names metadata, the metadata."""

    functions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    nodes: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def joined(texts: list[str]) -> str:
    """One module; see above."""
    parts = [_parsed(text) for text in texts]
    kept: dict[str, str] = {}
    lines: list[str] = []
    named: dict[str, list[str]] = {}
    first = 0
    for number, part in enumerate(parts):
        own = set(part.functions) | set(part.variables)
        common = _common(part)
        for name in common:
            if kept.setdefault(name, part.functions[name]) != part.functions[name]:
                common = common - {name} - _callers(part, name)
        renamed = own - common

        def name_of(match, number=number, renamed=renamed):
            name = match[1]
            return f"@{name}_{number}" if name in renamed else match[0]

        def node_of(match, first=first):
            return f"!{int(match[1]) + first}"

        def moved(text, name_of=name_of, node_of=node_of):
            return _NUMBER.sub(node_of, _NAME.sub(name_of, text))

        lines += [moved(text) for text in part.variables.values()]
        lines += [moved(text) for name, text in part.functions.items() if name in renamed]
        lines += [moved(node) for node in part.nodes]
        lines += [text for text in part.others if text not in lines]
        for key, text in part.named.items():
            named.setdefault(key, []).append(_NUMBER.sub(node_of, text))
        first += len(part.nodes)
    lines += kept.values()
    for key, lists in named.items():
        # Flags of a module are there once; they are the same for all.
        chosen = lists[:1] if key == "!llvm.module.flags" else lists
        lines.append(f"{key} = !{{{', '.join(text[2:-1] for text in chosen)}}}")
    return "\n".join(lines)


def natives(
    checked: list, *, narrows: bool, contract: bool = False, optimises: bool = True
) -> list:
    """The kernels of a module for this processor, ready to run; as the cpu device compiles them.

    Without LLVM's optimiser that takes a fifth of the time, and shows the same of the lowering.
    """
    texts = [native_text(one, narrows=narrows, contract=contract) for one in checked]
    vectorises = not any(patterns.divides(one.kernel.body) for one in checked)
    text = joined(texts)
    image = llvm.object_code(text, vectorises=vectorises) if optimises else _unoptimised(text)
    names = [
        {symbol: f"{symbol}_{number}" for symbol in symbols(one.kernel)}
        for number, one in enumerate(checked)
    ]
    owner, addresses = llvm.linked(image, [name for one in names for name in one.values()])
    return [
        native_of(
            one.kernel, text, owner, {symbol: addresses[name] for symbol, name in own.items()}
        )
        for one, text, own in zip(checked, texts, names, strict=True)
    ]


def _unoptimised(text: str) -> bytes:
    """Object code with the passes alone that no code can do without: those for coroutines."""
    machine = _plain_machine()
    head = f'target triple = "{machine.triple}"\ntarget datalayout = "{machine.target_data}"\n'
    module = binding.parse_assembly(head + text, binding.create_context())
    module.verify()
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(0))
    passes.getModulePassManager().run(module, passes)
    return machine.emit_object(module)


@cache
def _plain_machine():
    llvm.host_machine()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=0,
        reloc="pic",
        codemodel="small",
    )


def native_text(checked, *, narrows: bool, contract: bool) -> str:
    """The LLVM text of a kernel for this processor."""
    kernel = checked.kernel
    facts = ranges(kernel, compact=checked.compact, conditions=[f.condition for f in checked.facts])
    lower = coroutines.lower if patterns.meets(kernel) else thread_loop.lower
    flags = "contract " if contract else ""
    return lower(checked, facts, flags, narrows=narrows, has_halves=llvm.converts_halves())


def _parsed(text: str) -> _Text:
    part = _Text()
    function: list[str] = []
    for line in text.splitlines():
        if function:
            function.append(line)
            if line == "}":
                part.functions[_defined(function[0])] = "\n".join(function)
                function = []
        elif line.startswith("define"):
            function = [line]
        elif line.startswith("@"):
            part.variables[_defined(line)] = line
        elif line.startswith("!"):
            name, _, node = line.partition(" = ")
            if name[1:].isdecimal():
                assert int(name[1:]) == len(part.nodes)
                part.nodes.append(line)
            else:
                part.named[name] = node
        elif line.strip():
            part.others.append(line)
    assert not function
    return part


def _defined(line: str) -> str:
    found = _DEFINITION.search(line)
    assert found is not None, line
    return found[1]


def _common(part: _Text) -> frozenset[str]:
    """Functions that know nothing of their kernel: no metadata, no variable, no other function."""
    alone = {
        name
        for name, text in part.functions.items()
        if "define internal" in text.partition("\n")[0] and not _NUMBER.search(text)
    }
    while True:
        more = {
            name
            for name in alone
            if all(
                other in alone or other not in {*part.functions, *part.variables}
                for other in _NAME.findall(part.functions[name])
            )
        }
        if more == alone:
            return frozenset(alone)
        alone = more


def _callers(part: _Text, name: str) -> frozenset[str]:
    """The functions that call one, directly or not."""
    found = {name}
    while more := {
        caller
        for caller, text in part.functions.items()
        if found & set(_NAME.findall(text)) and caller not in found
    }:
        found |= more
    return frozenset(found - {name})
