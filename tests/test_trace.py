"""A trace holds the numbers of a real step, leaves the model alone, and makes a page of its own."""

import copy
import html
import json
import random as python_random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from parity_tests.layer_cases import CASES
from tinynet import config, layers, optimizers, utils
from tinynet.arrays import Array
from tinynet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input
from tinynet.models import Sequential
from tinynet.tracing import Trace, page, recording, trace

LABELS = "sparse_categorical_crossentropy"
MB = 2**20


def vectors(n: int = 4, k: int = 5) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, k)), rng.integers(3, size=n)


def small(*more: layers.Layer, optimizer: Any = "adam", loss: Any = LABELS) -> Sequential:
    utils.set_random_seed(5)
    inner = [Dense(8, activation="relu", name="hidden"), *more]
    model = Sequential([Input((5,)), *inner, Dense(3, activation="softmax", name="top")])
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def full_network() -> Sequential:
    """The network of the example for Fashion-MNIST."""
    inner = [
        each
        for units in (256, 128, 64)
        for each in (Dense(units, activation="relu"), BatchNormalization(), Dropout(0.3))
    ]
    model = Sequential([Input((784,)), *inner, Dense(10, activation="softmax")])
    model.compile("adam", LABELS)
    return model


def convolutional() -> Sequential:
    inner = [Conv2D(4, 3, activation="relu", name="conv"), layers.MaxPooling2D(name="pool")]
    model = Sequential([Input((12, 12, 1)), *inner, Flatten(), Dense(3, activation="softmax")])
    model.compile("adam", LABELS)
    return model


class Scale(layers.Layer):
    """A layer of the user's: its methods are lines of Python."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.params["factor"] = np.full(input_shape, 2.0, self.dtype)
        self.grads["factor"] = np.zeros(input_shape, self.dtype)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        return x * self.params["factor"]

    def backward(self, dout: Array) -> Array:
        self.grads["factor"] = np.sum(dout * self.x, axis=0)
        return dout * self.params["factor"]


class Scripts(HTMLParser):
    """Counts the elements of a page, and collects what is in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def content(text: str) -> dict[str, Any]:
    """Return what the page knows."""
    found: dict[str, Any] = json.loads(Scripts(text).scripts[0], parse_constant=no_constant)
    return found


def everything(model: Sequential) -> dict[str, Any]:
    """Return all that training would change."""
    assert model.optimizer is not None
    found: dict[str, Any] = {name: each.copy() for name, each in model.arrays.items()}
    found |= {f"d {name}": each.copy() for name, each in model.grads.items()}
    found |= {name: each.copy() for name, each in model.optimizer.get_state().items()}
    for layer in model.layers:
        if layer.seed_generator is not None:
            found[f"{layer.name} seed"] = layer.seed_generator.state.copy()
    return found


def test_the_numbers_are_those_of_a_real_step(kernel_form: str) -> None:
    model = small(BatchNormalization(name="norm"), Dropout(0.4, name="drop"))
    x, y = vectors()
    found = trace(model, x, y)
    loss, _ = model.train_on_batch(x, y)
    assert found.loss == loss
    hidden, norm, drop, top = model.layers
    kept = {
        "hidden.logits": hidden.logits,
        "hidden.out": hidden.out,
        "drop.u": drop.u,
        "top.logits": top.logits,
        "top.out": top.out,
        "hidden.dz": hidden.dz,
        "norm.inv_std": norm.inv_std,
    }
    assert model.optimizer is not None
    for name, slots in model.optimizer.slots.items():
        for slot, values in slots.items():
            kept[f"{slot} {name}"] = values.reshape(model.params[name].shape)
    kept |= {**model.arrays, **{f"d {name}": each for name, each in model.grads.items()}}
    for name, values in kept.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_the_second_step_and_weights_of_samples() -> None:
    model = small(optimizer=optimizers.SGD(0.1, momentum=0.9))
    x, y = vectors()
    model.fit(x, y, epochs=2, verbose=0)
    weights = np.array([0.0, 1.0, 2.0, 0.5])
    found = trace(model, x, y, sample_weight=weights)
    assert found.loss == model.train_on_batch(x, y, sample_weight=weights)[0]
    np.testing.assert_array_equal(found["hidden/kernel"], model.params["hidden/kernel"])


