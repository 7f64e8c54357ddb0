#!/usr/bin/env bash
# Numba 0.68.1: in a compiled function, np.sign of an unsigned integer is "-1" for the upper half
# of its range, and as there is no -1 in its type, what comes back is the type's largest number.
#
# One would expect np.sign of a uint8 to be 0 or 1, as NumPy has it. Nothing that cannot be
# negative has another sign.
#
# What happens: one implementation is in the table for signed and unsigned integers. It asks for
# equality with 0 as for unsigned numbers and for "greater than 0" as for signed ones, so that a
# set highest bit is read as a minus; then it returns -1, which is 255 in a uint8. The mask
# np.sign(image), meant to be 1 where there is anything, is 255 for the bright half of the pixels,
# and with uint64 a count of such ones is a sum of numbers near 2**64. Neither np.abs nor the
# comparisons of the same numbers are wrong, so x > 0 and np.sign(x) contradict each other in one
# function. np.fmod has the opposite confusion, signed integers taken for unsigned ones, which has
# been reported (https://github.com/numba/numba/issues/8574).
#
# Printed when this was written (0, 1, the largest signed number, the next one, the largest one):
#   uint8: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 255, 255]
#   uint16: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 65535, 65535]
#   uint32: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 4294967295, 4294967295]
#   uint64: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 18446744073709551615, 18446744073709551615]
#   pixels above 0 of an image with all values: NumPy 255, np.sign in Numba 32767
#
# Source: found by running every function for integers on all numbers of 8 bits; np.sign in
# numba/np/ufunc_db.py and int_sign_impl in numba/cpython/numbers.py (icmp_signed).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    numba==0.68.1 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import numba
import numpy as np


def signs(x: np.ndarray) -> np.ndarray:
    return np.sign(x)


def above(image: np.ndarray) -> int:
    count = 0
    for value in np.sign(image):
        count += value
    return count


compiled = numba.njit(signs)
for bits in (8, 16, 32, 64):
    half = 2 ** (bits - 1)
    x = np.array([0, 1, half - 1, half, 2 * half - 1], dtype=f"uint{bits}")
    print(f"{x.dtype}: NumPy {signs(x).tolist()}, Numba {compiled(x).tolist()}")
image = np.arange(256).astype("uint8")
found = np.count_nonzero(np.sign(image)), numba.njit(above)(image)
print(f"pixels above 0 of an image with all values: NumPy {found[0]}, np.sign in Numba {found[1]}")
PYTHON
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
uint8: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 255, 255]
uint16: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 65535, 65535]
uint32: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 4294967295, 4294967295]
uint64: NumPy [0, 1, 1, 1, 1], Numba [0, 1, 1, 18446744073709551615, 18446744073709551615]
pixels above 0 of an image with all values: NumPy 255, np.sign in Numba 32767
EXPECTED
