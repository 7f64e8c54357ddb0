"""Passes over the lines of a step: what they leave out, and what they must not."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import Sequential
from tinynet.kernels.convolution import patches
from tinynet.kernels.counting import next_rows
from tinynet.kernels.linear import bias_add, column_sum
from tinynet.kernels.means import add_mean
from tinynet.kernels.products import product
from tinynet.kernels.relu import relu
from tinynet.kernels.rows import gather_rows
from tinynet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from tinynet.step.passes import without_repeats, without_unread
from tinynet.step.tape import Step, call, write_down


def titles(step: Step, *kept: np.ndarray) -> list[str]:
    return [line.title.split(".")[-1] for line in without_unread(step.lines, kept)]


def test_what_nobody_reads_is_left_out() -> None:
    """And with it what only that has read."""
    x, w, z, out, sums = (np.ones((3, 3)) for _ in range(5))
    with write_down() as step:
        product(x, w, z)
        relu(z.reshape(-1), out.reshape(-1))
        column_sum(z, sums[0])
    assert titles(step) == []
    assert titles(step, sums) == ["product", "column_sum"]
    assert titles(step, out) == ["product", "relu"]
    assert titles(step, z) == ["product"]


def test_what_is_read_before_it_is_overwritten_is_needed() -> None:
    x, room, first, second = np.ones(4), np.ones(4), np.ones(4), np.ones(4)
    with write_down() as step:
        relu(x, room)
        relu(room, first)
        relu(first, room)  # over what has been read
        relu(room, second)
    assert len(titles(step, second)) == 4
    assert len(titles(step, first)) == 2
    assert len(titles(step, room)) == 3


def test_half_an_array_is_not_all_of_it() -> None:
    """Only who writes all of an array makes what was there before unneeded."""
    x, out = np.ones((4, 2)), np.ones((4, 2))
    with write_down() as step:
        relu(x.reshape(-1), out.reshape(-1))
        relu(x[:2].reshape(-1), out[:2].reshape(-1))
    assert len(titles(step, out)) == 2
    with write_down() as step:
        relu(x.reshape(-1), out.reshape(-1))
        relu(x.reshape(-1), out.reshape(-1))
        column_sum(out, x[0])
    assert len(titles(step, x)) == 2  # this one does


def test_what_is_updated_is_read() -> None:
    x, z, bias = np.ones((2, 3)), np.ones((2, 3)), np.ones(3)
    with write_down() as step:
        relu(x.reshape(-1), z.reshape(-1))
        bias_add(bias, z)
    assert titles(step, z) == ["relu", "bias_add"]


def test_lines_of_python_stay_with_what_they_are_given() -> None:
    """Also what is in a tuple or a dictionary."""
    x, one, two, three = (np.ones(3) for _ in range(4))
    with write_down() as step:
        relu(x, one)
        relu(x, two)
        relu(x, three)
        call(len, (one, {"two": two}))
    assert titles(step) == ["relu", "relu", "python len"]


def test_the_gradient_at_the_images_is_left_out() -> None:
    """With all that only it needs; the layers that learn get theirs."""
    layers = [Conv2D(2, 3), MaxPooling2D(), Conv2D(3, 2), Flatten(), Dense(4)]
    model = Sequential([Input((8, 8, 1)), *layers])
    model.compile("sgd", "mse")
    lines = [(line.part, line.title) for line in model.step(5).lines]
    first = lines[1][1], model.layers[0].name
    assert first == ("gather_rows", "conv2d")
    assert lines.count(("conv2d", "add_patches")) == 0
    assert lines.count(("conv2d_1", "add_patches")) == 1
    assert ("conv2d", "patches") in lines and ("max_pooling2d", "max_pool_backward") in lines
    model.layers[0].trainable = False
    lines = [(line.part, line.title) for line in model.step(5).lines]
    assert ("max_pooling2d", "max_pool_backward") not in lines
    assert ("conv2d_1", "add_patches") not in lines


def test_a_sum_over_all_steps_is_there_afterwards() -> None:
    """It is updated, and not written before; one that begins anew in each step may be left out."""
    total, count, mean = np.zeros(()), np.zeros(()), np.ones(())
    z, x, bias = np.ones((2, 3)), np.ones((2, 3)), np.ones(3)
    with write_down() as step:
        add_mean(mean, 3, total, count)
        relu(x.reshape(-1), z.reshape(-1))
        bias_add(bias, z)
    assert titles(step) == ["add_mean"]


def relu_twice(
    between: Callable[..., None], *, other: bool = False
) -> tuple[Step, list[np.ndarray]]:
    """Write the same down twice, into a and b, with something in between; sum b's columns up."""
    x, a, b, sums, y = (np.arange(-6.0, 6).reshape(4, 3) for _ in range(5))
    arrays = [x, a, b, sums[0], y]
    with write_down() as step:
        relu(x.reshape(-1), a.reshape(-1))
        between(*arrays)
        relu((y if other else x).reshape(-1), b.reshape(-1))
        column_sum(b.T[1:].T, sums[0, 1:])  # a view of it
    return step, arrays


def nothing(x: np.ndarray, a: np.ndarray, b: np.ndarray, sums: np.ndarray, y: np.ndarray) -> None:
    """Change nothing."""


def reads_both(
    x: np.ndarray, a: np.ndarray, b: np.ndarray, sums: np.ndarray, y: np.ndarray
) -> None:
    column_sum(a, sums)
    column_sum(x, sums)


