"""Files in Keras's formats, without Keras: whole or not there, and never trusted."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tests.saved_models import X, Y, disturbed, equal_models, network
from tinynet import Input, Sequential, layers
from tinynet.callbacks import ModelCheckpoint
from tinynet.configurable import UnknownObjectError
from tinynet.interop.keras_files import architecture, layout
from tinynet.layers import BatchNormalization, Dense, Layer, LayerNormalization
from tinynet.models import clone_model, load_model, model_from_json

h5py = pytest.importorskip("h5py")

ENDINGS = ["keras", "h5"]


def trained() -> Sequential:
    model = disturbed()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(X, Y)
    return model


# Whole or not there.


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.weights.h5"])
def test_a_failure_in_the_middle_leaves_the_old_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    save = "save_weights" if "weights" in name else "save"
    getattr(network(Dense(2)), save)(path)
    content = path.read_bytes()

    def fail(*args: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        getattr(disturbed(), save)(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_if_it_has_to_be(tmp_path: Path) -> None:
    for name in ("model.keras", "model.h5", "model.safetensors"):
        trained().save(tmp_path / name)
        with pytest.raises(FileExistsError, match=rf"filepath: there is a file .*{name}"):
            network().save(tmp_path / name, overwrite=False)
    with pytest.raises(FileExistsError, match="overwrite is False"):
        network().save_weights(tmp_path / "model.safetensors", overwrite=False)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for name in ("gone.keras", "gone.h5", "gone.weights.h5"):
        with pytest.raises(FileNotFoundError, match=rf"filepath: there is no file .*{name}"):
            load_model(tmp_path / name)
        with pytest.raises(FileNotFoundError, match="filepath: there is no file"):
            network().load_weights(tmp_path / name)


WITHOUT_H5PY = """
import sys
sys.modules["h5py"] = None  # as if it were not installed
import tinynet
model = tinynet.Sequential([tinynet.Input((2,)), tinynet.layers.Dense(1)])
print(model.to_json()[:10])
for call in (model.save, model.save_weights, model.load_weights, tinynet.models.load_model):
    try:
        call("model.weights.h5")
    except ImportError as error:
        print(error)
