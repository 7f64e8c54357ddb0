"""A sick network is told what it has, a healthy one is left in peace, and nothing changes."""

import contextlib
import copy
import io
import random as python_random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from tests import refused
from tinynet import Input, Sequential, layers
from tinynet.diagnosis import findings, steps
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten
from tinynet.optimizers import SGD, Adam
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 12)).astype("float32")
RULE = rng.normal(size=(12, 3))
Y = (X @ RULE).argmax(axis=1)
IMAGES = rng.uniform(size=(120, 8, 8, 1)).astype("float32")
IMAGES[:60, :4] *= 0.2  # dark above: the other class
BRIGHT = (np.arange(120) >= 60).astype(int)
SHUFFLED = rng.permutation(120)
IMAGES, BRIGHT = IMAGES[SHUFFLED], BRIGHT[SHUFFLED]
SPARSE = "sparse_categorical_crossentropy"


def network(
    *hidden: Any,
    shape: tuple[int, ...] = (12,),
    outputs: int = 3,
    activation: str | None = "softmax",
    optimizer: Any = "adam",
    loss: Any = SPARSE,
    last: dict[str, Any] | None = None,
) -> Sequential:
    """Return a compiled model."""
    set_random_seed(1)
    top = Dense(outputs, activation=activation, **(last or {}))
    model = Sequential([Input(shape), *hidden, top])
    model.compile(optimizer, loss)
    return model


def body() -> list[Any]:
    return [Dense(16, activation="relu"), Dense(8, activation="relu")]


# Healthy models.


def full_network() -> tuple[Sequential, Any, Any]:
    """Return a small R0: batch normalization, dropout, a decaying learning rate."""
    hidden = [
        each
        for units in (32, 16, 8)
        for each in (Dense(units, activation="relu"), BatchNormalization(), Dropout(0.3))
    ]
    return network(*hidden), X, Y


HEALTHY: dict[str, Callable[[], tuple[Sequential, Any, Any]]] = {
    "full": full_network,
    "dense": lambda: (network(*body()), X, Y),
    "not built": lambda: (unbuilt(), X, Y),
    "sgd": lambda: (network(*body(), optimizer=SGD(0.1)), X, Y),
    "one-hot": lambda: (network(*body(), loss="categorical_crossentropy"), X, np.eye(3)[Y]),
    "logistic": lambda: (
        network(outputs=1, activation="sigmoid", loss="binary_crossentropy"),
        X,
        (X[:, 0] > 0).astype(int),
    ),
    "several labels": lambda: (
        network(*body(), activation="sigmoid", loss="binary_crossentropy"),
        X,
        (X[:, :3] > 0).astype(int),
    ),
    "regression": lambda: (
        network(*body(), outputs=1, activation=None, loss="mse", optimizer=Adam(0.003)),
        X,
        X @ RULE[:, 0],
    ),
    "absolute error, tanh": lambda: (
        network(Dense(16, activation="tanh"), outputs=2, activation=None, loss="mae"),
        X,
        X @ RULE[:, :2],
    ),
    "convolution": lambda: (
        network(
            Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            Flatten(),
            shape=(8, 8, 1),
            outputs=2,
        ),
        IMAGES,
        BRIGHT,
    ),
    "pixels that the model scales": lambda: (
        network(layers.Rescaling(1 / 255), Flatten(), *body(), shape=(8, 8, 1), outputs=2),
        np.round(255 * IMAGES).astype("uint8"),
        BRIGHT,
    ),
    "a sum, and its own activation layer": lambda: (
        network(
            Dense(16),
            layers.ReLU(),
            loss=tinynet.losses.SparseCategoricalCrossentropy(reduction="sum"),
        ),
        X,
        Y,
    ),
    "label smoothing and penalties": lambda: (
        network(
            Dense(16, activation="relu", kernel_regularizer=tinynet.regularizers.L2(1.0)),
            loss=tinynet.losses.CategoricalCrossentropy(label_smoothing=0.2),
        ),
        X,
        np.eye(3)[Y],
    ),
}


