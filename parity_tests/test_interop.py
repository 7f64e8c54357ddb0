"""Models that move between libraries: nothing is lost, and training continues unchanged."""

import random as python_random
import re

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import expect_same, make, make_both, use_floatx
from parity_tests.elsewhere import tolerance
from parity_tests.interop_models import (
    BETAS,
    LOSSES,
    OPTIMIZERS,
    TARGETS,
    TEXTS,
    X,
    Y,
    compiled,
    drawn_seeds,
    equal_keras_models,
    stack,
    targets_for,
)
from parity_tests.terms import of_training
from tests.saved_models import equal_models
from tinynet.interop import configs, from_keras, to_keras

CASES = {"interop.to_keras": TEXTS, "interop.from_keras": TEXTS}
# In float32 too: what Keras stores as float32 while tinynet has Python numbers.
ROUNDED = ["dense", *OPTIMIZERS]
FLAT = [
    *(pytest.param(text, "float64", id=f"{part}-float64") for part, text in TEXTS.items()),
    *(pytest.param(TEXTS[part], "float32", id=f"{part}-float32") for part in ROUNDED),
]


def test_every_class_has_a_case():
    texts = " ".join(TEXTS.values())
    missing = [cls.__name__ for cls in configs.MODULES if f".{cls.__name__}(" not in texts]
    # Those of graphs move as files: see test_keras_files.py. Two wrap a function: see
    # test_interop_refusals.py. Mean and Sum alone are no metrics of targets and predictions.
    of_graphs = [name for name in tinynet.layers.IN_GRAPHS if name != "InputLayer"]
    assert sorted(missing) == sorted([*of_graphs, "Lambda", "Mean", "MeanMetricWrapper", "Sum"])


# To the other library and back.


@pytest.mark.filterwarnings("ignore:.* from_logits=True, and the predictions come from")
@pytest.mark.parametrize(("text", "floatx"), FLAT)
def test_a_model_of_tinynet_is_the_same_after_a_journey(text, floatx):
    use_floatx(floatx)
    tinynet.utils.set_random_seed(7)
    own = make(text, tinynet, compiled=compiled)
    for _ in range(2):
        own.train_on_batch(X, targets_for(text))
    if "Nadam" in text and floatx == "float32":
        own.optimizer.u_product = float(np.float32(own.optimizer.u_product))  # Keras rounds it
    again = from_keras(to_keras(own))
    equal_models(own, again)
    assert drawn_seeds(again) == drawn_seeds(own)
    expect_same("interop.to_keras", pairs(own.arrays, again.arrays), tolerance=0, case=text)


@pytest.mark.parametrize(("text", "floatx"), FLAT)
def test_a_model_of_keras_is_the_same_after_a_journey(text, floatx):
    use_floatx(floatx)
    own, theirs = make_both(text, compiled=compiled)
    theirs.set_weights([each + 1 for each in own.get_weights()])
    if "optimizer=" in text:
        theirs.run_eagerly = True
        theirs.train_on_batch(X, targets_for(text))
    again = to_keras(from_keras(theirs))
    equal_keras_models(theirs, again)
    arrays = [{v.path: v.numpy() for v in model.weights} for model in (theirs, again)]
    expect_same("interop.from_keras", pairs(*arrays), tolerance=0, case=text)


def pairs(one, other):
    assert list(one) == list(other)
    return {name: (one[name], other[name]) for name in one}


# Training continues.

# A bias before batch norm would get only rounding errors as its gradient, and Adam enlarges them.
DISTURBED = (
    "keras.layers.Dense(6, use_bias=False), keras.layers.BatchNormalization(momentum=0.9), "
    "keras.layers.Activation('tanh'), keras.layers.Dropout(0.2), keras.layers.GaussianNoise(0.1), "
    "keras.layers.Dense(5, activation='elu', kernel_regularizer=keras.regularizers.L2(2**-7))"
)
CALM = re.sub(r"keras.layers.(Dropout|GaussianNoise)\(.*?\), ", "", DISTURBED)
HERE = DISTURBED if BACKEND == "tensorflow" else CALM  # other backends draw other numbers


