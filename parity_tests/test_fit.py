"""Whole calls of a model's methods: fit, evaluate, predict and the others.

Both models start with the same weights and see the samples in the same order.
"""

import itertools
import warnings

import numpy as np
import pytest

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import TOLERANCE, expect_same, make, make_both, numpy, use_floatx
from parity_tests.drawn import one_class_is_meant
from parity_tests.terms import of_training

rng = np.random.default_rng(8)
N = 20
DATA = {
    "X": rng.normal(size=(N, 4)),
    "LABELS": rng.integers(0, 3, N),
    "ONE_HOT": np.eye(3)[rng.integers(0, 3, N)],
    "BITS": rng.integers(0, 2, N),
    "NUMBERS": rng.normal(size=(N, 3)),
    "WEIGHTS": rng.random(N) * 2,
    "PIXELS": rng.integers(0, 256, (N, 2, 2)).astype("uint8"),
    "SEQUENCES": rng.normal(size=(N, 5, 4)),
    "STEPS": rng.integers(0, 3, (N, 5)),
    "STEP_WEIGHTS": rng.random((N, 5)),
}
# For every sample there is its negative in the same class, and all classes have equally many.
DATA["BALANCED"] = np.concatenate([DATA["X"][:9], -DATA["X"][:9]])
DATA["OF_EACH_CLASS"] = np.tile(np.arange(3), 6)


