"""Models of one's own class: saved, read and cloned by their class and its arguments."""

import copy
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet as keras
from tinynet import Model
from tinynet.configurable import UnknownObjectError
from tinynet.layers import BatchNormalization, Dense, Dropout
from tinynet.models import clone_model, load_model, model_from_json
from tinynet.saving import custom_object_scope
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4)).astype("float32")
Y = X[:, :3] ** 2


class Net(Model):
    """Its layers have the names that Keras gives them, and do not lie in the order of these."""

    def __init__(self, units: int = 5, rate: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zero = Dense(units, activation="relu")  # its place comes after that of ``layers``
        self.norm = BatchNormalization()
        self.hidden = [Dense(4, activation="tanh"), Dense(4)]
        self.drop = Dropout(rate)
        self.dense_2 = Dense(3)
        self._last = Dense(3)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.norm(self.zero(x), training=training)
        for layer in self.hidden:
            x = layer(x)
        return self._last(self.dense_2(self.drop(x, training=training)))


class AsInKeras(Net):
    def __init__(self, units: int = 5, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.units = units

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Around(Model):
    """Other models are its layers; one of them is given."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.net = Net(4)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.net(self.encoder(x, training), training)


class Wired(Model):
    """It calls its layers in the constructor, and says itself what that takes."""

    def __init__(self, units: int) -> None:
        x = keras.Input((4,))
        super().__init__(x, Dense(3)(Dense(units)(x)))
        self.units = units

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}


class Two(Model):
    """Two inputs, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = Dense(3), Dense(2)

    def call(self, x: Any) -> Any:
        a, b = x
        return {"a": self.one(a), "b": self.other(b)}


def around() -> Around:
    return Around(keras.Sequential([keras.Input((4,)), Dense(6), Dense(4)]))


def as_a_layer() -> Model:
    x = keras.Input((4,))
    return Model(x, Dense(3)(Net(2)(Dense(4)(x))))


class Nested(Model):
    """Its layers are in containers, and these in others."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = (Dense(4), Dense(4))
        self.blocks = [[Dense(4, activation="relu")], {"top": Dense(3)}, [Dense(3)]]

    def call(self, x: Any) -> Any:
        for layer in (*self.pair, *self.blocks[0]):
            x = layer(x)
        return self.blocks[2][0](self.blocks[1]["top"](x))


OBJECTS = {each.__name__: each for each in (Net, AsInKeras, Around, Wired, Two, Nested)}
MODELS: dict[str, Callable[[], Model]] = {
    "call": lambda: Net(6, rate=0.4),
    "config": lambda: AsInKeras(units=6, name="named"),
    "around": around,
    "wired": lambda: Wired(7),
    "nested": Nested,
    "as a layer": as_a_layer,
}
NESTED = ("around", "as a layer")


def trained(name: str) -> Model:
    set_random_seed(1)
    model = MODELS[name]()
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    return model


def go_on(model: Model) -> Any:
    set_random_seed(2)
    return model.fit(X, Y, batch_size=6, epochs=2, verbose=0).history


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
@pytest.mark.parametrize("name", MODELS)
def test_what_comes_back_goes_on_alike(name: str, ending: str, tmp_path: Path) -> None:
    model, path = trained(name), tmp_path / f"model.{ending}"
    if ending == "h5" and name in NESTED:
        with pytest.raises(ValueError, match="a model as a layer of another is not written as"):
            model.save(path)
        return
    model.save(path)
    for _ in range(3):  # the automatic names are other ones from here on
        Dense(1)
    again = load_model(path, custom_objects=OBJECTS)
    assert type(again) is type(model)
    assert again.name == model.name
    assert list(again.arrays) == list(model.arrays)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert go_on(again) == go_on(model)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
def test_layers_stay_frozen(ending: str, tmp_path: Path) -> None:
    model, path = Net(3), tmp_path / f"model.{ending}"
    model.build((None, 4))
    model.zero.trainable = False
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(path)
    again = load_model(path, custom_objects=OBJECTS)
    assert [layer.trainable for layer in again.layers] == [False, *[True] * 6]
    assert go_on(again) == go_on(model)


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
def test_several_inputs_and_outputs(ending: str, tmp_path: Path) -> None:
    model, path = Two(), tmp_path / f"model.{ending}"
    model.build([(None, 4), (None, 3)])
    model.save(path)
    again = load_model(path, custom_objects=OBJECTS)
    found, expected = (each.predict([X, Y], verbose=0) for each in (again, model))
    assert found.keys() == expected.keys() == {"a", "b"}
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
@pytest.mark.parametrize("name", ["call", "as a layer"])
def test_without_the_class_the_error_says_what_to_pass(
    name: str, ending: str, tmp_path: Path
) -> None:
    if ending == "h5" and name in NESTED:
        return
    path = tmp_path / f"model.{ending}"
    trained(name).save(path)
    kind = "layer" if name in NESTED else "model"
    said = rf"the {kind} 'Net' \(.*{__name__ if ending != 'h5' else ''}.*custom_objects={{'Net'"
    with pytest.raises(UnknownObjectError, match=said) as caught:
        load_model(path)
    assert "compile=False" not in str(caught.value)  # that would not help


def test_a_class_that_has_become_another_one(tmp_path: Path) -> None:
    class Smaller(Net):
        def __init__(self, units: int = 5, rate: float = 0.3) -> None:
            super().__init__(units, rate)
            self.hidden = self.hidden[:1]

    trained("call").save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"expected 7 layers, as in the file, got 6; is Smaller"):
        load_model(tmp_path / "model.safetensors", custom_objects={"Net": Smaller})


def test_what_has_no_name_cannot_be_saved(tmp_path: Path) -> None:
    class Many(Net):
        def __init__(self, *sizes: int) -> None:
            super().__init__(sum(sizes))

    model = Many(2, 3)
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"a Many named 'many'.*got something as \*args"):
        model.save(tmp_path / "model.safetensors")
    assert not [*tmp_path.iterdir()]
    model.save_weights(tmp_path / "model.weights.h5")


@pytest.mark.parametrize("name", [name for name in MODELS if name != "as a layer"])
def test_clones_have_new_weights(name: str) -> None:
    model = trained(name)
    clone = clone_model(model)
    assert type(clone) is type(model)
    assert clone.layers[0] is not model.layers[0]
    assert [each.shape for each in clone.arrays.values()] == [
        each.shape for each in model.arrays.values()
    ]
    assert not np.array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))
    clone.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="to clone with it, got a class of your own"):
        clone_model(model, lambda layer: layer)


def test_json() -> None:
    text = trained("config").to_json()
    with custom_object_scope(OBJECTS):
        again = model_from_json(text)
    assert type(again) is AsInKeras
    assert again.zero.units == 6
    assert again.name == "named"
    assert again.loss is not None


def test_weights_alone(tmp_path: Path) -> None:
    model, other = trained("call"), Net(6)
    model.save_weights(tmp_path / "model.weights.h5")
    other.build((None, 4))
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_layers_in_containers_are_layers() -> None:
    model = Nested()
    model.build((None, 4))
    assert model.layers == [
        *model.pair,
        model.blocks[0][0],
        model.blocks[1]["top"],
        *model.blocks[2],
    ]


def test_a_copy_can_be_saved(tmp_path: Path) -> None:
    model = copy.deepcopy(trained("around"))
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras", custom_objects=OBJECTS)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize(
    "change",
    [
        {"input_shape": [-4]},
        {"input_shape": "four"},
        {"input_shape": [5]},
        {"name": 3},
        {"layers": [{"name": "a/b"}] * 7},
        {"layers": [{"name": f"a_{i}", "trainable": "yes"} for i in range(7)]},
    ],
)
def test_damaged_descriptions(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    trained("config").save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["as_built"].update(change)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        load_model(path, custom_objects=OBJECTS)


# Classes that are made of layers and wires: they override what a step does.


class HalfGraph(Model):
    def train_step(self, batch: Any) -> Any:
        return super().train_step(batch._replace(y=0.5 * batch.y))


class HalfStack(keras.Sequential):
    def train_step(self, batch: Any) -> Any:
        return super().train_step(batch._replace(y=0.5 * batch.y))


class Share(Model):
    """It takes more than tensors."""

    def __init__(self, inputs: Any, outputs: Any, share: float = 1.0, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self.share = share

    def train_step(self, batch: Any) -> Any:
        return super().train_step(batch._replace(y=self.share * batch.y))


class HandsOn(keras.Sequential):
    def __init__(self, *args: Any, share: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.share = share


class MakesGraph(HalfGraph):
    """Its constructor makes the layers."""

    def __init__(self, units: int) -> None:
        x = keras.Input((4,))
        super().__init__(x, Dense(3)(Dense(units)(x)))


class MakesStack(HalfStack):
    def __init__(self, units: int) -> None:
        super().__init__([keras.Input((4,)), Dense(units), Dense(3)])


def ends() -> tuple[Any, Any]:
    x = keras.Input((4,))
    return x, Dense(3)(Dropout(0.3)(x))


def in_a_graph() -> Model:
    x = keras.Input((4,))
    return Model(x, Dense(3)(HalfGraph(*ends())(HalfStack([Dense(4)])(x))))


STEPS = {each.__name__: each for each in (HalfGraph, HalfStack, Share, HandsOn)}
STEPS |= {each.__name__: each for each in (MakesGraph, MakesStack)}
WITH_STEPS: dict[str, Callable[[], Model]] = {
    "graph": lambda: HalfGraph(*ends()),
    "stack": lambda: HalfStack([keras.Input((4,)), Dropout(0.3), Dense(3)], name="mine"),
    "more": lambda: Share(*ends(), share=0.25),
    "hands on": lambda: HandsOn([keras.Input((4,)), Dense(3)], share=0.25),
    "makes graph": lambda: MakesGraph(5),
    "makes stack": lambda: MakesStack(5),
    "nested": in_a_graph,
    "shared": lambda: HalfStack(
        [keras.Input((4,)), *two_of(Dense(4)), Dense(3)],
    ),
}


def two_of(layer: Any) -> list[Any]:
    return [HalfStack([keras.Input((4,)), layer]), HalfStack([keras.Input((4,)), layer])]


def kinds(model: Any) -> list[type]:
    found = [type(model)]
    for layer in model.layers:
        found += kinds(layer) if isinstance(layer, Model) else [type(layer)]
    return found


@pytest.mark.filterwarnings("ignore:.* called several times in")
@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
@pytest.mark.parametrize("name", WITH_STEPS)
def test_a_class_with_a_step_of_its_own_comes_back(name: str, ending: str, tmp_path: Path) -> None:
    set_random_seed(1)
    model = WITH_STEPS[name]()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(X, Y, verbose=0)
    path = tmp_path / f"model.{ending}"
    if ending == "h5" and name in ("nested", "shared"):
        with pytest.raises(ValueError, match="a model as a layer of another is not written as"):
            model.save(path)
        return
    model.save(path)
    again = load_model(path, custom_objects=STEPS)
    assert kinds(again) == kinds(model)
    assert again.name == model.name
    assert getattr(again, "share", None) == getattr(model, "share", None)
    losses = [each.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for each in (model, again)]
    assert losses[0] == losses[1]
    with pytest.raises(UnknownObjectError, match=r"is not part of tinynet: pass custom_objects="):
        load_model(path)


@pytest.mark.parametrize("name", WITH_STEPS)
def test_such_a_class_in_json_and_clones(name: str) -> None:
    model = WITH_STEPS[name]()
    with custom_object_scope(STEPS):
        again = [clone_model(model), model_from_json(model.to_json())]
    assert [kinds(each) for each in again] == [kinds(model)] * 2
    assert [each.count_params() for each in again] == [model.count_params()] * 2


def test_what_a_file_calls_a_model_has_to_be_one(tmp_path: Path) -> None:
    for ending in ("safetensors", "keras", "h5"):
        path = tmp_path / f"model.{ending}"
        HalfStack([keras.Input((4,)), Dense(3)]).save(path)
        for other in (dict, HalfGraph, len):
            with pytest.raises(ValueError, match="expected a subclass of Sequential, as in the"):
                load_model(path, custom_objects={"HalfStack": other})


# A model's own flag.


def a_graph() -> Model:
    x = keras.Input((4,))
    return Model(x, Dense(3)(Dense(4)(x)))


def with_flag(name: str) -> Model:
    """Return a model that does not learn, though its last layer would; or that has one inside."""
    flagged = {
        "stack": lambda: keras.Sequential([keras.Input((4,)), Dense(4), Dense(3)]),
        "waits": lambda: keras.Sequential([Dense(4), Dense(3)]),
        "graph": a_graph,
        "call": lambda: Net(4),
        "own": lambda: HalfGraph(*ends()),
    }[name.removeprefix("in ")]()
    flagged.build((None, 4))
    flagged.trainable = False
    flagged.layers[-1].trainable = True
    return keras.Sequential([keras.Input((4,)), flagged]) if name.startswith("in ") else flagged


def flags(model: Any) -> list[Any]:
    layers = [each for each in getattr(model, "layers", []) if each.weights]
    return [model.trainable, *(flag for layer in layers for flag in flags(layer))]


@pytest.mark.parametrize("within", ["", "in "])
@pytest.mark.parametrize("kind", ["stack", "waits", "graph", "call", "own"])
def test_the_flag_of_a_model_itself(kind: str, within: str, tmp_path: Path) -> None:
    model = with_flag(within + kind)
    model.save(tmp_path / "model.safetensors")
    with custom_object_scope(OBJECTS | STEPS):
        again = [load_model(tmp_path / "model.safetensors"), clone_model(model)]
        if kind not in ("stack", "waits"):  # of which Keras's form keeps it no more than Keras
            model.save(tmp_path / "model.keras")
            again += [load_model(tmp_path / "model.keras"), model_from_json(model.to_json())]
            if not within:
                model.save(tmp_path / "model.h5")
                again.append(load_model(tmp_path / "model.h5"))
    for each in again:
        assert flags(each) == flags(model)
    again[0].compile("sgd", "mse")
    before = again[0].get_weights()
    if not within:
        with pytest.warns(UserWarning, match="no weights that learn"):
            again[0].fit(X, Y, verbose=0)
        np.testing.assert_equal(again[0].get_weights()[-1], before[-1])


# Layers whose configs say less than a file needs.


class Terse(Dense):
    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}


class Drops(Dropout):
    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


TERSE = {"Terse": Terse, "Drops": Drops}


def terse(graph: bool) -> Model:
    set_random_seed(1)
    layers = [Terse(4, name="mine"), Drops(0.3, name="falls"), Terse(4, name="still"), Dense(3)]
    layers[2].trainable = False
    if not graph:
        return keras.Sequential([keras.Input((4,)), *layers])
    out = x = keras.Input((4,))
    for layer in layers:
        out = layer(out)
    return Model(x, out)


@pytest.mark.parametrize("ending", ["safetensors", "keras", "h5"])
@pytest.mark.parametrize("graph", [False, True])
def test_configs_without_names(graph: bool, ending: str, tmp_path: Path) -> None:
    model = terse(graph)
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    path = tmp_path / f"model.{ending}"
    model.save(path)
    again = load_model(path, custom_objects=TERSE)
    assert list(again.leaves) == list(model.leaves)
    assert flags(again) == flags(model)
    losses = [each.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for each in (model, again)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("graph", [False, True])
def test_clones_and_json_without_names(graph: bool) -> None:
    model = terse(graph)
    with custom_object_scope(TERSE):
        for again in (clone_model(model), model_from_json(model.to_json())):
            assert list(again.leaves) == list(model.leaves)
            assert flags(again) == flags(model)


def test_a_name_that_cannot_be_one(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    terse(False).save(path)
    path.write_bytes(path.read_bytes().replace(b'\\"mine\\"', b'\\"mi/e\\"'))
    with pytest.raises(ValueError, match="expected one that Keras accepts too"):
        load_model(path, custom_objects=TERSE)
