"""Saving: what is read is what was written, and training goes on as if nothing had been."""

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tests.saved_models import HOT, X, Y, disturbed, equal_models, network
from tinynet import Input, Model, Sequential, initializers, layers, losses, metrics, optimizers
from tinynet import regularizers as penalties
from tinynet.callbacks import ReduceLROnPlateau
from tinynet.files import MODELS
from tinynet.layers import BatchNormalization, Dense, Dropout, GaussianNoise, Layer
from tinynet.models import load_model
from tinynet.optimizers import schedules
from tinynet.random import SeedGenerator
from tinynet.utils import set_random_seed


def go_on_equally(one: Sequential, *others: Sequential, y: np.ndarray = Y) -> None:
    """See that some models go on training alike, to the last bit."""
    runs = []
    for model in (one, *others):
        set_random_seed(5)
        runs.append(model.fit(X, y, batch_size=8, epochs=2, verbose=0).history)
    assert all(math.isfinite(loss) for loss in runs[0]["loss"])
    for other, run in zip(others, runs[1:], strict=True):
        np.testing.assert_equal(run, runs[0])
        for own, copy in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(own, copy)


def saved_and_read(model: Sequential, folder: Path, y: np.ndarray = Y) -> Sequential:
    """Save a model after an epoch in every format; read all in a fresh session, compare."""
    set_random_seed(3)
    model.fit(X, y, batch_size=8, verbose=0)
    if isinstance(model.optimizer, optimizers.Nadam):  # Keras's formats have a float32 of it
        model.optimizer.u_product = float(np.float32(model.optimizer.u_product))
    paths = [folder / f"model{ending}" for ending in MODELS]
    for path in paths:
        model.save(path)
    pickled = pickle.dumps(model)
    tinynet.utils.clear_session()
    again, *others = map(load_model, paths)
    unpickled = pickle.loads(pickled)
    for each in (again, *others, unpickled):
        equal_models(model, each)
        assert np.array_equal(each.predict(X, verbose=0), model.predict(X, verbose=0))
    assert unpickled.history.history.keys() == model.history.history.keys()
    go_on_equally(model, again, *others, unpickled, y=y)
    return again


# Everything that a model may be made of goes there and back.


@tinynet.saving.register_keras_serializable("tests")
def tripled(x: np.ndarray, times: float) -> np.ndarray:
    return times * x


