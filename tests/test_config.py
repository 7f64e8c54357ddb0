"""Settings for the whole library, and what all configurable objects share."""

import numpy as np
import pytest

from tinynet import activations, backend, config, initializers
from tinynet.configurable import (
    Configurable,
    auto_name,
    by_name,
    forget_names,
    resolve,
    serialize,
    to_snake_case,
)
from tinynet.kernels import threads


def test_floatx() -> None:
    assert config.floatx() == "float32"
    config.set_floatx("float64")
    assert config.floatx() == backend.floatx() == "float64"


@pytest.mark.parametrize("value", ["float16", "double", 64, None])
def test_a_bad_floatx_changes_nothing(value: object) -> None:
    with pytest.raises(ValueError, match=f"expected 'float32' or 'float64', got {value!r}"):
        config.set_floatx(value)
    assert config.floatx() == "float32"


def test_epsilon() -> None:
    assert config.epsilon() == 1e-7
    config.set_epsilon(1e-3)
    assert config.epsilon() == backend.epsilon() == 1e-3


@pytest.mark.parametrize("value", [0, -1e-7, 0.5, float("nan"), float("inf")])
def test_a_bad_epsilon_changes_nothing(value: float) -> None:
    with pytest.raises(ValueError, match="set_epsilon: expected a number between 0"):
        config.set_epsilon(value)
    assert config.epsilon() == 1e-7


def test_through_float32() -> None:
    assert config.through_float32(0.5) == 0.5
    assert config.through_float32(0.1) == 0.10000000149011612


def test_every_test_starts_from_the_same_state() -> None:
    """The tests above have changed floatx and epsilon; the one below names a layer."""
    assert config.floatx() == "float32"
    assert config.epsilon() == 1e-7


class Box(Configurable):
    """A thing with two arguments, the second of which may be a thing itself."""

    def __init__(self, size: int = 1, inside: object = None) -> None:
        self.size = size
        self.inside = inside


def test_a_config_holds_the_arguments_of_the_constructor() -> None:
    box = Box(2, inside=Box(1))
    where = {"module": __name__}  # a class that is not tinynet's
    inside = {"class_name": "Box", "config": {"size": 1, "inside": None}, **where}
    assert box.get_config() == {"size": 2, "inside": inside}
    assert serialize(box) == {"class_name": "Box", "config": box.get_config(), **where}
    assert serialize([Box(1), (2, "a")]) == [inside, [2, "a"]]
    assert repr(Box(2)) == "Box(size=2, inside=None)"
    assert Box.from_config({"size": 3}).size == 3


def test_resolve() -> None:
    table = by_name(Box)
    assert set(table) == {"Box", "box"}
    assert type(resolve("box", "box", table)) is Box
    assert resolve("box", serialize(Box(4)), table).size == 4
    assert resolve("box", {"class_name": "Box"}, table).size == 1
    with pytest.raises(ValueError, match=r"unknown box 'boxx'; did you mean 'box'\?"):
        resolve("box", "boxx", table)
    with pytest.raises(ValueError, match=r"unknown box 'crate'; known are \['Box', 'box'\]"):
        resolve("box", "crate", table)
    with pytest.raises(TypeError, match=r"box: expected its name, its config or an object, got 3"):
        resolve("box", 3, table)


def test_a_module_reads_what_it_has_written_and_custom_objects() -> None:
    class Halves(initializers.Initializer):
        def __call__(self, shape: object, dtype: str | None = None) -> object:
            return np.full(shape, 0.5, dtype)

    written = initializers.serialize(Halves())
    with pytest.raises(ValueError, match=r"initializer 'Halves' .* is not part of tinynet"):
        initializers.deserialize(written)
    lent = {"Halves": Halves}
    assert type(initializers.deserialize(written, lent)) is Halves
    with pytest.raises(ValueError, match="'Halves'"):  # lent for one call only
        initializers.deserialize(written)
    leaky = activations.leaky_relu.with_options(negative_slope=0.5)
    assert activations.serialize(activations.relu) == "relu"
    again = activations.deserialize(activations.serialize(leaky))
    assert again.get_config() == leaky.get_config() != activations.leaky_relu.get_config()


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("ReLU", "re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("ELU", "elu"),
        ("BatchNormalization", "batch_normalization"),
        ("L1L2", "l1l2"),
        ("AdamW", "adam_w"),
        ("RMSprop", "rm_sprop"),
        ("SGD", "sgd"),
    ],
)
def test_snake_case_is_keras_s(name: str, snake: str) -> None:
    assert to_snake_case(name) == snake


def test_automatic_names() -> None:
    assert [auto_name(Box) for _ in range(3)] == ["box", "box_1", "box_2"]
    forget_names()
    assert auto_name(Box) == "box"


def test_set_threads() -> None:
    config.set_threads(2)
    assert config.threads() == 2
    config.set_threads(np.int64(1))
    assert config.threads() == 1
    for value in (0, -1, 1.0, True, "2", None):
        with pytest.raises(ValueError, match="set_threads: expected a positive integer"):
            config.set_threads(value)
    assert config.threads() == 1


def test_threads_of_another_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "switch", lambda verb: None)
    assert config.threads() is None
    with pytest.raises(RuntimeError, match=r"does not use OpenBLAS .* set .*MKL_NUM_THREADS"):
        config.set_threads(1)