def batches(library, *arrays, size=6):
    """Return arrays as batches that know their numbers."""

    class Batches(library.utils.PyDataset):
        def __len__(self):
            return -(-N // size)

        def __getitem__(self, number):
            return tuple(each[number * size : (number + 1) * size] for each in arrays)

    return Batches()


def dataset(library, *arrays, size=6):
    """Return arrays as a data set of TensorFlow's, or as what looks the same to tinynet."""
    if library is keras:
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(arrays).batch(size)
    return dict(enumerate(batches(library, *arrays, size=size))).values()


def endless(*arrays, size=6):
    """Yield arrays as batches, again and again."""
    for start in itertools.cycle(range(0, N, size)):
        yield tuple(each[start : start + size] for each in arrays)


DATA |= {"batches": batches, "dataset": dataset, "endless": endless}

MODELS = {
    "classifier": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(6, activation='relu'),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3, activation='softmax'),
    ])""",
    "penalised": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.125)),
    ])""",
    "binary": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(1, activation='sigmoid'),
    ])""",
    "undecided": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(3, activation='softmax', kernel_initializer='zeros'),
    ])""",
    "one class": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dense(1),
        keras.layers.Softmax(),
    ])""",
    "images": """keras.Sequential([
        keras.Input((2, 2)),
        keras.layers.Flatten(),
        keras.layers.Rescaling(1 / 256),
        keras.layers.Dense(3),
    ])""",
    "sequences": """keras.Sequential([
        keras.Input((5, 4)),
        keras.layers.Dense(3, activation='softmax'),
    ])""",
    "without Input": """keras.Sequential([
        keras.layers.Dense(3, activation='softmax', kernel_initializer='ones'),
    ])""",
    "noisy": """keras.Sequential([
        keras.Input((4,)),
        keras.layers.Dropout(0.5),
        keras.layers.GaussianNoise(1.0),
        keras.layers.Dense(3, activation='softmax'),
    ])""",
}
# float32 represents these betas exactly; TensorFlow would round others when making a tensor.
ADAM = "keras.optimizers.Adam(0.01, beta_1=0.875, beta_2=0.96875)"
SPARSE = f"model.compile({ADAM}, 'sparse_categorical_crossentropy', metrics=['accuracy'])"

# Method: name of a case, model, and what is done with it, line by line.
CASES = {
    "Sequential.fit": {
        "last batch smaller": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=3, batch_size=6)",
        ),
        "in float32": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=3, validation_split=0.2)",
        ),
        "validation_split": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=3, batch_size=4, validation_split=0.33)",
        ),
        "validation_data": (
            "penalised",
            "model.compile('sgd', 'mse', metrics=['mae'])",
            "model.fit(X, NUMBERS, epochs=2, batch_size=8, validation_data=(X[:7], NUMBERS[:7]), "
            "validation_batch_size=3)",
        ),
        "weighted validation_data": (
            "classifier",
            "model.compile('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy'], "
            "weighted_metrics=['accuracy', 'sparse_categorical_accuracy'])",
            "model.fit(X, LABELS, epochs=2, batch_size=8, "
            "validation_data=(X[5:], LABELS[5:], WEIGHTS[5:]))",
        ),
        "sample_weight": (
            "penalised",
            "model.compile('sgd', 'mse', metrics=['mse'], weighted_metrics=['mse', 'mae'])",
            "model.fit(X, NUMBERS, epochs=2, batch_size=8, sample_weight=WEIGHTS, "
            "validation_split=0.25)",
        ),
        "class_weight": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'], "
            "weighted_metrics=['accuracy'])",
            "model.fit(X, LABELS, epochs=2, batch_size=8, class_weight={0: 0.5, 2: 3.0}, "
            "validation_split=0.25)",
        ),
        "class_weight of one-hot targets": (
            "classifier",
            "model.compile('sgd', 'categorical_crossentropy')",
            "model.fit(X, ONE_HOT, batch_size=8, class_weight={0: 0.5, 1: 2, 2: 3.0})",
        ),
        "initial_epoch": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=5, initial_epoch=3)",
        ),
        "averages at the end": (
            "classifier",
            "model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.875), "
            "'sparse_categorical_crossentropy')",
            "model.fit(X, LABELS, epochs=3, validation_split=0.25, batch_size=6)",
            "model.evaluate(X, LABELS)",
            "model.fit(X, LABELS, epochs=2, batch_size=6)",
        ),
        "gradients of three batches": (
            "classifier",
            "model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3), "
            "'sparse_categorical_crossentropy')",
            "model.fit(X, LABELS, epochs=4, validation_split=0.25, batch_size=4)",
        ),
        "all epochs are behind": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=2, initial_epoch=2)",
        ),
        "metrics over batches": (
            "classifier",
            f"model.compile({ADAM}, keras.losses.CategoricalCrossentropy(label_smoothing=0.25), "
            "metrics=['accuracy', 'mse', keras.metrics.Precision(), keras.metrics.Recall(top_k=2), "
            "keras.metrics.F1Score(average='macro')])",
            "model.fit(X, ONE_HOT, epochs=2, batch_size=6, validation_split=0.4)",
        ),
        # TensorFlow finds the k largest in float32 only.
        "the k largest, in float32": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy', "
            "metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=2, name='top 2')])",
            "model.fit(X, LABELS, epochs=2, batch_size=6)",
        ),
        "a figure for every class": (
            "classifier",
            f"model.compile({ADAM}, 'categorical_crossentropy', metrics=[keras.metrics.F1Score()])",
            "model.fit(X, ONE_HOT, epochs=2, batch_size=6)",
        ),
        "two metrics of one name": (
            "binary",
            "model.compile('sgd', 'binary_crossentropy', metrics=['accuracy', 'acc', "
            "keras.metrics.Recall(name='recall'), keras.metrics.Recall(0.25, name='recall')])",
            "model.fit(X, BITS, epochs=2, batch_size=16)",
        ),
        "flat targets": (
            "binary",
            "model.compile('sgd', 'mean_absolute_error', metrics=['MAE', 'mean_squared_error'])",
            "model.fit(X, NUMBERS[:, 0], epochs=2, batch_size=16)",
        ),
        "integer images": (
            "images",
            "model.compile(keras.optimizers.SGD(0.5, momentum=0.5), "
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])",
            "model.fit(PIXELS, LABELS[:, None], epochs=2, batch_size=7, validation_split=0.2)",
        ),
        "weights of steps": (
            "sequences",
            "model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'], "
            "weighted_metrics=['accuracy'])",
            "model.fit(SEQUENCES, STEPS, batch_size=8, sample_weight=STEP_WEIGHTS)",
        ),
        "without Input": ("without Input", SPARSE, "model.fit(X, LABELS, epochs=2)"),
        "going on": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=2, batch_size=8)",
            "model.fit(X, LABELS, epochs=2, batch_size=8)",
        ),
        "compiled again": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=2)",
            "model.compile(keras.optimizers.SGD(0.1), 'categorical_crossentropy', metrics=['mae'])",
            "model.fit(X, ONE_HOT, epochs=2)",
        ),
        "a frozen layer": (
            "classifier",
            "setattr(model.layers[0], 'trainable', False)",
            SPARSE,
            "model.fit(X, LABELS, epochs=2, batch_size=8)",
        ),
        "frozen batch normalization": (
            "classifier",
            "setattr(model.layers[1], 'trainable', False)",
            SPARSE,
            "model.fit(X, LABELS, epochs=2, batch_size=8)",
        ),
        "learning rate on a plateau": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=5, validation_split=0.25, callbacks=["
            "keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_delta=1.0)])",
        ),
        "learning rate of a schedule": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=4, callbacks=["
            "keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7), "
            "keras.callbacks.ReduceLROnPlateau('loss', patience=1, min_delta=1.0)])",
        ),
        "stopped, best weights restored": (
            "penalised",
            "model.compile(keras.optimizers.SGD(1.5), 'mse')",
            "model.fit(X, NUMBERS, epochs=9, validation_split=0.25, callbacks=["
            "keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)])",
            "model.evaluate(X, NUMBERS)",
        ),
        "from a generator": (
            "classifier",
            SPARSE,
            "model.fit(endless(X, LABELS), steps_per_epoch=3, epochs=3, "
            "validation_data=(X, LABELS), validation_steps=3, validation_freq=2)",
        ),
        "from a generator, with weights": (
            "classifier",
            "model.compile('adam', 'sparse_categorical_crossentropy', weighted_metrics=['acc'], "
            "steps_per_execution=1, jit_compile=False, auto_scale_loss=False)",
            "model.fit(endless(X, LABELS, WEIGHTS), steps_per_epoch=5, epochs=2)",
        ),
        "batches by number": (
            "classifier",
            SPARSE,
            "model.fit(batches(keras, X, LABELS), epochs=3, class_weight={1: 2.5}, "
            "validation_data=batches(keras, X, LABELS, size=7))",
            "model.fit(batches(keras, X, LABELS, WEIGHTS), epochs=3, steps_per_epoch=2)",
        ),
        "a data set": (
            "classifier",
            SPARSE,
            "model.fit(dataset(keras, X, LABELS), epochs=3, "
            "validation_data=dataset(keras, X, LABELS, WEIGHTS))",
        ),
        "an epoch of some steps": (
            "classifier",
            SPARSE,
            "keras.utils.set_random_seed(3)",
            "model.fit(X, LABELS, epochs=6, batch_size=5, steps_per_epoch=2, shuffle=True, "
            "validation_data=(X, LABELS), validation_freq=[1, 4], validation_batch_size=9)",
            "model.fit(X, LABELS, epochs=2, steps_per_epoch=3)",
        ),
        "shuffled": (
            "classifier",
            SPARSE,
            "keras.utils.set_random_seed(3)",
            "model.fit(X, LABELS, epochs=2, batch_size=6, shuffle=True)",
        ),
        "shuffled, with noise": (
            "noisy",
            "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])",
            "keras.utils.set_random_seed(3)",
            "model.fit(X, LABELS, epochs=2, batch_size=6, validation_split=0.25, shuffle=True)",
        ),
    },
    # Gradients that are 0, or what is left where terms cancel. Without Adam, which divides them by
    # their own size, and would turn their rounding errors into steps.
    "Sequential.fit (gradients that vanish)": {
        "no sample counts": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=2, batch_size=8, sample_weight=0 * WEIGHTS)",
        ),
        "no class counts": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy', weighted_metrics=['acc'])",
            "model.fit(X, LABELS, batch_size=8, class_weight={0: 0.0, 1: 0.0, 2: 0.0})",
        ),
        "targets that are met": (
            "penalised",
            "model.compile('sgd', 'mse', metrics=['mae'])",
            "model.fit(0 * X, 0 * NUMBERS, epochs=2, batch_size=8)",
        ),
        "signs that cancel": (
            "undecided",
            "model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])",
            "model.fit(BALANCED, OF_EACH_CLASS, epochs=2, batch_size=18)",
        ),
        "one class": (
            "one class",
            "model.compile('sgd', 'mse')",
            "model.fit(X, BITS, epochs=2, batch_size=8)",
        ),
        "one class, in float32": (
            "one class",
            "model.compile('sgd', 'mse')",
            "model.fit(X, BITS, epochs=2, batch_size=8)",
        ),
        "batches of one": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy')",
            "model.fit(X, LABELS, epochs=2, batch_size=1)",
        ),
        "all samples alike": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy')",
            "model.fit(0 * X + 0.7, LABELS, epochs=2, batch_size=8)",
        ),
        "no steps": (
            "classifier",
            "model.compile(keras.optimizers.SGD(0.0), 'sparse_categorical_crossentropy')",
            "model.fit(X, LABELS, epochs=2, batch_size=8)",
        ),
    },
    "Sequential.evaluate": {
        "the loss alone": (
            "penalised",
            "model.compile('sgd', 'mse')",
            "model.evaluate(X, NUMBERS, batch_size=6)",
        ),
        "order": (
            "classifier",
            "model.compile('sgd', 'categorical_crossentropy', metrics=['mse', 'accuracy'], "
            "weighted_metrics=['mae'])",
            "model.evaluate(X, ONE_HOT, batch_size=6, sample_weight=WEIGHTS)",
            "model.evaluate(X[:3], ONE_HOT[:3])",
        ),
        # With two of the same name, Keras's list has the first twice; its dictionary is right.
        "by name": (
            "classifier",
            "model.compile('sgd', 'categorical_crossentropy', metrics=['mse', 'accuracy'], "
            "weighted_metrics=['mae', 'accuracy'])",
            "model.evaluate(X, ONE_HOT, batch_size=6, sample_weight=WEIGHTS, return_dict=True)",
        ),
        "without training's noise": (
            "noisy",
            SPARSE,
            "model.evaluate(X, LABELS, batch_size=6)",
        ),
        "streams": (
            "classifier",
            SPARSE,
            "model.evaluate(endless(X, LABELS), steps=5)",
            "model.evaluate(batches(keras, X, LABELS, WEIGHTS))",
            "model.evaluate(dataset(keras, X, LABELS), steps=2)",
            "model.evaluate(X, LABELS, steps=3)",
        ),
        "weights of steps": (
            "sequences",
            SPARSE,
            "model.evaluate(SEQUENCES, STEPS, sample_weight=STEP_WEIGHTS, return_dict=True)",
        ),
    },
    "Sequential.predict": {
        "batches": ("classifier", "model.predict(X, batch_size=6)", "model.predict(X[:1])"),
        "without training's noise": ("noisy", "model.predict(X)"),
        "streams": (
            "classifier",
            "model.predict(endless(X, LABELS), steps=2)",
            "model.predict(batches(keras, X))",
            "model.predict(X, steps=2, batch_size=3)",
        ),
        "one output": ("binary", "model.predict(X)"),
        "integer images": ("images", "model.predict(PIXELS)"),
        "sequences": ("sequences", "model.predict(SEQUENCES, batch_size=15)"),
        "in float32": ("classifier", "model.predict(X, batch_size=6)"),
        "after training": (
            "classifier",
            SPARSE,
            "model.fit(X, LABELS, epochs=2)",
            "model.predict(X)",
        ),
    },
    "Sequential.train_on_batch": {
        "figures": (
            "classifier",
            SPARSE,
            "model.train_on_batch(X, LABELS)",
            "model.train_on_batch(X, LABELS, return_dict=True)",
        ),
        "the loss alone": (
            "penalised",
            "model.compile('sgd', 'mse')",
            "model.train_on_batch(X, NUMBERS)",
            "model.train_on_batch(X, NUMBERS, sample_weight=WEIGHTS)",
        ),
        "class_weight": (
            "classifier",
            "model.compile('sgd', 'sparse_categorical_crossentropy', weighted_metrics=['acc'])",
            "model.train_on_batch(X, LABELS, class_weight={1: 4.0})",
        ),
    },
    "Sequential.test_on_batch": {
        "figures": (
            "classifier",
            SPARSE,
            "model.test_on_batch(X, LABELS)",
            "model.test_on_batch(X[:5], LABELS[:5], sample_weight=WEIGHTS[:5])",
            "model.test_on_batch(X, LABELS, return_dict=True)",
        ),
    },
    "Sequential.predict_on_batch": {
        "shapes": ("classifier", "model.predict_on_batch(X)", "model.predict_on_batch(X[:1])"),
    },
    "Sequential.__call__": {
        "inference": ("classifier", "model(X)", "model(X, training=True)", "model(X)"),
    },
}
FLAT = [
    pytest.param(piece, model, lines, "float32" if "float32" in name else "float64", id=name)
    for piece, cases in CASES.items()
    for name, (model, *lines) in ((f"{piece}-{k}", case) for k, case in cases.items())
]
DRAWS = "shuffle=True"


@one_class_is_meant
@pytest.mark.parametrize(("piece", "model", "lines", "floatx"), FLAT)
def test_method(piece, model, lines, floatx):
    script = "\n".join(lines)
    if DRAWS in script and BACKEND != "tensorflow":
        pytest.skip("the random numbers and the order are those of Keras on TensorFlow")
    use_floatx(floatx)
    own, theirs = make_both(MODELS[model])
    if theirs.built:
        theirs.set_weights(own.get_weights())
    tensors = {}
    for number, line in enumerate(lines, 1):
        line = with_settings(line)
        result, expected = (
            named(make(line, library, model=each, **DATA))
            for library, each in ((tinynet, own), (keras, theirs))
        )
        assert list(result) == list(expected), f"{script}\n  line {number}: names or their order"
        for name, value in result.items():
            place = f"line {number}, {name}"
            assert kind(value) == kind(expected[name]), f"{script}\n  {place}: type"
            tensors[place] = value, as_array(expected[name])
    for (name, value), expected in zip(own.arrays.items(), theirs.get_weights(), strict=True):
        tensors[f"{name} at the end"] = value, expected, of_training(own)
    expect_same(piece, tensors, tolerance=TOLERANCE[floatx], case=f"{model}\n{script}")


ON_ITS_OWN = {
    "ends: a generator": "model.fit(some(endless(X, LABELS), 5), epochs=3, shuffle=False)",
    "ends: a generator, of some steps": "model.fit(some(endless(X, LABELS), 7), epochs=4, "
    "steps_per_epoch=3, shuffle=False)",
    "ends: batches by number": "model.fit(batches(keras, X, LABELS), epochs=4, steps_per_epoch=3)",
    "ends: arrays": "model.fit(X, LABELS, epochs=4, batch_size=6, steps_per_epoch=3)",
    "shuffled batches": "model.fit(batches(keras, X, LABELS, WEIGHTS, size=3), epochs=4)",
    "shuffled batches, of some steps": "model.fit(batches(keras, X, LABELS, size=3), epochs=3, "
    "steps_per_epoch=2)",
}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the order is that of Keras on TensorFlow")
@pytest.mark.parametrize("name", ON_ITS_OWN)
def test_one_call_from_one_seed(name):
    """SGD: when the data end, Keras's Adam counts a step that is not made."""
    use_floatx("float64")
    line = f"{ON_ITS_OWN[name][:-1]}, verbose=0)"
    own, theirs = make_both(MODELS["classifier"])
    theirs.set_weights(own.get_weights())
    told = []
    for library, model in ((tinynet, own), (keras, theirs)):
        model.compile("sgd", "sparse_categorical_crossentropy")
        library.utils.set_random_seed(3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = make(line, library, model=model, some=some, **DATA)
        count = sum("data" in str(each.message) for each in caught)
        told.append((count, result.history["loss"], model.get_weights()))
    (warned, losses, weights), (expected, their_losses, their_weights) = told
    assert warned == expected and (warned > 0) == name.startswith("ends")
    tensors = {"losses": (losses, their_losses)}
    pairs = zip(weights, their_weights, strict=True)
    tensors |= {f"weight {i}": pair for i, pair in enumerate(pairs)}
    expect_same("Sequential.fit", tensors, case=line)


def some(batches, number):
    """Yield so many batches: a generator, as Keras takes one."""
    yield from itertools.islice(batches, number)


def kind(value):
    """Return the type of a number, of a list, or of an array's or a tensor's entries."""
    return numpy(value).dtype if hasattr(value, "dtype") else type(value)


def as_array(value):
    """Return numbers, a tensor, or a list of either as one array."""
    return np.array([numpy(each) for each in value]) if isinstance(value, list) else numpy(value)


def with_settings(line):
    """Return a line with verbose=0 and, unless it says otherwise, shuffle=False."""
    if line.startswith("model.fit(") and "shuffle" not in line:
        line = f"{line[:-1]}, shuffle=False)"
    if line.startswith(("model.fit(", "model.evaluate(", "model.predict(")):
        line = f"{line[:-1]}, verbose=0)"
    return line


def named(result):
    """Return what a method returned as values by name."""
    if hasattr(result, "history"):
        return {"epoch": result.epoch, **result.history}
    if isinstance(result, dict):
        return result
    if isinstance(result, list):
        return {f"value {place}": value for place, value in enumerate(result)}
    return {} if result is None else {"result": result}


@pytest.mark.filterwarnings("ignore:Argument .* is deprecated")
def test_what_keras_still_takes_from_keras_2():
    """Old names of arguments, build without a shape, and fit for no epochs."""
    found = []
    for library in (tinynet, keras):
        assert library.layers.LeakyReLU(alpha=0.1).negative_slope == 0.1
        layers = [library.layers.InputLayer(input_shape=(4,)), library.layers.Dense(2)]
        model = library.Sequential(layers)
        model.build()
        model.compile("sgd", "mse", metrics=["mae"])
        before = model.get_weights()
        x, y = np.ones((5, 4)), np.ones((5, 2))
        for options in ({"epochs": 0}, {"epochs": 0, "validation_data": (x, y)}):
            history = model.fit(x, y, verbose=0, **options)
            found.append((history.history, history.epoch, history.params))
        assert all(map(np.array_equal, before, model.get_weights()))
        assert model.count_params() == 10
    assert found[:2] == found[2:]
