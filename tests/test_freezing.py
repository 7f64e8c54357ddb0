"""Frozen and freed layers: what was said in the first step since compile counts, as in Keras.

What Keras does in the same situations is compared in parity_tests/test_freezing.py.
"""

import copy
import gc
import pickle
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from tinynet import Input, Sequential, callbacks, optimizers
from tinynet.layers import BatchNormalization, Dense
from tinynet.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = np.arange(20) % 3
LOSS = "sparse_categorical_crossentropy"


def net() -> Sequential:
    set_random_seed(0)
    return Sequential(
        [
            Input((4,)),
            Dense(5, name="below", kernel_regularizer="l2"),
            BatchNormalization(name="n"),
            Dense(3, activation="softmax", name="top"),
        ]
    )


def learned(model: Sequential, train: Callable[[], object]) -> list[str]:
    """Return the names of the layers whose arrays training changes."""
    before = {key: value.copy() for key, value in model.arrays.items()}
    train()
    return sorted(
        {
            key.split("/")[0]
            for key, value in model.arrays.items()
            if not np.array_equal(value, before[key])
        }
    )


WAYS: dict[str, Callable[[Sequential], object]] = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
}
ALL = ["below", "n", "top"]
CHANGED = "was changed after training had begun; .* call compile again"


@pytest.mark.parametrize("way", WAYS)
def test_a_change_counts_from_the_next_compile_on(way: str) -> None:
    model = net()
    model.compile("sgd", LOSS)
    WAYS[way](model)
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match=f"trainable of below {CHANGED}"):
        assert learned(model, lambda: WAYS[way](model)) == ALL
    assert not model.layers[0].trainable  # what the user said stays said
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        assert learned(model, lambda: WAYS[way](model)) == ALL
        model.compile("sgd", LOSS)
        assert learned(model, lambda: WAYS[way](model)) == ["n", "top"]
    model.layers[0].trainable = True
    with pytest.warns(UserWarning, match=CHANGED):
        assert learned(model, lambda: WAYS[way](model)) == ["n", "top"]


def test_a_change_before_the_first_step_counts() -> None:
    model = net()
    model.compile("sgd", LOSS)
    model.evaluate(X, Y, verbose=0)
    model.layers[0].trainable = False
    assert learned(model, lambda: WAYS["fit"](model)) == ["n", "top"]


def test_a_change_when_the_first_batch_begins_counts() -> None:
    model = net()
    model.compile("sgd", LOSS)
    freeze = callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: setattr(model.layers[0], "trainable", False)
    )
    fit = {"verbose": 0, "callbacks": [freeze]}
    assert learned(model, lambda: model.fit(X, Y, **fit)) == ["n", "top"]


def test_each_method_looks_for_itself() -> None:
    """As Keras does, which writes down another step for each."""
    model = net()
    model.compile("sgd", LOSS)
    WAYS["fit"](model)
    model.layers[0].trainable = False
    assert learned(model, lambda: WAYS["train_on_batch"](model)) == ["n", "top"]
    with pytest.warns(UserWarning, match=CHANGED):
        assert learned(model, lambda: WAYS["fit"](model)) == ALL


def test_a_change_that_was_taken_back_is_none() -> None:
    model = net()
    model.compile("sgd", LOSS)
    WAYS["fit"](model)
    model.trainable = False
    model.trainable = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert learned(model, lambda: WAYS["fit"](model)) == ALL


def test_a_callback_changes_it_for_the_next_compile() -> None:
    model = net()
    model.compile("sgd", LOSS)

    def freeze(epoch: int, logs: object) -> None:
        if epoch == 1:
            model.trainable = False

    watch = callbacks.LambdaCallback(on_epoch_begin=freeze)
    counts = learned(model, lambda: model.fit(X, Y, epochs=3, verbose=0, callbacks=[watch]))
    assert counts == ALL
    assert not model.trainable
    # Before the first step it still counts.
    model = net()
    model.compile("sgd", LOSS)

    def freeze_below(logs: object) -> None:
        model.layers[0].trainable = False

    watch = callbacks.LambdaCallback(on_train_begin=freeze_below)
    assert learned(model, lambda: model.fit(X, Y, verbose=0, callbacks=[watch])) == ["n", "top"]


