"""What a subclass overrides is called, or refused: never left out in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinynet import (
    Input,
    Model,
    Sequential,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from tinynet.layers import Dense, Dropout, Layer


class Doubled(Dense):
    def call(self, inputs: Any) -> Any:
        return 2 * inputs


class Sure(Dropout):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


class Alone(Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


class Mixed(Alone, Dense):
    pass


class Around(Dense):
    def __call__(self, x: Any, training: bool = False) -> Any:
        return 2 * super().__call__(x, training)


class Halved(Dense):
    """One with a ``call`` for Keras and a ``forward`` for tinynet."""

    call = Alone.call

    def forward(self, x: Any, training: bool = False) -> Any:
        return super().forward(x, training) / 2


@pytest.mark.parametrize(
    "make", [lambda: Doubled(2), lambda: Sure(0.5), Alone, lambda: Mixed(2), lambda: Around(2)]
)
def test_a_layer_with_call_and_no_forward_cannot_be_made(make: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"call(__)? would not be called; define forward"):
        make()


def test_a_layer_with_both_is_made_and_runs_forward() -> None:
    halved, same = (kind(3, kernel_initializer="ones") for kind in (Halved, Dense))
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(2 * halved(x), same(x))


def test_dropout_in_predictions_as_the_error_says() -> None:
    class Told(Dropout):
        def forward(self, x: Any, training: bool = False) -> Any:
            return super().forward(x, True)

    x = np.ones((10, 50), "float32")
    for out in (Told(0.5)(x), Dropout(0.5)(x, training=True)):
        assert {*np.unique(out)} == {0, 2}


def functional(kind: type[Model]) -> Model:
    x = Input((3,))
    return kind(x, Dense(2, kernel_initializer="ones")(x))


def test_a_model_whose_layers_are_connected_has_no_call_besides() -> None:
    class Half(Model):
        def call(self, x: Any) -> Any:
            return x

    class Stacked(Sequential):
        call = Half.call

    for make in (lambda: functional(Half), Stacked, lambda: Stacked([Dense(2)])):
        with pytest.raises(TypeError, match=r"call would not be called, .* into the outputs"):
            make()


class Own:
    def method(self, *arguments: Any, **options: Any) -> Any:
        return 0.0


IN_VAIN = [
    "compute_loss",
    "compute_metrics",
    "get_metrics_result",
    "predict_step",
    "make_train_function",
    "make_test_function",
    "make_predict_function",
    "__call__",
]


@pytest.mark.parametrize("name", IN_VAIN)
def test_a_method_that_only_keras_calls_cannot_be_overridden(name: str) -> None:
    own = {name: Own.method}
    makes = [
        lambda: functional(type("Other", (Model,), own)),
        lambda: type("Other", (Sequential,), own)(),
        lambda: type("Other", (Model,), {**own, "call": Own.method})(),
        lambda: type("Other", (type("Mixed", (), own), Sequential), {})([Dense(2)]),
    ]
    for make in makes:
        with pytest.raises(TypeError, match=rf"Other: its {name} would not be called, as Keras"):
            make()


def test_a_train_step_of_ones_own_may_call_what_it_likes() -> None:
    class Other(Sequential):
        def compute_loss(self, batch: Any) -> Any:
            return self.loss_value(self.forward(batch.x), batch.y, batch.sample_weight) / 2

        def train_step(self, batch: Any) -> None:
            self.seen = self.compute_loss(batch)

    model = Other([Input((3,)), Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones(2))
    assert model.seen == 0.5


@pytest.mark.parametrize("kind", dict.fromkeys(constraints.CONSTRAINTS.values()))
def test_a_constraint_is_what_a_subclass_makes_of_it(kind: Any, kernel_form: str) -> None:
    class Half(kind):
        def __call__(self, w: Any) -> Any:
            return super().__call__(w) / 2

    class Same(kind):
        pass

    w = np.random.default_rng(0).normal(size=(4, 3))
    expected = kind()(w)
    for rule, factor in ((kind(), 1), (Same(), 1), (Half(), 2)):
        np.testing.assert_array_equal(factor * rule(w), expected)
        changed = w.copy()
        rule.apply(changed)
        np.testing.assert_array_equal(factor * changed, expected)


def test_such_a_constraint_acts_in_fit() -> None:
    class Zero(constraints.MaxNorm):
        def __call__(self, w: Any) -> Any:
            return super().__call__(w) * 0

    model = Sequential([Input((3,)), Dense(2, kernel_constraint=Zero(), bias_constraint="non_neg")])
    model.compile("sgd", "mse")
    lines = [line.title for line in model.step(4).lines]
    assert lines[-3:-1] == ["python Constraint._replace", "no_negatives"]
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert not model.params["dense/kernel"].any() and model.params["dense/bias"].any()


@pytest.mark.parametrize("base", [regularizers.Regularizer, regularizers.L2])
def test_a_penalty_needs_its_own_gradient(base: Any) -> None:
    own = {"__call__": lambda self, x: float(np.sum(x))}
    with pytest.raises(TypeError, match=r"Sum: define gradient\(x\), too, the derivative"):
        type("Sum", (base,), own)
    rule = type("Sum", (base,), {**own, "gradient": lambda self, x: np.ones_like(x)})()
    layer = Dense(2, kernel_regularizer=rule)
    layer.ensure_built((3,))
    layer.add_penalty_gradients()
    np.testing.assert_array_equal(layer.grads["kernel"], np.ones((3, 2)))


@pytest.mark.parametrize("base", [optimizers.Optimizer, optimizers.SGD])
@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("update_step", r"define update\(w, g, slots, learning_rate\)"),
        ("apply", r"define step\(params, grads\)"),
        ("apply_gradients", r"define step\(params, grads\)"),
    ],
)
def test_an_optimizer_with_only_keras_s_method_cannot_be_made(
    base: Any, name: str, instead: str
) -> None:
    with pytest.raises(TypeError, match=rf"Own: its {name} would not be called, .*{instead}"):
        type("Own", (base,), {name: Own.method})(0.1)


def test_an_optimizer_with_both_is_made() -> None:
    class Signs(optimizers.Optimizer):
        update_step = Own.method

        def update(self, w: Any, g: Any, slots: Any, learning_rate: float) -> None:
            w -= learning_rate * np.sign(g)

    w = np.zeros(2)
    Signs(0.5).step({"w": w}, {"w": np.array([3.0, -0.1])})
    np.testing.assert_array_equal(w, [-0.5, 0.5])


@pytest.mark.parametrize(
    ("base", "use", "method"),
    [
        (Layer, lambda made: made(np.ones((2, 3))), r"forward\(x, training\)"),
        (
            optimizers.Optimizer,
            lambda made: made.step({"w": np.ones(2)}, {"w": np.ones(2)}),
            r"update\(w, g, slots, learning_rate\)",
        ),
        (optimizers.schedules.LearningRateSchedule, lambda made: made(0), r"__call__\(step\)"),
        (constraints.Constraint, lambda made: made(np.ones(2)), r"__call__\(w\)"),
        (regularizers.Regularizer, lambda made: made(np.ones(2)), r"__call__\(x\)"),
        (regularizers.Regularizer, lambda made: made.gradient(np.ones(2)), r"gradient\(x\)"),
        (initializers.Initializer, lambda made: made((2,)), r"__call__\(shape, dtype=None\)"),
        (metrics.Metric, lambda made: made.update_state([1], [1]), r"update_state\(y_true, y_pred"),
        (metrics.Metric, lambda made: made.result(), r"result\(\)"),
        (
            losses.Loss,
            lambda made: made(np.ones((2, 1)), np.ones((2, 1))),
            r"call\(y_true, y_pred\)",
        ),
        (utils.PyDataset, lambda made: made[0], r"__getitem__\(index\)"),
        (utils.PyDataset, lambda made: made.num_batches, r"__len__\(\)"),
    ],
)
def test_what_is_not_defined_is_named(base: Any, use: Any, method: str) -> None:
    given = {"learning_rate": 0.1} if issubclass(base, optimizers.Optimizer) else {}
    made = type("Unfinished", (base,), {})(**given)
    with pytest.raises(NotImplementedError, match=rf"^Unfinished: define {method}"):
        use(made)


class Squares(losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean((y_true - y_pred) ** 2, axis=-1)


class Triple(losses.MeanSquaredError):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return 3 * super().call(y_true, y_pred)


RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=(2, 5, 3))


@pytest.mark.parametrize("weights", [None, RNG.random(5)], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]
)
def test_a_loss_with_call_is_called_by_hand(reduction: str, weights: Any) -> None:
    expected = losses.MeanSquaredError(reduction=reduction)(Y, P, weights)
    for kind, factor in ((Squares, 1), (Triple, 3)):
        found = kind(reduction=reduction)(Y, P, weights)
        np.testing.assert_allclose(found, factor * np.asarray(expected), rtol=1e-14)


@pytest.mark.parametrize("given", [Triple(), Triple, [Triple()]], ids=["object", "class", "list"])
def test_a_loss_that_extends_another_trains_with_its_own_call(given: Any) -> None:
    x, y = RNG.normal(size=(8, 3)), RNG.normal(size=8)
    kernels = []
    for loss, rate in ((given, 0.1), ("mse", 0.3)):
        model = Sequential([Input((3,)), Dense(1, kernel_initializer="ones")])
        model.compile(optimizers.SGD(rate), loss)
        kernels.append(model.fit(x, y, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(kernels[0], 3 * np.array(kernels[1]), rtol=1e-5)


def test_saturated_predictions_are_no_logits_to_such_a_loss() -> None:
    class Same(losses.CategoricalCrossentropy):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return super().call(y_true, y_pred)

    # A measured gradient looks a little below 0 and above 1, which would warn.
    loss = losses.loss_of(Same())
    one_hot = np.eye(3)
    assert loss(one_hot, one_hot) == pytest.approx(1e-7)
    assert np.isfinite(loss.gradient()).all()
    with pytest.warns(UserWarning, match="same: expected probabilities, got predictions from -3"):
        Same().call(one_hot, one_hot - 3)


def test_call_of_a_loss_leaves_what_gradient_reads() -> None:
    loss = losses.MeanSquaredError()
    loss(Y, P)
    before = loss.gradient()
    np.testing.assert_allclose(loss.call(2 * Y, P), ((2 * Y - P) ** 2).mean(axis=-1))
    np.testing.assert_array_equal(loss.gradient(), before)
    assert loss.reduction == "sum_over_batch_size"


def test_a_value_of_ones_own_comes_before_a_call() -> None:
    class Exact(losses.MeanSquaredError):
        call = Squares.call

        def value(self, *arguments: Any) -> Any:
            return 7.0

    assert Exact()(Y, P) == 7
    assert type(losses.loss_of(Exact())) is Exact


def test_a_loss_that_overrides_calling_itself_cannot_be_compiled() -> None:
    class Twice(losses.MeanSquaredError):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return 2 * super().__call__(y_true, y_pred, sample_weight)

    with pytest.raises(TypeError, match=r"Twice: its __call__ would not be called.*define call\("):
        losses.loss_of(Twice())


def test_a_measured_loss_is_a_line_of_a_step() -> None:
    def squares(y: Any, p: Any) -> Any:
        return np.mean((y.reshape(p.shape) - p) ** 2, axis=-1)

    for loss in (Triple(), squares):
        model = Sequential([Input((3,)), Dense(1)])
        model.compile("sgd", loss)
        lines = model.step(4).lines
        assert [line.title for line in lines if line.part == "loss"] == [
            "python LossFunctionWrapper.value",
            "python LossFunctionWrapper.gradient",
        ]
