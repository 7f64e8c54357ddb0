"""Random numbers: the same bits that Keras on TensorFlow draws from the same integer seed.

Every draw is stateless: a pair of integers (a seed) determines all of its numbers. What changes
from draw to draw is the pair, and a `SeedGenerator` is where that happens.
"""

from __future__ import annotations

import itertools
import math
import random as python_random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinynet import config, scope
from tinynet.arrays import Array
from tinynet.checks import integer, plain
from tinynet.configurable import Configurable
from tinynet.kernels import random_bits
from tinynet.kernels.random_bits import INT32_MAX
from tinynet.step.tape import call

SeedPair = tuple[int, int]

FROM_THE_START = np.zeros(1, np.uint64)  # the first block of a stream
MASK32 = 0xFFFFFFFF
UNSEEDED = 87654321  # TensorFlow's global seed where only an operation has one
# TensorFlow gives every group of values in a truncated normal draw its own stretch of words.
TRUNCATED_STRETCH = {"float32": 256, "float64": 128}

_global_seed: int | None = None
_global_generator: SeedGenerator | None = None
# Where shuffles without a seed of their own draw one, as TensorFlow's operations do.
_operation_seeds: python_random.Random | None = None
_one_thread = threading.RLock()
_own = threading.local()  # python: a generator in place of Python's, inside of `untouched`


class SeedGenerator(Configurable):
    """A sequence of seed pairs: (seed, 0), (seed, 1), (seed, 2), ...

    Parameters
    ----------
    seed : int, optional
        By default one is drawn from Python's `random`, which `set_random_seed` seeds. A model
        whose layers are made in the same order therefore gets the same seeds again.

    Attributes
    ----------
    state : ndarray of two int64
        The pair that the next draw will use. Setting it writes into the array.

    Notes
    -----
    Follows keras/src/random/seed_generator.py.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = plain_seed(seed)
        first = make_default_seed() if self.seed is None else self.seed
        if not -(2**63) <= first < 2**63:
            first %= INT32_MAX - 1  # as every draw does with it
        self._state = np.array([first, 0], np.int64)

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_state": self._state.copy()}  # a copy draws on its own

    @property
    def state(self) -> Array:
        """The pair that the next draw will use."""
        return self._state

    @state.setter
    def state(self, pair: Sequence[int]) -> None:
        self._state[...] = pair

    def next(self) -> SeedPair:
        """Return the pair for one draw and advance."""
        first, draws = self.state.tolist()
        self.state[1] += 1
        return first, draws

    def next_unordered(self) -> SeedPair:
        """Return the pair for one draw and scramble both numbers, as the global generator does."""
        first, second = self.state.tolist()
        self.state = [(s + 1) * 5387 % 933199 for s in (first, second)]
        return first, second


def plain_seed(seed: object) -> int | None:
    """Return a seed as a plain integer, or None.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    return None if seed is None else integer("seed", seed, least=None)


def make_default_seed() -> int:
    """Draw a seed between 1 and 10^9 from Python's `random`."""
    found: int = _pythons().randint(1, 10**9)
    return found


def _pythons() -> Any:
    """Return Python's generator, or what stands in its place inside of `untouched`."""
    return getattr(_own, "python", python_random)


def set_random_seed(seed: int) -> None:
    """Make everything random that follows repeatable: the same script gives the same run.

    Seeds Python's `random` (from which layers without a seed draw theirs), NumPy's legacy
    generator, and the order in which ``fit(shuffle=True)`` goes through the data. That order
    is then the same in every epoch, as it is in Keras on TensorFlow.

    Parameters
    ----------
    seed : int
        From 0 to 2^32 - 1.

    Raises
    ------
    ValueError
        If `seed` is not an integer in that range.
    """
    global _global_generator
    seed = plain(seed)
    if type(seed) is not int or not 0 <= seed <= MASK32:
        raise ValueError(f"seed: expected an integer from 0 to 2**32 - 1, got {seed!r}")
    set_order_seed(seed)
    _global_generator = None
    python_random.seed(seed)
    _pythons().seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (Keras promises to seed this generator too)


def set_order_seed(seed: int) -> None:
    """Seed only the order in which `fit` goes through the data, and that of shuffled data sets.

    It is what ``tf.random.set_seed`` does to a Keras script.

    Parameters
    ----------
    seed : int
    """
    global _global_seed, _operation_seeds
    _global_seed = integer("seed", seed, least=None)
    _operation_seeds = python_random.Random(_global_seed)


