"""Lambda: shapes, measured and given gradients, files, what the function may not do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tinynet import Input, Sequential
from tinynet.configurable import UnknownObjectError
from tinynet.layers import Dense, Flatten, Lambda
from tinynet.written import is_ours

X = np.random.default_rng(0).normal(size=(6, 4))


def counted(f: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    def counting(x: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        return f(x)

    return counting


@pytest.mark.parametrize(
    ("f", "derivative", "most"),
    [
        (np.sin, lambda dout, x: dout * np.cos(x), 4 + 3),  # every number alone
        (lambda x: 2 * x[:, ::-1], lambda dout, x: 2 * dout[:, ::-1], 4 * 4 + 4),
        (
            lambda x: x.sum(axis=1, keepdims=True) ** 2,
            lambda dout, x: 2 * dout * x.sum(axis=1, keepdims=True) + 0 * x,
            4 * 4 + 3,
        ),
        (  # samples that know of each other
            lambda x: x - x.mean(axis=0),
            lambda dout, x: dout - dout.mean(axis=0),
            4 * 24 + 5,
        ),
    ],
    ids=["elementwise", "moved", "by sample", "by batch"],
)
def test_a_gradient_is_measured_with_as_few_calls_as_possible(
    f: Callable[..., Any], derivative: Callable[..., Any], most: int, float64: None
) -> None:
    calls: list[int] = []
    layer = Lambda(counted(f, calls))
    out = layer(X)
    dout = np.random.default_rng(1).normal(size=out.shape)
    calls.clear()
    np.testing.assert_allclose(layer.backward(dout), derivative(dout, X), rtol=1e-8, atol=1e-9)
    assert len(calls) <= most


@given(scale=st.floats(1e-6, 1e6))
def test_measured_gradients_of_small_and_large_numbers(scale: float) -> None:
    layer = Lambda(lambda x: x**2, dtype="float64")
    layer(scale * X)
    np.testing.assert_allclose(layer.backward(np.ones((6, 4))), 2 * scale * X, 1e-6, 1e-8)


def test_a_given_gradient_is_used_and_nothing_is_measured(float64: None) -> None:
    calls: list[int] = []
    layer = Lambda(counted(np.square, calls), backward=lambda dout, x: 2 * x * dout)
    layer(X)
    np.testing.assert_array_equal(layer.backward(np.ones((6, 4))), 2 * X)
    assert calls == [6, 6] or calls == [1, 6]  # for the shape, and for the output


def test_the_first_layer_is_never_measured() -> None:
    calls: list[int] = []
    model = Sequential([Input((4,)), Lambda(counted(lambda x: x / 255, calls)), Dense(1)])
    model.compile("sgd", "mse")
    calls.clear()
    model.fit(X, X[:, :1], batch_size=3, epochs=2, verbose=0)
    assert [n for n in calls if n > 1] == [3, 3, 3, 3]  # once more for the shape, with one sample
    assert not is_ours(model.layers[0])


def test_arguments_and_training() -> None:
    layer = Lambda(
        lambda x, n, training=False: x[:, :n] * (5 if training else 1), arguments={"n": 2}
    )
    assert layer.compute_output_shape((4,)) == (2,)
    np.testing.assert_array_equal(layer(X), X[:, :2].astype("float32"))
    np.testing.assert_array_equal(layer(X, training=True), 5 * X[:, :2].astype("float32"))


@pytest.mark.parametrize("shape", [(2, 2), lambda shape: (shape[0], 2, shape[1] // 2)])
def test_an_output_shape_that_is_given(shape: Any) -> None:
    calls: list[int] = []
    layer = Lambda(counted(lambda x: x.reshape(-1, 2, 2), calls), output_shape=shape)
    assert layer.compute_output_shape((4,)) == (2, 2) and not calls
    assert Sequential([Input((4,)), layer, Flatten()])(X).shape == (6, 4)


def plus_one(x: np.ndarray) -> np.ndarray:
    return x + 1


def test_a_file_names_the_function(tmp_path: Any) -> None:
    path = tmp_path / "model.safetensors"
    model = Sequential([Input((4,)), Lambda(plus_one), Dense(1)])
    model.save(path)
    again = tinynet.models.load_model(path, custom_objects={"plus_one": plus_one})
    np.testing.assert_array_equal(again(X), model(X))
    with pytest.raises(UnknownObjectError, match="function of a Lambda layer 'plus_one'"):
        tinynet.models.load_model(path)


def test_results_are_the_layers_own_and_inputs_cannot_be_changed() -> None:
    x = X.astype("float32")
    layer = Lambda(lambda x: x)
    assert not np.shares_memory(layer(x), x)

    def writes(x: np.ndarray) -> np.ndarray:
        x += 1
        return x

    with pytest.raises(ValueError, match="read-only"):
        Lambda(writes, output_shape=(4,))(x)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Lambda(3), TypeError, "function: expected a function of arrays, got 3"),
        (lambda: Lambda(np.sin, backward=3), TypeError, "backward: expected a function"),
        (lambda: Lambda(np.sin, mask=np.ones(3)), ValueError, "mask: expected None, because masks"),
        (lambda: Lambda(np.sin, output_shape=(0,)), ValueError, "output_shape: expected a tuple"),
        (lambda: Lambda(lambda x: None)(X), ValueError, "lambda: expected 1 samples .* got None"),
        (lambda: Lambda(np.sum)(X), ValueError, "expected 1 samples from the function"),
        (lambda: Lambda(lambda x: x[1:])(X), ValueError, r"got an array of shape \(0, 4\)"),
        (lambda: Lambda(lambda x: ["a"] * len(x))(X), ValueError, r"got \['a'\]"),
        (lambda: Sequential([Input((4,)), Lambda(np.sum)]), ValueError, "axis 0 is that of the ba"),
    ],
)
def test_what_cannot_be_is_refused(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_gradient_of_another_shape_is_refused() -> None:
    layer = Lambda(np.sin, backward=lambda dout, x: dout[:, :1])
    layer(X)
    with pytest.raises(ValueError, match=r"expected a dx of shape \(6, 4\) .* got \(6, 1\)"):
        layer.backward(np.ones((6, 4)))
