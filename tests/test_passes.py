"""Passes over the lines of a step: what they leave out, and what they must not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinynet import Sequential
from tinynet.kernels.linear import bias_add, column_sum
from tinynet.kernels.means import add_mean
from tinynet.kernels.pooling import max_pool, max_pool_backward
from tinynet.kernels.products import product
from tinynet.kernels.relu import relu, relu_backward
from tinynet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from tinynet.step.passes import relu_before_pooling, without_unread
from tinynet.step.tape import Line, Step, call, write_down


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


# A ReLU, pooled, and the way back.

PICTURES, POOLED = (2, 6, 5, 3), (2, 3, 2, 3)


def relu_and_pooling(
    windows: tuple[tuple[int, int], ...] = ((2, 2), (2, 2), (0, 0)),
    places: tuple[int, int] = (3, 2),
    seed: int = 0,
) -> tuple[Step, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    pooled = (2, *places, 3)
    arrays = {name: np.zeros(PICTURES) for name in ("z", "a", "da", "dz")}
    arrays |= {"out": np.zeros(pooled), "which": np.zeros(pooled, "uint8")}
    # A few different numbers, so that often several pixels of a window are the largest.
    arrays["z"][...] = rng.integers(-2, 3, PICTURES)
    arrays["dout"] = rng.normal(size=pooled)
    flat = {name: array.reshape(-1) for name, array in arrays.items()}
    with write_down() as step:
        relu(flat["z"], flat["a"])
        max_pool(arrays["a"], *windows, arrays["out"], arrays["which"])
        max_pool_backward(arrays["dout"], arrays["which"], *windows, arrays["da"])
        relu_backward(flat["da"], flat["z"], flat["a"], flat["dz"])
    return step, arrays


def order(lines: list[Line]) -> list[str]:
    return [line.title for line in lines]


FORWARD = ["relu", "max_pool"]


@given(
    st.sampled_from([(2, 2), (3, 2), (1, 1)]),
    st.sampled_from([(2, 2), (3, 3), (1, 2)]),
    st.sampled_from([(0, 0), (1, 0), (0, 1)]),
    st.integers(0, 1000),
)
def test_the_derivative_of_a_relu_is_taken_before_the_way_back_through_pooling(
    size: tuple[int, int], strides: tuple[int, int], before: tuple[int, int], seed: int
) -> None:
    step, arrays = relu_and_pooling((size, strides, before), (2, 2), seed)
    expected = arrays["dz"].copy()
    step.lines = relu_before_pooling(step.lines, [arrays["dz"]])
    if size[0] > strides[0] or size[1] > strides[1]:  # a pixel gets a sum: left as it is
        assert order(step.lines) == [*FORWARD, "max_pool_backward", "relu_backward"]
    else:
        assert order(step.lines) == [*FORWARD, "relu_backward", "max_pool_backward"]
        assert step.lines[2].arguments[3].size == arrays["out"].size
    arrays["dz"][...] = np.nan
    step.run()
    np.testing.assert_array_equal(arrays["dz"], expected)


def test_nan_comes_through_in_either_order() -> None:
    step, arrays = relu_and_pooling()
    arrays["z"][0, 0, 0, 0] = arrays["dout"][1, 1, 1, 1] = np.nan
    step.run()
    expected = arrays["dz"].copy()
    assert np.isnan(expected).sum() == 1
    step.lines = relu_before_pooling(step.lines, [arrays["dz"]])
    step.run()
    np.testing.assert_array_equal(arrays["dz"], expected)


def test_where_the_derivative_stays_behind_pooling() -> None:
    back = ["max_pool_backward", "relu_backward"]
    step, arrays = relu_and_pooling()
    assert order(relu_before_pooling(step.lines, [arrays["da"]])) == [*FORWARD, *back]
    with write_down(step):
        column_sum(arrays["da"].reshape(-1, 3), np.zeros(3))  # somebody else reads it
    assert order(relu_before_pooling(step.lines, []))[:4] == [*FORWARD, *back]
    bias, gaps = np.ones(3), np.ones((2, 3, 2, 6))[..., ::2]
    for change in (
        lambda lines, room: lines.insert(2, Line("", relu, (room["dout"], room["out"]))),
        lambda lines, room: lines.insert(1, Line("", bias_add, (bias, room["a"].reshape(-1, 3)))),
        lambda lines, room: lines.insert(2, Line("", bias_add, (bias, room["a"].reshape(-1, 3)))),
        lambda lines, room: lines.insert(2, Line("", bias_add, (bias, room["z"].reshape(-1, 3)))),
        lambda lines, room: lines.insert(2, Line("", relu, (room["z"], room["which"]))),
        lambda lines, room: lines.__setitem__(0, Line("", relu, (room["z"], room["dz"]))),
        lambda lines, room: lines.pop(1),
        lambda lines, room: lines.__setitem__(
            1, lines[1]._replace(arguments=(room["dz"], *lines[1].arguments[1:]))
        ),
        lambda lines, room: lines.__setitem__(
            2,
            lines[2]._replace(arguments=(gaps, *lines[2].arguments[1:])),
        ),
        lambda lines, room: lines.__setitem__(
            3, lines[3]._replace(arguments=(np.ones(180), *lines[3].arguments[1:]))
        ),
    ):
        step, arrays = relu_and_pooling()
        change(step.lines, arrays)
        assert order(relu_before_pooling(step.lines, []))[-2:] == back


def test_a_network_for_images_has_it_so() -> None:
    inner = [Conv2D(2, 3, activation="relu"), MaxPooling2D(), Conv2D(3, 2), MaxPooling2D()]
    model = Sequential([Input((9, 9, 1)), *inner, Flatten(), Dense(4)])
    model.compile("sgd", "mse")
    lines = [(line.part, line.title) for line in model.step(5).lines]
    first = lines.index(("conv2d", "relu_backward"))
    assert lines[first + 1] == ("max_pooling2d", "max_pool_backward")
    text = str(model.step(5))
    assert (
        "-> max_pooling2d.dout (5, 3, 3, 2)" in text
        and "max_pool_backward(max_pooling2d.do" in text
    )