def unbuilt() -> Sequential:
    set_random_seed(1)
    model = Sequential([*body(), Dense(3, activation="softmax")])
    model.compile("adam", SPARSE)
    return model


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_gets_no_alarm(name: str) -> None:
    set_random_seed(1)  # layers draw their seeds before `network` sets one
    model, x, y = HEALTHY[name]()
    found = tinynet.diagnose(model, x, y)
    assert found.problems == [], str(found)
    assert found.ok and {"input", "loss", "updates", "few samples"} <= {
        each.check for each in found
    }


def test_nor_does_a_trained_one() -> None:
    model, x, y = HEALTHY["full"]()
    model.fit(x[:240], y[:240], epochs=40, verbose=0)
    found = tinynet.diagnose(model, x[:240], y[:240], validation_data=(x[240:], y[240:]))
    assert found.problems == [], str(found)
    assert "after 320 steps" in found.finding("loss").measured


# Sick ones: the model, the data, and exactly what has to be named.


def weights_set(model: Sequential, key: str, value: Any) -> Sequential:
    model.arrays[key][...] = value
    return model


def sick(name: str) -> tuple[Sequential, Any, Any]:
    model = network(*body())
    first = f"{model.layers[0].name}/kernel"
    cases: dict[str, Callable[[], tuple[Sequential, Any, Any]]] = {
        "columns too large": lambda: (network(*body()), 200 * X, Y),
        "pixels": lambda: (
            network(Flatten(), *body(), shape=(8, 8, 1), outputs=2),
            np.round(255 * IMAGES),
            BRIGHT,
        ),
        "scaled twice": lambda: (network(*body()), X / 255, Y),
        "a constant column": lambda: (network(*body()), np.where(np.arange(12) == 4, 1, X), Y),
        "a column twice": lambda: (network(*body()), X[:, [*range(11), 3]], Y),
        "one class": lambda: (network(*body()), X, 0 * Y),
        "a class too many": lambda: (network(*body(), outputs=4), X, Y),
        "uneven": lambda: (
            network(*body(), outputs=2),
            X,
            (np.arange(300) % 20 == 0).astype(int),
        ),
        "sorted": lambda: (network(*body()), X[np.argsort(Y)], np.sort(Y)),
        "labels from 1": lambda: (network(*body()), X, Y + 1),
        "one-hot for sparse": lambda: (network(*body()), X, np.eye(3)[Y]),
        "several ones in a row": lambda: (
            network(*body(), loss="categorical_crossentropy"),
            X,
            np.ones((300, 3)),
        ),
        "targets too large": lambda: (
            network(*body(), outputs=1, activation=None, loss="mse"),
            X,
            3000 * (X @ RULE[:, 0]),
        ),
        "NaN in a weight": lambda: (weights_set(model, first, np.nan), X, Y),
        "infinite output": lambda: (weights_set(model, first, 3e38), X, Y),
        "all zero": lambda: (
            network(Dense(16, activation="relu", kernel_initializer="zeros")),
            X,
            Y,
        ),
        "sure at the start": lambda: (
            network(*body(), last={"kernel_initializer": tinynet.initializers.RandomNormal(0, 30)}),
            X,
            Y,
        ),
        "dead": lambda: (
            network(Dense(16, activation="relu", bias_initializer=constant(-30)), *body()),
            X,
            Y,
        ),
        "saturated": lambda: (
            network(Dense(16, activation="tanh", kernel_initializer=normal(5))),
            X,
            Y,
        ),
        "vanishing": lambda: (
            network(*[Dense(12, activation="sigmoid") for _ in range(9)]),
            X,
            Y,
        ),
        "exploding": lambda: (
            network(
                *[Dense(32, activation="relu", kernel_initializer=normal(1)) for _ in range(6)]
            ),
            X,
            Y,
        ),
        "rate too large": lambda: (network(*body(), optimizer=Adam(1.0)), X, Y),
        "rate too small": lambda: (network(*body(), optimizer=SGD(1e-7)), X, Y),
        "softmax over one": lambda: (one_class(), X, 0 * Y),
        "logits": lambda: (network(*body(), activation=None), X, Y),
        "uphill": lambda: (uphill(), X, Y),
    }
    return cases[name]()


def constant(value: float) -> Any:
    return tinynet.initializers.Constant(value)


