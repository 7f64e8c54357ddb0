"""Initial values of weights.

A layer's initial kernel decides how the size of activations and gradients changes from layer
to layer: with a variance of 1/fan_in it stays the same in a linear layer (LeCun et al. 1998,
section 4.6), 2/(fan_in + fan_out) is a compromise with the backward pass (Glorot and Bengio
2010, equation 12), 2/fan_in makes up for the half that a ReLU cuts off (He et al. 2015,
section 2.2). The draws are Keras's, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import config, random, scope
from tinynet.arrays import Array
from tinynet.checks import entries, number
from tinynet.configurable import Configurable, by_name, resolve, writer_and_reader
from tinynet.overriding import missing
from tinynet.user_functions import OfFunction

# The standard deviation of a standard normal truncated at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(Configurable):
    """A rule for the initial values of a weight; calling it creates them."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Return an array of the given shape, of `dtype` or `tinynet.config.floatx()`."""
        raise missing(self, "__call__(shape, dtype=None), which returns the first values")


class Zeros(Initializer):
    """All zeros; the default for biases."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Return zeros."""
        return np.zeros(shape, dtype or config.floatx())


class Ones(Initializer):
    """All ones; the default for batch norm's gamma."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Return ones."""
        return np.ones(shape, dtype or config.floatx())


class Constant(Initializer):
    """The same number everywhere, or given numbers.

    Parameters
    ----------
    value : float or array_like
        Numbers are broadcast to the shape of the weight: a list of three fills each row of a kernel
        (inputs, 3).

    Raises
    ------
    ValueError
        If `value` holds anything but finite numbers; when called, if it does not fit the shape.

    Notes
    -----
    As in TensorFlow, Python's numbers and lists are rounded to float32, NumPy's are not. Follows
    keras/src/initializers/constant_initializers.py.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = _numbers(value) if entries(value) else number("value", value)
        self._is_exact = isinstance(value, (np.floating, np.ndarray))

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Return an array of the given shape with `value` in it."""
        value = np.asarray(self.value, np.float64 if self._is_exact else np.float32)
        try:
            filled = np.broadcast_to(value, tuple(shape))
        except ValueError:
            raise ValueError(
                f"value: expected a number, or numbers that can be broadcast to the shape of the "
                f"weight, {tuple(shape)}, got shape {value.shape}"
            ) from None
        return filled.astype(dtype or config.floatx(), order="C")


def _numbers(value: Any) -> Any:
    """Return an array_like of finite numbers: a list as a list, anything else as an array."""
    try:
        array = np.array(value)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf" or not np.all(np.isfinite(array)):
        raise ValueError(
            f"value: expected a number, or an array or a list of finite ones, got {value!r}"
        )
    return array.tolist() if isinstance(value, (list, tuple)) else array


class RandomInitializer(Initializer):
    """What the random rules share.

    Parameters
    ----------
    seed : int or SeedGenerator, optional
        With an integer or None, every call gives the same values; for None, a seed is drawn
        when the initializer is created.

    Raises
    ------
    ValueError
        If `seed` is anything else.

    Notes
    -----
    Follows keras/src/initializers/random_initializers.py.
    """

    def __init__(self, seed: int | random.SeedGenerator | None = None) -> None:
        if isinstance(seed, Mapping):  # from a config
            if not isinstance(seed.get("config"), Mapping):
                raise ValueError(f"seed: expected an integer or a SeedGenerator, got {seed!r}")
            seed = random.SeedGenerator.from_config(seed["config"])
        if not isinstance(seed, random.SeedGenerator):
            seed = random.plain_seed(seed)
        self.seed = seed
        self.drawn_seed = random.make_default_seed() if seed is None else seed


class RandomNormal(RandomInitializer):
    """Normally distributed values with mean `mean` and standard deviation `stddev`."""

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | random.SeedGenerator | None = None,
    ) -> None:
        self.mean = number("mean", mean)
        self.stddev = number("stddev", stddev)
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Draw the values."""
        return random.normal(shape, self.mean, self.stddev, dtype, self.drawn_seed)


class TruncatedNormal(RandomNormal):
    """Like `RandomNormal`, but values beyond two standard deviations are drawn again.

    What that leaves of the variance is derived on the page :doc:`/backprop/initialization`.
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Draw the values."""
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.drawn_seed)


class RandomUniform(RandomInitializer):
    """Uniformly distributed values in [minval, maxval)."""

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float = 0.05,
        seed: int | random.SeedGenerator | None = None,
    ) -> None:
        self.minval = number("minval", minval)
        self.maxval = number("maxval", maxval)
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Draw the values."""
        return random.uniform(shape, self.minval, self.maxval, dtype, self.drawn_seed)


