"""Ordinary Keras scripts, as text: only the line that imports Keras is another."""

import contextlib
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Classification as in a first lesson: a list of layers, strings, a validation split.
IMAGES = """
import numpy as np
import {module} as keras
from {module} import layers

keras.utils.set_random_seed(42)
rng = np.random.default_rng(0)
y_train = rng.integers(0, 3, 120)
x_train = rng.integers(0, 100, (120, 6, 6)).astype("uint8")
for i, label in enumerate(y_train):
    x_train[i, 2 * label : 2 * label + 2] += 120
x_train = x_train.astype("float32") / 255

model = keras.Sequential(
    [
        keras.Input(shape=(6, 6)),
        layers.Flatten(),
        layers.Dense(16, activation="relu", kernel_initializer="he_normal"),
        layers.BatchNormalization(),
        layers.Dropout(0.2),
        layers.Dense(3, activation="softmax"),
    ]
)
model.compile(
    optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.summary()
early = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
history = model.fit(
    x_train,
    y_train,
    batch_size=16,
    epochs=20,
    validation_split=0.25,
    callbacks=[early],
    verbose=2,
)
loss, accuracy = model.evaluate(x_train, y_train, verbose=0)
classes = np.argmax(model.predict(x_train, verbose=0), axis=-1)
"""

# add, one-hot targets, objects for everything, class weights, saving.
OBJECTS = """
import numpy as np
import {module} as keras
from {module}.callbacks import Callback, LearningRateScheduler, ModelCheckpoint
from {module}.layers import Activation, Dense, GaussianNoise, LeakyReLU
from {module}.models import Sequential
from {module}.optimizers import SGD
from {module}.regularizers import l2

keras.backend.clear_session()
keras.utils.set_random_seed(7)
rng = np.random.default_rng(1)
x = rng.normal(size=(90, 4))
labels = (x @ rng.normal(size=(4, 3))).argmax(axis=1)
y = keras.utils.to_categorical(labels, num_classes=3)


class Remember(Callback):
    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        if logs.get("categorical_accuracy") > 0.99:
            self.model.stop_training = True


model = Sequential(name="objects")
model.add(keras.layers.Input((4,)))
model.add(Dense(12, kernel_regularizer=l2(1e-4), kernel_initializer=keras.initializers.HeUniform()))
model.add(LeakyReLU(negative_slope=0.1))
model.add(GaussianNoise(0.05))
model.add(Dense(3, name="logits"))
model.add(Activation("softmax"))
model.pop()
model.compile(
    optimizer=SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
    loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
    metrics=[keras.metrics.CategoricalAccuracy(), keras.metrics.TopKCategoricalAccuracy(k=2)],
)
remember = Remember()
history = model.fit(
    x,
    y,
    epochs=15,
    batch_size=32,
    class_weight={{0: 1.0, 1: 2.0, 2: 1.5}},
    validation_data=(x[:30], y[:30]),
    callbacks=[
        remember,
        LearningRateScheduler(lambda epoch, rate: rate if epoch < 10 else rate * 0.9),
        ModelCheckpoint(str(PATH), monitor="val_loss", save_best_only=True),
    ],
    verbose=0,
)
scores = model.evaluate(x, y, return_dict=True, verbose=0)
model.save(str(PATH))
restored = keras.models.load_model(str(PATH))
same = np.array_equal(restored.predict(x, verbose=0), model.predict(x, verbose=0))
kernel, bias = model.get_layer("logits").get_weights()
first = model.layers[0]
rate = float(model.optimizer.learning_rate)
"""

