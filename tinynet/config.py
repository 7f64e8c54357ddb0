"""Settings of the whole library: the float type, epsilon, the form of the kernels, threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import scope
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.kernels import registry
from tinynet.kernels.threads import products, set_products, set_workers

FLOAT_TYPES = (np.dtype("float32"), np.dtype("float64"))

_floatx = "float32"
_epsilon = 1e-7


def floatx() -> str:
    """Return the float type of new parameters and of a model's input: by default ``"float32"``."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the float type of everything built from now on.

    Parameters
    ----------
    value : {"float32", "float64"}
        float64 takes about twice the time; it makes gradients checkable and runs repeatable
        to the last bits.

    Raises
    ------
    ValueError
        If `value` is another type. Keras's float16 and bfloat16 are not supported.
    """
    global _floatx
    _floatx = float_type(value)


def float_type(value: str) -> str:
    """Return `value` if it is a type that tinynet computes in; otherwise raise a ValueError."""
    if not isinstance(value, str) or value not in ("float32", "float64"):
        raise ValueError(f"dtype: expected 'float32' or 'float64', got {value!r}")
    return str(value)


def as_float(x: Any) -> Array:
    """Return `x` as an array of float32 or float64; any other type becomes `floatx`."""
    x = np.asarray(x)
    kind = x.dtype.newbyteorder("=")  # of numbers from another machine, too
    floating: Array = x.astype(kind if kind in FLOAT_TYPES else floatx(), copy=False)
    return floating


def epsilon() -> float:
    """Return the small number that keeps probabilities away from 0 and 1: by default 1e-7."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the number that `epsilon` returns."""
    global _epsilon
    if not 0 < value < 0.5:
        raise ValueError(f"set_epsilon: expected a number between 0 and 0.5, got {value!r}")
    _epsilon = float(value)


def use_kernels(form: str) -> None:
    """Choose the form in which every kernel runs from now on.

    Parameters
    ----------
    form : {"numba", "numpy"}
        ``"numba"`` compiles the explicit loops, ``"numpy"`` runs the array expressions. The
        environment variable ``TINYNET_KERNELS`` makes the same choice at startup; without
        either, Numba is used if it is installed.

    Raises
    ------
    ValueError
        If `form` is not one of the two.
    ImportError
        If ``"numba"`` is requested and Numba is not installed.
    """
    registry.choose_form(form)


def kernels() -> str:
    """Return the form in which the kernels run: ``"numba"`` or ``"numpy"``."""
    return registry.active_form()


def set_threads(n: int) -> None:
    """Set how many threads run matrix products; everything else runs in one.

    Unless this is set, BLAS runs in one thread while a model is trained or used (`fit`, `evaluate`,
    `predict`, their ``..._on_batch`` forms, a call), and NumPy gets its own threads back afterward.
    A second thread takes half of each large product, and in `fit`, `evaluate` and `predict` of
    other large kernels, where that is faster; the result is the same with and without it. The
    environment variables ``OPENBLAS_NUM_THREADS`` and ``OMP_NUM_THREADS``, set before Python
    starts, count as a setting too. Where several threads are set, BLAS sums a product in a
    different order, so the same seed gives the same run only with the same setting.

    Parameters
    ----------
    n : int
        At least 1. Several threads pay off only on an idle machine and with large products:
        where other programs keep the processors busy, the threads of a product wait for each
        other and can take many times as long as one thread.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.
    RuntimeError
        If NumPy was built with a library other than OpenBLAS for its products.
    """
    n = integer("set_threads", n)
    if not set_products(n):
        raise RuntimeError(
            "set_threads: this NumPy does not use OpenBLAS for its matrix products; set their "
            "threads with an environment variable (MKL_NUM_THREADS, VECLIB_MAXIMUM_THREADS) "
            "before Python starts"
        )
    set_workers(n)


def threads() -> int | None:
    """Return how many threads BLAS has for a model's products; None where that is not known."""
    return products()


def through_float32(value: float) -> float:
    """Round a number to float32 and back.

    TensorFlow casts Python numbers to tensors by way of float32, whatever the tensor's type.
    Keras inherits this for powers of betas, momentum, limits of uniform draws and others; a
    float64 run that does not round the same constants is a different run.
    """
    return float(np.float32(value))


__getattr__ = scope.refuses(__name__)
