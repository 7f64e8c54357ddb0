"""What all tests share: a clean process-wide state, both forms of the kernels, Hypothesis."""

import os
import random as python_random
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tinynet import config, configurable, random
from tinynet.kernels import registry, threads

# Some tests send Ctrl-C. What a shell starts in the background has it ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A test that runs in both forms of the kernels keeps its form for all examples: that the fixture
# `kernel_form` is set up only once is what such a test means.
common = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
# The same examples in every run of CI, new ones in every run at a desk.
settings.register_profile("tinynet", max_examples=20, derandomize="CI" in os.environ, **common)
settings.register_profile("thorough", max_examples=500, **common)  # --hypothesis-profile=thorough
settings.load_profile("tinynet")


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    """Start from fresh names and no seed; put back whatever a test sets for the whole process."""
    floatx, epsilon, form = config._floatx, config._epsilon, registry._chosen
    workers, threads_chosen = threads._workers, threads._chosen
    blas_threads = threads.switch("get")
    before = None if blas_threads is None else blas_threads()
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    configurable.forget_names()
    yield
    config._floatx, config._epsilon = floatx, epsilon
    registry._chosen = form
    registry.active_form.cache_clear()
    if before is not None:
        threads.set_products(before)
    threads._workers, threads._chosen = workers, threads_chosen
    for kernel in registry.KERNELS.values():
        kernel._run = None
    configurable.forget_names()
    random._global_seed = random._global_generator = random._operation_seeds = None
    python_random.setstate(python_state)
    np.random.set_state(numpy_state)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(params=registry.FORMS)
def kernel_form(request: pytest.FixtureRequest) -> str:
    """Run the test twice, with every kernel in the one form and in the other."""
    config.use_kernels(request.param)
    return request.param


@pytest.fixture
def float64() -> None:
    """Make everything in float64."""
    config.set_floatx("float64")