# Regression with a loop of one's own; weights by hand.
REGRESSION = """
import numpy as np
import {module} as keras

keras.utils.set_random_seed(0)
rng = np.random.default_rng(2)
x = rng.uniform(-1, 1, (64, 2))
y = 3 * x[:, 0] - 2 * x[:, 1] + 1

model = keras.models.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=50, decay_rate=0.9)
model.compile(optimizer=keras.optimizers.Adam(schedule), loss="mse", metrics=["mae"])
start = model.get_weights()
history = model.fit(x, y, epochs=60, verbose=0, sample_weight=np.ones(64))
for _ in range(5):
    logs = model.train_on_batch(x, y, return_dict=True)
trained = model.get_layer(index=0).get_weights()
model.set_weights(start)
before = model.test_on_batch(x, y)
model.layers[0].set_weights(trained)
after = model.evaluate(x, y, verbose=0)
prediction = model.predict(np.array([[0.5, 0.5]]), verbose=0)
frozen = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, trainable=False)])
frozen.compile("sgd", "mse")
untouched = frozen.get_weights()
frozen.fit(x, y, epochs=2, verbose=0)
"""


def run(script: str, **given: Any) -> dict[str, Any]:
    """Run a script with tinynet in Keras's place; return its names, and ``printed``."""
    names: dict[str, Any] = {"__name__": "__main__", **given}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script.format(module="tinynet"), "script", "exec"), names)
    return {**names, "printed": printed.getvalue()}


def test_classification_of_images() -> None:
    ran = run(IMAGES)
    history, model = ran["history"], ran["model"]
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in history.history.values()} == {len(history.epoch)}
    assert model.history is history
    assert ran["accuracy"] > 0.95
    assert math.isclose(ran["accuracy"], np.mean(ran["classes"] == ran["y_train"]), rel_tol=1e-6)
    assert ran["loss"] < history.history["loss"][0]
    for part in ("flatten", "batch_normalization", "Total params: 707", "Epoch 1/20", "val_loss: "):
        assert part in ran["printed"]
    assert [layer.name for layer in model.layers] == [
        "flatten",
        "dense",
        "batch_normalization",
        "dropout",
        "dense_1",
    ]


def test_the_same_script_is_the_same_run() -> None:
    first, second = run(IMAGES), run(IMAGES)
    assert first["history"].history == second["history"].history
    other = run(IMAGES.replace("set_random_seed(42)", "set_random_seed(43)"))
    assert first["history"].history != other["history"].history


def test_objects_and_files(tmp_path: Path) -> None:
    ran = run(OBJECTS, PATH=tmp_path / "model.safetensors")
    history = ran["history"].history
    assert set(history) == {
        prefix + name
        for prefix in ("", "val_")
        for name in ("loss", "categorical_accuracy", "top_k_categorical_accuracy")
    } | {"learning_rate"}
    assert ran["remember"].losses == history["loss"]
    assert history["loss"][-1] < history["loss"][0]
    assert list(ran["scores"]) == ["categorical_accuracy", "loss", "top_k_categorical_accuracy"]
    assert ran["scores"]["categorical_accuracy"] > 0.9
    assert ran["scores"]["top_k_categorical_accuracy"] >= ran["scores"]["categorical_accuracy"]
    assert ran["same"]
    assert ran["kernel"].shape == (12, 3)
    assert ran["bias"].shape == (3,)
    assert ran["first"].name == "dense"
    assert ran["first"] is ran["model"].get_layer(index=0)
    assert len(ran["model"].layers) == 4
    expected = [0.1] * 10 + [0.1 * 0.9**i for i in range(1, 6)]
    np.testing.assert_allclose(history["learning_rate"], expected)
    assert ran["rate"] == history["learning_rate"][-1]


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
def test_regression_and_weights_by_hand() -> None:
    ran = run(REGRESSION)
    kernel, bias = ran["trained"]
    np.testing.assert_allclose(kernel, [[3.0], [-2.0]], atol=0.1)
    np.testing.assert_allclose(bias, [1.0], atol=0.1)
    assert ran["prediction"].shape == (1, 1)
    np.testing.assert_allclose(ran["prediction"], 1.5, atol=0.1)
    assert set(ran["logs"]) == {"loss", "mae"}
    assert ran["before"][0] > 100 * ran["after"][0]
    assert ran["model"].optimizer.iterations == 125
    np.testing.assert_array_equal(ran["frozen"].get_weights()[0], ran["untouched"][0])
