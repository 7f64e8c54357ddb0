"""Every public layer, loss, optimizer, metric and callback, found by its name, has to pass these.

That each of them is the same after it was saved in the middle of a training and read again, in
every format, and then trains on to the same bits, is in test_saving.py, with a case for each.
"""

import concurrent.futures
import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from parity_tests.layer_cases import CASES
from tests import test_step
from tests.test_optimizers_shared import MAKERS as OPTIMIZERS
from tinynet import Input, Model, Sequential, callbacks, layers, losses, metrics, optimizers, utils
from tinynet.configurable import Configurable, serialize

rng = np.random.default_rng(0)
both_forms = pytest.mark.usefixtures("kernel_form")


def classes(module: Any, base: type) -> list[str]:
    """Return the public classes of a module, but not the one that all are made from."""
    found = {name: getattr(module, name) for name in module.__all__}
    return sorted(
        name
        for name, each in found.items()
        if inspect.isclass(each) and issubclass(each, base) and each is not base
    )


def layouts(array: np.ndarray) -> dict[str, np.ndarray]:
    """Return the same numbers in every way in which an array may come."""
    apart = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    apart[::2] = array
    fixed = array.copy()
    fixed.flags.writeable = False
    return {
        "every other row": apart[::2],
        "backwards": array[::-1].copy()[::-1],
        "by columns": np.asfortranarray(array),
        "read-only": fixed,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "unaligned": unaligned(array),
    }


