"""Classes and functions of one's own: saved and read; without them, errors that help."""

import copy
import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet as keras
from tests.saved_models import HOT, X, Y, equal_models
from tinynet import Sequential, custom_objects
from tinynet.activations import Activation
from tinynet.callbacks import ModelCheckpoint
from tinynet.configurable import UnknownObjectError, restored
from tinynet.kernels.registry import Differentiable
from tinynet.models import load_model
from tinynet.saving import custom_object_scope, register_keras_serializable
from tinynet.utils import set_random_seed


class Scaled(keras.layers.Layer):
    """Its input times numbers that are given, one a feature."""

    def __init__(self, factors: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factors = factors

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x * np.asarray(self.factors, x.dtype)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout * np.asarray(self.factors, dout.dtype)


class Doubled(Scaled):
    """As a learner writes it: no name, no keyword arguments."""

    def __init__(self) -> None:
        super().__init__(np.full(4, 2.0))


class Dense(keras.layers.Dense):
    """A class with the name of one of tinynet's."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return super().forward(2 * x, training)


class Share(keras.metrics.Metric):
    def reset_state(self) -> None:
        self.hits = self.seen = 0

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: Any) -> None:
        self.hits += int(np.sum(y_pred.argmax(axis=-1) == y_true.argmax(axis=-1)))
        self.seen += len(y_true)

    def result(self) -> float:
        return self.hits / max(1, self.seen)


class Fourth(keras.losses.MeanSquaredError):
    """Twice the squared error."""

    def gradient(self) -> np.ndarray:
        return 2 * super().gradient()


class Slow(keras.optimizers.SGD):
    """Gradient descent that takes half a step."""

    def update(self, w: Any, g: Any, slots: Any, learning_rate: float) -> None:
        super().update(w, g, slots, learning_rate / 2)


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, first: float) -> None:
        self.first = first

    def __call__(self, step: int) -> float:
        return self.first / (1 + step)


class Halves(keras.initializers.Initializer):
    def __call__(self, shape: Any, dtype: str | None = None) -> np.ndarray:
        return np.full(shape, 0.5, dtype or keras.config.floatx())


class Away(keras.regularizers.Regularizer):
    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, x: np.ndarray) -> float:
        return self.strength * float(np.sum(x))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return np.full_like(x, self.strength)


def twice(x: np.ndarray, out: np.ndarray) -> None:
    out[...] = 2 * x


def twice_backward(dout: Any, x: Any, out: Any, dx: np.ndarray) -> None:
    dx[...] = 2 * dout


def double() -> Differentiable:
    """Return the two functions of an activation that doubles."""
    return Differentiable(twice, twice_backward)


DOUBLE = Activation(double)


def sureness(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return y_pred.max(axis=-1)


def squares(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return np.mean((y_true - y_pred) ** 2, axis=-1)


Made = Callable[[], tuple[list[Any], dict[str, Any]]]
PLAIN = {"optimizer": "sgd", "loss": "mse"}
# What is one's own: the objects by name, and the layers and arguments of compile that have them.
CASES: dict[str, tuple[dict[str, Any], Made]] = {
    "layer": ({"Scaled": Scaled}, lambda: ([Scaled(np.arange(4.0), name="mine")], PLAIN)),
    "layer without arguments": ({"Doubled": Doubled}, lambda: ([Doubled()], PLAIN)),
    "layer of a known name": ({"Dense": Dense}, lambda: ([Dense(4)], PLAIN)),
    "metric": ({"Share": Share}, lambda: ([], {**PLAIN, "metrics": [Share("part")]})),
    "metric as a class": ({"Share": Share}, lambda: ([], {**PLAIN, "metrics": [Share]})),
    "loss": ({"Fourth": Fourth}, lambda: ([], {**PLAIN, "loss": Fourth()})),
    "optimizer": ({"Slow": Slow}, lambda: ([], {**PLAIN, "optimizer": Slow(0.1, momentum=0.5)})),
    "schedule": (
        {"Falling": Falling},
        lambda: ([], {**PLAIN, "optimizer": keras.optimizers.Adam(Falling(0.1))}),
    ),
    "initializer": (
        {"Halves": Halves},
        lambda: ([keras.layers.Dense(4, kernel_initializer=Halves())], PLAIN),
    ),
    "regularizer": (
        {"Away": Away},
        lambda: ([keras.layers.Dense(4, kernel_regularizer=Away(0.01))], PLAIN),
    ),
    "activation": ({"double": DOUBLE}, lambda: ([keras.layers.Dense(4, DOUBLE)], PLAIN)),
    "metric function": ({"sureness": sureness}, lambda: ([], {**PLAIN, "metrics": [sureness]})),
    "weighted function": (
        {"sureness": sureness},
        lambda: ([], {**PLAIN, "weighted_metrics": [sureness, "accuracy"]}),
    ),
    "loss function": ({"squares": squares}, lambda: ([], {**PLAIN, "loss": squares})),
}
IN_LAYERS = {"layer", "layer without arguments", "layer of a known name"} | {
    "initializer",
    "regularizer",
    "activation",
}


@pytest.fixture(autouse=True)
def nothing_registered() -> Iterator[None]:
    registered, names = dict(custom_objects._registered), dict(custom_objects._names)
    yield
    for table, before in ((custom_objects._registered, registered), (custom_objects._names, names)):
        table.clear()
        table.update(before)


def trained(name: str, path: Path) -> Sequential:
    """Train a model with the case's objects, and save it as it goes."""
    layers, compiled = CASES[name][1]()
    set_random_seed(0)
    model = Sequential(
        [keras.Input((4,)), *layers, keras.layers.Dense(3, activation="softmax", name="top")]
    )
    model.compile(**compiled)
    model.fit(X, HOT, epochs=2, verbose=0, callbacks=[ModelCheckpoint(path, "loss")])
    return model


def expect_same(model: Sequential, again: Sequential) -> None:
    equal_models(model, again)
    assert [type(each) for each in again.layers] == [type(each) for each in model.layers]
    histories = []
    for each in (model, again):
        set_random_seed(1)
        histories.append(each.fit(X, HOT, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]


@pytest.mark.parametrize("name", CASES)
def test_read_with_custom_objects(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = trained(name, path)
    expect_same(model, load_model(path, custom_objects=CASES[name][0]))
    with custom_object_scope({"other": squares}), custom_object_scope(CASES[name][0]):
        load_model(path)


@pytest.mark.parametrize("package", ["Custom", "lesson"])
@pytest.mark.parametrize("name", CASES)
def test_read_when_registered(name: str, package: str, tmp_path: Path) -> None:
    early, late = tmp_path / "early.safetensors", tmp_path / "late.safetensors"
    trained(name, early)
    for each in CASES[name][0].values():
        assert register_keras_serializable(package)(each) is each
    model = trained(name, late)
    load_model(early)  # saved before it was registered
    expect_same(model, load_model(late))


@pytest.mark.parametrize("name", CASES)
def test_without_them_the_error_says_what_to_pass(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = trained(name, path)
    (missing,) = CASES[name][0]
    said = rf"{re.escape(str(path))}: the [\w ]+ '{missing}' \(.*{__name__}\) .*"
    said += rf"custom_objects={{'{missing}': {missing}}}, or .*register_keras_serializable"
    with pytest.raises(UnknownObjectError, match=said):
        load_model(path)
    if name in IN_LAYERS:
        return
    with pytest.raises(UnknownObjectError, match="compile=False reads the model without it"):
        load_model(path)
    again = load_model(path, compile=False)
    assert again.optimizer is None
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_nothing_is_lent_after_the_with() -> None:
    with custom_object_scope({"double": DOUBLE}):
        assert keras.layers.Dense(2, "double").activation is DOUBLE
        with custom_object_scope({"squares": squares}):
            assert keras.losses.get("squares") is squares
            assert keras.activations.get("double") is DOUBLE
        with pytest.raises(ValueError, match="unknown loss 'squares'"):
            keras.losses.get("squares")
    with pytest.raises(ValueError, match="unknown activation 'double'"):
        keras.layers.Dense(2, "double")


def test_names() -> None:
    register_keras_serializable("lesson", "Other")(Scaled)
    assert keras.saving.get_registered_name(Scaled) == "lesson>Other"
    assert keras.saving.get_registered_name(Share) == "Share"
    assert keras.saving.get_registered_object("lesson>Other") is Scaled
    assert keras.saving.get_registered_object("nothing") is None
    assert keras.saving.get_registered_object("a", {"a": Share}) is Share
    assert keras.utils.get_custom_objects()["lesson>Other"] is Scaled
    with pytest.raises(ValueError, match="expected a class with get_config"):
        register_keras_serializable()(int)
    with (
        pytest.raises(TypeError, match=r"custom_objects: expected a dict .* got \[<class"),
        custom_object_scope([Scaled]),  # type: ignore[arg-type]
    ):
        pass


def test_a_file_cannot_name_what_was_not_lent(tmp_path: Path) -> None:
    """A class is found among what is lent and registered, never by import."""
    path = tmp_path / "model.safetensors"
    trained("layer", path)
    content = path.read_bytes()
    start = content.index(b'\\"Scaled\\"')
    for name, module in (("dict()", "builtin"), ("Popen", "subproc"), ("Layer", "tinynet")):
        config = content[start : start + 400].decode()
        forged = config.replace("Scaled", name.ljust(6)[:6], 1)
        forged = forged.replace(__name__, module.ljust(len(__name__))[: len(__name__)])
        path.write_bytes(content[:start] + forged.encode() + content[start + 400 :])
        with pytest.raises(ValueError, match=f"{re.escape(str(path))}: "):
            load_model(path)


# What cannot be saved trains all the same, and is refused where it would be lost.


class Forgetful(Scaled):
    def __init__(self, factor: float) -> None:
        super().__init__(np.full(4, factor))


class WithFunction(Scaled):
    def __init__(self, factors: Any, function: Any = np.sin) -> None:
        super().__init__(factors)
        self.function = function


class NoConfig(keras.metrics.MeanSquaredError):
    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("no config here")


class OddLoss(keras.losses.MeanSquaredError):
    def __init__(self, limits: Any) -> None:
        super().__init__()
        self.limits = limits


class OddOptimizer(keras.optimizers.SGD):
    def __init__(self, hook: Any) -> None:
        super().__init__(0.1)
        self.hook = hook


NOT_LAYERS: list[tuple[dict[str, Any], str]] = [
    ({"metrics": [NoConfig()]}, "metric: .*NoConfig named 'mean_.*': no config here"),
    ({"loss": OddLoss({1, 2})}, "loss: .*OddLoss .*: Object of type set is not"),
    ({"loss": OddLoss(1j)}, "loss: .*OddLoss .*: Object of type complex is not"),
    ({"optimizer": OddOptimizer(len)}, "optimizer: .*OddOptimizer .*: Object of type b"),
]
ENDINGS = ("safetensors", "keras", "h5")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Forgetful(2), r"layer: .*Forgetful named 'forget.* write self.factor = factor in"),
        (WithFunction(np.ones(4)), "layer: .*WithFunction .*: Object of type ufunc is not"),
    ],
)
def test_a_layer_that_cannot_be_saved(
    layer: Any, message: str, ending: str, tmp_path: Path
) -> None:
    model = Sequential([keras.Input((4,)), copy.deepcopy(layer), keras.layers.Dense(3)])
    model.compile(**PLAIN)
    model.fit(X, HOT, verbose=0)
    path = tmp_path / f"model.{ending}"
    with pytest.raises(ValueError, match=message):
        model.save(path)
    with pytest.raises(ValueError, match=message):
        model.to_json()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(X, HOT, verbose=0, callbacks=[ModelCheckpoint(path)])
    np.testing.assert_equal(model.get_weights(), before)
    assert not any(tmp_path.iterdir())
    weights = tmp_path / f"model.{'safetensors' if ending == 'safetensors' else 'weights.h5'}"
    model.fit(X, HOT, verbose=0, callbacks=[ModelCheckpoint(weights, save_weights_only=True)])
    trained_further = model.get_weights()
    model.set_weights(before)
    model.load_weights(weights)
    np.testing.assert_equal(model.get_weights(), trained_further)
    if ending == "safetensors":
        with pytest.raises(ValueError, match=r"only weights in it, .* call its load_weights"):
            load_model(weights)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("compiled", "message"), NOT_LAYERS)