@contextmanager
def untouched() -> Iterator[None]:
    """Restore everything that `set_random_seed` sets, at the end of a ``with`` block.

    Inside, seeds may be set and numbers drawn with no effect outside. Only one thread may be inside
    at a time, because a process has only one such state. Threads of other libraries may draw from
    Python's generator meanwhile, such as those in which Dask waits for a connection, so seeds come
    from one of the same state that only this thread has.
    """
    global _global_generator
    with _one_thread:
        generator, state, before = _global_generator, global_state(), _pythons()
        _own.python = python_random.Random()
        _own.python.setstate(_tuple_of(state["python"]))
        try:
            yield
        finally:
            _own.python = before
            _global_generator = generator
            set_global_state(state)


def global_state() -> dict[str, Any]:
    """Return everything that `set_random_seed` sets, as plain values and arrays."""
    generator, operations = _global_generator, _operation_seeds
    return {
        "seed": _global_seed,
        "generator": None if generator is None else generator.state.copy(),
        "operations": None if operations is None else _state_of(operations.getstate()),
        "python": _state_of(_pythons().getstate()),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
    }


def set_global_state(state: dict[str, Any]) -> None:
    """Restore what `global_state` has returned."""
    global _global_seed, _global_generator, _operation_seeds
    _global_seed = state["seed"]
    if state["generator"] is None:
        _global_generator = None
    else:
        _global_generator = _global_generator or SeedGenerator(0)
        _global_generator.state = state["generator"]
    _operation_seeds = None
    if state["operations"] is not None:
        _operation_seeds = python_random.Random()
        _operation_seeds.setstate(_tuple_of(state["operations"]))
    for each in (python_random, _pythons()):
        each.setstate(_tuple_of(state["python"]))
    np.random.set_state(state["numpy"])  # noqa: NPY002


def _state_of(state: tuple[Any, ...]) -> list[Any]:
    """Return the state of one of Python's generators with its 625 numbers as an array."""
    version, numbers, gauss = state
    return [version, np.array(numbers, np.uint32), gauss]


def _tuple_of(state: list[Any]) -> tuple[Any, ...]:
    version, numbers, gauss = state
    return version, tuple(numbers.tolist()), gauss


def get_random_seed() -> int | None:
    """Return the seed given to `set_random_seed`, or None."""
    return _global_seed


