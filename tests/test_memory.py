"""Memory that arrays give back is there for the next ones."""

import os
import platform
import subprocess
import sys

import pytest

# In a process of its own, because the C library learns from all that a process does.
STEPS = """
import resource
import numpy as np
import tinynet as tn

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(750_000, np.float32) for _ in range(16)]  # 48 MB
    del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

model = tn.Sequential([tn.Input((2,)), tn.layers.Dense(1)])
if {used}:
    model.predict(np.ones((1, 2)), verbose=0)
print([faults() for _ in range(3)][-1])
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc learns how much memory to keep"
)
def test_arrays_of_the_next_step_are_no_page_faults() -> None:
    """Until a model is used, they are: an import changes nothing."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    env.pop("GLIBC_TUNABLES", None)

    def faults(used: bool) -> int:
        script = STEPS.format(used=used)
        command = [sys.executable, "-c", script]
        found = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return int(found.stdout)

    assert 20 * faults(used=True) < faults(used=False)