def go_on_alike(piece, own, theirs, case, targets=Y, steps=3):
    """Train a tinynet model and its twin in Keras further, and compare them."""
    losses = []
    for step in range(steps):
        batch = slice(8 * (step % 3), 8 * (step % 3) + 8)
        values = [
            np.array(model.train_on_batch(X[batch], targets[batch])) for model in (own, theirs)
        ]
        losses.append(values)
    variables = theirs.optimizer.variables
    memory = {v.name: v.numpy() for v in variables if v.name not in ("iteration", "learning_rate")}
    expect_same(
        piece,
        {
            **{f"loss and metrics of step {i + 1}": tuple(pair) for i, pair in enumerate(losses)},
            **{
                name: (value, weight, of_training(own))
                for (name, value), weight in zip(
                    own.arrays.items(), theirs.get_weights(), strict=True
                )
            },
            "norm of the optimizer's memory": (norm(own.optimizer.get_state()), norm(memory)),
            "predictions": (own.predict(X, verbose=0), theirs.predict_on_batch(X)),
        },
        tolerance=tolerance("optimizers.Nadam" if "Nadam" in case else piece, "float64"),
        case=case,
    )
    assert own.optimizer.iterations == int(theirs.optimizer.iterations)
    assert own.optimizer.learning_rate == float(theirs.optimizer.learning_rate)


def norm(memory):
    arrays = [value for name, value in memory.items() if name != "iterations"]
    return sum(float(np.linalg.norm(each)) for each in arrays)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_in_keras_and_back_here(optimizer):
    text = stack(HERE, f"optimizer={optimizer}")
    own, _ = make_both(text, compiled=compiled)
    for _ in range(3):
        own.train_on_batch(X, Y)
    theirs = to_keras(own)
    go_on_alike("interop.to_keras", own, theirs, text)
    back = from_keras(theirs)
    go_on_alike("interop.from_keras", back, theirs, text)


SPARSE = "'sparse_categorical_crossentropy'"


@pytest.mark.parametrize(
    "options",
    [
        f"loss={SPARSE}, loss_weights=[0.25]",
        f"loss=[{SPARSE}], loss_weights=0.25, metrics=['accuracy']",
        f"loss={SPARSE}, loss_weights={{'flatten': 0.25}}, weighted_metrics=[['accuracy']]",
        f"loss=[{SPARSE}], metrics=[['accuracy', keras.metrics.SparseCategoricalCrossentropy()]]",
    ],
)
def test_a_loss_with_a_weight(options):
    layers = "keras.layers.Dense(3, activation='softmax'), keras.layers.Flatten(name='flatten')"
    text = (
        f"compiled(keras.Sequential([keras.Input((4,)), {layers}]), "
        f"keras.optimizers.SGD(0.1, momentum=0.5), {options})"
    )
    own, theirs = make_both(text, compiled=compiled)
    own.train_on_batch(X, Y)
    theirs.train_on_batch(X, Y)
    there, here = to_keras(own), from_keras(theirs)
    equal_models(own, from_keras(there))
    go_on_alike("interop.from_keras", here, theirs, text, steps=2)
    go_on_alike("interop.to_keras", own, there, text, steps=2)


@pytest.mark.parametrize("optimizer", [OPTIMIZERS[0], OPTIMIZERS[-1]])
def test_what_keras_has_trained_goes_on_here(optimizer):
    text = stack(HERE, f"optimizer={optimizer}")
    _, theirs = make_both(text, compiled=compiled)
    theirs.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    own = from_keras(theirs)
    logs = [
        model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0) for model in (own, theirs)
    ]
    values = [{name: np.array(v) for name, v in each.history.items()} for each in logs]
    weights = {
        name: (value, weight, of_training(own))
        for (name, value), weight in zip(own.arrays.items(), theirs.get_weights(), strict=True)
    }
    expect_same("interop.from_keras", {**pairs(*values), **weights}, case=text)


HIDDEN = st.sampled_from(
    [
        "keras.layers.Dense(5, activation='relu', kernel_initializer='he_normal')",
        "keras.layers.Dense(3, activation='selu', bias_initializer='ones')",
        "keras.layers.Dense(4, use_bias=False, activation='softplus')",
        "keras.layers.Dense(4, use_bias=False), keras.layers.BatchNormalization(momentum=0.5), "
        "keras.layers.LeakyReLU(0.25)",
        "keras.layers.Activation('tanh')",
        "keras.layers.Rescaling(0.5, offset=0.25)",
        "keras.layers.Flatten(), keras.layers.Reshape((1, -1))",
        "keras.layers.Softmax()",
    ]
)
NOISE = st.sampled_from(["keras.layers.Dropout(0.4)", "keras.layers.GaussianNoise(0.3, seed=4)"])
PARTS = HIDDEN | NOISE if BACKEND == "tensorflow" else HIDDEN


