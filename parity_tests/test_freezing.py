"""Frozen and unfrozen layers, and optimizers used twice: what learns in Keras learns here.

Both libraries run every script; the tests compare which weights each training step or run changed,
and which were errors.
"""

import warnings

import numpy as np
import pytest

import tinynet
from parity_tests.backend import BACKEND, keras

if BACKEND != "tensorflow":
    pytest.skip(
        "Keras on other backends reads `trainable` at other times; tinynet follows TensorFlow",
        allow_module_level=True,
    )

X = np.random.default_rng(0).normal(size=(20, 4))
Y = np.arange(20) % 3
LOSS = "sparse_categorical_crossentropy"

# Each script, in the words of `Script`; after every fit and step, it notes which weights changed.
SCRIPTS = {
    "frozen before the first step": "freeze(0); fit()",
    "frozen between two fits": "fit(); freeze(0); fit()",
    "freed between two fits": "freeze(0); compile(); fit(); free(0); fit()",
    "frozen, then compiled": "fit(); freeze(0); compile(); fit()",
    "frozen between single steps": "step(); freeze(0); step()",
    "frozen between a fit and a step": "fit(); freeze(2); step(); fit()",
    "frozen between a step and a fit": "step(); freeze(2); fit(); step()",
    "frozen after an evaluation": "evaluate(); freeze(0); fit()",
    "all frozen": "fit(); freeze(0); freeze(1); freeze(2); fit()",
    "batch norm frozen between two fits": "fit(); freeze(1); fit()",
    "batch norm frozen, then compiled": "fit(); freeze(1); compile(); fit()",
    "the same optimizer, fewer layers": "fit(); freeze(0); compile(again=True); fit()",
    "the same optimizer, fewer layers and all": (
        "fit(); freeze(0); compile(again=True); fit(); free(0); compile(again=True); fit()"
    ),
    "the same optimizer, more layers": (
        "freeze(0); compile(); fit(); free(0); compile(again=True); fit()"
    ),
    "another model": "fit(); another(); compile(again=True); fit()",
    "another model of the same layers": "fit(); another(layers=True); compile(again=True); fit()",
    "the model set to what it is": "freeze(0); whole(True); compile(); fit()",
    "the model set to something else": "freeze(0); whole(False); whole(True); compile(); fit()",
    "the model frozen twice": "whole(False); free(0); whole(False); compile(); fit()",
    "in a callback": "fit(freeze=0); fit()",
    "in a callback, before the first step": "fit(freeze_first=0); fit()",
}


class Script:
    """The words that the scripts are written in, for one library."""

    def __init__(self, library):
        self.library = library
        self.found = []
        self.another()
        self.compile()

    def another(self, layers=False):
        if layers:
            some = self.model.layers
        else:
            some = [
                self.library.layers.Dense(5, kernel_regularizer="l2"),
                self.library.layers.BatchNormalization(),
                self.library.layers.Dense(3, activation="softmax"),
            ]
        self.model = self.library.Sequential([self.library.Input((4,)), *some])

    def compile(self, again=False):
        if not again:
            self.optimizer = self.library.optimizers.SGD(0.1, momentum=0.5)
        self.model.compile(self.optimizer, LOSS)

    def freeze(self, place):
        self.model.layers[place].trainable = False

    def free(self, place):
        self.model.layers[place].trainable = True

    def fit(self, freeze=None, freeze_first=None):
        def begin(logs=None):
            if freeze_first is not None:
                self.freeze(freeze_first)

        def end(epoch, logs=None):
            if freeze is not None:
                self.freeze(freeze)

        watch = self.library.callbacks.LambdaCallback(on_train_begin=begin, on_epoch_end=end)
        self.note(lambda: self.model.fit(X, Y, epochs=2, verbose=0, callbacks=[watch]))

    def whole(self, value):
        self.model.trainable = value

    def step(self):
        self.note(lambda: self.model.train_on_batch(X, Y))

    def evaluate(self):
        self.model.evaluate(X, Y, verbose=0)

    def note(self, train):
        before = [each.copy() for each in self.model.get_weights()]
        try:
            train()
        except ValueError:
            self.found.append("refused")
        after = self.model.get_weights()
        changed = [bool(np.any(a != b)) for a, b in zip(after, before, strict=True)]
        self.found.append(changed)


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_learns(name):
    found = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(1)
        script = Script(library)
        words = {
            word: getattr(script, word)
            for word in ("another", "compile", "freeze", "free", "whole", "fit", "step", "evaluate")
        }
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "trainable of .* was changed after training")
            exec(SCRIPTS[name], words)
        found.append(script.found)
    assert found[0] == found[1]


def test_penalties_in_training_and_in_testing():
    """A layer frozen after training has begun is penalized in training, but not in testing."""
    losses = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(1)
        script = Script(library)
        script.optimizer.learning_rate = 0.0
        here = []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "trainable of .* was changed after training")
            here.append(script.model.train_on_batch(X, Y))
            script.freeze(0)
            here.append(script.model.train_on_batch(X, Y))
            here.append(script.model.evaluate(X, Y, verbose=0))
            script.free(0)
            here.append(script.model.evaluate(X, Y, verbose=0))
            script.compile()
            here.append(script.model.evaluate(X, Y, verbose=0))
        losses.append([float(each) for each in here])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
    assert losses[0][2] < losses[0][4]  # with and without the penalty


def test_no_epochs_leave_the_weights_as_they_were_set():
    """With averages, too, which replace the weights at the end of every other call."""
    for library in (tinynet, keras):
        model = library.Sequential([library.Input((4,)), library.layers.Dense(3)])
        model.compile(library.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
        model.fit(X, np.ones((20, 3)), verbose=0)
        zeros = [np.zeros_like(each) for each in model.get_weights()]
        model.set_weights(zeros)
        model.fit(X, np.ones((20, 3)), epochs=0, verbose=0)
        np.testing.assert_equal(model.get_weights(), zeros)
