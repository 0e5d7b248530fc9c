"""Kernels that take structs and enums, in a module of their own as a user's would be."""

from enum import Enum, auto

from oxide import DisjointSlice, Slice, device, f32, i32, kernel, struct, thread

DEFAULT = 0.5


class Mode(Enum):
    ADD = auto()
    SCALE = auto()
    CLEAR = auto()


@struct
class Line:
    slope: f32
    offset: f32 = DEFAULT


@struct
class Job:
    first: i32
    line: Line


@device
def at(line: Line, x: f32) -> f32:
    return line.slope * x + line.offset


@device
def steeper(line: Line, other: Line) -> tuple[Line, f32]:
    if line.slope > other.slope:
        return line, line.slope
    return other, other.slope


@kernel
def evaluate(job: Job, mode: Mode, a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and job.first <= i < len(a):
        line, slope = steeper(job.line, Line(slope=1))
        match mode:
            case Mode.ADD:
                out[i] = at(line, a[i])
            case Mode.SCALE if slope > 2:
                out[i] = slope * a[i]
            case Mode.SCALE | Mode.CLEAR:
                out[i] = 0