def test_penalties_of_training_and_of_testing_are_those_of_their_first_step() -> None:
    model = net()
    model.compile(optimizers.SGD(0.0), LOSS)
    model.train_on_batch(X, Y)
    penalty = model.layers[0].penalty()
    model.layers[0].trainable = False
    assert model.layers[0].penalty() == 0 < penalty
    with pytest.warns(UserWarning, match=CHANGED):
        trained = model.train_on_batch(X, Y)
    frozen = model.evaluate(X, Y, batch_size=20, verbose=0)  # the first test
    model.layers[0].trainable = True
    assert model.evaluate(X, Y, batch_size=20, verbose=0) == frozen
    model.compile(optimizers.SGD(0.0), LOSS)
    free = model.evaluate(X, Y, batch_size=20, verbose=0)
    assert free - frozen == pytest.approx(penalty, rel=1e-5)
    model.compile(optimizers.SGD(0.0), LOSS)
    assert model.train_on_batch(X, Y) == pytest.approx(trained, rel=1e-5)


def test_two_models_with_common_layers_each_train_as_they_were_compiled() -> None:
    """As in an adversarial network: one learns what the other must leave alone."""
    judge = net()
    judge.compile("sgd", LOSS)
    WAYS["fit"](judge)
    judge.trainable = False
    both = Sequential([Input((4,)), Dense(4, name="maker"), *judge.layers])
    both.compile("sgd", LOSS)
    assert learned(both, lambda: WAYS["fit"](both)) == ["maker"]
    with pytest.warns(UserWarning, match=CHANGED):
        assert learned(judge, lambda: WAYS["fit"](judge)) == ALL
    assert learned(both, lambda: WAYS["fit"](both)) == ["maker"]


def test_a_copy_trains_as_the_original() -> None:
    model = net()
    model.compile("sgd", LOSS)
    WAYS["fit"](model)
    model.layers[0].trainable = False
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with pytest.warns(UserWarning, match=CHANGED):
            assert learned(again, lambda again=again: WAYS["fit"](again)) == ALL  # type: ignore[misc]


# An optimizer belongs to the layers with which it begins.


@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.Adam])
@pytest.mark.parametrize("way", WAYS)
def test_an_optimizer_trains_one_model(way: str, make: Callable[[], optimizers.Optimizer]) -> None:
    one, other, optimizer = net(), net(), make()
    one.compile(optimizer, LOSS)
    WAYS[way](one)
    other.compile(optimizer, LOSS)  # nothing is wrong yet
    other.evaluate(X, Y, verbose=0)
    before = other.get_weights()
    message = (
        r"optimizer: \w+ '\w+' has begun with other layers and cannot continue with below, n, top"
    )
    with pytest.raises(ValueError, match=message):
        WAYS[way](other)
    for own, old in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)
    assert optimizer.iterations == 1
    WAYS[way](one)
    assert optimizer.iterations == 2


def test_compiled_into_two_it_trains_the_one_that_is_trained() -> None:
    one, other, optimizer = net(), net(), optimizers.SGD(0.1)
    one.compile(optimizer, LOSS)
    other.compile(optimizer, LOSS)
    WAYS["fit"](other)
    with pytest.raises(ValueError, match="has begun with other layers"):
        WAYS["fit"](one)


def test_a_model_that_is_gone_leaves_its_optimizer_used() -> None:
    optimizer = optimizers.Adam()
    one = net()
    one.compile(optimizer, LOSS)
    WAYS["fit"](one)
    del one
    gc.collect()
    other = net()
    other.compile(optimizer, LOSS)
    with pytest.raises(ValueError, match="has begun with other layers"):
        WAYS["fit"](other)


def test_which_changes_of_one_model_an_optimizer_goes_on_with() -> None:
    model, optimizer = net(), optimizers.SGD(0.1, momentum=0.9)
    model.layers[2].trainable = False
    model.compile(optimizer, LOSS)
    WAYS["fit"](model)
    model.layers[0].trainable = False  # fewer layers: it knows them
    model.compile(optimizer, LOSS)
    assert learned(model, lambda: WAYS["fit"](model)) == ["n"]
    model.layers[0].trainable = True  # and this one again
    model.compile(optimizer, LOSS)
    assert learned(model, lambda: WAYS["fit"](model)) == ["below", "n"]
    model.layers[2].trainable = True  # one that it has never seen
    model.compile(optimizer, LOSS)
    with pytest.raises(ValueError, match=r"cannot continue with top; .* a new one to a model"):
        WAYS["fit"](model)
    model.compile(optimizers.SGD(0.1), LOSS)
    assert learned(model, lambda: WAYS["fit"](model)) == ALL


def test_a_model_of_the_same_layers_goes_on() -> None:
    model, optimizer = net(), optimizers.Adam()
    model.compile(optimizer, LOSS)
    WAYS["fit"](model)
    again = Sequential([Input((4,)), *model.layers])
    again.compile(optimizer, LOSS)
    WAYS["fit"](again)
    assert optimizer.iterations == 2
