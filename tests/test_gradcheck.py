"""The gradient check finds planted mistakes, says where they are, and leaves no trace."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinynet import activations, models
from tinynet.activations import Activation
from tinynet.gradcheck import GradientError, gradcheck
from tinynet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    GaussianNoise,
    Layer,
    MaxPooling2D,
    Softmax,
)
from tinynet.losses import MeanAbsoluteError, MeanSquaredError, SparseCategoricalCrossentropy
from tinynet.random import set_random_seed
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
    assert [list(each.seed_generator.state) for each in layers[1:3]] == seeds == [[1, 1], [2, 0]]
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


@pytest.mark.parametrize(
    ("target", "x", "kinks"),
    [
        (activations.relu, [0.0, 1.0, -1.0], 1),
        (activations.relu, [1e-4, -5e-5, 3e-6, -3e-6, 0.5], 0),  # beside it: one slope counts
        (activations.leaky_relu, [0.0, -0.0, 2.0], 2),
        (activations.relu6, [0.0, 6.0, 6.00003, 3.0], 2),
        (activations.relu.with_options(threshold=1.0, max_value=3.0), [3.0, 2.0, 0.0], 1),
        (activations.elu.with_options(alpha=2.0), [0.0, 1.0, -1.0], 1),
    ],
)
def test_at_a_kink_any_slope_between_the_two_is_right(
    target: Activation, x: list[float], kinks: int
) -> None:
    (report,) = gradcheck(target, x)
    assert (report.kinks, report.checked) == (kinks, len(x))
    assert report.error < 1e-7


def test_kinks_in_layers_and_losses(float64: None) -> None:
    set_random_seed(0)  # where the kinks of nine units fall depends on their weights
    equal = np.full((1, 4, 4, 1), 2.0)
    equal[0, :2, :2, 0] += draw(2, 2)
    (report,) = gradcheck(MaxPooling2D(2), equal)
    assert report.kinks == 12  # three windows of four equal numbers
    (report,) = gradcheck(MeanAbsoluteError(), [[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.0, 3.0]])
    assert report.error < 1e-7  # at |0|, the mean of both slopes is what backward gives
    x = np.vstack([draw(3, 5), np.zeros(5)])  # with a bias of 0, the last sample is at the kink
    reports = {report.name: report for report in gradcheck(Dense(1, activation="relu"), x)}
    assert reports["bias"].kinks == 1 and reports["x"].kinks == 5
    with pytest.raises(GradientError, match=r"at a kink, with .*where several kinks meet"):
        gradcheck(Dense(9, activation="relu"), x)


@pytest.mark.parametrize("x", [0.0, -0.0])
@pytest.mark.parametrize("slope", [-0.1, 1.1, 2.0])
def test_a_slope_that_is_not_between_the_two_is_named_a_kink(
    x: float, slope: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    relu = activations.relu.with_options()
    monkeypatch.setattr(
        relu, "backward", lambda dout, x, out: dout * np.where(x == 0, slope, x > 0)
    )
    assert gradcheck(relu, [1.0, -2.0, 0.5])[0].kinks == 0
    with pytest.raises(
        GradientError,
        match=r"x differs most at \(1,\): backward gives .*, at a kink, with the",
    ):
        gradcheck(relu, [1.0, x, 0.5])


@given(
    hnp.arrays(float, st.integers(1, 6), elements=st.sampled_from([0, 6, 1e-4, -1e-5, 5.99995])),
    st.sampled_from([0.5, 1.001, -1.0]),
)
def test_a_kink_hides_no_wrong_gradient_beside_it(x: np.ndarray, factor: float) -> None:
    relu6 = activations.relu6.with_options()
    assert gradcheck(relu6, x)[0].error < 1e-7
    x = np.append(x, 3.0)  # the slope is 1 here
    right = relu6.backward

    def wrong(dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        dx = right(dout, x, out)
        dx[-1] *= factor
        return dx

    relu6.backward = wrong  # type: ignore[method-assign]
    with pytest.raises(
        GradientError, match=rf"differs most at \({len(x) - 1},\): .*differences give"
    ):
        gradcheck(relu6, x)


class Accumulating(Dense):
    """The best-known mistake of learners, in several spellings."""

    def __init__(self, spelling: str) -> None:
        super().__init__(3, dtype="float64", name="d")
        self.spelling = spelling

    def backward(self, dout: np.ndarray) -> np.ndarray:
        kernel, bias = self.x.T @ dout, dout.sum(axis=0)
        if self.spelling == "+=":
            self.grads["kernel"] += kernel
        elif self.spelling == "sum":
            self.grads["kernel"] = self.grads["kernel"] + kernel
        elif self.spelling == "out":
            np.add(self.grads["kernel"], kernel, out=self.grads["kernel"])
        elif self.spelling == "mean of all":
            self.grads["kernel"] = 0.5 * self.grads["kernel"] + kernel
        else:
            self.grads["kernel"] = kernel
        self.grads["bias"] = self.grads["bias"] + bias if self.spelling == "bias" else bias
        return dout @ self.params["kernel"].T


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        ("+=", r"d: backward twice .* kernel, .* 2 times .* grads\[\"kernel\"\] = ..., not \+="),
        ("sum", "two gradients of kernel, and the second is 2 times the first"),
        ("out", "two gradients of kernel, and the second is 2 times the first"),
        ("mean of all", "two gradients of kernel, and the second is 1.5 times the first"),
        ("bias", r"two gradients of bias, .* grads\[\"bias\"\] ="),
    ],
)
def test_gradients_that_add_up_from_step_to_step_are_found(spelling: str, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        gradcheck(Accumulating(spelling), draw(4, 5))
    model = models.Sequential([Accumulating(spelling), Softmax(dtype="float64")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    for y in (None, [0, 1, 2, 1]):
        with pytest.raises(GradientError, match=r"backward twice .* gradients of d/"):
            gradcheck(model, draw(4, 5), y)
    gradcheck(Accumulating("right"), draw(4, 5))


class Careless(Layer):
    """A layer that doubles its input, and does something that it should not."""

    def __init__(self, way: str) -> None:
        super().__init__(dtype="float64", name="careless")
        self.way = way
        self.calls = 0

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.calls += 1
        if self.way == "writes to x":
            x *= 2
            return x
        if self.way == "draws anew":
            return x * np.random.normal(size=x.shape)
        return x * 2 * (self.calls if self.way == "counts" else 1)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self.way == "writes to dout":
            dout *= 2
            return dout
        if self.way == "fills another name":
            self.grads["weight"] = dout.sum(axis=0)
        return None if self.way == "returns nothing" else dout * 2


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("writes to x", "careless: forward wrote to x, which belongs to the layer below"),
        ("writes to dout", "careless: backward wrote to dout, which belongs to the layer above"),
        ("returns nothing", "careless: backward returned None, expected the gradient of x"),
        ("fills another name", "careless: backward filled grads.'weight'., .* one of none"),
        ("draws anew", "careless: the same batch gives a different output the second time"),
        ("counts", "careless: the same batch gives a different output the second time"),
    ],
)
def test_careless_layers_are_found(way: str, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        gradcheck(Careless(way), draw(4, 5))
    gradcheck(Careless("nothing"), draw(4, 5))


def test_float32_is_refused() -> None:
    with pytest.raises(TypeError, match=r"d/kernel: expected float64, .* with dtype='float64'"):
        gradcheck(Dense(3, name="d"), draw(4, 5))
    with pytest.raises(TypeError, match="top/kernel: expected float64"):
        gradcheck(models.Sequential([Dense(3, name="top")]), draw(4, 5))


def test_where_the_slope_has_a_bend_the_right_gradient_passes() -> None:
    """ELU at 0: the slope is 1 on both sides, and changes on the left only."""
    x = np.zeros((2, 3))
    (report,) = gradcheck(activations.elu, x)
    assert report.error < 1e-7 and report.kinks == 0

    class Steeper(activations.Activation):
        def forward(self, x: np.ndarray) -> np.ndarray:
            return activations.elu.forward(x)

        def backward(self, dout: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
            return 1.001 * activations.elu.backward(dout, x, out)

    with pytest.raises(GradientError):
        gradcheck(Steeper(activations.elu.choose), x)
