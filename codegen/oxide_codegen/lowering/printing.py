"""`print` of a kernel: values side by side in cells of 8 bytes, handed to who writes the line.

On the host that is a function of the runtime, whose address it puts into `@printer`:

    print(f"x[{i}] = {x}")       cells = {i, f64(x)}; printer(site, launch, cells)

On a device it is `vprintf`, whose text the driver writes when the host next waits for the device.
The formats are those of `interpreter.lines`, so all devices write alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.lines import DIGITS
from oxide_analyzer.language.types import F64
from oxide_codegen.lowering import arithmetic
from oxide_codegen.printing import PRINTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.ir.nodes import Print
    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder, Value


def on_host(build: Builder, statement: Print, values: Sequence[Value]) -> None:
    """Call the runtime; `%failure` stands for the launch."""
    build.functions[PRINTER] = f"@{PRINTER} = global ptr null"
    cells = _cells(build, statement, values)
    to = build.load("ptr", f"@{PRINTER}")
    build.emit(f"call void {to.text}(i64 {statement.site}, ptr %failure, ptr {cells})")


def on_device(build: Builder, statement: Print, values: Sequence[Value]) -> None:
    """Call `vprintf`."""
    build.functions["vprintf"] = "declare i32 @vprintf(ptr, ptr)"
    shown = [
        _word(build, value) if expr.type.name == "bool" else value
        for expr, value in zip(statement.values, values, strict=True)
    ]
    cells = _cells(build, statement, shown)
    text = _escaped(statement.texts[0])
    for expr, behind in zip(statement.values, statement.texts[1:], strict=True):
        text += _directive(expr.type) + _escaped(behind)
    line = _text(build, f"{text}\n")
    build.emit(f"call i32 @vprintf(ptr {line}, ptr {cells})")


def _cells(build: Builder, statement: Print, values: Sequence[Value]) -> str:
    """The values in memory, each as i64, f64 or pointer."""
    cells = build.variable(f"[{max(1, len(values))} x i64], align 8", "cells")
    for number, (expr, value) in enumerate(zip(statement.values, values, strict=True)):
        at = build.value("ptr", f"getelementptr i64, ptr {cells}, i64 {number}")
        build.emit(f"store {_cell(build, value, expr.type)}, {at}")
    return cells


def _cell(build: Builder, value: Value, scalar: Scalar) -> Value:
    if scalar.is_float:
        return arithmetic.convert(build, value, scalar, F64)
    if value.type == "ptr":
        return value
    return arithmetic.resize(build, value, "i64", signed=scalar.is_signed)


def _directive(scalar: Scalar) -> str:
    if scalar.is_float:
        return f"%.{DIGITS[scalar.name]}g"
    if scalar.name == "bool":
        return "%s"
    return "%lld" if scalar.is_signed else "%llu"


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _word(build: Builder, value: Value) -> Value:
    """The text of a bool."""
    words = _text(build, "True"), _text(build, "False")
    return build.value("ptr", f"select {value}, ptr {words[0]}, ptr {words[1]}")


def _text(build: Builder, text: str) -> str:
    """A generic pointer to a text in memory, for C: a constant expression."""
    data = text.encode() + b"\0"
    listed = "".join(f"\\{byte:02X}" for byte in data)
    name = f"@oxide.text.{data.hex() if len(data) < 9 else len(build.functions)}"
    type_ = f"[{len(data)} x i8]"
    build.functions[name] = f'{name} = internal addrspace(1) constant {type_} c"{listed}"'
    return f"addrspacecast (ptr addrspace(1) {name} to ptr)"
