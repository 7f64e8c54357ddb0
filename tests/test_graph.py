"""Models that are graphs: what comes out, what flows back, copies, files, and what is refused.

The numbers of Keras are compared in parity_tests/test_graph.py.
"""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet
from tinynet import Input, InputLayer, Model, Sequential, activations, layers, models
from tinynet.gradcheck import gradcheck
from tinynet.kernels.registry import choose_form
from tinynet.layers import IN_GRAPHS, Add, Concatenate, Dense, Dropout, Flatten
from tinynet.layers.merging import Merge
from tinynet.models import clone_model, load_model
from tinynet.utils import set_random_seed

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 6))
Y = np.arange(20) % 3
LOSS = "sparse_categorical_crossentropy"


def branches() -> Model:
    """Two branches from one tensor, of which one meets the input once more."""
    x = Input((6,), name="x")
    low = Dense(5, activation="relu", name="low", kernel_regularizer="l2")(x)
    left = Dense(4, activation="tanh", name="left")(low)
    right = Dropout(0.4, name="right")(Dense(4, name="plain")(low))
    met = layers.Multiply(name="met")([left, right])
    out = Dense(3, activation="softmax", name="out")(Concatenate(name="side")([met, x]))
    return Model(x, out, name="branches")


def shared() -> Model:
    """One layer called three times, once on what it has made itself."""
    x = Input((6,), name="x")
    twice = Dense(6, activation="tanh", name="twice")
    met = Add(name="met")([twice(x), twice(twice(x)), x])
    return Model(x, Dense(3, activation="softmax", name="out")(met), name="shared")


def nested() -> Model:
    """A stack that is called twice, inside a graph that is called inside a graph."""
    encoder = Sequential(
        [Input((6,)), Dense(4, activation="relu", name="a"), Dropout(0.3, name="drop")],
        name="encoder",
    )
    x = Input((6,), name="inner_x")
    inner = Model(x, layers.Subtract(name="difference")([encoder(x), encoder(x)]), name="inner")
    begin = Input((6,), name="x")
    met = Add(name="met")([inner(Dense(6, name="first")(begin)), encoder(begin)])
    return Model(begin, Dense(3, activation="softmax", name="out")(met), name="nested")


def in_a_stack() -> Sequential:
    return Sequential([branches(), Dense(3, activation="softmax", name="last")], name="stack")


class OfMyOwn(Model):
    """Layers that are called in `call`."""

    def __init__(self, units: int = 5) -> None:
        super().__init__(name="of_my_own")
        self.flat = Flatten(name="flat")
        self.hidden = [Dense(units, activation="relu", name=f"hidden_{i}") for i in range(2)]
        self.drop = Dropout(0.3, name="drop")
        self.out = Dense(3, activation="softmax", name="out")

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.flat(x)
        for layer in self.hidden:
            x = layer(x)
        if training:
            x = self.drop(x, training=training)
        return self.out(x)


MODELS: dict[str, Callable[[], Model]] = {
    "branches": branches,
    "shared": shared,
    "nested": nested,
    "in a stack": in_a_stack,
    "of my own": OfMyOwn,
}
EVERY_MODEL = pytest.mark.parametrize("name", MODELS)


def made(name: str, **options: Any) -> Model:
    set_random_seed(3)
    model = MODELS[name]()
    model.compile("adam", LOSS, metrics=["accuracy"], **options)
    model.build((None, 6))
    return model


# What flows back.


@EVERY_MODEL
def test_gradients(kernel_form: str, name: str, float64: None) -> None:
    model = made(name)
    reports = gradcheck(model, X[:5], Y[:5], training=True)
    assert [report.name for report in reports] == ["x", *model.params]
    gradcheck(model, X[:5])  # from a random gradient at the output


MERGES = sorted(set(IN_GRAPHS) - {"InputLayer"})


