"""Line tables: which line of the source each instruction comes from.

`DebugDirectivesOnly` writes `.file` and `.loc` and changes nothing else; `LineTablesOnly` would
put `debug` on the target, for which ptxas compiles without optimisation. A statement of a helper
carries the file and line of the helper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.source import Span
    from oxide_codegen.lowering.builder import Names


class LineTable:
    """The debug metadata of one kernel."""

    def __init__(self, names: Names, kernel: Kernel) -> None:
        self._names = names
        self._files: dict[str, str] = {}
        self._scopes: dict[str, str] = {}
        self._locations: dict[tuple[str, int, int], str] = {}
        file = self._file(kernel.path)
        self.unit = names.node(
            f"distinct !DICompileUnit(language: DW_LANG_C_plus_plus, file: {file}, "
            'producer: "oxide", isOptimized: true, runtimeVersion: 0, '
            "emissionKind: DebugDirectivesOnly)"
        )
        self.flags = (
            names.node('!{i32 2, !"Dwarf Version", i32 2}'),
            names.node('!{i32 2, !"Debug Info Version", i32 3}'),
        )
        signature = names.node("!DISubroutineType(types: null)")
        line = kernel.span.line
        self.subprogram = names.node(
            f"distinct !DISubprogram(name: {quoted(kernel.name)}, scope: {file}, file: {file}, "
            f"line: {line}, type: {signature}, scopeLine: {line}, "
            f"spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: {self.unit})"
        )
        self._scopes[kernel.path] = self.subprogram

    def location(self, span: Span) -> str:
        """The attachment of an instruction that comes from `span`."""
        # LLVM keeps 16 bits of a column.
        key = (span.path, span.line, min(span.column, 65535))
        if key not in self._locations:
            self._locations[key] = self._names.node(
                f"!DILocation(line: {key[1]}, column: {key[2]}, scope: {self._scope(span.path)})"
            )
        return f", !dbg {self._locations[key]}"

    def _scope(self, path: str) -> str:
        if path not in self._scopes:
            self._scopes[path] = self._names.node(
                f"!DILexicalBlockFile(scope: {self.subprogram}, file: {self._file(path)}, "
                "discriminator: 0)"
            )
        return self._scopes[path]

    def _file(self, path: str) -> str:
        if path not in self._files:
            self._files[path] = self._names.node(
                f'!DIFile(filename: {quoted(path)}, directory: "")'
            )
        return self._files[path]


def quoted(text: str) -> str:
    """A string of LLVM's: quotes, backslashes and all that is not ASCII as hexadecimal."""
    return '"' + "".join(_escaped(byte) for byte in text.encode()) + '"'


def _escaped(byte: int) -> str:
    if 32 <= byte < 127 and byte not in b'"\\':
        return chr(byte)
    return f"\\{byte:02X}"