# Without Phase.shrink, which would build hundreds of models to make a small example smaller.
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(
    layers=st.lists(PARTS, min_size=1, max_size=4),
    optimizer=st.sampled_from(OPTIMIZERS),
    loss=st.sampled_from(["'mse'", *LOSSES[1:]]),
    steps=st.integers(0, 2),
)
def test_any_stack_goes_on_alike(layers, optimizer, loss, steps):
    options = f"optimizer={optimizer}, loss={loss}"
    text = stack(", ".join(layers), options)
    own, theirs = make_both(text, compiled=compiled)
    targets = TARGETS["hot"]
    for _ in range(steps):
        own.train_on_batch(X, targets)
    there = to_keras(own)
    equal_models(own, from_keras(there))
    there.run_eagerly = theirs.run_eagerly = True  # a graph would take longer than the steps
    go_on_alike("interop.to_keras", own, there, text, targets, steps=2)
    for _ in range(steps):
        theirs.train_on_batch(X, targets)
    here = from_keras(theirs)
    equal_keras_models(theirs, to_keras(here))
    go_on_alike("interop.from_keras", here, theirs, text, targets, steps=2)


# What has to move too, although no config shows it.


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the weights are drawn as TensorFlow does")
def test_a_model_without_weights_draws_the_same_ones_later():
    layers = (
        "keras.layers.Dense(5), keras.layers.Dense(5, kernel_initializer=rule), "
        "keras.layers.Dense(3, kernel_initializer=rule)"
    )
    models = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(3)
        rule = library.initializers.HeNormal(seed=library.random.SeedGenerator(4))
        models.append(make(f"keras.Sequential([{layers}])", library, rule=rule))
    own, theirs = models
    there, here = to_keras(own), from_keras(theirs)
    equal_models(from_keras(there), own)
    for model in (own, here, there, theirs):
        assert model.get_weights() == []
        model.build((None, 4))
    for model in (here, there, theirs):
        for weight, other in zip(own.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other)


def test_a_rate_cut_by_hand_and_names_left_out_of_decay():
    text = stack(HERE, f"keras.optimizers.AdamW(0.125, 0.25, {BETAS})")
    own, _ = make_both(text, compiled=compiled)
    own.optimizer.exclude_from_weight_decay(["bias", "gamma"])
    own.train_on_batch(X, Y)
    own.optimizer.learning_rate = 0.03125
    theirs = to_keras(own)
    back = from_keras(theirs)
    equal_models(own, back)
    assert back.optimizer.excluded_from_decay == ["bias", "gamma"]
    go_on_alike("interop.to_keras", own, theirs, text)


@pytest.mark.skipif(BACKEND == "jax", reason="there Keras trains what was trainable in compile")
@pytest.mark.parametrize(("at_first", "later"), [([0], [0]), ([], [1]), ([0], [0, 1])])
def test_layers_that_are_frozen_between_steps(at_first, later):
    text = stack("keras.layers.Dense(6, activation='tanh', name='a'), keras.layers.Dense(5)")
    own, _ = make_both(text, compiled=compiled)
    own.compile(make(OPTIMIZERS[0], tinynet), own.loss)
    for frozen in (at_first, later):
        for i in range(2):
            own.layers[i].trainable = i not in frozen
        own.compile(own.optimizer, own.loss)
        own.train_on_batch(X, Y)  # the optimizer has no state for a layer that never learned
    theirs = to_keras(own)
    assert [layer.trainable for layer in theirs.layers] == [i not in later for i in range(4)]
    go_on_alike("interop.to_keras", own, theirs, text)
    go_on_alike("interop.from_keras", from_keras(theirs), theirs, text)


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@pytest.mark.parametrize("set_to", [[True, False], [False, True], [False, False]])
def test_a_model_and_its_layers_have_flags_of_their_own(set_to):
    """The model's first, which sets those of its layers, then that of its last layer."""
    last = "keras.layers.Dense(1, kernel_regularizer='l2')"
    own, theirs = make_both(f"keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), {last}])")
    for model in (own, theirs):
        model.trainable, model.layers[-1].trainable = set_to
        model.compile("adam", "mse")
        assert model.trainable == set_to[0]
    for name in ("trainable_weights", "non_trainable_weights"):
        assert len(getattr(own, name)) == len(getattr(theirs, name))
    for one, other in ((own, theirs), (to_keras(own), from_keras(theirs))):
        kept = [each.copy() for each in one.get_weights()]
        x = np.arange(20.0).reshape(4, 5) / 20
        logs = [each.fit(x, x[:, :1], epochs=2, verbose=0).history["loss"] for each in (one, other)]
        np.testing.assert_allclose(*logs, rtol=1e-5)
        same = [np.array_equal(*pair) for pair in zip(kept, one.get_weights(), strict=True)]
        assert all(same) == (not set_to[0])