LAYERS: list[Callable[[], Layer]] = [
    lambda: layers.Activation("gelu", name="mine"),
    lambda: BatchNormalization(
        momentum=0.9,
        epsilon=1e-2,
        scale=False,
        beta_regularizer="l2",
        moving_mean_initializer=initializers.Constant(0.5),
        moving_variance_initializer=initializers.Constant(2.0),
    ),
    lambda: BatchNormalization(center=False, gamma_regularizer=penalties.L1(0.1)),
    lambda: Dense(
        5,
        activation="leaky_relu",
        use_bias=False,
        kernel_initializer=initializers.HeNormal(seed=4),
        kernel_regularizer=penalties.L1L2(0.1, 0.2),
        activity_regularizer="l1",
        trainable=False,
    ),
    lambda: Dense(5, activation=tinynet.activations.elu.with_options(alpha=0.5)),
    lambda: Dropout(0.3, seed=9),
    lambda: Dropout(0.3, noise_shape=(None, 1)),
    lambda: Dropout(0.0),
    lambda: layers.ELU(0.7),
    lambda: layers.Flatten(),
    lambda: GaussianNoise(0.2),
    lambda: layers.LeakyReLU(0.05),
    lambda: layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5),
    lambda: layers.Rescaling(0.5, offset=0.25),
    lambda: layers.Reshape((-1,)),
    lambda: layers.LayerNormalization(axis=[1], epsilon=0.1, center=False),
    lambda: layers.Softmax(axis=1),
    lambda: layers.PReLU("he_normal", "l1", "non_neg", shared_axes=1),
    lambda: layers.Permute((1,)),
    lambda: layers.UnitNormalization(axis=[1]),
    lambda: layers.AlphaDropout(0.2, noise_shape=(None, 1)),
    lambda: layers.GaussianDropout(0.2, seed=4),
    lambda: layers.ActivityRegularization(l2=0.1),
    lambda: layers.Lambda(tripled, arguments={"times": 3}),
]
IMAGE_LAYERS: list[Callable[[], Layer]] = [
    lambda: layers.Conv2D(
        3,
        (2, 1),
        padding="same",
        dilation_rate=(1, 2),
        activation="elu",
        kernel_initializer="he_uniform",
        kernel_regularizer="l2",
        kernel_constraint=tinynet.constraints.MaxNorm(0.5, axis=[0, 1, 2]),
        bias_constraint="non_neg",
    ),
    lambda: layers.Conv2D(2, 2, strides=(2, 1), use_bias=False, activity_regularizer="l1"),
    lambda: layers.DepthwiseConv2D(2, depth_multiplier=2, depthwise_regularizer="l1"),
    lambda: layers.SeparableConv2D(3, 1, depth_multiplier=2, pointwise_initializer="he_normal"),
    lambda: layers.MaxPooling2D(2, strides=1, padding="same"),
    lambda: layers.AveragePooling2D((1, 2)),
    lambda: layers.GlobalAveragePooling2D(keepdims=True),
    lambda: layers.GlobalMaxPooling2D(),
    lambda: layers.ZeroPadding2D(((1, 0), (0, 2))),
    lambda: layers.Cropping2D(((1, 0), (0, 1))),
    lambda: layers.UpSampling2D((1, 2)),
    lambda: layers.SpatialDropout2D(0.4, seed=3),
    lambda: layers.RandomFlip("vertical"),
    lambda: layers.RandomRotation((-0.1, 0.3), "constant", "nearest", 3, 0.5),
    lambda: layers.RandomZoom((-0.1, 0.2), seed=3),
    lambda: layers.RandomTranslation(0.1, (0.2, 0.3), fill_mode="wrap"),
    lambda: layers.RandomContrast((0.1, 0.4), value_range=(0, 1)),
    lambda: layers.RandomCrop(2, 2, seed=3),
]
OPTIMIZERS: list[Callable[[], optimizers.Optimizer]] = [
    lambda: optimizers.SGD(0.05),
    lambda: optimizers.SGD(0.05, momentum=0.8, nesterov=True, clipnorm=0.5),
    lambda: optimizers.RMSprop(rho=0.8, momentum=0.5, centered=True, clipvalue=0.5),
    lambda: optimizers.Adam(0.01, beta_1=0.8, amsgrad=True, global_clipnorm=1.0),
    lambda: optimizers.AdamW(0.01, weight_decay=0.1, name="mine"),
    lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.2),
    lambda: optimizers.Nadam(0.01, beta_2=0.9, epsilon=1e-5),
    lambda: optimizers.Adadelta(0.5, rho=0.9, epsilon=1e-5),
    lambda: optimizers.Adamax(0.01, beta_2=0.9, weight_decay=0.1),
    lambda: optimizers.Lion(0.01, beta_1=0.8),
    lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    lambda: optimizers.Nadam(0.01, gradient_accumulation_steps=3),
]
SCHEDULES: list[schedules.LearningRateSchedule] = [
    schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01]),
    schedules.PolynomialDecay(0.1, 5, power=2.0, cycle=True),
    schedules.CosineDecay(0.01, 20, alpha=0.1, warmup_target=0.1, warmup_steps=3),
    schedules.CosineDecayRestarts(0.1, 3, t_mul=1.5, m_mul=0.7, alpha=0.1),
    schedules.InverseTimeDecay(0.1, 3, 0.5, staircase=True),
]


@tinynet.saving.register_keras_serializable("tests")
def cubic(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(y_true - y_pred) ** 3, axis=-1)