def normal(deviation: float) -> Any:
    return tinynet.initializers.RandomNormal(0, deviation)


def one_class() -> Sequential:
    with pytest.warns(UserWarning, match="softmax over a single number"):
        return network(*body(), outputs=1)


class Uphill(Dense):
    def backward(self, dout: Any, from_logits: bool = False) -> Any:
        return super().backward(-dout, from_logits)


def uphill() -> Sequential:
    set_random_seed(1)
    model = Sequential([Input((12,)), *body(), Uphill(3, activation="softmax")])
    model.compile("adam", SPARSE)
    return model


NAMED = {
    "columns too large": ["input"],
    "pixels": ["input"],
    "scaled twice": ["input"],
    "a constant column": ["features"],
    "a column twice": ["features"],
    "one class": ["labels"],
    "a class too many": ["labels"],
    "uneven": ["labels"],
    "sorted": ["order"],
    "labels from 1": ["targets"],
    "one-hot for sparse": ["targets"],
    "several ones in a row": ["labels"],
    "targets too large": ["labels", "few samples"],
    "NaN in a weight": ["finite numbers"],
    "infinite output": ["finite numbers"],
    "all zero": ["starting weights", "dead units"],
    "sure at the start": ["loss"],
    "dead": ["dead units", "gradients"],
    "saturated": ["saturated units"],
    "vanishing": ["gradients"],
    "exploding": ["loss", "gradients"],
    "rate too large": ["updates"],
    "rate too small": ["updates"],
    "softmax over one": ["warnings", "labels"],
    "logits": ["warnings"],
    "uphill": ["few samples"],
}


@pytest.mark.parametrize("name", NAMED)
def test_every_sickness_is_named_and_nothing_else(name: str) -> None:
    model, x, y = sick(name)
    found = tinynet.diagnose(model, x, y)
    assert found.problems == NAMED[name], str(found)


def test_what_is_shared_with_validation() -> None:
    model = network(*body())
    apart = tinynet.diagnose(model, X[:200], Y[:200], validation_data=(X[200:], Y[200:]))
    assert apart.problems == [] and apart.finding("validation").value == 0
    leak = tinynet.diagnose(model, X[:200], Y[:200], validation_data=(X[150:], Y[150:]))
    assert leak.problems == ["validation"]
    assert leak.finding("validation").value == pytest.approx(50 / 150)
    assert leak.finding("validation").verdict == "wrong"
    assert leak.finding("few samples").verdict == "ok"  # a leak keeps no model from learning
    other = tinynet.diagnose(model, X[:200], Y[:200], validation_data=(255 * X[200:], Y[200:]))
    assert other.problems == ["validation"] and "standard deviation" in str(other)
    assert other.finding("validation").verdict == "look"


def test_the_first_array_with_nan_is_named() -> None:
    model = network(*body())
    second = model.layers[1]
    second.params["bias"][3] = np.nan
    found = tinynet.diagnose(model, X, Y).finding("finite numbers")
    assert f"{second.name}/bias" in found.measured and found.verdict == "wrong"
    second.params["bias"][...] = 0
    model.layers[0].params["kernel"][...] = 3e38
    found = tinynet.diagnose(model, X, Y).finding("finite numbers")
    assert f"the output of {model.layers[0].name}" in found.measured


def test_a_gradient_with_nan_is_named() -> None:
    class Broken(Dense):
        def backward(self, dout: Any, from_logits: bool = False) -> Any:
            dx = super().backward(dout, from_logits)
            self.grads["kernel"][0, 0] = np.nan
            return dx

    model = network(Broken(16, activation="relu", name="broken"), Dense(8, activation="relu"))
    found = tinynet.diagnose(model, X, Y).finding("finite numbers")
    assert "the gradient of broken/kernel" in found.measured


def test_a_rate_that_ends_in_nan() -> None:
    model = network(*body(), outputs=1, activation=None, loss="mse", optimizer=SGD(1e4))
    found = tinynet.diagnose(model, X, X @ RULE[:, 0])
    assert found.problems == ["updates"], str(found)
    assert "NaN or infinite" in found.finding("updates").measured