@pytest.mark.parametrize("frozen", [[0], [0, 1, 2]])
def test_frozen_models_stay_frozen(frozen):
    text = stack("keras.layers.Dense(5)")
    own, theirs = make_both(text, compiled=compiled)
    for model in (own, theirs):
        if len(frozen) == len(model.layers):
            model.trainable = False
        for i in frozen:
            model.layers[i].trainable = False
    there, here = to_keras(own), from_keras(theirs)
    assert there.trainable == here.trainable == own.trainable == theirs.trainable
    equal_keras_models(theirs, to_keras(here))
    equal_models(own, from_keras(there))


def test_an_input_shape_on_the_first_layer():
    own = tinynet.Sequential([tinynet.layers.Dense(3, input_shape=(4,))])
    equal_models(own, from_keras(to_keras(own)))


def test_activations_with_options():
    elu, relu = tinynet.activations.elu, tinynet.activations.relu
    own = tinynet.Sequential(
        [
            tinynet.Input((4,)),
            tinynet.layers.Dense(5, activation=elu.with_options(alpha=0.5)),
            tinynet.layers.Activation(relu.with_options(max_value=0.75, threshold=0.125)),
            tinynet.layers.Dense(5, activation=elu.with_options(alpha=1.0)),
        ]
    )
    theirs = to_keras(own)
    assert type(theirs.layers[0].activation) is keras.layers.ELU
    assert theirs.layers[2].activation is keras.activations.elu
    expect_same(
        "interop.to_keras", {"predictions": (own.predict(X, verbose=0), theirs.predict_on_batch(X))}
    )
    equal_models(own, from_keras(theirs))


def test_in_float32_decimal_learning_rates_stay_decimal():
    use_floatx("float32")
    own = tinynet.Sequential([tinynet.Input((4,)), tinynet.layers.Dense(3)])
    for rate in (0.001, 3e-4, 0.05, 1.0):
        own.compile(tinynet.optimizers.SGD(rate), "mse")
        assert from_keras(to_keras(own)).optimizer.learning_rate == rate


# What has to stay as it is.


def test_what_is_made_and_drawn_afterwards_is_what_it_would_have_been():
    def afterwards(travel):
        found = []
        for library in (tinynet, keras):
            library.backend.clear_session()
        own, theirs = make_both(stack("keras.layers.Dense(5)"), compiled=compiled)
        if travel:
            to_keras(own)
            from_keras(theirs)
        for library in (tinynet, keras):
            layer = library.layers.Dense(2)
            layer.build((4,) if library is tinynet else (None, 4))
            found += [layer.name, layer.get_weights()[0].tolist(), python_random.random()]
            draw = library.random.uniform((3,))
            found += [keras.ops.convert_to_numpy(draw).tolist(), np.random.random()]
            found += [library.optimizers.SGD().name, library.layers.Dropout(0.5).name]
        return found

    assert afterwards(travel=True) == afterwards(travel=False)


def test_neither_model_feels_the_other():
    own, theirs = make_both(stack(DISTURBED, "'adam'"), compiled=compiled)
    theirs.run_eagerly = True
    for model in (own, theirs):
        model.train_on_batch(X, Y)
    before = state_of(own), state_of(theirs)
    there, here = to_keras(own), from_keras(theirs)
    there.run_eagerly = True
    for model in (there, here):
        model.train_on_batch(X, Y)
    assert (state_of(own), state_of(theirs)) == before
    before = state_of(there), state_of(here)
    for model in (own, theirs):
        model.train_on_batch(X, Y)
    assert (state_of(there), state_of(here)) == before


def state_of(model):
    """Return everything that a training step changes or depends on, as plain values."""
    if isinstance(model, tinynet.Sequential):
        generators = [layer.seed_generator for layer in model.layers]
        seeds = [each.state.tolist() for each in generators if each is not None]
        memory = {key: value.tolist() for key, value in model.optimizer.get_state().items()}
        return str((model.get_config(), repr(model.optimizer), memory, seeds, model.get_weights()))
    values = [v.numpy().tolist() for v in model.variables + model.optimizer.variables]
    return str((model.get_config(), model.get_compile_config(), values))


@pytest.mark.parametrize("eager", [False, True])
def test_whether_it_is_run_eagerly_goes_along(eager):
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    theirs.compile("sgd", "mse", run_eagerly=eager)
    own = from_keras(theirs)
    assert own.run_eagerly is eager
    assert to_keras(own).run_eagerly is eager