@pytest.mark.parametrize("kind", MERGES)
@pytest.mark.parametrize("shapes", [[(3, 4), (3, 4)], [(2, 3, 2, 4)] * 2], ids=["rows", "images"])
def test_where_branches_meet(
    kernel_form: str, kind: str, shapes: list[tuple[int, ...]], float64: None
) -> None:
    layer, x = IN_GRAPHS[kind](), [RNG.normal(size=shape) for shape in shapes]
    out = layer(x)
    dout = RNG.normal(size=out.shape)
    dx = layer.backward(dout)
    for at, (each, claimed) in enumerate(zip(x, dx, strict=True)):
        for index in np.ndindex(each.shape):
            sides = []
            for h in (1e-6, -1e-6):
                moved = [one.copy() for one in x]
                moved[at][index] += h
                sides.append(np.sum(dout * layer(moved)))
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(claimed[index], abs=1e-8)


@pytest.mark.parametrize("kind", sorted(set(MERGES) - {"Concatenate", "Subtract"}))
def test_arrays_are_repeated_along_axes_of_size_1(kernel_form: str, kind: str) -> None:
    a, b, c = RNG.normal(size=(2, 1, 4)), RNG.normal(size=(2, 3, 1)), RNG.normal(size=(2, 3, 4))
    layer, whole = IN_GRAPHS[kind](), IN_GRAPHS[kind]()
    wide = [np.broadcast_to(each, c.shape) for each in (a, b, c)]
    np.testing.assert_array_equal(layer([a, b, c]), whole(wide))
    da, db, dc = layer.backward(c)
    wide_da, wide_db, wide_dc = whole.backward(c)
    np.testing.assert_allclose(da, wide_da.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(db, wide_db.sum(axis=2, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(dc, wide_dc)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_side_by_side(kernel_form: str, axis: int) -> None:
    shapes = [[2, 3, 4] for _ in range(3)]
    for i, shape in enumerate(shapes):
        shape[axis] = i + 1
    x = [RNG.normal(size=shape).astype("float32") for shape in shapes]
    layer = Concatenate(axis=axis)
    np.testing.assert_array_equal(layer(x), np.concatenate(x, axis))
    for each, dx in zip(x, layer.backward(np.concatenate(x, axis)), strict=True):
        np.testing.assert_array_equal(dx, each)


@pytest.mark.parametrize("kind", MERGES)
def test_a_function_joins_as_its_layer_does(kind: str) -> None:
    inputs, join = [Input((4,)), Input((4,))], getattr(layers, kind.lower())
    x = [RNG.normal(size=(2, 4)).astype("float32") for _ in inputs]
    np.testing.assert_array_equal(
        Model(inputs, join(inputs)).predict_on_batch(x), IN_GRAPHS[kind]()(x)
    )


# The step as a list of lines.


@pytest.mark.parametrize("frozen", [False, True], ids=["all learn", "one is frozen"])
@EVERY_MODEL
def test_lines_give_the_bits_of_the_layers(kernel_form: str, name: str, frozen: bool) -> None:
    runs = []
    for eagerly in (False, True):
        model = made(name, run_eagerly=eagerly)
        next(iter(model.leaves.values())).trainable = not frozen
        history = model.fit(X, Y, batch_size=8, epochs=3, validation_split=0.2, verbose=0).history
        runs.append((history, model.get_weights(), model.predict(X, verbose=0)))
    (lines, weights, out), (layers_, eager_weights, eager_out) = runs
    assert lines == layers_
    for one, other in zip([*weights, out], [*eager_weights, eager_out], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_class_of_my_own_is_written_down_unless_it_changes_the_step() -> None:
    class Otherwise(OfMyOwn):
        def train_step(self, batch: Any) -> None:
            seen.append(len(batch.x))
            super().train_step(batch)

    seen: list[int] = []
    set_random_seed(0)
    model = Otherwise()
    model.compile("sgd", LOSS)
    model.fit(X, Y, batch_size=5, epochs=2, verbose=0)
    assert seen == [5] * 8


class Doubled(layers.Layer):
    """A layer of the user's, which is not made of kernels."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.x = x
        return x * np.abs(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return 2 * dout * np.abs(self.x)


def test_a_shared_layer_of_the_users() -> None:
    runs = []
    for eagerly in (False, True):
        set_random_seed(0)
        x, layer = Input((6,)), Doubled()
        out = Dense(3, activation="softmax")(Add()([layer(x), layer(layer(x))]))
        model = Model(x, out)
        model.compile("sgd", LOSS, run_eagerly=eagerly)
        runs.append(model.fit(X, Y, batch_size=10, epochs=3, verbose=0).history["loss"])
    assert runs[0] == runs[1]


@given(data=st.data())
@settings(max_examples=25)
def test_graphs_that_nobody_thought_of(data: Any) -> None:
    """Layers on tensors drawn at random: derivative, lines against layers, a copy, a config."""
    choose_form("numpy")
    set_random_seed(data.draw(st.integers(0, 99)))
    x = Input((3,))
    tensors, old = [x], [Dense(3, activation="tanh")]
    for _ in range(data.draw(st.integers(1, 5))):
        kinds = ["Dense", "old", *(each for each in MERGES if each != "Concatenate"), "Concatenate"]
        kind = data.draw(st.sampled_from(kinds))
        some = data.draw(st.lists(st.sampled_from(tensors), min_size=2, max_size=2))
        if kind == "Dense":
            old.append(Dense(3, activation="tanh"))
        if kind in ("Dense", "old"):
            tensors.append(
                data.draw(st.sampled_from(old[-1:] if kind == "Dense" else old))(some[0])
            )
        elif kind == "Concatenate":
            tensors.append(Dense(3)(Concatenate()(some)))
        else:
            tensors.append(IN_GRAPHS[kind]()(some))
    model = Model(x, Dense(2, name="last")(tensors[-1]))
    model.compile("sgd", "mse")
    rows = np.random.default_rng(0).normal(size=(6, 3))
    clone, restored = copy.deepcopy(model), Model.from_config(model.get_config())
    restored.set_weights(model.get_weights())
    expected = model.predict(rows, verbose=0)
    for each in (clone, restored):
        np.testing.assert_array_equal(each.predict(rows, verbose=0), expected)
    clone.run_eagerly = True
    losses = [m.fit(rows, rows[:, :2], 2, 2, verbose=0).history for m in (model, clone)]
    assert losses[0] == losses[1]


def drawn_ends(choose: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    """Choose a graph with several outputs; return what makes it, compiled, with either library."""
    hidden = [
        (
            choose(["new", "old", "inside"]),
            choose([0, 1, 2]),  # which tensor, counted from the last one
            {
                "activation": choose(["tanh", "sigmoid", None]),
                "kernel_regularizer": choose([None, None, "l2"]),
                "activity_regularizer": choose([None, None, "l2"]),
                "trainable": choose([True, True, True, False]),
            },
            choose([True, False]),  # whether the unused output of a model is used
        )
        for _ in range(choose([1, 2, 3, 4]))
    ]
    ends = [(choose([0, 1, 2]), choose([None, 0.3])) for _ in range(choose([2, 3]))]
    losses = ["mse", *(choose(["mse", "mae", None]) for _ in ends[1:])]
    kind, options = choose(["AdamW", "SGD"]), {"weight_decay": choose([0.1, 0.5])}
    options |= choose([{}, {"global_clipnorm": 0.5}, {"gradient_accumulation_steps": 2}])
    options |= choose([{}, {"use_ema": True, "ema_overwrite_frequency": 2}])

    def make(library: Any) -> Any:
        build, begin = library.layers.Dense, library.Input((3,))
        tensors, old = [begin], [build(3)]
        y = library.Input((3,))
        low = build(3, activation="tanh")
        one, other = low(y), build(3)(low(low(y)))
        inner = library.Model(y, [one, other])
        for kind_, place, of_layer, both in hidden:
            x = tensors[-1 - place % len(tensors)]
            if kind_ == "new":
                old.append(build(3, **of_layer))
            if kind_ == "inside":
                tensors += inner(x)[: 1 + both]
            else:
                tensors.append(old[-1 if kind_ == "new" else place % len(old)](x))
        tops = []
        for place, limit in ends:
            rule = None if limit is None else library.constraints.MaxNorm(limit)
            tops.append(build(2, kernel_constraint=rule)(tensors[-1 - place % len(tensors)]))
        model = library.Model(begin, tops)
        model.compile(getattr(library.optimizers, kind)(0.05, **options), losses)
        return model

    return make


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@given(data=st.data(), form=st.sampled_from(["numpy", "numba"]))
@settings(max_examples=30, deadline=None)
def test_ends_that_nobody_thought_of(data: Any, form: str) -> None:
    """Outputs without a loss or a use, penalties, weight decay: lines and layers, bit for bit."""
    choose_form(form)
    make = drawn_ends(lambda some: data.draw(st.sampled_from(some)))
    rows, runs = np.random.default_rng(0).normal(size=(7, 3)), []
    for eagerly in (False, True):
        set_random_seed(1)
        model = make(tinynet)
        model.run_eagerly = eagerly
        y = [rows[:, :2]] * len(model.outputs)
        before = model.arrays
        kept = {key: before[key].copy() for key in model.unreached}
        losses = model.fit(rows, y, batch_size=3, epochs=3, verbose=0).history["loss"]
        for key, weight in kept.items():  # an average of equal numbers is rounded
            np.testing.assert_allclose(before[key], weight, rtol=1e-6)
        # The losses of single outputs are rounded in another way, as `compile` says.
        first = np.ravel(model.evaluate(rows, y, verbose=0))[0]
        runs.append([*model.get_weights(), losses, first])
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)


# What a graph shows.


def test_layers_and_shapes() -> None:
    model = branches()
    names = ["x", "low", "plain", "left", "right", "met", "side", "out"]
    assert [layer.name for layer in model.layers] == names
    assert model.input_shape == (None, 6) and model.output_shape == (None, 3)
    assert model.input.shape == (None, 6) and model.get_layer("side").output.shape == (None, 10)
    assert [each.shape for each in model.get_layer("side").input] == [(None, 4), (None, 6)]
    assert list(nested().arrays) == [
        "first/kernel",
        "first/bias",
        "inner/encoder/a/kernel",
        "inner/encoder/a/bias",
        "out/kernel",
        "out/bias",
    ]


def test_a_model_of_some_layers_of_another() -> None:
    model = made("branches")
    inside = Model(model.inputs, [layer.output for layer in model.layers[1:3]])
    low, plain = inside.predict(X, verbose=0)
    np.testing.assert_array_equal(low, model.layers[1](X))
    np.testing.assert_array_equal(plain, model.layers[2](low))
    stack = Sequential([Input((6,)), Dense(4), Dense(2)])
    upper = Model(stack.layers[1].input, stack.layers[1].output)
    np.testing.assert_array_equal(
        upper.predict(stack.layers[0](X), verbose=0), stack.predict(X, verbose=0)
    )


def test_the_weights_are_shared_with_the_model_they_come_from() -> None:
    model = made("branches")
    part = Model(model.input, model.get_layer("left").output)
    before = part.predict(X, verbose=0)
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(part.predict(X, verbose=0), before)


def test_a_layer_keeps_learning_where_it_is_taken_from_a_stack() -> None:
    stack = Sequential([Input((6,)), Dense(4, name="below"), Dense(2, name="top")])
    top = stack.pop()
    assert top._calls == [] and stack.outputs[0] is stack.layers[0].output
    stack.add(Dense(3))
    assert stack.output.shape == (None, 3)


# Copies and files.


@EVERY_MODEL
def test_copies_go_on_alike(name: str) -> None:
    model = made(name)
    model.fit(X, Y, verbose=0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    history = model.fit(X, Y, epochs=2, verbose=0).history
    for each in copies:
        assert each.fit(X, Y, epochs=2, verbose=0).history == history
        assert each.get_layer("out" if name != "in a stack" else "last").output.shape == (None, 3)


def test_models_that_share_a_layer_share_it_in_a_file_and_in_a_copy(tmp_path: Any) -> None:
    model = made("nested")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    in_another = clone_model(Sequential([Input((6,)), model])).get_layer("nested")
    for copied in (again, clone_model(model), in_another):
        assert copied.get_layer("inner").get_layer("encoder") is copied.get_layer("encoder")
        assert copied.count_params() == model.count_params()
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert again.fit(X, Y, epochs=2, verbose=0).history == history


@pytest.mark.filterwarnings("ignore:.* called several times in")
def test_a_layer_that_unbuilt_stacks_share(tmp_path: Any) -> None:
    both = Dense(6, name="both")
    stacks = [
        Sequential([Dense(6, name="first"), both], name="one"),
        Sequential([both, Dense(3, activation="softmax", name="last")], name="other"),
    ]
    model = Sequential(stacks)
    model.compile("adam", LOSS)
    model.fit(X, Y, verbose=0)
    for ending in ("safetensors", "keras"):
        model.save(tmp_path / f"model.{ending}")
        again = load_model(tmp_path / f"model.{ending}")
        assert again.layers[0].layers[1] is again.layers[1].layers[0]
        for own, expected in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(own, expected)


def test_keras_could_not_read_that_graphs_share_a_layer(tmp_path: Any) -> None:
    model = made("nested")
    with pytest.raises(ValueError, match=r"nested: inner and nested share encoder"):
        model.save(tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["branches", "shared", "in a stack"])
def test_saved_and_loaded(name: str, tmp_path: Any) -> None:
    model = made(name)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert loaded.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history
    model.save_weights(tmp_path / "weights.safetensors")
    loaded.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


# What is refused.


def two_inputs() -> None:
    a, b = Input((3,)), Input((3,))
    Model(a, Add()([a, b]))


def same_names() -> None:
    x = Input((3,))
    Model(x, Dense(2, name="twice")(Dense(2, name="twice")(x)))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (two_inputs, ValueError, "an Input that is not among the inputs"),
        (same_names, ValueError, "two layers are named twice"),
        (Model, TypeError, "expected the tensors where the model begins and ends"),
        (lambda: Model([], Input((3,))), ValueError, "inputs: expected at least one tensor"),
        (lambda: Model(Input((3,)), Dense(3)), TypeError, "call the layers on what Input returns"),
        (lambda: Input((3,)) + 1, TypeError, "no arithmetic with a KerasTensor"),
        (lambda: np.exp(Input((3,))), TypeError, "has a shape but no numbers"),
        (lambda: bool(Input((3,))), TypeError, "neither true nor not"),
        (lambda: Add()(Input((3,))), ValueError, "expected a list of inputs"),
        (lambda: layers.Subtract()([Input((3,))] * 3), ValueError, "a list of two inputs, got 3"),
        (
            lambda: Add()([Input((3,)), Input((4,))]),
            ValueError,
            "expected inputs of the same shape",
        ),
        (
            lambda: Add()([Input((3,)), Input((3, 2))]),
            ValueError,
            "expected inputs of the same shape",
        ),
        (lambda: Add()([Input((3,)), np.ones((1, 3))]), TypeError, "got ndarray among them"),
        (
            lambda: Concatenate(axis=1)([Input((3, 2)), Input((3, 3))]),
            ValueError,
            "differ along axis 1 only",
        ),
        (lambda: Concatenate(axis=0), ValueError, "expected an axis of the samples, got 0"),
        (lambda: Concatenate(axis=4)([Input((3,))] * 2), ValueError, "expected an axis of samples"),
        (lambda: Dense(3)(Input(())), ValueError, "expected a batch of vectors"),
        (lambda: Input((3,), sparse=True), TypeError, "sparse: not an argument of Input"),
        (lambda: Input((3,), batch_shape=(1, 3)), ValueError, "got both"),
        (lambda: Dense(3).output, AttributeError, "has no input and output yet"),
    ],
)
def test_refused(wrong: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        wrong()


def test_what_a_merge_says_of_itself() -> None:
    with pytest.raises(NotImplementedError):
        Merge().join(X, X)
    with pytest.raises(RuntimeError, match="forward has to come before"):
        Add().backward(X)


def test_an_input_layer_returns_what_it_is_given() -> None:
    layer = InputLayer((6,))
    assert layer(X).shape == X.shape and layer.backward(X) is X
    assert copy.deepcopy(layer).output.shape == (None, 6)


def test_nothing_of_writing_a_step_down_stays_in_a_shared_layer() -> None:
    """It would compute with the first model's weights in a copy of the model."""
    x, shared = Input((3,)), layers.Dense(3)
    model = Model(x, shared(shared(x)))
    batch = np.ones((8, 3), "f4")
    model.predict(batch, 2, verbose=0)  # written down at the first batch
    model.backward(np.ones((2, 3), "f4"))  # takes what was kept of each call
    assert not set(vars(shared)) & set(shared.computing)
    other = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    other.set_weights([0 * each for each in other.get_weights()])
    np.testing.assert_array_equal(other.forward(batch), np.zeros((8, 3)))


@pytest.mark.parametrize("graph", [False, True])
def test_an_input_of_integers(graph: bool, tmp_path: Any) -> None:
    """It loses fractions, and is one of integers in copies and files, too."""
    first, top = Input((6,), dtype="int32"), Dense(2)
    model: Any = Model(first, top(first)) if graph else Sequential([first, top])
    x = np.abs(X) + 1
    expected = x.astype(int) @ top.params["kernel"]
    model.save(tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), loaded):
        assert [tensor.dtype for tensor in each.inputs] == ["int32"]
        np.testing.assert_allclose(each.predict(x, verbose=0), expected, rtol=1e-5)
        np.testing.assert_allclose(each(x), expected, rtol=1e-5)
    assert models.clone_model(model).inputs[0].dtype == "int32"
    with pytest.raises(ValueError, match="expected 'float32' or 'float64', got 'complex64'"):
        Input((6,), dtype="complex64")


@pytest.mark.parametrize("kind", sorted(MERGES))
@pytest.mark.parametrize("rows", [1, 3])
def test_batches_of_other_sizes_are_refused(kind: str, rows: int) -> None:
    """By hand, too: compiled loops would write behind the end of an array."""
    layer = getattr(layers, kind)()
    with pytest.raises(ValueError, match=r"expected batches of the same size, got .*\(2, 4\), \("):
        layer([np.ones((2, 4)), np.ones((rows, 4))])


class Remembers(layers.Layer):
    """A layer of the user's that keeps things in a way of its own."""

    def __init__(self, factor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def forward(self, x: Any, training: bool = False) -> Any:
        setattr(self, "seen", x)  # noqa: B010
        return self.factor * x**2

    def backward(self, dout: Any) -> Any:
        return 2 * self.factor * vars(self)["seen"] * dout


@pytest.mark.parametrize("fits", [False, True])
def test_a_shared_layer_stays_as_it_is_set_after_its_calls(fits: bool) -> None:
    x = Input((3,))
    dense, dropout = layers.Dense(3, activation="tanh"), layers.Dropout(0.5, seed=1)
    relu, own = layers.ReLU(), Remembers(1.0)
    tanh = activations.get("tanh")
    model = Model(x, own(relu(dropout(dense(own(relu(dropout(dense(x)))))))))
    batch = np.ones((2, 3), "float32")
    if fits:
        model.compile("sgd", "mse")
        model.fit(batch, batch, epochs=3, verbose=0)
    else:
        model.forward(batch, training=True)
    dense.trainable, dropout.rate, relu.activation, own.factor = False, 0.25, tanh, 2.0
    dense.params = params = {key: each.copy() for key, each in dense.params.items()}
    model.backward(np.ones((2, 3), "float32"))
    assert (dense.trainable, dropout.rate, own.factor) == (False, 0.25, 2.0)
    assert relu.activation is tanh and dense.params is params


def test_what_a_shared_layer_of_the_users_keeps_of_each_call() -> None:
    x, own = Input((2,)), Remembers(1.0)
    model = Model(x, own(own(x)))
    model.forward(np.full((1, 2), 2, "float32"))  # x^4
    np.testing.assert_array_equal(model.backward(np.ones((1, 2), "float32")), [[32, 32]])