def unaligned(array: np.ndarray) -> np.ndarray:
    found = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def arrays_of(thing: Any, seen: set[int] | None = None) -> Iterator[np.ndarray]:
    """Yield all arrays that an object holds, however deep."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, dict):
        for each in thing.values():
            yield from arrays_of(each, seen)
    elif isinstance(thing, (list, tuple, set)):
        for each in thing:
            yield from arrays_of(each, seen)
    elif type(thing).__module__.partition(".")[0] == "tinynet" and hasattr(thing, "__dict__"):
        yield from arrays_of(vars(thing), seen)


def share_nothing(one: Any, other: Any) -> None:
    """See that two objects have no array in common that can be written."""
    mine = [each for each in arrays_of(one) if each.flags.writeable and each.size]
    theirs = [each for each in arrays_of(other) if each.flags.writeable and each.size]
    assert not any(np.shares_memory(a, b) for a in mine for b in theirs)


def copies(thing: Any) -> dict[str, Any]:
    return {"deepcopy": copy.deepcopy(thing), "pickle": pickle.loads(pickle.dumps(thing))}


# Layers.

MERGING = [name for name in layers.__all__ if name in vars(layers.merging) and name != "Layer"]
NO_CASES = ("Input", "InputLayer")
LAYERS = sorted({*classes(layers, layers.Layer)} - {*NO_CASES})


def a_layer(name: str, **options: Any) -> layers.Layer:
    """Make a layer of a class, the first that is compared with Keras."""
    utils.set_random_seed(0)
    tinynet.utils.clear_session()
    if name in MERGING:
        return getattr(layers, name)(**options)
    if name == "Lambda":
        return layers.Lambda(np.negative, **options)
    text = CASES[f"layers.{name}"][0][0]
    options_text = "".join(f", {key}={value!r}" for key, value in options.items())
    return eval(
        text[:-1] + options_text.removeprefix(", " * text.endswith("()")) + ")",
        {"keras": tinynet, "np": np},
    )


def input_of(name: str, n: int = 6, dtype: str = "float32") -> Any:
    if name in MERGING:
        return [np.random.default_rng(i).normal(size=(n, 3)).astype(dtype) for i in (1, 2)]
    shape = CASES[f"layers.{name}"][0][1][1:]
    return np.random.default_rng(1).normal(size=(n, *shape)).astype(dtype)


def each_array(x: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    return [change(part) for part in x] if isinstance(x, list) else change(x)


def trained(name: str, dtype: str = "float32") -> Model:
    """Return a model around a layer after two steps."""
    layer = a_layer(name, dtype=dtype)
    x, y = input_of(name), rng.normal(size=(6, 2))
    ends = [Input(each.shape[1:]) for each in (x if isinstance(x, list) else [x])]
    middle = layer(ends if isinstance(x, list) else ends[0])
    rank = len(middle.shape)
    flat = layers.GlobalAveragePooling2D()(middle) if rank == 4 else layers.Flatten()(middle)
    model = Model(ends if isinstance(x, list) else ends[0], layers.Dense(2, dtype=dtype)(flat))
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(x, y, batch_size=3, verbose=0)
    return model


def same_models(one: Model, other: Model) -> None:
    """See that two models share nothing, and are the same now and after two more steps."""
    share_nothing(one, other)
    x = (
        [np.ones((6, *shape)) for shape in one.sample_shape]
        if isinstance(one.sample_shape, list)
        else np.ones((6, *one.sample_shape))
    )
    y = np.ones((6, 2))
    for model in (one, other):
        utils.set_random_seed(3)
        model.fit(x, y, batch_size=3, verbose=0)
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
    assert np.array_equal(one.predict(x, verbose=0), other.predict(x, verbose=0))


def test_there_is_a_case_for_every_layer() -> None:
    assert {f"layers.{name}" for name in LAYERS if name not in MERGING} <= {*CASES}
    assert len(LAYERS) >= 44 and len(MERGING) == 7


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_config(name: str) -> None:
    layer = a_layer(name)
    if name == "Lambda":
        with tinynet.saving.custom_object_scope({"negative": np.negative}):
            again = type(layer).from_config(layer.get_config())
    else:
        again = type(layer).from_config(layer.get_config())
    assert serialize(again) == serialize(layer)
    x = input_of(name)
    out = layer(x)
    again.ensure_built([each.shape[1:] for each in x] if isinstance(x, list) else x.shape[1:])
    again.set_weights(layer.get_weights())
    assert np.array_equal(out, again(copy.deepcopy(x))) or layer.seed_generator is not None
    share_nothing(layer, again)


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_with_a_layer_can_be_copied_and_pickled(name: str) -> None:
    for again in copies(model := trained(name)).values():
        same_models(copy.deepcopy(model), again)


@both_forms
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_computes_in_its_type_with_any_number_of_rows(name: str, dtype: str) -> None:
    layer = a_layer(name, dtype=dtype)
    for n in (6, 1, 0, 2):
        x = input_of(name, n, "float64")
        for training in (False, True):
            out = layer(x, training=training)
            assert out.dtype == dtype and len(out) == n
            dx = layer.backward(np.ones_like(out))
            for part, given in zip(
                *([each] if not isinstance(each, list) else each for each in (dx, x)), strict=True
            ):
                assert part.dtype == dtype and part.shape == given.shape
    for each in (*layer.arrays.values(), *layer.grads.values()):
        assert each.dtype == dtype and np.isfinite(each).all()


@both_forms
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_takes_an_array_however_it_is_stored(name: str) -> None:
    x = input_of(name)
    for way in layouts(np.zeros(2)):
        outs = []
        for given in (x, each_array(x, lambda part: layouts(part)[way])):  # noqa: B023
            layer = a_layer(name)
            out = layer(given, training=True)
            dx = layer.backward(
                np.asfortranarray(np.ones_like(out)) if given is not x else np.ones_like(out)
            )
            outs.append((out, dx))
        for plain, stored in zip(*outs, strict=True):
            np.testing.assert_array_equal(plain, stored, err_msg=way)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_is_built_again_begins_anew(name: str) -> None:
    layer, x = a_layer(name), input_of(name)
    shape = [each.shape[1:] for each in x] if isinstance(x, list) else x.shape[1:]
    layer.build(shape)
    first = {key: each.shape for key, each in layer.arrays.items()}
    layer(x)
    layer.build(shape)
    assert {key: each.shape for key, each in layer.arrays.items()} == first
    assert layer.built and len(layer(x)) == 6
    assert {key: each.shape for key, each in layer.grads.items()} == {
        key: each.shape for key, each in layer.params.items()
    }


@pytest.mark.parametrize("name", LAYERS)
def test_two_models_with_a_layer_each_share_nothing(name: str) -> None:
    one, other = trained(name), trained(name)
    share_nothing(one, other)
    before = [each.copy() for each in other.get_weights()]
    one.fit(input_of(name), np.ones((6, 2)), verbose=0)
    assert all(map(np.array_equal, before, other.get_weights()))


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_predicts_in_several_threads_at_once(name: str) -> None:
    model = trained(name)
    inputs = [
        each_array(input_of(name, n), lambda part: part * 2) for n in (6, 5, 4, 3, 2, 1, 6, 5)
    ]
    expected = [model.predict(x, batch_size=2, verbose=0) for x in inputs]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            found = pool.map(lambda x: model.predict(x, batch_size=2, verbose=0), inputs)
            assert all(map(np.array_equal, expected, found))


# Losses.

LOSSES = classes(losses, losses.Loss)
SPARSE = "SparseCategoricalCrossentropy"


def targets(name: str, n: int = 6, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions."""
    numbers = np.random.default_rng(n)
    labels = np.arange(n) % 3
    y = labels if name.startswith("Sparse") else np.eye(3)[labels].astype(dtype)
    return y, numbers.dirichlet(np.ones(3), n).astype(dtype)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_made_again_and_can_be_copied(name: str) -> None:
    y, p = targets(name)
    loss = getattr(losses, name)(name="mine")
    loss.value(y, p)
    gradient = loss.gradient()
    for again in (type(loss).from_config(loss.get_config()), *copies(loss).values()):
        assert serialize(again) == serialize(loss)
        share_nothing(loss, again)
        assert again.value(y, p) == loss.value(y, p)
        assert np.array_equal(again.gradient(), gradient)


