"""A step that is written down and run again gives the same bits as one that calls the layers."""

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet
from parity_tests.layer_cases import CASES
from tinynet import (
    Model,
    Sequential,
    callbacks,
    config,
    layers,
    losses,
    optimizers,
    repeat,
    utils,
    written,
)
from tinynet.constraints import MaxNorm
from tinynet.kernels import convolution, registry, team, threads, winograd
from tinynet.kernels.linear import column_sum
from tinynet.kernels.registry import Argument, here
from tinynet.layers import BatchNormalization, Dense, Dropout, Flatten, Input
from tinynet.optimizers import schedules
from tinynet.regularizers import L2
from tinynet.step import compiled as loop
from tinynet.step.printing import brief, expression
from tinynet.step.tape import Computes, Step, call, write_down
from tinynet.step.telling import _into_same_gradients

FORMS = pytest.mark.parametrize("form", registry.FORMS)


def small(*more: Any) -> Sequential:
    """A network in which most kinds of lines stand."""
    inner = [Dense(8, activation="relu"), BatchNormalization(), Dropout(0.4), *more]
    return Sequential([Input((5,)), *inner, Dense(3, activation="softmax")])


def compiled(model: Sequential, **how: Any) -> Sequential:
    how = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **how}
    model.compile(**how)
    return model


def vectors(n: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, 5)), rng.integers(3, size=n)


def after_training(
    make: Callable[[], Sequential], x: Any, y: Any, eager: bool, **fit: Any
) -> dict[str, Any]:
    """Return everything that training changes, as arrays."""
    utils.clear_session()
    utils.set_random_seed(5)
    model = make()
    model.run_eagerly = eager
    fit = {"batch_size": 4, "epochs": 3, "verbose": 0, **fit}
    history = model.fit(x, y, **fit).history
    found = {**model.arrays, **history, "predictions": model.predict(x, verbose=0)}
    assert model.optimizer is not None
    found.update(model.optimizer.get_state())
    for layer in model.layers:
        if layer.seed_generator is not None:
            found[f"{layer.name} seed"] = layer.seed_generator.state
    return found


def assert_same_run(make: Callable[[], Sequential], x: Any, y: Any, **fit: Any) -> None:
    """Training gives the same bits by its lines and by its layers; 4, 4 and 2 samples a batch."""
    expected = after_training(make, x, y, True, **fit)
    found = after_training(make, x, y, False, **fit)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def lines_of(model: Sequential, batch_size: int = 4) -> list[str]:
    return [line.title for line in model.step(batch_size).lines]


LAYERS = [(text, shape) for cases in CASES.values() for text, shape in cases if "Input" not in text]


@FORMS
@pytest.mark.parametrize(("text", "shape"), LAYERS, ids=[text for text, _ in LAYERS])
def test_every_layer(text: str, shape: tuple[int, ...], form: str) -> None:
    config.use_kernels(form)
    x = np.random.default_rng(2).normal(size=(10, *shape[1:]))

    def make() -> Sequential:
        layer = eval(text, {"keras": tinynet, "np": np})
        # Outside of training, images are not cropped.
        flat = layers.GlobalAveragePooling2D() if "RandomCrop" in text else Flatten()
        return compiled(
            Sequential([Input(shape[1:]), Dense(shape[-1]), layer, flat, Dense(3)]), loss="mse"
        )

    assert_same_run(make, x, x.reshape(10, -1)[:, :3])


LOSSES: dict[str, Callable[[], Any]] = {
    "sparse": losses.SparseCategoricalCrossentropy,
    "one-hot": losses.CategoricalCrossentropy,
    "smoothed": lambda: losses.CategoricalCrossentropy(label_smoothing=0.1),
    "logits": lambda: losses.CategoricalCrossentropy(from_logits=True),
    "binary": losses.BinaryCrossentropy,
    "squares": losses.MeanSquaredError,
    "absolute": losses.MeanAbsoluteError,
    "huber": losses.Huber,
    "sum": lambda: losses.MeanSquaredError(reduction="sum"),
    "mean by weight": lambda: losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    "single losses": lambda: losses.MeanSquaredError(reduction="none"),
    "sparse, without class 1": lambda: losses.SparseCategoricalCrossentropy(ignore_class=1),
    "percentage": losses.MeanAbsolutePercentageError,
    "logarithmic": losses.MeanSquaredLogarithmicError,
    "log cosh": losses.LogCosh,
    "poisson": losses.Poisson,
    "cosine": losses.CosineSimilarity,
    "divergence": losses.KLDivergence,
    "hinge": losses.Hinge,
    "squared hinge": losses.SquaredHinge,
    "categorical hinge": losses.CategoricalHinge,
    "binary, focal": losses.BinaryFocalCrossentropy,
    "focal": lambda: losses.CategoricalFocalCrossentropy(alpha=[0.2, 0.3, 0.5]),
    "a function": lambda: lambda y, p: np.mean((y - p) ** 4, axis=-1),
}


@FORMS
@pytest.mark.parametrize("weights", ["none", "samples", "classes"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str, weights: str, form: str) -> None:
    config.use_kernels(form)
    x, labels = vectors()
    y = labels if name.startswith("sparse") else utils.to_categorical(labels, 3)
    last = "linear" if name == "logits" else "sigmoid" if name.startswith("binary") else "softmax"
    fit: dict[str, Any] = {}
    if weights == "samples":
        fit["sample_weight"] = np.linspace(0, 2, len(x))
    elif weights == "classes":
        fit["class_weight"] = {0: 0.5, 2: 3.0}

    def make() -> Sequential:
        return compiled(Sequential([Input((5,)), Dense(3, activation=last)]), loss=LOSSES[name]())

    assert_same_run(make, x, y, **fit)


OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": optimizers.SGD,
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": optimizers.RMSprop,
    "rmsprop, all of it": lambda: optimizers.RMSprop(0.01, momentum=0.8, centered=True),
    "adam": optimizers.Adam,
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "adagrad": optimizers.Adagrad,
    "nadam": optimizers.Nadam,
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "adamax": optimizers.Adamax,
    "lion": optimizers.Lion,
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.1),
    "clipvalue": lambda: optimizers.Adam(clipvalue=1e-3),
    "global clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "averages": lambda: optimizers.Adam(0.1, use_ema=True, ema_momentum=0.6),
    "averages taken": lambda: optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "gradients added up": lambda: optimizers.Nadam(0.1, gradient_accumulation_steps=2),
    "both": lambda: optimizers.SGD(0.1, clipnorm=1.0, use_ema=True, gradient_accumulation_steps=4),
    "a schedule": lambda: optimizers.Adam(schedules.CosineDecay(0.1, 20)),
    "the user's": lambda: Signs(0.01),
    "with the user's update": lambda: Halved(0.1),
}


