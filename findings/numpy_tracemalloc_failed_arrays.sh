#!/usr/bin/env bash
# NumPy 2.4.6 on CPython 3.11: an array for which there was no memory stays in what tracemalloc
# counts, and a measured peak may be more than the machine has.
#
# One would expect a failed np.empty to raise MemoryError and to change no count: nothing was taken.
# So a test that watches the peak of a function which tries, is refused, and goes on with less would
# pass, as it does with a bytearray.
#
# What happens: the failed request is counted as if it had been given. The size of the last failure
# replaces that of the one before, as all of them had the same address, none; it stays until tracing
# stops. No del and no garbage collection takes it away.
#
# Printed when this was written:
#   bytearray, 80 TB: MemoryError, then 0 TB are counted
#   np.empty, 80 TB: MemoryError, then 80 TB are counted
#   np.empty, 800 TB: MemoryError, then 800 TB are counted
#   after a collection: 800 TB
#
# Source: found while fuzzing a loader whose memory was measured; NumPy's own calls of
# PyTraceMalloc_Track, PyDataMem_UserNEW in numpy/_core/src/multiarray.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import gc
import tracemalloc

import numpy as np

TB = 10**12
tracemalloc.start()
for make, name, size in (
    (bytearray, "bytearray", 80),
    (lambda n: np.empty(n, np.uint8), "np.empty", 80),
    (lambda n: np.empty(n, np.uint8), "np.empty", 800),
):
    try:
        make(size * TB)
    except MemoryError:
        counted = tracemalloc.get_traced_memory()[0] // TB
        print(f"{name}, {size} TB: MemoryError, then {counted} TB are counted")
gc.collect()
print(f"after a collection: {tracemalloc.get_traced_memory()[0] // TB} TB")
PYTHON
"$work/venv/bin/python" "$work/try.py" | tee "$work/printed"
diff "$work/printed" - <<'PRINTED'
bytearray, 80 TB: MemoryError, then 0 TB are counted
np.empty, 80 TB: MemoryError, then 80 TB are counted
np.empty, 800 TB: MemoryError, then 800 TB are counted
after a collection: 800 TB
PRINTED
