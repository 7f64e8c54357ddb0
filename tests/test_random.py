"""Random numbers: the published Philox vectors, Keras's draws to the bit, orders and seeds."""

import copy
import random as python_random
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinynet import config, random
from tinynet.kernels import random_bits
from tinynet.random import SeedGenerator, epoch_order, new_order, set_random_seed

SEEDS = st.integers(0, 2**32 - 1)
ONES = 0xFFFFFFFF


def philox_block(key: tuple[int, ...], counter: tuple[int, ...], block: int = 0) -> list[int]:
    words = np.empty((1, 1, 4), np.uint32)
    first = np.array([block], np.uint64)
    random_bits.philox(np.array(key, np.uint64), np.array(counter, np.uint64), first, words)
    return words[0, 0].tolist()


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),  # the digits of pi
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_vectors(
    kernel_form: str, counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """philox4x32 10 in the file kat_vectors of Random123, the authors' own implementation."""
    assert philox_block(key, counter) == list(expected)


@pytest.mark.parametrize(
    ("counter", "next_counter"),
    [
        ((0, 0, 0, 0), (1, 0, 0, 0)),
        ((ONES, 0, 0, 0), (0, 1, 0, 0)),
        ((ONES, ONES, 0, 0), (0, 0, 1, 0)),
        ((ONES, ONES, ONES, 0), (0, 0, 0, 1)),
        ((ONES, ONES, ONES, ONES), (0, 0, 0, 0)),
    ],
)
def test_the_next_block_is_the_next_counter_with_its_carry(
    kernel_form: str, counter: tuple[int, ...], next_counter: tuple[int, ...]
) -> None:
    assert philox_block((3, 5), counter, block=1) == philox_block((3, 5), next_counter)


def test_blocks_of_a_run_are_consecutive(kernel_form: str) -> None:
    words = np.empty((2, 3, 4), np.uint32)
    key, counter = np.array([3, 5], np.uint64), np.array([ONES - 1, ONES, 7, 0], np.uint64)
    random_bits.philox(key, counter, np.array([0, 256], np.uint64), words)
    for group, first in enumerate((0, 256)):
        for block in range(3):
            expected = philox_block((3, 5), (ONES - 1, ONES, 7, 0), first + block)
            assert words[group, block].tolist() == expected


def test_box_muller_takes_no_logarithm_of_0(kernel_form: str) -> None:
    z = np.empty(4)
    random_bits.box_muller(np.array([0.0, 0.0, 0.5, 0.25]), z)
    expected = [0, np.sqrt(-2 * np.log(1e-7)), np.sqrt(2 * np.log(2)), 0]
    np.testing.assert_allclose(z, expected, rtol=1e-12, atol=1e-15)


# What keras.random.uniform((5,), -2, 3), normal((5,), 1, 2) and truncated_normal((5,)) return
# with dtype=... and seed=1234 in Keras 3.15.1 with TensorFlow 2.21.0 on a CPU.
KERAS_DRAWS = {
    ("uniform", "float32"): [1.7083573, 2.8588276, -0.9836949, 1.9298816, 0.099264145],
    ("normal", "float32"): [0.7271338, 2.5219512, -2.479346, 1.8001661, 3.5594532],
    ("truncated_normal", "float32"): [
        -0.1364331,
        0.7609756,
        -1.739673,
        0.4000831,
        -0.758338,
    ],
    ("uniform", "float64"): [
        2.6668580171816565,
        1.130442349109578,
        -0.2058835754933146,
        1.741759238651905,
        2.1425884628400054,
    ],
    ("normal", "float64"): [
        0.47124685971971925,
        0.47843019085638305,
        -1.8633062649356562,
        0.9703475535965321,
        -0.10541695055034639,
    ],
    ("truncated_normal", "float64"): [
        -0.2643765701401404,
        -0.2607849045718085,
        -0.4048823327914536,
        -0.037167937374227786,
        -1.339643803942112,
    ],
}
LIMITS = {"uniform": (-2.0, 3.0), "normal": (1.0, 2.0), "truncated_normal": (0.0, 1.0)}


@pytest.mark.parametrize(("name", "dtype"), KERAS_DRAWS)
def test_draws_are_those_of_keras(kernel_form: str, name: str, dtype: str) -> None:
    drawn = getattr(random, name)((5,), *LIMITS[name], dtype=dtype, seed=1234)
    assert drawn.dtype == dtype
    expected = np.array(KERAS_DRAWS[name, dtype], dtype)
    # Uniform numbers to the bit. Normal ones up to the last place of the C library's log, sin
    # and cos, which glibc shares with TensorFlow and others may not.
    steps = 0 if name == "uniform" else 4
    np.testing.assert_array_max_ulp(drawn, expected, steps)


@pytest.mark.parametrize(
    ("seed", "first"),
    [(-1, 0.23369074), (0, 0.21101546), (2**31 - 2, 0.21101546), (2**32 - 1, 0.19591284)],
)
def test_seeds_outside_32_bits_wrap_around_as_in_keras(seed: int, first: float) -> None:
    assert random.uniform((1,), seed=seed)[0] == np.float32(first)


def test_a_seed_generator_draws_as_in_keras() -> None:
    """As two calls of keras.random.uniform((3,), seed=keras.random.SeedGenerator(7))."""
    seed = SeedGenerator(7)
    first, second = random.uniform((3,), seed=seed), random.uniform((3,), seed=seed)
    np.testing.assert_array_equal(first, np.float32([0.7470788, 0.6721802, 0.05777955]))
    np.testing.assert_array_equal(second, np.float32([0.04012072, 0.54234695, 0.4399823]))
    assert list(seed.state) == [7, 2]


@pytest.mark.parametrize("seed", [2**63, -(2**70), 10**30])
def test_a_seed_that_no_array_holds(seed: int) -> None:
    small = seed % (2**31 - 2)
    drawn = random.uniform((3,), seed=SeedGenerator(seed))
    np.testing.assert_array_equal(drawn, random.uniform((3,), seed=SeedGenerator(small)))


def test_a_generator_of_ones_own_and_a_copy_of_one() -> None:
    class Fixed(SeedGenerator):
        def next(self) -> tuple[int, int]:
            return 7, 1

    seed = SeedGenerator(7)
    random.uniform((3,), seed=seed)
    twin = copy.copy(seed)
    second = random.uniform((3,), seed=seed)
    np.testing.assert_array_equal(random.uniform((3,), seed=Fixed(3)), second)
    np.testing.assert_array_equal(random.uniform((3,), seed=twin), second)


def test_draws_without_a_seed_are_those_of_keras() -> None:
    """As three calls of keras.random.uniform((2,)) after keras.utils.set_random_seed(5)."""
    set_random_seed(5)
    drawn = [random.uniform((2,)) for _ in range(3)]
    expected = [[0.7411314, 0.71066844], [0.30555117, 0.44224882], [0.8798927, 0.30777192]]
    np.testing.assert_array_equal(drawn, np.float32(expected))
    set_random_seed(5)
    np.testing.assert_array_equal(random.uniform((2,)), drawn[0])


def test_default_seeds_after_seed_0() -> None:
    set_random_seed(0)
    assert [random.make_default_seed() for _ in range(2)] == [906691060, 413654000]
    set_random_seed(0)
    assert SeedGenerator().state.tolist() == [906691060, 0]


# The order in which Keras's fit(batch_size=10) shows np.arange(10) after set_random_seed; it is
# the same in the second epoch. 2**31 - 1 acts as 0, and what lies above as what is left over.
KERAS_ORDERS = {
    0: [2, 0, 5, 8, 7, 1, 9, 6, 3, 4],
    1: [2, 4, 0, 8, 9, 1, 5, 6, 3, 7],
    42: [3, 8, 7, 5, 2, 0, 1, 6, 9, 4],
    2**31 - 1: [2, 0, 5, 8, 7, 1, 9, 6, 3, 4],
    2**31: [2, 4, 0, 8, 9, 1, 5, 6, 3, 7],
    2**32 - 1: [2, 4, 0, 8, 9, 1, 5, 6, 3, 7],
}


@pytest.mark.parametrize("seed", KERAS_ORDERS)
def test_the_order_of_an_epoch_is_that_of_keras_in_every_epoch(kernel_form: str, seed: int) -> None:
    set_random_seed(seed)
    assert epoch_order(10).tolist() == KERAS_ORDERS[seed]
    random.uniform((3,))  # other draws have no part in it
    assert epoch_order(10).tolist() == KERAS_ORDERS[seed]


def test_without_a_global_seed_every_epoch_has_a_new_order() -> None:
    python_random.seed(3)
    orders = {tuple(epoch_order(20)) for _ in range(5)}
    assert len(orders) == 5


def test_new_order_differs_from_call_to_call_and_repeats_with_the_seed() -> None:
    def orders() -> list[list[int]]:
        seed = SeedGenerator(11)
        return [new_order(20, seed).tolist() for _ in range(5)]

    once = orders()
    assert len({tuple(order) for order in once}) == 5
    assert orders() == once


@given(n=st.integers(0, 200), seed=SEEDS)
def test_an_order_holds_every_sample_once(n: int, seed: int) -> None:
    set_random_seed(seed)
    for order in (epoch_order(n), new_order(n, SeedGenerator(seed))):
        assert sorted(order.tolist()) == list(range(n))


def test_every_sample_comes_to_every_place_about_equally_often() -> None:
    seed, n, rounds = SeedGenerator(0), 5, 4000
    counts = np.zeros((n, n))
    for _ in range(rounds):
        counts[np.arange(n), new_order(n, seed)] += 1
    # each count is binomial with standard deviation 25.3
    assert np.abs(counts - rounds / n).max() < 5 * 25.3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(shape=array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6), seed=SEEDS)
