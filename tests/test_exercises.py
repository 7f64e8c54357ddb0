"""Exercises: right answers pass, wrong ones are found out, and told why."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet import exercises
from tinynet.exercises import EXERCISES, Exercise, check

Function = Callable[..., Any]

DOCS = Path(__file__).parents[1] / "docs"
MISTAKES = [(name, cause) for name, each in EXERCISES.items() for cause in each.mistakes]
SINGLE = [name for name, each in EXERCISES.items() if "," not in each.returns]


def cases_of(name: str, seed: int = 0) -> list[tuple[Any, ...]]:
    """Return the arguments of all calls of a check."""
    cases = list(EXERCISES[name].cases(np.random.default_rng(seed)))
    return [*cases, cases[0]]


def changed(name: str, change: Function) -> Function:
    """Return a function whose answers are the right ones, changed."""
    return lambda *case: change(EXERCISES[name].answer(*case))


# Right answers.


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_passes(name: str, kernel_form: str) -> None:
    for seed in (0, 1):
        result = check(name, EXERCISES[name].answer, seed)
        assert result.passed and result, result
        assert repr(result) == f"{name}: passed, {len(cases_of(name))} cases"
        assert (result.cause, result.arguments, result.index, result.error) == (
            None,
            {},
            None,
            None,
        )


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def batch_norm_dx(dout: np.ndarray, x: np.ndarray, gamma: np.ndarray, epsilon: float) -> np.ndarray:
    scale = 1 / np.sqrt(x.var(axis=0) + epsilon)
    x_hat = (x - x.mean(axis=0)) * scale
    along = x_hat * (dout * x_hat).mean(axis=0)
    return gamma * scale * (dout - dout.mean(axis=0) - along)


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape)
    return np.einsum("abij,ij->ab", windows, kernel)


def adam(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    t: int,
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[np.ndarray, ...]:
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - alpha * m / (np.sqrt(v) + epsilon), m, v


# As a learner would write them: the right answers must not depend on how the library rounds.
WRITTEN: dict[str, Function] = {
    "one_neuron/dw": lambda x, w, b, y: (1 / (1 + np.exp(-w * x - b)) - y) * x,
    "one_neuron/db": lambda x, w, b, y: 1 / (1 + np.exp(-w * x - b)) - y,
    "dense/forward": lambda x, kernel, bias: x @ kernel + bias,
    "dense/dkernel": lambda x, dz: x.T @ dz,
    "dense/dbias": lambda dz: dz.sum(axis=0),
    "dense/dx": lambda dz, kernel: dz @ kernel.T,
    "activations/relu_backward": lambda dout, z: dout * (z > 0),
    "activations/sigmoid_backward": lambda dout, z: dout * np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "activations/tanh_backward": lambda dout, z: dout * (1 - np.tanh(z) ** 2),
    "losses/huber_dp": lambda p, t, delta: np.maximum(np.minimum(p - t, delta), -delta) / p.size,
    "losses/binary_dlogits": lambda z, t: (np.exp(-np.logaddexp(0, -z)) - t) / z.size,
    "softmax/forward": softmax,
    "softmax/cross_entropy": lambda z, y: float(
        np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y])
    ),
    "softmax/dlogits": lambda z, y: (softmax(z) - np.eye(z.shape[1])[y]) / len(y),
    "batch_norm/forward": lambda x, gamma, beta, epsilon: (
        gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon) + beta
    ),
    "batch_norm/dgamma": lambda dout, x, epsilon: (
        (dout * (x - x.mean(axis=0))).sum(axis=0) / np.sqrt(x.var(axis=0) + epsilon)
    ),
    "batch_norm/dbeta": lambda dout: dout.sum(axis=0),
    "batch_norm/dx": batch_norm_dx,
    "layer_norm/forward": lambda x, gamma, beta, epsilon: (
        gamma * (x.T - x.mean(axis=1)).T / np.sqrt(x.var(axis=1)[:, None] + epsilon) + beta
    ),
    "layer_norm/dgamma": lambda dout, x, epsilon: (
        dout * (x - x.mean(1)[:, None]) / np.sqrt(x.var(1)[:, None] + epsilon)
    ).sum(axis=0),
    "layer_norm/dx": lambda dout, x, gamma, epsilon: (
        batch_norm_dx((dout * gamma).T, x.T, np.ones(len(x)), epsilon).T
    ),
    "dropout/forward": lambda x, u, rate: x * (u >= rate) / (1 - rate),
    "dropout/backward": lambda dout, u, rate: np.where(u >= rate, dout / (1 - rate), 0),
    "regularization/dw": lambda dw, w, l1, l2: dw + l1 * np.sign(w) + 2 * l2 * w,
    "convolution/forward": convolved,
    "convolution/dkernel": convolved,
    "convolution/dx": lambda dout, kernel: convolved(
        np.pad(dout, [(n - 1, n - 1) for n in kernel.shape]), kernel[::-1, ::-1]
    ),
    "optimizers/sgd": lambda w, g, rate: w - rate * g,
    "optimizers/momentum": lambda w, g, m, rate, momentum: (
        w + momentum * m - rate * g,
        momentum * m - rate * g,
    ),
    "optimizers/adam": adam,
    "schedules/cosine": lambda step, rate, length, alpha: np.array(
        [
            rate * (alpha + (1 - alpha) * (0.5 + 0.5 * np.cos(np.pi * min(each, length) / length)))
            for each in step
        ]
    ),
    "initialization/glorot_limit": lambda shape: float(
        np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    ),
}


def max_backward(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dout.shape):
        window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = divmod(int(np.argmax(window)), 2)
        dx[2 * i + row, 2 * j + column] = dout[i, j]
    return dx


@pytest.mark.parametrize("name", EXERCISES)
def test_so_does_a_learners_own(name: str) -> None:
    result = check(name, {**WRITTEN, "pooling/max_backward": max_backward}[name])
    assert result.passed, result


def test_the_cosine_is_that_of_the_schedule() -> None:
    for step, rate, length, alpha in cases_of("schedules/cosine"):
        schedule = tn.optimizers.schedules.CosineDecay(rate, length, alpha)
        right = EXERCISES["schedules/cosine"].answer(step, rate, length, alpha)
        told = [schedule(each) for each in step]
        np.testing.assert_allclose(told, right, rtol=0, atol=1e-6 * rate)


# Typical mistakes.


@pytest.mark.parametrize(("name", "cause"), MISTAKES, ids=lambda each: each[:40])
def test_every_typical_mistake_is_found_out_and_named(name: str, cause: str) -> None:
    exercise = EXERCISES[name]
    wrong = exercise.mistakes[cause]
    with np.errstate(all="ignore"):
        result = check(name, lambda *case: wrong(exercise.answer(*case), *case))
    assert not result.passed
    assert result.cause == cause
    assert f"likely cause: {cause}" in repr(result)


@pytest.mark.parametrize("name", SINGLE)
def test_the_sign_and_a_factor_are_found_in_all(name: str) -> None:
    assert "the sign" in str(check(name, changed(name, lambda right: -right)).cause)
    result = check(name, changed(name, lambda right: 0.75 * right))
    assert result.cause == "a factor: every entry is 0.75 times the right one"
    result = check(name, changed(name, lambda right: 0 * right))
    assert result.cause == "a factor: every entry is 0 times the right one"


@pytest.mark.parametrize("name", ["dense/dkernel", "dense/dx", "softmax/forward", "convolution/dx"])
def test_a_transpose_is_found(name: str) -> None:
    result = check(name, changed(name, np.transpose))
    assert str(result.cause).startswith("the transpose")
    assert "; transposed?" in repr(result)


def test_answers_that_are_drawn_or_kept_are_found() -> None:
    rng = np.random.default_rng(0)

    def another_mask(dout: np.ndarray, u: np.ndarray, rate: float) -> np.ndarray:
        return np.where(rng.random(dout.shape) >= rate, dout / (1 - rate), 0)

    total: dict[tuple[int, ...], Any] = {}

    def adding(dz: np.ndarray) -> np.ndarray:
        total[dz.shape] = total.get(dz.shape, 0) + dz.sum(axis=0)
        return total[dz.shape]

    for name, f in (("dropout/backward", another_mask), ("dense/dbias", adding)):
        cause = check(name, f).cause
        assert (
            cause
            == "the same arguments gave two answers: is something drawn, or kept between calls?"
        )


def test_no_cause_is_made_up() -> None:
    result = check("dense/dkernel", lambda x, dz: x.T @ dz + 1)
    assert not result.passed and result.cause is None
    assert "likely cause" not in repr(result)


# What is wrong, in order.


def test_a_report_of_wrong_values() -> None:
    result = check("dense/dbias", lambda dz: dz.mean(axis=0))
    (dz,) = cases_of("dense/dbias")[0]
    expected, got = dz.sum(axis=0), dz.mean(axis=0)
    largest = np.abs(expected - got).max()
    assert repr(result).split("\n") == [
        "dense/dbias: not right yet",
        "  case 1 of 6: dz (4, 2)",
        f"  dbias: 2 of 2 entries differ, by at most {largest:.3g} (relative 0.75)",
        f"  first wrong entry: dbias[0], expected {expected[0]:.6g}, got {got[0]:.6g}",
        f"  likely cause: {result.cause}",
    ]
    assert result.index == (0,)
    assert list(result.arguments) == ["dz"]
    assert np.array_equal(result.arguments["dz"], dz)


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x, dz: x @ dz, "it raised ValueError: matmul: "),
        (lambda x: x, "it raised TypeError: "),
        (lambda x, dz: None, "it returned None: does it end with return?"),
        (lambda x, dz: "x.T @ dz", "expected an array of numbers for dkernel, got str"),
        (lambda x, dz: (x.T @ dz).tolist(), "expected an array of numbers for dkernel, got list"),
        (lambda x, dz: (x.T @ dz, 0), "expected an array of numbers for dkernel, got tuple"),
        (lambda x, dz: np.array(["a"]), "expected an array of numbers for dkernel, got ndarray"),
        (lambda x, dz: dz.T @ x, "dkernel: expected the shape (3, 2), got (2, 3); transposed?"),
        (lambda x, dz: (x.T @ dz)[:1], "dkernel: expected the shape (3, 2), got (1, 2)"),
        (lambda x, dz: 0.0, "dkernel: expected the shape (3, 2), got ()"),
        (
            lambda x, dz: (x.T @ dz).astype("float32"),
            "dkernel: expected float64, the type of the arguments, got float32",
        ),
    ],
)
def test_what_is_no_array_of_that_shape_and_type(f: Function, said: str) -> None:
    result = check("dense/dkernel", f)
    assert not result
    assert repr(result).split("\n")[2].startswith(f"  {said}")
    assert "case 1 of 6: x (4, 3), dz (4, 2)" in repr(result)


def test_an_error_says_how_it_is_called_and_can_be_raised_again() -> None:
    def f(x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return x.T @ dz if len(x) > 1 else {}["one sample"]

    result = check("dense/dkernel", f)
    assert "case 2 of 6: x (1, 3), dz (1, 2)" in repr(result)
    assert "it raised KeyError: 'one sample'" in repr(result)
    assert "it is called as f(x, dz) -> dkernel; raise result.error shows where" in repr(result)
    with pytest.raises(KeyError, match="one sample"):
        raise result.error
    with pytest.raises(KeyError, match="one sample"):
        f(*result.arguments.values())


def test_an_argument_that_was_changed() -> None:
    def in_place(w: np.ndarray, g: np.ndarray, rate: float) -> np.ndarray:
        w -= rate * g
        return w

    result = check("optimizers/sgd", in_place)
    assert "it changed its argument w, which belongs to the caller" in repr(result)


def test_several_outputs() -> None:
    right = EXERCISES["optimizers/momentum"].answer
    for f, said in (
        (lambda *case: right(*case)[0], "expected 2 values, return w, m; got ndarray"),
        (lambda *case: right(*case)[:1], "expected 2 values, return w, m; got 1"),
        (lambda *case: (right(*case)[0], [1.0]), "expected an array of numbers for m, got list"),
        (lambda *case: right(*case)[::-1], "w: 3 of 3 entries differ"),
        (lambda *case: (right(*case)[0], 2 * case[2]), "first wrong entry: m[0]"),
    ):
        assert said in repr(check("optimizers/momentum", f))


def test_the_order_in_which_problems_are_told() -> None:
    # The first case has all of them; the second one returns None, and the third one raises.
    def f(dz: np.ndarray) -> Any:
        dz *= 2
        calls.append(len(dz))
        return stages[0](len(calls), dz)

    seen = []
    wrong: list[Callable[[int, np.ndarray], Any]] = [
        lambda n, dz: [str, NoneType, lambda: 1 / 0][n - 1](),
        lambda n, dz: [dz.astype(int), None, 0][min(n, 3) - 1],
        lambda n, dz: dz.astype(int),
        lambda n, dz: dz.sum(axis=0).astype(int),
    ]
    for stage in wrong:
        calls: list[int] = []
        stages = [stage]
        seen.append(repr(check("dense/dbias", f)).split("\n")[2].strip())
    starts = "it raised", "it returned None", "dbias: expected the shape", "it changed its argument"
    assert [said[: len(start)] for said, start in zip(seen, starts, strict=True)] == [*starts]


def test_nan_and_infinity_are_wrong_and_bring_no_warning() -> None:
    result = check("softmax/forward", lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
    assert "p[0, 0], expected 0.731059, got nan" in repr(result)
    assert "by at most nan" in repr(result)
    assert "case 5 of 6" in repr(result)
    assert "exp overflows" in str(result.cause)
    result = check("dense/dbias", lambda dz: dz.sum(axis=0) / 0)
    assert "by at most inf (relative nan)" in repr(result)


def test_small_differences_are_shown() -> None:
    result = check("dense/dbias", lambda dz: dz.sum(axis=0) + 1e-8)
    expected, got = repr(result).split("expected ")[1].split("\n")[0].split(", got ")
    assert expected != got
    assert float(got) - float(expected) == pytest.approx(1e-8)


@pytest.mark.parametrize("scale", [0.01, 1e4])
def test_how_much_an_entry_may_differ(scale: float) -> None:
    own = Exercise("own/x", "own", "y", lambda x: x, lambda rng: [(scale * np.eye(2),)], {})
    allowed = 1e-9 * max(1, scale)
    assert exercises.examine(own, lambda x: x + 0.99 * allowed, 0).passed
    assert not exercises.examine(own, lambda x: x + 1.01 * allowed, 0).passed


@given(data=st.data())
def test_one_wrong_entry_is_found_where_it_is(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(EXERCISES)))
    exercise = EXERCISES[name]
    cases = cases_of(name)
    number = data.draw(st.integers(0, len(cases) - 2))
    right = exercise.answer(*cases[number])
    outputs = list(right) if isinstance(right, tuple) else [right]
    which = data.draw(st.integers(0, len(outputs) - 1))
    output = np.asarray(outputs[which])
    index = tuple(data.draw(st.integers(0, n - 1)) for n in output.shape)
    allowed = 1e-9 * max(1.0, float(np.abs(output).max()))
    size = data.draw(st.sampled_from([0.0, 0.99, 1.01, 1e3]) | st.floats(1.01, 1e12))
    times = data.draw(st.sampled_from([-1, 1])) * size
    calls = 0

    def f(*case: Any) -> Any:
        nonlocal calls
        calls += 1
        answer = exercise.answer(*case)
        answers = [np.array(a) for a in (answer if isinstance(answer, tuple) else (answer,))]
        if calls == number + 1:
            answers[which][index] += times * allowed
        return tuple(answers) if isinstance(answer, tuple) else answers[0]

    result = check(name, f)
    assert result.passed == (abs(times) < 1), result
    if not result.passed:
        assert result.index == index
        assert f"case {number + 1} of {len(cases)}:" in repr(result)
        output_name = exercise.returns.split(", ")[which]
        entry = f"{output_name}[{', '.join(map(str, index))}]" if index else output_name
        assert f"first wrong entry: {entry}, expected" in repr(result)
        assert f"{output_name}: 1 of {output.size} entries differ" in repr(result)


# Names, lists, manners.


def test_unknown_names_and_what_is_no_function() -> None:
    with pytest.raises(
        ValueError, match="unknown exercise 'dense/dkernal'; did you mean 'dense/dk"
    ):
        check("dense/dkernal", len)
    with pytest.raises(
        TypeError, match=r"name: expected that of an exercise, .* the function comes"
    ):
        check(len, "dense/dkernel")
    with pytest.raises(TypeError, match=r"f: expected a function, called as f\(x, dz\) -> dkernel"):
        check("dense/dkernel", np.ones((3, 2)))


def test_the_list_has_all_and_reads_like_a_table() -> None:
    found = tn.exercises.list()
    assert [each.name for each in found] == list(EXERCISES)
    assert len(set(EXERCISES)) == len(found) >= 24
    shown = repr(found)
    for each in found:
        assert f"  {each.name}: {each.signature}\n      {each.task}" in shown
        assert each.task.startswith("Return ")
        assert each.name.split("/")[0] and each.page.startswith("backprop/")
    lines = shown.split("\n")
    pages = [line for line in lines if not line.startswith(" ")]
    assert pages[0] == "backprop/one_neuron" and len(lines) == 2 * len(found) + len(pages)
    assert max(map(len, lines)) <= 104


@pytest.mark.parametrize("name", EXERCISES)
def test_cases_are_of_several_shapes_in_float64(name: str) -> None:
    cases = cases_of(name)
    arrays = [a for case in cases for a in case if isinstance(a, np.ndarray)]
    assert all(a.dtype in (np.float64, np.int64) for a in arrays)
    assert len({tuple(np.shape(a) for a in case) for case in cases}) >= 3 or not arrays
    again, others = cases_of(name), cases_of(name, seed=1)
    assert repr(again) == repr(cases) != repr(others)


BATCHES = ("dense", "activations", "losses", "softmax", "batch_norm", "layer_norm", "dropout")


@pytest.mark.parametrize("name", [name for name in EXERCISES if name.split("/")[0] in BATCHES])
def test_one_sample_is_among_the_cases(name: str) -> None:
    assert 1 in {len(case[0]) for case in cases_of(name)}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_page_of_the_documentation_goes_with_each(name: str) -> None:
    assert (DOCS / f"{EXERCISES[name].page}.md").exists()


def test_a_check_leaves_nothing_behind() -> None:
    tn.utils.set_random_seed(3)
    drawn = np.random.random(), tn.random.uniform((2,))
    tn.utils.set_random_seed(3)
    tn.config.set_floatx("float32")
    for name, exercise in EXERCISES.items():
        check(name, exercise.answer)
    again = np.random.random(), tn.random.uniform((2,))
    assert drawn[0] == again[0] and np.array_equal(drawn[1], again[1])
    assert tn.layers.Dense(1).name == "dense"
    assert tn.optimizers.Adam().name == "adam"


def test_each_call_gets_copies() -> None:
    seen = []

    def f(x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        seen.append(copy.deepcopy((x, dz)))
        answer = x.T @ dz
        x[...] = dz[...] = 0
        return answer

    check("dense/dkernel", f)
    for (x, dz), (case_x, case_dz) in zip(seen, cases_of("dense/dkernel"), strict=True):
        assert np.array_equal(x, case_x) and np.array_equal(dz, case_dz)


def test_an_array_may_be_returned_again_and_again() -> None:
    room = np.empty(9)

    def f(dz: np.ndarray) -> np.ndarray:
        return dz.sum(axis=0, out=room[: dz.shape[1]])

    assert check("dense/dbias", f)


def test_an_exercise_of_ones_own() -> None:
    own = Exercise(
        "own/double",
        "own",
        "y",
        lambda x: 2 * x,
        lambda rng: [(rng.normal(size=3),)],
        {"not doubled": lambda right, x: x},
    )
    assert own.arguments == ("x",) and own.signature == "f(x) -> y" and own.task == ""
    assert exercises.examine(own, lambda x: x + x, 0).passed
    assert exercises.examine(own, lambda x: x, 0).cause == "not doubled"


def test_it_takes_numpy_alone() -> None:
    blocked = ["numba", "safetensors", "pooch", "tqdm", "matplotlib", "sklearn", "keras"]
    code = (
        f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
        "import tinynet as tn\n"
        "for each in tn.exercises.list(): assert tn.exercises.check(each.name, each.answer)\n"
        "print(tn.config.kernels())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "numpy\n", done.stderr
