"""What is evaluated when: guards, order, once."""

from __future__ import annotations

from frontend.reading import body_of, lines


def test_and_guards_its_right_side() -> None:
    assert body_of("if n < len(a) and a[n] > 0:\n    out[0] = 1") == lines(
        """
        if (i64(n) < a.shape[0]):
          %1 = load a[i64(n)]  @0
          %2: bool = (%1 > 0.0)
        else:
          %2: bool = False
        if %2:
          store out[0] = 1.0  @1
        """
    )


def test_or_guards_a_division() -> None:
    assert body_of("r = n == 0 or k // n > 1") == lines(
        """
        if (n == (i32 0)):
          %1: bool = True
        else:
          check divisor i64(n)  @0
          %1: bool = ((k //@0 i64(n)) > 1)
        r: bool = %1
        """
    )


def test_pure_sides_need_no_branch() -> None:
    assert body_of("r = flag and 0 < n < 5") == (
        "r: bool = (flag and (((i32 0) < n) and (n < (i32 5))))"
    )


def test_ternary_evaluates_one_side() -> None:
    assert body_of("r = a[0] if flag else 0") == lines(
        """
        if flag:
          %1 = load a[0]  @0
          %2: f32 = %1
        else:
          %2: f32 = 0.0
        r: f32 = %2
        """
    )


def test_middle_of_a_chain_is_evaluated_once() -> None:
    assert body_of("r = 0 < a[0] * 2 < 5") == lines(
        """
        %1 = load a[0]  @0
        %2: f32 = (%1 * 2.0)
        r: bool = ((0.0 < %2) and (%2 < 5.0))
        """
    )


def test_swap_reads_before_it_writes() -> None:
    assert body_of("x, y = 1, 2\nx, y = y, x") == lines(
        """
        x: i64 = 1
        y: i64 = 2
        %1: i64 = y
        %2: i64 = x
        x: i64 = %1
        y: i64 = %2
        """
    )


def test_swap_of_elements() -> None:
    assert body_of("out[0], out[1] = out[1], out[0]") == lines(
        """
        %1 = load out[1]  @0
        %2 = load out[0]  @1
        store out[0] = %1  @2
        store out[1] = %2  @3
        """
    )


def test_later_target_sees_earlier_one_but_not_in_the_value() -> None:
    assert body_of("i = 3\ni, out[i] = 5, i") == lines(
        """
        i: i64 = 3
        %1: i64 = i
        i: i64 = 5
        store out[i] = f32(%1)  @0
        """
    )


def test_augmented_element_loads_before_its_right_side() -> None:
    assert body_of("out[n] += a[0]") == lines(
        """
        %1 = load out[i64(n)]  @0
        %2 = load a[0]  @1
        store out[i64(n)] = (%1 + %2)  @2
        """
    )


def test_value_is_evaluated_once_for_several_targets() -> None:
    assert body_of("x = y = n * 2") == lines(
        """
        %1: i32 = (n * (i32 2))
        x: i32 = %1
        y: i32 = %1
        """
    )


def test_condition_of_while_is_computed_before_each_test() -> None:
    assert body_of("i = 0\nwhile a[i] > 0:\n    i += 1") == lines(
        """
        i: i64 = 0
        header:
          %1 = load a[i]  @0
        while (%1 > 0.0):
          i: i64 = (i + 1)
        """
    )


def test_for_counts_for_itself_where_its_variable_has_another_type() -> None:
    assert body_of("i = s\nfor i in range(n):\n    out[0] = i") == lines(
        """
        i: f32 = s
        for %1 in range(0, i64(n), 1):
          i: f32 = f32(%1)
          store out[0] = i  @0
        """
    )


def test_step_of_range_is_not_zero() -> None:
    assert body_of("for i in range(n, 0, k):\n    continue") == lines(
        """
        check step k  @0
        for i in range(i64(n), 0, k):
          continue
        """
    )


def test_grid_stride() -> None:
    assert body_of("for i in grid_stride(n):\n    break") == lines(
        """
        for i in range(((block.x * block_dim.x) + thread.x), i64(n), (grid_dim.x * block_dim.x)):
          break
        """
    )


def test_index_2d_is_row_and_column() -> None:
    assert body_of("row, col = thread.index_2d()") == lines(
        """
        row: i64 = ((block.y * block_dim.y) + thread.y)
        col: i64 = ((block.x * block_dim.x) + thread.x)
        """
    )


def test_assigned_parameter_is_a_local() -> None:
    assert body_of("n += 1\nints[0] = n") == lines(
        """
        n.1: i32 = n
        n.1: i32 = (n.1 + (i32 1))
        store ints[0] = n.1  @0
        """
    )


def test_what_cannot_be_reached_is_left_out() -> None:
    assert body_of("return\nout[0] = 1") == "return  @0"
    assert body_of("while True:\n    break\n    out[0] = 1") == "while True:\n  break"


def test_tuples_are_taken_apart() -> None:
    assert body_of("p = n, (s, k)\nr = p[1][0]\nq, (x, y) = p\np = p[0], (1, 2)") == lines(
        """
        p: i32 = n
        p.1: f32 = s
        p.2: i64 = k
        r: f32 = p.1
        q: i32 = p
        x: f32 = p.1
        y: i64 = p.2
        %1: i32 = p
        p: i32 = %1
        p.1: f32 = 1.0
        p.2: i64 = 2
        """
    )


def test_local_array_is_declared_where_it_stands() -> None:
    body = "for i in range(2):\n    t = LocalArray(f32, 4)\n    t[i] = 1\n"
    assert body_of(body + "shared = SharedArray(i32, (2, 3))") == lines(
        """
        for i in range(0, 2, 1):
          declare t
          store t[i] = 1.0  @0
        """
    )


def test_long_chains_stay_shallow() -> None:
    text = body_of("r = " + " + ".join(["s"] * 200))
    assert max(line.count("(") for line in text.splitlines()) <= 41


def test_atomic_keeps_scope_and_order() -> None:
    assert body_of('r = atomic.add(bins, n, 1, scope="block", order="acq_rel")') == lines(
        """
        %1 = atomic add bins[i64(n)], (u32 1) scope=block order=acq_rel  @0
        r: u32 = %1
        """
    )
