"""The drawn garments: same bytes for the same seed, balance, variety, difficulty, bad input."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.datasets import apparel, drawn_apparel, fashion_mnist


@settings(max_examples=25)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**70))
def test_shapes_types_and_balance(n: int, seed: int) -> None:
    images, labels = drawn_apparel(n, seed)
    assert images.shape == (n, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (n,) and labels.dtype == np.uint8
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == 10 and counts.max() - counts.min() <= 1


def test_same_bytes_on_every_machine() -> None:
    images, labels = drawn_apparel(200, seed=3)
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "ef0b649520a27662e8b5010ef7c939a7ed3d2c6c022739d04b7e06c166509cd0"


def test_drawing_stays_in_float32() -> None:
    # float64 on the way would mean that a NumPy rule for mixed types decides about the bytes
    for name, draw in apparel.GARMENTS.items():
        sheet = apparel.Sheet(np.random.PCG64(0), 2)
        for depth, _ in draw(sheet):
            assert depth.dtype == np.float32 and depth.shape == (2, 28, 28), name


def test_seeds_differ_and_the_global_state_is_left_alone() -> None:
    np.random.seed(5)
    before = np.random.get_state()
    first, _ = drawn_apparel(50, seed=0)
    np.random.seed(6)
    again, _ = drawn_apparel(50)
    other, _ = drawn_apparel(50, seed=1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.random.seed(5)
    drawn_apparel(5)
    assert all(np.array_equal(a, b) for a, b in zip(before, np.random.get_state(), strict=True))


def test_no_two_pictures_are_alike_and_every_one_shows_something() -> None:
    images, _ = drawn_apparel(2000)
    assert len({image.tobytes() for image in images}) == 2000
    bright = (images > 40).mean(axis=(1, 2))
    assert bright.min() > 0.02 and bright.max() < 0.9


def test_order_is_shuffled_so_that_a_slice_will_do() -> None:
    _, labels = drawn_apparel(4000)
    for half in (labels[:2000], labels[2000:]):
        counts = np.bincount(half, minlength=10)
        assert counts.min() > 150 and counts.max() < 250
    assert (np.diff(labels.astype(int)) == 0).mean() < 0.15


def test_classes_can_be_told_apart_but_not_by_brightness_alone() -> None:
    """Least squares on the pixels: far better than chance, far from perfect."""
    images, labels = drawn_apparel(3000, seed=2)
    pixels = np.column_stack([images.reshape(3000, -1) / 255, np.ones(3000)])
    targets = np.eye(10)[labels]

    def accuracy(features: np.ndarray) -> float:
        x, x_test = features[:2400], features[2400:]
        ridge = x.T @ x + 10 * np.eye(x.shape[1])
        weights = np.linalg.solve(ridge, x.T @ targets[:2400])
        return float(((x_test @ weights).argmax(axis=1) == labels[2400:]).mean())

    assert 0.55 < accuracy(pixels) < 0.85
    brightness = np.column_stack([pixels[:, :-1].mean(axis=1), np.ones(3000)])
    assert accuracy(brightness) < 0.4


def test_class_names_are_in_the_usual_order() -> None:
    assert apparel.CLASS_NAMES == fashion_mnist.CLASS_NAMES


def test_numpy_integers_are_integers() -> None:
    images, _ = drawn_apparel(np.int64(12), seed=np.uint8(4))
    np.testing.assert_array_equal(images, drawn_apparel(12, seed=4)[0])


@pytest.mark.parametrize("name", ["n", "seed"])
@pytest.mark.parametrize("value", [2.0, "10", None, True, np.float32(3), [4]])
def test_not_an_integer(name: str, value: object) -> None:
    arguments = {"n": 10, "seed": 0} | {name: value}
    with pytest.raises(TypeError, match=f"{name} must be an integer, got .* of type"):
        drawn_apparel(**arguments)


@pytest.mark.parametrize("n", [0, -1])
def test_n_too_small(n: int) -> None:
    with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
        drawn_apparel(n)


def test_negative_seed() -> None:
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        drawn_apparel(10, seed=-1)
