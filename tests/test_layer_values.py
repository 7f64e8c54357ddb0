"""What each layer computes, against NumPy written out here, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinynet.initializers import Constant, RandomUniform
from tinynet.kernels.dropout import dropout
from tinynet.layers import (
    ELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    LeakyReLU,
    ReLU,
    Rescaling,
    Reshape,
    Softmax,
)
from tinynet.random import set_random_seed


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# Dense.


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (2, 5, 3)])
def test_dense(kernel_form: str, shape: tuple[int, ...], float64: None) -> None:
    layer = Dense(2, activation="tanh", bias_initializer=RandomUniform(seed=1))
    x = draw(*shape)
    out = layer(x)
    w, b = layer.get_weights()
    np.testing.assert_allclose(out, np.tanh(x @ w + b), rtol=1e-12)
    dout = draw(*out.shape, seed=1)
    dx = layer.backward(dout)
    dz = dout * (1 - out**2)
    np.testing.assert_allclose(dx, dz @ w.T, rtol=1e-11)
    rows, drows = x.reshape(-1, 3), dz.reshape(-1, 2)
    np.testing.assert_allclose(layer.grads["kernel"], rows.T @ drows, rtol=1e-11)
    np.testing.assert_allclose(layer.grads["bias"], drows.sum(axis=0), rtol=1e-11)


def test_dense_from_the_gradient_before_its_activation(float64: None) -> None:
    layer = Dense(2, activation="softmax")
    x, dz = draw(4, 3), draw(4, 2, seed=1)
    layer(x)
    dx = layer.backward(dz, from_logits=True)
    np.testing.assert_allclose(dx, dz @ layer.params["kernel"].T, rtol=1e-12)
    np.testing.assert_allclose(layer.grads["kernel"], x.T @ dz, rtol=1e-12)
    assert layer.final_activation.name == "softmax"


def test_dense_penalties(float64: None) -> None:
    layer = Dense(2, kernel_regularizer="l1", bias_regularizer="l2", activity_regularizer="l2")
    out = layer(draw(4, 3))
    layer.params["bias"][:] = [1, -2]
    factor = float(np.float32(0.01))
    on_weights = factor * (np.abs(layer.params["kernel"]).sum() + 5)
    assert layer.penalty() == pytest.approx(on_weights + factor * (out**2).sum() / 4, rel=1e-12)


@pytest.mark.parametrize("units", [0, -1, 2.0, "3", None])
def test_dense_refuses_odd_units(units: object) -> None:
    with pytest.raises(ValueError, match="units: expected a positive integer, got"):
        Dense(units)


def test_dense_refuses_another_width() -> None:
    layer = Dense(2, name="d")
    layer(draw(4, 3))
    weights = layer.get_weights()
    with pytest.raises(ValueError, match=r"d: expected 3 features .* got samples of shape \(5,\)"):
        layer(draw(4, 5))
    for array, value in zip(layer.arrays.values(), weights, strict=True):
        np.testing.assert_array_equal(array, value)
    with pytest.raises(ValueError, match=r"expected a batch of vectors.*reshape to \(batch, 1\)"):
        Dense(2)(np.ones(4))


# Activations as layers.


def test_defaults_of_the_activation_layers() -> None:
    x = np.array([[-2.0, 0.0, 3.0]], "float32")
    np.testing.assert_array_equal(ReLU()(x), [[0, 0, 3]])
    np.testing.assert_array_equal(ReLU(max_value=2.0)(x), [[0, 0, 2]])
    np.testing.assert_allclose(LeakyReLU()(x), [[-0.6, 0, 3]], rtol=1e-6)
    np.testing.assert_allclose(ELU()(x), [[np.expm1(-2), 0, 3]], rtol=1e-6)
    np.testing.assert_allclose(Softmax()(x).sum(), 1, rtol=1e-6)
    softmax = Activation("softmax")
    np.testing.assert_array_equal(softmax(x), Softmax()(x))
    assert softmax.final_activation.name == "softmax"
    dlogits = np.ones((1, 3), "float32")
    assert softmax.backward(dlogits, from_logits=True) is dlogits


def test_activation_layers_refuse_negative_options() -> None:
    for option in ("max_value", "negative_slope", "threshold"):
        with pytest.raises(ValueError, match=f"{option}: expected a number of 0 or more, got -0.1"):
            ReLU(**{option: -0.1})
    with pytest.raises(ValueError, match="negative_slope: expected a number of 0 or more, got -1"):
        LeakyReLU(-1)


# Changes of shape.


@given(shape=array_shapes(min_dims=1, max_dims=5, max_side=4))
def test_flatten_is_row_major(shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    layer = Flatten()
    out = layer(x)
    assert out.shape == (shape[0], int(np.prod(shape[1:])))
    np.testing.assert_array_equal(out.reshape(-1), np.arange(x.size))
    np.testing.assert_array_equal(layer.backward(out), x)


@pytest.mark.parametrize(
    ("target", "sample", "shape"),
    [
        ((2, 6), (12,), (2, 6)),
        ((-1,), (3, 4), (12,)),
        ((3, -1), (3, 4), (3, 4)),
        ([2, -1, 2], (12,), (2, 3, 2)),
        ((1,), (), (1,)),
    ],
)
def test_reshape(target: tuple[int, ...], sample: tuple[int, ...], shape: tuple[int, ...]) -> None:
    layer = Reshape(target)
    x = draw(5, *sample).astype("float32")
    out = layer(x)
    assert out.shape == (5, *shape) == (5, *layer.compute_output_shape(sample))
    np.testing.assert_array_equal(out.reshape(-1), x.reshape(-1))
    np.testing.assert_array_equal(layer.backward(out), x)


@pytest.mark.parametrize("target", [(5,), (5, -1), (6,), (24,)])
def test_reshape_refuses_sizes_that_do_not_agree(target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a sample of shape \(3, 4\) has 12 numbers and cannot"):
        Reshape(target)(draw(5, 3, 4))


@pytest.mark.parametrize("target", [(-1, -1), (0, -1), (0,), (-2, -6)])
def test_reshape_refuses_two_free_sizes_and_none(target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="target_shape: expected positive integers and at most"):
        Reshape(target)


def test_rescaling(kernel_form: str, float64: None) -> None:
    layer = Rescaling(1 / 255, offset=-0.1)
    x = np.arange(256.0).reshape(8, 32)
    scale, offset = float(np.float32(1 / 255)), float(np.float32(-0.1))
    out = layer(x)
    np.testing.assert_array_equal(out, x * scale + offset)
    np.testing.assert_array_equal(layer.backward(x), x * scale)
    np.testing.assert_array_equal(layer(x.astype("uint8")), out)


@pytest.mark.parametrize("factors", [[1.0, np.nan], [np.inf, 1.0], [], ["a"], [[1, 2], [3]]])
def test_rescaling_refuses_what_is_no_factor(factors: object) -> None:
    for name in ("scale", "offset"):
        with pytest.raises(ValueError, match=f"{name}: expected a number, a list of numbers"):
            Rescaling(**{"scale": 1.0, name: factors})


def test_rescaling_refuses_factors_that_do_not_fit() -> None:
    for name in ("scale", "offset"):
        layer = Rescaling(**{"scale": 1.0, name: [1.0, 2.0, 3.0]}, name="r")
        with pytest.raises(ValueError, match=f"r: expected a {name} that can be broadcast to .*4,"):
            layer(draw(2, 4))
    assert layer(draw(2, 3)).shape == (2, 3)


def test_the_type_of_dropouts_draws() -> None:
    layer = Dropout(0.5)
    for dtype, drawn in (("float16", "float64"), ("float32", "float32"), ("float64", "float64")):
        assert layer.type_of_draws(np.zeros(1, dtype)) == drawn


@pytest.mark.parametrize("shape", [784, (0,), (28, -1), (28.0,), (None, 3), "ab"])
def test_input_refuses_odd_shapes(shape: object) -> None:
    with pytest.raises(ValueError, match=r"shape: expected a tuple of positive integers"):
        Input(shape)


def test_input() -> None:
    assert Input((784,)).shape == Input([784]).shape == (None, 784)
    assert Input(()).shape == (None,)
    assert Input((3,), batch_size=5).shape == Input(batch_shape=(5, 3)).shape == (5, 3)


# Batch normalization.


@given(
    n=st.integers(2, 20),
    shape=array_shapes(min_dims=1, max_dims=3, max_side=4),
    data=st.data(),
)
def test_batch_norm_gives_every_feature_mean_0_and_variance_1(
    n: int, shape: tuple[int, ...], data: st.DataObject
) -> None:
    axis = data.draw(st.integers(1, len(shape)))
    others = tuple(i for i in range(len(shape) + 1) if i != axis)
    x = 5 + 3 * draw(n, *shape)
    layer = BatchNormalization(axis=axis, epsilon=1e-9, dtype="float64")
    out = layer(x, training=True)
    variance = x.var(axis=others)
    np.testing.assert_allclose(out.mean(axis=others), 0, atol=1e-11)
    np.testing.assert_allclose(out.var(axis=others), variance / (variance + 1e-9), rtol=1e-9)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (6, 3)), (1, (4, 3, 2, 2)), (-1, (4, 2, 2, 3))])
def test_batch_norm_in_training_and_after(
    kernel_form: str, axis: int, shape: tuple[int, ...], float64: None
) -> None:
    gamma, beta = RandomUniform(1, 2, seed=1), RandomUniform(-1, 1, seed=2)
    layer = BatchNormalization(
        axis, momentum=0.9, epsilon=0.01, gamma_initializer=gamma, beta_initializer=beta
    )
    around = [1] * len(shape)
    around[axis] = 3
    others = tuple(i for i in range(len(shape)) if i != axis % len(shape))
    mean, variance = np.zeros(3), np.ones(3)
    for step in range(3):
        x = draw(*shape, seed=step)
        out = layer(x, training=True)
        g, b, moving_mean, moving_variance = layer.get_weights()
        batch_mean, batch_variance = x.mean(axis=others), x.var(axis=others)
        expected = (x - batch_mean.reshape(around)) / np.sqrt(batch_variance + 0.01).reshape(around)
        expected = expected * g.reshape(around) + b.reshape(around)
        np.testing.assert_allclose(out, expected, rtol=1e-11, atol=1e-12)
        mean = 0.9 * mean + 0.1 * batch_mean
        variance = 0.9 * variance + 0.1 * batch_variance  # biased, as in Keras
        np.testing.assert_allclose(moving_mean, mean, rtol=1e-12)
        np.testing.assert_allclose(moving_variance, variance, rtol=1e-12)
    out = layer(x)
    expected = (x - mean.reshape(around)) / np.sqrt(variance + 0.01).reshape(around)
    expected = expected * g.reshape(around) + b.reshape(around)
    np.testing.assert_allclose(out, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.state["moving_mean"], mean, rtol=1e-12)


def test_a_frozen_batch_norm_uses_and_keeps_its_moving_statistics() -> None:
    layer = BatchNormalization(moving_mean_initializer=Constant(2.0))
    x = draw(6, 3).astype("float32")
    inference = layer(x)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), inference)
    np.testing.assert_array_equal(layer.state["moving_mean"], 2)
    layer.trainable = True
    assert not np.array_equal(layer(x, training=True), inference)
    assert not np.array_equal(layer.state["moving_mean"], [2, 2, 2])


def test_batch_norm_keeps_its_digits_far_from_zero(kernel_form: str, float64: None) -> None:
    x = draw(50, 3)
    near, far = BatchNormalization(), BatchNormalization()
    # E[x^2] - E[x]^2 would be left with no digit here
    np.testing.assert_allclose(far(x + 1e8, True), near(x, True), atol=1e-6)


def test_batch_norm_weights_and_their_order() -> None:
    layer = BatchNormalization()
    layer(draw(4, 3))
    assert list(layer.arrays) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert list(layer.params) == ["gamma", "beta"]
    plain = BatchNormalization(center=False, scale=False)
    plain(draw(4, 3))
    assert list(plain.arrays) == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize("axis", [0, -3, 3, 7])
def test_batch_norm_refuses_an_axis_without_features(axis: int) -> None:
    with pytest.raises(ValueError, match=f"axis {axis} is not a feature axis of a batch of rank 3"):
        BatchNormalization(axis)(draw(4, 3, 2))


@pytest.mark.parametrize("shape", [(4, 5), (4, 2), (4, 3, 3), (3,)])
def test_batch_norm_refuses_another_width(shape: tuple[int, ...]) -> None:
    layer = BatchNormalization(name="bn")
    layer(draw(4, 3), training=True)
    weights = layer.get_weights()
    with pytest.raises(ValueError, match=r"bn: expected 3 features in axis -1 of x with 2 axes"):
        layer(draw(*shape), training=True)
    for array, value in zip(layer.arrays.values(), weights, strict=True):
        np.testing.assert_array_equal(array, value)


# Dropout and noise.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_and_the_mean(kernel_form: str, rate: float, dtype: str) -> None:
    n = 100_000
    layer = Dropout(rate, seed=1, dtype=dtype)
    out = layer(np.ones((n, 1)), training=True)
    kept = out != 0
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / n)
    np.testing.assert_allclose(out[kept], 1 / (1 - rate), rtol=1e-6)


def test_dropout_drops_the_gradient_in_the_same_places(kernel_form: str) -> None:
    layer = Dropout(0.4, seed=1)
    x, dout = draw(20, 30).astype("float32"), draw(20, 30, seed=1).astype("float32")
    out, dx = layer(x, training=True), layer.backward(dout)
    np.testing.assert_array_equal(out == 0, dx == 0)
    np.testing.assert_allclose(dx[out != 0], dout[out != 0] / 0.6, rtol=1e-6)
    again = layer(x, training=True)  # a new mask in every call
    assert not np.array_equal(again == 0, out == 0)
    same = Dropout(0.4, seed=1)(x, training=True)
    np.testing.assert_array_equal(same, out)


def test_dropout_keeps_where_u_is_at_least_the_rate(kernel_form: str) -> None:
    out = np.empty(4, "float32")
    u = np.array([0.0, 0.1, 0.3, 0.5], "float32")
    dropout(np.ones(4, "float32"), u, 0.1, out)
    np.testing.assert_array_equal(out != 0, [False, True, True, True])


def test_the_mask_is_that_of_keras() -> None:
    # keras.layers.Dropout(0.5, seed=3)(np.ones((1, 8)), training=True) in Keras 3.15.1
    out = Dropout(0.5, seed=3)(np.ones((1, 8)), training=True)
    assert out.tolist() == [[0, 2, 2, 2, 0, 0, 0, 0]]


def test_dropout_outside_training_returns_its_input() -> None:
    layer = Dropout(0.4, seed=1)
    x = np.ones((2, 3), "float32")
    assert layer.forward(x) is x
    assert layer.backward(x) is x
    assert layer.seed_generator.state.tolist() == [1, 0]  # no random number was drawn


def test_dropout_of_nothing_and_of_everything() -> None:
    x = np.ones((2, 3), "float32")
    set_random_seed(0)
    nothing = Dropout(0.0)
    assert nothing.forward(x, training=True) is x
    assert nothing.seed_generator is None
    everything = Dropout(1.0)
    # The first seed: a rate of 0.0 took none.
    assert everything.seed_generator.state.tolist() == [906691060, 0]
    np.testing.assert_array_equal(everything.forward(x, training=True), 0)
    np.testing.assert_array_equal(everything.backward(x), 0)


def test_one_mask_for_several_places() -> None:
    x = np.ones((50, 4, 6), "float32")
    out = Dropout(0.5, noise_shape=(None, 1, 6), seed=1)(x, training=True)
    assert (out == out[:, :1]).all()
    assert 0.3 < (out[:, 0] == 0).mean() < 0.7
    out = Dropout(0.5, noise_shape=[1, 4, 6], seed=1)(x, training=True)
    assert (out == out[:1]).all()


@pytest.mark.parametrize("noise_shape", [(None, 1, 1), (3, 4), (None, 2), (1,)])
def test_a_noise_shape_has_to_fit(noise_shape: tuple[int | None, ...]) -> None:
    layer = Dropout(0.5, noise_shape=noise_shape, seed=1)
    with pytest.raises(ValueError, match="expected a noise_shape with 1 or the input's size"):
        layer(np.ones((2, 4)), training=True)
    assert layer.seed_generator.state.tolist() == [1, 0]


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_dropout_refuses_odd_rates(rate: float) -> None:
    with pytest.raises(ValueError, match="rate: expected a number between 0 and 1, got"):
        Dropout(rate)


def test_gaussian_noise() -> None:
    layer = GaussianNoise(0.5, seed=1)
    x = np.full((300, 200), 3, "float32")
    noise = layer(x, training=True) - x
    assert abs(noise.mean()) < 5 * 0.5 / np.sqrt(x.size)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert GaussianNoise(1.0, seed=1)(x, training=True).std() == pytest.approx(1, rel=0.02)
    assert not np.array_equal(layer(x, training=True) - x, noise)
    assert layer.forward(x) is x
    assert layer.backward(x) is x
    assert GaussianNoise(0.0).seed_generator is None


@pytest.mark.parametrize("stddev", [-0.1, float("nan")])
def test_gaussian_noise_refuses_negative_deviations(stddev: float) -> None:
    with pytest.raises(ValueError, match="stddev: expected a number of 0 or more, got"):
        GaussianNoise(stddev)
