"""What the other library lacks is an error that names it, before anything is made or changed."""

import functools
import random as python_random

import numpy as np
import pytest

import tinynet
from parity_tests.backend import keras
from tinynet import configurable
from tinynet.interop import from_keras, to_keras

K, T = keras.layers, tinynet.layers
rng = np.random.default_rng(0)


def stack(library, *layers, **parts):
    """Return a model for vectors of 4, compiled if an argument of `compile` is given."""
    model = library.Sequential([library.Input((4,)), *layers])
    if parts:
        model.compile(**{"optimizer": "sgd", "loss": "mse", **parts})
    return model


def refused(travel, model, match, error=ValueError):
    """Check that a model raises an error, and that no name or random number is used up for it."""
    before = python_random.getstate(), dict(configurable._names)
    with pytest.raises(error, match=match):
        travel(model)
    assert (python_random.getstate(), dict(configurable._names)) == before


# From Keras.


class Mine(K.Dense):
    pass


class Adam(keras.optimizers.Adam):
    pass


class HeNormal(keras.initializers.HeNormal):
    pass


def relu(x):
    return x


def dense(**options):
    return lambda: K.Dense(3, **options)


class OwnKerasConstraint(keras.constraints.Constraint):
    pass


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (lambda: K.GroupNormalization(2), r"group_normalization: GroupNorm.* has Activation, Acti"),
        (lambda: keras.Sequential([K.Dense(2)], name="inner"), r"inner: .* got Sequential"),
        (lambda: Mine(3), r"mine: expected an object of a class of keras.layers, got Mine"),
        (
            dense(kernel_constraint=OwnKerasConstraint()),
            r"dense: kernel_constraint: OwnKerasConstraint is not in tinynet",
        ),
        (dense(lora_rank=2), r"dense: lora_rank=2 is not in tinynet, whose Dense has activation,"),
        (dense(dtype="mixed_float16"), r"dense: dtype='mixed_float16' is not .* 'float64'"),
        (dense(dtype="float32"), r"dense: dtype='float32' is not .* one float type"),
        (dense(activation="glu"), r"'glu' is no activation in tinynet: its output is half as"),
        (dense(activation=lambda x: x), r"dense: activation <lambda> is .* of your own; tinynet"),
        (dense(activation=relu), r"dense: activation relu is a function of your own; tinynet has"),
        (
            dense(activation=functools.partial(keras.activations.gelu, approximate=True)),
            r"dense: activation functools.partial\(<function gelu",
        ),
        (lambda: K.Dense(3, activation=K.PReLU()), r"dense: activation=PReLU is not in tinynet"),
        (lambda: K.Lambda(lambda x: x), r"lambda: function: a lambda is not in tinynet"),
        (lambda: K.Lambda(relu), r"lambda: function: the function relu is not in tinynet"),
        (
            lambda: K.Dense(3, activation=K.Dropout(0.1)),
            r"dense: activation=Dropout is not in tinynet, which has only Keras's layers ELU, Leak",
        ),
        (dense(kernel_initializer="orthogonal"), r"dense: kernel_initializer: Orthogonal .* Const"),
        (dense(bias_initializer=lambda shape, dtype: 0), r"dense: bias_initializer: a lambda is"),
        (dense(bias_initializer=HeNormal()), r"dense: bias_initializer: HeNormal is not"),
        (
            dense(kernel_regularizer="orthogonal_regularizer"),
            r"dense: kernel_regularizer: OrthogonalRegularizer is not .* L1, L1L2, L2",
        ),
        (
            lambda: K.BatchNormalization(renorm=True),
            r"batch_normalization: renorm=True is not in tinynet, whose BatchNorm.* has axis, beta",
        ),
        (lambda: K.Dropout(0.1, activity_regularizer="l2"), r"dropout: activity_regularizer=L2 is"),
        (lambda: K.Flatten(data_format="channels_first"), r"flatten: data_format='channels_first'"),
        (lambda: K.Rescaling([1.0, 2.0, 3.0, 4.0]), r"rescaling: scale=\[.*where it is one number"),
        (lambda: K.Softmax(axis=[1]), r"softmax: axis=\[1\] is not .* where it is one number"),
    ],
)
def test_layers_that_tinynet_lacks(layer, match):
    refused(from_keras, stack(keras, layer()), match)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"batch_size": 5}, r"pixels: batch_shape=\(5, 4\), \{'batch_size': 5\} is not in tinynet"),
        ({"optional": True}, r"pixels: .*'optional': True.*whose Input has a name and the shape"),
        ({"dtype": "float32"}, r"pixels: dtype='float32'"),
        ({"shape": (None, 4)}, r"pixels: batch_shape=\(None, None, 4\).* all of it known"),
    ],
)
def test_inputs_that_tinynet_lacks(options, match):
    start = keras.Input(**{"shape": (4,), "name": "pixels", **options})
    refused(from_keras, keras.Sequential([start, K.Dense(3)]), match)


class OwnKerasSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1

    def get_config(self):
        return {}


def adam(*args, **options):
    return lambda: {"optimizer": keras.optimizers.Adam(*args, **options)}


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        (
            lambda: {"optimizer": "ftrl"},
            r"optimizer: Ftrl is not .* which has Adadelta, Adagrad, Adam",
        ),
        (
            lambda: {"optimizer": Adam()},
            r"optimizer: expected an .* class of keras.optimizers, got",
        ),
        (
            lambda: {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())},
            r"optimizer: LossScaleOptimizer is not in tinynet, which has Adadelta",
        ),
        (
            adam(loss_scale_factor=2.0),
            r"optimizer: loss_scale_factor=2.0 is not in tinynet, whose Adam has amsgrad",
        ),
        (adam(lambda: 0.1), r"optimizer: learning_rate: a lambda is not"),
        (
            adam(OwnKerasSchedule()),
            r"optimizer: learning_rate: OwnKerasSchedule is not in tinynet",
        ),
        (lambda: {"loss": "tversky"}, r"loss: unknown loss 'tversky'; known are"),
        (lambda: {"loss": None}, r"loss: expected .* got NoneType; tinynet has BinaryCross"),
        (lambda: {"loss": {"dense": keras.losses.Dice()}}, r"loss: Dice is not .* has BinaryCross"),
        (lambda: {"loss": keras.losses.Dice()}, r"loss: Dice is not .* has BinaryCross"),
        (
            lambda: {"loss": keras.losses.mean_squared_error},
            r"loss: .*function goes by its name, 'mean_squared_error'\); tinynet has Binary",
        ),
        (
            lambda: {"loss": keras.losses.MeanSquaredError(dtype="float32")},
            r"loss: dtype='float32' is not",
        ),
        (lambda: {"metrics": ["MeanIoU"]}, r"metrics: unknown metric 'MeanIoU'; did you mean"),
        (
            lambda: {"metrics": [keras.metrics.MeanIoU(2)]},
            r"metrics: MeanIoU is not .* has AUC, Acc",
        ),
        (
            lambda: {"weighted_metrics": [keras.metrics.mean_squared_error]},
            r"metrics: .*goes by its name, 'mean_squared_error'",
        ),
        (lambda: {"metrics": [keras.metrics.F1Score]}, r"metrics: expected an object .* got F1Sco"),
        (lambda: {"metrics": {"dense": ["MeanIoU"]}}, r"metrics: unknown metric 'MeanIoU'"),
        (
            lambda: {"metrics": [keras.metrics.F1Score(dtype="float32")]},
            r"metrics: dtype='float32' is not",
        ),
    ],
)
def test_parts_of_compile_that_tinynet_lacks(parts, match):
    refused(from_keras, stack(keras, K.Dense(3), **parts()), match)


def test_models_that_are_no_stack():
    start = keras.Input((4,))
    functional = keras.Model(start, K.Dense(2)(start), name="branches")
    refused(from_keras, functional, r"branches: .*Functional is not .* keras.Sequential\(model.lay")
    custom = type("Custom", (keras.Sequential,), {})([start, K.Dense(2)], name="own")
    refused(from_keras, custom, r"own: .*Custom is not in tinynet, which has Sequential only")
    refused(from_keras, keras.Sequential(), r"sequential: the model has no layers")
    for wrong in (3, K.Dense(2), tinynet.Sequential()):
        refused(from_keras, wrong, r"keras_model: expected a keras.Sequential, got", TypeError)


def test_flags_that_are_not_a_layers():
    one_weight = stack(keras, K.Dense(3, name="dense"))
    one_weight.layers[0].kernel.trainable = False
    refused(from_keras, one_weight, r"dense: trainable=False of kernel alone is not in tinynet")


def test_half_a_model_of_keras():
    begun = K.Dense(3, name="begun")
    begun.build((None, 4))
    refused(from_keras, keras.Sequential([begun, K.Dense(2)]), r"begun has weights, but the model")


def test_memories_of_keras_that_are_not_the_models():
    model, other = stack(keras, K.Dense(3)), stack(keras, K.Dense(3))
    optimizer = keras.optimizers.Adam()
    optimizer.build(other.trainable_variables)
    model.compile(optimizer, "mse")
    refused(from_keras, model, r"adam: the optimizer has slots for .*kernel, which is not a weight")
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_list=[model.weights[0]])
    model.compile(optimizer, "mse")
    refused(from_keras, model, r"exclude_from_weight_decay\(var_list=...\) is not .* by name")


# From tinynet.


class OwnLayer(T.Dense):
    pass


class OwnRule(tinynet.initializers.HeNormal):
    pass


class OwnConstraint(tinynet.constraints.NonNeg):
    pass


class OwnPenalty(tinynet.regularizers.L2):
    pass


def own_loss(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 4, axis=-1)


class OwnLoss(tinynet.losses.MeanSquaredError):
    pass