def test_the_lines_are_those_of_a_step(kernel_form: str) -> None:
    model = small()
    found = trace(model, *vectors())
    assert [line.title for line in found.lines] == [line.title for line in model.step(4).lines]
    assert [line.number for line in found.lines] == list(range(1, len(found.lines) + 1))
    product = found.lines[3]
    assert (product.part, product.section) == ("hidden", "forward")
    assert product.call == "product(x, hidden/kernel)"
    assert [array.shape for array in (*product.reads, *product.writes)] == [(4, 5), (5, 8), (4, 8)]
    assert product.seconds > 0
    sections = [line.section for line in found.lines]
    assert list(dict.fromkeys(sections)) == list(recording.SECTIONS)
    by_title = {line.title: line.section for line in found.lines}
    assert by_title["softmax"] == "forward"
    assert by_title["weighted_sum"] == "loss"
    assert by_title["sparse_softmax_cross_entropy_backward"] == "backward"
    assert by_title["column_sum"] == "backward"
    assert by_title["adam"] == by_title["add_hits"] == "update"


def test_what_is_updated_has_its_numbers_from_before() -> None:
    model = small(optimizer=optimizers.SGD(0.5))
    before = model.params["top/kernel"].copy()
    found = trace(model, *vectors())
    (line,) = [each for each in found.lines if each.call.startswith("sgd(d top/kernel")]
    (array,) = line.writes
    assert array.before is not None
    np.testing.assert_array_equal(array.before, before)
    np.testing.assert_array_equal(array.values, before - np.float32(0.5) * found["d top/kernel"])
    product = next(each for each in found.lines if each.title == "product")
    assert [each.before for each in product.writes] == [None]


ALL_LAYERS = [
    (text, shape) for cases in CASES.values() for text, shape in cases if "Input" not in text
]


@pytest.mark.parametrize(("text", "shape"), ALL_LAYERS, ids=[text for text, _ in ALL_LAYERS])
def test_every_layer(text: str, shape: tuple[int, ...]) -> None:
    config.use_kernels("numpy")
    x = np.random.default_rng(2).normal(size=(3, *shape[1:]))
    layer = eval(text, {"keras": tinynet, "np": np})
    # Outside of training, images are not cropped.
    flat = layers.GlobalAveragePooling2D() if "RandomCrop" in text else Flatten()
    model = Sequential([Input(shape[1:]), Dense(shape[-1]), layer, flat, Dense(3)])
    model.compile("sgd", "mse")
    y = x.reshape(3, -1)[:, :3]
    found = trace(model, x, y)
    assert found.loss == model.train_on_batch(x, y)
    for name, values in {**model.arrays, **{f"d {k}": g for k, g in model.grads.items()}}.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert len(content(page.page(found))["lines"]) == len(found.lines)


def test_a_page_opens_at_the_last_line_that_writes_an_array() -> None:
    layer = Dense(2, name="top", kernel_regularizer="l2")
    model = Sequential([Input((3,)), layer])
    model.compile("sgd", "mse")
    found = trace(model, np.ones((2, 3)), np.ones((2, 2)))
    first = found.lines[content(page.page(found))["first"]]
    assert (first.title, first.section) == ("product", "forward")
    at = content(page.page(found, "d top/kernel"))["first"]
    assert "penalty" in found.lines[at].title  # after the product, which writes it first
    with pytest.raises(ValueError, match="an array that a line writes, got 'top'"):
        page.page(found, "top")


OPTIMIZERS: list[Any] = [
    optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    optimizers.RMSprop(optimizers.schedules.CosineDecay(0.1, 20), momentum=0.8, centered=True),
    optimizers.Adam(0.01, amsgrad=True, clipnorm=0.1),
    optimizers.AdamW(0.01),
    optimizers.Nadam(global_clipnorm=0.1),
    optimizers.Adagrad(clipvalue=1e-3),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda each: type(each).__name__)