LOSSES: list[losses.Loss] = [
    losses.SparseCategoricalCrossentropy(name="mine"),
    losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum"),
    losses.BinaryCrossentropy(label_smoothing=0.2),
    losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    losses.MeanAbsoluteError(),
    losses.Huber(delta=0.3),
    losses.MeanAbsolutePercentageError(),
    losses.MeanSquaredLogarithmicError(),
    losses.LogCosh(),
    losses.Poisson(),
    losses.CosineSimilarity(),
    losses.KLDivergence(),
    losses.Hinge(),
    losses.SquaredHinge(),
    losses.CategoricalHinge(),
    losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.5),
    losses.CategoricalFocalCrossentropy(alpha=0.3),
]
METRICS: list[Any] = [
    metrics.Accuracy("mine"),
    metrics.BinaryAccuracy(threshold=0.4),
    metrics.CategoricalAccuracy(),
    metrics.TopKCategoricalAccuracy(k=2),
    metrics.Precision(thresholds=[0.3, 0.6]),
    metrics.Recall(top_k=2, class_id=1),
    metrics.F1Score(average="macro", threshold=0.3),
    metrics.MeanSquaredError(),
    metrics.MeanAbsoluteError("off"),
    metrics.MeanMetricWrapper(cubic, "mine_too"),
    metrics.FBetaScore(beta=2.0),
    metrics.AUC(num_thresholds=20),
    metrics.TruePositives(thresholds=0.4),
    metrics.TrueNegatives(),
    metrics.FalsePositives(),
    metrics.FalseNegatives(),
    metrics.PrecisionAtRecall(0.5),
    metrics.RecallAtPrecision(0.5),
    metrics.SensitivityAtSpecificity(0.5),
    metrics.SpecificityAtSensitivity(0.5, num_thresholds=20),
    metrics.R2Score(),
    metrics.RootMeanSquaredError(),
    metrics.BinaryCrossentropy(),
    metrics.CategoricalCrossentropy(),
    metrics.CategoricalHinge(),
    metrics.CosineSimilarity(),
    metrics.Hinge(),
    metrics.KLDivergence(),
    metrics.LogCoshError(),
    metrics.MeanAbsolutePercentageError(),
    metrics.MeanSquaredLogarithmicError(),
    metrics.Poisson(),
    metrics.SquaredHinge(),
]
SPARSE_METRICS: list[Any] = [
    metrics.SparseCategoricalAccuracy(),
    metrics.SparseTopKCategoricalAccuracy(k=2),
    metrics.SparseCategoricalCrossentropy(),
]
MEANS: list[Any] = [metrics.Mean("of_numbers"), metrics.Sum()]  # their subclasses are compiled
INITIALIZERS: list[initializers.Initializer] = [
    initializers.Zeros(),
    initializers.Ones(),
    initializers.Constant(0.3),
    initializers.RandomNormal(0.1, 0.2),
    initializers.TruncatedNormal(seed=1),
    initializers.RandomUniform(-1.0, 2.0, seed=SeedGenerator(4)),
    initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
    initializers.GlorotUniform(),
    initializers.GlorotNormal(seed=2),
    initializers.HeUniform(),
    initializers.HeNormal(),
    initializers.LecunUniform(),
    initializers.LecunNormal(),
]
REGULARIZERS = [penalties.L1(0.1), penalties.L2(0.2), penalties.L1L2(0.1, 0.2)]


@pytest.mark.parametrize(
    ("tables", "cases"),
    [
        (layers.LAYERS, [make() for make in LAYERS + IMAGE_LAYERS]),
        (optimizers.OPTIMIZERS, [make() for make in OPTIMIZERS]),
        (schedules.SCHEDULES, SCHEDULES),
        (losses.LOSSES, LOSSES),
        (metrics.METRICS, METRICS + SPARSE_METRICS + MEANS),
        (initializers.INITIALIZERS, INITIALIZERS),
        (penalties.REGULARIZERS, REGULARIZERS),
    ],
)
def test_every_public_class_has_a_case(tables: dict[str, type], cases: list[Any]) -> None:
    assert {type(case) for case in cases} == set(tables.values())


@pytest.mark.parametrize("make", LAYERS)
def test_layers(make: Callable[[], Layer], tmp_path: Path) -> None:
    model = network(make())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    again = saved_and_read(model, tmp_path)
    assert again.layers[0].trainable == model.layers[0].trainable
    assert again.params.keys() == model.params.keys()