@both_forms
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_any_number_of_rows_in_any_layout(name: str, dtype: str) -> None:
    loss = getattr(losses, name)()
    for n in (6, 1, 0):
        y, p = targets(name, n, dtype)
        value = loss.value(y, p)
        gradient = loss.gradient()
        assert np.isfinite(value) and (n or value == 0)
        assert gradient.dtype == dtype and gradient.shape == (n, 3)
        if n:
            for way, stored in layouts(p).items():
                assert loss(layouts(y)[way], stored) == value
                loss.value(layouts(y)[way], np.asarray(stored, dtype))
                np.testing.assert_array_equal(loss.gradient(), gradient, err_msg=way)


# Optimizers.


def test_there_is_a_case_for_every_optimizer() -> None:
    made = {type(make()).__name__ for make in OPTIMIZERS.values()}
    assert made == {*classes(optimizers, optimizers.Optimizer)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_made_again_and_goes_on_as_a_copy(name: str) -> None:
    optimizer = OPTIMIZERS[name]()
    again = type(optimizer).from_config(optimizer.get_config())
    assert serialize(again) == serialize(optimizer)
    w, g = ({"w": rng.normal(size=(3, 2))} for _ in range(2))
    for _ in range(4):
        optimizer.step(w, g)
    for each in copies(optimizer).values():
        share_nothing(optimizer, each)
        mine, theirs = copy.deepcopy(w), copy.deepcopy(w)
        own = copy.deepcopy(optimizer)
        for _ in range(4):
            own.step(mine, g)
            each.step(theirs, g)
        assert np.array_equal(mine["w"], theirs["w"]) and own.iterations == each.iterations


@both_forms
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_gradients_however_they_are_stored(name: str, dtype: str) -> None:
    g = rng.normal(size=(4, 3)).astype(dtype)
    ends = {}
    for way, stored in {"plain": g, **layouts(g)}.items():
        if way == "big-endian":  # kernels are given arrays of the weight's own type
            stored = stored.astype(dtype)
        w, optimizer = {"w": np.ones((4, 3), dtype)}, OPTIMIZERS[name]()
        for _ in range(4):
            optimizer.step(w, {"w": stored})
        ends[way] = w["w"]
        assert w["w"].dtype == dtype
        assert {each.dtype for slots in optimizer.slots.values() for each in slots.values()} <= {
            w["w"].dtype
        }
    for way, end in ends.items():
        np.testing.assert_array_equal(end, ends["plain"], err_msg=way)


# Metrics.

METRICS = sorted({*classes(metrics, metrics.Metric)} - {"MeanMetricWrapper"})
OF_ONE = {
    *("PrecisionAtRecall", "RecallAtPrecision"),
    *("SensitivityAtSpecificity", "SpecificityAtSensitivity"),
}


def a_metric(name: str) -> Any:
    return getattr(metrics, name)(*([0.5] if name in OF_ONE else []), name="mine")


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_made_again_and_goes_on_as_a_copy(name: str) -> None:
    metric = a_metric(name)
    y, p = targets(name)
    metric.update_state(y, p)
    again = type(metric).from_config(metric.get_config())
    assert serialize(again) == serialize(metric)
    for each in copies(metric).values():
        share_nothing(metric, each)
        assert np.array_equal(each.result(), metric.result(), equal_nan=True)
        own = copy.deepcopy(metric)
        for one in (own, each):
            one.update_state(*targets(name, 5))
        assert np.array_equal(own.result(), each.result(), equal_nan=True)
    again.update_state(y, p)
    assert np.array_equal(again.result(), metric.result(), equal_nan=True)
    metric.reset_state()
    metric.update_state(y, p)
    assert np.array_equal(again.result(), metric.result(), equal_nan=True)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_takes_any_number_of_rows_in_any_layout_and_type(name: str) -> None:
    whole, parts = a_metric(name), a_metric(name)
    y, p = targets(name)
    whole.update_state(y, p)
    for part in (slice(0, 0), slice(0, 1), slice(1, 1), slice(1, 6)):
        parts.update_state(y[part], p[part])
    assert np.allclose(parts.result(), whole.result(), rtol=1e-6, equal_nan=True)
    for way, stored in layouts(p).items():
        metric = a_metric(name)
        metric.update_state(layouts(y)[way], stored)
        np.testing.assert_array_equal(metric.result(), whole.result(), err_msg=way)
    double = a_metric(name)
    double.update_state(y, p.astype("float64"))
    assert np.allclose(double.result(), whole.result(), rtol=1e-5, equal_nan=True)


# Callbacks.

CALLBACKS: dict[str, Callable[[Path], callbacks.Callback]] = {
    "BackupAndRestore": lambda path: callbacks.BackupAndRestore(path / "backup"),
    "CSVLogger": lambda path: callbacks.CSVLogger(path.with_suffix(".csv")),
    "EarlyStopping": lambda path: callbacks.EarlyStopping("loss", restore_best_weights=True),
    "LearningRateScheduler": lambda path: callbacks.LearningRateScheduler(halved),
    "ModelCheckpoint": lambda path: callbacks.ModelCheckpoint(path / "{epoch}.safetensors"),
    "ReduceLROnPlateau": lambda path: callbacks.ReduceLROnPlateau("loss", patience=0),
    "TensorBoard": lambda path: callbacks.TensorBoard(path / "board", update_freq=1),
    "TerminateOnNaN": lambda path: callbacks.TerminateOnNaN(explain=True),
}


def halved(epoch: int, rate: float) -> float:
    return rate / 2


@pytest.mark.parametrize("name", classes(callbacks, callbacks.Callback))
def test_a_callback_can_be_copied_before_and_after_and_used_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make = CALLBACKS.get(name, lambda path: getattr(callbacks, name)())
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))

    def run(callback: Any) -> list[bytes]:
        utils.set_random_seed(0)
        model = Sequential([Input((3,)), layers.Dense(2)])
        model.compile(optimizers.Adam(0.1, use_ema=True), "mse")
        model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[callback])
        return [each.tobytes() for each in model.get_weights()]

    expected = run(make(tmp_path / "a"))
    for number, before in enumerate(copies(make(tmp_path / "b")).values()):
        assert run(before) == expected, number
        for after in copies(before).values():
            share_nothing(before, after)
            if name == "ReduceLROnPlateau" or name == "EarlyStopping":
                assert after.best == before.best