def test_shapes_types_and_ranges(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    u = random.uniform(shape, -2, 3, dtype, seed)
    assert u.shape == shape and u.dtype == dtype
    assert np.all((u >= -2) & (u < 3))
    z = random.normal(shape, dtype=dtype, seed=seed)
    assert z.shape == shape and z.dtype == dtype
    assert np.all(np.abs(z) <= np.sqrt(-2 * np.log(1e-7)) + 1e-6)  # Box-Muller's longest radius
    t = random.truncated_normal(shape, 1, 0.5, dtype, seed)
    assert t.shape == shape and t.dtype == dtype
    assert np.all((t >= 0) & (t <= 2))


@given(n=st.integers(1, 40), more=st.integers(0, 40), seed=SEEDS)
def test_a_longer_draw_continues_a_shorter_one(n: int, more: int, seed: int) -> None:
    for draw in (random.uniform, random.normal, random.truncated_normal):
        for dtype in ("float32", "float64"):
            short = draw((n,), dtype=dtype, seed=seed)
            np.testing.assert_array_equal(draw((n + more,), dtype=dtype, seed=seed)[:n], short)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(kernel_form: str, dtype: str) -> None:
    """Mean and variance of 200,000 draws, within five standard errors."""
    n = 200_000
    u = random.uniform((n,), dtype=dtype, seed=1).astype(float)
    assert abs(u.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
    z = random.normal((n,), dtype=dtype, seed=1).astype(float)
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs(np.mean(z[::2] * z[1::2])) < 5 * np.sqrt(2 / n)  # sine and cosine of a pair
    t = random.truncated_normal((n,), dtype=dtype, seed=1).astype(float)
    assert abs(t.mean()) < 5 / np.sqrt(n)
    # phi(2)/(Phi(2) - Phi(-2)) = 0.0565653 and so the variance is 1 - 4*0.0565653
    assert abs(t.var() - 0.7737413) < 5 * np.sqrt(0.8 / n)


def test_the_default_type_is_floatx(float64: None) -> None:
    for draw in (random.uniform, random.normal, random.truncated_normal):
        assert draw((2,), seed=0).dtype == "float64"
    config.set_floatx("float32")
    for draw in (random.uniform, random.normal, random.truncated_normal):
        assert draw((2,), seed=0).dtype == "float32"


def test_limits_are_rounded_through_float32_and_the_deviation_is_not() -> None:
    """TensorFlow makes tensors of Python numbers that way, also for float64 draws."""
    u = random.uniform((3,), dtype="float64", seed=0)
    low, high = float(np.float32(-0.1)), float(np.float32(0.7))
    drawn = random.uniform((3,), -0.1, 0.7, "float64", seed=0)
    np.testing.assert_array_equal(drawn, u * (high - low) + low)
    z = random.normal((3,), dtype="float64", seed=0)
    drawn = random.normal((3,), 0.3, 0.7, "float64", seed=0)
    np.testing.assert_array_equal(drawn, z * 0.7 + 0.3)


def test_set_random_seed_seeds_python_and_numpy_too() -> None:
    set_random_seed(9)
    python_value, numpy_value = python_random.random(), np.random.random()
    python_random.seed(9)
    np.random.seed(9)
    assert python_random.random() == python_value
    assert np.random.random() == numpy_value
    assert random.get_random_seed() == 9


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None])
def test_bad_global_seeds_change_nothing(seed: object) -> None:
    set_random_seed(3)
    state = python_random.getstate()
    with pytest.raises(ValueError, match=r"seed: expected an integer from 0 to 2\*\*32 - 1"):
        set_random_seed(seed)
    assert random.get_random_seed() == 3
    assert python_random.getstate() == state


