"""Calls that come too early, names that are not known, constructors that fail."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.refused import (
    HOT,
    SPARSE,
    X,
    Y,
    check_refused,
    check_trains_on,
    fit,
    network,
    state,
    with_value,
)
from tinynet import Input, Sequential, layers, losses, metrics, optimizers
from tinynet.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
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
    Softmax,
)
from tinynet.utils import set_random_seed

# Calls in the wrong order.


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.forward(X),
        lambda model: model.backward(np.ones((20, 3))),
        lambda model: model.count_params(),
        lambda model: model.set_weights([]),
        lambda model: model.save("model.safetensors"),
        lambda model: model.save_weights("model.safetensors"),
        lambda model: model.load_weights("model.safetensors"),
        lambda model: model.output_shape,
    ],
)
@pytest.mark.parametrize("units", [None, 3])
def test_an_unbuilt_model(
    call: Callable[[Any], object],
    units: int | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    set_random_seed(1)
    model = Sequential([Dense(units, activation="softmax")] if units else [], name="mine")
    model.compile("sgd", SPARSE)
    says = ["mine has no weights yet", r"begin it with Input\(shape\), call build", "show it a"]
    check_refused(model, call, ValueError, says)
    assert list(tmp_path.iterdir()) == []
    if units:
        check_trains_on(model, copy.deepcopy(model), X, Y)


@pytest.mark.parametrize(
    "call",
    [
        fit(X[:, 0]),
        lambda model: model.predict(X[:, 0], verbose=0),
        fit(with_value(X, (3, 3), np.nan)),
        fit(y=HOT),
        fit(y=Y + 1),
        fit(callbacks=[EarlyStopping()]),
        fit(batch_size=0),
    ],
)
def test_a_model_that_waits_for_its_first_batch(call: Callable[[Any], object]) -> None:
    """Nothing is built for a batch that is then refused: the next may have another width."""
    set_random_seed(1)
    model = Sequential([Dense(5), BatchNormalization(), Dense(3, activation="softmax")])
    model.compile("adam", SPARSE)
    check_refused(model, call, ValueError, ["expected|will not be"])
    assert not any(layer.built for layer in model.layers)
    check_trains_on(model, copy.deepcopy(model), np.hstack([X, X]), Y)


def test_a_layer_above_that_cannot_take_it() -> None:
    """The layers below are not built either."""
    model = Sequential([Dense(5), BatchNormalization(axis=2), Dense(3)])
    model.compile("adam", "mse")
    check_refused(model, fit(), ValueError, ["axis 2 is not a feature axis of a batch of rank 2"])
    alone = BatchNormalization(axis=2)
    with pytest.raises(ValueError, match="axis 2 is not a feature axis"):
        Sequential([Input((4,)), alone])
    assert not alone.built
    assert alone.arrays == {}
    other = Sequential([Dense(5), Reshape((2, 3)), Dense(3)])
    check_refused(other, lambda model: model.build((None, 4)), ValueError, [r"target_shape \(2, 3"])


def test_a_layer_that_was_built_for_another_width() -> None:
    dense = Dense(3, name="mine")
    dense(np.ones((2, 7)))
    model = Sequential([dense])
    model.compile("adam", "mse")
    check_refused(model, fit(), ValueError, [r"mine: expected 7 features .* samples of shape \(4,"])
    with pytest.raises(ValueError, match="mine: expected 7 features"):
        Sequential([Input((4,)), dense])


def test_a_model_without_layers() -> None:
    model = Sequential()
    model.compile("adam", "mse")
    check_refused(model, fit(), ValueError, ["the model has no layers: add some"])


@pytest.mark.parametrize(
    "call",
    [
        fit(),
        lambda model: model.evaluate(X, Y, verbose=0),
        lambda model: model.train_on_batch(X, Y),
        lambda model: model.test_on_batch(X, Y),
        lambda model: model.metrics_names,
        lambda model: model.loss_value(np.ones((20, 3)), Y),
    ],
)
def test_a_model_that_is_not_compiled(call: Callable[[Any], object]) -> None:
    set_random_seed(1)
    model = network()
    says = ["the model is not compiled", r"call compile\(optimizer, loss\) first"]
    check_refused(model, call, RuntimeError, says)
    untouched = copy.deepcopy(model)
    for each in (model, untouched):
        each.compile("adam", SPARSE)
    check_trains_on(model, untouched, X, Y)


FRESH_LAYERS: list[Callable[[], Layer]] = [
    lambda: Dense(4),
    lambda: Activation("tanh"),
    lambda: layers.ReLU(),
    lambda: layers.LeakyReLU(),
    lambda: layers.ELU(),
    lambda: Softmax(),
    lambda: Flatten(),
    lambda: Reshape((4,)),
    lambda: Rescaling(2.0),
    lambda: BatchNormalization(),
    lambda: layers.LayerNormalization(),
    lambda: Dropout(0.5),
    lambda: layers.AlphaDropout(0.5),
    lambda: layers.GaussianDropout(0.5),
    lambda: layers.ActivityRegularization(0.1),
    lambda: layers.PReLU(),
    lambda: layers.UnitNormalization(),
    lambda: layers.Permute((1,)),
    lambda: layers.Lambda(np.sin),
]
FRESH_IMAGE_LAYERS: list[Callable[[], Layer]] = [
    lambda: layers.Conv2D(2, 2),
    lambda: layers.DepthwiseConv2D(2),
    lambda: layers.SeparableConv2D(2, 2),
    lambda: layers.MaxPooling2D(),
    lambda: layers.AveragePooling2D(2),
    lambda: layers.GlobalAveragePooling2D(),
    lambda: layers.GlobalMaxPooling2D(),
    lambda: layers.ZeroPadding2D(),
    lambda: layers.Cropping2D(1),
    lambda: layers.UpSampling2D(2),
    lambda: layers.SpatialDropout2D(0.5),
    lambda: layers.RandomFlip(),
    lambda: layers.RandomRotation(0.1),
    lambda: layers.RandomZoom(0.1),
    lambda: layers.RandomTranslation(0.1, 0.1),
    lambda: layers.RandomContrast(0.1),
    lambda: layers.RandomCrop(2, 2),
]


def test_every_layer_is_among_them() -> None:
    # Noise passes the gradient through and needs nothing from forward.
    makes = FRESH_LAYERS + FRESH_IMAGE_LAYERS
    kinds = {type(make()).__name__ for make in makes} | {GaussianNoise.__name__}
    assert kinds == set(layers.LAYERS)


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@pytest.mark.parametrize("make", FRESH_LAYERS)
def test_backward_before_forward(make: Callable[[], Layer]) -> None:
    model = Sequential([Input((4,)), make()])
    model.compile("sgd", "mse")
    says = [
        f"{model.layers[0].name}: forward has to come before",
        "need what it keeps",
        r"call forward\(x, training=True\) first",
    ]
    check_refused(model, lambda model: model.backward(np.ones((20, 4))), RuntimeError, says)
    check_trains_on(model, copy.deepcopy(model), X, X)


@pytest.mark.parametrize("make", FRESH_IMAGE_LAYERS)
def test_backward_of_images_before_forward(make: Callable[[], Layer]) -> None:
    layer = make()
    layer.ensure_built((4, 4, 1))
    dout = np.ones((20, *layer.compute_output_shape((4, 4, 1))))
    with pytest.raises(RuntimeError, match=f"{layer.name}: forward has to come before"):
        layer.backward(dout)


def test_the_loss_before_forward() -> None:
    model = network()
    model.compile("sgd", SPARSE)
    check_refused(
        model,
        lambda model: model.loss_value(np.ones((20, 3)), Y),
        RuntimeError,
        ["forward has to come before the loss"],
    )
    check_refused(
        model,
        lambda model: model.backward_from_loss(),
        RuntimeError,
        ["gradient came before value"],
    )


# Names that are not known, where no model is concerned.


@pytest.mark.parametrize(
    ("call", "kind", "nearest"),
    [
        (lambda: Dense(3, activation="rellu"), "activation 'rellu'", "relu"),
        (lambda: Activation("sigmiod"), "activation 'sigmiod'", "sigmoid"),
        (lambda: losses.get("mean_square_error"), "loss 'mean_square_error'", "mean_squared_error"),
        (lambda: optimizers.get("RMSProp_"), "optimizer 'RMSProp_'", "RMSprop"),
        (lambda: metrics.get("presicion"), "metric 'presicion'", "precision"),
        (lambda: layers.deserialize({"class_name": "Dens"}), "layer 'Dens'", "Dense"),
        (
            lambda: Dense(3, kernel_initializer="he_unform"),
            "initializer 'he_unform'",
            "he_uniform",
        ),
        (
            lambda: BatchNormalization(gamma_initializer="hte_normal"),
            "initializer 'hte_normal'",
            "he_normal",
        ),
        (lambda: Dense(3, kernel_regularizer="l3"), "regularizer 'l3'", "l[12]"),
        (
            lambda: optimizers.get(
                {"class_name": "SGD", "config": {"learning_rate": {"class_name": "CosineDcay"}}}
            ),
            "learning rate schedule 'CosineDcay'",
            "CosineDecay",
        ),
    ],
)
def test_unknown_names(call: Callable[[], object], kind: str, nearest: str) -> None:
    before = state(None)
    with pytest.raises(ValueError, match=f"^unknown {kind}; did you mean '{nearest}'"):
        call()
    assert state(None) == before
    assert Dense(3).name == "dense"
    assert Activation("relu").name == "activation"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Dense(0), "units: expected a positive integer, got 0"),
        (lambda: Dense(2.5), "units: expected a positive integer, got 2.5"),
        (lambda: Dense(True), "units: expected a positive integer, got True"),
        (lambda: Dropout(1.5), "rate: expected a number between 0 and 1, got 1.5"),
        (lambda: GaussianNoise(-1.0), "stddev: expected a number of 0 or more, got -1.0"),
        (lambda: Reshape((0, 3)), r"target_shape: expected positive .*got \(0, 3\)"),
        (
            lambda: layers.LeakyReLU(-1.0),
            "negative_slope: expected a number of 0 or more, got -1.0",
        ),
        (lambda: Flatten(dtype="float16"), "expected 'float32' or 'float64', got 'float16'"),
        (lambda: Input(784), r"shape: expected a tuple of positive .* got 784; write \(784,\)"),
        (
            lambda: optimizers.Adam(learning_rate=-1),
            "learning_rate: expected a number of 0 or more, got -1",
        ),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "at most one of clipnorm, clipvalue"),
    ],
)
def test_a_constructor_that_fails_takes_no_name_and_no_seed(
    call: Callable[[], object], says: str
) -> None:
    before = state(None)
    with pytest.raises(ValueError, match=says):
        call()
    assert state(None) == before


def test_a_model_that_fails_takes_no_name() -> None:
    for bad in (Dense, "dense", None):
        with pytest.raises(TypeError, match="layer: expected a Layer"):
            Sequential([Input((4,)), bad])
    assert Sequential().name == "sequential"


@pytest.mark.parametrize(
    "callback", [ReduceLROnPlateau("loss"), LearningRateScheduler(lambda e: 1.0)]
)
def test_two_that_set_the_learning_rate(callback: Any) -> None:
    set_random_seed(1)
    model = network()
    schedule = optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(optimizers.SGD(schedule), SPARSE)
    untouched = copy.deepcopy(model)
    says = [
        "learning_rate: the optimizer was made with a schedule",
        "make the optimizer with a num",
    ]
    check_refused(model, fit(callbacks=[callback]), TypeError, says)
    check_trains_on(model, untouched, X, Y)


def test_an_optimizer_that_remembers_another_model(kernel_form: str) -> None:
    """Its slots have another size, and compiled loops would run beyond their ends."""
    optimizer = optimizers.Adam()
    small = Sequential([Input((4,)), Dense(2, name="same")])
    small.compile(optimizer, "mse")
    small.fit(X, X[:, :2], verbose=0)
    large = Sequential([Input((4,)), Dense(200, name="same")])
    large.compile(optimizer, "mse")
    says = ["Adam 'adam' has begun with other layers", "with same; give every model an optimizer"]
    check_refused(large, lambda m: m.train_on_batch(X, np.ones((20, 200))), ValueError, says)
    large.compile(copy.deepcopy(optimizer), "mse")
    says = ["adam: expected momentum of 800 numbers for same/kernel, got 8", "give every model"]
    check_refused(large, lambda m: m.train_on_batch(X, np.ones((20, 200))), ValueError, says)
    large.compile("adam", "mse")
    assert np.isfinite(large.train_on_batch(X, np.ones((20, 200))))


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a b",
        "a:b",
        "größe",
        "a*",
        "a@b",
        "a\\b",
        "it's",
        "conv2d/kernel:0",
        " ",
        "a\n",
        "é",
        3,
    ],
)
def test_names_that_keras_refuses(name: Any) -> None:
    for make in (lambda: Dense(3, name=name), lambda: Sequential(name=name)):
        with pytest.raises(ValueError, match=r"name: expected one that Keras accepts too, .* got "):
            make()
    assert Dense(3).name == "dense"  # no name was taken
    if isinstance(name, str) and "/" not in name:
        assert Input((3,), name=name).name == name
    else:
        with pytest.raises(ValueError, match="name: expected"):
            Input((3,), name=name)


@pytest.mark.parametrize("name", ["a", "A.1", "1a", "_a", "a-b", "a>b", "dense_1", "."])
def test_names_that_keras_takes(name: str) -> None:
    assert Dense(3, name=name).name == name
    if name == "_a":
        with pytest.raises(ValueError, match="name: expected"):
            Sequential(name=name)
    else:
        assert Sequential(name=name).name == name
