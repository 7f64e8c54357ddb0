"""Large products are computed in halves: the same bits, whoever computes them."""

import multiprocessing
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinynet import Sequential, config, utils
from tinynet.kernels import products, team, threads
from tinynet.kernels.entries import Row
from tinynet.kernels.products import LARGE, halves
from tinynet.kernels.team import Team
from tinynet.kernels.threads import products_as_chosen
from tinynet.layers import BatchNormalization, Dense
from tinynet.step.compiled import Loop
from tinynet.step.tape import Line

rng = np.random.default_rng(0)
by_address = pytest.mark.skipif(
    team._address_of("gemm", "f") is None, reason="NumPy has no OpenBLAS with 64-bit sizes here"
)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a user has who has chosen nothing, on a machine with two processors."""
    config.use_kernels("numba")
    threads.set_products(1)
    monkeypatch.setattr(threads, "_chosen", False)
    monkeypatch.setattr(threads, "_workers", 2)
    monkeypatch.setattr(team, "WORTH", 0)
    team.the_team.cache_clear()
    yield
    team.the_team.cache_clear()


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    if out is None:
        out = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    products.product(a, b, out)
    return out


def matrices(rows: int, depth: int, columns: int, turned: str, floatx: str) -> list[np.ndarray]:
    """Return two factors, each stored by rows or, if its letter is in `turned`, by columns."""
    a, b = rng.normal(size=(rows, depth)), rng.normal(size=(depth, columns))
    layout = {name: "F" if name in turned else "C" for name in "ab"}
    return [np.array(x, floatx, order=layout[name]) for x, name in ((a, "a"), (b, "b"))]  # type: ignore[call-overload]


@by_address
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("turned", ["", "a", "b"])
def test_the_same_bits_whoever_computes_them(turned: str, floatx: str) -> None:
    two = team.the_team()

    @example(2, 5, 2)
    @example(1, 5, 300)
    @example(33, 5, 16)
    @example(2, 5, 32)
    @given(st.integers(2, 300), st.integers(2, 300), st.integers(2, 300))
    @settings(max_examples=25, deadline=None, derandomize=True)
    def for_sizes(rows: int, depth: int, columns: int) -> None:
        a, b = matrices(rows, -(-LARGE // (rows * columns)) + depth, columns, turned, floatx)
        expected = product(a, b)  # one half after the other: nobody may help outside fit
        scale = np.abs(a) @ np.abs(b)
        tolerance = 1e-12 if floatx == "float64" else 1e-4
        assert np.all(np.abs(expected - a.astype(float) @ b) <= tolerance * scale)
        with products_as_chosen():
            for left in (0, 2, 1):  # alone, and with the helper
                two.watch.left, two.watch.times_alone = left, team.deque([1.0])
                np.testing.assert_array_equal(product(a, b), expected)

    for_sizes()


@by_address
@pytest.mark.usefixtures("two_threads")
def test_without_the_helper_both_halves_are_taken_here() -> None:
    two = team.the_team()
    a, b = matrices(64, 256, 96, "", "float32")
    out = np.empty((64, 96), "f4")
    two.compiled.run_table(job_of(two, a, b, out).table, 1)
    assert two.helper is None
    np.testing.assert_array_equal(out, product(a, b))


@pytest.mark.parametrize(
    ("shape", "where"),
    [
        ((32, 784, 256), (1, 128)),
        ((784, 32, 256), (0, 384)),
        ((9, 4000, 47), (1, 16)),
        ((48, 4000, 49), (1, 32)),
        ((33, 9000, 2), (0, 16)),
        ((32, 512, 32), (1, 16)),
        ((32, 511, 32), (1, 0)),  # not large
        ((31, 9000, 31), (1, 0)),  # no two blocks of 16
        ((1024, 1, 1024), (1, 0)),
    ],
)
def test_where_a_product_is_cut(shape: tuple[int, int, int], where: tuple[int, int]) -> None:
    rows, depth, columns = shape
    a, b, out = np.zeros((rows, depth)), np.zeros((depth, columns)), np.zeros((rows, columns))
    axis, cut = where
    parts = [out.shape if cut == 0 else np.split(out, [cut], axis)[0].shape]
    assert [each.shape for *_, each in halves(a, b, out)][:1] == parts
    assert len(halves(a, b, out)) == (1 if cut == 0 else 2)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (0, 3, 4), (3, 0, 4), (2, 300_000, 1), (1, 2, 300_000)]
)
def test_sizes_at_the_edge(shape: tuple[int, int, int]) -> None:
    a, b = matrices(*shape, "", "float64")
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-9, atol=1e-9)


@by_address
@pytest.mark.usefixtures("two_threads")
def test_the_helper_computes_halves() -> None:
    two = team.the_team()
    a, b = matrices(64, 256, 96, "", "float32")
    out = np.empty((64, 96), "f4")
    job = hand_out(two, a, b, out)
    helper = threading.Thread(
        target=two.compiled.serve, args=(two.words, team._system("clock_gettime"))
    )
    helper.start()
    helper.join()  # when nothing has come for a while
    assert job.keep and two.words[two.compiled.DONE] == 2
    np.testing.assert_array_equal(out, product(a, b))


@by_address
@pytest.mark.usefixtures("two_threads")
def test_the_helper_sleeps_at_once_when_it_is_to_rest() -> None:
    two = team.the_team()
    a, b = matrices(64, 256, 96, "", "float32")
    out = np.empty((64, 96), "f4")
    job = hand_out(two, a, b, out)
    two.words[two.compiled.REST] = 1
    two.compiled.serve(two.words, team._system("clock_gettime"))
    assert job.keep and two.words[two.compiled.TURN] == 256


def job_of(two: Team, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Row:
    """Return the call of a product whose halves are shared."""
    gemm = team.address_of("gemm", a, b, out)
    rows = [two.compiled.product(gemm, *half) for half in halves(a, b, out)]
    found: Row = two.compiled.in_two(two.words, np.ones(1, "i8"), rows)
    return found


def hand_out(two: Team, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Row:
    """Let there be two halves of a product, which nobody else takes; return its call."""
    job = job_of(two, a, b, out)
    two.words[two.compiled.JOB] = job.table[0, 1]
    two.words[[two.compiled.TURN, two.compiled.DONE]] = 256, 0
    return job


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("turned", ["", "a", "b"])
@pytest.mark.parametrize("shape", [(1024, 1, 512), (1, 1024, 600), (600, 1024, 1)])
def test_an_axis_of_one(shape: tuple[int, int, int], turned: str) -> None:
    a, b = matrices(*shape, turned, "float32")
    with products_as_chosen():
        np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(product(b.T, a.T), (a @ b).T, rtol=1e-4, atol=1e-4)


@by_address
@pytest.mark.usefixtures("two_threads")
@given(
    sizes=st.tuples(st.integers(2, 70), st.integers(2, 40)),
    row=st.booleans(),
    turned=st.sampled_from(["", "a", "b", "ab"]),
    floatx=st.sampled_from(["float32", "float64"]),
)
def test_a_row_or_a_column_in_a_step(
    sizes: tuple[int, int], row: bool, turned: str, floatx: str
) -> None:
    """A step calls BLAS itself, and has to call the function that NumPy calls."""
    shape = (1, *sizes) if row else (*sizes, 1)
    a, b = matrices(*shape, turned, floatx)
    out = np.empty((shape[0], shape[2]), floatx)
    line = Line("", products.product, (a, b, out))
    loop = Loop()
    assert loop.add(line)
    np.testing.assert_array_equal(out, a @ b)
    a[...], b[...] = rng.normal(size=a.shape), rng.normal(size=b.shape)  # read where they are
    loop.run([line])
    np.testing.assert_array_equal(out, a @ b)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("shape", [(1, 5, 1), (1, 1, 5), (5, 1, 1), (5, 1, 5)])
def test_what_a_step_leaves_to_numpy(shape: tuple[int, int, int]) -> None:
    a, b = matrices(*shape, "", "float32")
    out = np.empty((shape[0], shape[2]), "f4")
    assert not Loop().add(Line("", products.product, (a, b, out)))


@pytest.mark.usefixtures("two_threads")
def test_shapes_that_do_not_fit() -> None:
    a, b = matrices(64, 256, 96, "", "float32")
    with products_as_chosen(), pytest.raises(ValueError, match="mismatch"):
        product(a[:, :200].copy(), b)
    with products_as_chosen(), pytest.raises(ValueError, match="mismatch"):
        product(a, b, np.empty((64, 128), "f4"))


@pytest.mark.usefixtures("two_threads")
def test_arrays_that_are_not_plain() -> None:
    wide_a, b = matrices(128, 512, 128, "", "float64")
    a = wide_a[:, ::2]
    b = b[::2]
    with products_as_chosen():
        np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-10, atol=1e-12)
        mixed = product(a.astype("f4"), b)
    assert mixed.dtype == "float64"
    np.testing.assert_allclose(mixed, a.astype("f4") @ b, rtol=1e-10, atol=1e-12)


def begun() -> Sequential:
    utils.set_random_seed(3)
    model = Sequential([Dense(96, activation="relu"), BatchNormalization(), Dense(10)])
    model.compile("adam", "mse")
    model.build((None, 200))
    return model


def train(model: Sequential) -> list[np.ndarray]:
    x = np.random.default_rng(1).normal(size=(512, 200)).astype("f4")
    model.fit(x, x[:, :10], batch_size=64, epochs=12, shuffle=False, verbose=0)
    return model.get_weights()


def same_bits(some: list[np.ndarray], others: list[np.ndarray]) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@by_address
@pytest.mark.usefixtures("two_threads")
def test_a_run_has_the_same_bits_in_one_thread_and_in_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = train(begun())
    assert team.the_team().helper is not None
    monkeypatch.setattr(threads, "_workers", 1)
    same_bits(together, train(begun()))


@pytest.mark.usefixtures("two_threads")
def test_two_models_at_once() -> None:
    expected, models = train(begun()), [begun(), begun()]
    found: list[list[np.ndarray]] = []
    users = [threading.Thread(target=lambda m=m: found.append(train(m))) for m in models]  # type: ignore[misc]
    for each in users:
        each.start()
    for each in users:
        each.join()
    assert len(found) == 2
    for weights in found:
        same_bits(weights, expected)


# Whether the helper helps: with a watch that is set by hand.


class Watched(Team):
    """A team whose products take the time that is written down here, in seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now, self.alone, self.together = 0.0, 10e-6, 6e-6
        self.used: list[bool] = []
        monkeypatch.setattr(team.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(self, "call_helper", lambda: None)

    def spend(self, helped: bool) -> None:
        self.used.append(helped)
        self.now += self.together if helped else self.alone

    def share(self, number: int) -> float:
        """Make some products, and return in how many of them the helper took part."""
        for _ in range(number):
            assert self.run(self.spend, 1000, self.watch)
        return float(np.mean(self.used[-number:]))


@by_address
def test_a_helper_that_helps_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.share(1000)
    assert 0.95 < watched.share(20_000) < 1  # the time alone is taken again now and then


@by_address
@pytest.mark.parametrize("together", [11e-6, 40e-6, 4e-3])
def test_a_helper_that_costs_time_rests(together: float, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.together = together
    assert watched.share(50_000) < 0.4
    assert watched.now < 50_000 * watched.alone * (1 + team.ALLOWED) + 2 * together


@by_address
def test_the_time_of_compiling_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.alone = watched.together = 5.0
    watched.share(1)
    watched.alone, watched.together = 10e-6, 5.0
    while not watched.share(1):  # until the helper is called for the first time
        assert len(watched.used) < 1000
    watched.together = 6e-6
    assert watched.share(1000) == 1


@by_address
def test_a_program_that_was_stopped_forgets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.share(1000)
    watched.together = 60.0
    watched.share(1)
    watched.together = 6e-6
    watched.share(round(team.DEBT / team.ALLOWED / watched.alone) + 1)
    assert watched.share(1000) > 0.9


@by_address
def test_the_machine_becomes_busy_and_idle_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.share(5000)
    watched.together = 4e-3  # a wait for the other thread
    before = watched.now
    assert watched.share(10_000) < 0.01
    lost = watched.now - before - 10_000 * watched.alone
    assert lost < team.SAVINGS + 3 * watched.together
    watched.together = 6e-6
    watched.share(100_000)
    assert watched.share(10_000) > 0.95


@by_address
def test_nobody_helps_where_somebody_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_workers", 2)
    monkeypatch.setattr(threads, "_chosen", False)
    assert not threads.may_help()  # outside fit
    with products_as_chosen():
        assert threads.may_help()
        monkeypatch.setattr(threads, "_workers", 1)
        assert not threads.may_help()
        monkeypatch.setattr(threads, "_workers", 2)
        monkeypatch.setattr(threads, "_chosen", True)
        assert not threads.may_help()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_child_has_a_helper_of_its_own() -> None:
    expected = train(begun())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=lambda: queue.put(train(begun())))
    child.start()
    same_bits(queue.get(timeout=60), expected)
    child.join()


@by_address
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
def test_a_call_of_a_product(turned: str, floatx: str) -> None:
    from tinynet.kernels import halves as calls

    a, b = matrices(5, 7, 6, turned, floatx)
    out = np.full((5, 6), np.nan, floatx)
    gemm = team.address_of("gemm", a, b, out)
    assert gemm is not None
    calls.run_table(calls.product(gemm, a, b, out).table, 1)
    np.testing.assert_allclose(out, a @ b, rtol=1e-4 if floatx == "float32" else 1e-12, atol=1e-5)
    several, outs = np.stack([a, -a]), np.full((2, 5, 6), np.nan, floatx)
    calls.run_table(calls.product(gemm, several, np.stack([b, b]), outs).table, 1)
    np.testing.assert_allclose(outs, [a @ b, -a @ b], rtol=1e-4, atol=1e-5)
    vector, found = b[:, 0].copy(), np.full(5, np.nan, floatx)
    gemv = team.address_of("gemv", a, b[:, :1].copy(), found.reshape(5, 1))
    assert gemv is not None
    calls.run_table(calls.product_with_vector(gemv, a, vector, found).table, 1)
    np.testing.assert_allclose(found, a @ vector, rtol=1e-4, atol=1e-5)


@by_address
@pytest.mark.parametrize("wanted", [False, True])
def test_the_helper_rests_where_it_is_not_wanted(wanted: bool) -> None:
    two = Team()
    watch = team.Watch()
    watch.wants_help = lambda: wanted  # type: ignore[method-assign]
    seen: list[tuple[bool, bool]] = []
    assert two.run(lambda helped: seen.append((helped, bool(two.words[16]))), 1, watch)
    assert seen == [(wanted, not wanted)]


def test_where_blas_is_known_its_products_have_addresses() -> None:
    there = hasattr(threads.blas(), "scipy_cblas_sgemm64_")
    assert team.can_share() == there
    assert (team._address_of("gemm", "d") is not None) == there
    assert team._address_of("gemm", "e") is None


@pytest.mark.parametrize("dtype", ["float16", "int64"])
def test_types_that_blas_does_not_know_are_left_to_numpy(dtype: str) -> None:
    a, b, out = (np.ones((3, 3), dtype) for _ in range(3))
    assert Loop().row(Line("", products.product, (a, b, out))) is None
    many = tuple(np.ones((2, 3, 3), dtype) for _ in range(3))
    assert Loop().row(Line("", products.batched_product, many)) is None


def test_many_products_with_a_single_column_are_left_to_numpy() -> None:
    a, b, out = np.ones((2, 3, 4)), np.ones((2, 4, 1)), np.ones((2, 3, 1))
    assert Loop().row(Line("", products.batched_product, (a, b, out))) is None