def test_every_optimizer(optimizer: Any, kernel_form: str) -> None:
    model = small(optimizer=copy.deepcopy(optimizer))
    x, y = vectors()
    for _ in range(2):
        found = trace(model, x, y)
        model.train_on_batch(x, y)
    slots = {
        f"{slot} {name}": values.reshape(model.params[name].shape)
        for name, each in model.optimizer.slots.items()
        for slot, values in each.items()
    }
    for name, values in {**model.params, **slots}.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_statistics() -> None:
    found = trace(small(), *vectors())
    (relu,) = [each for each in found.lines if each.title == "relu"]
    (out,) = relu.writes
    assert out.minimum == out.values.min() == 0
    assert out.maximum == out.values.max()
    assert out.mean == pytest.approx(out.values.mean())
    assert out.zeros == np.mean(out.values == 0) > 0


def test_the_model_is_left_alone() -> None:
    model = small(BatchNormalization(), Dropout(0.4))
    x, y = vectors()
    model.fit(x, y, verbose=0)
    before, x_before = everything(model), x.copy()
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    page.page(trace(model, x, y))
    after = everything(model)
    assert list(after) == list(before)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert python_random.getstate() == python_state
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state[1])
    np.testing.assert_array_equal(x, x_before)


def test_a_model_without_weights_gets_those_that_it_would_get() -> None:
    utils.set_random_seed(3)
    model = Sequential([Dense(4, activation="tanh", name="hidden"), Dense(2, name="top")])
    model.compile("sgd", "mse")
    x, y = np.ones((3, 5)), np.zeros((3, 2))
    found = trace(model, x, y)
    assert not model.built
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(found["hidden/kernel"], model.params["hidden/kernel"])


def test_a_frozen_layer_is_not_updated() -> None:
    model = small()
    model.layers[0].trainable = False
    model.compile("sgd", LABELS)
    found = trace(model, *vectors())
    assert [each.call for each in found.lines if each.title == "sgd"] == [
        "sgd(d top/kernel, learning_rate)",
        "sgd(d top/bias, learning_rate)",
    ]


def test_a_layer_of_the_users(kernel_form: str) -> None:
    model = small(Scale(name="scale"))
    x, y = vectors()
    found = trace(model, x, y)
    up, down = [line for line in found.lines if line.title.startswith("python Scale.")]
    assert (up.section, down.section) == ("forward", "backward")
    assert [array.name for array in up.writes] == ["scale.out"]
    assert {array.name for array in down.writes} == {"scale.dx", "d scale/factor"}
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(found["d scale/factor"], model.grads["scale/factor"])
    np.testing.assert_array_equal(found["scale/factor"], model.params["scale/factor"])
    names = {each["name"] for each in content(page.page(found))["arrays"]}
    assert {"scale.out", "d scale/factor"} <= names


def test_a_loss_and_an_optimizer_of_the_users() -> None:
    class Signs(optimizers.Optimizer):
        def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
            w -= learning_rate * np.sign(g)

    model = small(optimizer=Signs(0.1), loss=lambda y, p: np.mean((y - p) ** 4, axis=-1))
    x, labels = vectors()
    y = utils.to_categorical(labels, 3)
    found = trace(model, x, y)
    assert found.loss == model.train_on_batch(x, y)[0]
    np.testing.assert_array_equal(found["top/kernel"], model.params["top/kernel"])
    content(page.page(found))


def test_the_table() -> None:
    found = trace(full_network(), np.random.default_rng(0).random((4, 784)), np.arange(4))
    rows = str(found).split("\n")
    assert rows[0].startswith("one step of sequential with 4 samples: 66 lines, loss ")
    assert max(map(len, rows)) <= 100
    assert [row for row in rows if row in recording.SECTIONS] == list(recording.SECTIONS)
    for line in found.lines:
        assert sum(row.startswith(f"{line.number:3}  {line.title}") for row in rows) == 1
    assert any("+> batch_normalization/moving_variance (256,)" in row for row in rows)


