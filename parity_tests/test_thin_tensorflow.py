"""The stand-in's few functions of TensorFlow, against TensorFlow's."""

import subprocess
import sys

import numpy as np
import pytest

from parity_tests.backend import BACKEND
from parity_tests.both import use_floatx
from tinynet import random
from tinynet.scripts import modules

if BACKEND != "tensorflow":
    pytest.skip("compares with TensorFlow", allow_module_level=True)

tensorflow = pytest.importorskip("tensorflow")

TINYNET = modules.module_of("tensorflow")

CASES = [
    "tf.argmax(x)",
    "tf.argmax(x, axis=1)",
    "tf.argmax(x, 1, output_type=tf.int32)",
    "tf.cast(x, tf.int32)",
    "tf.cast(n, 'float64')",
    "tf.constant(3)",
    "tf.constant(2.5)",
    "tf.constant([[1, 2], [3, 4]])",
    "tf.constant(1.0, shape=(2, 3))",
    "tf.constant([1, 2, 3, 4], shape=(2, 2), dtype=tf.float64)",
    "tf.convert_to_tensor(x)",
    "tf.convert_to_tensor([True, False])",
    "tf.convert_to_tensor(n, dtype=tf.float32)",
    "tf.expand_dims(x, -1)",
    "tf.expand_dims([1, 2], 0)",
    "tf.one_hot(n[0], 4)",
    "tf.one_hot([0, 5, -1], 3, on_value=2.0, off_value=-1.0)",
    "tf.one_hot([[0], [1]], 2, dtype=tf.uint8)",
    "tf.reduce_max(x)",
    "tf.reduce_max(n, axis=0)",
    "tf.reduce_mean(x)",
    "tf.reduce_mean(x, axis=[0, 1])",
    "tf.reduce_mean(x, axis=1, keepdims=True)",
    "tf.reduce_mean(tf.constant([1, 2, 4]))",
    "tf.reduce_mean(tf.constant([-1, -2, -4]))",
    "tf.reduce_mean([1.0, 2.0])",
    "tf.reduce_sum(x, 0)",
    "tf.reduce_sum(n)",
    "tf.math.argmax(x, axis=-1)",
    "tf.math.confusion_matrix([0, 1, 2, 2], [0, 2, 2, 1])",
    "tf.math.confusion_matrix([0, 1], [1, 1], num_classes=4, dtype=tf.int64)",
    "tf.math.reduce_sum(x) / 2",
    "x / tf.constant(2.0, tf.float64)",
    *(f"tf.{name}(x)" for name in ("abs", "exp", "round", "sign", "square", "tanh")),
    *(f"tf.{name}(x)" for name in ("zeros_like", "ones_like", "reduce_min")),
    "tf.round([0.5, 1.5, -2.5])",
    *(
        f"tf.{name}(x, x[::-1])"
        for name in ("maximum", "minimum", "equal", "not_equal", "greater", "less_equal")
    ),
    "tf.greater_equal(n, 2)",
    "tf.less(x, 0.25)",
    "tf.pow(x, 2)",
    "tf.math.log(tf.abs(x))",
    "tf.math.multiply(x, tf.math.divide(tf.math.add(x, 1.0), tf.math.subtract(x, 3.0)))",
    "tf.logical_or(x > 1, tf.logical_and(x < 0, tf.logical_not(n > 1)))",
    "tf.clip_by_value(x, -0.5, 0.25)",
    "tf.where(x > 0, x, tf.zeros_like(x))",
    "tf.where(tf.abs(x) < 1, tf.square(x) / 2, tf.abs(x) - 0.5)",
    "tf.reshape(x, (-1, 2))",
    "tf.reshape(tf.argmax(x, axis=1), shape=(-1, 1))",
    "tf.nn.relu(x)",
    "tf.nn.sigmoid(x)",
    "tf.nn.softmax(x)",
    "tf.nn.tanh(x)",
    "tf.nn.elu(x)",
]
DATA = [
    "slices((x, n))",
    "slices(x).batch(2)",
    "slices(x).batch(2, drop_remainder=True)",
    "slices((x, n)).map(lambda a, b: (a * 2.0, b)).batch(2)",
    "slices({'a': x, 'b': n}).batch(2)",
    "slices(x).take(2).repeat(2)",
    "slices(x).skip(1).cache().prefetch(1)",
    "slices(x).repeat().take(7)",
    "slices((x, n)).batch(2).map(lambda a, b: {'both': (tf.cast(b, tf.float64), a)})",
]


