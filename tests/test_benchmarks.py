"""What is timed is what is tested: the benchmark's network is the one that parity_tests check."""

import math
from typing import Any

import numpy as np
import pytest

import tinynet
from benchmarks import moments, overhead, report, split
from benchmarks.contenders import keras_script, products
from parity_tests import r0
from tinynet.callbacks.base import CallbackList


def unnamed(model: tinynet.Sequential) -> list[dict[str, Any]]:
    """Return what the layers are made of, without their names."""
    configs = [layer.get_config() for layer in model.layers]
    for config in configs:
        del config["name"]
    return configs


def test_the_timed_network_is_the_compared_one() -> None:
    timed, compared = keras_script.compiled(tinynet), r0.network(tinynet)
    assert [type(a) for a in timed.layers] == [type(b) for b in compared.layers]
    assert unnamed(timed) == unnamed(compared)
    assert timed.input_shape == compared.input_shape


def test_an_epoch_is_timed_for_every_epoch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype("uint8")
    seconds = keras_script.train(tinynet, images, np.arange(20) % 10, batch_size=8, epochs=3)
    assert len(seconds) == 3 and all(each > 0 for each in seconds)


def test_the_products_of_a_cnn_are_those_of_its_layers() -> None:
    """As many operations as the layers' own weights and places say."""
    model = keras_script.compiled(tinynet, "cnn")
    kernels = [w.shape for w in model.get_weights() if w.ndim > 1]
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products.np.random, "default_rng", lambda seed: Recorder(made))
        products.of_cnn_step(2)
    assert made[1::3] == [(math.prod(shape[:-1]), shape[-1]) for shape in kernels]
    rows = [math.prod(shape[:-1]) for shape in model.shapes_behind((28, 28)) if len(shape) > 2]
    assert made[0][0] == 2 * rows[2] and made[3][0] == 2 * rows[4]


class Recorder:
    """Stands for a random generator, and notes the shapes that are asked for."""

    def __init__(self, made: list[tuple[int, ...]]) -> None:
        self.made = made

    def random(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        self.made.append(shape)
        return np.zeros(shape, dtype)


def test_ratios_are_taken_round_by_round() -> None:
    def runs(*seconds: float) -> list[dict[str, float]]:
        return [{"epoch": each} for each in seconds]

    found = {
        "tinynet, all threads": runs(1, 2, 4),
        "Keras, slow": runs(30, 30, 30),
        "Keras, fast": runs(3, 4, 20),
    }
    assert report.ratios(found, "Keras, fast", "epoch") == [3, 2, 5]
    assert report.best(found, "Keras", "epoch") == "Keras, fast"
    assert report.best(found, "JAX", "epoch") is None
    printed = report.table(found, [("epoch", "s", ".1f")])
    assert printed[-1] == "| Keras, fast | 4.0 (3.0 to 20.0) | 3.00 (2.00 to 5.00) |"


def test_the_parts_of_a_step_are_found() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype("uint8")
    found = split.split(images, np.arange(16) % 10, batch_size=8)
    assert found["whole"] > 0
    assert all(us > 0 and calls == 1 for us, calls in found["parts"].values())
    assert {"loss", "optimizer", "dense, forward", "dense, backward"} <= set(found["parts"])
    assert found["kernels"]["adam"][1] == 1 and found["kernels"]["dropout"][1] == 7


def test_what_is_called_from_within_is_not_counted_twice() -> None:
    watch = split.Stopwatch()
    inner = watch.around("backward", lambda x: x + 1)
    outer = watch.around("backward", lambda x: 2 * inner(x))
    assert outer(3) == 8 and watch.calls == {"backward": 1}
    assert inner(3) == 4 and watch.calls == {"backward": 2}


def test_the_moments_of_a_run_are_sorted_by_their_length() -> None:
    found = [(10.0, 2.0, 3.0), (100.0, 20.0, 30.0), (1.0, 1.0, 1.0)]
    lines = list(moments.rows(32, 2, found))
    assert lines[0] == "| 32 | 2 | a step | 3 | 15 | 150 |"
    assert lines[2] == "| 32 | 2 | optimizer | 1 | 2 | 20 |"


def test_the_share_of_callbacks_is_found_and_nothing_stays_watched() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype("uint8")
    tell = CallbackList.tell
    found = overhead.shares(images, np.arange(16) % 10, batch_size=8)
    assert list(found) == list(overhead.KINDS) and all(0 < share < 1 for share in found.values())
    assert CallbackList.tell is tell