@pytest.mark.parametrize("make", IMAGE_LAYERS)
def test_layers_for_images(make: Callable[[], Layer], tmp_path: Path) -> None:
    model = network(layers.Reshape((2, 2, -1)), make(), layers.Flatten())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert saved_and_read(model, tmp_path).params.keys() == model.params.keys()


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_optimizers(make: Callable[[], optimizers.Optimizer], tmp_path: Path) -> None:
    model = network(Dense(5, activation="tanh"))
    optimizer = make()
    optimizer.exclude_from_weight_decay(["bias"])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    again = saved_and_read(model, tmp_path)
    assert again.optimizer.batches == 12  # 4 before saving, 8 after


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules(schedule: schedules.LearningRateSchedule, tmp_path: Path) -> None:
    model = network()
    model.compile(optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    again = saved_and_read(model, tmp_path)
    assert again.optimizer.learning_rate == schedule(12)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_losses(loss: losses.Loss, tmp_path: Path) -> None:
    model = network()
    model.compile("sgd", loss)
    sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
    saved_and_read(model, tmp_path, Y if sparse else HOT)


def test_losses_from_logits(tmp_path: Path) -> None:
    model = Sequential([Input((4,)), Dense(3)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert saved_and_read(model, tmp_path).loss.from_logits


def test_metrics(tmp_path: Path) -> None:
    model = network()
    model.compile("sgd", "mse", metrics=METRICS, weighted_metrics=["accuracy", "mae", cubic])
    again = saved_and_read(model, tmp_path, HOT)
    assert again.metrics_names == model.metrics_names
    assert {type(each) for each in again.metrics} >= {type(each) for each in METRICS}


class MeanPrediction(metrics.Mean):
    def __init__(self, name: str = "mean_prediction", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override] # as in scripts for Keras
        super().update_state(y_pred, sample_weight=sample_weight)


@pytest.mark.parametrize("file", ["m.keras", "m.h5", "m.safetensors"])
def test_a_mean_of_ones_own(file: str, tmp_path: Path) -> None:
    model = network()
    model.compile("sgd", "mse", metrics=[MeanPrediction(name="mp")])
    model.save(tmp_path / file)
    again = load_model(tmp_path / file, custom_objects={"MeanPrediction": MeanPrediction})
    assert isinstance(again.metrics[0], MeanPrediction)
    expected = model.evaluate(X, HOT, verbose=0, return_dict=True)
    assert expected["mp"] == pytest.approx(np.mean(model.predict(X, verbose=0)), rel=1e-5)
    assert again.evaluate(X, HOT, verbose=0, return_dict=True) == expected
    for mean in MEANS:
        assert metrics.get(metrics.serialize(mean)).get_config() == mean.get_config()


def test_metrics_for_labels(tmp_path: Path) -> None:
    model = network()
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=[*SPARSE_METRICS, "acc", "accuracy"]
    )
    again = saved_and_read(model, tmp_path)
    expected = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == expected
    assert list(expected)[:2] == ["acc", "accuracy"]


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=lambda each: type(each).__name__)
def test_initializers(initializer: initializers.Initializer, tmp_path: Path) -> None:
    model = network(Dense(5, kernel_initializer=initializer, bias_initializer=initializer))
    model.compile("sgd", "sparse_categorical_crossentropy")
    saved_and_read(model, tmp_path)


@pytest.mark.parametrize("rule", REGULARIZERS, ids=repr)
def test_regularizers(rule: penalties.Regularizer, tmp_path: Path) -> None:
    rules = dict.fromkeys(("kernel_regularizer", "bias_regularizer", "activity_regularizer"), rule)
    model = network(Dense(5, **rules))
    model.compile("sgd", "sparse_categorical_crossentropy")
    again = saved_and_read(model, tmp_path)
    assert again.layers[0].penalty() == model.layers[0].penalty() > 0


def test_float64(float64: None, tmp_path: Path) -> None:
    model = network(BatchNormalization())
    model.compile("adam", "sparse_categorical_crossentropy")
    again = saved_and_read(model, tmp_path)
    assert {each.dtype for each in again.get_weights()} == {np.dtype("float64")}


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@given(
    st.lists(
        st.sampled_from(
            [
                lambda: Dense(4, activation="relu"),
                BatchNormalization,
                lambda: Dropout(0.5),
                lambda: GaussianNoise(0.1),
                lambda: layers.Reshape((2, -1)),
                layers.Flatten,
            ]
        ),
        max_size=6,
    ),
    st.sampled_from(["sgd", "adam", "nadam", None]),
)
def test_any_stack(
    tmp_path_factory: pytest.TempPathFactory,
    makers: list[Callable[[], Layer]],
    optimizer: str | None,
) -> None:
    model = Sequential([Input((4,)), *(make() for make in makers), layers.Flatten(name="flat")])
    if optimizer is not None:
        model.compile(optimizer, "mse")
        model.train_on_batch(X, model.predict(X, verbose=0))
    path = tmp_path_factory.mktemp("any") / "model.safetensors"
    model.save(path)
    equal_models(model, load_model(path))


def test_a_model_that_is_not_compiled(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "a.safetensors")
    again = load_model(str(tmp_path / "a.safetensors"))
    equal_models(model, again)
    with pytest.raises(RuntimeError, match="not compiled"):
        again.evaluate(X, Y, verbose=0)


# Training that was interrupted.


@pytest.mark.parametrize("shuffle", [True, False, "every_epoch"])
@pytest.mark.parametrize("optimizer", ["adam", "nadam", "rmsprop", "sgd", "adagrad", "adamw"])
def test_training_in_two_parts_is_training_in_one(
    optimizer: str, shuffle: bool | str, tmp_path: Path
) -> None:
    options = {"batch_size": 7, "shuffle": shuffle, "validation_split": 0.2, "verbose": 0}

    def start() -> Sequential:
        tinynet.utils.clear_session()
        set_random_seed(2)
        model = disturbed()
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        set_random_seed(8)
        return model

    whole = start()
    expected = whole.fit(X, Y, epochs=5, **options).history

    first = start()
    seen = first.fit(X, Y, epochs=2, **options).history
    first.save(tmp_path / "half.safetensors")
    del first
    tinynet.utils.clear_session()
    second = load_model(tmp_path / "half.safetensors")
    set_random_seed(8)
    rest = second.fit(X, Y, epochs=5, initial_epoch=2, **options).history

    assert {name: values + rest[name] for name, values in seen.items()} == expected
    equal_models(whole, second)


def test_the_learning_rate_after_a_cut(tmp_path: Path) -> None:
    set_random_seed(2)
    model = disturbed()
    model.compile(optimizers.Adam(0.04), "sparse_categorical_crossentropy")
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0)
    logs = model.fit(X, Y, epochs=3, callbacks=[plateau], verbose=0).history
    assert logs["learning_rate"] == [0.04, 0.04, 0.02]
    again = saved_and_read(model, tmp_path)
    assert again.optimizer.learning_rate == 0.01