def forget_global_state() -> None:
    """Drop the global seed generator; part of ``clear_session``."""
    global _global_generator
    _global_generator = None


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: str | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draw u*(maxval - minval) + minval, u uniform in [0, 1).

    Parameters
    ----------
    shape : sequence of int
    minval, maxval : float
        Rounded to float32 first.
    dtype : {"float32", "float64"}, optional
        By default `tinynet.config.floatx()`.
    seed : int or SeedGenerator, optional
        By default the global generator, which `set_random_seed` resets.

    Returns
    -------
    ndarray of shape `shape`

    Notes
    -----
    Follows keras/src/backend/tensorflow/random.py.
    """
    dtype = config.float_type(dtype or config.floatx())
    u = _unit(shape, dtype, _pair(seed))
    if (minval, maxval) != (0, 1):
        low, high = (u.dtype.type(np.float32(limit)) for limit in (minval, maxval))
        u *= high - low
        u += low
    return u


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draw z*stddev + mean, z normal with mean 0 and variance 1 (Box-Muller).

    Parameters and result as for `uniform`.
    """
    dtype = config.float_type(dtype or config.floatx())
    n = math.prod(shape)
    z = np.empty(n + n % 2, dtype)
    random_bits.box_muller(_unit((z.size,), dtype, _pair(seed)), z)
    return _scale(z[:n], mean, stddev).reshape(shape)


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draw z*stddev + mean, z normal but drawn again beyond two standard deviations.

    Parameters and result as for `uniform`.
    """
    dtype = config.float_type(dtype or config.floatx())
    n = math.prod(shape)
    size = 4 if dtype == "float32" else 2  # values per group
    groups = -(-n // size)
    pair = _pair(seed)
    out = np.empty((groups, size), dtype)
    missing = np.arange(groups)
    blocks = 4  # enough for almost every group; doubled for the others
    while missing.size:
        first = missing.astype(np.uint64) * np.uint64(TRUNCATED_STRETCH[dtype])
        u = _unit_from(first, blocks, dtype, pair)
        z = np.empty_like(u)
        random_bits.box_muller(u, z)
        z = z.reshape(missing.size, -1)
        kept = np.abs(z) < 2
        enough = kept.sum(axis=1) >= size
        # the first `size` kept values of every row, in their order
        columns = np.argsort(~kept[enough], axis=1, kind="stable")[:, :size]
        out[missing[enough]] = np.take_along_axis(z[enough], columns, axis=1)
        missing = missing[~enough]
        blocks *= 2
    return _scale(out.reshape(-1)[:n], mean, stddev).reshape(shape)


def epoch_order(n: int) -> Array:
    """Return the order in which `fit` goes through n samples after `set_random_seed`.

    The stream is restarted every time, so every call gives the same order, as every epoch does
    in Keras on TensorFlow (tensorflow issues 35682 and 44195). Without a global seed every
    call gives a new order.
    """
    return order_of(n, epoch_pair())


def epoch_pair() -> SeedPair:
    """Return the pair of seeds that the next `epoch_order` follows from."""
    return (make_default_seed() if _global_seed is None else _global_seed), 0


def new_order(n: int, seed: SeedGenerator) -> Array:
    """Return a new order of n samples for every call with the same generator."""
    return order_of(n, seed.next())


def shuffle_seeds(seed: int | None) -> tuple[int, int]:
    """Return the pair of seeds of a shuffle in `tf.data`, as TensorFlow derives it.

    It is made of the global seed and the shuffle's own. Without the first TensorFlow has a fixed
    number in its place, without the second it draws one; without both, the pair is drawn.
    """
    if _operation_seeds is None or _global_seed is None:
        if seed is None:
            return make_default_seed(), make_default_seed()
        return UNSEEDED, seed % INT32_MAX
    own = _operation_seeds.randint(0, INT32_MAX) if seed is None else seed
    pair = _global_seed % INT32_MAX, own % INT32_MAX
    return pair if any(pair) else (0, INT32_MAX)


def words(seed: int, position: int) -> Iterator[int]:
    """Yield the words of Philox, 32 bits each, keyed by the seed itself, unscrambled."""
    key = np.array(_halves(seed), np.uint64)
    counter = np.array((0, 0, *_halves(position)), np.uint64)
    block = np.empty((1, 64, 4), np.uint32)
    for first in itertools.count(step=block.shape[1]):
        random_bits.philox(key, counter, np.array([first], np.uint64), block)
        yield from block.reshape(-1).tolist()


def order_of(n: int, pair: SeedPair) -> Array:
    """Shuffle 0 .. n-1 with Philox keyed by the first seed of a pair itself, unscrambled."""
    seed, op_seed = pair
    seed %= INT32_MAX
    if seed == 0 and op_seed == 0:
        op_seed = INT32_MAX  # TensorFlow takes (0, 0) to mean "not seeded" and avoids it
    order = np.arange(n)
    if n > 1:
        words = np.empty((1, -(-(n - 1) // 4), 4), np.uint32)
        key = np.array(_halves(seed), np.uint64)
        counter = np.array((0, 0, *_halves(op_seed)), np.uint64)
        random_bits.philox(key, counter, FROM_THE_START, words)
        random_bits.shuffle(words.reshape(-1), order)
    return order


def _pair(seed: int | SeedGenerator | None) -> Array:
    """Return the pair for the next draw, (2,), as the kernels take it."""
    if type(seed) is SeedGenerator:
        pair = np.empty(2, np.int64)
        random_bits.next_pair(seed.state, pair)
        return pair
    found: Array = call(_pair_of, seed)
    return found


def _pair_of(seed: int | SeedGenerator | None) -> Array:
    """Return the pair of a plain seed, or the next one of a generator of the user's or of all."""
    global _global_generator
    if isinstance(seed, SeedGenerator):
        pair = seed.next()
    elif seed is not None:
        pair = integer("seed", seed, least=None), 0
    else:
        if _global_generator is None:
            _global_generator = SeedGenerator()
        pair = _global_generator.next_unordered()
    return np.array([each % (INT32_MAX - 1) for each in pair], np.int64)


def _halves(value: int) -> tuple[int, int]:
    """Split a 64-bit number into its low and high 32 bits."""
    return value & MASK32, (value >> 32) & MASK32


def _unit(shape: Sequence[int], dtype: str, pair: Array) -> Array:
    """Draw uniform numbers in [0, 1), filled in row-major order.

    They are drawn as two groups, because two threads can take one each.
    """
    n = math.prod(shape)
    blocks = -(-n // (8 if dtype == "float32" else 4))
    return _unit_from(np.array([0, blocks], np.uint64), blocks, dtype, pair)[:n].reshape(shape)


def _unit_from(first_blocks: Array, blocks: int, dtype: str, pair: Array) -> Array:
    """Draw the uniform numbers of some blocks starting at each of the first ones, flat."""
    if dtype == "float32":
        out = np.empty((first_blocks.size, blocks, 4), np.float32)
        random_bits.uniform_float32(pair, first_blocks, out)
    else:
        out = np.empty((first_blocks.size, blocks, 2), np.float64)
        random_bits.uniform_float64(pair, first_blocks, out)
    return out.reshape(-1)


def _scale(z: Array, mean: float, stddev: float) -> Array:
    number = z.dtype.type
    scaled: Array = z * number(stddev) + number(mean)
    return scaled


__getattr__ = scope.refuses(__name__)
