"""Passes over the lines of a step: what they leave out, and what they must not."""

import numpy as np

from tinynet import Sequential
from tinynet.kernels.linear import bias_add, column_sum
from tinynet.kernels.means import add_mean
from tinynet.kernels.products import product
from tinynet.kernels.relu import relu
from tinynet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from tinynet.step.passes import without_unread
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
