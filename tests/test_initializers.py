"""First values of weights: their spread, their seeds, their names."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinynet import initializers
from tinynet.configurable import UnknownObjectError, to_snake_case
from tinynet.custom_objects import custom_object_scope
from tinynet.initializers import (
    INITIALIZERS,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    compute_fans,
)
from tinynet.layers import Dense
from tinynet.random import SeedGenerator, set_random_seed

CLASSES = sorted(set(INITIALIZERS.values()), key=lambda each: each.__name__)
RANDOM = [each for each in CLASSES if issubclass(each, RandomInitializer)]
SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((784, 256), (784, 256)),
        ((5, 3, 4), (15, 20)),
        ((3, 3, 8, 16), (72, 144)),
    ],
)
def test_fans(shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    assert compute_fans(shape) == fans


# The formula for the variance in a kernel of 300 inputs and 200 outputs.
@pytest.mark.parametrize(
    ("cls", "variance"),
    [
        (GlorotUniform, 2 / 500),
        (GlorotNormal, 2 / 500),
        (HeUniform, 2 / 300),
        (HeNormal, 2 / 300),
        (LecunUniform, 1 / 300),
        (LecunNormal, 1 / 300),
    ],
)
def test_variance_and_range_of_the_named_rules(
    cls: type[Initializer], variance: float, float64: None
) -> None:
    values = cls(seed=1)(SHAPE)
    # 60,000 numbers: the standard error of the variance is at most 0.6 % of it
    assert values.var() == pytest.approx(variance, rel=0.03)
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    if "Uniform" in cls.__name__:
        limit = math.sqrt(3 * variance)
    else:  # cut off at two deviations of the wider normal that has this variance once it is cut
        limit = 2 * math.sqrt(variance) / 0.87962566103423978
    largest = np.abs(values).max()
    assert 0.99 * limit < largest <= limit * (1 + 1e-7)


@pytest.mark.parametrize(("mode", "n"), [("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
def test_variance_scaling(mode: str, n: int, distribution: str, float64: None) -> None:
    values = VarianceScaling(3.0, mode, distribution, seed=1)(SHAPE)
    assert values.var() == pytest.approx(3 / n, rel=0.03)
    deviations = np.abs(values).max() / values.std()
    expected = {"uniform": math.sqrt(3), "truncated_normal": 2 / 0.8796}
    if distribution == "untruncated_normal":
        assert deviations > 3.5
    else:
        assert deviations == pytest.approx(expected[distribution], rel=0.02)


def test_normal_is_short_for_truncated_normal() -> None:
    assert VarianceScaling(distribution="normal").distribution == "truncated_normal"


def test_random_normal_truncated_normal_and_random_uniform(float64: None) -> None:
    normal = RandomNormal(2.0, 0.5, seed=1)(SHAPE)
    assert normal.mean() == pytest.approx(2, abs=0.01)
    assert normal.std() == pytest.approx(0.5, rel=0.02)
    cut = TruncatedNormal(2.0, 0.5, seed=1)(SHAPE)
    assert 1 <= cut.min() < 1.01 and 2.99 < cut.max() <= 3
    uniform = RandomUniform(-1.0, 3.0, seed=1)(SHAPE)
    assert -1 <= uniform.min() < -0.99 and 2.99 < uniform.max() < 3


def test_constants(float64: None) -> None:
    np.testing.assert_array_equal(Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(Ones()((2, 3)), np.ones((2, 3)))
    # TensorFlow makes a tensor of the number by way of float32
    np.testing.assert_array_equal(Constant(0.1)((2, 3)), np.full((2, 3), np.float32(0.1)))


def test_constant_arrays(float64: None) -> None:
    row = [0.1, -2, 3]
    given = np.array(row)
    for value, expected in [(row, np.float32(row)), (given, given), (given[:, None], given)]:
        filled = Constant(value)((3, 3))
        shape = (3, 1) if np.ndim(value) == 2 else (3,)
        np.testing.assert_array_equal(filled, np.broadcast_to(expected.reshape(shape), (3, 3)))
        assert filled.flags.c_contiguous
    constant = Constant(given)
    given[0] = 7
    again = initializers.get(initializers.serialize(constant))
    for each in (constant, again):
        np.testing.assert_array_equal(each((3,)), row)
    assert Constant((1, 2)).get_config() == {"value": [1, 2]}
    assert Constant(np.float64(0.1))((1,))[0] == Constant(np.array(0.1))((1,))[0] == 0.1
    for value, shape in [([1, 2], (3,)), (np.ones((3, 1)), (3,)), ([1, 2, 3], (3, 2))]:
        with pytest.raises(ValueError, match=r"value: expected a number, or numbers that can be"):
            Constant(value)(shape)
    for bad in ([1, np.nan], np.array(["a"]), [1, [2, 3]], [None]):
        with pytest.raises(ValueError, match="value: expected a number, or an array or a list of"):
            Constant(bad)
    with pytest.raises(ValueError, match=r"value: expected a number, got \[\]"):
        Constant([])


def test_a_bias_for_labels_that_are_not_balanced() -> None:
    layer = Dense(1, bias_initializer=Constant(np.log([25 / 75])))
    layer.build((4,))
    np.testing.assert_array_equal(layer.bias, np.log(np.array([1 / 3])).astype("f4"))
    with pytest.raises(ValueError, match=r"shape of the weight, \(2,\), got shape \(3,\)"):
        Dense(2, bias_initializer=Constant([1, 2, 3])).build((4,))


# What keras.initializers.X(seed=3)((4, 2)) begins with in Keras 3.15.1 with TensorFlow.
@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (GlorotUniform, [-0.6081743240356445, 0.8786904811859131, 0.06455039978027344]),
        (GlorotNormal, [-0.4408007562160492, 1.1000908613204956, -0.6197640895843506]),
        (HeUniform, [-0.7448583841323853, 1.0761717557907104, 0.07905781269073486]),
        (HeNormal, [-0.5398684740066528, 1.3473306894302368, -0.7590528726577759]),
        (LecunUniform, [-0.5266944169998169, 0.7609682679176331, 0.055902302265167236]),
        (LecunNormal, [-0.3817446529865265, 0.9527066349983215, -0.5367314219474792]),
    ],
)
def test_values_are_those_of_keras(cls: type[Initializer], expected: list[float]) -> None:
    drawn = cls(seed=3)((4, 2)).reshape(-1)[:3]
    np.testing.assert_array_max_ulp(drawn, np.float32(expected), 4)


@pytest.mark.parametrize("cls", CLASSES)
@given(shape=array_shapes(min_dims=1, max_dims=4, max_side=5))
def test_shape_and_type(cls: type[Initializer], shape: tuple[int, ...]) -> None:
    initializer = cls()
    for dtype in ("float32", "float64"):
        values = initializer(shape, dtype)
        assert values.shape == shape and values.dtype == dtype
    assert initializer(shape).dtype == "float32"


@pytest.mark.parametrize("cls", RANDOM)
def test_seeds(cls: type[RandomInitializer]) -> None:
    same, other = cls(seed=5), cls(seed=6)
    values = same((4, 3))
    np.testing.assert_array_equal(same((4, 3)), values)  # every call draws the same
    np.testing.assert_array_equal(cls(seed=5)((4, 3)), values)
    assert not np.array_equal(other((4, 3)), values)
    # Without a seed, the first one is drawn when the initializer is made, like any other.
    set_random_seed(1)
    unseeded = cls()
    values = unseeded((4, 3))
    np.testing.assert_array_equal(unseeded((4, 3)), values)
    assert not np.array_equal(cls()((4, 3)), values)
    set_random_seed(1)
    np.testing.assert_array_equal(cls()((4, 3)), values)
    # A generator steps on from call to call.
    stepping = cls(seed=SeedGenerator(5))
    first, second = stepping((4, 3)), stepping((4, 3))
    np.testing.assert_array_equal(first, same((4, 3)))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_config_makes_the_same_initializer(cls: type[Initializer]) -> None:
    options = {"seed": 5} if issubclass(cls, RandomInitializer) else {}
    made = cls(**options)
    config = {"class_name": cls.__name__, "config": made.get_config()}
    for clone in (cls.from_config(made.get_config()), initializers.get(config)):
        assert type(clone) is cls
        assert clone.get_config() == made.get_config()
        np.testing.assert_array_equal(clone((4, 3)), made((4, 3)))


@given(
    mean=st.floats(-3, 3),
    stddev=st.floats(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_config_keeps_every_option(mean: float, stddev: float, seed: int) -> None:
    for made in (
        RandomNormal(mean, stddev, seed),
        TruncatedNormal(mean, stddev, seed),
        RandomUniform(mean, mean + stddev, seed),
        VarianceScaling(1 + stddev, "fan_out", "uniform", seed),
    ):
        clone = type(made).from_config(made.get_config())
        np.testing.assert_array_equal(clone((4, 3)), made((4, 3)))


def test_a_config_keeps_a_seed_generator() -> None:
    made = GlorotUniform(seed=SeedGenerator(5))
    clone = GlorotUniform.from_config(made.get_config())
    np.testing.assert_array_equal(clone((4, 3)), made((4, 3)))


@pytest.mark.parametrize("cls", CLASSES)
def test_names(cls: type[Initializer]) -> None:
    for name in (cls.__name__, to_snake_case(cls.__name__)):
        assert type(initializers.get(name)) is cls
    assert type(initializers.get(cls)) is cls
    made = cls()
    assert initializers.get(made) is made
    assert getattr(initializers, to_snake_case(cls.__name__)) is cls  # Keras has both


@pytest.mark.parametrize(
    ("name", "cls"),
    [("zero", Zeros), ("one", Ones), ("normal", RandomNormal), ("uniform", RandomUniform)],
)
def test_short_names(name: str, cls: type[Initializer]) -> None:
    assert type(initializers.get(name)) is cls


def test_unknown_names_and_things() -> None:
    with pytest.raises(ValueError, match=r"'glorot_unifrom'; did you mean 'glorot_uniform'\?"):
        initializers.get("glorot_unifrom")
    with pytest.raises(TypeError, match="initializer: expected its name, its config or an object"):
        initializers.get(3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "scale: expected a number above 0, got 0"),
        ({"scale": -1.0}, r"scale: expected a number above 0, got -1\.0"),
        ({"mode": "fan"}, r"mode: expected one of \('fan_in', 'fan_out', 'fan_avg'\), got 'fan'"),
        ({"distribution": "cauchy"}, "distribution: expected one of .*, got 'cauchy'"),
        ({"seed": 1.5}, r"seed: expected an integer, got 1\.5"),
        ({"seed": "1"}, "seed: expected an integer, got '1'"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VarianceScaling(**options)


def halves(shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    assert (type(shape), dtype) == (tuple, "float32")
    return np.full(shape, 0.5)


def test_a_function() -> None:
    for rule in (halves, initializers.get(halves)):
        layer = Dense(2, kernel_initializer=rule)
        layer.build((4,))
        np.testing.assert_array_equal(layer.kernel, np.full((4, 2), 0.5))
        assert layer.kernel.dtype == "float32"
    written = initializers.serialize(initializers.get(halves))
    again = initializers.deserialize(written, custom_objects={"halves": halves})
    assert again.fn is halves
    with custom_object_scope({"halves": halves}):
        assert initializers.get("halves").fn is halves
    with pytest.raises(UnknownObjectError, match=r"initializer 'halves' .* pass custom_objects"):
        initializers.get(written)
    with pytest.raises(ValueError, match=r"weight's shape \(4, 2\) from lambda, got shape \(3,\)"):
        Dense(2, kernel_initializer=lambda shape, dtype=None: np.ones(3)).build((4,))
    for bad in (3, Dense, Dense(2)):
        with pytest.raises(TypeError, match="initializer: expected its name, its config or an obj"):
            initializers.get(bad)