class Signs(optimizers.Optimizer):
    """Goes by the sign of the gradient alone, in NumPy."""

    def update(self, w: Any, g: Any, slots: Any, learning_rate: float) -> None:
        assert isinstance(learning_rate, float)
        w -= learning_rate * np.sign(g)


class Halved(optimizers.Adam):
    def update(self, w: Any, g: Any, slots: Any, learning_rate: float) -> None:
        super().update(w, g, slots, learning_rate / 2)


@FORMS
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str, floatx: str, form: str) -> None:
    config.use_kernels(form)
    config.set_floatx(floatx)
    assert_same_run(lambda: compiled(small(), optimizer=OPTIMIZERS[name]()), *vectors())


class Rounded(tinynet.constraints.Constraint):
    """Keeps weights to multiples of 0.25."""

    def __call__(self, w: Any) -> Any:
        return np.round(4 * w) / 4


class Scaled(layers.Layer):
    """A layer of the user's own, in NumPy, which puts new arrays into `grads` in every step."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.params["scale"] = np.full(input_shape, 0.5, self.dtype)

    def forward(self, x: Any, training: bool = False) -> Any:
        self.x = x
        return x * self.params["scale"]

    def backward(self, dout: Any) -> Any:
        self.grads["scale"] = (dout * self.x).sum(axis=0)
        return dout * self.params["scale"]


def test_new_arrays_of_gradients_reach_the_optimizer(kernel_form: str) -> None:
    model = Sequential([Input((3,)), Scaled()])
    model.compile(optimizers.SGD(1.0), "mse")
    x, scale = np.arange(6.0).reshape(2, 3), np.full(3, 0.5)
    for _ in range(2):
        model.train_on_batch(x, np.ones((2, 3)))
        scale -= ((scale * x - 1) * x).sum(axis=0) * 2 / 6
        np.testing.assert_allclose(model.get_weights()[0], scale, rtol=1e-5)


class Kept(layers.Layer):
    """Returns what it was given, and not always."""

    calls = 0

    def forward(self, x: Any, training: bool = False) -> Any:
        self.calls += 1
        return x if self.calls % 2 else 2 * x

    def backward(self, dout: Any) -> Any:
        return dout if self.calls % 2 else 2 * dout


WITHIN: dict[str, Callable[[], list[Any]]] = {
    "in NumPy": lambda: [Scaled()],
    "given back": lambda: [Kept()],
    "an activation": lambda: [Dense(4, activation=tinynet.activations.Activation(swished))],
    "penalties": lambda: [Dense(4, kernel_regularizer="l2", bias_regularizer="l1")],
    "penalty on the output": lambda: [Dense(4, activation="relu", activity_regularizer="l1l2")],
    "constraints": lambda: [
        Dense(4, kernel_constraint=tinynet.constraints.MinMaxNorm(0.2, 0.3, axis=1)),
        BatchNormalization(gamma_constraint="unit_norm", beta_constraint="non_neg"),
    ],
    "a constraint of the user's": lambda: [Dense(4, bias_constraint=Rounded())],
    "frozen": lambda: [Dense(4, trainable=False), BatchNormalization(trainable=False)],
    "all of it dropped": lambda: [Dropout(1.0)],
    "a mask for all": lambda: [Dropout(0.5, noise_shape=(1, None))],
    "noise": lambda: [layers.GaussianNoise(0.2)],
}


def swished() -> registry.Differentiable:
    def forward(x: Any, out: Any) -> None:
        np.multiply(x, x, out=out)

    def backward(dout: Any, x: Any, out: Any, dx: Any) -> None:
        np.multiply(dout, 2 * x, out=dx)

    return registry.Differentiable(forward, backward)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@FORMS
@pytest.mark.parametrize("name", WITHIN)
def test_what_may_stand_in_a_model(name: str, form: str) -> None:
    config.use_kernels(form)
    assert_same_run(lambda: compiled(small(*WITHIN[name]())), *vectors())
    assert_same_run(
        lambda: compiled(Sequential([*WITHIN[name](), Dense(3)]), loss="mse"),
        *[vectors()[0]] * 1,
        vectors()[0][:, :3],
    )


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_images_in_any_number_of_threads(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "WORTH", 16)  # so that small batches are divided
    monkeypatch.setattr(loop, "LARGE", 16)
    monkeypatch.setattr(team, "WORTH", 16)
    threads.set_workers(workers)
    x = np.random.default_rng(0).random((10, 9, 8, 2))

    def make() -> Sequential:
        return compiled(
            Sequential(
                [
                    Input((9, 8, 2)),
                    layers.RandomTranslation(0.2, 0.2),
                    layers.Conv2D(4, 3, activation="relu"),
                    layers.MaxPooling2D(),
                    BatchNormalization(),
                    layers.Conv2D(3, 2),
                    Flatten(),
                    Dropout(0.2),
                    Dense(3, activation="softmax"),
                ]
            )
        )

    assert_same_run(make, x, np.arange(10) % 3)


@pytest.mark.parametrize("helped", [False, True])
def test_large_lines_are_divided(helped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "WORTH", 16)
    config.use_kernels("numba")
    model = compiled(small(), optimizer=optimizers.RMSprop(0.01, momentum=0.8, centered=True))
    one, two = model.step(37), model.step(37)
    for _ in range(3):
        two.run()
        two._compiled.shared[0] = helped  # nobody comes, so that both halves are taken here
        for line in one.lines:
            line.run()
    divided = [line.title for line in two.lines if is_divided(two._compiled.row(line))]
    expected = {
        "gather_rows",
        "bias_add",
        "relu",
        "uniform_float32",
        "dropout",
        "softmax",
        "rmsprop",
    }
    assert expected <= set(divided)
    assert not {"column_sum", "batch_norm_forward"} & set(divided)
    for name, value in state_of(one).items():
        np.testing.assert_array_equal(two.known[name], value, err_msg=name)


def is_divided(row: Any) -> bool:
    """Return whether a call consists of two."""
    return row is not None and isinstance(row.keep[2][-1], list) and len(row.keep[2]) == 3


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(
            [
                "Dense(7, activation='elu')",
                "Dense(4, activation='softmax')",
                "Dropout(0.3)",
                "BatchNormalization()",
                "LayerNormalization()",
                "Activation('gelu')",
                "LeakyReLU()",
                "Rescaling(0.5, 1.0)",
                "GaussianNoise(0.1)",
                "Reshape((-1, 1))",
                "Flatten()",
            ]
        ),
        max_size=6,
    ),
    st.sampled_from(list(OPTIMIZERS)),
    st.integers(1, 11),
    st.sampled_from([True, False, "every_epoch"]),
)
def test_drawn_models(texts: list[str], optimizer: str, batch_size: int, shuffle: Any) -> None:
    def make() -> Sequential:
        inner = [eval(text, vars(layers)) for text in texts]
        model = Sequential([Input((5,)), *inner, Flatten(), Dense(3, activation="softmax")])
        return compiled(model, optimizer=OPTIMIZERS[optimizer](), metrics=["accuracy"])

    assert_same_run(make, *vectors(11), batch_size=batch_size, shuffle=shuffle)


# What happens between the steps, and what code of the user's does in them.


class Meddles(callbacks.Callback):
    """Changes what a step works on, in the middle of an epoch or between two."""

    def __init__(self, change: Callable[[Any], None]) -> None:
        super().__init__()
        self.change = change


class InAnEpoch(Meddles):
    batches = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches += 1
        if self.batches == 4:
            self.change(self.model)


class BetweenEpochs(Meddles):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 0:
            self.change(self.model)


def new_arrays(model: Any) -> None:
    layer = model.layers[0]
    layer.params["kernel"] = layer.params["kernel"] + 1


def evaluate(model: Any) -> None:
    x, y = vectors(7)
    model.evaluate(x, y, verbose=0, sample_weight=np.arange(7.0))
    model.predict(x, verbose=0)
    model.loss_value(model.forward(x[:2], training=True), y[:2])


def freeze(model: Any) -> None:
    model.layers[0].trainable = False


CHANGES: dict[str, Callable[[Any], None]] = {
    "learning rate": lambda model: setattr(model.optimizer, "learning_rate", 0.5),
    "a regularizer": lambda model: model.layers[0].regularizers.update(kernel=L2(0.5)),
    "a constraint": lambda model: model.layers[0].constraints.update(kernel=MaxNorm(0.2)),
    "a schedule": lambda model: setattr(
        model.optimizer, "learning_rate", schedules.ExponentialDecay(0.5, 3, 0.5)
    ),
    "another dial": lambda model: model.optimizer.dials.update(learning_rate=np.zeros(())),
    "iterations": lambda model: setattr(model.optimizer, "iterations", 77),
    "weights": lambda model: model.set_weights([2 * each for each in model.get_weights()]),
    "new arrays": new_arrays,
    "an array that lies another way": lambda model: model.layers[0].params.update(
        kernel=np.asfortranarray(model.layers[0].params["kernel"])
    ),
    "an array of another type": lambda model: model.layers[0].params.update(
        kernel=model.layers[0].params["kernel"].astype("float64")
    ),
    "new states": lambda model: model.layers[1].state.update(moving_mean=np.ones(8, "f4")),
    "state of the optimizer": lambda model: model.optimizer.set_state(model.optimizer.get_state()),
    "another optimizer": lambda model: setattr(model, "optimizer", optimizers.SGD(0.1)),
    "another loss": lambda model: setattr(
        model, "loss", losses.SparseCategoricalCrossentropy(reduction="sum")
    ),
    "reduction": lambda model: setattr(model.loss, "reduction", "sum"),
    "beta": lambda model: setattr(model.optimizer, "beta_1", 0.5),
    "clipping": lambda model: setattr(model.optimizer, "clipnorm", 0.01),
    "weight decay": lambda model: setattr(model.optimizer, "weight_decay", 0.1),
    "rate": lambda model: setattr(model.layers[2], "rate", 0.9),
    "momentum": lambda model: setattr(model.layers[1], "momentum", 0.5),
    "activation": lambda model: setattr(model.layers[0], "activation", tinynet.activations.tanh),
    "seed": lambda model: setattr(model.layers[2].seed_generator, "state", [9, 9]),
    "another generator": lambda model: setattr(
        model.layers[2], "seed_generator", tinynet.random.SeedGenerator(3)
    ),
    "frozen": freeze,
    "evaluation": evaluate,
    "another batch": lambda model: model.train_on_batch(*vectors(3)),
    "a step": lambda model: model.step(4).run(),
    "the other form": lambda model: config.use_kernels("numpy"),
}


@pytest.mark.filterwarnings("ignore:trainable of")
@pytest.mark.parametrize("when", [InAnEpoch, BetweenEpochs])
@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_between_steps(name: str, when: type[Meddles]) -> None:
    x, y = vectors(17)
    found = []
    for eager in (True, False):
        config.use_kernels("numba")
        fit = {"callbacks": [when(CHANGES[name])], "validation_data": vectors(6)}
        fit["sample_weight"] = np.linspace(1, 2, 17)
        found.append(after_training(lambda: compiled(small()), x, y, eager, **fit))
    for key, value in found[0].items():
        np.testing.assert_array_equal(found[1][key], value, err_msg=key)


@pytest.mark.parametrize("samples", [8, 10])
def test_what_the_layers_have_kept_after_an_epoch(samples: int) -> None:
    seen: dict[bool, list[np.ndarray]] = {}

    class Looks(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            first, norm, _, last = self.model.layers
            kept = [first.x, first.out, norm.mean, last.logits, self.model.loss.rows]
            seen[self.model.run_eagerly] += [np.copy(each) for each in kept]
            self.model.evaluate(*vectors(7), verbose=0)

    for eager in (True, False):
        seen[eager] = []
        after_training(lambda: compiled(small()), *vectors(samples), eager, callbacks=[Looks()])
    for expected, found in zip(seen[True], seen[False], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("penalty", [None, "l2"])  # with one, the layer is a line of Python
def test_what_a_graph_has_kept_of_each_call_of_a_layer(
    nested: bool, learns: bool, penalty: str | None
) -> None:
    """Batches of 4, 4, 2 and so on, two in an epoch, so that the last ones are repeated ones."""
    found = []
    for eager in (True, False):
        utils.clear_session()
        utils.set_random_seed(5)
        shared = Dense(5, activation="tanh", activity_regularizer=penalty)
        twice: Any = shared
        if nested:
            within = Input((5,))
            twice = Model(within, shared(shared(within)))
        inputs = Input((5,))
        model = Model(inputs, Dense(3, activation="softmax")(twice(twice(inputs))))
        shared.trainable = learns
        compiled(model, run_eagerly=eager)
        x, y = vectors()
        with pytest.warns(UserWarning, match="the data ended"):
            model.fit(x, y, batch_size=4, epochs=3, steps_per_epoch=2, verbose=0)
        dx = model.backward(np.ones((4, 3), "float32"))
        found.append([dx, *model.grads.values()])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(own, expected)


def test_targets_are_checked_again_where_somebody_has_changed_them() -> None:
    x, y = vectors()

    class Spoils(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            y[3] = 4

    with pytest.raises(ValueError, match="expected labels from 0 to 2"):
        compiled(small()).fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[Spoils()])


class Turned(layers.Layer):
    """Returns views in another order of memory."""

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape[::-1]

    def forward(self, x: Any, training: bool = False) -> Any:
        return x.transpose(0, 2, 1)

    def backward(self, dout: Any) -> Any:
        return dout.transpose(0, 2, 1)


class Skip(layers.Layer):
    """Adds the output of another layer, which it looks up there."""

    source: Any = None

    def forward(self, x: Any, training: bool = False) -> Any:
        return x + self.source.out

    def backward(self, dout: Any) -> Any:
        return dout


class Limited(layers.Layer):
    """Replaces its weights when they grow too large."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.params["w"] = np.ones(input_shape, self.dtype)
        self.grads["w"] = np.zeros(input_shape, self.dtype)

    def forward(self, x: Any, training: bool = False) -> Any:
        w = self.params["w"]
        if training and np.linalg.norm(w) > 2.25:
            self.params["w"] = w / np.linalg.norm(w) * np.float32(2.2)
        self.x = x
        return x * self.params["w"]

    def backward(self, dout: Any) -> Any:
        self.grads["w"][...] = (dout * self.x).sum(axis=0)
        return dout * self.params["w"]


