"""Where NaN begins: the batch, the layer, the array and the likely cause, in both kernel forms."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet import Input, Sequential, layers, optimizers, utils
from tinynet.callbacks import BackupAndRestore, LambdaCallback, TerminateOnNaN, watching
from tinynet.callbacks.watching import Explanation
from tinynet.data import Batch
from tinynet.step.printing import Names
from tinynet.step.tape import Step
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(64, 8))
Y = (X[:, :1] > 0).astype(float)

pytestmark = [
    pytest.mark.usefixtures("kernel_form"),
    pytest.mark.filterwarnings("ignore:.*(overflow|invalid value|divide by zero):RuntimeWarning"),
]


class Log(layers.Layer):
    """A logarithm without a look at its argument."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.x = x
        return np.log(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout / self.x


def network(*between: layers.Layer) -> Sequential:
    set_random_seed(0)
    first = layers.Dense(16, activation="relu", name="first")
    return Sequential([Input((8,)), first, *between, layers.Dense(1, name="top")])


def lost(
    model: Sequential,
    optimizer: Any = "sgd",
    loss: Any = "mse",
    x: Any = X,
    y: Any = Y,
    **options: Any,
) -> Explanation:
    """Train until the loss is NaN or infinite, and return the explanation."""
    model.compile(optimizer, loss)
    nan = TerminateOnNaN(explain=True)
    history = model.fit(x, y, epochs=9, verbose=0, callbacks=[nan], **options)
    assert not np.isfinite(history.history["loss"][-1])
    assert nan.explanation is not None
    return nan.explanation


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_rate_that_is_too_large(momentum: float) -> None:
    found = lost(network(), optimizers.SGD(50.0, momentum), batch_size=8)
    assert found.batch > 0 and "make the learning rate (50) ten times smaller" in found.cause
    assert " has grown from " in found.cause or "the step was too large" in found.cause


def test_the_step_is_the_first_with_a_number_that_is_not_finite() -> None:
    """The steps before the one that is named are finite, and it is not."""
    found = lost(network(), optimizers.SGD(50.0), batch_size=8, shuffle=False)
    model = network()
    model.compile(optimizers.SGD(50.0), "mse")
    for number in range(found.batch + 1):
        rows = slice(8 * number, 8 * number + 8)
        model.train_on_batch(X[rows], Y[rows])
        finite = all(np.isfinite(w).all() for w in model.get_weights())
        assert finite == (number < found.batch)
    assert (found.layer, found.array) == ("top", "top.out")
    assert found.line == "product(first.out, top/kernel)"


def test_an_optimizer_that_breaks_a_weight() -> None:
    small = Sequential([Input((8,)), layers.Dense(1, name="top")])
    found = lost(small, optimizers.SGD(1e38), x=X * 100, batch_size=8)
    assert (found.batch, found.layer, found.array) == (0, "top", "top/kernel")
    assert found.line.startswith("sgd(d top/kernel") and "the step was too large" in found.cause


def test_a_layer_with_a_logarithm_of_a_number_below_0() -> None:
    found = lost(network(Log(name="log")))
    assert (found.batch, found.layer, found.array) == (0, "log", "log.out")
    assert "look for a logarithm" in found.cause


def test_a_loss_of_the_users() -> None:
    found = lost(network(), loss=lambda y, p: np.sqrt(np.mean(p - y - 9, axis=-1)))
    assert (found.batch, found.layer, found.array) == (0, "loss", "loss.value")
    assert "a root of a negative number" in found.cause


def test_a_weight_that_was_nan_before() -> None:
    model = network()
    model.layers[1].params["bias"][0] = np.nan
    found = lost(model)
    assert found[:4] == (-1, "top", "top/bias", "")
    assert str(found).startswith("NaN or infinity is in top/bias of layer top from the start: ")


def test_data_that_are_too_large() -> None:
    found = lost(network(), x=X * 1e30)
    assert (found.batch, found.layer, found.array) == (0, "loss", "loss.losses")
    assert "scale the data" in found.cause


def test_batches_of_a_generator() -> None:
    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for i in range(0, 10**6, 8):
            yield X[i % 64 : i % 64 + 8], Y[i % 64 : i % 64 + 8]

    by_arrays = lost(network(), optimizers.SGD(0.5), batch_size=8, shuffle=False)
    by_batches = lost(network(), optimizers.SGD(0.5), x=batches(), y=None, steps_per_epoch=8)
    assert by_batches[:4] == by_arrays[:4] and by_arrays.batch >= 1


@pytest.mark.parametrize("remembers", [1, 2, 3])
def test_copies_in_the_middle_of_an_epoch(remembers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lost(network(layers.Dropout(0.5, seed=3)), optimizers.SGD(2.0), batch_size=4)
    assert found.batch >= 4
    monkeypatch.setattr(tinynet.repeat.Repeat, "remembers", remembers)
    again = lost(network(layers.Dropout(0.5, seed=3)), optimizers.SGD(2.0), batch_size=4)
    assert again[:2] == found[:2] and again.array == found.array


def test_a_graph_and_steps_per_epoch() -> None:
    set_random_seed(0)
    x = Input((8,))
    branches = [layers.Dense(4, name="left")(x), layers.Dense(4, name="right")(x)]
    top = layers.Dense(1, name="top")(layers.Add()(branches))
    found = lost(tinynet.Model(x, top), optimizers.SGD(3.0), batch_size=4, steps_per_epoch=3)
    assert found.layer in ("top", "left", "right", "loss") and 0 <= found.batch < 3


def test_nothing_is_changed_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The run, the state of all random numbers and the model are those without an explanation."""
    ends = []
    for explain in (False, True):
        model = network(layers.Dropout(0.5, seed=3), layers.BatchNormalization())
        model.compile(optimizers.Adam(0.01), "mse")
        model.fit(
            X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[TerminateOnNaN(explain=explain)]
        )
        model.layers[-1].params["kernel"][0] = np.inf
        before = copy.deepcopy(tinynet.random._global_generator)
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[TerminateOnNaN(explain=explain)])
        after = tinynet.random._global_generator
        assert (before is None) == (after is None)
        ends.append([w.tobytes() for w in model.get_weights()] + [rng.bit_generator.state])
    assert ends[0] == ends[1]
    assert "top/kernel of layer top from the start" in capsys.readouterr().out


def test_a_loss_that_somebody_else_broke() -> None:
    def lose(batch: int, logs: dict[str, Any]) -> None:
        logs["loss"] = np.nan

    model = network()
    model.compile("sgd", "mse")
    nan = TerminateOnNaN(raise_error=True, explain=True)
    with pytest.raises(RuntimeError, match=r"the loss is nan; made once more, .* stay finite"):
        model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=lose), nan])
    assert nan.explanation is None


def test_a_train_step_of_ones_own() -> None:
    class Mine(Sequential):
        def train_step(self, batch: Batch) -> None:
            super().train_step(batch)

    set_random_seed(0)
    model = Mine([Input((8,)), layers.Dense(1, name="top")])
    found = lost(model, optimizers.SGD(1e38), x=X * 100, batch_size=8)
    assert (found.batch, found.array) == (0, "top/kernel")


def test_a_run_that_goes_on_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    """What was copied when the epoch began is not what the steps were made from."""
    found = []
    for stops in (False, True):
        utils.set_random_seed(1)
        model = network()
        model.compile(optimizers.SGD(0.5), "mse")
        nan, backup = TerminateOnNaN(explain=True), BackupAndRestore(tmp_path / "b", save_freq=1)
        callbacks = [nan, backup]
        if stops:
            with pytest.raises(KeyboardInterrupt):
                model.fit(
                    X,
                    Y,
                    batch_size=4,
                    verbose=0,
                    callbacks=[*callbacks, LambdaCallback(on_train_batch_begin=stop_at_2)],
                )
            model = network()
            model.compile(optimizers.SGD(0.5), "mse")
        model.fit(X, Y, batch_size=4, verbose=0, callbacks=callbacks)
        found.append(nan.explanation)
    assert found[0] is not None and found[0].batch > 2
    assert found[1] is not None and found[1][:3] == found[0][:3]


def stop_at_2(batch: int, logs: Any) -> None:
    if batch == 2:
        raise KeyboardInterrupt


def test_in_a_loop_of_ones_own_it_only_stops(capsys: pytest.CaptureFixture[str]) -> None:
    nan = TerminateOnNaN(explain=True)
    nan.set_model(model := network())
    nan.on_train_begin()
    nan.on_epoch_begin(0)
    nan.on_train_batch_end(3, {"loss": np.nan})
    assert model.stop_training and nan.explanation is None
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"


def test_the_error_says_it() -> None:
    model = network()
    model.compile(optimizers.SGD(50.0), "mse")
    with pytest.raises(RuntimeError, match=r"batch \d: the loss is .*top\.out of layer top"):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[TerminateOnNaN(True, explain=True)])
    with pytest.raises(ValueError, match=r"explain: expected True or False, got 'yes'"):
        TerminateOnNaN(explain="yes")  # type: ignore[arg-type]


def test_the_largest_of_no_numbers_is_0() -> None:
    assert watching._largest(np.zeros(0)) == watching._largest(np.ones(3, bool)) == 0
    assert watching._largest(np.array([1, -3])) == 3


def test_where_no_kernel_wrote_it() -> None:
    found = watching.Watch({}).explanation(3, Names(Step()), {}, None)
    assert found.batch == 3 and found.line == "no kernel" and "your own" in found.cause