model.save("model.safetensors")
"""


def test_without_h5py(tmp_path: Path) -> None:
    (tmp_path / "model.weights.h5").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_H5PY],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(tinynet.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    first, *errors = done.stdout.splitlines()
    assert first == '{"module":'
    assert len(errors) == 4
    assert all("pip install 'tinynet[keras-files]'" in each for each in errors)


# Weights.


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    one, other = trained(), disturbed()
    one.save_weights(path)
    other.load_weights(path)
    assert other.optimizer is None
    np.testing.assert_array_equal(other.predict(X, verbose=0), one.predict(X, verbose=0))
    for ending in ENDINGS:
        one.save(tmp_path / f"model.{ending}")
        third = disturbed()
        third.load_weights(tmp_path / f"model.{ending}")
        np.testing.assert_array_equal(third.predict(X, verbose=0), one.predict(X, verbose=0))
    with pytest.raises(ValueError, match=r"model\.weights\.h5: it holds weights alone"):
        load_model(path)


def test_the_optimizer_goes_back_too(tmp_path: Path) -> None:
    model = trained()
    model.optimizer.learning_rate = 0.25
    model.save_weights(tmp_path / "model.weights.h5")
    expected = [model.train_on_batch(X, Y) for _ in range(2)]
    model.optimizer.learning_rate = 0.5
    model.load_weights(tmp_path / "model.weights.h5")
    model.get_layer(index=2).seed_generator.state[1] = 1  # these are in no such file
    model.get_layer(index=3).seed_generator.state[1] = 1
    assert [model.train_on_batch(X, Y) for _ in range(2)] == expected


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.weights.h5"])
def test_weights_of_another_architecture(name: str, tmp_path: Path) -> None:
    model = trained()
    (model.save_weights if "weights" in name else model.save)(tmp_path / name)
    by_name = name.endswith("model.h5")
    for other, says in (
        (network(), "expected 2 weights and states, got 8" if by_name else "that the model lacks"),
        (
            network(Dense(7), BatchNormalization()),
            r"shape \(4, 7\) for dense\w*/kernel, got \(4, 6",
        ),
    ):
        before = other.get_weights()
        with pytest.raises(ValueError, match=rf"{name}: .*{says}.*the file of another model"):
            other.load_weights(tmp_path / name)
        for own, expected in zip(other.get_weights(), before, strict=True):
            np.testing.assert_array_equal(own, expected)
    tinynet.utils.clear_session()
    other = network(Dense(6), BatchNormalization(), Dense(2))
    with pytest.warns(UserWarning, match=rf"{name}: these layers keep the weights .*dense_1"):
        other.load_weights(tmp_path / name, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_checkpoints(ending: str, tmp_path: Path) -> None:
    path = str(tmp_path / "{epoch:02d}-{val_loss:.3f}.") + ending
    model = trained()
    alone = ending == "weights.h5"
    checkpoint = ModelCheckpoint(path, save_weights_only=alone)
    options = {"epochs": 2, "validation_split": 0.2, "verbose": 0}
    losses = model.fit(X, Y, callbacks=[checkpoint], **options).history["val_loss"]
    names = [f"{i + 1:02d}-{loss:.3f}.{ending}" for i, loss in enumerate(losses)]
    assert sorted(each.name for each in tmp_path.iterdir()) == names
    if alone:
        again = disturbed()
        again.load_weights(tmp_path / names[-1])
    else:
        again = load_model(tmp_path / names[-1])
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


# The user's own classes and functions, by name.


class Scaled(Layer):
    """A layer with a weight of its own."""

    def __init__(self, initializer: object = "ones", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initializer = tinynet.initializers.get(initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_weight("scale", input_shape, self.initializer)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.x = x
        return x * self.params["scale"]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        self.grads["scale"] = np.sum(dout * self.x, axis=0)
        return dout * self.params["scale"]


def fourth_power(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return np.mean(np.abs(y_true - y_pred) ** 4, axis=-1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_own_parts_by_name(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{ending}"
    model = network(Scaled(tinynet.initializers.Constant(0.5)))
    model.compile("sgd", fourth_power, metrics=[fourth_power])
    hot = np.eye(3)[Y]
    model.fit(X, hot, verbose=0)
    model.save(path)
    with pytest.raises(
        UnknownObjectError, match=rf"model\.{ending}: the layer 'Scaled' .*not part"
    ):
        load_model(path)
    own = {"Scaled": Scaled, "fourth_power": fourth_power}
    equal_models(model, load_model(path, custom_objects=own))
    with pytest.raises(UnknownObjectError, match=r"the loss 'fourth_power' .*compile=False reads"):
        load_model(path, custom_objects={"Scaled": Scaled})
    read = load_model(path, custom_objects={"Scaled": Scaled}, compile=False)
    assert read.optimizer is None


def test_a_function_of_ones_own_is_written_as_a_function(tmp_path: Path) -> None:
    model = network()
    model.compile("sgd", fourth_power, metrics=[fourth_power])
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        written = json.loads(file.read("config.json"))["compile_config"]
        assert set(file.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
    assert written["metrics"] == [written["loss"]]
    assert written["loss"]["class_name"] == "function"
    assert written["loss"]["config"] == "fourth_power"


# Models that are graphs.


def branched() -> tinynet.Model:
    start = Input((4,))
    inner = Sequential([Input((4,)), Dense(3), layers.Dropout(0.25), BatchNormalization()])
    shared = Dense(4)
    joined = layers.Add()([inner(shared(start)), inner(shared(shared(start)))])
    model = tinynet.Model(start, Dense(3, activation="softmax")(joined))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_graphs(tmp_path: Path) -> None:
    model = branched()
    model.train_on_batch(X, Y)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    equal_models(model, again)
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)
    with pytest.raises(ValueError, match=r"a model as a layer of another is not written as \.h5"):
        model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "model.weights.h5")
    other = branched()
    with pytest.warns(UserWarning, match="the memory of the optimizer stays as it is: the file"):
        other.load_weights(tmp_path / "model.weights.h5")  # as in Keras: this one has not begun
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    clone = clone_model(model)
    assert clone.get_config() == model.get_config()
    with pytest.raises(ValueError, match="clone_function: expected a Sequential"):
        clone_model(model, lambda layer: layer)


HISTORY = {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c["layers"][1]["inbound_nodes"][0]["args"].append(1), "called with .* is not"),
        (lambda c: c["layers"][1]["inbound_nodes"][0].update(kwargs={"mask": 1}), "called with"),
        (lambda c: c["layers"][1]["inbound_nodes"][0].update(args=[HISTORY]), "cannot be read"),
        (lambda c: c.update(output_layers=["gone", 0, 0]), "KeyError"),
        (lambda c: c.update(input_layers={"b": ["a", 0, 0]}), "under other keys than their names"),
        (lambda c: c["layers"][1]["config"].update(units=10**15), r"weight of shape \(4, 10{15}\)"),
        (lambda c: c["layers"][0]["config"].update(batch_shape=[None, 10**15]), "weight of shape"),
    ],
)
def test_graphs_that_are_none(change: Callable[[Any], object], match: str, tmp_path: Path) -> None:
    branched().save(tmp_path / "model.keras")
    packed(tmp_path / "model.keras", described(lambda config: change(config["config"])))
    with pytest.raises(ValueError, match=rf"model\.keras: .*{match}"):
        load_model(tmp_path / "model.keras")


def two_inputs() -> tinynet.Model:
    starts = [Input((3,), name=name) for name in ("a", "b")]
    return tinynet.Model(starts, Dense(1)(layers.Concatenate()(starts)))


def test_inputs_by_name() -> None:
    """Keras may write a dict of inputs, of which only their own names can be kept."""
    model = two_inputs()
    written = architecture.keras_form(model, with_parts=False)
    own = architecture.own_form(written)
    written["config"]["input_layers"] = {"b": ["b", 0, 0], "a": ["a", 0, 0]}
    assert architecture.own_form(written) == own
    written["config"]["input_layers"] = {"a": ["a", 0, 0], "other": ["b", 0, 0]}
    with pytest.raises(ValueError, match="under other keys than their names"):
        architecture.own_form(written)


def test_a_stack_that_has_no_layer_for_its_input() -> None:
    given = {"name": "s", "build_input_shape": [None, 4, 5], "layers": []}
    own = architecture.own_form({"class_name": "Sequential", "config": given})
    assert own["input_shape"] == [4, 5]


def test_where_keras_looks_for_weights() -> None:
    inner = Sequential([Dense(3)])
    start = Input((3,))
    graph = tinynet.Model(start, Dense(3)(start))
    model = Sequential([start, Dense(3), inner, graph, Dense(1)])
    assert [place for place, _ in layout.places(model)] == [
        "layers/dense",
        "layers/sequential",
        "layers/sequential/layers/dense",
        "layers/functional",
        "layers/functional/layers/input_layer",
        "layers/functional/layers/dense",
        "layers/dense_1",
    ]


# The architecture alone.


def test_json() -> None:
    model = trained()
    text = model.to_json(indent=1)
    assert json.loads(text)["config"]["layers"][1]["class_name"] == "Dense"
    again = model_from_json(text)
    assert again.get_config() == model.get_config()
    assert again.optimizer.learning_rate == model.optimizer.learning_rate
    assert again.optimizer.iterations == 0
    for wrong in ("[]", "{}", '{"class_name": "Bidirectional", "config": {}}'):
        with pytest.raises(ValueError, match="text: expected a Sequential or a Functional model"):
            model_from_json(wrong)
    for wrong in ("{", '{"class_name": "Sequential"}', "[" * 100_000):
        with pytest.raises(ValueError, match="text: "):
            model_from_json(wrong)


def test_clones() -> None:
    model = trained()
    clone = clone_model(model)
    assert clone.get_config() == model.get_config()
    assert clone.optimizer.iterations == 0
    assert clone.optimizer is not model.optimizer
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    fresh = clone_model(network(), lambda layer: Dense(3, name="other"))
    assert [layer.name for layer in fresh.layers] == ["other"]
    assert fresh.optimizer is None


def test_export_says_what_to_do() -> None:
    with pytest.raises(NotImplementedError, match=r"export: .*save the model as \.keras"):
        network().export("folder")


# Files that are not what they should be.


def written(folder: Path, name: str) -> tuple[Path, bytes]:
    tinynet.utils.clear_session()
    path = folder / name
    model = trained()
    (model.save_weights if "weights" in name else model.save)(path)
    return path, path.read_bytes()


def refuses(path: Path, match: str) -> None:
    """See that a file is an error that names it, and that a model does not change by it."""
    with pytest.raises(ValueError, match=match) as caught:
        load_model(path)
    assert path.name in str(caught.value)
    model = disturbed()
    before = model.get_weights()
    try:
        model.load_weights(path)
    except ValueError as error:
        assert path.name in str(error)  # noqa: PT017 (weights may still be read)
        for own, expected in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_truncated_files(name: str, share: float, tmp_path: Path) -> None:
    path, content = written(tmp_path, name)
    path.write_bytes(content[: int(len(content) * share)])
    refuses(path, "was it cut off in a copy")


@given(st.binary(max_size=200))
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("noise.keras", "noise.h5"):
        (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match=r"noise.*, or a damaged one"):
            load_model(folder / name)


def packed(path: Path, change: Callable[[dict[str, bytes]], object], **options: Any) -> None:
    """Write an archive again with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


