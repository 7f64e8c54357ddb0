"""Random changes to images: TensorFlow's warp to the bit, the seeds drawn, and whole runs.

test_layers.py compares the layers one by one.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import expect_same, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, examples
from parity_tests.terms import of_training
from tinynet.datasets import drawn_apparel
from tinynet.kernels import warping

RUN = "Sequential.fit (images changed in training)"
CASES = {RUN: ["script"], "kernels.warping": ["ImageProjectiveTransformV3"]}
pytestmark = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="the random numbers and the warp are those of TensorFlow"
)


def script(library, seed):
    """Train a small convolutional network, written once for both libraries."""
    layers = library.layers
    library.utils.set_random_seed(seed)
    model = library.Sequential(
        [
            library.Input((28, 28, 1)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1, fill_mode="constant"),
            layers.RandomZoom(0.2, 0.1),
            layers.RandomTranslation(0.1, 0.2, fill_mode="nearest"),
            # In fit, Keras rounds crops to float32. These pixels are float32 already.
            layers.RandomCrop(24, 26),
            layers.RandomContrast((0.2, 0.4)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(3),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),  # of windows in training, of whole images otherwise
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = library.optimizers.Adam(0.01)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = drawn_apparel(500, seed=1)
    options = {"epochs": 4, "batch_size": 32, "validation_split": 0.2, "verbose": 0}
    return model.fit(x[..., None], y, **options).history, model


@pytest.mark.parametrize("kernels", ["numba", "numpy"])
def test_four_epochs_from_the_integer_seed_alone(kernels):
    before = tinynet.config.kernels()
    tinynet.config.use_kernels(kernels)
    history, model = script(tinynet, 3)
    tinynet.config.use_kernels(before)
    keras_history, keras_model = script(keras, 3)

    assert history["val_loss"][-1] < history["val_loss"][0] - 0.05  # it learns
    assert list(history) == list(keras_history)
    figures = {name: (history[name], values) for name, values in keras_history.items()}
    expect_same(RUN, figures, tolerance=1e-12, case="from seed 3")
    pairs = zip(model.arrays.items(), keras_model.get_weights(), strict=True)
    weights = {name: (own, theirs, of_training(model)) for (name, own), theirs in pairs}
    expect_same(RUN, weights, tolerance=1e-11, case="from seed 3")
    for own, theirs in zip(model.layers[:6], keras_model.layers[:6], strict=True):
        assert own.name == theirs.name
        assert own.seed_generator.state.tolist() == theirs.generator.state.numpy().tolist()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill_mode", warping.FILL_MODES)
@examples(60)
@given(
    size=st.tuples(*(st.integers(1, most) for most in (12, 12, 3))),
    spread=st.sampled_from([0.3, 1.0, 4.0]),
    halves=st.booleans(),
    floatx=FLOAT_TYPES,
    fill_value=st.sampled_from([0.0, 0.3, -2.5]),
    seed=SEEDS,
)
def test_warps_are_those_of_tensorflow_to_the_bit(
    fill_mode, interpolation, size, spread, halves, floatx, fill_value, seed
):
    """Any affine map, also with points far outside the image, on edges and between pixels."""
    tf = pytest.importorskip("tensorflow")
    use_floatx(floatx)
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(3, *size)).astype(floatx)
    matrices = spread * draws.normal(size=(3, 6)) + [1, 0, 0, 0, 1, 0]
    matrices[:, [2, 5]] *= max(size)
    matrices = (np.round(2 * matrices) / 2 if halves else matrices).astype("float32")
    theirs = tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=np.pad(matrices, ((0, 0), (0, 2))),
        output_shape=size[:2],
        fill_value=fill_value,
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    ).numpy()
    for form in ("numpy", "numba"):
        points, own = np.empty((3, *size[:2], 2), "float32"), np.empty_like(x)
        warping.source_points.form(form)(matrices, warping.FILL_MODES.index(fill_mode), points)
        fetch = warping.bilinear if interpolation == "bilinear" else warping.nearest
        fetch.form(form)(x, points, float(np.float32(fill_value)), own)
        case = f"{fill_mode}, {interpolation}, {form}"
        expect_same("kernels.warping", {"output": (own, theirs)}, tolerance=0, case=case)


def test_the_seeds_that_are_drawn():
    found = []
    for library, name in ((tinynet, "seed_generator"), (keras, "generator")):
        library.utils.set_random_seed(9)
        layers = library.layers
        made = [
            layers.RandomCrop(2, 2),
            layers.RandomFlip(),
            layers.RandomRotation(0.0),
            layers.RandomCrop(3, 3, seed=4),
            layers.RandomZoom(0.1),
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomCrop(3, 3),
            layers.RandomContrast(0.1),
        ]
        found.append(
            [(np.array(getattr(layer, name).state).tolist(), layer.seed) for layer in made]
        )
    assert found[0] == found[1]


def test_what_a_call_without_training_means():
    """Each layer follows its own default, in a model too: images change, nothing is dropped."""
    x = np.arange(120.0).reshape(10, 3, 4, 1)
    found = []
    for library in (tinynet, keras):
        flip, dropout = library.layers.RandomFlip(seed=1), library.layers.Dropout(0.5)
        model = library.Sequential([library.Input((3, 4, 1)), flip, dropout])
        outs = flip(x), model(x), flip(x, training=False), model(x, training=False)
        found.append(np.array([np.array(out) for out in outs]))
    expect_same("layers.RandomFlip", {"outputs": tuple(found)}, tolerance=0)
    assert [(out == x).all() for out in found[0]] == [False, False, True, True]