class Keeps(tinynet.metrics.Metric):
    """Keeps everything that it is given until the end of the epoch."""

    def add(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        self.seen.append((y_true, y_pred))

    def result(self) -> float:
        return float(sum(np.sum(p) + np.sum(y) for y, p in self.seen))

    def reset_state(self) -> None:
        self.seen: list[Any] = []


class Cyclic(optimizers.SGD):
    def begin_step(self, learning_rate: float) -> None:
        self.momentum = 0.9 - 0.1 * self.iterations


def with_a_skip() -> Sequential:
    skip = Skip()
    model = Sequential([Input((5,)), Dense(5), skip, Dense(3)])
    skip.source = model.layers[0]
    return model


OWN: dict[str, Callable[[], Sequential]] = {
    "turned": lambda: compiled(
        Sequential([Input((5, 1)), Dense(4), Turned(), Flatten(), Dense(3)]), loss="mse"
    ),
    "a skip": lambda: compiled(with_a_skip(), loss="mse"),
    "limited": lambda: compiled(small(Limited()), optimizer=optimizers.SGD(0.5)),
    "a metric": lambda: compiled(small(), metrics=[Keeps()]),
    "begin_step": lambda: compiled(small(), optimizer=Cyclic(0.1, momentum=0.9)),
    "two types": lambda: compiled(
        Sequential([Input((5,)), Dense(4, dtype="float64"), Dense(3)]), loss="mse"
    ),
    "no weights": lambda: compiled(Sequential([Input((3,)), Dropout(0.5)]), loss="mse"),
}


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@pytest.mark.parametrize("name", OWN)
def test_code_of_the_users_own(name: str) -> None:
    x, y = vectors()
    if name == "turned":
        x = x[..., None]
    elif name == "no weights":
        x = x[:, :3]
    if name not in ("limited", "a metric", "begin_step"):
        y = vectors()[0][:, :3]
    assert_same_run(OWN[name], x, y)


def test_a_penalty_of_the_users_own_needs_no_regularizer() -> None:
    class Pulled(Dense):
        def add_penalty_gradients(self) -> None:
            self.grads["bias"] += 1

    def make() -> Sequential:
        return compiled(Sequential([Input((5,)), Pulled(3)]), optimizer="sgd", loss="mse")

    x = np.zeros((10, 5))
    assert_same_run(make, x, x[:, :3])
    assert np.all(after_training(make, x, x[:, :3], False)["pulled/bias"] < 0)


def test_a_layer_of_the_users_own_is_called_in_every_step() -> None:
    kept = Kept()
    model = compiled(Sequential([Input((5,)), kept, Dense(3)]), loss="mse")
    model.fit(vectors()[0], vectors()[0][:, :3], batch_size=2, verbose=0)
    assert kept.calls == 5


def test_a_step_of_the_users_own_is_not_written_down() -> None:
    class Counted(Sequential):
        steps = 0

        def train_step(self, batch: Any) -> None:
            self.steps += 1
            super().train_step(batch)

    model = Counted([Input((5,)), Dense(3)])
    compiled(model, loss="mse").fit(vectors()[0], vectors()[0][:, :3], batch_size=2, verbose=0)
    assert model.steps == 5


def test_methods_that_somebody_looks_on_are_called_in_every_step() -> None:
    model, calls = compiled(small(), loss="sparse_categorical_crossentropy"), []
    assert model.optimizer is not None and model.loss is not None
    looked_on = [
        (model.layers[0], "forward"),
        (model.layers[3], "backward"),
        (model.loss, "value"),
        (model.optimizer, "step"),
    ]
    for owner, name in looked_on:
        method = getattr(owner, name)

        def watched(*args: Any, name: str = name, method: Any = method) -> Any:
            calls.append(name)
            return method(*args)

        setattr(owner, name, watched)
    model.fit(*vectors(), batch_size=2, verbose=0)
    assert sorted(calls) == sorted(5 * [name for _, name in looked_on])


def test_layers_are_called_in_every_step_if_it_is_run_eagerly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls, forward = [], Dense.forward

    @functools.wraps(forward)  # so that it passes for tinynet's
    def watched(self: Dense, x: Any, training: bool = False) -> Any:
        calls.append(training)
        return forward(self, x, training)

    monkeypatch.setattr(Dense, "forward", watched)
    for eager, expected in ((True, 6), (False, 2)):  # batches of 4, 4 and 2: of two sizes
        calls.clear()
        model = compiled(Sequential([Dense(3)]), loss="mse", run_eagerly=eager)
        model.fit(vectors()[0], vectors()[0][:, :3], batch_size=4, epochs=2, verbose=0)
        assert len(calls) == expected
    with pytest.raises(ValueError, match="run_eagerly"):
        compiled(small(), run_eagerly="yes")


def test_whether_it_is_run_eagerly_is_in_the_file(tmp_path: Path) -> None:
    for eager in (False, True):
        model = compiled(small(), run_eagerly=eager)
        model.save(tmp_path / "model.safetensors")
        assert tinynet.models.load_model(tmp_path / "model.safetensors").run_eagerly is eager


# The list itself.


def test_a_step_is_a_list_of_kernels() -> None:
    assert lines_of(compiled(small(), metrics=["accuracy"])) == [
        *["next_rows", "gather_rows", "gather_rows"],
        *["product", "bias_add", "relu", "batch_norm_forward"],
        *["next_pair", "uniform_float32", "dropout"],
        *["product", "bias_add", "softmax", "sparse_softmax_cross_entropy", "weighted_sum"],
        "sparse_softmax_cross_entropy_backward",
        *["product", "column_sum", "product", "dropout", "batch_norm_backward", "relu_backward"],
        *["product", "column_sum", *["adam"] * 6, "count_up", "add_mean", "add_hits"],
    ]


def test_a_layer_of_the_users_own_is_a_line_of_python() -> None:
    titles = lines_of(compiled(Sequential([Input((5,)), Scaled(), Dense(3)]), loss="mse"))
    assert "python Scaled.forward" in titles


def test_a_step_leaves_the_model_as_it_was() -> None:
    model = compiled(small())
    before = model.get_weights()
    step = model.step(4)
    step.run()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert here.tape is None


def test_a_step_needs_weights_and_a_loss() -> None:
    with pytest.raises(RuntimeError, match="compile"):
        small().step()
    with pytest.raises(ValueError, match="weights"):
        compiled(Sequential([Dense(3)])).step()
    with pytest.raises(ValueError, match="batch_size"):
        compiled(small()).step(0)


def state_of(step: Step) -> dict[str, np.ndarray]:
    return {name: np.array(each) for name, each in step.known.items()}


def test_arguments_are_printed_in_brief() -> None:
    given = [None, True, 3, "text", (1, 2), 0.1 + 0.2, np.float32(1e-7), Argument("read", "i"), []]
    said = ["None", "True", "3", "'text'", "(1, 2)", "0.3", "1e-07", "<Argument>", "<list>"]
    assert [brief(each) for each in given] == said


@FORMS
def test_the_printed_program_does_the_same(form: str) -> None:
    config.use_kernels(form)
    utils.set_random_seed(3)
    model = compiled(small(Scaled()), metrics=["accuracy"])
    one, two = model.step(6), model.step(6)
    for _ in range(3):
        one.run()
        text, space = two.as_python()
        exec(text, space)
    expected, found = state_of(one), state_of(two)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert not np.array_equal(one.known["dense/kernel"], model.layers[0].params["kernel"])


@FORMS
def test_line_by_line_is_the_same_as_all_at_once(form: str) -> None:
    config.use_kernels(form)
    utils.set_random_seed(3)
    model = compiled(small())
    one, two, three = model.step(6), model.step(6), model.step(6)
    one.run()
    for line in two.lines:
        line.run()
    for run in [three.alone(line) for line in three.lines]:
        run()
    for name, value in state_of(one).items():
        np.testing.assert_array_equal(two.known[name], value, err_msg=name)
        np.testing.assert_array_equal(three.known[name], value, err_msg=name)


def test_names_in_the_program_are_pythons_and_differ() -> None:
    inner = [Dense(8, name="1st"), Dense(8, name="dense"), Dense(8, name="d_dense")]
    model = compiled(Sequential([Input((8,)), *inner]), loss="mse")
    one, two = model.step(6), model.step(6)
    one.run()
    exec(*two.as_python())
    for name, value in state_of(one).items():
        np.testing.assert_array_equal(two.known[name], value, err_msg=name)


def test_the_table_names_what_is_written() -> None:
    utils.clear_session()
    text = str(compiled(small(), metrics=["accuracy"]).step(6))
    rows = text.splitlines()
    lines = compiled(small(), metrics=["accuracy"]).step(6).lines
    assert rows[0].startswith(f"{len(lines)} lines, ")
    assert any(
        "product(x, dense/kernel)" in row and "-> dense.logits (6, 8)" in row for row in rows
    )
    assert any(row.strip() == "+> dense/kernel (5, 8)" for row in rows)
    assert max(map(len, rows)) < 160


def test_an_error_leaves_nothing_open() -> None:
    with pytest.raises(ZeroDivisionError), write_down():
        call(lambda: 1 / 0)
    assert here.tape is None


def test_a_call_copies_what_a_function_returns() -> None:
    box = np.zeros(2)
    with write_down() as step:
        result = call(lambda: box)
        nothing = call(box.fill, 3)
    assert nothing is None and result is not box
    box[:] = 5
    step.run()
    np.testing.assert_array_equal(result, [5, 5])
    np.testing.assert_array_equal(box, [3, 3])


def test_batches_of_each_size_are_written_down_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counted(repeat.Written):
        def __init__(self, *arguments: Any) -> None:
            sizes.append(arguments[-1])
            super().__init__(*arguments)

    monkeypatch.setattr(repeat, "Written", Counted)
    x, y = vectors()
    compiled(small(), metrics=["accuracy"]).fit(
        x,
        y,
        batch_size=4,
        epochs=3,
        verbose=0,
        validation_data=(x, y),
        callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))],
    )
    assert sizes == [4, 2, 4, 2]  # of training, of validation


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        (callbacks.ModelCheckpoint("{epoch}.safetensors"), [1, 8, 10, 1]),
        (callbacks.TerminateOnNaN(), [1] * 20),
    ],
    ids=["of epochs", "of batches"],
)
def test_steps_that_nobody_asks_about_are_made_at_once(
    listener: Any, expected: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the second epoch all ten of four samples; the first one was to be written down."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(written, "ONCE", 1e9)
    made: list[int] = []
    run = Step.run
    monkeypatch.setattr(Step, "run", lambda step, times: made.append(times) or run(step, times))
    x, y = vectors(42)
    found = []
    for eager in (False, True):
        utils.clear_session()
        utils.set_random_seed(3)
        model = compiled(small(), metrics=["accuracy"], run_eagerly=eager)
        logs = model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[listener]).history
        found.append((logs, [each.tobytes() for each in model.get_weights()]))
    assert found[0] == found[1]
    assert made == expected