def test_the_model_is_saved_without_a_loss_that_cannot_be(
    compiled: dict[str, Any], message: str, ending: str, tmp_path: Path
) -> None:
    model = Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(**{**PLAIN, **copy.deepcopy(compiled)})
    model.fit(X, HOT, verbose=0)
    path = tmp_path / f"model.{ending}"
    with pytest.warns(UserWarning, match=f"are left out, and have to be .* {message}") as caught:
        model.save(path)
    assert [each.filename for each in caught] == [__file__]
    again = load_model(path)
    assert not again.compiled
    np.testing.assert_equal(again.get_weights(), model.get_weights())
    with pytest.warns(UserWarning, match=message):
        assert '"compile_config"' not in model.to_json()
    with pytest.warns(UserWarning, match=message):
        assert not keras.models.clone_model(model).compiled


class Ruled(keras.layers.Layer):
    """A layer that expects objects, not their names and configs."""

    def __init__(self, rule: Any, tables: Any = None, function: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rule, self.tables, self.function = rule, tables, function

    def forward(self, x: Any, training: bool = False) -> Any:
        return self.function(x) if self.function else x

    def backward(self, dout: Any) -> Any:
        return dout


class HandsOn(keras.layers.Dense):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class ByParts(keras.Model):
    def __init__(self, parts: list[Any], function: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts, self.end = parts, keras.layers.Activation(function)

    def call(self, x: Any) -> Any:
        for each in self.parts:
            x = each(x)
        return self.end(x)


def lengths(shape: Any, dtype: Any = None) -> Any:
    return np.full(shape, 0.25)


def distance(y_true: Any, y_pred: Any) -> Any:
    return np.mean(np.abs(y_true - y_pred), axis=-1)


OBJECTS: dict[str, Any] = {
    each.__name__: each for each in (Ruled, HandsOn, ByParts, Scaled, lengths, distance)
}
HOLDERS: dict[str, Callable[[], Any]] = {
    "objects and arrays": lambda: Sequential(
        [
            keras.Input((4,)),
            Ruled(keras.regularizers.L2(0.25), [np.arange(3.0)], keras.activations.tanh),
            Ruled([Scaled(np.ones(4)), "text"]),
            HandsOn(2, "relu", kernel_initializer=lengths),
        ]
    ),
    "a list of layers": lambda: ByParts(
        [keras.layers.Dense(3), HandsOn(2)], keras.activations.tanh
    ),
    "a graph": lambda: keras.Model(
        start := keras.Input((4,)), HandsOn(3)(Ruled(keras.regularizers.L1(0.5))(start))
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", HOLDERS)
def test_a_class_gets_the_objects_that_it_was_given(name: str, ending: str, tmp_path: Path) -> None:
    """Not their configs, which tinynet's own classes take as well."""
    model = HOLDERS[name]()
    model(X[:3])
    model.compile("sgd", distance)
    path = tmp_path / f"model.{ending}"
    model.save(path)
    again = load_model(path, OBJECTS)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    clone = keras.models.clone_model(model)  # needs nothing lent
    for other in (again, clone):
        assert [type(each) for each in other.layers] == [type(each) for each in model.layers]
        for layer, old in zip(other.layers, model.layers, strict=True):
            if isinstance(layer, Ruled):
                assert type(layer.rule) is type(old.rule)  # type: ignore[attr-defined]
                assert layer.function is old.function  # type: ignore[attr-defined]
                np.testing.assert_equal(layer.tables, old.tables)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Stream", "tinynet.streams"),  # not of an object with a config
        ("Scaled", __name__),
        ("OrderedDict", "collections"),
        ("regularizers", "tinynet"),
        ("L2", ["tinynet.regularizers"]),
    ],
)
def test_a_file_makes_no_other_objects(name: str, module: Any) -> None:
    config = {"class_name": name, "config": {}, "defined_in": module}
    assert restored({"a": [config]}) == {"a": [config]}


def test_an_array_comes_back_as_an_array(tmp_path: Path) -> None:
    model = Sequential([keras.Input((4,)), Scaled(np.array([1, 2, 3, 4], np.float32))])
    model.save(tmp_path / "model.safetensors")
    (again,) = load_model(tmp_path / "model.safetensors", {"Scaled": Scaled}).layers
    assert again.factors.dtype == np.float32  # type: ignore[attr-defined]
    np.testing.assert_array_equal(again.factors, [1, 2, 3, 4])  # type: ignore[attr-defined]


# Weights of another architecture.


def net(*units: int, names: bool = True) -> Sequential:
    return Sequential(
        [
            keras.Input((4,)),
            *(
                keras.layers.Dense(n, name=f"layer_{place}" if names else None)
                for place, n in enumerate(units)
            ),
        ]
    )


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        (net(8, 3), net(8, 4), ["layer_0"]),
        (net(8, 3), net(8, 3), ["layer_0", "layer_1"]),
        (net(6, 3), net(8, 3), []),
        (net(8, 5, 3), net(8, 5), ["layer_0", "layer_1"]),
        (net(8), net(8, 3), ["layer_0"]),
    ],
)
def test_layers_take_the_weights_that_fit(
    old: Sequential, new: Sequential, taken: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    old.save_weights(path)
    before = {layer.name: layer.get_weights() for layer in new.layers}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        new.load_weights(path, skip_mismatch=True)
    for layer in new.layers:
        source = old.get_layer(layer.name).get_weights() if layer.name in taken else None
        for own, expected in zip(layer.get_weights(), source or before[layer.name], strict=True):
            np.testing.assert_array_equal(own, expected)
    left = [layer.name for layer in new.layers if layer.name not in taken]
    assert len(caught) == bool(left)
    for name in left:
        assert f"{name} (expected" in str(caught[0].message)
        assert caught[0].filename == __file__


def test_layers_without_a_common_name_go_by_their_place(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    old, new = net(8, 3, names=False), net(8, 3, names=False)
    old.save_weights(path)
    new.load_weights(path, skip_mismatch=True)
    for own, expected in zip(new.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_array_equal(own, expected)
    with pytest.raises(ValueError, match="skip_mismatch=True loads what fits"):
        net(8, 4).load_weights(path)


def test_the_format_of_tinynet_s_own_classes_is_as_it_was(tmp_path: Path) -> None:
    """Files of before are read, and files without a class of one's own have no new entries."""
    model = net(3)
    model.compile("adam", "mse", metrics=["accuracy"])
    model.fit(X, HOT, verbose=0)
    config = json.dumps(model.get_config())
    assert '"module"' not in config and '{"class_name": "Dense", "config": ' in config
    assert Y is not None


# Classes that take arguments of their base classes as **kwargs.


class Wide(keras.layers.Dense):
    def __init__(self, units: int = 3, **kw: Any) -> None:
        super().__init__(units, **kw)


class Three(keras.layers.Dense):
    """It decides how many units there are, and would not take that from a file."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(3, **kwargs)


class Named(Three):
    """As `Three`, with an argument that comes before it on the way to `Dense`."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.label = label


class AsInKeras(Wide):
    """Its config is made as Keras wants it: from all that the base class says."""

    def __init__(self, *args: Any, sign: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minus = sign < 0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sign": -1 if self.minus else 1}


class ThreeAsInKeras(Three):
    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("units")  # without it, Keras could not make the layer again either
        return config


class Heavy(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.1, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)


class Times(keras.losses.Loss):
    def __init__(self, w: float = 1.0, name: str = "times", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.w = w

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self.w * ((y_true - y_pred) ** 2).mean(axis=-1)


class TimesAsInKeras(Times):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "w": self.w}


class Above(keras.metrics.Metric):
    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold
        self.share = self.add_weight(name="share")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.share.assign((np.asarray(y_pred) > self.threshold).mean())

    def result(self) -> Any:
        return self.share.numpy()


HANDING_ON: dict[str, Callable[[], keras.layers.Layer]] = {
    "Wide": lambda: Wide(3, activation="relu", kernel_initializer="ones"),
    "Three": lambda: Three(activation="relu", kernel_initializer="ones"),
    "Named": lambda: Named("a", activation="relu", kernel_initializer="ones"),
    "AsInKeras": lambda: AsInKeras(3, activation="relu", sign=-1, kernel_initializer="ones"),
    "ThreeAsInKeras": lambda: ThreeAsInKeras(activation="relu", kernel_initializer="ones"),
}
TAKING = (Wide, Three, Named, AsInKeras, ThreeAsInKeras, Heavy, Times, TimesAsInKeras, Above)


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
@pytest.mark.parametrize("loss", [Times, TimesAsInKeras])
@pytest.mark.parametrize("name", HANDING_ON)
def test_what_is_handed_on_to_a_base_class_comes_back(
    name: str, loss: type[Times], ending: str, tmp_path: Path
) -> None:
    model = Sequential([keras.Input((4,)), HANDING_ON[name]()])
    optimizer = Heavy(momentum=0.9, nesterov=True)
    model.compile(optimizer, loss(2.0, reduction="sum"), metrics=[Above(0.3, name="share_above")])
    model.fit(X, HOT, verbose=0)
    model.save(tmp_path / f"model.{ending}")
    objects = {each.__name__: each for each in TAKING}
    again = load_model(tmp_path / f"model.{ending}", custom_objects=objects)
    (layer,) = again.layers
    assert layer.activation.name == "relu"
    assert type(layer.kernel_initializer).__name__ == "Ones"
    assert (again.optimizer.momentum, again.optimizer.nesterov) == (0.9, True)
    assert (again.loss.reduction, again.loss.loss.w) == ("sum", 2.0)
    assert again.metrics_names == ["loss", "share_above"]
    assert getattr(layer, "label", "a") == "a"
    assert getattr(layer, "minus", True)
    expect_same(model, again)
    with custom_object_scope(objects):
        clone = keras.models.clone_model(model)
    assert clone.layers[0].activation.name == "relu"
    assert clone.optimizer.momentum == 0.9


def test_a_copy_still_knows_what_was_given() -> None:
    layer = copy.deepcopy(Wide(2, activation="relu"))
    assert Wide.from_config(layer.get_config()).activation.name == "relu"


def test_what_the_class_decides_is_not_in_its_config() -> None:
    assert "units" not in Three(activation="relu").get_config()
    assert Named("a").get_config().keys() == {"label", *keras.layers.Layer.BASE_ARGUMENTS}
    # Keras hands to a get_config of one's own whatever the base classes take.
    every = {*keras.layers.Dense(1).get_config()}
    assert {*AsInKeras(1).get_config()} == {*every, "sign"}
    assert {*TimesAsInKeras().get_config()} == {"w", "name", "reduction"}


# Classes of one's own with the names of tinynet's.


class Dropout(keras.layers.Dropout):
    """It drops in `predict`, too."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return super().forward(x, training=True)


class Huber(keras.losses.Huber):
    pass


class MeanAbsoluteError(keras.metrics.MeanAbsoluteError):
    pass


class Adam(keras.optimizers.Adam):
    pass


SAME_NAMES = {each.__name__: each for each in (Dropout, Huber, MeanAbsoluteError, Adam)}


def of_same_names() -> Sequential:
    layers = [Dropout(0.5), keras.layers.Dropout(0.2), keras.layers.Dense(3)]
    model = Sequential([keras.Input((4,)), *layers])
    model.compile(Adam(0.1), Huber(), metrics=[MeanAbsoluteError(), "mse"])
    model.fit(X, HOT, verbose=0)
    return model


def kinds_of(model: Sequential) -> list[type]:
    parts = [model.optimizer, model.loss, *model.figures.plain]
    return [type(each) for each in (*model.layers, *parts)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_class_with_the_name_of_one_of_tinynets(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{ending}"
    model = of_same_names()
    model.save(path)
    assert kinds_of(load_model(path, custom_objects=SAME_NAMES)) == kinds_of(model)
    for missing in SAME_NAMES:
        others = {name: each for name, each in SAME_NAMES.items() if name != missing}
        with pytest.raises(UnknownObjectError, match=rf"'{missing}' \(of the module tests\."):
            load_model(path, custom_objects=others)
    for each in SAME_NAMES.values():
        register_keras_serializable("lesson")(each)
    assert kinds_of(load_model(path)) == kinds_of(model)


def test_a_plain_name_in_an_older_file(tmp_path: Path) -> None:
    """Keras's ``.h5`` says no modules: there, what is lent has the name, as in Keras."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "model.h5"
    Sequential([keras.Input((4,)), keras.layers.Dropout(0.2), keras.layers.Dense(3)]).save(path)
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"].replace('"of_module": "keras.layers"', '"name": "d"')
        file.attrs["model_config"] = text
    register_keras_serializable("lesson")(Dropout)
    assert type(load_model(path).layers[0]) is keras.layers.Dropout
    custom_objects._registered.clear()
    assert type(load_model(path, custom_objects=SAME_NAMES).layers[0]) is Dropout