OF_BACKEND = [
    *(f"K.{name}(x)" for name in ("sum", "mean", "std", "var", "max", "min", "flatten", "sqrt")),
    *(f"K.{name}(x, axis=-1)" for name in ("sum", "mean", "std", "var", "max", "min")),
    *(f"K.{name}(x, axis=0, keepdims=True)" for name in ("sum", "mean", "max")),
    *(f"K.{name}(x)" for name in ("argmax", "argmin", "batch_flatten", "sin", "cos", "square")),
    "K.mean(K.equal(K.argmax(x, axis=-1), K.argmax(x[::-1], axis=-1)))",
    "K.clip(x, 0, 1)",
    "K.sum(K.round(K.clip(p * t, 0, 1))) / (K.sum(K.round(K.clip(p, 0, 1))) + K.epsilon())",
    "K.log(K.abs(x))",
    "K.squeeze(K.expand_dims(x, 0), 0)",
    "K.cast(x > 0, 'float32')",
    "K.binary_crossentropy(t, p)",
    "K.binary_crossentropy(t, x, from_logits=True)",
    "K.categorical_crossentropy(t, p)",
    "K.categorical_crossentropy(t, x, from_logits=True)",
]


@pytest.mark.parametrize("case", OF_BACKEND)
def test_a_function_computes_what_that_of_the_older_backend_computes(case):
    found = []
    for tf in (TINYNET, tensorflow):
        given = values()
        given["p"] = 1 / (1 + np.exp(-given["x"]))
        given["t"] = np.eye(4)[[1, 0, 3]]
        given = {name: tf.constant(each) for name, each in given.items()}
        found.append(eval(case, {"K": tf.keras.backend, **given}))
    own, theirs = np.asarray(found[0]), found[1].numpy()
    assert own.dtype == theirs.dtype
    np.testing.assert_allclose(own, theirs, rtol=1e-13, atol=1e-300, strict=True)


OF_OPS = [
    *(f"ops.{name}(x)" for name in ("abs", "exp", "sign", "square", "sqrt", "tanh", "sin", "cos")),
    *(f"ops.{name}(x)" for name in ("relu", "sigmoid", "softmax", "transpose", "argmax", "argmin")),
    *(f"ops.{name}(x)" for name in ("zeros_like", "ones_like", "logical_not", "round")),
    *(f"ops.{name}(n)" for name in ("abs", "exp", "sign", "square", "sqrt", "log1p", "argmax")),
    *(
        f"ops.{name}({of})"
        for name in ("sum", "mean", "max", "min")
        for of in ("x", "n", "x, axis=-1", "x, axis=0, keepdims=True", "x, axis=(0, 1)")
    ),
    *(f"ops.{name}(x > 0, axis=1)" for name in ("sum", "mean", "max")),
    "ops.sum(ops.cast(n, 'uint8'))",
    *(
        f"ops.{name}(x, {of})"
        for name in ("maximum", "minimum", "equal", "not_equal", "greater", "less_equal", "add")
        for of in ("x[::-1]", "0.5")
    ),
    *(f"ops.{name}(n, {of})" for name in ("maximum", "subtract", "divide") for of in ("2", "0.5")),
    "ops.multiply(n, x)",
    "ops.power(x, 2)",
    "ops.greater_equal(n, 2)",
    "ops.logical_or(x > 1, ops.logical_and(x < 0, x > -1))",
    "ops.log(ops.clip(x, 1e-7, 1.0))",
    "ops.argmax([[0.0, float('nan')], [-0.0, 0.0], [1.0, 1.0]], axis=-1)",
    "ops.argmin([[0.0, float('nan')], [-0.0, 0.0]], axis=-1)",
    "ops.argmax(x, axis=0, keepdims=True)",
    "ops.one_hot(n, 4)",
    "ops.one_hot(n[0], 3, axis=0, dtype='int32')",
    "ops.one_hot(ops.argmax(x, axis=-1), num_classes=4)",
    "ops.cast(x > 0, 'float32')",
    "ops.where(x > 0, x, 0.0)",
    "ops.where(n > 1, 1, 0)",
    "ops.where(n > 1, 1.0, n)",
    "ops.expand_dims(x, axis=-1)",
    "ops.squeeze(ops.expand_dims(x, 0))",
    "ops.squeeze(ops.expand_dims(x, -1), axis=-1)",
    "ops.reshape(x, (-1, 2))",
    "ops.transpose(ops.reshape(x, (1, 3, 4)), axes=(2, 0, 1))",
    "ops.concatenate([x, x[:1]], axis=0)",
    "ops.concatenate([x, n], axis=-1)",
    "ops.stack([n, n + 1], axis=1)",
    "ops.matmul(x, ops.transpose(x))",
    "ops.softmax(x, axis=0)",
    "ops.zeros((2, 3))",
    "ops.ones((2,), dtype='int32')",
    "ops.arange(4)",
    "ops.arange(1, 2, 0.25)",
    "ops.arange(0, 6, 2, dtype='float32')",
    "ops.convert_to_tensor([1.5, 2.0])",
    "ops.convert_to_numpy(ops.square(x))",
    "ops.zeros(ops.shape(x))",
    "ops.sum(ops.square(ops.subtract(x, 1)), axis=-1) / 2.0",
]


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_a_function_computes_what_that_of_ops_computes(floatx):
    different = []
    use_floatx(floatx)
    for case in OF_OPS:
        found = []
        for ops in (modules.find("keras.ops"), tensorflow.keras.ops):
            given = values()
            given = {"x": given["x"].astype(floatx), "n": given["n"].astype("int32")}
            given = {name: ops.convert_to_tensor(each) for name, each in given.items()}
            found.append(np.asarray(eval(case, {"ops": ops, **given})))
        own, theirs = found
        tolerance = 1e-13 if floatx == "float64" else 1e-5
        same = own.shape == theirs.shape and np.allclose(own, theirs, tolerance, 0, equal_nan=True)
        if not (same and own.dtype == theirs.dtype):
            different.append((case, own.dtype, theirs.dtype))
    assert not different