# Models as wholes.


def test_losses_and_optimizers_of_every_name_train_a_model_that_can_be_pickled() -> None:
    x = rng.normal(size=(6, 4))
    for name, make in test_step.LOSSES.items():
        if name == "a function":
            continue
        utils.set_random_seed(0)
        last = "linear" if name == "logits" else "sigmoid"
        model = Sequential([Input((4,)), layers.Dense(3, activation=last)])
        model.compile("adam", make())
        y = np.arange(6) % 3 if name.startswith("sparse") else np.eye(3)[np.arange(6) % 3]
        model.fit(x, y, batch_size=4, verbose=0)
        for again in copies(model).values():
            for one in (own := copy.deepcopy(model), again):
                one.fit(x, y, batch_size=4, verbose=0)
            assert all(map(np.array_equal, own.get_weights(), again.get_weights()))


def test_every_public_class_with_a_config_has_been_tried() -> None:
    tried = {*LAYERS, *NO_CASES, *LOSSES, *METRICS, "MeanMetricWrapper"}
    tried |= {*classes(optimizers, optimizers.Optimizer)}
    bases = {"Layer", "Loss", "Metric", "Optimizer"}
    for module in (layers, losses, metrics, optimizers):
        for name in classes(module, Configurable):
            assert name in tried | bases, f"{name} has no case here"