def test_the_page_of_the_full_network() -> None:
    x = np.random.default_rng(0).random((4, 784))
    text = page.page(trace(full_network(), x, np.arange(4)))
    assert len(text.encode()) <= 5 * MB
    found = content(text)
    assert len(found["lines"]) == 66
    for array in found["arrays"]:
        _, rows, columns = array["sizes"]
        down, across = array["block"]
        cells = array["tiles"] * -(-rows // down) * -(-columns // across)
        assert len(array["at"]) == cells
        assert len(array.get("means", array["at"])) == cells
        assert -(-rows // down) <= 32 and -(-columns // across) <= 32
    assert found["random"]
    by_name = {each["name"]: each for each in found["arrays"]}
    assert by_name["x"]["shape"] == [4, 784]
    assert by_name["x"]["laid"] == [4, 28, 28]  # a picture for each sample
    assert by_name["dense/kernel"]["laid"] == [784, 256]


def test_the_page_of_a_convolutional_network(kernel_form: str) -> None:
    x = np.random.default_rng(0).random((4, 12, 12, 1))
    found = content(page.page(trace(convolutional(), x, np.arange(4) % 3)))
    by_name = {each["name"]: each for each in found["arrays"]}
    assert by_name["x"]["grids"] == [[0, 3], [1], [2]]  # a grid for each image and channel
    assert by_name["conv/kernel"]["grids"] == [[2, 3], [0], [1]]
    assert by_name["conv.out"]["sizes"] == [16, 10, 10]
    assert by_name["conv.out"]["tiles"] == page.TILES
    assert not found["random"]


def test_cells_are_means_and_the_middle_is_as_it_is() -> None:
    values = np.random.default_rng(0).normal(size=(70, 33))
    means, middle, places = page._cells(values, page.shown(values.shape))
    assert means.shape == middle.shape == (1, 24, 17)  # blocks of 3 and 2
    np.testing.assert_allclose(means[0, 0, 0], values[:3, :2].mean())
    np.testing.assert_allclose(means[0, -1, -1], values[69:, 32:].mean())
    assert middle[0, 1, 2] == values[4, 5]
    np.testing.assert_array_equal(values.reshape(-1)[places], middle)


def test_long_sums_have_their_largest_terms() -> None:
    found = trace(full_network(), np.random.default_rng(0).random((4, 784)), np.arange(4))
    known = content(page.page(found))
    sums = [line for line in known["lines"] if "terms" in line]
    assert {"product", "column_sum"} >= {line["title"] for line in sums} >= {"product"}
    first = found.lines[3]
    a, b = (each.values.astype(np.float64) for each in first.reads)
    terms = known["lines"][3]["terms"]
    n, blocks = terms["n"], page.middles(256, 8)
    for place in (0, 40, 127):
        i, j = divmod(place, len(blocks))
        each = a[i] * b[:, blocks[j]]
        largest = np.argsort(-np.abs(each))[:n]
        cell = slice(place * n, (place + 1) * n)
        kept = np.array(terms["a"][cell]) * np.array(terms["b"][cell])
        np.testing.assert_allclose(kept, each[largest], rtol=1e-3)


def test_numbers_that_are_not_finite_are_still_json() -> None:
    model = small(optimizer=optimizers.SGD(1.0))
    model.layers[0].params["bias"][0] = np.nan
    model.layers[0].params["bias"][1] = np.inf
    with np.errstate(all="ignore"):
        text = page.page(trace(model, *vectors()))
    at = [value for array in content(text)["arrays"] for value in array["at"]]
    assert "NaN" in at and "Infinity" in at


@pytest.mark.parametrize("more", [(), (Dropout(0.4),), (BatchNormalization(),)])
def test_nudges_agree_with_the_gradients(more: tuple[layers.Layer, ...]) -> None:
    model = small(*more)
    x, y = vectors()
    found = list(page._nudges(model, trace(model, x, y).batch))
    assert len(found) == sum(each.size for each in model.params.values())
    for name, place, value, gradient, slope in found:
        assert value == model.params[name].reshape(-1)[place]
        assert slope == pytest.approx(gradient, rel=1e-5, abs=1e-8), name
    if not more:  # no other random numbers in float64
        gradients = {name: trace(model, x, y)[f"d {name}"].reshape(-1) for name in model.params}
        for name, place, _, gradient, _ in found:
            assert gradients[name][place] == pytest.approx(gradient, rel=1e-4, abs=1e-6)


def test_a_large_model_has_a_few_nudges_where_one_can_point() -> None:
    found = trace(full_network(), np.random.default_rng(0).random((4, 784)), np.arange(4))
    nudges = list(page._nudges(found.model, found.batch))
    assert 0 < len(nudges) <= page.NUDGED
    assert {name for name, *_ in nudges} == set(found.model.params)
    for name, place, *_ in nudges:
        weights = found.model.params[name]
        _, _, places = page._cells(weights, page.shown(weights.shape))
        assert place in places


def test_the_page_is_complete_and_alone(tmp_path: Path) -> None:
    found = trace(small(), *vectors())
    path = tmp_path / "step.html"
    found.to_html(path)
    text = path.read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["step.html"]
    assert not re.findall(r"https?://|//\w+\.\w+/|@import|url\(", text)
    assert not re.findall(r"{{[A-Z]+}}", text)
    tags = Scripts(text).tags
    assert tags.count("script") == 2
    assert not {"iframe", "img", "object"} & set(tags)
    assert tags.count("link") == 1  # the icon: none, so that nobody asks for one
    assert '<link rel="icon" href="data:,">' in text
    assert "default-src 'none'" in text


def test_names_cannot_break_out_of_the_page() -> None:
    model = small()
    model.layers[0].name = "</script><b>{{SCRIPT}}"
    model.name = "<i>&\"'"
    found = trace(model, *vectors())
    text = page.page(found)
    tags = Scripts(text).tags
    assert tags.count("script") == 2
    assert not {"b", "i"} & set(tags)
    assert content(text)["model"] == model.name
    assert any(each["name"].startswith("</script><b>") for each in content(text)["arrays"])
    frame = found._repr_html_()
    assert Scripts(frame).tags == ["iframe"]
    assert html.escape(text, quote=True) in frame


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    found = trace(small(), *vectors())
    with pytest.raises(OSError, match="nowhere"):
        found.to_html(tmp_path / "nowhere" / "step.html")
    assert list(tmp_path.iterdir()) == []


def test_it_can_be_reached_from_the_package() -> None:
    assert tinynet.trace is trace
    assert tinynet.tracing.Trace is Trace


def test_errors_come_before_anything_is_changed() -> None:
    x, y = vectors()
    model = Sequential([Dense(3, activation="softmax")])
    with pytest.raises(RuntimeError, match="not compiled"):
        trace(model, x, y)
    with pytest.raises(TypeError, match="model: expected a model, got <Dense"):
        trace(Dense(3), x, y)
    model = small()
    with pytest.raises(ValueError, match="x: expected samples of shape"):
        trace(model, x[:, :4], y)
    with pytest.raises(ValueError, match="same length"):
        trace(model, x, y[:3])
    with pytest.raises(ValueError, match="y: expected targets"):
        trace(model, x, None)
    with pytest.raises(ValueError, match="sample_weight"):
        trace(model, x, y, sample_weight=np.ones((4, 2)))
    with pytest.raises(ValueError, match="x: expected at most 64 samples, got 65"):
        trace(model, np.ones((65, 5)), np.zeros(65, int))
    with pytest.raises(KeyError, match="nothing"):
        trace(model, x, y)["nothing"]


def test_float64(float64: None) -> None:
    assert config.floatx() == "float64"
    found = trace(small(), *vectors())
    assert found["hidden.logits"].dtype == np.float64