class OwnMetric(tinynet.metrics.F1Score):
    pass


class OwnOptimizer(tinynet.optimizers.Adam):
    pass


class OwnSchedule(tinynet.optimizers.schedules.CosineDecay):
    pass


class OwnModel(tinynet.Sequential):
    pass


@tinynet.activations.Activation
def tanh():
    return tinynet.activations.tanh.choose()


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (lambda: OwnLayer(3), r"own_layer: .*OwnLayer is a class of your own; Keras has counterp"),
        (lambda: T.Dense(3, kernel_initializer=OwnRule()), r"dense: kernel_initializer: .*OwnRule"),
        (lambda: T.Dense(3, bias_regularizer=OwnPenalty()), r"dense: bias_regularizer: .*OwnPenal"),
        (
            lambda: T.Dense(3, activation=tanh),
            r"dense: activation: 'tanh' is a function of your own",
        ),
        (
            lambda: T.Activation(tinynet.activations.gelu.with_options(approximate=True)),
            r"activation: activation: 'gelu' with \{'approximate': True\} .* only elu, leaky_relu",
        ),
        (
            lambda: T.Dense(3, activation=tinynet.activations.relu.with_options(threshold=-1.0)),
            r"dense: Keras does not take it: threshold of a ReLU layer cannot",
        ),
        (
            lambda: T.Lambda(relu),
            r"lambda: relu is a function of your own; write it with keras.ops",
        ),
        (
            lambda: T.Dense(3, bias_constraint=OwnConstraint()),
            r"dense: bias_constraint: .*OwnConstraint is a class of your own",
        ),
        (lambda: T.Dense(3, dtype="float32"), r"dense: dtype='float32', while .* 'float64'"),
    ],
)
def test_layers_that_keras_lacks(layer, match):
    refused(to_keras, stack(tinynet, layer()), match)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"optimizer": OwnOptimizer()}, r"optimizer: .*OwnOptimizer is a class of your own"),
        (
            {"optimizer": tinynet.optimizers.Adam(OwnSchedule(0.1, 5))},
            r"optimizer: learning_rate: .*OwnSchedule is a class of your own",
        ),
        ({"loss": own_loss}, r"loss: own_loss is a function of your own; write it with keras.ops"),
        ({"metrics": [own_loss]}, r"metrics: own_loss is a function of your own"),
        (
            {"metrics": [tinynet.metrics.MeanMetricWrapper(own_loss, "mine", power=3)]},
            r"metrics: own_loss is a function of your own",
        ),
        ({"loss": OwnLoss()}, r"loss: .*OwnLoss is a class of your own"),
        ({"weighted_metrics": [OwnMetric()]}, r"metrics: .*OwnMetric is a class of your own"),
    ],
)
def test_parts_of_compile_that_keras_lacks(parts, match):
    refused(to_keras, stack(tinynet, T.Dense(3), **parts), match)


def test_models_of_ones_own_or_half_a_model():
    refused(to_keras, OwnModel([T.Dense(3)]), r"own_model: expected .* a class of your own")
    refused(to_keras, tinynet.Sequential(), r"sequential: the model has no layers")
    begun = T.Dense(3, name="begun")
    begun.ensure_built((4,))
    refused(to_keras, tinynet.Sequential([begun]), r"begun has weights, but the model is not built")
    for wrong in (3, T.Dense(2), keras.Sequential()):
        refused(to_keras, wrong, r"model: expected a tinynet.Sequential, got", TypeError)


def test_a_memory_of_another_model():
    model = stack(tinynet, T.Dense(3, name="a"), optimizer="adam")
    model.train_on_batch(rng.normal(size=(5, 4)), rng.normal(size=(5, 3)))
    other = stack(tinynet, T.Dense(3, name="b"), optimizer=model.optimizer)
    refused(to_keras, other, r"adam: the optimizer has slots for a/kernel, which is not a weight")
    other = stack(tinynet, T.Dense(2, name="a"), optimizer=model.optimizer)
    refused(to_keras, other, r"adam: expected momentum of 8 numbers for a/kernel, got 12")


# In both directions.


@pytest.mark.parametrize(
    ("setting", "value", "match"),
    [
        ("set_floatx", "float32", r"floatx: 'float64' in tinynet and 'float32' in Keras, so a"),
        ("set_epsilon", 1e-5, r"epsilon: 1e-07 in tinynet and 1e-05 in Keras"),
        (
            "set_dtype_policy",
            "mixed_float16",
            r"dtype_policy: 'float64' .* 'mixed_float16' in Keras",
        ),
    ],
)
def test_libraries_that_would_compute_differently(setting, value, match):
    own = stack(tinynet, T.Dense(3))
    before = keras.config.epsilon()
    getattr(keras.config, setting)(value)
    try:
        refused(to_keras, own, match)
        theirs = stack(keras, K.Dense(3))
        refused(from_keras, theirs, match)
    finally:
        keras.config.set_epsilon(before)