def changes_x(x: np.ndarray, a: np.ndarray, b: np.ndarray, sums: np.ndarray, y: np.ndarray) -> None:
    bias_add(np.ones(3), x[1:])


def changes_the_first(
    x: np.ndarray, a: np.ndarray, b: np.ndarray, sums: np.ndarray, y: np.ndarray
) -> None:
    relu(y[0], a[3])


def reads_the_second(
    x: np.ndarray, a: np.ndarray, b: np.ndarray, sums: np.ndarray, y: np.ndarray
) -> None:
    """What was in it before this step."""
    column_sum(b, sums)


@pytest.mark.parametrize("between", [nothing, reads_both])
def test_what_is_there_already_is_not_computed_again(between: Callable[..., None]) -> None:
    step, (x, _, b, sums, _) = relu_twice(between)
    lines = without_repeats(step.lines, [sums])
    assert len(lines) == len(step.lines) - 1
    x[...] = [[1, 2, 3], [-1, -2, -3], [4, 5, 6], [7, -8, 9]]
    b[...] = np.nan  # nobody reads it any more
    for line in lines:
        line.run()
    np.testing.assert_array_equal(sums[1:], [7, 18])


@pytest.mark.parametrize("between", [changes_x, changes_the_first, reads_the_second])
def test_what_has_changed_since_is_computed_again(between: Callable[..., None]) -> None:
    step, (*_, sums, _) = relu_twice(between)
    assert len(without_repeats(step.lines, [sums])) == len(step.lines)


def test_what_is_needed_in_both_places_is_computed_twice() -> None:
    step, (_, _, b, sums, _) = relu_twice(nothing)
    assert len(without_repeats(step.lines, [b[2:], sums])) == 3  # read after the step
    with write_down(step):
        bias_add(np.ones(3), b)  # changed later
    assert len(without_repeats(step.lines, [sums])) == 4
    step, (_, a, _, sums, _) = relu_twice(nothing)
    with write_down(step):
        bias_add(np.ones(3), a)
    assert len(without_repeats(step.lines, [sums])) == 4
    step, (_, _, b, sums, _) = relu_twice(nothing)
    with write_down(step):
        call(np.sum, {"b": b})  # by Python, whose arguments are left alone
    assert len(without_repeats(step.lines, [sums])) == 4


def test_another_array_or_number_makes_another_result() -> None:
    step, (*_, sums, _) = relu_twice(nothing, other=True)
    assert len(without_repeats(step.lines, [sums])) == 3
    x = np.ones((1, 4, 4, 1))
    for first, second in (
        (((2, 2), (2, 2)), ((1, 1), (2, 2))),  # strides and size of a window
        (((1, 1), (3, 3)), ((1, 1), (2, 2))),
    ):
        with write_down() as step:
            for strides, size in (first, second):
                windows = np.ones((1, 2, 2, *size, 1))
                patches(x, strides, (1, 1), windows)
            relu(windows.reshape(-1), np.ones(windows.size))
        assert len(without_repeats(step.lines, [])) == 3


def test_what_goes_on_from_where_it_was_is_no_repetition() -> None:
    order, place = np.arange(6), np.zeros((), np.int64)
    first, second, sums = np.zeros(3, np.int64), np.zeros(3, np.int64), np.zeros(3)
    with write_down() as step:
        next_rows(order, place, first)
        next_rows(order, place, second)
        gather_rows(np.eye(6, 3), second, np.eye(3))
    assert len(without_repeats(step.lines, [sums])) == 3


def test_what_adds_up_is_no_repetition() -> None:
    z, bias = np.ones((2, 3)), np.ones(3)
    with write_down() as step:
        bias_add(bias, z)
        bias_add(bias, z)
    assert len(without_repeats(step.lines, [z])) == 2


def test_windows_are_laid_out_once_where_all_of_them_fit() -> None:
    model = Sequential([Input((8, 8, 1)), Conv2D(2, 3), Flatten(), Dense(4)])
    model.compile("sgd", "mse")
    titles = [(line.part, line.title) for line in model.step(5).lines]
    assert titles.count(("conv2d", "patches")) == 1


PLACES = st.sampled_from(["a", "b", "c", "d", "first half of a", "second half of b"])


@given(st.lists(st.tuples(st.sampled_from(["relu", "add"]), PLACES, PLACES), max_size=9))
def test_programs_do_the_same_without_what_they_repeat(
    program: list[tuple[str, str, str]],
) -> None:
    """All of a and d is read in the end, and two steps are made."""
    found = []
    for reduce in (False, True):
        rng = np.random.default_rng(0)
        arrays = {name: rng.integers(-4, 4, 8).astype("float64") for name in "abcd"}
        arrays |= {"first half of a": arrays["a"][:4], "second half of b": arrays["b"][4:]}
        with write_down() as step:
            for name, source, place in program:
                given_, out = arrays[source], arrays[place]
                size = min(given_.size, out.size)
                if np.may_share_memory(given_, out):
                    continue
                if name == "relu":
                    relu(given_[:size], out[:size])
                else:
                    bias_add(given_[:size], out[:size].reshape(1, size))
        kept = [arrays["a"], arrays["d"]]
        lines = without_repeats(step.lines, kept) if reduce else step.lines
        rng = np.random.default_rng(1)
        for name in "abcd":
            arrays[name][...] = rng.integers(-4, 4, 8)
        for line in [*lines, *lines]:
            line.run()
        found.append(np.concatenate(kept))
    np.testing.assert_array_equal(*found)