def values():
    rng = np.random.default_rng(4)
    return {"x": rng.normal(size=(3, 4)), "n": rng.integers(0, 4, (3, 4))}


@pytest.mark.parametrize("case", CASES)
def test_a_function_computes_what_tensorflow_computes(case):
    own, theirs = (eval(case, {"tf": tf, **values()}) for tf in (TINYNET, tensorflow))
    own, theirs = np.asarray(own), theirs.numpy()
    assert own.dtype == theirs.dtype
    np.testing.assert_allclose(own, theirs, rtol=1e-14, atol=1e-300, strict=True)


def leaves(element):
    if isinstance(element, dict):
        return [leaf for name in sorted(element) for leaf in leaves(element[name])]
    if isinstance(element, tuple):
        return [leaf for part in element for leaf in leaves(part)]
    return [element.numpy()]


@pytest.mark.parametrize("case", DATA)
def test_a_data_set_has_the_elements_of_tensorflows(case):
    made = []
    for tf in (TINYNET, tensorflow):
        names = {"tf": tf, "slices": tf.data.Dataset.from_tensor_slices, **values()}
        made.append(eval(case, names))
    own, theirs = ([leaves(element) for element in each] for each in made)
    assert len(own) == len(theirs)
    for a, b in zip(own, theirs, strict=True):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_array_equal(left, right)
            assert np.asarray(left).dtype == np.asarray(right).dtype
    assert made[0].cardinality() == made[1].cardinality()


SHUFFLES = [
    "numbers.shuffle(20)",
    "numbers.shuffle(7)",
    "numbers.shuffle(1)",
    "numbers.shuffle(50, seed=3)",
    "numbers.shuffle(20).batch(6).prefetch(2)",
    "numbers.shuffle(20, reshuffle_each_iteration=False)",
    "numbers.shuffle(20).repeat(2)",
    "numbers.batch(4).shuffle(3)",
]


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("case", SHUFFLES)
def test_a_shuffled_data_set_has_the_order_of_tensorflows(case, seed):
    found = []
    for tf in (TINYNET, tensorflow):
        tf.random.set_seed(seed)
        made = eval(case, {"numbers": tf.data.Dataset.from_tensor_slices(np.arange(20))})
        again = eval(case, {"numbers": tf.data.Dataset.from_tensor_slices(np.arange(20))})
        passes = (made, made, again, made)
        found.append([[np.asarray(each).tolist() for each in data] for data in passes])
    assert found[0] == found[1]


def test_the_order_where_only_the_shuffle_has_a_seed():
    code = "list(tf.data.Dataset.from_tensor_slices(np.arange(20)).shuffle(20, seed=8))"
    alone = "import numpy as np, tensorflow as tf; print([int(each) for each in " + code + "])"
    done = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    with random.untouched():
        random._global_seed = None
        own = [int(each) for each in eval(code, {"np": np, "tf": TINYNET})]
    assert str(own) == done.stdout.strip()


def test_cardinality_of_what_never_ends():
    own, theirs = (
        tf.data.Dataset.from_tensor_slices(np.zeros(3)).repeat() for tf in (TINYNET, tensorflow)
    )
    assert int(own.cardinality()) == int(theirs.cardinality())
    assert TINYNET.data.experimental.INFINITE_CARDINALITY == -1


def test_versions_are_those_that_it_stands_for():
    import keras

    assert modules.module_of("keras").__version__ == keras.__version__
    assert tensorflow.__version__.startswith("2.")
