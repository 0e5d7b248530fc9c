"""What the instructions of PTX and of machine code do, for whoever hovers over one.

An instruction is a name and its modifiers: `ld.global.nc.v4.b32`. The name says what is done, by
the longest entry of the table that begins it (`cp.async.wait_group` before `cp.async`); each
modifier behind it adds a phrase, and the last one is mostly the type:

    ld.global.nc.v4.b32     loads from memory · global memory · through the read-only cache ·
                            four elements at once · 32 bits of any type

The words are ours and say what matters beside a kernel's source; PTX's own manual says the rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PTX: Final = {
    # data
    "ld": "Loads from memory into a register.",
    "st": "Stores a register to memory.",
    "mov": "Copies a register, a constant, a special register or the address of a variable.",
    "cvt": "Converts a number to another type; first the type of the result, then of the operand.",
    "cvta": "Makes a generic address of one in a memory space, or with `.to` the other way.",
    "prefetch": "Asks for a line of memory to be brought into a cache; nothing waits for it.",
    "prmt": "Picks four of the eight bytes of two registers, in any order.",
    "selp": "Chooses one of two registers by a predicate: a branch without a branch.",
    "setp": "Compares two numbers; the answer is a predicate, which guards or chooses later.",
    "set": "Compares two numbers; the answer is a number.",
    "isspacep": "Says whether a generic address lies in a memory space.",
    # arithmetic
    "abs": "The absolute value.",
    "add": "Adds.",
    "addc": "Adds with the carry of the instruction before.",
    "sub": "Subtracts the second operand from the first.",
    "subc": "Subtracts with the borrow of the instruction before.",
    "mul": "Multiplies. Of integers `.lo` keeps the low half of the product, `.hi` the high half, "
    "`.wide` all of it in a register of twice the width.",
    "mad": "Multiplies two integers and adds a third.",
    "madc": "Multiplies, adds, and adds the carry of the instruction before.",
    "fma": "Multiplies two floats and adds a third, rounded once: `a * b + c` of a contracted sum.",
    "div": "Divides. There is no such machine instruction: it becomes a dozen or more, of integers "
    "by a variable the most.",
    "rem": "The remainder of a division, with the sign of the dividend; as slow as the division.",
    "neg": "Changes the sign.",
    "min": "The smaller number; if one is NaN, the other.",
    "max": "The larger number; if one is NaN, the other.",
    "sqrt": "The square root.",
    "rsqrt": "One over the square root, approximately.",
    "rcp": "One over the operand.",
    "ex2": "Two to the power of the operand, by the special function unit.",
    "lg2": "The logarithm to base two, by the special function unit.",
    "sin": "The sine, by the special function unit.",
    "cos": "The cosine, by the special function unit.",
    "tanh": "The hyperbolic tangent, by the special function unit.",
    "copysign": "The magnitude of one float with the sign of another.",
    "testp": "Asks whether a float is finite, infinite, NaN, normal or subnormal.",
    "sad": "Adds the absolute difference of two integers to a third.",
    "dp4a": "Multiplies four pairs of bytes and adds the products to a 32-bit sum.",
    # bits
    "and": "Bitwise and; of predicates, the logical one.",
    "or": "Bitwise or; of predicates, the logical one.",
    "xor": "Bitwise exclusive or.",
    "not": "Flips every bit; of a predicate, negates it.",
    "cnot": "1 where the operand is 0, else 0.",
    "lop3": "Any bitwise function of three operands, given by its truth table.",
    "shl": "Shifts to the left. Here a shift by the width or more gives 0.",
    "shr": "Shifts to the right; `.s` types keep the sign. A shift by the width or more leaves "
    "nothing but the sign.",
    "shf": "Shifts two registers as one of 64 bits and keeps half: with equal operands, a "
    "rotation.",
    "bfe": "Takes a field of bits out of a register.",
    "bfi": "Puts a field of bits into a register.",
    "bfind": "The place of the highest set bit.",
    "bmsk": "A mask of ones from one bit to another.",
    "brev": "Reverses the order of the bits.",
    "clz": "Counts the zeros in front of the highest set bit.",
    "popc": "Counts the set bits.",
    "fns": "The place of the n-th set bit.",
    # control
    "bra": "Jumps to a label; with a guard (`@%p1`) only the threads whose predicate holds. "
    "`.uni` promises that the threads of a warp go the same way.",
    "brx": "Jumps to one of several labels, by a number.",
    "call": "Calls a function.",
    "ret": "Ends the function; of a kernel, the thread.",
    "exit": "Ends the thread.",
    "trap": "Ends the whole launch with an error.",
    "brkpt": "Stops for a debugger.",
    "nanosleep": "Gives way to other warps for about so many nanoseconds.",
    "elect": "Chooses one lane of a warp.",
    # together
    "bar": "A barrier of the block.",
    "bar.sync": "Waits until every thread of the block has come here: `sync_threads()`. What they "
    "wrote before, all see behind it.",
    "bar.warp.sync": "Waits for the lanes of the mask: `sync_warp()`. What they wrote before, they "
    "see behind it.",
    "barrier": "A barrier of the block that lanes of one warp may reach one by one.",
    "barrier.sync": "Waits until every thread of the block has come here, also where the lanes of "
    "a warp come one after the other.",
    "barrier.cluster": "Waits for, or arrives at, the barrier of a cluster of blocks.",
    "membar": "Orders what this thread does to memory before and after.",
    "fence": "Orders what this thread does to memory before and after, as others of the scope "
    "see it: `fence(scope)`.",
    "shfl": "Reads a register of another lane of the warp: `warp.shuffle_…`. The predicate says "
    "whether there was such a lane.",
    "vote": "Asks the lanes of the mask for a predicate: all, any, or the lanes as bits "
    "(`ballot`).",
    "match": "The lanes of the mask that hold the same value.",
    "redux": "Combines a number of every lane of the mask; each lane gets the result.",
    "activemask": "The lanes that happen to execute together at this moment; nothing keeps them "
    "together.",
    # atomics
    "atom": "Changes a place in memory in one step and returns what was there: `atomic.…`.",
    "red": "Changes a place in memory in one step and returns nothing, so nothing waits for it.",
    # asynchronous copies and matrices
    "cp.async": "Starts a copy from global to shared memory that goes on while the thread does. "
    "`.ca` goes through both caches, `.cg` past the first.",
    "cp.async.commit_group": "Closes a group of the copies that this thread has started.",
    "cp.async.wait_group": "Waits until at most so many groups of this thread's copies are under "
    "way.",
    "cp.async.wait_all": "Waits for all copies that this thread has started.",
    "mbarrier": "A barrier that lies in shared memory and counts arrivals and bytes.",
    "ldmatrix": "Loads 8×8 matrices of 16-bit elements from shared memory, spread over the warp as "
    "`mma` wants them; `.trans` transposes each.",
    "stmatrix": "Stores 8×8 matrices that are spread over the warp to shared memory.",
    "mma": "Multiplies two small matrices and adds a third, on the tensor cores, by a whole warp.",
    "mapa": "The address of the same variable in another block of the cluster.",
    "griddepcontrol": "Orders a launch with the one before it in the stream.",
}  # fmt: skip

_SASS: Final = {
    "LDG": "Loads from global memory.",
    "STG": "Stores to global memory.",
    "LDS": "Loads from shared memory.",
    "STS": "Stores to shared memory.",
    "LDL": "Loads from local memory: often a register that was spilled.",
    "STL": "Stores to local memory: often a register that is spilled.",
    "LDC": "Loads a constant, for instance a parameter of the kernel.",
    "ULDC": "Loads a constant once for the whole warp.",
    "LDCU": "Loads a constant once for the whole warp.",
    "LD": "Loads through a generic address.",
    "ST": "Stores through a generic address.",
    "LDGSTS": "Copies from global to shared memory while the thread goes on.",
    "LDSM": "Loads matrices from shared memory for the tensor cores.",
    "ATOM": "An atomic change of memory that returns what was there.",
    "ATOMG": "An atomic change of global memory that returns what was there.",
    "ATOMS": "An atomic change of shared memory that returns what was there.",
    "RED": "An atomic change of memory that returns nothing.",
    "REDG": "An atomic change of global memory that returns nothing.",
    "REDUX": "Combines a number of every lane of the warp.",
    "MEMBAR": "A fence.",
    "ERRBAR": "Waits for errors of memory accesses that a fence covers.",
    "CCTL": "Controls a cache: mostly invalidates the first level for an acquire.",
    "CCTLALL": "Invalidates the first level of cache.",
    "DEPBAR": "Waits for asynchronous copies or other slow results.",
    "LDGDEPBAR": "Closes a group of asynchronous copies.",
    "BAR": "The barrier of the block.",
    "WARPSYNC": "Waits for the lanes of a mask.",
    "BSSY": "Remembers where the lanes that now part meet again.",
    "BSYNC": "Waits there for the lanes that parted.",
    "BREAK": "Takes lanes out of those that others wait for.",
    "BRA": "Jumps.",
    "BRX": "Jumps to an address in a register.",
    "CALL": "Calls a function.",
    "RET": "Returns from a function.",
    "EXIT": "Ends the thread.",
    "NOP": "Does nothing.",
    "YIELD": "Lets another warp go first.",
    "S2R": "Reads a special register, for instance the thread's index.",
    "S2UR": "Reads a special register once for the whole warp, for instance the block's index.",
    "CS2R": "Reads a special register, or sets registers to zero.",
    "R2UR": "Moves a register to one of the whole warp.",
    "MOV": "Copies a register or a constant.",
    "UMOV": "Copies once for the whole warp.",
    "SEL": "Chooses one of two registers by a predicate.",
    "USEL": "Chooses once for the whole warp.",
    "FSEL": "Chooses one of two floats by a predicate.",
    "PRMT": "Picks bytes of two registers in any order.",
    "IADD": "Adds integers.",
    "IADD3": "Adds three integers.",
    "UIADD3": "Adds three integers once for the whole warp.",
    "IMAD": "Multiplies integers and adds; with RZ as a factor, a copy.",
    "UIMAD": "Multiplies integers and adds once for the whole warp.",
    "LEA": "Shifts and adds: an address from a base and an index.",
    "ULEA": "Shifts and adds once for the whole warp.",
    "LOP3": "A bitwise function of three operands.",
    "ULOP3": "A bitwise function of three operands once for the whole warp.",
    "PLOP3": "A logical function of three predicates.",
    "SHF": "Shifts two registers as one.",
    "USHF": "Shifts once for the whole warp.",
    "SGXT": "Extends the sign of a field of bits.",
    "BMSK": "Makes a mask of ones.",
    "BREV": "Reverses bits.",
    "POPC": "Counts set bits.",
    "FLO": "Finds the highest set bit.",
    "IABS": "The absolute value of an integer.",
    "IMNMX": "The smaller or the larger of two integers.",
    "VIMNMX": "The smaller or the larger of two integers.",
    "ISETP": "Compares integers; the answer is a predicate.",
    "UISETP": "Compares integers once for the whole warp.",
    "FSETP": "Compares floats; the answer is a predicate.",
    "FADD": "Adds f32.",
    "FMUL": "Multiplies f32.",
    "FFMA": "Multiplies and adds f32, rounded once.",
    "FMNMX": "The smaller or the larger of two f32.",
    "FCHK": "Asks whether a fast division may be used.",
    "MUFU": "A function of the special function unit: reciprocal, root, power of two, sine.",
    "DADD": "Adds f64.",
    "DMUL": "Multiplies f64.",
    "DFMA": "Multiplies and adds f64, rounded once.",
    "DSETP": "Compares f64.",
    "HADD2": "Adds two pairs of f16.",
    "HMUL2": "Multiplies two pairs of f16.",
    "HFMA2": "Multiplies and adds two pairs of f16; on zeros, a cheap way to set a register.",
    "HMMA": "Multiplies matrices on the tensor cores.",
    "F2F": "Converts between floats.",
    "F2I": "Converts a float to an integer.",
    "I2F": "Converts an integer to a float.",
    "I2FP": "Converts an integer to a float.",
    "F2FP": "Packs two floats into one register of halves.",
    "FRND": "Rounds a float to a whole number.",
    "SHFL": "Reads a register of another lane.",
    "VOTE": "Asks the lanes for a predicate.",
    "VOTEU": "Asks the lanes for a predicate; the answer is one for the warp.",
    "MATCH": "Finds the lanes that hold the same value.",
    "NANOSLEEP": "Gives way to other warps for a while.",
}

_MODIFIERS: Final = {
    "global": "global memory",
    "shared": "shared memory of the block",
    "local": "local memory of the thread",
    "param": "a parameter of the kernel",
    "const": "constant memory",
    "nc": "through the read-only cache: nobody writes it during the launch",
    "volatile": "volatile",
    "v2": "two elements at once",
    "v4": "four elements at once",
    "v8": "eight elements at once",
    "relaxed": "atomic, orders nothing else",
    "acquire": "what the releasing thread wrote before is seen behind it",
    "release": "what was written before is seen by who acquires it",
    "acq_rel": "acquires and releases",
    "sc": "in one order for all",
    "cta": "seen by the block",
    "cluster": "seen by the cluster",
    "gpu": "seen by the device",
    "sys": "seen by the system",
    "gl": "of the device",
    "rn": "rounded to the nearest",
    "rz": "rounded towards zero",
    "rm": "rounded down",
    "rp": "rounded up",
    "rni": "rounded to the nearest integer",
    "rzi": "truncated to an integer",
    "rmi": "rounded down to an integer",
    "rpi": "rounded up to an integer",
    "ftz": "subnormal numbers count as zero",
    "sat": "held between 0 and 1, or in the range of the type",
    "approx": "an approximation",
    "full": "nearly exact over the full range",
    "lo": "the low half",
    "hi": "the high half",
    "wide": "the whole product",
    "cc": "sets the carry",
    "uni": "the whole warp alike",
    "sync": "by the lanes of the mask together",
    "aligned": "by all lanes of the warp at once",
    "down": "a lane further up",
    "up": "a lane further down",
    "bfly": "the lane whose number differs in the bits of the mask",
    "idx": "the lane of this number",
    "all": "all lanes",
    "any": "any lane",
    "ballot": "the lanes as bits",
    "cas": "exchanged if it is as expected",
    "exch": "exchanged",
    "wrap": "shifts by the count modulo 32",
    "clamp": "shifts by 32 at most",
    "trans": "transposed",
    "pred": "a predicate",
    "eq": "equal",
    "ne": "not equal",
    "lt": "less",
    "le": "less or equal",
    "gt": "greater",
    "ge": "greater or equal",
    "equ": "equal, or one is NaN",
    "neu": "not equal, or one is NaN",
    "ltu": "less, or one is NaN",
    "leu": "less or equal, or one is NaN",
    "gtu": "greater, or one is NaN",
    "geu": "greater or equal, or one is NaN",
}

_KINDS: Final = {
    "b": "bits of any type",
    "u": "bits, unsigned",
    "s": "bits, signed",
    "f": "bits, float",
}
_SPECIAL: Final = {
    "tid": "the thread's index in its block: `thread`",
    "ntid": "the extent of the block: `block_dim`",
    "ctaid": "the block's index in the grid: `block`",
    "nctaid": "the extent of the grid: `grid_dim`",
    "laneid": "the lane, 0 to 31: `warp.lane`",
    "warpid": "the warp's place on its multiprocessor",
    "smid": "the multiprocessor",
    "clock": "cycles of the multiprocessor",
    "clock64": "cycles of the multiprocessor",
    "globaltimer": "nanoseconds",
    "cluster_ctaid": "the block's index in its cluster",
    "cluster_ctarank": "the block's number in its cluster",
    "cluster_nctaid": "the extent of the cluster",
    "dynamic_smem_size": "bytes of shared memory that the launch asked for",
}

_TYPE = re.compile(r"([busf])(8|16|32|64|128)(x2)?")
_PARAMETER = re.compile(r"\w+_param_(\d+)\b")
_WORD = re.compile(r"%?[A-Za-z][\w.]*(?:::\w+)?[\w.]*")


def explain(line: str, column: int) -> str | None:
    """What the word at this column (from 0) of a line of compiled text does, as Markdown."""
    for found in _WORD.finditer(line):
        if found.start() <= column <= found.end():
            return explain_word(found[0])
    return None


def explain_parameter(line: str, column: int, names: Sequence[str]) -> str | None:
    """Which parameter of the kernel's a name like `saxpy_kernel_param_2` stands for."""
    for found in _PARAMETER.finditer(line):
        number = int(found[1])
        if found.start() <= column <= found.end() and number < len(names):
            return f"`{found[0]}`: {names[number]}"
    return None


def explain_word(word: str) -> str | None:
    """What an instruction, or a special register, is; None of other words."""
    if word.startswith("%"):
        meaning = _SPECIAL.get(word[1:].partition(".")[0])
        return None if meaning is None else f"`{word}`: {meaning}"
    parts = word.split(".")
    if parts[0].isupper():
        meaning = _SASS.get(parts[0])
        return None if meaning is None else f"`{word}`\n\n{meaning}"
    for length in range(len(parts), 0, -1):
        meaning = _PTX.get(".".join(parts[:length]))
        if meaning is not None:
            phrases = [phrase for part in parts[length:] if (phrase := _modifier(part))]
            lines = [f"`{word}`", "", meaning]
            if phrases:
                lines += ["", " · ".join(phrases)]
            return "\n".join(lines)
    return None


def _modifier(part: str) -> str | None:
    part = part.partition("::")[0]
    found = _TYPE.fullmatch(part)
    if found is None:
        return _MODIFIERS.get(part) or {"bf16": "bf16", "f16x2": "two f16"}.get(part)
    pair = "two of " if found[3] else ""
    return f"{pair}{found[2]} {_KINDS[found[1]]}"
