#!/usr/bin/env bash
# scikit-learn 1.9.1 and rich 15.0.0: importing sklearn.metrics takes a number out of Python's global
# random generator.
#
# One would expect an import to leave `random` alone: after random.seed(0), the numbers that a script
# draws do not depend on what it imports in between.
#
# What happens: sklearn.metrics imports rich if it is installed, for its progress bars; rich.style
# draws one number with getrandbits when it is imported. What is drawn after the first import
# of sklearn.metrics is shifted by one, in that process only: a second script that has imported it
# before seeding draws something else. Libraries that take the seeds of their layers from this
# generator, as Keras does, then begin with other weights. Without rich, nothing is drawn.
#
# Printed when this was written:
#   without rich: the import draws False
#   with rich: the import draws True; rich.style was imported by it True
#
# Source: found where the same seed gave two runs; rich/style.py (the numbering of links).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() { "$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install "$@"; }
cat >"$work/try.py" <<'PYTHON'
import random
import sys

random.seed(0)
before = random.getstate()
import sklearn.metrics  # noqa: E402, F401

drawn, rich = random.getstate() != before, "rich.style" in sys.modules
expected = sys.argv[1] == "with"
more = f"; rich.style was imported by it {rich}" if expected else ""
print(f"{sys.argv[1]} rich: the import draws {drawn}{more}")
sys.exit(0 if drawn == rich == expected else 1)
PYTHON
install scikit-learn==1.9.1 numpy==2.4.6
"$work/venv/bin/python" "$work/try.py" without
install rich==15.0.0
"$work/venv/bin/python" "$work/try.py" with