class VarianceScaling(RandomInitializer):
    """Values with variance scale/n, where n is the number of inputs, of outputs, or their mean.

    Parameters
    ----------
    scale : float
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        Which of the three n is.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int or SeedGenerator, optional

    Raises
    ------
    ValueError
        If `scale` is not above 0, or `mode` or `distribution` is not one of those listed.

    Notes
    -----
    Derived on the page :doc:`/backprop/initialization`.
    """

    MODES = ("fan_in", "fan_out", "fan_avg")
    DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | random.SeedGenerator | None = None,
    ) -> None:
        self.scale = number("scale", scale, above=0)
        if mode not in self.MODES:
            raise ValueError(f"mode: expected one of {self.MODES}, got {mode!r}")
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in self.DISTRIBUTIONS:
            raise ValueError(
                f"distribution: expected one of {self.DISTRIBUTIONS}, got {distribution!r}"
            )
        self.mode = mode
        self.distribution = distribution
        super().__init__(seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Draw the values."""
        fan_in, fan_out = compute_fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return random.uniform(shape, -limit, limit, dtype, self.drawn_seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.drawn_seed)
        return random.truncated_normal(
            shape, 0.0, stddev / TRUNCATED_STDDEV, dtype, self.drawn_seed
        )


class _FixedScaling(VarianceScaling):
    """A `VarianceScaling` with everything fixed but the seed."""

    RULE: tuple[float, str, str]

    def __init__(self, seed: int | random.SeedGenerator | None = None) -> None:
        super().__init__(*self.RULE, seed=seed)


class GlorotUniform(_FixedScaling):
    """Uniform within +-sqrt(6/(fan_in + fan_out)); Dense's default."""

    RULE = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedScaling):
    """Truncated normal with variance 2/(fan_in + fan_out)."""

    RULE = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_FixedScaling):
    """Uniform within +-sqrt(6/fan_in)."""

    RULE = (2.0, "fan_in", "uniform")


class HeNormal(_FixedScaling):
    """Truncated normal with variance 2/fan_in."""

    RULE = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedScaling):
    """Uniform within +-sqrt(3/fan_in)."""

    RULE = (1.0, "fan_in", "uniform")


class LecunNormal(_FixedScaling):
    """Truncated normal with variance 1/fan_in."""

    RULE = (1.0, "fan_in", "truncated_normal")


class InitializerFunction(OfFunction, Initializer):
    """A function ``fn(shape, dtype=None)`` that returns the first values of a weight.

    Parameters
    ----------
    fn : callable
    """

    role = "initializer"

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Array:
        """Return what the function returns."""
        shape, dtype = tuple(shape), dtype or config.floatx()
        return self.returned(self.fn(shape, dtype=dtype), shape, dtype)


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many inputs of a weight feed each output, and how many outputs each input feeds.

    For a kernel (inputs, outputs) these are its sizes; in that of a convolution, (height, width,
    inputs, outputs), every pixel of the window counts.
    """
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


INITIALIZERS: dict[str, type[Initializer]] = {
    **by_name(
        Zeros,
        Ones,
        Constant,
        RandomNormal,
        TruncatedNormal,
        RandomUniform,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
    ),
    "zero": Zeros,
    "one": Ones,
    "normal": RandomNormal,
    "uniform": RandomUniform,
}

zeros = Zeros
ones = Ones
constant = Constant
random_normal = RandomNormal
truncated_normal = TruncatedNormal
random_uniform = RandomUniform
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
he_uniform = HeUniform
he_normal = HeNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal


def get(identifier: object) -> Initializer:
    """Return the initializer that a name, a config, a class or a function stands for."""
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, Initializer):
        return identifier
    found = InitializerFunction.of(identifier)
    if not isinstance(found, Initializer):
        found = InitializerFunction.of(resolve("initializer", identifier, INITIALIZERS))
    initializer: Initializer = found
    return initializer


serialize, deserialize = writer_and_reader(get)
__getattr__ = scope.refuses(__name__)
