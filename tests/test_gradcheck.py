"""The gradient check finds planted mistakes, says where they are, and leaves no trace."""

from collections.abc import Callable

import numpy as np
import pytest

from tinynet import activations, models
from tinynet.gradcheck import GradientError, gradcheck
from tinynet.layers import BatchNormalization, Dense, Dropout, GaussianNoise, Layer, Softmax
from tinynet.losses import MeanSquaredError, SparseCategoricalCrossentropy
from tinynet.regularizers import L2

Mistake = Callable[[Layer, np.ndarray], np.ndarray | None]


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def with_mistake(layer: Layer, mistake: Mistake) -> Layer:
    """Spoil a layer's backward: `mistake` gets the layer and dx, and may return another dx."""
    right = layer.backward

    def backward(dout: np.ndarray) -> np.ndarray:
        dx = right(dout)
        changed = mistake(layer, dx)
        return dx if changed is None else changed

    layer.backward = backward
    return layer


def dense() -> Dense:
    return Dense(3, activation="tanh", dtype="float64", name="d")


def test_what_a_report_says() -> None:
    layer, x = dense(), draw(4, 5)
    reports = gradcheck(layer, x)
    assert [report.name for report in reports] == ["x", "kernel", "bias"]
    assert [report.checked for report in reports] == [20, 15, 3]
    for report in reports:
        assert 0 <= report.error < 1e-9
        assert report.analytic == pytest.approx(report.numeric, rel=1e-6)
    upstream = np.random.default_rng(0).normal(size=(4, 3))  # of seed 0
    layer.forward(x)
    dx = layer.backward(upstream)
    assert dx[reports[0].index] == reports[0].analytic


def scale_dx(factor: float) -> Mistake:
    return lambda layer, dx: dx * factor


def scale_entry_of_dx(index: tuple[int, ...], factor: float) -> Mistake:
    def mistake(layer: Layer, dx: np.ndarray) -> None:
        dx[index] *= factor

    return mistake


def scale_entry_of(key: str, index: tuple[int, ...], factor: float) -> Mistake:
    def mistake(layer: Layer, dx: np.ndarray) -> None:
        layer.grads[key][index] *= factor

    return mistake


def replace(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Mistake:
    def mistake(layer: Layer, dx: np.ndarray) -> None:
        layer.grads[key] = change(layer.grads[key])

    return mistake


def forget(key: str) -> Mistake:
    def mistake(layer: Layer, dx: np.ndarray) -> None:
        del layer.grads[key]

    return mistake


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (scale_dx(1.01), r"d: the gradient of x differs most at \(\d, \d\): backward gives "),
        (scale_dx(1 + 3e-7), "gradient of x differs most at"),
        (scale_dx(-1), "gradient of x differs most at"),
        (scale_dx(0), r"gradient of x differs most at .*backward gives -?0, "),
        (scale_entry_of_dx((2, 1), 1.01), r"gradient of x differs most at \(2, 1\)"),
        (scale_entry_of_dx((3, 0), np.nan), r"x differs most at \(3, 0\): backward gives nan"),
        (scale_entry_of("kernel", (4, 2), 1.01), r"gradient of kernel differs most at \(4, 2\)"),
        (scale_entry_of("kernel", (0, 1), np.inf), r"kernel differs most at \(0, 1\): .* -?inf"),
        (scale_entry_of("bias", (1,), 0.99), r"gradient of bias differs most at \(1,\)"),
        (replace("kernel", lambda dkernel: dkernel / 4), "gradient of kernel differs most at"),
        (replace("bias", lambda dbias: dbias[None]), r"bias has shape \(1, 3\), bias has \(3,\)"),
        (lambda layer, dx: dx.T, r"gradient of x has shape \(5, 4\), x has \(4, 5\)"),
        (forget("bias"), "d: backward left no gradient of bias"),
    ],
)
def test_mistakes_are_found_and_named(mistake: Mistake, message: str) -> None:
    layer = with_mistake(dense(), mistake)
    before = layer.get_weights()
    with pytest.raises(GradientError, match=message):
        gradcheck(layer, draw(4, 5))
    for array, value in zip(layer.arrays.values(), before, strict=False):
        np.testing.assert_array_equal(array, value)


@pytest.mark.parametrize("layer", [Softmax(dtype="float64"), BatchNormalization(dtype="float64")])
def test_the_upstream_gradient_is_not_all_ones(layer: Layer) -> None:
    """For a gradient of ones, softmax and batch norm have dx = 0, whatever their formula."""
    x = draw(6, 4)
    gradcheck(layer, x)
    ones = np.ones_like(layer.forward(x, training=True))
    np.testing.assert_allclose(layer.backward(ones), 0, atol=1e-12)
    with pytest.raises(GradientError, match="gradient of x"):
        gradcheck(with_mistake(layer, scale_dx(0.5)), x)


def test_a_forgotten_penalty_is_found() -> None:
    layer = Dense(3, kernel_regularizer=L2(0.1), dtype="float64")
    gradcheck(layer, draw(4, 5))
    layer.add_penalty_gradients = lambda: None
    with pytest.raises(GradientError, match="gradient of kernel"):
        gradcheck(layer, draw(4, 5))


