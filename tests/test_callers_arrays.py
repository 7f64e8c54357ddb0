"""The caller's arrays are never changed; unscaled images bring a warning."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.refused import (
    HOT,
    SPARSE,
    WEIGHT,
    X,
    Y,
    check_refused,
    check_trains_on,
    fit,
    rng,
    trained,
)
from tinynet import Input, Sequential, layers, losses
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Layer,
    Rescaling,
    Reshape,
)

# Grey values that nobody has scaled.

IMAGES = rng.integers(0, 256, (20, 8, 8)).astype("uint8")


def classifier(*first: Layer) -> Sequential:
    model = Sequential([*first, Flatten(), Dense(3, activation="softmax")])
    model.compile("sgd", SPARSE)
    return model


@pytest.mark.parametrize(
    "x", [IMAGES, IMAGES.astype("float32"), IMAGES.reshape(20, 64), IMAGES.astype(int)]
)
def test_unscaled_images_bring_a_warning(x: np.ndarray) -> None:
    largest = x.max()
    with pytest.warns(UserWarning, match="^x: values from") as seen:
        history = classifier().fit(x, Y, verbose=0)
    (warning,) = seen
    message = str(warning.message)
    assert message.startswith(f"x: values from {x.min()} to {largest} look like pixels")
    assert "divide by 255, or begin the model with Rescaling(1/255)" in message
    assert warning.filename == __file__
    assert len(history.history["loss"]) == 1


@pytest.mark.parametrize(
    ("first", "x"),
    [
        (lambda: [Rescaling(1 / 255)], IMAGES),
        (lambda: [Flatten(), Rescaling(1 / 255)], IMAGES),
        (lambda: [layers.Permute((2, 1)), layers.Lambda(lambda x: x / 255)], IMAGES),
        (lambda: [Reshape((8, 8, 1)), layers.RandomZoom(0.1), Rescaling(1 / 255)], IMAGES),
        (lambda: [Reshape((64,)), BatchNormalization()], IMAGES),
        (lambda: [BatchNormalization()], IMAGES),
        (list, IMAGES / np.float32(255)),
        (list, IMAGES.reshape(20, 64)[:, :32]),  # a table
        (list, np.eye(100)[:20]),  # one-hot
        (list, (IMAGES > 99).astype("uint8")),  # black and white
        (list, IMAGES % 17),  # the 0..16 of small digits
        (list, IMAGES * 2.0),  # not pixels: beyond 255
        (list, IMAGES - 255.0),  # nor below 0
    ],
)
def test_no_warning_otherwise(first: Callable[[], list[Layer]], x: np.ndarray) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier(*first()).fit(x, Y, verbose=0)
    assert caught == []


def test_the_warning_comes_before_anything_changes() -> None:
    """Whoever turns warnings into errors keeps the model as it was."""
    model = classifier()
    check_refused(model, fit(IMAGES), UserWarning, ["look like pixels"])
    assert not model.built


# The caller's arrays.

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "foreign bytes": lambda a: a.astype(a.dtype.newbyteorder()),
}
FIRST_LAYERS: dict[str, Callable[[], Layer]] = {
    "dense": lambda: Dense(4, activation="relu"),
    "linear": lambda: Activation("linear"),
    "relu": lambda: layers.ReLU(),
    "batch norm": lambda: BatchNormalization(),
    "dropout": lambda: Dropout(0.5),
    "noise": lambda: GaussianNoise(0.1),
    "rescaling": lambda: Rescaling(2.0, 1.0),
    "reshape": lambda: Reshape((2, 2)),
}


@pytest.mark.parametrize("first", FIRST_LAYERS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "int64", "bool"])
def test_the_callers_arrays_stay_as_they_are(dtype: str, layout: str, first: str) -> None:
    x = LAYOUTS[layout]((rng.uniform(0, 9, (20, 4))).astype(dtype))
    y = LAYOUTS[layout](HOT.astype(dtype))
    weight = LAYOUTS[layout](np.ceil(WEIGHT).astype(dtype))
    for array in (x, y, weight):
        array.flags.writeable = False
    before = [array.tobytes() for array in (x, y, weight)]

    model = Sequential([FIRST_LAYERS[first](), Flatten(), Dense(3, activation="softmax")])
    loss = losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile("adam", loss, metrics=["accuracy", "f1_score", "precision", "mse"])
    options: dict[str, Any] = {"batch_size": 8, "verbose": 0}
    model.fit(x, y, sample_weight=weight, validation_data=(x, y, weight), **options)
    model.fit(x, y, shuffle=False, class_weight={0: 2.0}, validation_split=0.3, **options)
    model.evaluate(x, y, sample_weight=weight, **options)
    predicted = model.predict(x, **options)
    model.train_on_batch(x, y, sample_weight=weight)
    model.test_on_batch(x, y)
    model.predict_on_batch(x)
    model(x)

    assert [array.tobytes() for array in (x, y, weight)] == before
    assert not np.shares_memory(predicted, x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_writable_arrays_stay_too(dtype: str, kernel_form: str) -> None:
    """Where nothing forbids it, nothing is written either: the exact type leads to no copy."""
    for first in FIRST_LAYERS.values():
        x, y, weight = X.astype(dtype), X[:, :3].astype(dtype), WEIGHT.astype(dtype)
        before = [array.tobytes() for array in (x, y, weight)]
        for loss in ("mse", "mae", "huber"):
            model = Sequential([first(), Flatten(), Activation("tanh"), Dense(3)])
            model.compile("sgd", loss)
            model.fit(x, y, shuffle=False, sample_weight=weight, verbose=0)
            model.train_on_batch(x, y, weight)
            model.predict(x, verbose=0)
        assert [array.tobytes() for array in (x, y, weight)] == before


def test_predictions_are_no_view_of_the_samples() -> None:
    for first in (Flatten, lambda: Dropout(0.5), lambda: Activation("linear")):
        model = Sequential([Input((4,)), first()])
        predicted = model.predict(X, verbose=0)
        np.testing.assert_array_equal(predicted, X)
        assert not np.shares_memory(predicted, X)


def test_lists_are_arrays_too() -> None:
    model = trained()
    untouched = copy.deepcopy(model)
    check_trains_on(model, untouched, X.tolist(), Y.tolist())
