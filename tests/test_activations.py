"""Activations: values against formulas written out here, derivatives, kinks, names."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import tinynet
from tinynet import activations, layers
from tinynet.activations import ACTIVATIONS, Activation
from tinynet.arrays import Array
from tinynet.configurable import UnknownObjectError, serialize
from tinynet.gradcheck import gradcheck
from tinynet.losses import BinaryCrossentropy


def rounded(x: float) -> float:
    """TensorFlow makes tensors of most Python constants by way of float32."""
    return float(np.float32(x))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def gelu_tanh(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + rounded(0.044715) * x**3)))


# Every activation with the options to be tested, and the same for one number.
FORMULAS: dict[tuple[str, tuple[tuple[str, object], ...]], Callable[[float], float]] = {
    ("linear", ()): lambda x: x,
    ("relu", ()): lambda x: max(x, 0.0),
    ("relu", (("negative_slope", 0.1),)): lambda x: x if x > 0 else rounded(0.1) * x,
    ("relu", (("max_value", 2.0),)): lambda x: min(max(x, 0.0), 2.0),
    ("relu", (("threshold", 0.5),)): lambda x: x if x > 0.5 else 0.0,
    ("relu", (("threshold", -0.5),)): lambda x: x if x > -0.5 else 0.0,
    ("relu", (("negative_slope", 0.1), ("max_value", 6.0), ("threshold", 0.5))): lambda x: (
        min(x, 6.0) if x > 0.5 else 0.1 * (x - 0.5)
    ),
    ("relu6", ()): lambda x: min(max(x, 0.0), 6.0),
    ("leaky_relu", ()): lambda x: x if x > 0 else rounded(0.2) * x,
    ("leaky_relu", (("negative_slope", 0.4),)): lambda x: x if x > 0 else rounded(0.4) * x,
    ("elu", ()): lambda x: x if x > 0 else math.expm1(x),
    ("elu", (("alpha", 0.3),)): lambda x: x if x > 0 else 0.3 * math.expm1(x),
    ("selu", ()): lambda x: (
        1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))
    ),
    ("gelu", ()): lambda x: x / 2 * math.erfc(-x * rounded(math.sqrt(0.5))),
    ("gelu", (("approximate", True),)): gelu_tanh,
    ("silu", ()): lambda x: x * sigmoid(x),
    ("sigmoid", ()): sigmoid,
    ("tanh", ()): math.tanh,
    ("softplus", ()): lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    ("softsign", ()): lambda x: x / (1 + abs(x)),
    ("exponential", ()): math.exp,
    ("hard_sigmoid", ()): lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    ("sparse_sigmoid", ()): lambda x: min(max((x + 1) / 2, 0.0), 1.0),
    ("hard_silu", ()): lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    ("hard_tanh", ()): lambda x: min(max(x, -1.0), 1.0),
    ("hard_shrink", ()): lambda x: x if abs(x) > 0.5 else 0.0,
    ("hard_shrink", (("threshold", 2.0),)): lambda x: x if abs(x) > 2 else 0.0,
    ("soft_shrink", ()): lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x),
    ("soft_shrink", (("threshold", 2.0),)): lambda x: math.copysign(max(abs(x) - 2, 0.0), x),
    ("tanh_shrink", ()): lambda x: x - math.tanh(x),
    ("threshold", (("threshold", 0.5), ("default_value", -2.0))): lambda x: x if x > 0.5 else -2.0,
    ("sparse_plus", ()): lambda x: 0.0 if x <= -1 else (x + 1) ** 2 / 4 if x < 1 else x,
    ("squareplus", ()): lambda x: (x + math.hypot(x, 2)) / 2,
    ("squareplus", (("b", 0.25),)): lambda x: (x + math.hypot(x, 0.5)) / 2,
    ("celu", ()): lambda x: x if x > 0 else math.expm1(x),
    ("celu", (("alpha", 0.3),)): lambda x: x if x > 0 else 0.3 * math.expm1(x / 0.3),
    ("mish", ()): lambda x: x * math.tanh(math.log1p(math.exp(x))),
    ("log_sigmoid", ()): lambda x: -math.log1p(math.exp(-x)),
}
# What Keras's shrinking functions make of NaN: no comparison with it is true.
HIDES_NAN = {"hard_shrink": 0.0, "soft_shrink": 0.0, "threshold": -2.0}
ELEMENTWISE = pytest.mark.parametrize(("name", "options"), FORMULAS)
KINKS = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 6.0])
VECTORS = arrays(float, array_shapes(min_dims=0, max_dims=3, max_side=5), elements=st.floats(-9, 9))


def make(name: str, options: tuple[tuple[str, object], ...] = ()) -> Activation:
    return activations.get(name).with_options(**dict(options))


def random_x(shape: tuple[int, ...]) -> np.ndarray:
    """Draw an input that keeps away from all kinks."""
    x = 4 * np.random.default_rng(0).normal(size=shape)
    near = np.abs(x[..., None] - KINKS).min(axis=-1) < 1e-2
    return x + 0.05 * near


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def test_every_activation_is_tested_here() -> None:
    assert {name for name, _ in FORMULAS} | {"softmax", "log_softmax"} == set(ACTIVATIONS)


@ELEMENTWISE
@given(x=VECTORS)
def test_values(kernel_form: str, name: str, options: tuple, x: np.ndarray) -> None:
    before = x.copy()
    out = make(name, options)(x)
    expected = np.array([FORMULAS[name, options](value) for value in x.reshape(-1).tolist()])
    # 1 + tanh(z) and the like lose digits near 0: hence the absolute part
    np.testing.assert_allclose(out, expected.reshape(x.shape), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(x, before)


def test_gelu_is_what_the_paper_says_but_for_float32_constants() -> None:
    x = np.linspace(-6, 6, 97)
    phi = np.array([(1 + math.erf(value / math.sqrt(2))) / 2 for value in x])
    np.testing.assert_allclose(activations.gelu(x), x * phi, atol=3e-8)
    np.testing.assert_allclose(activations.gelu(x, approximate=True), x * phi, atol=5e-4)


def test_gelu_keeps_its_digits_far_below_zero(kernel_form: str) -> None:
    # 1 + erf(x/sqrt(2)) would be left with none
    x, root = -10.0, rounded(math.sqrt(0.5))
    expected = x / 2 * math.erfc(-x * root)  # -7.6e-23
    assert activations.gelu(np.array([x]))[0] == pytest.approx(expected, rel=1e-12, abs=0)


@ELEMENTWISE
def test_gradients(kernel_form: str, name: str, options: tuple) -> None:
    (report,) = gradcheck(make(name, options), random_x((7, 9)), tolerance=1e-7)
    assert report.checked == 63


# Where a function has a kink, Keras decides on one of the slopes (or on neither).
@pytest.mark.parametrize(
    ("name", "options", "x", "slope"),
    [
        ("relu", {}, 0.0, 0.0),
        ("relu6", {}, 0.0, 0.0),
        ("relu6", {}, 6.0, 0.0),
        ("relu", {"max_value": 6.0}, 6.0, 0.0),
        ("relu", {"max_value": 6.0, "negative_slope": 0.1}, 6.0, 0.0),
        ("relu", {"max_value": 6.0, "threshold": 0.5}, 6.0, 1.0),
        ("relu", {"max_value": 2.0}, 2.0, 1.0),
        ("relu", {"max_value": 2.0}, 0.0, 0.0),
        ("relu", {"threshold": 0.5}, 0.5, 0.0),
        ("relu", {"threshold": 0.5, "negative_slope": 0.1}, 0.5, 0.0),
        ("relu", {"negative_slope": 0.25}, 0.0, 0.25),
        ("leaky_relu", {"negative_slope": 0.25}, 0.0, 0.25),
        ("elu", {"alpha": 0.25}, 0.0, 0.25),
        ("selu", {}, 0.0, 1.0507009873554805),
        ("celu", {"alpha": 0.25}, 0.0, 2.0),
        ("hard_tanh", {}, 1.0, 1.0),
        ("hard_tanh", {}, -1.0, 1.0),
        ("hard_sigmoid", {}, 3.0, 0.0),
        ("hard_sigmoid", {}, -3.0, 0.0),
        ("sparse_sigmoid", {}, 1.0, 0.0),
        ("hard_silu", {}, 3.0, 1.0),
        ("hard_silu", {}, -3.0, 0.0),
        ("hard_shrink", {}, 0.5, 0.0),
        ("soft_shrink", {}, -0.5, 0.0),
        ("threshold", {"threshold": 0.5}, 0.5, 0.0),
        ("sparse_plus", {}, 1.0, 1.0),
        ("sparse_plus", {}, -1.0, 0.0),
    ],
)
def test_slopes_at_the_kinks(
    kernel_form: str, name: str, options: dict[str, float], x: float, slope: float
) -> None:
    function = activations.get(name).with_options(**options)
    at = np.array([x])
    assert function.backward(np.array([2.0]), at, function(at)).item() == 2 * slope


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@ELEMENTWISE
def test_nan_is_never_hidden(kernel_form: str, name: str, options: tuple, dtype: str) -> None:
    function = make(name, options)
    x = np.array([np.nan, 1.0, -1.0, np.nan], dtype)
    out = function(x)
    assert out.dtype == dtype
    if name in HIDES_NAN:
        assert out.tolist() == [HIDES_NAN[name], *function(x[1:3]), HIDES_NAN[name]]
    else:
        np.testing.assert_array_equal(np.isnan(out), np.isnan(x))
    x = np.array([-7.0, -1.0, 0.0, 1.0, 7.0], dtype)
    dx = function.backward(np.full(5, np.nan, dtype), x, function(x))
    assert dx.dtype == dtype
    assert np.isnan(dx).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sigmoid", 0.0, 1.0),
        ("tanh", -1.0, 1.0),
        ("softplus", 0.0, 1000.0),
        ("silu", 0.0, 1000.0),
        ("gelu", 0.0, 1000.0),
        ("elu", -1.0, 1000.0),
        ("relu6", 0.0, 6.0),
        ("softsign", -1000 / 1001, 1000 / 1001),
        ("mish", 0.0, 1000.0),
        ("log_sigmoid", -1000.0, 0.0),
        ("celu", -1.0, 1000.0),
    ],
)
def test_large_numbers_do_not_overflow(
    kernel_form: str, name: str, low: float, high: float, dtype: str
) -> None:
    x = np.array([-1000.0, 1000.0], dtype)  # exp(1000) is infinity; a warning would be an error
    function = activations.get(name)
    out = function(x)
    np.testing.assert_allclose(out, [low, high], rtol=1e-6)
    assert np.isfinite(function.backward(np.ones_like(x), x, out)).all()


@ELEMENTWISE
def test_the_layout_in_memory_does_not_matter(kernel_form: str, name: str, options: tuple) -> None:
    function = make(name, options)
    x, dout = random_x((6, 8)), np.random.default_rng(1).normal(size=(6, 8))
    expected = function.backward(dout, x, function(x))
    for change in (np.asfortranarray, lambda a: a[::2, ::3], lambda a: a.T):
        out = function(change(x))
        np.testing.assert_array_equal(out, change(function(x)))
        dx = function.backward(change(dout), change(x), out)
        np.testing.assert_array_equal(dx, change(expected))


def test_linear_copies_nothing() -> None:
    x, dout = np.ones((2, 3)), np.ones((2, 3))
    assert activations.linear(x) is x
    assert activations.linear.backward(dout, x, x) is dout


def test_integers_and_lists_become_floatx(float64: None) -> None:
    for x in ([-1, 2], np.array([-1, 2])):
        out = activations.relu(x)
        assert out.dtype == "float64"
        assert out.tolist() == [0, 2]


@given(
    x=arrays(float, array_shapes(max_dims=4, max_side=5), elements=st.floats(-50, 50)),
    data=st.data(),
)
def test_softmax_along_any_axis(kernel_form: str, x: np.ndarray, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    out = activations.softmax(x, axis=axis)
    np.testing.assert_allclose(out, softmax(x, axis), rtol=1e-12)
    np.testing.assert_allclose(out.sum(axis=axis), 1, rtol=1e-12)
    np.testing.assert_allclose(activations.softmax(x + 1000, axis=axis), out, rtol=1e-9)


@pytest.mark.parametrize("axis", [-1, 1, 2, -2])
def test_gradient_of_softmax(kernel_form: str, axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    (report,) = gradcheck(activations.softmax.with_options(axis=axis), x, tolerance=1e-7)
    assert report.checked == x.size


def test_softmax_of_large_numbers_and_of_nan(kernel_form: str) -> None:
    x = np.array([[1000.0, 0.0, -1000.0], [0.0, np.nan, 1.0], [2.0, 2.0, 2.0]])
    out = activations.softmax(x)
    np.testing.assert_array_equal(out[0], [1, 0, 0])
    assert np.isnan(out[1]).all()
    np.testing.assert_allclose(out[2], 1 / 3)


def test_log_softmax_is_the_logarithm_of_softmax(kernel_form: str) -> None:
    x = 5 * np.random.default_rng(0).normal(size=(3, 4, 5))
    for axis in (-1, 0, 1):
        function = activations.log_softmax.with_options(axis=axis)
        np.testing.assert_allclose(function(x), np.log(softmax(x, axis)), 1e-12, 1e-15)
        (report,) = gradcheck(function, x, tolerance=1e-7)
        assert report.checked == x.size
    far = activations.log_softmax([[1000.0, 0.0, -1000.0], [0.0, np.nan, 1.0]])
    assert far[0].tolist() == [0, -1000, -2000]  # log(softmax(x)) would be minus infinity
    assert np.isnan(far[1]).all()


def test_sparse_plus_is_the_antiderivative_of_sparse_sigmoid() -> None:
    x = np.linspace(-3, 3, 61)
    slope = activations.sparse_plus.backward(np.ones_like(x), x, activations.sparse_plus(x))
    np.testing.assert_allclose(slope, activations.sparse_sigmoid(x), rtol=1e-15)


@pytest.mark.parametrize("name", ["glu", "sparsemax"])
def test_what_keras_has_and_tinynet_refuses(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is no activation in tinynet: .*"):
        activations.get(name)


def test_options_by_which_nothing_can_be_divided() -> None:
    with pytest.raises(ValueError, match="alpha: expected a number other than 0"):
        activations.celu([1.0], alpha=0)
    with pytest.raises(ValueError, match="b: expected a number above 0, got 0"):
        activations.squareplus([1.0], b=0)


def test_get_takes_what_keras_takes() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("relu") is activations.relu
    assert activations.get(activations.tanh) is activations.tanh
    assert activations.get("swish") is activations.silu is activations.swish
    assert activations.get("hard_swish") is activations.hard_silu is activations.hard_swish
    for name in ACTIVATIONS:
        assert activations.get(name) is getattr(activations, name)
        assert activations.get(name).name == name


def test_a_config_keeps_name_and_options() -> None:
    leaky = activations.leaky_relu.with_options(negative_slope=0.4)
    clone = activations.get(serialize(leaky))
    assert serialize(clone) == serialize(leaky)
    np.testing.assert_array_equal(clone([-1.0, 1.0]), leaky([-1.0, 1.0]))
    assert activations.leaky_relu.options == {}  # with_options makes a new object
    assert activations.get(serialize(activations.softmax))([[1.0, 1.0]]).tolist() == [[0.5, 0.5]]


def test_options_of_a_call() -> None:
    np.testing.assert_array_equal(activations.leaky_relu([-2.0], 0.5), [-1])
    np.testing.assert_array_equal(activations.leaky_relu([-2.0], negative_slope=0.5), [-1])
    fixed = activations.leaky_relu.with_options(negative_slope=0.5)
    np.testing.assert_array_equal(fixed([-2.0], negative_slope=0.25), [-0.5])
    with pytest.raises(TypeError, match="slope"):
        activations.relu([1.0], slope=0.1)


def test_a_negative_threshold_under_a_ceiling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"threshold: expected 0 or above together with a max"):
        activations.relu([1.0], threshold=-0.5, max_value=2.0)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("rleu", "relu"), ("sigmod", "sigmoid"), ("soft_max", "softmax"), ("Tanh", "tanh")],
)
def test_an_unknown_name_is_told_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"unknown activation '{name}'; did you mean '{nearest}'"):
        activations.get(name)


def test_a_layer_that_is_nothing_else() -> None:
    dense = layers.Dense(2, activation=layers.LeakyReLU(0.2), kernel_initializer="ones")
    assert repr(dense.activation) == "<activation leaky_relu, negative_slope=0.2>"
    np.testing.assert_allclose(dense(np.array([[-3.0, 1.0]])), [[-0.4, -0.4]], rtol=1e-6)


class Tenfold(layers.LeakyReLU):
    """Does more than its activation."""

    def forward(self, x: Array, training: bool = False) -> Array:
        return 10 * super().forward(x, training)


def with_another_forward() -> layers.ReLU:
    layer = layers.ReLU()
    layer.forward = lambda x, training=False: x  # type: ignore[method-assign]
    return layer


@pytest.mark.parametrize(
    "thing", [Tenfold(), with_another_forward(), layers.LeakyReLU, layers.PReLU(), layers.Dense(2)]
)
def test_a_layer_that_is_more(thing: object) -> None:
    with pytest.raises(TypeError, match="activation: expected its name, an Activation or a func"):
        activations.get(thing)


@pytest.mark.parametrize("thing", [3, {"name": "relu"}])
def test_what_is_no_activation(thing: object) -> None:
    with pytest.raises(TypeError, match="activation: expected its name, an Activation or a func"):
        activations.get(thing)


@pytest.mark.parametrize(
    ("function", "own"),
    [
        (np.tanh, activations.tanh),
        (
            lambda x: activations.relu(x, max_value=0.5),
            activations.relu.with_options(max_value=0.5),
        ),
        (lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), activations.softmax),
    ],
)
def test_a_function_of_the_user_s_has_a_measured_derivative(function: Any, own: Any) -> None:
    x, dout = np.random.default_rng(0).normal(size=(2, 5, 3))
    found = activations.get(function)
    out = found.forward(x)
    np.testing.assert_allclose(out, own(x), rtol=1e-14)
    np.testing.assert_allclose(found.backward(dout, x, out), own.backward(dout, x, out), atol=1e-8)


def test_losses_do_not_look_through_a_function_of_the_name_of_an_activation() -> None:
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    found = activations.get(sigmoid)
    assert found.name == "own sigmoid"
    assert not BinaryCrossentropy().sees_through(found)


def test_a_function_that_returns_something_else() -> None:
    for function, got in ((lambda x: x[:, :1], "shape \\(2, 1\\)"), (lambda x: None, "None")):
        layer = layers.Dense(3, activation=function)
        with pytest.raises(
            ValueError, match=f"activation <lambda>: expected an array .* got {got}"
        ):
            layer(np.ones((2, 4)))


def doubled(x: Any) -> Any:
    return 2 * x


def square(x: Any) -> Any:
    return x**2


@pytest.mark.parametrize("ending", ["safetensors", "keras"])
def test_a_file_names_the_function(ending: str, tmp_path: Any) -> None:
    model = tinynet.Sequential(
        [tinynet.Input((3,)), layers.Dense(2, square), layers.Activation(doubled)]
    )
    x, path = np.ones((4, 3)), tmp_path / f"model.{ending}"
    model.compile("sgd", "mse")
    model.fit(x, np.ones((4, 2)), verbose=0)
    model.save(path)
    with pytest.raises(UnknownObjectError, match="square"):
        tinynet.models.load_model(path)
    functions = {"square": square, "doubled": doubled}
    again = tinynet.models.load_model(path, custom_objects=functions)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    copied = tinynet.models.clone_model(model)
    copied.set_weights(model.get_weights())
    np.testing.assert_array_equal(copied.predict(x, verbose=0), model.predict(x, verbose=0))
    with tinynet.saving.custom_object_scope(functions):
        assert layers.Dense(2, activation="square").activation.name == "square"


def test_repr_says_name_and_options() -> None:
    leaky = activations.leaky_relu.with_options(negative_slope=0.4)
    assert repr(leaky) == "<activation leaky_relu, negative_slope=0.4>"
    assert "softmax" in repr(activations.softmax)


def test_an_activation_of_ones_own_defines_forward() -> None:
    with pytest.raises(TypeError, match=r"Mine: .*define forward\(x\)"):

        class Mine(activations.Activation):
            def __call__(self, x: Any, *args: Any, **options: Any) -> np.ndarray:
                return 2 * x