def test_a_new_array_in_a_frozen_layer_is_seen() -> None:
    found, ones = [], np.ones((5, 8), "float32")
    for eager in (False, True):
        utils.set_random_seed(0)
        model = small()
        freeze(model)
        compiled(model, run_eagerly=eager)
        replace = BetweenEpochs(lambda model: model.layers[0].params.update(kernel=ones))
        model.fit(*vectors(17), batch_size=4, epochs=3, verbose=0, callbacks=[replace])
        found.append(model.get_weights())
    for own, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("eager", [False, True])
def test_who_stops_an_epoch_before_it_begins_has_one_more_step(
    eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(callbacks.History):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    monkeypatch.setattr(written, "ONCE", 1e9)
    model = compiled(small(), run_eagerly=eager)
    x, y = vectors(42)
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[Stop()])
    assert model.optimizer is not None and model.optimizer.iterations == 11 + 1


def test_a_clock_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written.time, "perf_counter", lambda: 5.0)
    model = compiled(small())
    model.fit(*vectors(42), batch_size=4, verbose=0)
    assert model.optimizer is not None and model.optimizer.iterations == 11


def test_two_calls_that_cannot_be_divided_are_one_for_each_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If they call the same kernel, on arrays that have nothing to do with each other."""
    monkeypatch.setattr(loop, "WORTH", 4)
    config.use_kernels("numba")
    x, sums, total = np.ones((4, 6, 2)), np.zeros((3, 2)), np.zeros(2)
    with write_down() as step:
        column_sum(x[0], sums[0])
        column_sum(x[1], sums[1])
        column_sum(sums, total)
        column_sum(x[2], sums[2])  # writes what the line before it reads
        column_sum(x[3], sums[2])  # and what the line before it writes
    step.run()
    assert [is_divided(row) for row in step._compiled.kept] == [True, False, False, False]
    x[...] = np.random.default_rng(0).normal(size=x.shape)
    step._compiled.shared[0] = True  # nobody comes, so that both are taken here
    for piece in step._compiled.pieces:
        piece(1)
    np.testing.assert_allclose(sums, x[[0, 1, 3]].sum(axis=1), rtol=1e-12)


@settings(max_examples=20)
@given(
    st.lists(
        st.sampled_from(
            [
                "Conv2D(3, 3, padding='same')",
                "Conv2D(2, (2, 3), padding='same', activation='relu')",
                "Conv2D(4, 3, padding='same', use_bias=False)",
                "DepthwiseConv2D(2, padding='same', depth_multiplier=2)",
                "SeparableConv2D(3, 2, padding='same', activation='tanh')",
                "MaxPooling2D(2, 1, padding='same')",
                "AveragePooling2D(2, padding='same')",
                "ZeroPadding2D((1, 0))",
                "BatchNormalization()",
                "SpatialDropout2D(0.3)",
                "Activation('elu')",
            ]
        ),
        max_size=5,
    ),
    st.sampled_from(["GlobalAveragePooling2D()", "GlobalMaxPooling2D(keepdims=True)", "Flatten()"]),
    st.sampled_from([1, 2000, 10**9]),
    st.sampled_from([1, 2, 4]),
)
def test_drawn_models_for_images(texts: list[str], last: str, piece: int, workers: int) -> None:
    """In pieces of any size, in any number of threads."""

    def make() -> Sequential:
        inner = [eval(text, vars(layers)) for text in [*texts, last]]
        return compiled(
            Sequential([Input((8, 7, 3)), *inner, Flatten(), Dense(3, activation="softmax")])
        )

    x = np.random.default_rng(0).normal(size=(10, 8, 7, 3))
    threads.set_workers(workers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "PIECE", piece)
        patch.setattr(winograd, "MANY", 3)
        for name in ("WORTH", "LARGE"):
            patch.setattr(loop, name, 16)
        patch.setattr(team, "WORTH", 16)
        assert_same_run(make, x, np.arange(10) % 3)


@FORMS
@pytest.mark.parametrize("is_compiled", [False, True])
def test_predictions_from_a_list(is_compiled: bool, form: str) -> None:
    """Batches of 4, 4, 4 and 2; what is returned does not change any more."""
    config.use_kernels(form)
    x, y = vectors(14)
    model = compiled(small(), metrics=["accuracy"]) if is_compiled else small()
    expected = np.concatenate([model.forward(x[i : i + 4].astype("f4")) for i in range(0, 14, 4)])
    kept = model.layers[0].out.copy()
    found = model.predict(x, batch_size=4, verbose=0)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(model.layers[0].out, kept)
    if is_compiled:
        listed = model.evaluate(x, y, batch_size=4, verbose=0)
        model.run_eagerly = True
        assert listed == model.evaluate(x, y, batch_size=4, verbose=0)
        np.testing.assert_array_equal(model.predict(x, batch_size=4, verbose=0), expected)


class Recompiled(callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.compile(self.model.optimizer, self.model.loss)


class AnotherEpsilon(callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        config.set_epsilon(0.1)


class OwnLayer(callbacks.Callback):
    """Puts an activation of the user's own into a layer after the first epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.layers[0].activation = tinynet.activations.Activation(swished)