@pytest.mark.parametrize(
    ("make", "rate", "said", "factor"),
    [
        (SGD, 1e-6, "the steps are tiny: make the learning rate about 10,000 times larger", 1e4),
        (SGD, 1e-8, "the steps are tiny: make the learning rate about 1,000,000 times larger", 1e6),
        (SGD, 1e-10, "the steps are tiny: make the learning rate about 1e8 times larger", 1e8),
        (Adam, 1e-7, "the steps are tiny: make the learning rate about 10,000 times larger", 1e4),
        (Adam, 1.0, "the steps are large: make the learning rate about 10,000 times smaller", 1e-4),
        (SGD, 3.0, "the steps are large: make the learning rate about 1,000 times smaller", 1e-3),
        (SGD, 1e3, "make the learning rate about 100,000 times smaller", 1e-5),
    ],
)
def test_a_wrong_rate_is_told_how_wrong_it_is_and_the_advice_helps(
    make: Any, rate: float, said: str, factor: float
) -> None:
    set_random_seed(1)  # as above
    found = tinynet.diagnose(network(*body(), optimizer=make(rate)), X, Y)
    assert found.finding("updates").verdict != "ok"
    assert found.finding("updates").advice == said
    set_random_seed(1)
    after = tinynet.diagnose(network(*body(), optimizer=make(factor * rate)), X, Y)
    assert after.finding("updates").verdict == "ok"


def test_a_first_step_after_which_nothing_moves_is_told() -> None:
    set_random_seed(1)
    found = tinynet.diagnose(network(*body(), optimizer=SGD(100.0)), X, Y).finding("updates")
    assert found.value < 1e-5 and "of a weight in the first step" in found.measured
    assert "about 10,000 times smaller" in found.advice


def test_a_first_step_that_is_infinite_has_no_size() -> None:
    set_random_seed(1)
    found = tinynet.diagnose(network(*body(), optimizer=SGD(1e39)), X, Y).finding("updates")
    assert found.advice == "make the learning rate far smaller"
    assert "after 1 steps" in found.measured


def test_a_tiny_step_is_measured_with_what_the_optimizer_remembers() -> None:
    set_random_seed(1)
    model = network(Dense(8, activation="relu", name="below"), optimizer=Adam(0.01))
    model.fit(X, Y, epochs=2, verbose=0)
    model.optimizer.learning_rate = 1e-9
    before = refused.state(model)
    found = steps._exact_step(model, "below/kernel")
    assert refused.state(model) == before
    w, g = (each["below/kernel"].astype("float64").ravel() for each in (model.params, model.grads))
    m, v = (model.optimizer.slots["below/kernel"][name] for name in ("momentum", "velocity"))
    t = model.optimizer.iterations + 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    step = 1e-9 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    assert found == pytest.approx(np.linalg.norm(step) / np.linalg.norm(w), rel=1e-4)


def test_a_rate_of_0_is_no_matter_of_size() -> None:
    set_random_seed(1)
    found = tinynet.diagnose(network(*body(), optimizer=SGD(0.0)), X, Y).finding("updates")
    assert found.verdict == "wrong" and "is the learning rate 0" in found.advice


def test_an_optimizer_that_cannot_where_adam_can() -> None:
    model = network(*body(), optimizer=SGD(1e-5))
    before = refused.state(model)
    found = tinynet.diagnose(model, X, Y)
    assert refused.state(model) == before  # nor has the Adam taken a name
    few = found.finding("few samples")
    assert few.verdict == "look" and "of Adam(0.01)" in few.measured


def test_the_numbers_can_be_measured_by_hand() -> None:
    model = network(*body())
    found = tinynet.diagnose(model, X, Y)
    whole = copy.deepcopy(model)
    loss = whole.evaluate(X, Y, batch_size=300, verbose=0)
    assert found.finding("loss").value == pytest.approx(loss, rel=1e-5)
    assert "ln 3 = 1.1" in found.finding("loss").measured
    assert found.finding("input").value == pytest.approx(np.sqrt(np.mean(X**2)), rel=1e-5)
    whole.loss_value(whole.forward(X, True), Y)
    whole.backward_from_loss()
    below, *_, top = whole.layers
    sizes = [np.sqrt(np.sum(layer.dz**2) / 300) for layer in (below, top)]
    gradients = found.finding("gradients")
    assert gradients.each[top.name] == pytest.approx(sizes[1], rel=1e-4)
    assert list(gradients.each) == [layer.name for layer in reversed(whole.layers)]
    assert sizes[0] / sizes[1] < gradients.value < 4 * sizes[0] / sizes[1]  # dout, not dz
    out = np.maximum(0, X @ model.layers[0].params["kernel"])
    dead = np.mean(np.all(out <= 0, axis=0))
    assert found.finding("dead units").each[model.layers[0].name] == pytest.approx(dead)


