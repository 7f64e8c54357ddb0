"""How long the tests are that `make torture` runs at full length, and `make test` in short."""

import os

TIMES = int(os.environ.get("TINYNET_TORTURE", "1"))