@pytest.mark.parametrize("callback", [Recompiled, AnotherEpsilon, OwnLayer])
def test_what_else_may_change_between_epochs(callback: type[callbacks.Callback]) -> None:
    def make() -> Sequential:
        return compiled(Sequential([Input((5,)), Dense(4), Dense(3), layers.Softmax(), Flatten()]))

    epsilon, found = config.epsilon(), []
    for eager in (True, False):
        config.set_epsilon(epsilon)
        found.append(after_training(make, *vectors(), eager, callbacks=[callback()]))
    for key, value in found[0].items():
        np.testing.assert_array_equal(found[1][key], value, err_msg=key)


def test_draws_of_another_type(kernel_form: str) -> None:
    def make() -> Sequential:
        return compiled(
            Sequential([Input((5,)), layers.AlphaDropout(0.3, seed=2), Dense(3)]), loss="mse"
        )

    class AnotherType(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            config.set_floatx("float64" if epoch else "float32")

    x, found = vectors()[0], []
    for eager in (True, False):
        config.set_floatx("float32")
        found.append(after_training(make, x, x[:, :3], eager, callbacks=[AnotherType()]))
    for key, value in found[0].items():
        np.testing.assert_array_equal(found[1][key], value, err_msg=key)


@pytest.mark.parametrize("eager", [[], [0], [1], [1, 2]])
def test_eager_epochs_go_through_the_samples_with_the_others(eager: list[int]) -> None:
    """Two of six batches are taken in an epoch; the next one begins with the third."""

    class Eager(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.run_eagerly = epoch in eager

    how = {"steps_per_epoch": 2, "epochs": 4, "callbacks": [Eager()]}
    expected = after_training(lambda: compiled(small()), *vectors(24), True, **how)
    how["callbacks"] = []
    found = after_training(lambda: compiled(small()), *vectors(24), False, **how)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_a_schedule_is_asked_once_in_a_step() -> None:
    class Counts(schedules.LearningRateSchedule):
        calls = 0

        def __call__(self, step: Any) -> float:
            self.calls += 1
            return 0.01 * self.calls

        def get_config(self) -> dict[str, Any]:
            return {}

    for eager in (True, False):
        schedule = Counts()
        model = compiled(small(), optimizer=optimizers.SGD(schedule), run_eagerly=eager)
        model.fit(*vectors(), batch_size=4, epochs=2, verbose=0)
        assert schedule.calls == 6


def test_a_property_that_somebody_replaces_is_read_in_every_step() -> None:
    class OnlyBiases(Sequential):
        @property
        def params(self) -> dict[str, Any]:
            odd = self.optimizer is not None and self.optimizer.iterations % 2
            return {k: w for k, w in super().params.items() if not odd or k.endswith("bias")}

        @property
        def grads(self) -> dict[str, Any]:
            return {key: super(OnlyBiases, self).grads[key] for key in self.params}

    assert_same_run(
        lambda: compiled(OnlyBiases([Input((5,)), Dense(3, activation="softmax")])), *vectors()
    )


def of_two_calls() -> Model:
    """A layer that makes both outputs; with a penalty, it is a line of Python."""
    one, other = Input((5,)), Input((5,))
    shared = Dense(3, activation="softmax", activity_regularizer="l2")
    return Model([one, other], [shared(one), shared(other)])


def of_two_calls_of_a_model() -> Model:
    one, other, within = Input((5,)), Input((5,)), Input((5,))
    inner = Model(within, Dense(3, activation="softmax", activity_regularizer="l2")(within))
    return Model([one, other], [inner(one), inner(other)])


def of_an_output_that_goes_on() -> Model:
    one, other = Input((5,)), Input((5,))
    first = Dense(3, activation="softmax", activity_regularizer="l2")(layers.Add()([one, other]))
    return Model([one, other], [first, Dense(3, activation="softmax")(first)])


@FORMS
@pytest.mark.parametrize("make", [of_two_calls, of_two_calls_of_a_model, of_an_output_that_goes_on])
def test_logits_of_outputs_that_are_lines_of_python(make: Callable[[], Model], form: str) -> None:
    config.use_kernels(form)
    x, y = vectors()
    inputs, found = [x, x[::-1].copy()], []
    for eager in (True, False):
        utils.clear_session()
        utils.set_random_seed(5)
        model = make()
        how = {"loss": "sparse_categorical_crossentropy", "run_eagerly": eager}
        model.compile("adam", metrics=[["accuracy"], ["sparse_categorical_crossentropy"]], **how)
        logs = model.evaluate(inputs, [y, y], batch_size=2, verbose=0)
        model.fit(inputs, [y, y], batch_size=2, epochs=2, verbose=0)
        found.append([*logs, *model.get_weights()])
    for own, expected in zip(*found, strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-6)  # single losses differ in their bits


LAST: dict[str, Callable[[], list[Any]]] = {
    "penalty on the output": lambda: [
        Dense(3, activation="softmax", activity_regularizer="l2", name="out")
    ],
    "along another axis": lambda: [Dense(3), layers.Softmax(axis=1)],
    "the user's": lambda: [Dense(3), Ours("softmax")],
}


class Ours(layers.Activation):
    def forward(self, x: Any, training: bool = False) -> Any:
        return super().forward(np.array(x), training)


@FORMS
@pytest.mark.parametrize("name", LAST)
def test_what_may_come_last(name: str, form: str) -> None:
    """The loss looks through the activation of a layer that is a line as a whole."""
    config.use_kernels(form)
    assert_same_run(lambda: compiled(Sequential([Input((5,)), *LAST[name]()])), *vectors())


@pytest.mark.parametrize("name", ["loss", "optimizer", "metrics"])
def test_layers_under_any_name(name: str) -> None:
    def make() -> Sequential:
        inner = [
            Dense(4, activation="relu", activity_regularizer="l2", name=name),
            Dropout(0.5, noise_shape=(1, None)),
        ]
        return compiled(Sequential([Input((5,)), *inner, Dense(3, activation="softmax")]))

    assert_same_run(make, *vectors())


def test_one_model_is_used_by_two_threads() -> None:
    model = small()
    x, _ = vectors(400)
    expected = model.predict(x, batch_size=4, verbose=0)
    found: list[Any] = []

    def use() -> None:
        for _ in range(10):
            found.append(model.predict(x, batch_size=4, verbose=0))

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=60)
    assert len(found) == 30
    for each in found:
        np.testing.assert_array_equal(each, expected)
    assert "forward" not in vars(model.layers[0])


def test_lines_that_are_added_or_taken_away_count() -> None:
    config.use_kernels("numba")
    x, out = np.arange(6.0).reshape(3, 2), np.zeros(2)
    total = np.zeros(2)
    with write_down() as step:
        column_sum(x, out)
    step.run()
    with write_down() as more:
        column_sum(x[:2], total)
    total[...] = 0
    step.lines.append(more.lines[0])
    step.run()
    np.testing.assert_array_equal(total, x[:2].sum(axis=0))
    step.lines[0] = step.lines.pop()
    out[...] = 0
    step.run()
    np.testing.assert_array_equal(out, 0)


def test_lines_have_numbers_from_1() -> None:
    model = compiled(small())
    rows = str(model.step(4)).splitlines()[1:]
    numbers = [int(row.split()[0]) for row in rows if row[:3].strip().isdigit()]
    assert numbers == list(range(1, len(model.step(4).lines) + 1))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (lambda a: a, "a"),
        (lambda a: a.T, "a.T"),
        (lambda a: a.reshape(-1), "a.reshape(-1)"),
        (lambda a: a.reshape(3, 4).T, "a.reshape(3, 4).T"),
        (lambda a: a[:, 1:], ""),
        (lambda a: a.view("i8"), ""),
    ],
)
def test_views_as_they_are_written(view: Callable[[np.ndarray], np.ndarray], expected: str) -> None:
    a = np.zeros((2, 6))
    assert expression("a", a, view(a)) == expected
    assert expression("a", a[:, ::2], a) == ""