@pytest.mark.parametrize("name", ["saturated", "dead"])
def test_units_at_their_ends_are_counted(name: str) -> None:
    model, x, y = sick(name)
    found = tinynet.diagnose(model, x, y).finding(f"{name} units")
    out = model.layers[0].forward(x)
    share = np.mean(np.abs(out) > 0.99) if name == "saturated" else np.mean(np.all(out <= 0, 0))
    assert found.each[model.layers[0].name] == pytest.approx(share, abs=1e-3) and share > 0.2


def test_one_step_is_as_large_as_it_says() -> None:
    model = network(Dense(8, activation="relu"), optimizer=SGD(0.1))
    found = tinynet.diagnose(model, X[:32], Y[:32]).finding("updates")
    ratios: dict[str, list[float]] = {key: [] for key in found.each}
    rows = np.random.default_rng(0).permutation(32)
    for step in range(10):
        before = {key: model.params[key].copy() for key in ratios}
        model.train_on_batch(X[np.roll(rows, -32 * step)], Y[np.roll(rows, -32 * step)])
        for key, old in before.items():
            ratios[key].append(float(np.linalg.norm(model.params[key] - old) / np.linalg.norm(old)))
    assert found.each == pytest.approx({k: np.median(v) for k, v in ratios.items()}, rel=1e-3)


# Nothing changes.


def test_nothing_is_changed() -> None:
    model = refused.trained()
    untouched = copy.deepcopy(model)
    x, y = refused.X.copy(), refused.Y.copy()
    before = refused.state(model), np.random.get_state()[1].tolist()
    optimizer = model.optimizer
    tinynet.diagnose(model, x, y, validation_data=(refused.X[:5], refused.Y[:5]))
    after = refused.state(model), np.random.get_state()[1].tolist()
    for name, value in before[0].items():
        assert after[0][name] == value, name
    assert after[1] == before[1] and model.optimizer is optimizer
    np.testing.assert_array_equal(x, refused.X)
    np.testing.assert_array_equal(y, refused.Y)
    refused.check_trains_on(model, untouched, refused.X, refused.Y)


def test_a_model_without_weights_stays_without() -> None:
    model = unbuilt()
    state, names = python_random.getstate(), refused.state(model)
    assert tinynet.diagnose(model, X, Y).ok
    assert not model.built and model.sample_shape is None
    assert python_random.getstate() == state and refused.state(model) == names


def test_a_layer_may_draw_random_numbers_of_its_own() -> None:
    class Noisy(Dense):
        def forward(self, x: Any, training: bool = False) -> Any:
            noise = np.random.normal(size=x.shape) + python_random.random()
            return super().forward(x + 1e-3 * noise, training)

    model = network(Noisy(16, activation="relu"))
    before = refused.state(model), np.random.get_state()[1].tolist()
    tinynet.diagnose(model, X, Y)
    assert (refused.state(model), np.random.get_state()[1].tolist()) == before


def test_twice_gives_the_same() -> None:
    model, x, y = HEALTHY["full"]()
    assert tinynet.diagnose(model, x, y) == tinynet.diagnose(model, x, y)


# Bad input.

