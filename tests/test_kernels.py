"""Every kernel's two forms give the same numbers and keep the same contract.

`CASES` says for each kernel what its arguments are. One test walks the registry with it: a
kernel without loops, or one that stands in no case, fails.
"""

import hashlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinynet.kernels import KERNELS, Kernel, registry

Fill = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
SAMPLES = 11  # in the data set from which rows are gathered


def ordinary(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 3 * rng.normal(size=shape)


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.1, 2, shape)


def unit(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in [0, 1), the first of them at the limits of box_muller and dropout."""
    u = rng.uniform(0, 1, shape)
    u[:4] = [0.0, 0.1, 0.5, 0.9][: u.size]
    return u


def probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows that sum to one; some entries lie where the kernels clip."""
    p = np.exp(10 * rng.normal(size=shape))
    return p / p.sum(axis=1, keepdims=True)


def one_hot(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]


def places(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows and columns in a small image and around it, some of them whole, some in the middle."""
    found = rng.uniform(-3, 7, shape)
    return np.where(rng.random(shape) < 0.3, np.round(2 * found) / 2, found)


def integers_below(limit: int) -> Fill:
    return lambda rng, shape: rng.integers(limit, size=shape)


few = integers_below(3)  # so that often several are equal


def counting(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(shape[0])


def seeds(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.choice([0, 1, 7, 2**31 - 3], shape)


@dataclass(frozen=True)
class Filled:
    """An array that a kernel is given: its shape in named sizes, and what fills it."""

    shape: tuple[str, ...]
    fill: Fill = ordinary
    dtype: str | None = None  # None: the type under test


def array(*shape: str, fill: Fill = ordinary, dtype: str | None = None) -> Filled:
    return Filled(shape, fill, dtype)


def a_number(*choices: float, dtype: str = "float64") -> Filled:
    """One of these, as an array without axes."""
    return array(fill=lambda rng, _: np.array(rng.choice(choices)), dtype=dtype)


FLAT, MATRIX, COLUMN = array("n"), array("rows", "columns"), array("columns")
WORDS = integers_below(2**32)
PIXELS = integers_below(256)

# What the kernels of the optimizers are given, which are in three files.
UPDATES: dict[str, Any] = {
    **dict.fromkeys(["g", "a", "m", "w", "average"], FLAT),
    "learning_rate": a_number(1e-3, 0.1),
    "iterations": a_number(0, 1, 30, 100_000, dtype="int64"),
    "u_product": a_number(0.45, 1e-3),
    **dict.fromkeys(["momentum", "rho", "beta_1"], (0.0, 0.9)),
    "beta_2": (0.999,),
    "epsilon": (1e-7,),
    "weight_decay": (0.004,),
    "frequency": (1, 2, 31),
    **dict.fromkeys(["nesterov", "centered"], (False, True)),
    **dict.fromkeys(["v", "v_hat", "d"], array("n", fill=positive)),
}

# And those of the cross-entropies, from logits or from probabilities, in two.
CROSS_ENTROPIES: dict[str, Any] = {
    "labels": array("rows", fill=integers_below(2), dtype="int64"),  # of 2 or more classes
    "targets": array("rows", "columns", fill=one_hot),
    **dict.fromkeys(["logits", "dlogits", "dp"], MATRIX),
    "p": array("rows", "columns", fill=probabilities),
    "epsilon": (1e-7,),
    "weights": array("rows", fill=positive),
    "losses": array("rows"),
}

# What the arguments of a file's kernels are; a tuple holds numbers to choose from.
FILES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(["adam", "adaptive", "sgd"], UPDATES),
    "batch_norm": {
        **dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
        **dict.fromkeys(["gamma", "beta", "mean", "inv_std"], COLUMN),
        "epsilon": (1e-3,),
        "momentum": (0.99, 0.5),
        **dict.fromkeys(["moving_mean", "dgamma", "dbeta"], COLUMN),
        **dict.fromkeys(["moving_variance", "variance"], array("columns", fill=positive)),
    },
    "convolution": {
        **dict.fromkeys(["x", "dx"], array("images", "high", "wide", "channels")),
        **dict.fromkeys(["weights", "dweights"], array("3", "2", "channels", "filters")),
        **dict.fromkeys(["strides", "dilation"], ((1, 1), (2, 1), (1, 2), (2, 2))),
        **dict.fromkeys(["out", "dout"], array("images", "down", "across", "filters")),
        "dpatches": array("images", "down", "across", "3", "2", "channels"),
    },
    **dict.fromkeys(["clipped_cross_entropy", "cross_entropy"], CROSS_ENTROPIES),
    "counting": {
        "counter": a_number(0, 7, dtype="int64"),
        "order": array("samples", fill=integers_below(SAMPLES), dtype="int64"),
        "place": a_number(0, 3, SAMPLES - 1, dtype="int64"),
        "rows": array("rows", dtype="int64"),
    },
    "dropout": {
        **dict.fromkeys(["x", "out"], FLAT),
        "u": array("n", fill=unit),
        "rate": (0.1, 0.5, 0.9),
        **dict.fromkeys(["dout", "dx"], FLAT),
        "value": (-1.7,),
        "scale": (0.9,),
        "shift": (0.3,),
    },
    "depthwise": {
        **dict.fromkeys(["x", "dx"], array("images", "high", "wide", "channels")),
        **dict.fromkeys(["weights", "dweights"], array("3", "2", "channels", "filters")),
        **dict.fromkeys(["strides", "dilation"], ((1, 1), (2, 1), (1, 2), (2, 2))),
        **dict.fromkeys(["out", "dout"], array("images", "down", "across", "channels", "filters")),
    },
    "layer_norm": {
        **dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
        **dict.fromkeys(["gamma", "beta", "dgamma", "dbeta"], COLUMN),
        "epsilon": (1e-3,),
        "mean": array("rows"),
        "inv_std": array("rows", fill=positive),
    },
    "linear": {
        **dict.fromkeys(["x", "z"], MATRIX),
        **dict.fromkeys(["bias", "out"], COLUMN),
        "factor": (0.1, 1.0),
    },
    "means": {
        "mean": a_number(0.5, -3.0),
        "n": (1, 7),
        "labels": array("rows", fill=integers_below(2), dtype="uint8"),
        "p": array("rows", "columns", fill=integers_below(3)),  # often two are the largest
        **dict.fromkeys(["total", "count"], a_number(0.0, 12.0)),
    },
    "merging": {
        **dict.fromkeys(["a", "b", "x", "total", "out", "dout", "da", "db"], FLAT),
        "factor": (0.5, -1.0),
        "first": (0, 2),
    },
    "norms": {
        **dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
        "limit": (1e12, 0.3),
        "inv_norms": array("rows", fill=positive),
        "w": array("images", "down", "channels"),
        "low": (0.0, 0.5),
        "high": (0.5, 2.0),
        "rate": (0.3, 1.0),
        "epsilon": (1e-7,),
    },
    "pooling": {
        **dict.fromkeys(["x", "dx"], array("images", "low", "narrow", "channels")),
        **dict.fromkeys(["out", "dout"], array("images", "down", "across", "channels")),
        "size": ((1, 1), (2, 2), (3, 2)),
        "strides": ((1, 1), (2, 1), (2, 2)),
        "before": ((0, 0), (1, 0), (0, 1)),
    },
    "prelu": {
        **dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
        **dict.fromkeys(["alpha", "dalpha"], COLUMN),
    },
    "products": {
        "a": array("rows", "depth"),
        "b": array("depth", "columns"),
        "out": MATRIX,
    },
    "focal": {
        **CROSS_ENTROPIES,
        "gamma": (2.0, 1.5, 0.0),
        **dict.fromkeys(["yes", "no"], (1.0, 0.25)),
        "from_logits": (False, True),
    },
    "random_bits": {},
    "rectifiers": {
        **dict.fromkeys(["dout", "x", "out", "dx"], FLAT),
        "slope": (0.0, 0.2),
        "threshold": (0.0, 0.5),
        "ceiling": (6.0, 2.0, np.inf),
        "alpha": (1.0, 0.3, 0.001),
        "shift": (3.0, 1.0),
        "length": (6.0, 2.0),
        "limit": (0.5, 0.0),
        "default": (0.0, -2.0),
    },
    **{
        file: {
            **dict.fromkeys(["targets", "predictions", "dpredictions"], MATRIX),
            "delta": (1.0, 2.5),
            "epsilon": (1e-7, 0.1),
            "weights": array("rows", fill=positive),
            "losses": array("rows"),
        }
        for file in ("regression", "hinge")
    },
    "resizing": {
        **dict.fromkeys(["x", "dx"], array("images", "down", "across", "channels")),
        "size": ((3, 2),),
        **dict.fromkeys(["out", "dout"], array("images", "3 down", "2 across", "channels")),
    },
    "rows": {
        "source": array("samples", "columns"),
        "rows": array("rows", fill=integers_below(SAMPLES), dtype="int64"),
        "out": MATRIX,
    },
    "relu": dict.fromkeys(["dout", "x", "out", "dx"], FLAT),
    "smooth": {**dict.fromkeys(["dout", "x", "out", "dx"], FLAT), "b": (4.0, 0.1)},
    "softmax": dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
    "log_softmax": dict.fromkeys(["dout", "x", "out", "dx"], MATRIX),
    "warping": {
        "matrices": array("images", "6", fill=places, dtype="float32"),
        "fill_mode": (0, 1, 2, 3),
        "points": array("images", "down", "across", "2", fill=places, dtype="float32"),
        "fill": (0.0, 0.5),
        **dict.fromkeys(["x", "dout", "out", "dx"], array("images", "down", "across", "channels")),
    },
    "winograd": {
        # Tiles for all of out or dout, whose last rows and columns may be missing.
        **dict.fromkeys(["x", "dx"], array("images", "tiled down", "tiled across", "channels")),
        **dict.fromkeys(
            ["tiles", "dtiles"], array("6", "6", "images", "down", "across", "channels")
        ),
        **dict.fromkeys(
            ["products", "dproducts"], array("6", "6", "images", "down", "across", "filters")
        ),
        **dict.fromkeys(["out", "dout"], array("images", "cut down", "cut across", "filters")),
    },
}
SIDE_BY_SIDE: dict[str, Any] = {"size": ((2, 2),), "strides": ((2, 2),), "before": ((0, 0),)}
# Where an argument of one kernel is something else than in the rest of its file. What follows
# the name after a space tells a second case of the same kernel apart.
EXCEPTIONS: dict[str, dict[str, Any]] = {
    "batched_product": {
        "a": array("images", "rows", "depth"),
        "b": array("images", "depth", "columns"),
        "out": array("images", "rows", "columns"),
    },
    **{
        name: {
            inside: array("images", "down", "across", "channels"),
            around: array("images", "tiled down", "tiled across", "channels"),
            "before": ((0, 0), (1, 2)),
        }
        for name, inside, around in (("put_around", "x", "out"), ("cut_out", "dx", "dout"))
    },
    "transform": {
        "matrix": array("6", "3"),
        "block": array("3", "3", "channels", "filters"),
        "out": array("6", "6", "channels", "filters"),
    },
    "turn": {
        "weights": array("3", "2", "channels", "filters"),
        "out": array("3", "2", "filters", "channels"),
    },
    "no_negatives": {"w": FLAT},
    "patches": {"windows": array("images", "down", "across", "3", "2", "channels")},
    "max_pool": {
        # A few different numbers, so that several pixels of a window are the largest.
        "x": array("images", "low", "narrow", "channels", fill=few),
        "which": array("images", "down", "across", "channels", dtype="uint8"),
    },
    "max_pool_backward": {
        "which": array(
            "images", "down", "across", "channels", fill=integers_below(6), dtype="uint8"
        )
    },
    # Windows side by side, some with pixels left over behind the last one.
    "max_pool side by side": {
        **SIDE_BY_SIDE,
        "x": array("images", "high", "2 across", "channels", fill=few),
        "which": array("images", "down", "across", "channels", dtype="uint8"),
    },
    "max_pool_backward side by side": {
        **SIDE_BY_SIDE,
        "dx": array("images", "high", "2 across", "channels"),
        "which": array(
            "images", "down", "across", "channels", fill=integers_below(4), dtype="uint8"
        ),
    },
    "max_pool over one edge": {
        **SIDE_BY_SIDE,
        "x": array("images", "high", "narrow", "channels", fill=few),
        "which": array("images", "down", "across", "channels", dtype="uint8"),
    },
    "max_pool over the other edge": {
        **SIDE_BY_SIDE,
        "x": array("images", "low", "wide", "channels", fill=few),
        "which": array("images", "down", "across", "channels", dtype="uint8"),
    },
    **{  # a few different numbers, so that often both are the largest
        name: dict.fromkeys(["a", "b"], array("n", fill=integers_below(3)))
        for name in ("maximum_backward", "minimum_backward")
    },
    "put_columns": {"x": MATRIX, "out": array("rows", "wider")},
    "take_columns": {"x": array("rows", "wider"), "out": MATRIX},
    "global_max": {"out": array("images", "channels")},
    "global_max_backward": {
        "x": array("images", "low", "narrow", "channels", fill=integers_below(3)),
        "out": array("images", "channels", fill=integers_below(3)),
        "dout": array("images", "channels"),
    },
    "gather_rows pixels": {
        "source": array("samples", "columns", fill=PIXELS, dtype="uint8"),
    },
    "weighted_sum": {
        **dict.fromkeys(["x", "weights"], FLAT),
        "out": array(dtype="float64"),
    },
    "cast": {"x": FLAT, "out": FLAT},
    "cast pixels": {"x": array("n", fill=PIXELS, dtype="uint8"), "out": array("n", dtype="int64")},
    "rescale": {**dict.fromkeys(["x", "out"], FLAT), "scale": (-2.0,), "offset": (0.0, 0.3)},
    "rescale_columns": {"x": MATRIX, **dict.fromkeys(["scale", "offset"], COLUMN)},
    "rescale_columns pixels": {
        "x": array("rows", "columns", fill=PIXELS, dtype="uint8"),
        **dict.fromkeys(["scale", "offset"], COLUMN),
    },
    "rescale pixels": {
        "x": array("n", fill=PIXELS, dtype="uint8"),
        "scale": (1 / 255,),
        "offset": (-0.5,),
        "out": FLAT,
    },
    "poisson": {"predictions": array("rows", "columns", fill=positive)},
    "poisson_backward": {"predictions": array("rows", "columns", fill=positive)},
    "softmax_backward": {"out": array("rows", "columns", fill=probabilities)},
    "next_pair": {
        "state": array("2", fill=seeds, dtype="int64"),
        "pair": array("2", dtype="int64"),
    },
    "philox": {
        "key": array("2", fill=WORDS, dtype="uint64"),
        "counter": array("4", fill=WORDS, dtype="uint64"),
        "first_blocks": array("rows", fill=WORDS, dtype="uint64"),
        "words": array("rows", "columns", "4", dtype="uint32"),
    },
    **{
        f"uniform_{dtype}": {
            "pair": array("2", fill=seeds, dtype="int64"),
            "first_blocks": array("rows", fill=WORDS, dtype="uint64"),
            "out": array("rows", "columns", numbers, dtype=dtype),
        }
        for dtype, numbers in (("float32", "4"), ("float64", "2"))
    },
    "source_points": {"points": array("images", "down", "across", "2", dtype="float32")},
    "box_muller": {"u": array("2n", fill=unit), "out": array("2n")},
    "shuffle": {
        "words": array("n", fill=WORDS, dtype="uint32"),
        "order": array("n", fill=counting, dtype="int64"),
    },
}
CASES = sorted({*KERNELS, *EXCEPTIONS})


def kernel_of(case: str) -> Kernel:
    return KERNELS[case.split()[0]]


def kinds_of(case: str) -> dict[str, Any]:
    """Say of every argument in a kernel's signature what it is."""
    kernel = kernel_of(case)
    file = kernel.numpy_form.__module__.split(".")[-1]
    known = {**FILES[file], **EXCEPTIONS.get(case, {})}
    names = list(inspect.signature(kernel.numpy_form).parameters)
    missing = set(names) - set(known)
    assert not missing, f"no case for the kernel {kernel.name}: what are its {missing}?"
    return {name: known[name] for name in names}


def sizes_of(rows: int, columns: int) -> dict[str, int]:
    n = rows * columns
    sizes = {
        "rows": rows,
        "columns": columns,
        "n": n,
        "2n": 2 * n,
        "wider": columns + 2,
        "samples": SAMPLES,
    }
    # A few small images; windows of up to 3 x 2 pixels, up to 2 apart, stand in "down" rows of
    # "across" places. High and wide ones have room for all, and sometimes a pixel left over; in
    # low and narrow ones the last window may reach beyond the edge.
    down, across = 1 + columns % 4, 1 + rows % 3
    sizes |= {"images": rows % 4, "down": down, "across": across}
    sizes |= {"high": 2 * down + 3 + columns % 2, "wide": 2 * across + 1 + rows % 2}
    sizes |= {"low": 2 * down - 1, "narrow": 2 * across - 1}
    sizes |= {"3 down": 3 * down, "2 across": 2 * across}
    sizes |= {"tiled down": 4 * down + 2, "tiled across": 4 * across + 2}
    sizes |= {"cut down": 4 * down - columns % 4, "cut across": 4 * across - rows % 4}
    sizes |= {"channels": 1 + columns % 5, "filters": 1 + rows % 6}
    sizes["depth"] = 1 + (rows + columns) % 50
    return {**sizes, "2": 2, "3": 3, "4": 4, "6": 6}


def arguments(case: str, dtype: str, sizes: dict[str, int], seed: int) -> dict[str, Any]:
    """Make the arguments of one call; what the kernel only writes is not filled yet."""
    rng = np.random.default_rng(seed)
    arrays = kernel_of(case).arrays
    made: dict[str, Any] = {}
    for name, kind in kinds_of(case).items():
        if isinstance(kind, tuple):
            made[name] = kind[rng.integers(len(kind))]
        else:
            shape = tuple(sizes[size] for size in kind.shape)
            values = np.zeros(shape) if arrays[name].role == "write" else kind.fill(rng, shape)
            made[name] = values.astype(kind.dtype or dtype)
    return made


def surrounded(values: np.ndarray, strided: bool) -> tuple[np.ndarray, np.ndarray]:
    """Copy an array into the middle of a larger one, and return both."""
    if strided:
        around = np.full([2 * n + 1 for n in values.shape], FENCE, values.dtype)
        inside = around[tuple(slice(1, None, 2) for _ in values.shape)]
    else:
        around = np.full(values.size + 16, FENCE, values.dtype)
        inside = around[8:-8].reshape(values.shape)
    inside[...] = values
    return inside, around


FENCE = 77


def run(
    case: str, form: str, given: dict[str, Any], garbage: float, strided: bool = False
) -> dict[str, np.ndarray]:
    """Call one form of a kernel and return what it wrote; hold it to the contract.

    Inputs stay as they are, and nothing beside the outputs is written to. What stands in an
    output before the call is `garbage`.
    """
    arrays, places = kernel_of(case).arrays, {}
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            places[name] = surrounded(value, strided and value.ndim > 0)
            if arrays[name].role == "write":
                places[name][0][...] = garbage
    call = [places[name][0] if name in places else value for name, value in given.items()]
    with np.errstate(all="ignore"):  # infinity and NaN are part of the test
        kernel_of(case).form(form)(*call)
    written = {}
    for name, (inside, around) in places.items():
        if arrays[name].role == "read":
            np.testing.assert_array_equal(inside, given[name], f"{form} changed its input {name}")
        else:
            written[name] = inside.copy()
        inside[...] = FENCE
        assert (around == FENCE).all(), f"{form} wrote beside {name}"
    return written


def assert_twins(
    case: str, dtype: str, given: dict[str, Any], strided: bool = False, scale: float | None = None
) -> None:
    """Both forms write the same, whatever stood in the outputs before."""
    # 1.1e-13 and 6e-5, relative to the scale: by default the largest number, or 1. NumPy has its
    # own exp, log and tanh, and adds up a row in another order: single units in the last place,
    # which differences such as 1 - tanh(z)^2 enlarge. Where large numbers cancel, the rest is as
    # uncertain as they are.
    tolerance = 500 * np.finfo(dtype).eps
    expected = run(case, "numpy", given, 7, strided)
    found = run(case, "numba", given, 99, strided)
    assert expected, "the kernel has no output"
    for name, value in expected.items():
        terms = np.abs(value[np.isfinite(value)]).max(initial=1) if scale is None else scale
        np.testing.assert_allclose(
            found[name], value, tolerance, tolerance * terms, err_msg=f"{case}: {name}"
        )


def specials(dtype: str) -> list[float]:
    """Numbers at which something ends: the type's range, a branch, the numbers themselves."""
    limits = np.finfo(dtype)
    sizes = [limits.smallest_subnormal, limits.tiny / 2, limits.tiny, 1e-7, 1.0, 6.0, 90.0]
    sizes += [1000.0, np.sqrt(limits.max) * 2, limits.max, np.inf]
    return [0.0, -0.0, *map(float, sizes), *(-float(size) for size in sizes), np.nan]


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_has_two_forms_with_one_signature(name: str) -> None:
    kernel = KERNELS[name]
    second = kernel.loops_form or kernel.library_form
    assert second is not None
    signature = list(inspect.signature(kernel.numpy_form).parameters)
    assert list(inspect.signature(second).parameters) == signature


@pytest.mark.parametrize("case", CASES)
def test_every_array_of_a_kernel_is_declared(case: str) -> None:
    kernel, kinds = kernel_of(case), kinds_of(case)
    parameters = inspect.signature(kernel.numpy_form).parameters
    assert list(kernel.arrays) == [key for key, p in parameters.items() if p.annotation == "Array"]
    roles = [each.role for each in kernel.arrays.values()]
    assert roles == sorted(roles, key="read".__ne__), "those that are read come first"
    sizes: dict[str, str] = {}
    for name, said in kernel.arrays.items():
        assert len(said.axes) == len(kinds[name].shape), name
        for letter, size in zip(said.axes, kinds[name].shape, strict=True):
            assert sizes.setdefault(letter.lower(), size) == size, f"{name}: {letter}"
        # What is written has every axis that may be divided: pieces would be written twice.
        assert said.role == "read" or kernel.divided <= set(said.axes), name


def test_every_case_belongs_to_a_kernel() -> None:
    assert {case.split()[0] for case in CASES} == set(KERNELS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
@given(
    rows=st.integers(0, 40),
    columns=st.integers(2, 40),
    seed=st.integers(0, 2**32 - 1),
    strided=st.booleans(),
)
@example(rows=0, columns=3, seed=0, strided=False)
@example(rows=0, columns=2, seed=0, strided=True)
@example(rows=1, columns=2, seed=1, strided=False)
@example(rows=1, columns=17, seed=2, strided=True)
@example(rows=31, columns=7, seed=3, strided=False)
@example(rows=33, columns=38, seed=1_000_001, strided=False)  # large numbers cancel
def test_twins(case: str, dtype: str, rows: int, columns: int, seed: int, strided: bool) -> None:
    strided &= dtype == "float64"  # one type will do, each is compiled on its own
    given = arguments(case, dtype, sizes_of(rows, columns), seed)
    assert_twins(case, dtype, given, strided)


# A row of one class has no label but 0: those of the sparse cross-entropies are others.
@pytest.mark.parametrize("case", [each for each in CASES if not each.startswith("sparse")])
def test_twins_of_a_single_column(case: str) -> None:
    assert_twins(case, "float32", arguments(case, "float32", sizes_of(33, 1), seed=4))


@pytest.mark.parametrize("case", CASES)
@given(rows=st.integers(1, 40), columns=st.integers(2, 40), seed=st.integers(0, 2**32 - 1))
@example(rows=39, columns=40, seed=0)
def test_a_piece_at_a_time_gives_the_same_bits(
    case: str, rows: int, columns: int, seed: int
) -> None:
    kernel = kernel_of(case)
    given = arguments(case, "float32", sizes_of(rows, columns), seed)
    whole = copied(given)
    kernel.form("numba")(*whole.values())
    for letter in sorted(kernel.divided):
        found = copied(given)
        name, said = next(item for item in kernel.arrays.items() if letter in item[1].axes)
        n = given[name].shape[said.axes.index(letter)]
        for piece in slice(n // 3), slice(n // 3, n):
            call = dict(found)
            for key, (_, axes) in kernel.arrays.items():
                if letter in axes:
                    call[key] = call[key][
                        tuple(piece if x == letter else slice(None) for x in axes)
                    ]
            kernel.form("numba")(*call.values())
        for key, value in whole.items():
            np.testing.assert_array_equal(found[key], value, f"{key}, divided along {letter}")


def copied(given: dict[str, Any]) -> dict[str, Any]:
    return {
        key: np.copy(value) if isinstance(value, np.ndarray) else value
        for key, value in given.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_twins_at_the_extremes(case: str, dtype: str) -> None:
    kinds = kinds_of(case)
    for name, said in kernel_of(case).arrays.items():
        kind = kinds[name]
        if said.role == "write" or kind.fill not in (ordinary, positive, probabilities, few):
            continue
        for i, special in enumerate(specials(dtype)):
            if kind.fill is positive and special < 0:
                continue
            given = arguments(case, dtype, sizes_of(5, 7), seed=i)  # other constants each time
            # In a matrix this is the diagonal: at most one extreme in a row and in a column. In
            # images it is one pixel, so that no sum depends on the order of several extremes.
            apart = {1: 3, 2: 8}.get(given[name].ndim, given[name].size)
            given[name].reshape(-1)[::apart] = special
            scale = max(1, abs(special)) if np.isfinite(special) else 1
            assert_twins(case, dtype, given, scale=scale)


@pytest.mark.parametrize("form", registry.FORMS)
@pytest.mark.parametrize("places", [[0], [1], [2], [3], [0, 2], [1, 2, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("case", ["max_pool", "max_pool side by side"])
def test_nan_in_a_window_is_the_largest(case: str, places: list[int], form: str) -> None:
    x = np.array([[3, 9], [4, 9]], "float32").reshape(1, 2, 2, 1)
    x.reshape(-1)[places] = np.nan
    strides = (2, 2) if "side" in case else (1, 1)  # another loop
    out, which = np.empty((1, 1, 1, 1), "float32"), np.empty((1, 1, 1, 1), "uint8")
    kernel_of(case).form(form)(x, (2, 2), strides, (0, 0), out, which)
    assert np.isnan(out) and which == places[-1]


MOMENTS = ["sgd_momentum", "rmsprop", "adam", "adam_amsgrad", "nadam", "adadelta", "adamax", "lion"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", registry.FORMS)
@pytest.mark.parametrize("name", MOMENTS)
def test_moments_never_become_subnormal(name: str, form: str, dtype: str) -> None:
    given = arguments(name, dtype, sizes_of(5, 7), seed=0)
    if name == "rmsprop":
        given["centered"] = True
    moments = sorted({"a", "m", "v", "d"} & set(given))
    for moment in moments:
        given[moment][:] = np.finfo(dtype).tiny
    given["g"][:] = 0  # as for a pixel that is always black: the moments only decay
    written = run(name, form, given, 7)
    for moment in moments:
        np.testing.assert_array_equal(written[moment], 0)


def digest() -> str:
    """Return a fingerprint of what all compiled kernels write, on arrays worth many threads."""
    fingerprint = hashlib.sha256()
    for case in CASES:
        for dtype in ("float32", "float64"):
            given = arguments(case, dtype, sizes_of(300, 257), seed=5)
            for value in run(case, "numba", given, 7).values():
                fingerprint.update(value.tobytes())
    return fingerprint.hexdigest()


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    digests = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads}
        for library in ("OPENBLAS", "MKL", "OMP"):
            environment[f"{library}_NUM_THREADS"] = "1"
        command = [sys.executable, __file__]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1, digests
    assert len(digests.pop().strip()) == 64


if __name__ == "__main__":  # in the processes of the test above
    print(digest())