def test_bad_seeds() -> None:
    with pytest.raises(ValueError, match=r"seed: expected an integer, got 1\.5"):
        SeedGenerator(1.5)
    with pytest.raises(ValueError, match="seed: expected an integer, got"):
        random.uniform((2,), seed="1")


def disturb_and_fail() -> None:
    random.uniform((2,))
    set_random_seed(4)
    python_random.random()
    np.random.random()
    set_random_seed(-1)


def test_what_happens_inside_leaves_no_trace() -> None:
    set_random_seed(3)
    random.uniform((2,))  # makes the global generator
    before = python_random.getstate(), np.random.get_state(), random.get_random_seed()
    later = random.uniform((2,))
    set_random_seed(3)
    random.uniform((2,))
    with pytest.raises(ValueError, match="seed: expected"), random.untouched():
        disturb_and_fail()
    after = python_random.getstate(), np.random.get_state(), random.get_random_seed()
    np.testing.assert_equal(after, before)
    np.testing.assert_array_equal(random.uniform((2,)), later)


def test_one_thread_goes_in_at_a_time() -> None:
    entered = threading.Event()

    def other() -> None:
        with random.untouched():
            entered.set()

    thread = threading.Thread(target=other)
    with random.untouched():
        thread.start()
        assert not entered.wait(0.1)
    thread.join()
    assert entered.is_set()


def test_draws_of_another_thread_do_not_change_the_seeds_inside() -> None:
    def seeds(disturbed: bool) -> list[int]:
        with random.untouched():
            set_random_seed(3)
            found = []
            for _ in range(3):
                if disturbed:
                    thread = threading.Thread(target=python_random.random)
                    thread.start()
                    thread.join()
                found.append(SeedGenerator().state.tolist()[0])
            return found

    set_random_seed(3)
    as_outside = [SeedGenerator().state.tolist()[0] for _ in range(3)]
    before = python_random.getstate()
    assert seeds(disturbed=True) == seeds(disturbed=False) == as_outside
    assert python_random.getstate() == before
    with random.untouched(), random.untouched():
        assert len({*as_outside, SeedGenerator().state.tolist()[0]}) == 4  # goes on from there


def test_a_bad_type() -> None:
    for draw in (random.uniform, random.normal, random.truncated_normal):
        with pytest.raises(ValueError, match="expected 'float32' or 'float64', got 'float16'"):
            draw((2,), dtype="float16", seed=0)


def test_a_seed_generator_can_be_written_and_made_again() -> None:
    seed = SeedGenerator(5)
    seed.next()
    assert SeedGenerator.from_config(seed.get_config()).state.tolist() == [5, 0]