ARCHIVES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "above": (lambda m: m.update({"../above.txt": b""}), r"'\.\./above.txt', which leads out"),
    "elsewhere": (lambda m: m.update({"/tmp/else.txt": b""}), "which leads out of its folder"),
    "backslash": (lambda m: m.update({"a\\..\\b": b""}), "which leads out of its folder"),
    "drive": (lambda m: m.update({"C:/else.txt": b""}), "which leads out of its folder"),
    "no config": (lambda m: m.pop("config.json"), "the archive has no config.json"),
    "no weights": (lambda m: m.pop("model.weights.h5"), "the archive has no model.weights.h5"),
    "npz": (lambda m: m.update({"model.weights.npz": b""}), "weights are in the form npz"),
    "no json": (lambda m: m.update({"config.json": b"{"}), "model.keras: "),
    "a list": (
        lambda m: m.update({"config.json": b"[1]"}),
        "expected a Sequential or a Functional model",
    ),
    "deep": (lambda m: m.update({"config.json": b"[" * 100_000}), "RecursionError"),
    "bytes": (lambda m: m.update({"config.json": b"\xff\xfe\xff"}), "model.keras: "),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(name: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.keras")
    change, match = ARCHIVES[name]
    packed(path, change)
    refuses(path, match)
    assert list(tmp_path.iterdir()) == [path]


def test_compressed_archives(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.keras")
    packed(path, lambda members: None)
    load_model(path)
    packed(path, lambda members: None, compression=zipfile.ZIP_DEFLATED)
    refuses(path, r"config.json is compressed; .*zip -0")


def test_an_archive_that_says_that_it_is_larger_than_it_is(tmp_path: Path) -> None:
    path, content = written(tmp_path, "model.keras")
    entry = content.rindex(b"PK\x01\x02")  # of the weights, the last in the directory
    size = (2**31).to_bytes(4, "little")
    path.write_bytes(content[: entry + 20] + size + size + content[entry + 28 :])
    refuses(path, rf"model.weights.h5 is said to have {2**31} bytes")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_a_name(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.keras")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    refuses(path, "two files of the same name")


KERNEL = "model_weights/dense/sequential/dense/kernel"


def with_link(link: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file[KERNEL] = link

    return change


def with_dataset(**options: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, **options)

    return change


def with_virtual(file: Any) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout(shape=(4, 6), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", shape=(4, 6))
    file.create_virtual_dataset(KERNEL, layout)


def with_cycle(file: Any) -> None:
    file["model_weights/dense/again"] = file["model_weights"]


def with_reference(file: Any) -> None:
    file["model_weights"].attrs["to"] = file["model_weights"].ref


def with_type(file: Any) -> None:
    file["model_weights/type"] = np.dtype("f4")


HDF5: dict[str, tuple[Callable[[Any], None], str]] = {
    "external link": (
        with_link(h5py.ExternalLink("other.h5", "/data")),
        "kernel is a ExternalLink",
    ),
    "soft link": (with_link(h5py.SoftLink("/model_weights")), "kernel is a SoftLink"),
    "the same twice": (lambda f: f.update(again=f[KERNEL]), "in the file under another name"),
    "a circle": (with_cycle, "in the file under another name"),
    "huge and empty": (
        with_dataset(shape=(10**9, 10**3), dtype="f4", chunks=(1000, 1000)),
        r"an array of shape \(1000000000, 1000\) has 4\d* bytes, the file \d* and of this array 0",
    ),
    "never written": (with_dataset(shape=(4, 6), dtype="f4"), "has 96 bytes, .* of this array 0"),
    "compressed": (
        with_dataset(data=np.zeros((4, 6), "f4"), compression="gzip"),
        "its numbers are compressed",
    ),
    "in another file": (
        with_dataset(shape=(4, 6), dtype="f4", external=[("other.bin", 0, 96)]),
        "said to be in another file",
    ),
    "virtual": (with_virtual, "said to be in another file"),
    "references": (
        with_dataset(shape=(4,), dtype=h5py.ref_dtype),
        "kernel: expected numbers, got the type object",
    ),
    "texts": (with_dataset(data=["a"]), "kernel: expected numbers, got the type object"),
    "nothing": (with_dataset(data=h5py.Empty("f4")), "kernel: expected numbers"),
    "a reference": (with_reference, "model_weights: expected texts in to, got the type object"),
    "a type": (with_type, "type is neither a group nor an array"),
    "other shape": (with_dataset(data=np.zeros((4, 7))), r"expected a weight of shape \(4, 6\)"),
    "no weight": (lambda f: f.pop(KERNEL), "cannot be read .KeyError"),
    "no names": (lambda f: f["model_weights"].attrs.pop("layer_names"), "the file has none"),
    "no config": (lambda f: f.attrs.pop("model_config"), "holds weights alone"),
}


@pytest.mark.parametrize("name", HDF5)
def test_hdf5(name: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.h5")
    (tmp_path / "other.bin").write_bytes(bytes(96))
    change, match = HDF5[name]
    with h5py.File(path, "a") as file:
        change(file)
    refuses(path, match)


def test_a_text_that_stands_in_a_list_many_times(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.h5")
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs.create("names", ["x" * 1_000_000] * 2, dtype=h5py.string_dtype())
        file.attrs.create("many", [""] * 2000, dtype=h5py.string_dtype())
    refuses(path, "2000 texts in many may be larger than the file")


# What a file says about the model.


def described(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    return apply


def layer(i: int, **changed: Any) -> Callable[[dict[str, bytes]], None]:
    """Change what is said about a layer."""
    return described(lambda config: config["config"]["layers"][i].update(changed))


def options(i: int, **changed: Any) -> Callable[[dict[str, bytes]], None]:
    """Change the options of a layer; that of the input is 0."""
    return described(lambda config: config["config"]["layers"][i]["config"].update(changed))


def compiled(**changed: Any) -> Callable[[dict[str, bytes]], None]:
    return described(lambda config: config["compile_config"].update(changed))


CODE = {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}
SYSTEM = {"module": "os", "class_name": "function", "config": "system", "registered_name": None}
OPENED = {
    "module": "keras.utils",
    "class_name": "get_file",
    "config": {"fname": "a", "origin": "file:///etc/passwd"},
    "registered_name": None,
}
LAMB = {"module": "keras.optimizers", "class_name": "Lamb", "config": {}}
CONFIGS: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "a huge layer": (options(1, units=10**15), r"dense: expected a weight of shape \(4, 10{15}\)"),
    "a huge input": (
        options(0, batch_shape=[None, 10**15]),
        r"expected a weight of shape \(10{15}, 6\)",
    ),
    "code": (options(1, activation=CODE), "never runs code from a file"),
    "code as a layer": (layer(1, **CODE, module="keras.layers"), "never runs code from a file"),
    "a lambda layer": (
        layer(1, class_name="Lambda", config={"name": "a", "function": CODE}),
        "a: function: the file holds a lambda, as code. tinynet never runs code",
    ),
    "a function of a module": (options(1, activation=SYSTEM), "'system' .*module os.* not part"),
    "a function as a loss": (compiled(loss=SYSTEM), "the loss 'system' .*os.* is not part"),
    "a function as a metric": (compiled(metrics=[SYSTEM]), "the metric 'system' .* is not part"),
    "a class of a module": (
        layer(1, module="subprocess", class_name="Popen", config={"args": "true", "name": "a"}),
        r"the layer 'Popen' \(of the module subprocess\) is not part of tinynet",
    ),
    "a download": (options(1, kernel_initializer=OPENED), "get_file is not in tinynet"),
    "a hidden class": (
        layer(1, module="keras.src.utils.file_utils", class_name="get_file", config={"name": "a"}),
        "get_file is not in tinynet, which has counterparts only of objects of Keras's own",
    ),
    "a part of tinynet": (
        layer(1, module="tinynet.files", class_name="write_atomically", config={"name": "a"}),
        "'write_atomically' .* is not part of tinynet",
    ),
    "no name": (described(lambda c: c["config"].pop("name")), "KeyError: 'name'"),
    "no layers": (described(lambda c: c["config"].pop("layers")), "KeyError: 'layers'"),
    "a layer of text": (described(lambda c: c["config"].update(layers=["Dense"])), "TypeError"),
    "units of text": (options(1, units="many"), "units: expected a positive integer, got 'many'"),
    "an unknown layer": (
        layer(1, class_name="LSTM"),
        "dense: LSTM is not in tinynet, which has Act",
    ),
    "an unknown option": (options(1, lora_rank=4), "dense: lora_rank=4 is not in tinynet, whose D"),
    "another type": (options(1, dtype="float16"), "dense: dtype='float16' is not in tinynet"),
    "two of a name": (
        described(lambda c: c["config"]["layers"].append(c["config"]["layers"][1])),
        "already has a layer 'dense'",
    ),
    "an unknown optimizer": (compiled(optimizer=LAMB), "optimizer: Lamb is not in tinynet"),
    "no loss": (compiled(loss=None), "compiled without a loss; read it with compile=False"),
    "loss weights": (compiled(loss_weights=[2, 3]), "loss_weights: expected 1 entries"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name: str, tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.keras")
    change, match = CONFIGS[name]
    packed(path, change)
    refuses(path, match)
    if "compile" in match or "loss" in match or "metric" in match or "optimizer" in match:
        assert load_model(path, compile=False).optimizer is None


def test_a_loss_that_is_a_function_of_keras(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "model.keras")
    before = load_model(path)
    function = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    packed(path, compiled(loss={**function, "config": "sparse_categorical_crossentropy"}))
    after = load_model(path)
    assert after.train_on_batch(X, Y) == before.train_on_batch(X, Y)


def test_safe_mode_cannot_be_left() -> None:
    with pytest.raises(ValueError, match="safe_mode: expected True, got False; tinynet never runs"):
        load_model("model.keras", safe_mode=False)


@given(st.data())
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_changed_byte_is_an_error_or_another_number(
    tmp_path_factory: pytest.TempPathFactory, name: str, draw: st.DataObject
) -> None:
    path, content = written(tmp_path_factory.mktemp("changed"), name)
    place = draw.draw(st.integers(0, len(content) - 1))
    path.write_bytes(
        content[:place] + draw.draw(st.binary(min_size=1, max_size=1)) + content[place + 1 :]
    )
    message = name
    try:
        load_model(path)
    except ValueError as error:
        message = str(error)
    assert name in message


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_graph_with_several_outputs(outputs: int, tmp_path: Path) -> None:
    start = Input((4,))
    ends = [Dense(n + 1)(start) for n in range(outputs)]
    model = tinynet.Model(start, ends if outputs > 1 else ends[0])
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_equal(again.predict(X), model.predict(X))


def test_a_part_that_was_built_before_the_whole(tmp_path: Path) -> None:
    """Keras writes such models, and for which shape each layer was built."""
    inner = Sequential([Input((4,)), Dense(2)], name="inner")
    model = Sequential([Input((4,)), Dense(4), inner])
    model.save(tmp_path / "model.keras")

    def without_input(config: dict[str, Any]) -> None:
        given = config["config"]
        del given["layers"][0]
        given.pop("build_input_shape", None)
        given["layers"][0]["build_config"] = {"input_shape": [None, 4]}

    packed(tmp_path / "model.keras", described(without_input))
    again = load_model(tmp_path / "model.keras")
    assert again.sample_shape is None
    again.build((None, 4))
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_for_which_there_is_no_layer_yet(tmp_path: Path) -> None:
    model = Sequential([Input((4,)), Dense(3)])
    model.save(tmp_path / "model.keras")

    def without_input(config: dict[str, Any]) -> None:
        del config["config"]["layers"][0]
        config["config"].pop("build_input_shape", None)
        config["config"]["layers"][0].pop("build_config", None)

    packed(tmp_path / "model.keras", described(without_input))
    with pytest.warns(UserWarning, match=r"model\.keras: the weights of dense are left out"):
        again = load_model(tmp_path / "model.keras")
    again.build((None, 4))
    assert len(again.get_weights()) == 2


def test_the_type_of_a_layer_of_ones_own(tmp_path: Path) -> None:
    """Keras writes a policy, a dict, in its place."""
    model = network(Scaled(tinynet.initializers.Constant(0.5)))
    model.save(tmp_path / "model.keras")
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}
    place = next(i for i, each in enumerate(model.layers, 1) if isinstance(each, Scaled))
    packed(tmp_path / "model.keras", options(place, dtype=policy))
    again = load_model(tmp_path / "model.keras", custom_objects={"Scaled": Scaled})
    assert again.layers[place - 1].dtype == "float32"


def test_the_order_of_slots() -> None:
    """Those of all weights under one name, then those under the next (keras/src/optimizers)."""
    rmsprop = tinynet.optimizers.RMSprop(momentum=0.9, centered=True)
    names = ["velocity", "momentum", "average_gradient"]
    expected = [(key, name) for name in names for key in "ab"]
    assert layout.slots_in_order(rmsprop, ["a", "b"]) == expected


def test_models_that_are_very_deep_in_each_other(tmp_path: Path) -> None:
    model: Any = Dense(2)
    for _ in range(21):
        model = Sequential([Input((2,)), model])
    for name in ("model.keras", "model.safetensors"):
        model.save(tmp_path / name)
        assert load_model(tmp_path / name).count_params() == 6
        (tmp_path / name).unlink()
    deeper = Sequential([Input((2,)), model])
    for name in ("model.keras", "model.safetensors"):
        with pytest.raises(ValueError, match="expected models that are at most 20 deep"):
            deeper.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    deeper.save_weights(tmp_path / "model.weights.h5")
    deeper.load_weights(tmp_path / "model.weights.h5")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinynet.saving.DEEPEST", 99)
        deeper.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"model\.keras: expected models that are 20 deep"):
        load_model(tmp_path / "model.keras")


class Odd(Layer):
    """Has a key in its config that models have, and a weight with a slash in its name."""

    def __init__(self, layers: Any = 3, **kwargs: Any) -> None:
        self.layers = layers
        super().__init__(**kwargs)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.params |= {"gate/kernel": np.ones(4, "f4"), "bias": np.zeros(4, "f4")}

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x * self.params["gate/kernel"]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layers": self.layers}


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.safetensors"])
def test_a_layer_of_ones_own_with_odd_names(name: str, tmp_path: Path) -> None:
    model = network(Odd(), Odd([8, 8]))
    model.layers[0].params["gate/kernel"][...] = 5
    model.save(tmp_path / name)
    again = load_model(tmp_path / name, custom_objects={"Odd": Odd})
    again.load_weights(tmp_path / name)
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def as_early_versions_wrote_it(path: Path) -> None:
    """Take away what Keras 3.3 did not write: what an input may be, and the names of layers."""

    def shorter(config: dict[str, Any]) -> None:
        for each in config["config"]["layers"]:
            if each["class_name"] == "InputLayer":
                del each["config"]["optional"]
            if each["class_name"] == "Sequential":
                shorter(each)

    def without_names(members: dict[str, bytes]) -> None:
        weights = io.BytesIO(members["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            file.visititems(lambda _, each: each.attrs.clear())
        members["model.weights.h5"] = weights.getvalue()

    packed(path, described(shorter))
    packed(path, without_names)


def test_files_of_early_versions(tmp_path: Path) -> None:
    inner = Sequential([Input((4,)), Dense(4), BatchNormalization(), Dense(4)])
    model = network(Dense(4), inner, Dense(4, name="last"))
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.train_on_batch(X, Y)
    path = tmp_path / "model.keras"
    model.save(path)
    as_early_versions_wrote_it(path)
    equal_models(model, load_model(path))
    packed(path, described(lambda config: config["compile_config"].update(optimizer="rmsprop")))
    assert isinstance(load_model(path).optimizer, tinynet.optimizers.RMSprop)
    model.set_weights([0 * each for each in model.get_weights()])
    model.load_weights(path)
    assert np.any(model.get_weights()[0])


def test_files_of_keras_2_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    network().save(path)

    def older(config: dict[str, Any]) -> None:
        begin = config["config"]["layers"][0]["config"]
        begin["batch_input_shape"] = begin.pop("batch_shape")

    packed(path, described(older))
    with pytest.raises(ValueError, match=r"model\.keras: input_layer\w*: .*as Keras 2 wrote it"):
        load_model(path)
    network().load_weights(path)  # as the message says


@pytest.mark.parametrize("ending", ["safetensors", "weights.h5"])
def test_weights_of_another_kind_of_layer(ending: str, tmp_path: Path) -> None:
    """As many numbers, of the same shapes."""
    path = tmp_path / f"model.{ending}"
    network(Dense(4), BatchNormalization()).save_weights(path)
    normed = network(Dense(4), LayerNormalization(), LayerNormalization())
    before = normed.get_weights()
    for warns in (False, True):
        if warns:
            with pytest.warns(UserWarning, match="these layers keep the weights"):
                normed.load_weights(path, skip_mismatch=True)
        else:
            with pytest.raises(ValueError, match=rf"model\.{ending}: .*skip_mismatch=True loads"):
                normed.load_weights(path)
        for own, expected in zip(normed.get_weights()[2:6], before[2:6], strict=True):
            np.testing.assert_array_equal(own, expected)


def test_as_many_arrays_but_of_other_layers(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    network(Dense(3, use_bias=False), Dense(3)).save_weights(path)
    other = network(Dense(3), Dense(3, use_bias=False))
    with pytest.raises(ValueError, match=r"expected a value for dense\w*/bias, got dense\w*/0; is"):
        other.load_weights(path)


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, -5), (0, 1e30), (0, np.nan), (1, -1.0), (1, np.nan), (1, 1e300)],
)
def test_an_optimizer_that_cannot_be_changes_nothing(
    place: int, value: float, tmp_path: Path
) -> None:
    path = tmp_path / "model.weights.h5"
    model = trained()
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file[f"optimizer/vars/{place}"]
        file[f"optimizer/vars/{place}"] = value
    model.train_on_batch(X, Y)
    before, steps = [each.copy() for each in model.get_weights()], model.optimizer.batches
    with pytest.raises(ValueError, match=r"model\.weights\.h5: (iteration|learning_rate): exp"):
        model.load_weights(path)
    assert model.optimizer.batches == steps
    for own, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, expected)


class Flagged(Layer):
    """Has truth values as its state."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.state["flags"] = np.array([True, False, True])

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


@pytest.mark.parametrize("ending", ["keras", "h5", "safetensors"])
def test_truth_values(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{ending}"
    network(Flagged()).save(path)
    flags = load_model(path, custom_objects={"Flagged": Flagged}).layers[0].state["flags"]
    assert flags.dtype == bool
    assert flags.tolist() == [True, False, True]


@pytest.mark.parametrize("ending", ["keras", "h5", "safetensors"])
def test_each_layer_that_is_read_takes_the_number_of_a_name(ending: str, tmp_path: Path) -> None:
    """As `from_config` does, and as in Keras (parity_tests/test_keras_files.py)."""
    path = tmp_path / f"model.{ending}"
    network(Dense(3), Dense(3)).save(path)
    tinynet.utils.clear_session()
    load_model(path)
    x = Input((3,))
    assert tinynet.Model(x, Dense(2)(x)).name == "functional_3"


def a_layer_before(kind: str) -> Any:
    """Return a model in which a layer comes before another model that has it, too."""
    shared = Dense(4, name="shared")
    if kind == "graphs":
        begin, start = Input((4,)), Input((4,))
        return tinynet.Model(start, tinynet.Model(begin, shared(begin))(shared(start)))
    inner = Sequential([Input((4,)), shared] if kind != "waits" else [shared])
    layers_of = [shared, inner] if kind != "behind" else [inner, shared]
    if kind == "two deep":
        layers_of = [shared, Sequential([Input((4,)), Dense(4), inner]), Dense(4), inner]
    return Sequential([Input((4,)), *layers_of])


@pytest.mark.filterwarnings("ignore:.* called several times in")
@pytest.mark.parametrize("ending", ["safetensors", "keras"])
@pytest.mark.parametrize("kind", ["stacks", "waits", "behind", "two deep", "graphs"])
def test_a_layer_that_comes_before_a_model_that_has_it(
    kind: str, ending: str, tmp_path: Path
) -> None:
    model = a_layer_before(kind)
    model.compile("adam", "mse")
    model.fit(X, X, verbose=0)
    if (kind, ending) == ("graphs", "keras"):
        with pytest.raises(ValueError, match="Keras reads that only if all of them are Sequential"):
            model.save(tmp_path / "model.keras")
        return
    model.save(tmp_path / f"model.{ending}")
    again = load_model(tmp_path / f"model.{ending}")
    assert [path for path, leaf in again.leaves.items() if leaf.params] == [
        path for path, leaf in model.leaves.items() if leaf.params
    ]
    losses = [each.fit(X, X, shuffle=False, epochs=2, verbose=0).history for each in (model, again)]
    assert losses[0] == losses[1]
    for leaf in again.leaves.values():  # its own again, for weights that are made later
        kernel = vars(leaf).get("kernel_initializer")
        assert kernel is None or type(kernel).__module__ == "tinynet.initializers"


def test_the_ends_of_graphs_in_files_of_before(tmp_path: Path) -> None:
    """Keras counts the call that a model has alone among those at the ends; tinynet did not."""
    path = tmp_path / "model.keras"
    for several in (False, True):
        begin, start = Input((4,)), Input((4,))
        inner = tinynet.Model(begin, Dense(4)(begin))
        first = inner(start)
        second = inner(Dense(4)(first))
        model = tinynet.Model(start, [first, second] if several else second)
        model.save(path)

        def older(config: dict[str, Any]) -> None:
            ends = config["config"]["output_layers"]
            for each in [ends] if isinstance(ends[0], str) else ends:
                each[1] -= 1

        expected = model.predict(X, verbose=0)
        for _ in range(2):
            again = load_model(path)
            np.testing.assert_array_equal(again.predict(X, verbose=0), expected)
            packed(path, described(older))


@pytest.mark.parametrize("ending", ["safetensors", *ENDINGS])
def test_steps_per_execution(ending: str, tmp_path: Path) -> None:
    model = network()
    model.compile("sgd", "mse", steps_per_execution=2)
    model.save(tmp_path / f"model.{ending}")
    assert load_model(tmp_path / f"model.{ending}").steps_per_execution == 2
    assert clone_model(model).steps_per_execution == 2
