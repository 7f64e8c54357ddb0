"""Layers of one formula: values by hand, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynet import layers
from tinynet.layers import core


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.PReLU(shared_axes=0), "shared_axes: expected a positive integer, got 0"),
        (
            lambda: layers.PReLU(shared_axes=[1, 2])(np.ones((2, 3))),
            r"expected a batch with the axes \[1, 2\], got samples of shape \(3,\)",
        ),
        (lambda: layers.Permute((0, 1)), r"dims: expected the axes .* got \(0, 1\); axis 0"),
        (lambda: layers.Permute(()), r"dims: expected the axes of a sample"),
        (lambda: layers.Permute((2, 1))(np.ones((2, 3))), "expected samples with 2 axes for dims"),
        (
            lambda: layers.UnitNormalization(2)(np.ones((2, 3))),
            "axis 2 is not one of the vectors in a batch of rank 2",
        ),
        (lambda: layers.UnitNormalization((0, 1))(np.ones((2, 3))), r"axis \[0, 1\] is not one"),
        (lambda: layers.Cropping2D(-1), "cropping: expected an integer of 0 or more"),
        (
            lambda: layers.Cropping2D(2)(np.ones((1, 4, 5, 1))),
            r"images from which something is left, got 4 x 5 pixels",
        ),
        (lambda: layers.UpSampling2D(0), "size: expected a positive integer or two"),
        (
            lambda: layers.UpSampling2D(2, interpolation="bilinear"),
            "interpolation: expected 'nearest', the only one that is supported, got 'bilinear'",
        ),
        (lambda: layers.AlphaDropout(1), "rate: expected .* below 1, got 1"),
        (lambda: layers.GaussianDropout(1.0), "rate: expected .* below 1, got 1.0"),
        (lambda: layers.ActivityRegularization(-1), "l1: expected a number of 0 or more, got -1"),
    ],
)
def test_small_layers_refuse(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_slopes_of_prelu_belong_to_samples_of_one_shape() -> None:
    layer = layers.PReLU(shared_axes=1)
    layer(np.ones((2, 3, 4)))
    layer(np.ones((2, 5, 4)))
    with pytest.raises(ValueError, match=r"samples for slopes of shape \(1, 4\), got .* \(3, 5\)"):
        layer(np.ones((2, 3, 5)))


def test_small_layers_by_hand() -> None:
    x = np.array([[-2.0, 0.0, 3.0]])
    prelu = layers.PReLU("ones", dtype="float64")
    prelu.ensure_built((3,))
    prelu.params["alpha"][:] = [0.5, 0.5, 7]
    np.testing.assert_array_equal(prelu(x), [[-1, 0, 3]])
    np.testing.assert_array_equal(prelu.backward(np.ones((1, 3))), [[0.5, 0, 1]])
    np.testing.assert_array_equal(prelu.grads["alpha"], [-2, 0, 0])
    vectors = layers.UnitNormalization(dtype="float64")([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0, 0]])
    images = np.arange(6.0).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(
        layers.UpSampling2D((1, 2))(images)[0, :, :, 0],
        [[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]],
    )
    np.testing.assert_array_equal(layers.Cropping2D(((1, 0), (0, 2)))(images).ravel(), [3])
    np.testing.assert_array_equal(
        layers.Permute((2, 1, 3))(images)[0, :, :, 0], images[0, :, :, 0].T
    )
    activity = layers.ActivityRegularization(0.5, 0.25, dtype="float64")
    activity(np.array([[1.0, -2.0], [0.0, 4.0]]))
    assert activity.penalty() == (0.5 * 7 + 0.25 * 21) / 2
    np.testing.assert_array_equal(activity.backward(np.zeros((2, 2))), [[0.5, -0.75], [0, 1.25]])


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_and_gaussian_dropout_keep_mean_and_variance(rate: float) -> None:
    x = np.random.default_rng(0).normal(size=(400, 500))
    out = layers.AlphaDropout(rate, seed=1)(x, training=True)
    assert abs(out.mean()) < 0.02 and abs(out.var() - 1) < 0.02
    ones = layers.GaussianDropout(rate, seed=1)(np.ones((400, 500)), training=True)
    assert abs(ones.mean() - 1) < 0.02 and abs(ones.var() - rate / (1 - rate)) < 0.02


def test_a_slope_needs_a_gradient_of_its_shape() -> None:
    layer = layers.PReLU()
    layer(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"expected dout of shape \(2, 3\)"):
        layer.backward(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("int32", "int32"), (bool, "bool"), ("float32", None), (None, None), ("x", None)],
)
def test_types_of_integers(dtype: Any, name: str | None) -> None:
    assert core.integer_type(dtype) == name


def test_other_names_are_listed() -> None:
    """A script for Keras finds them in the stand-in."""
    found = {
        name
        for name, each in vars(layers).items()
        if callable(each) and str(getattr(each, "__module__", "")).startswith("tinynet.layers")
    }
    public = {name for name in found if name[0] != "_"}
    assert public - {*layers.__all__} == {*layers.ALSO}
