"""Does memory grow? Models made and dropped, epochs, single predictions, by the ten thousand.

    python -m tests.growth models 1000

The process's own memory is read from the system after a fifth of the work and at the end: what was
added between is what a longer program would go on to add. Prints JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.test_load import X, Y, graph, network
from tinynet import utils

ALLOWED = 8.0  # MiB: what the allocator and Python's caches add, whatever is done


def memory() -> float:
    """Return how much memory the process has now, in MiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def models() -> Callable[[], object]:
    makers = [network, graph]

    def one() -> None:
        makers.reverse()
        utils.clear_session()
        model = makers[0]()
        model.fit(X, Y, verbose=0)
        model.predict(X[:3], verbose=0)

    return one


def epochs() -> Callable[[], object]:
    model = network()
    return lambda: model.fit(X, Y, batch_size=8, validation_split=0.2, verbose=0)


def predictions() -> Callable[[], object]:
    model = network()
    model.fit(X, Y, verbose=0)
    return lambda: model.predict(X[:1], verbose=0)


WORK = {"models": models, "epochs": epochs, "predictions": predictions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("times", type=int)
    args = parser.parse_args()
    do = WORK[args.work]()
    first = max(20, args.times // 5)
    for _ in range(first):
        do()
    before = memory()
    for _ in range(args.times - first):
        do()
    grown = memory() - before
    print(json.dumps({"times": max(first, args.times), "MiB": grown, "wrong": grown > ALLOWED}))


if __name__ == "__main__":
    main()