BAD: dict[str, tuple[Callable[[Sequential], object], type[Exception], str]] = {
    "no model": (lambda m: tinynet.diagnose("model", X, Y), TypeError, "model: expected a Seq"),
    "NaN": (
        lambda m: tinynet.diagnose(m, refused.with_value(refused.X, (3, 1), np.nan), refused.Y),
        ValueError,
        r"x: expected finite numbers, got nan first at index \(3, 1\)",
    ),
    "no targets": (
        lambda m: tinynet.diagnose(m, refused.X, None),
        ValueError,
        "y: expected targets, got None",
    ),
    "lengths": (
        lambda m: tinynet.diagnose(m, refused.X, refused.Y[1:]),
        ValueError,
        "arrays of the same length",
    ),
    "shape": (
        lambda m: tinynet.diagnose(m, refused.X[:, 1:], refused.Y),
        ValueError,
        r"x: expected samples of shape \(4,\)",
    ),
    "one sample": (
        lambda m: tinynet.diagnose(m, refused.X[:1], refused.Y[:1]),
        ValueError,
        "x: expected at least two samples",
    ),
    "validation": (
        lambda m: tinynet.diagnose(m, refused.X, refused.Y, validation_data=refused.X),
        ValueError,
        r"validation_data: expected \(x, y\)",
    ),
    "text": (
        lambda m: tinynet.diagnose(m, refused.X.astype(str), refused.Y),
        TypeError,
        "x: expected numbers",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_changes_nothing(name: str) -> None:
    call, error, says = BAD[name]
    refused.check_refused(refused.trained(), call, error, [says])


def test_a_model_that_is_not_compiled() -> None:
    model = Sequential([Input((12,)), Dense(3)])
    with pytest.raises(RuntimeError, match="not compiled"):
        tinynet.diagnose(model, X, Y)


# The table.


def test_the_table_has_a_row_for_each_check_and_advice_for_what_was_found() -> None:
    model, x, y = sick("sorted")
    found = tinynet.diagnose(model, x, y)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        print(found)
    lines = printed.getvalue().splitlines()
    assert lines[0] == f"{len(found) - 1} ok, 1 look, 0 wrong"
    rows = [line for line in lines[1:] if not line.startswith(" ")]
    assert [line.split("  ")[0].strip() for line in rows] == [each.verdict for each in found]
    assert max(len(line) for line in lines) <= 88
    text = " ".join(" ".join(lines).split())
    assert text.count("docs/") == 1 and "docs/diagnose.md#the-labels" in text
    assert found.finding("order").advice in text
    assert printed.getvalue().isascii()


def test_a_check_that_was_not_made() -> None:
    found = tinynet.diagnose(network(*body()), X, Y)
    with pytest.raises(ValueError, match=r"expected one of \['targets', .*got 'saturated units'"):
        found.finding("saturated units")


def test_every_check_leads_to_a_part_of_a_page() -> None:
    docs = Path(__file__).parents[1] / "docs"
    for page in findings.PAGES.values():
        file, _, part = page.partition("#")
        headings = re.findall(r"^#+ (.+)$", (docs / file).read_text(encoding="utf-8"), re.M)
        assert part in [re.sub(r"\W+", "-", each.lower()).strip("-") for each in headings], page


# The statistics of batch normalization.


def pictures(least: float, channels: int = 2) -> Any:
    return (least + rng.random((128, 28, 28, channels))).astype("float32")


def normalizing(channels: int = 2) -> Sequential:
    return network(BatchNormalization(name="norm"), Flatten(), shape=(28, 28, channels), outputs=2)


@pytest.mark.parametrize(
    ("least", "verdict"),
    [(0.0, "ok"), (10.0, "ok"), (150.0, "ok"), (250.0, "wrong"), (1000.0, "wrong")],
)
def test_batch_norm_far_from_zero(least: float, verdict: str, kernel_form: str) -> None:
    found = tinynet.diagnose(normalizing(), pictures(least), np.arange(128) % 2)
    assert found.finding("batch statistics").verdict == verdict
    assert ("batch statistics" in found.problems) == (verdict != "ok")


def test_a_single_channel_and_a_frozen_layer_keep_their_digits(kernel_form: str) -> None:
    found = tinynet.diagnose(normalizing(1), pictures(1000.0, 1), np.arange(128) % 2)
    assert found.finding("batch statistics").value < 1e-3
    frozen = normalizing()
    frozen.layers[0].trainable = False
    found = tinynet.diagnose(frozen, pictures(1000.0), np.arange(128) % 2)
    assert "batch statistics" not in [each.check for each in found]