def test_a_wrong_activation_and_a_wrong_loss_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tanh = activations.tanh.with_options()
    gradcheck(tanh, draw(3, 4))
    monkeypatch.setattr(tanh, "backward", lambda dout, x, out: dout * (1 - out))
    with pytest.raises(GradientError, match="tanh: the gradient of x differs"):
        gradcheck(tanh, draw(3, 4))
    loss = MeanSquaredError()
    gradcheck(loss, draw(3, 4), np.ones((3, 4)))
    right = loss.gradient
    monkeypatch.setattr(loss, "gradient", lambda: right() / 2)
    with pytest.raises(GradientError, match="mean_squared_error: the gradient of x differs"):
        gradcheck(loss, draw(3, 4), np.ones((3, 4)))


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_put_back(fails: bool, float64: None) -> None:
    layers = [
        BatchNormalization(),
        Dropout(0.5, seed=1),
        GaussianNoise(0.5, seed=2),
        Dense(3, activation="tanh"),
    ]
    model = models.Sequential(layers)
    x = draw(6, 4)
    model.build(x.shape)
    layers[1].seed_generator.next()
    weights, seeds = model.get_weights(), [list(each.seed_generator.state) for each in layers[1:3]]
    x_before = x.copy()
    if fails:
        with_mistake(layers[0], scale_dx(1.01))
        with pytest.raises(GradientError, match="the gradient of x"):
            gradcheck(model, x)
    else:
        gradcheck(model, x)
    for array, value in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(array, value)
    assert [each.seed_generator.state for each in layers[1:3]] == seeds == [[1, 1], [2, 0]]
    np.testing.assert_array_equal(x, x_before)


def test_everything_is_put_back_after_an_error_in_backward() -> None:
    layer = BatchNormalization(dtype="float64")
    layer.ensure_built((4,))

    def broken(dout: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    layer.backward = broken
    with pytest.raises(ZeroDivisionError):
        gradcheck(layer, draw(6, 4))
    np.testing.assert_array_equal(layer.state["moving_mean"], 0)


def classifier() -> models.Sequential:
    return models.Sequential(
        [
            Dense(6, activation="elu", kernel_regularizer=L2(0.01), name="hidden"),
            BatchNormalization(name="norm"),
            Dropout(0.3, seed=1),
            Dense(3, activation="softmax", name="top"),
        ]
    )


def test_a_model_with_its_loss(kernel_form: str, float64: None) -> None:
    model, labels = classifier(), np.array([0, 2, 1, 1, 0])
    model.compile("sgd", "sparse_categorical_crossentropy")
    reports = gradcheck(model, draw(5, 4), labels)
    names = ["x", "hidden/kernel", "hidden/bias", "norm/gamma", "norm/beta"]
    assert [report.name for report in reports] == [*names, "top/kernel", "top/bias"]
    gradcheck(model, draw(5, 4), labels, sample_weight=[0.0, 1.0, 2.0, 0.5, 1.0])
    gradcheck(model, draw(5, 4), labels, training=False)
    with_mistake(model.layers[0], scale_entry_of("kernel", (1, 2), 1.1))
    with pytest.raises(GradientError, match=r"gradient of hidden/kernel differs most at \(1, 2\)"):
        gradcheck(model, draw(5, 4), labels)


def test_a_model_without_a_loss_is_checked_to_its_output(float64: None) -> None:
    model = classifier()
    reports = gradcheck(model, draw(5, 4))
    assert reports[-1].name == "top/bias"
    model.layers[0].trainable = False
    assert "hidden/kernel" not in [report.name for report in gradcheck(model, draw(5, 4))]


def test_the_caller_s_x_is_never_moved() -> None:
    x = draw(4, 5)
    before = x.copy()
    x.flags.writeable = False
    gradcheck(dense(), x)
    np.testing.assert_array_equal(x, before)
    assert gradcheck(dense(), x)[0].name == "x"


def test_a_gradient_that_is_zero_passes(float64: None) -> None:
    """A bias in front of a batch norm: any shift is taken out again."""
    model = models.Sequential([Dense(4), BatchNormalization()])
    bias = gradcheck(model, draw(6, 5))[2]
    assert bias.name.endswith("bias")
    assert abs(bias.analytic) < 1e-12 and abs(bias.numeric) < 1e-10


def test_a_loss_reads_logits_or_probabilities() -> None:
    loss, p, y = SparseCategoricalCrossentropy(), np.array([[0.2, 0.5, 0.3]]), [1]
    assert gradcheck(loss, p, y)[0].numeric != gradcheck(loss, p, y, from_logits=True)[0].numeric


def test_large_arrays_are_sampled() -> None:
    layer, x = dense(), draw(20, 30)
    reports = gradcheck(layer, x, max_entries=50)
    assert [report.checked for report in reports] == [50, 50, 3]
    assert gradcheck(layer, x, max_entries=50) == reports
    assert gradcheck(layer, x, max_entries=50, seed=1) != reports


def test_the_tolerance_can_be_set() -> None:
    layer = with_mistake(dense(), scale_dx(1.01))
    with pytest.raises(GradientError, match="allowed 1e-03"):
        gradcheck(layer, draw(4, 5), tolerance=1e-3)
    reports = gradcheck(layer, draw(4, 5), tolerance=0.02)
    assert reports[0].error == pytest.approx(0.01, rel=0.01)


def test_across_a_kink_a_difference_is_no_derivative() -> None:
    with pytest.raises(GradientError, match="relu: the gradient of x"):
        gradcheck(activations.relu, np.array([0.0, 1.0]))


def test_float32_is_refused() -> None:
    with pytest.raises(TypeError, match=r"d/kernel: expected float64, .* got float32; call set_fl"):
        gradcheck(Dense(3, name="d"), draw(4, 5))
    with pytest.raises(TypeError, match="top/kernel: expected float64"):
        gradcheck(models.Sequential([Dense(3, name="top")]), draw(4, 5))
