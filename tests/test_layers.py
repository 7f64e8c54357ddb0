"""What holds for every layer: gradients, shapes, configs, weights, and the order of calls."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinynet import Sequential, activations, config, layers
from tinynet.configurable import serialize
from tinynet.gradcheck import gradcheck
from tinynet.initializers import RandomUniform
from tinynet.layers import (
    ELU,
    LAYERS,
    Activation,
    ActivityRegularization,
    AlphaDropout,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Lambda,
    Layer,
    LayerNormalization,
    LeakyReLU,
    MaxPooling2D,
    Permute,
    PReLU,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    ReLU,
    Rescaling,
    Reshape,
    SeparableConv2D,
    Softmax,
    SpatialDropout2D,
    UnitNormalization,
    UpSampling2D,
    ZeroPadding2D,
)
from tinynet.random import set_random_seed
from tinynet.regularizers import L1, L1L2, L2
from tinynet.saving import register_keras_serializable


def dense(**options: Any) -> Callable[[], Layer]:
    """Make a dense layer of 4 units whose biases are not all zero."""
    return lambda: Dense(4, bias_initializer=RandomUniform(-1.0, 1.0, seed=5), **options)


def batch_norm(**options: Any) -> Callable[[], Layer]:
    """Make a batch norm whose weights and moving statistics are not just zeros and ones."""
    return lambda: BatchNormalization(
        gamma_initializer=RandomUniform(0.5, 2.0, seed=1),
        beta_initializer=RandomUniform(-1.0, 1.0, seed=2),
        moving_mean_initializer=RandomUniform(-1.0, 1.0, seed=3),
        moving_variance_initializer=RandomUniform(0.5, 2.0, seed=4),
        **options,
    )


def conv(
    kernel_size: int | tuple[int, int], filters: int = 3, **options: Any
) -> Callable[[], Layer]:
    """Make a convolution whose biases are not all zero."""
    bias = RandomUniform(-1.0, 1.0, seed=5)
    return lambda: Conv2D(filters, kernel_size, bias_initializer=bias, **options)


def depthwise(kernel_size: int | tuple[int, int], **options: Any) -> Callable[[], Layer]:
    bias = RandomUniform(-1.0, 1.0, seed=5)
    return lambda: DepthwiseConv2D(kernel_size, bias_initializer=bias, **options)


def separable(kernel_size: int | tuple[int, int], **options: Any) -> Callable[[], Layer]:
    bias = RandomUniform(-1.0, 1.0, seed=5)
    return lambda: SeparableConv2D(4, kernel_size, bias_initializer=bias, **options)


def prelu(**options: Any) -> Callable[[], Layer]:
    return lambda: PReLU(RandomUniform(-0.5, 0.5, seed=5), **options)


def layer_norm(**options: Any) -> Callable[[], Layer]:
    """Make a layer norm whose weights are not just zeros and ones."""
    return lambda: LayerNormalization(
        gamma_initializer=RandomUniform(0.5, 2.0, seed=1),
        beta_initializer=RandomUniform(-1.0, 1.0, seed=2),
        **options,
    )


@register_keras_serializable("layers")
def cubed(x: np.ndarray) -> np.ndarray:
    return x**3 + 1


@register_keras_serializable("layers")
def cubed_backward(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 3 * x**2 * dout


@register_keras_serializable("layers")
def shares(x: np.ndarray, power: float) -> np.ndarray:
    """Make vectors of sums, of samples (2, 4)."""
    return (x**power).sum(axis=1) + x[:, 0] * x[:, 1, ::-1]


@register_keras_serializable("layers")
def centered(x: np.ndarray) -> np.ndarray:
    return x - (x**2).mean(axis=0)


Case = tuple[Callable[[], Layer], tuple[int, ...]]
# In float64 too, these are computed in float32, as in TensorFlow: differences cannot tell more
# than two digits. test_augmentation.py holds their gradients to the bit.
BLENDED: dict[str, Case] = {
    "rotation, blended": (lambda: RandomRotation((0.1, 0.4), seed=1), (3, 5, 4, 2)),
    "zoom, blended": (lambda: RandomZoom(0.5, fill_mode="nearest", seed=1), (3, 5, 4, 2)),
    "translation, blended": (lambda: RandomTranslation(0.5, 0.3, "wrap", seed=1), (3, 5, 4, 2)),
}
# A way to make the layer, and the shape of a batch for it.
CASES: dict[str, Case] = {
    "dense": (dense(), (6, 5)),
    "dense, one sample": (dense(), (1, 5)),
    "dense, one output": (lambda: Dense(1), (6, 5)),
    "dense, rank 3": (dense(), (3, 2, 5)),
    "dense, rank 4": (dense(activation="tanh"), (2, 3, 2, 5)),
    "dense without bias": (dense(use_bias=False), (6, 5)),
    "dense, frozen": (dense(trainable=False), (6, 5)),
    **{f"dense {f}": (dense(activation=f), (6, 5)) for f in activations.ACTIVATIONS},
    "dense leaky": (
        dense(activation=activations.leaky_relu.with_options(negative_slope=0.3)),
        (6, 5),
    ),
    "dense, softmax along axis 1": (
        dense(activation=activations.softmax.with_options(axis=1)),
        (3, 2, 5),
    ),
    "dense, l1 on the kernel": (dense(kernel_regularizer=L1(0.1)), (6, 5)),
    "dense, l2 on the bias": (dense(bias_regularizer=L2(0.1)), (6, 5)),
    "dense, l1 and l2 on both": (
        dense(kernel_regularizer=L1L2(0.1, 0.2), bias_regularizer=L1L2(0.2, 0.1)),
        (6, 5),
    ),
    "dense, l2 on the output": (dense(activity_regularizer=L2(0.1), activation="tanh"), (6, 5)),
    "dense, l1 on softmax": (dense(activity_regularizer=L1(0.1), activation="softmax"), (6, 5)),
    "dense, l2 on an output of rank 3": (dense(activity_regularizer=L2(0.1)), (3, 2, 5)),
    "activation": (lambda: Activation("gelu"), (3, 2, 5)),
    "relu": (ReLU, (6, 5)),
    "relu with all options": (
        lambda: ReLU(max_value=1.0, negative_slope=0.1, threshold=0.5),
        (6, 5),
    ),
    "leaky relu": (LeakyReLU, (6, 5)),
    "leaky relu 0.1": (lambda: LeakyReLU(0.1), (6, 5)),
    "elu": (ELU, (6, 5)),
    "elu 0.5": (lambda: ELU(0.5), (6, 5)),
    "softmax": (Softmax, (6, 5)),
    "softmax along axis 1": (lambda: Softmax(axis=1), (3, 4, 2)),
    "flatten": (Flatten, (3, 2, 4)),
    "flatten, no axis left": (Flatten, (6,)),
    "reshape": (lambda: Reshape((4, 2)), (3, 8)),
    "reshape, one size free": (lambda: Reshape((2, -1, 2)), (3, 2, 4)),
    "rescaling": (lambda: Rescaling(1 / 255, -0.5), (3, 2, 4)),
    "batch norm": (batch_norm(), (6, 5)),
    "batch norm, two samples": (batch_norm(), (2, 5)),
    "batch norm, rank 3": (batch_norm(), (3, 4, 5)),
    "batch norm, rank 4": (batch_norm(), (3, 2, 2, 5)),
    "batch norm, axis 1": (batch_norm(axis=1), (3, 5, 4)),
    "batch norm, axis 1 of rank 4": (batch_norm(axis=1), (3, 5, 2, 2)),
    "batch norm, axis -2": (batch_norm(axis=-2), (3, 5, 4)),
    "batch norm without center": (batch_norm(center=False), (6, 5)),
    "batch norm without scale": (batch_norm(scale=False), (6, 5)),
    "batch norm without both": (batch_norm(center=False, scale=False), (6, 5)),
    "batch norm, frozen": (batch_norm(trainable=False), (6, 5)),
    "batch norm, penalties": (
        batch_norm(gamma_regularizer=L2(0.1), beta_regularizer=L1(0.1)),
        (6, 5),
    ),
    "dropout": (lambda: Dropout(0.3, seed=1), (6, 5)),
    "dropout, one mask for all": (lambda: Dropout(0.5, noise_shape=(1, None), seed=1), (6, 5)),
    "dropout, whole channels": (lambda: Dropout(0.5, noise_shape=(None, 1, 4), seed=1), (3, 2, 4)),
    "dropout of nothing": (lambda: Dropout(0.0), (6, 5)),
    "dropout of everything": (lambda: Dropout(1.0), (6, 5)),
    "convolution": (conv(3), (2, 5, 4, 2)),
    "convolution by matrix products": (conv((3, 2)), (2, 5, 4, 6)),
    "convolution, in more than one piece": (conv(3, filters=2), (9, 30, 31, 8)),
    "convolution, zeros around": (conv((2, 3), padding="same"), (2, 5, 4, 2)),
    "convolution, strides with leftovers": (conv(2, strides=(3, 2)), (2, 6, 7, 3)),
    "convolution, strides and zeros": (conv(3, strides=2, padding="same"), (2, 6, 5, 12)),
    "convolution with gaps": (conv(2, dilation_rate=(2, 3)), (2, 5, 6, 3)),
    "convolution with gaps and zeros": (conv(3, dilation_rate=2, padding="same"), (2, 5, 4, 2)),
    "convolution in tiles": (conv(3, filters=16, activation="tanh"), (2, 6, 7, 16)),
    "convolution in tiles, zeros around": (conv(3, filters=17, padding="same"), (2, 5, 4, 16)),
    "convolution of single pixels": (conv(1), (2, 3, 4, 5)),
    "convolution of the whole image": (conv((4, 3)), (3, 4, 3, 5)),
    "convolution without bias, relu": (conv(3, use_bias=False, activation="relu"), (2, 5, 4, 2)),
    "convolution, penalties": (
        conv(
            2,
            activation="tanh",
            kernel_regularizer=L2(0.1),
            bias_regularizer=L1(0.1),
            activity_regularizer=L2(0.1),
        ),
        (2, 4, 4, 2),
    ),
    "depthwise": (depthwise(3), (2, 5, 4, 3)),
    "depthwise, two kernels each": (depthwise(2, depth_multiplier=2), (2, 4, 4, 3)),
    "depthwise, strides and zeros": (
        depthwise((2, 3), strides=2, padding="same", activation="tanh"),
        (2, 5, 6, 2),
    ),
    "depthwise, penalties": (depthwise(2, depthwise_regularizer=L2(0.1)), (2, 4, 3, 2)),
    "separable": (separable(3), (2, 5, 4, 3)),
    "separable, all options": (
        separable(
            (2, 3),
            dilation_rate=(1, 2),
            padding="same",
            depth_multiplier=2,
            activation="tanh",
            depthwise_regularizer=L2(0.1),
            pointwise_regularizer=L1(0.1),
        ),
        (2, 5, 6, 2),
    ),
    "separable without bias": (separable(2, use_bias=False), (2, 4, 3, 2)),
    "max pooling": (MaxPooling2D, (2, 5, 4, 3)),
    "max pooling, overlapping": (lambda: MaxPooling2D((3, 2), 1), (2, 5, 4, 3)),
    "max pooling over the edge": (lambda: MaxPooling2D(2, padding="same"), (2, 5, 5, 3)),
    "max pooling with pixels left out": (lambda: MaxPooling2D(2, (3, 3)), (2, 6, 7, 2)),
    "average pooling": (lambda: AveragePooling2D(2), (2, 5, 4, 3)),
    "average pooling, overlapping": (lambda: AveragePooling2D((3, 2), 1), (2, 5, 4, 3)),
    "average pooling over the edge": (lambda: AveragePooling2D(3, 2, "same"), (2, 6, 5, 3)),
    "global average": (GlobalAveragePooling2D, (2, 5, 4, 3)),
    "global average, axes kept": (lambda: GlobalAveragePooling2D(keepdims=True), (2, 5, 4, 3)),
    "global maximum": (GlobalMaxPooling2D, (2, 5, 4, 3)),
    "global maximum, axes kept": (lambda: GlobalMaxPooling2D(keepdims=True), (2, 5, 4, 3)),
    "zeros around": (ZeroPadding2D, (2, 3, 4, 2)),
    "zeros on some sides": (lambda: ZeroPadding2D(((1, 0), (0, 2))), (2, 3, 4, 2)),
    "layer norm": (layer_norm(), (6, 5)),
    "layer norm, one sample": (layer_norm(), (1, 5)),
    "layer norm, rank 4": (layer_norm(), (2, 3, 2, 5)),
    "layer norm, axis 1": (layer_norm(axis=1), (3, 5, 4)),
    "layer norm, several axes": (layer_norm(axis=(3, 1)), (3, 4, 2, 5)),
    "layer norm without center": (layer_norm(center=False), (6, 5)),
    "layer norm without scale": (layer_norm(scale=False), (6, 5)),
    "layer norm, penalties": (
        layer_norm(gamma_regularizer=L2(0.1), beta_regularizer=L1(0.1)),
        (6, 5),
    ),
    "dropout of channels": (lambda: SpatialDropout2D(0.5, seed=1), (3, 2, 3, 4)),
    **{
        f"flip, {mode}": (lambda mode=mode: RandomFlip(mode, seed=1), (5, 3, 4, 2))
        for mode in ("horizontal", "vertical", "horizontal_and_vertical")
    },
    "contrast": (lambda: RandomContrast(0.5, (-9, 9), seed=1), (3, 4, 3, 2)),
    "contrast, clipped": (lambda: RandomContrast((0.5, 0.9), (-1, 1), seed=1), (3, 4, 3, 2)),
    "crop": (lambda: RandomCrop(3, 2, seed=1), (3, 5, 4, 2)),
    "crop from the middle": (lambda: RandomCrop(3, 4, seed=1), (3, 5, 4, 2)),
    "rotation": (lambda: RandomRotation(0.5, interpolation="nearest", seed=1), (3, 5, 4, 2)),
    "zoom": (lambda: RandomZoom(0.5, 0.3, "wrap", "nearest", seed=1), (3, 5, 4, 2)),
    "translation": (
        lambda: RandomTranslation(0.5, 0.3, "constant", "nearest", 1, 0.5),
        (3, 5, 4, 2),
    ),
    **BLENDED,
    "function": (lambda: Lambda(cubed), (6, 5)),
    "function of samples": (lambda: Lambda(shares, arguments={"power": 2}), (3, 2, 4)),
    "function of a batch": (lambda: Lambda(centered), (3, 4)),
    "function with its gradient": (lambda: Lambda(cubed, backward=cubed_backward), (6, 5)),
    "unit norm": (UnitNormalization, (6, 5)),
    "unit norm, axis 1": (lambda: UnitNormalization(1), (3, 4, 2)),
    "unit norm, several axes": (lambda: UnitNormalization([1, -1]), (3, 4, 2, 5)),
    "prelu": (prelu(), (6, 5)),
    "prelu, a slope per channel": (prelu(shared_axes=[1, 2]), (2, 3, 4, 5)),
    "prelu, a slope per row": (prelu(shared_axes=2), (3, 4, 5)),
    "prelu, one slope for all": (prelu(shared_axes=[2, 1]), (3, 4, 5)),
    "prelu, penalty": (prelu(alpha_regularizer=L2(0.1), alpha_constraint="non_neg"), (6, 5)),
    "permute": (lambda: Permute((3, 1, 2)), (3, 2, 4, 5)),
    "crop edges": (lambda: Cropping2D(((1, 0), (0, 2))), (2, 4, 5, 3)),
    "crop nothing": (Cropping2D, (2, 4, 5, 3)),
    "up": (UpSampling2D, (2, 3, 4, 3)),
    "up, down only": (lambda: UpSampling2D((3, 1)), (2, 3, 4, 3)),
    "alpha dropout": (lambda: AlphaDropout(0.3, seed=1), (6, 5)),
    "alpha dropout, one mask for all": (
        lambda: AlphaDropout(0.5, noise_shape=(1, None), seed=1),
        (6, 5),
    ),
    "alpha dropout of nothing": (lambda: AlphaDropout(0), (6, 5)),
    "gaussian dropout": (lambda: GaussianDropout(0.4, seed=1), (6, 5)),
    "gaussian dropout of nothing": (lambda: GaussianDropout(0), (6, 5)),
    "activity": (lambda: ActivityRegularization(0.1, 0.2), (3, 2, 5)),
    "no activity": (ActivityRegularization, (6, 5)),
    "noise": (lambda: GaussianNoise(0.5, seed=1), (6, 5)),
    "no noise": (lambda: GaussianNoise(0.0), (6, 5)),
}
EVERY_CASE = pytest.mark.parametrize("case", CASES)
# Any shape will do for these; the others have tests of their own shapes.
OF_ANY_SHAPE = ["activation", "relu", "leaky relu", "elu", "softmax", "rescaling", "flatten"]
OF_ANY_SHAPE += ["prelu", "alpha dropout of nothing", "gaussian dropout", "no activity"]
OF_ANY_SHAPE += ["dense", "batch norm", "dropout", "dropout of everything", "noise"]


def made(case: str) -> tuple[Layer, np.ndarray]:
    """Return a built layer and a batch for it, the same ones in every call."""
    set_random_seed(7)
    make, shape = CASES[case]
    layer = make()
    x = np.random.default_rng(0).normal(size=shape).astype(layer.dtype)
    layer.ensure_built(shape[1:])
    return layer, x


def upstream(out: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).normal(size=out.shape).astype(out.dtype)


def test_every_layer_has_a_case_here() -> None:
    tested = {type(make()) for make, _ in CASES.values()}
    assert tested == set(LAYERS.values())
    exported = {getattr(layers, name) for name in layers.__all__}
    in_graphs = set(layers.IN_GRAPHS.values())  # tests/test_graph.py
    assert exported - in_graphs - {layers.Input, Layer} == set(LAYERS.values())


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@EVERY_CASE
def test_gradients(kernel_form: str, case: str, training: bool, float64: None) -> None:
    layer, x = made(case)
    tolerance = 1e-2 if case in BLENDED else 1e-7
    reports = gradcheck(layer, x, training=training, tolerance=tolerance)
    assert [report.name for report in reports] == ["x", *layer.params]


@EVERY_CASE
def test_forward_and_backward_keep_shape_type_and_arguments(kernel_form: str, case: str) -> None:
    for dtype in ("float32", "float64"):
        config.set_floatx(dtype)
        layer, x = made(case)
        x_before = x.copy()
        out = layer.forward(x, training=True)
        dout = upstream(out)
        dout_before = dout.copy()
        dx = layer.backward(dout)
        assert out.shape == (len(x), *layer.compute_output_shape(x.shape[1:]))
        assert dx.shape == x.shape
        assert {each.dtype for each in (out, dx, *layer.grads.values())} == {np.dtype(dtype)}
        assert {k: g.shape for k, g in layer.grads.items()} == {
            k: p.shape for k, p in layer.params.items()
        }
        np.testing.assert_array_equal(x, x_before)
        np.testing.assert_array_equal(dout, dout_before)


@pytest.mark.filterwarnings("ignore:.*a softmax over a single number")
@pytest.mark.parametrize("case", OF_ANY_SHAPE)
@given(shape=array_shapes(min_dims=2, max_dims=5, max_side=4), training=st.booleans())
def test_any_shape(case: str, shape: tuple[int, ...], training: bool) -> None:
    layer = CASES[case][0]()
    x = np.random.default_rng(0).normal(size=shape)
    out = layer(x, training=training)
    assert out.shape == (shape[0], *layer.compute_output_shape(shape[1:]))
    assert layer.backward(upstream(out)).shape == shape


@EVERY_CASE
def test_the_layout_in_memory_does_not_matter(kernel_form: str, case: str, float64: None) -> None:
    layer, x = made(case)
    out = layer.forward(x, training=True)
    dout = upstream(out)
    dx, grads = layer.backward(dout), dict(layer.grads)
    again, _ = made(case)
    np.testing.assert_allclose(
        again.forward(np.asfortranarray(x), training=True), out, rtol=1e-12, atol=1e-14
    )
    dx_again = again.backward(np.asfortranarray(dout))
    np.testing.assert_allclose(dx_again, dx, rtol=1e-12, atol=1e-14)
    for key, value in grads.items():
        np.testing.assert_allclose(again.grads[key], value, rtol=1e-12, atol=1e-14)


@EVERY_CASE
def test_backward_overwrites_the_gradients(case: str) -> None:
    layer, x = made(case)
    dout = upstream(layer.forward(x, training=True))
    dx = layer.backward(dout)
    grads = {key: value.copy() for key, value in layer.grads.items()}
    np.testing.assert_array_equal(layer.backward(dout), dx)
    for key, value in grads.items():
        np.testing.assert_array_equal(layer.grads[key], value)


@EVERY_CASE
def test_backward_before_forward(case: str) -> None:
    layer, x = made(case)
    dout = np.ones((len(x), *layer.compute_output_shape(x.shape[1:])), "float32")
    if isinstance(layer, GaussianNoise):  # its gradient is dout, whatever came before
        assert layer.backward(dout) is dout
        return
    with pytest.raises(RuntimeError, match=f"{layer.name}: forward has to come before"):
        layer.backward(dout)
    assert not any(gradient.any() for gradient in layer.grads.values())


@pytest.mark.parametrize("case", ["dense", "dense relu", "relu", "rescaling", "batch norm"])
def test_a_gradient_of_another_shape_is_refused(case: str) -> None:
    layer, x = made(case)
    dout = layer.forward(x, training=True)
    for wrong in (dout[:-1], dout[:, :-1], np.ones(3, "float32"), dout.T):
        with pytest.raises(ValueError, match=f"{layer.name}: expected dout of shape"):
            layer.backward(wrong)
    assert not any(gradient.any() for gradient in layer.grads.values())


def test_gradients_are_written_where_they_lie() -> None:
    for case in ("dense", "batch norm"):
        layer, x = made(case)
        before = dict(layer.grads)
        layer.backward(layer.forward(x, training=True))
        assert before and all(layer.grads[key] is each for key, each in before.items())
        assert all(each.any() for each in before.values())


@EVERY_CASE
def test_a_config_makes_the_same_layer(case: str) -> None:
    layer, x = made(case)
    written = json.loads(json.dumps(serialize(layer)))
    clone = layers.deserialize(written)
    assert type(clone) is type(layer)
    assert serialize(clone) == serialize(layer)
    clone.ensure_built(x.shape[1:])
    clone.set_weights(layer.get_weights())
    assert clone.trainable == layer.trainable
    if "seed" not in written["config"]:
        np.testing.assert_array_equal(clone.forward(x, True), layer.forward(x, True))
    np.testing.assert_array_equal(clone.forward(x), layer.forward(x))
    assert clone.penalty() == layer.penalty()


@pytest.mark.parametrize("case", ["dense", "dense without bias", "batch norm"])
def test_weights_are_copied_in_and_out(case: str) -> None:
    layer, _ = made(case)
    weights = [np.full(each.shape, i + 1.0) for i, each in enumerate(layer.get_weights())]
    layer.set_weights(weights)
    for array, value in zip(layer.arrays.values(), weights, strict=True):
        assert array.dtype == "float32"
        np.testing.assert_array_equal(array, value)
    for each in (*weights, *layer.get_weights()):
        each[...] = -1
    assert all((array >= 1).all() for array in layer.arrays.values())
    assert layer.count_params() == sum(each.size for each in weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights[:1], r"expected 2 arrays \(kernel, bias\), got 1"),
        (lambda weights: [*weights, weights[1]], "expected 2 arrays .*, got 3"),
        (lambda weights: weights[::-1], r"expected shape \(5, 4\) for kernel, got \(4,\)"),
        (lambda weights: [weights[0], weights[1][:3]], r"shape \(4,\) for bias, got \(3,\)"),
        (lambda weights: [weights[0], ["a", "b", "c", "d"]], "could not convert string"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(
    change: Callable[[list[Any]], list[Any]], message: str
) -> None:
    layer, _ = made("dense")
    before = layer.get_weights()
    with pytest.raises(ValueError, match=message):
        layer.set_weights(change([np.zeros((5, 4)), np.zeros(4)]))
    for array, value in zip(layer.arrays.values(), before, strict=True):
        np.testing.assert_array_equal(array, value)


def test_a_layer_that_is_not_built_has_no_weights_to_set() -> None:
    with pytest.raises(ValueError, match=r"0 arrays .*the weights are made when the layer is"):
        Dense(3).set_weights([np.zeros((2, 3)), np.zeros(3)])


def test_names_are_numbered_as_in_keras() -> None:
    names = [Dense(1).name, Dense(1).name, ReLU().name, LeakyReLU().name, Dense(2, name="d").name]
    assert names == ["dense", "dense_1", "re_lu", "leaky_re_lu", "d"]
    assert BatchNormalization().name == "batch_normalization"
    assert repr(Dense(1)) == "<Dense dense_2>"


def test_the_type_of_a_layer() -> None:
    assert Dense(1).dtype == "float32"
    config.set_floatx("float64")
    layer, narrow = Dense(1), Dense(1, dtype="float32")
    assert layer(np.ones((2, 3), "float32")).dtype == "float64"
    assert narrow(np.ones((2, 3))).dtype == "float32"
    with pytest.raises(ValueError, match="expected 'float32' or 'float64', got 'float16'"):
        Dense(1, dtype="float16")


def test_unknown_layers_and_arguments() -> None:
    with pytest.raises(ValueError, match=r"unknown layer 'Dence'; did you mean 'Dense'\?"):
        layers.deserialize({"class_name": "Dence", "config": {}})
    with pytest.raises(ValueError, match="input_dims: not an argument of Dense"):
        Dense(3, input_dims=4)
    with pytest.raises(ValueError, match=r"unknown activation 'rleu'; did you mean 'relu'\?"):
        Dense(3, activation="rleu")


def test_a_subclass_has_to_say_what_it_does() -> None:
    for call, says in ((Layer().forward, "define forward"), (Layer().backward, "has no backward")):
        with pytest.raises(NotImplementedError, match=rf"Layer.* {says}\("):
            call(np.ones((1, 1)))


def test_a_constructor_that_forgets_the_base_class() -> None:
    class Forgetful(Layer):
        def __init__(self) -> None:
            self.rate = 0.5

    with pytest.raises(AttributeError, match=r"Forgetful has no name yet: .* super\(\).__init__"):
        Sequential([Forgetful()])


def test_a_weight_is_made_by_the_name_of_an_initializer() -> None:
    layer = Layer()
    layer.add_weight("scale", (3,), "ones")
    np.testing.assert_array_equal(layer.params["scale"], np.ones(3))
    with pytest.raises(ValueError, match=r"unknown initializer 'onse'; did you mean"):
        layer.add_weight("scale", (3,), "onse")


def test_a_layer_that_was_built_by_hand_is_not_built_again() -> None:
    layer = LayerNormalization()
    layer.build((4,))
    layer.set_weights([np.full(4, 2.0), np.ones(4)])
    layer(np.ones((2, 4)))
    np.testing.assert_array_equal(layer.params["gamma"], 2)
