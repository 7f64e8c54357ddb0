"""How samples come to the model: in which order, and from which arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import tinynet
from tinynet import Input, Sequential
from tinynet.callbacks import LambdaCallback
from tinynet.data import Dataset
from tinynet.layers import Activation, BatchNormalization, Dense, Flatten
from tinynet.optimizers import SGD

Array = np.ndarray


class Watch(Activation):
    """Notes which samples come by."""

    def __init__(self) -> None:
        super().__init__("linear")

    def forward(self, x: Array, training: bool = False) -> Array:
        self.seen = x[:, 0].astype(int).tolist()
        return super().forward(x, training)


def orders(shuffle: bool | str, epochs: int, initial_epoch: int = 0) -> list[list[int]]:
    """Return the order in which twelve samples come, epoch by epoch."""
    x, watch = np.arange(12.0)[:, None], Watch()
    model = Sequential([Input((1,)), watch, Dense(1)])
    model.compile("sgd", "mse")
    seen: list[list[int]] = []
    note = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append([]),
        on_train_batch_end=lambda batch, logs: seen[-1].extend(watch.seen),
    )
    model.fit(
        x,
        x,
        5,
        epochs,
        0,
        [note],
        shuffle=shuffle,
        initial_epoch=initial_epoch,
        validation_data=(x, x),
    )
    return seen


def test_shuffling() -> None:
    in_place = list(range(12))
    assert orders(False, 2) == [in_place] * 2
    tinynet.utils.set_random_seed(3)
    same = orders(True, 3)
    assert same[0] == same[1] == same[2] != in_place  # as Keras on TensorFlow, after a seed
    assert same[0] == tinynet.random.epoch_order(12).tolist()
    anew = orders("every_epoch", 3)
    assert len({tuple(order) for order in anew}) == 3
    for order in (*same, *anew):
        assert sorted(order) == in_place


def test_orders_that_belong_to_their_epochs() -> None:
    tinynet.utils.set_random_seed(3)
    whole = orders("every_epoch", 4)
    tinynet.utils.set_random_seed(3)
    assert orders("every_epoch", 4, initial_epoch=2) == whole[2:]


def test_without_a_seed_every_epoch_has_an_order_of_its_own() -> None:
    assert len({tuple(order) for order in orders(True, 5)}) > 1


@given(
    n=st.integers(1, 20),
    shape=array_shapes(max_dims=3, max_side=3),
    size=st.integers(1, 25),
    seed=st.none() | st.integers(0, 99),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_batches_are_the_samples_in_their_order(
    n: int, shape: tuple[int, ...], size: int, seed: int | None, dtype: str
) -> None:
    x = np.arange(n * int(np.prod(shape)), dtype="int32").reshape(n, *shape)
    y, weights = np.arange(n), np.linspace(0, 1, n)
    data = Dataset(x, y, weights, dtype)
    at = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    batches = [data.batch(at[first : first + size]) for first in range(0, n, size)]
    assert [len(batch.x) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert {batch.x.dtype for batch in batches} == {np.dtype(dtype)}
    for name, whole in (("x", x), ("y", y), ("sample_weight", weights)):
        parts = np.concatenate([getattr(batch, name) for batch in batches])
        np.testing.assert_array_equal(parts, whole[at])
    assert Dataset(x, None, None, dtype).batch(at[:size])[1:] == (None, None)


def layouts() -> dict[str, Callable[[Array], Array]]:
    """Return ways of storing the same numbers, all of them small integers."""
    return {
        "float64": lambda x: x.astype("float64"),
        "float32": lambda x: x.astype("float32"),
        "float16": lambda x: x.astype("float16"),
        "uint8": lambda x: x.astype("uint8"),
        "int64": lambda x: x.astype("int64"),
        "big endian": lambda x: x.astype(">f4"),
        "column by column": lambda x: np.asfortranarray(x.astype("float32")),
        "every second": lambda x: np.repeat(x, 2, axis=0).astype("float32")[::2],
        "backwards in memory": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
        "read only": lambda x: read_only(x.astype("float32")),
        "list": lambda x: x.tolist(),
    }


def read_only(x: Array) -> Array:
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("name", layouts())
def test_arrays_are_read_however_they_are_stored(
    name: str, shuffle: bool, kernel_form: str
) -> None:
    store = layouts()[name]
    numbers = np.random.default_rng(5).integers(0, 4, size=(30, 4))
    labels = (numbers.sum(axis=1) > 6).astype("uint8")
    results = []
    for x, y in ((numbers.astype("float32"), labels), (store(numbers), store(labels[:, None]))):
        tinynet.utils.set_random_seed(1)
        model = Sequential(
            [Input((4,)), Flatten(), BatchNormalization(), Dense(2, activation="softmax")]
        )
        model.compile(SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
        fit = model.fit(x, y, 8, 2, 0, validation_split=0.2, shuffle=shuffle)
        seen = model.evaluate(x, y, verbose=0), model.predict(x, verbose=0).tolist()
        results.append((fit.history, seen))
    assert results[0] == results[1]
