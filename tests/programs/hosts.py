"""Random host programs round one Numba kernel: what they launch changes on the way.

    program(7)                        the text of one, for the stand-in of `host_code`

Numbers, arrays, lists and objects are made, changed and handed to functions in branches, loops that
are left early, and behind exceptions; now and then the kernel is launched with what is there.
"""

from __future__ import annotations

from random import Random

from programs.host_code import HEAD

_NUMBERS = ("g", "n", "m")
_ARRAYS = ("x", "y", "z")
_LISTS = ("p", "q")
_SHAPED = ("w",)


def program(seed: int) -> str:
    """One host program."""
    return _Program(Random(seed)).text()


class _Program:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.depth = 0
        self.loops = 0
        self.statements = 0
        self.functions: list[str] = []
        self.inside: str | None = None
        self.has_object = random.random() < 0.5

    def text(self) -> str:
        self.lines = ["ROWS = 4", "outer = np.zeros(7)"]
        self.start()
        if self.has_object:
            self.holder()
        for number in range(self.random.randint(1, 3)):
            self.function(f"f{number}")
        in_main = self.random.random() < 0.6
        if in_main:
            self.lines.append("def main():")
            self.depth = 1
            self.start()
        if self.has_object:
            self.line("h, other = Holder(5, np.zeros(9)), Holder(6, np.zeros(4))")
        self.block(self.random.randint(4, 9))
        self.launch()
        if in_main:
            self.depth = 0
            self.lines.append("main()")
        return HEAD + "\n".join(self.lines) + "\n"

    def start(self) -> None:
        for name, value in (("g", 2), ("n", 6), ("m", 3)):
            self.line(f"{name} = {value}")
        for name, size in (("x", "8"), ("y", "rnd()"), ("z", "n")):
            self.line(f"{name} = np.zeros({size})")
        self.line("w = np.zeros((ROWS, 5))")
        self.line("p, q = [1, 2, 3], [4]")

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    # ------------------------------------------------------------ definitions

    def holder(self) -> None:
        base = self.random.random() < 0.3
        self.lines.append("class Holder:")
        self.lines.append("    size = 3")
        self.lines.append("    def __init__(self, n, x):")
        for text in (
            self.pick("self.n = n", "self.n = len(x)", "self.n = 7"),
            self.pick("self.x = x", "self.x = np.zeros(n)", "self.x = x.copy()"),
            self.pick("self.y = np.zeros(n)", "self.y = self.x", "self.y = np.zeros(self.n)"),
            self.pick("self.p = [n]", "self.p = [2]", "self.p = (n, 2)"),
        ):
            self.lines.append("        " + text)
        self.lines.append("    def change(self, n):")
        for text in self.random.sample(
            [
                "self.n = n",
                "if n > 3: self.x = np.zeros(n)",
                "self.x, self.y = self.y.copy(), self.x.copy()",
                "if isinstance(self.p, list): self.p[0] = n",
                "k[1, 64](self.x, self.y, self.n)",
                "pass",
                "if flag(): return",
            ],
            3,
        ):
            self.lines.append("        " + text)
        self.lines.append("    @property")
        self.lines.append("    def seen(self):")
        self.lines.append(f"        return {self.pick('self.x', 'self.y[:2]', 'self.x.T')}")
        self.lines.append("    def run(self, n):")
        self.lines.append("        k[self.p[0], 64](self.x, self.y, self.n)")
        self.lines.append("        k[self.size, 64](self.x, np.zeros(n), n)")
        if base:
            self.lines.append("class Other(Holder):")
            self.lines.append("    size = 4")
            self.lines.append("Other(2, np.zeros(3)).run(3)")

    def function(self, name: str) -> None:
        self.lines.append(f"def {name}(g, x, v, n=6, p=(5,)):")
        self.depth, before, self.inside = 1, self.depth, name
        second = self.pick("y = v", "y = v", "y = x", "y = outer")
        for text in ("m = 3", second, "z = np.zeros(n)", "w = np.zeros((ROWS, 5))", "q = [4]"):
            self.line(text)
        if self.random.random() < 0.3:
            shared = self.pick("g", "n", "m")
            outer = self.pick("m2", "n2") if shared != "m" else "m2"
            self.line(f"global {outer}")
            self.line(f"{outer} = {shared}")
        has_object, self.has_object = self.has_object, False
        self.block(self.random.randint(2, 4))
        self.has_object = has_object
        if self.random.random() < 0.7:
            self.launch()
        self.line(f"return {self.pick('g', 'n', 'len(x)', 'm', 'g + n')}")
        self.depth, self.inside = before, None
        self.functions.append(name)

    # ------------------------------------------------------------ statements

    def block(self, count: int) -> None:
        start = len(self.lines)
        for _ in range(count):
            self.statement()
        if len(self.lines) == start:
            self.line("pass")

    def statement(self) -> None:
        self.statements += 1
        roll = self.random.random()
        if self.statements > 40 or self.depth > 4:
            roll = 0.1 + roll * 0.3
        if roll < 0.22:
            self.line(f"{self.pick(*_NUMBERS)} = {self.number()}")
        elif roll < 0.40:
            self.line(f"{self.pick(*_ARRAYS)} = {self.array()}")
        elif roll < 0.50:
            self.launch()
        elif roll < 0.62:
            self.change()
        elif roll < 0.74:
            self.branch()
        elif roll < 0.88:
            self.loop()
        elif roll < 0.95:
            self.guarded()
        else:
            self.call()

    def change(self) -> None:
        options = [
            f"{self.pick(*_NUMBERS)} += 1",
            f"{self.pick(*_NUMBERS)} = {self.pick(*_NUMBERS)} = {self.random.randint(1, 4)}",
            "g, n = n, g",
            "x, y = y, x",
            "x, y, z = y, z, x",
            "p = q = [2, 4]",
            "p = [g, n]",
            "x += 1",
            "if (x := y) is not None: pass",
            f"x, y = w[:2] if flag() else ({self.array()}, {self.array()})",
            f"x, y = np.split({self.pick(*_ARRAYS)}[:4], 2) if len(x) > 3 else (y, z)",
            f"x = np.add({self.pick(*_ARRAYS)}, 1, out={self.pick(*_ARRAYS)}) if flag() else z",
            f"if (n := {self.number()}) > 3: pass",
            f"g = {self.number()} if flag() else {self.number()}",
            f"x = {self.pick(*_ARRAYS)} if flag() else {self.pick(*_ARRAYS)}",
        ]
        if self.inside is None:
            options += [
                "p[0] = 3",
                "p.append(2)",
                "p.reverse()",
                "q = p",
                "q[0] += 1",
                "p = list(q)",
            ]
        if self.has_object:
            options += ["h.change(n)", "h.run(g)", "h.n = 4", "other.change(g)", "h.run(len(x))"]
            options += ["k[1, 64](h.x, other.x, h.n)", "k[1, 64](h.x, h.y, other.n)"]
        self.line(self.random.choice(options))

    def branch(self) -> None:
        self.line(f"if {self.condition()}:")
        self.indented(self.random.randint(1, 2))
        if self.random.random() < 0.5:
            self.line("else:")
            self.indented(self.random.randint(1, 2))

    def loop(self) -> None:
        head = self.pick(
            "for i in range(3)",
            "for i in range(m)",
            "for g in (1, 2, 4)",
            "for n in p",
            "for g, n in ((1, 3), (2, 5))",
            "for i, n in enumerate((4, 5))",
            "for g in sorted({1, 5})",
            "for _ in range(rnd())",
            "for x in w",
            "for i, y in enumerate(w)",
            "for x, y in zip(w, np.zeros((3, 5)))",
        )
        if self.random.random() < 0.25:
            name = f"c{len(self.lines)}"
            self.line(f"{name} = 0")
            self.line(f"while {name} < {self.pick('2', '3', '4')}:")
            self.depth += 1
            self.line(f"{name} += 1")
            self.depth -= 1
        else:
            self.line(f"{head}:")
        self.loops += 1
        self.indented(self.random.randint(1, 3))
        if self.random.random() < 0.5:
            self.depth += 1
            self.line(f"if {self.condition()}: {self.pick('break', 'continue')}")
            self.depth -= 1
            if self.random.random() < 0.6:
                self.indented(1)
        self.loops -= 1
        if self.random.random() < 0.25:
            self.line("else:")
            self.indented(1)

    def guarded(self) -> None:
        if self.random.random() < 0.4:
            self.line("with contextlib.suppress(OSError):")
        else:
            self.line("try:")
        is_try = self.lines[-1].endswith("try:")
        self.indented(self.random.randint(1, 2))
        if self.random.random() < 0.6:
            self.depth += 1
            self.line(f"if {self.condition()}: risky()")
            self.depth -= 1
            self.indented(1)
        if is_try:
            self.line("except OSError:")
            self.indented(1)
            if self.random.random() < 0.4:
                self.line("finally:")
                self.indented(1)

    def call(self) -> None:
        if not self.functions:
            self.line("pass")
            return
        name = self.random.choice(self.functions)
        given = f"{self.number()}, {self.array()}, {self.pick(*_ARRAYS, 'outer')}"
        if self.random.random() < 0.5:
            given += f", {self.number()}"
        target = f"{self.pick(*_NUMBERS)} = " if self.random.random() < 0.6 else ""
        self.line(f"{target}{name}({given})")

    def indented(self, count: int) -> None:
        self.depth += 1
        self.block(count)
        self.depth -= 1

    # ------------------------------------------------------------ expressions

    def condition(self) -> str:
        return self.pick("flag()", "flag()", "g > 2", "n == 4", "len(x) > 5", "m < n", "rnd() > 4")

    def number(self) -> str:
        options = [
            str(self.random.randint(1, 9)),
            self.pick(*_NUMBERS),
            f"{self.pick(*_NUMBERS)} + {self.random.randint(1, 3)}",
            "rnd()",
            f"len({self.pick(*_ARRAYS)})",
            f"{self.pick(*_ARRAYS)}.size",
            "max(g, n)",
            "min(n, 4)",
            f"({self.pick(*_NUMBERS)} + 3) // 4 + 1",
            "math.ceil(n / 4)",
            "w.shape[1]",
            "p[0]",
            "len(p)",
            "n % 5 + 1",
            "int(n * 0.5) + 1",
            "int(n / 2 + 1)",
            "math.ceil(n / 2 + 1)",
            "math.ceil(max(1, g / 2))",
            "int(max(1, g / 2))",
            "round(n / 2 + 1)",
            "(n % 3) or 2",
        ]
        if self.has_object:
            options += ["h.n", "other.n", "len(h.x)"]
        return self.random.choice(options)

    def array(self) -> str:
        number = self.pick(*_NUMBERS)
        options = [
            f"np.zeros({self.number()})",
            f"np.zeros({number})",
            f"np.empty_like({self.pick(*_ARRAYS)})",
            self.pick(*_ARRAYS),
            f"{self.pick(*_ARRAYS)}.copy()",
            f"cuda.to_device({self.pick(*_ARRAYS)})",
            f"np.asarray({self.pick(*_ARRAYS)})",
            "load()",
            f"{self.pick(*_ARRAYS)}[:{number}]",
            f"{self.pick(*_ARRAYS)}[{number} % 2:]",
            "w[0]",
            f"w[{number} % 4]",
            "w.ravel()",
            f"{self.pick(*_ARRAYS)} * 2",
            f"np.arange({number})",
            f"np.arange({number}, step=2)",
            f"np.empty_like({self.pick(*_ARRAYS)}, shape=({number},))",
            f"{self.pick(*_ARRAYS)}.astype(np.float64, copy=False)",
            f"np.array({self.pick(*_ARRAYS)}, copy=None)",
            f"np.{self.pick('squeeze', 'ravel', 'flip', 'atleast_1d')}({self.pick(*_ARRAYS)})",
            f"{self.pick(*_ARRAYS)}.{self.pick('T', 'real', 'view()', 'ravel()', 'squeeze()')}",
            f"cuda.to_device(cuda.to_device({self.pick(*_ARRAYS)}))",
            f"cuda.as_cuda_array({self.pick(*_ARRAYS)})",
            "w.swapaxes(0, 1)[0]",
            "w.T[1]",
        ]
        if self.has_object:
            options += ["h.x", "h.y", "other.x", "h.seen", "other.seen"]
        return self.random.choice(options)

    def launch(self) -> None:
        grid = self.pick(*_NUMBERS, "1", "2", "(n + 3) // 4", "g")
        one, other = self.pick(*_ARRAYS), self.pick(*_ARRAYS)
        scalar = self.pick("", "", ", n", ", g", ", len(x)", ", m")
        self.line(f"k[{grid}, {self.pick('64', '64', '32 * m')}]({one}, {other}{scalar})")