# Weights alone.


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    one, other = disturbed(), disturbed()
    one.compile("adam", "sparse_categorical_crossentropy")
    one.fit(X, Y, verbose=0)
    one.save_weights(path)
    other.load_weights(path)
    assert other.optimizer is None
    assert np.array_equal(other.predict(X, verbose=0), one.predict(X, verbose=0))
    one.save(path)  # a whole model holds its weights too
    other.set_weights([np.zeros_like(each) for each in other.get_weights()])
    other.load_weights(path)
    for own, copy in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, copy)
    one.save_weights(path)
    read = load_model(path)
    assert read.optimizer is None
    assert np.array_equal(read.predict(X, verbose=0), one.predict(X, verbose=0))


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: network(), "expected 2 weights and states, got 8"),
        (lambda: network(Dense(6), BatchNormalization(), Dense(2)), "expected 10 .*got 8"),
        (
            lambda: network(Dense(7), BatchNormalization()),
            r"weights: expected shape \(4, 7\) for dense\w*/kernel, got \(4, 6\)",
        ),
        (
            lambda: Sequential([Input((4,)), Dense(6), BatchNormalization(), Dense(2)]),
            r"weights: expected shape \(6, 2\) for dense\w*/kernel, got \(6, 3\)",
        ),
    ],
)
def test_weights_of_another_architecture(
    other: Callable[[], Sequential], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    disturbed().save_weights(path)
    model = other()
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"weights.safetensors: {says}.*the file of another model"):
        model.load_weights(path)
    for own, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.hdf5", "model.safetensors"])
def test_a_model_without_its_optimizer(name: str, tmp_path: Path) -> None:
    """And with Keras 2's argument for the format."""
    path = tmp_path / name
    model = Sequential([Input((3,)), Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    save_format = path.suffix[1:].replace("hdf5", "h5")
    model.save(path, include_optimizer=False, save_format=save_format)
    again = load_model(path)
    assert not again.compiled
    np.testing.assert_equal(again.get_weights(), model.get_weights())
    with pytest.raises(ValueError, match="save_format: expected the format that the ending of"):
        model.save(path, save_format="tf")
    model.save(path)
    assert load_model(path).compiled


def test_from_config_may_be_lent_classes() -> None:
    class Mine(Dense):
        pass

    start = Input((3,))
    for model in (Sequential([Input((3,)), Mine(2)]), Model(start, Mine(2)(start))):
        with pytest.raises(ValueError, match=r"the layer 'Mine' .* is not part of tinynet"):
            type(model).from_config(model.get_config())
        again = type(model).from_config(model.get_config(), custom_objects={"Mine": Mine})
        assert [type(each) for each in again.layers] == [type(each) for each in model.layers]
