"""Layers that change images in training: what they draw, what they do, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import state
from tinynet import Input, Sequential, config
from tinynet.kernels import warping
from tinynet.layers import (
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from tinynet.random import set_random_seed

SIDE = st.integers(1, 7)
MAKES: list[Callable[[], Layer]] = [
    RandomFlip,
    lambda: RandomRotation(0.3),
    lambda: RandomZoom(0.3, 0.2),
    lambda: RandomTranslation(0.3, 0.2),
    lambda: RandomContrast(0.3),
    lambda: RandomCrop(2, 3),
]
EVERY_LAYER = pytest.mark.parametrize("make", MAKES)


def images(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# In training only.


@EVERY_LAYER
def test_outside_training_nothing_happens(make: Callable[[], Layer]) -> None:
    layer, x = make(), images(3, 5, 6, 2).astype("float32")
    before = list(layer.seed_generator.state)
    assert layer.forward(x) is x
    assert layer.backward(x) is x
    assert layer(x, training=False) is x
    assert layer.seed_generator.state.tolist() == before


@EVERY_LAYER
def test_called_by_itself_it_trains(make: Callable[[], Layer]) -> None:
    layer, x = make(), images(3, 5, 6, 2).astype("float32")
    again = type(layer).from_config({**layer.get_config(), "seed": 4})
    layer = type(layer).from_config({**layer.get_config(), "seed": 4})
    out = layer(x)
    assert out.shape != x.shape or (out != x).any()
    np.testing.assert_array_equal(again.forward(x, training=True), out)


def test_fit_changes_the_images_and_predict_does_not() -> None:
    seen = []

    class Spy(Flatten):
        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            seen.append((training, x.copy()))
            return super().forward(x, training)

    x, y = images(4, 3, 3, 1), images(4, 1)
    model = Sequential([Input((3, 3, 1)), RandomTranslation(1, 1), Spy(), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, y, shuffle=False, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert [training for training, _ in seen] == [True, False, False]
    assert [np.allclose(each, x) for _, each in seen] == [False, True, True]


def test_without_a_seed_one_is_drawn_when_the_layer_is_made() -> None:
    found = []
    for _ in range(2):
        set_random_seed(5)
        found.append([make().seed_generator.state.tolist() for make in MAKES])
    assert found[0] == found[1]
    assert len({tuple(each) for each in found[0]}) == len(MAKES)


def test_a_crop_draws_two_seeds_as_in_keras() -> None:
    set_random_seed(5)
    crop, after = RandomCrop(2, 2), RandomFlip()
    set_random_seed(5)
    first, second, third = (RandomFlip().seed_generator.state[0] for _ in range(3))
    assert crop.seed == first
    assert crop.seed_generator.state.tolist() == [second, 0]
    assert after.seed_generator.state.tolist() == [third, 0]


# Each by hand.


def test_half_of_the_images_are_flipped() -> None:
    x = images(2000, 3, 2, 1)
    turned = {
        "horizontal": x[:, :, ::-1],
        "vertical": x[:, ::-1],
        "horizontal_and_vertical": x[:, ::-1, ::-1],
    }
    for mode, other in turned.items():
        out = RandomFlip(mode, seed=3, dtype="float64")(x)
        flipped = (out == other).all(axis=(1, 2, 3))
        kept = (out == x).all(axis=(1, 2, 3))
        assert (flipped ^ kept).all()
        assert 900 < flipped.sum() < 1100


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@given(side=SIDE, quarters=st.integers(-4, 4), channels=st.integers(1, 3))
def test_positive_angles_turn_counter_clockwise(
    interpolation: str, side: int, quarters: int, channels: int
) -> None:
    x = images(2, side, side, channels)
    layer = RandomRotation(
        (quarters / 4, quarters / 4), interpolation=interpolation, dtype="float64"
    )
    # Points lie up to 1e-6 beside the pixels' middles.
    np.testing.assert_allclose(layer(x), np.rot90(x, quarters, axes=(1, 2)), atol=2e-5)


@given(
    size=st.tuples(SIDE, SIDE),
    down=st.integers(-3, 3),
    right=st.integers(-3, 3),
    interpolation=st.sampled_from(["nearest", "bilinear"]),
)
def test_whole_steps_of_a_translation(
    size: tuple[int, int], down: int, right: int, interpolation: str
) -> None:
    height, width = size
    down, right = (max(-n, min(n, step)) for n, step in zip(size, (down, right), strict=True))
    x = images(2, *size, 2)
    ends = (down / height, down / height), (right / width, right / width)
    rows, columns = np.arange(height) - down, np.arange(width) - right
    expected = {
        "nearest": x[:, np.clip(rows, 0, height - 1)][:, :, np.clip(columns, 0, width - 1)],
        "reflect": np.pad(x, ((0, 0), (height, height), (width, width), (0, 0)), "symmetric")[
            :, rows + height
        ][:, :, columns + width],
        "constant": np.pad(
            x, ((0, 0), (height, height), (width, width), (0, 0)), constant_values=0.25
        )[:, rows + height][:, :, columns + width],
    }
    for mode, other in expected.items():
        layer = RandomTranslation(*ends, mode, interpolation, fill_value=0.25, dtype="float64")
        np.testing.assert_allclose(layer(x), other, atol=2e-5)


def test_the_image_begins_again_behind_its_edge() -> None:
    x = np.arange(4.0).reshape(1, 1, 4, 1)
    layer = RandomTranslation(0, (0.5, 0.5), "wrap", dtype="float64")
    assert layer(x).ravel().tolist() == [2, 3, 0, 1]


def test_a_zoom_above_1_makes_the_image_smaller() -> None:
    x = np.zeros((1, 5, 5, 1))
    x[0, 1:4, 1:4] = 1
    smaller = RandomZoom((1.0, 1.0), fill_mode="constant", dtype="float64")(x)[0, ..., 0]
    assert smaller[2].tolist() == [0, 0, 1, 0, 0]
    larger = RandomZoom((-0.5, -0.5), dtype="float64")(x)[0, ..., 0]
    assert larger[2].tolist() == [1, 1, 1, 1, 1]
    taller = RandomZoom((-0.5, -0.5), (0.0, 0.0), dtype="float64")(x)[0, ..., 0]
    assert taller[0].tolist() == [0, 1, 1, 1, 0]


def test_without_a_width_factor_the_proportions_stay() -> None:
    for layer, equal in ((RandomZoom(0.5, seed=1), True), (RandomZoom(0.5, 0.5, seed=1), False)):
        matrices = layer.matrices(50, (4, 4))
        assert (matrices[:, 0] == matrices[:, 4]).all() == equal
        assert 0.5 <= matrices[:, [0, 4]].min() < 0.6 < 1.4 < matrices[:, [0, 4]].max() < 1.5


def test_contrast_by_hand() -> None:
    x = np.array([[1.0, 3.0], [5.0, 7.0]]).reshape(1, 2, 2, 1)
    layer = RandomContrast((0.0, 1.0), value_range=(0, 8), seed=1, dtype="float64")
    out = layer(x)
    factor = layer.factors.item()
    assert 1 <= factor < 2
    np.testing.assert_allclose(out, np.clip((x - 4) * factor + 4, 0, 8))
    factors = RandomContrast(0.5, seed=1)
    factors(images(500, 2, 2, 1))
    assert 1 <= factors.factors.min() < 1.05 < 1.45 < factors.factors.max() < 1.5


@given(size=st.tuples(SIDE, SIDE), data=st.data(), seed=st.integers(0, 99))
def test_a_crop_is_a_window_of_the_images(size: tuple[int, int], data: Any, seed: int) -> None:
    window = tuple(data.draw(st.integers(1, n)) for n in size)
    x = np.arange(2 * size[0] * size[1] * 3.0).reshape(2, *size, 3)
    out = RandomCrop(*window, seed=seed, dtype="float64")(x)
    row, column = divmod(int(out[0, 0, 0, 0]) // 3, size[1])
    np.testing.assert_array_equal(
        out, x[:, row : row + window[0], column : column + window[1]], strict=True
    )
    if any(n == k for n, k in zip(size, window, strict=True)):
        assert (row, column) == tuple((n - k) // 2 for n, k in zip(size, window, strict=True))


def test_every_place_of_a_window_comes_up() -> None:
    layer, x = RandomCrop(2, 2, seed=0), np.arange(16.0).reshape(1, 4, 4, 1)
    assert {layer(x).flat[0] for _ in range(200)} == {0, 1, 2, 4, 5, 6, 8, 9, 10}


def test_a_model_trains_on_windows_and_predicts_whole_images() -> None:
    x = images(6, 5, 5, 2)
    model = Sequential([Input((5, 5, 2)), RandomCrop(3, 3), GlobalAveragePooling2D(), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, images(6, 1), verbose=0)
    assert model.predict(x, verbose=0).shape == (6, 1)
    model = Sequential([Input((5, 5, 2)), RandomCrop(3, 3), Flatten(), Dense(1)])
    with pytest.raises(ValueError, match=r"expected 18 features .* got samples of shape"):
        model.predict(x, verbose=0)


# The way back of the warps.


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill_mode", warping.FILL_MODES)
@given(
    size=st.tuples(SIDE, SIDE),
    channels=st.integers(1, 3),
    kind=st.integers(0, 2),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_backward_is_the_transpose_of_forward(
    fill_mode: str,
    interpolation: str,
    size: tuple[int, int],
    channels: int,
    kind: int,
    dtype: str,
    seed: int,
) -> None:
    """A warp is a matrix for each image, and shows its columns to images with one bright pixel.

    To the bit: a weight is one product of two float32 numbers on both ways.
    """
    options: dict[str, Any] = {"fill_mode": fill_mode, "interpolation": interpolation}
    options |= {"seed": seed, "dtype": dtype}
    layer = (
        RandomRotation(0.5, **options),
        RandomZoom(0.9, 0.9, **options),
        RandomTranslation(1.0, 1.0, **options),
    )[kind]
    for form in ("numpy", "numba"):
        config.use_kernels(form)
        layer.seed_generator.state[1] = 0
        layer.forward(np.zeros((2, *size, channels), dtype), training=True)
        layer.points = np.repeat(layer.points[:1], size[0] * size[1], axis=0)
        bright = np.eye(size[0] * size[1], dtype=dtype).reshape(-1, *size, 1)
        bright = np.repeat(bright, channels, axis=3)
        layer.shape = bright.shape
        forward = np.empty_like(bright)
        fetch = warping.bilinear if interpolation == "bilinear" else warping.nearest
        fetch(bright, layer.points, 0.0, forward)
        back = layer.backward(bright)
        for c in range(channels):
            there = forward[..., c].reshape(len(bright), -1)  # pixel in, pixel out
            here = back[..., c].reshape(len(bright), -1)  # pixel out, pixel in
            np.testing.assert_array_equal(there, here.T)
    config.use_kernels("numba")


# What is refused.


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomFlip("sideways"), ["mode", "'vertical'", "got 'sideways'"]),
        (lambda: RandomRotation(1.5), ["factor", "from -1 to 1", "got 1.5"]),
        (lambda: RandomRotation((0.1, 2)), ["factor", "the lower and the upper", "(0.1, 2)"]),
        (lambda: RandomRotation((0.1, 0.2, 0.3)), ["factor", "or two of them", "0.3)"]),
        (lambda: RandomRotation("0.1"), ["factor", "expected a number", "'0.1'"]),
        (lambda: RandomRotation(float("nan")), ["factor", "got nan"]),
        (lambda: RandomRotation(0.1, "mirror"), ["fill_mode", "'reflect'", "got 'mirror'"]),
        (
            lambda: RandomRotation(0.1, interpolation="cubic"),
            ["interpolation", "'bilinear'", "got 'cubic'"],
        ),
        (lambda: RandomZoom(1.1), ["height_factor", "from -1 to 1", "got 1.1"]),
        (lambda: RandomZoom((-1, 0.2)), ["height_factor", "above -1", "(-1, 0.2)"]),
        (lambda: RandomZoom(0.1, -1), ["width_factor", "above -1", "got -1"]),
        (lambda: RandomZoom(0.1, 0.1, "edge"), ["fill_mode", "got 'edge'"]),
        (lambda: RandomTranslation(0.1, -1.1), ["width_factor", "from -1 to 1", "got -1.1"]),
        (lambda: RandomTranslation([], 0.1), ["height_factor", "got []"]),
        (lambda: RandomContrast(-0.1), ["factor", "from 0 to 1", "got -0.1"]),
        (lambda: RandomContrast(0.1, (1, 0)), ["value_range", "smallest and the largest", "(1, 0"]),
        (lambda: RandomContrast(0.1, 255), ["value_range", "got 255"]),
        (lambda: RandomCrop(0, 3), ["height", "positive integer", "got 0"]),
        (lambda: RandomCrop(3, 2.5), ["width", "positive integer", "got 2.5"]),
        *(
            (lambda cls=cls, given=given: cls(*given, data_format="channels_first"), ["np.moveax"])
            for cls, given in (
                (RandomFlip, ()),
                (RandomRotation, (0.1,)),
                (RandomZoom, (0.1,)),
                (RandomTranslation, (0.1, 0.1)),
                (RandomCrop, (2, 2)),
            )
        ),
    ],
)
def test_what_cannot_be_made(make: Callable[[], Layer], words: list[str]) -> None:
    before = state(None)
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words))):
        make()
    assert state(None) == before  # no name and no seed is used up


@EVERY_LAYER
def test_samples_that_are_no_images(make: Callable[[], Layer]) -> None:
    layer = make()
    for training in (True, False):
        with pytest.raises(ValueError, match=r"expected images.*reshape to \(n, 28, 28, 1\)"):
            layer.forward(np.ones((5, 28, 28)), training)
    assert layer.seed_generator.state[1] == 0
    with pytest.raises(ValueError, match="reshape"):
        Sequential([Input((28, 28)), layer])


def test_images_smaller_than_the_window() -> None:
    layer = RandomCrop(4, 3)
    for size in ((3, 3), (4, 2)):
        says = f"at least 4 x 3 pixels, the size of the window, got {size[0]} x {size[1]}; use"
        with pytest.raises(ValueError, match=says):
            layer.forward(np.ones((2, *size, 1)), training=True)


@EVERY_LAYER
def test_a_gradient_of_another_shape(make: Callable[[], Layer]) -> None:
    layer = make()
    out = layer.forward(np.ones((2, 4, 5, 1), "float32"), training=True)
    with pytest.raises(ValueError, match=f"{layer.name}: expected dout of shape"):
        layer.backward(out[:, :-1])