# They draw, or call functions of the user's; and what others are derived from.
WITH_PYTHON = {
    *("GaussianDropout", "GaussianNoise", "Lambda", "LossFunctionWrapper", "Permute"),
    *("RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation"),
    *("RandomZoom", "Layer", "Optimizer"),
}


def test_what_consists_of_kernels_alone() -> None:
    """A class that said so by mistake, or did not, would be a line of Python in every step."""
    found = {
        name
        for module in (layers, losses, optimizers)
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Computes) and not each.only_kernels
    }
    assert found == WITH_PYTHON

    class Plain(Flatten):
        """Replaces nothing."""

    class Other(Flatten):
        def forward(self, x: Any, training: bool = False) -> Any:
            return super().forward(x, training)

    assert Plain.only_kernels and not Other.only_kernels


def test_new_gradients_are_copied_into_the_arrays_of_before() -> None:
    part, old = Scaled(), {name: np.zeros(2) for name in "abc"}
    part.grads = dict(old)

    def backward() -> str:
        part.grads["a"], part.grads["c"] = np.ones(2), np.ones(3)
        part.grads["b"][...] = 2
        return "found"

    assert _into_same_gradients(part, backward) == "found"
    assert part.grads["a"] is old["a"] and part.grads["b"] is old["b"]
    assert [each.tolist() for each in part.grads.values()] == [[1, 1], [2, 2], [1, 1, 1]]
