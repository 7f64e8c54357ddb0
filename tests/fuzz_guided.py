"""Damaged files that are led by what the loaders run: one that reaches a new branch is kept.

    python -m tests.fuzz_guided --inputs 1000

So many inputs for each loader of tests/fuzz.py, beginning with the honest file, and changed by
atheris, which sees what tinynet's loaders and the standard library's do with them. They have to
stay what they are, as there. Prints JSON, one entry per loader.

Where a file holds a text, that text is changed as well, and put into a file that is whole in all
else: so the changes come to what reads the text, and are not stopped by a checksum.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pkgutil
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

import tinynet.kernels

# Numba would compile what atheris puts in.
KERNELS = [
    name for _, name, _ in pkgutil.iter_modules(tinynet.kernels.__path__, "tinynet.kernels.")
]
with atheris.instrument_imports(include=["tinynet", "zipfile"], exclude=KERNELS):
    from tests import fuzz, test_hostile

TEXT = ", another text"
LONGEST = 1 << 16  # bytes of an input; the honest files have less than half


def seed_of(name: str, loader: fuzz.Loader) -> bytes:
    """Return what is changed: an honest file, or the text in it."""
    if name.endswith(TEXT):
        return json.dumps(test_hostile.text_in(loader.ending, loader.honest)).encode()
    return loader.honest


def content_of(name: str, loader: fuzz.Loader, changed: bytes) -> bytes:
    """Return the file of what has been changed.

    Raises
    ------
    ValueError
        If it is to be a text, and is none.
    """
    if name.endswith(TEXT):
        return test_hostile.with_text(loader.ending, loader.honest, json.loads(changed))
    return changed


def other_text(changed: bytes, longest: int, seed: int) -> bytes:
    """Change a value of a text in JSON, as tests/fuzz.py does, or its bytes."""
    chance = random.Random(seed)
    with contextlib.suppress(RecursionError, ValueError):
        text = json.loads(changed)
        if isinstance(text, (dict, list)) and chance.random() < 0.8:
            return json.dumps(fuzz.otherwise(text, chance)).encode()[:longest]
    return atheris.Mutate(changed, longest)


def work(place: int, inputs: int, board: Path) -> None:
    """Read inputs with one loader. Does not return: libFuzzer ends the process.

    So its files lie beside the board, where the process that watches takes them away.
    """
    own, seeds = (board.parent / f"{place}_{each}" for each in ("own", "seeds"))
    own.mkdir()
    seeds.mkdir()
    reader = fuzz.Reader(board, own)
    name, loader = [*reader.loaders.items()][place]
    (seeds / "honest").write_bytes(seed_of(name, loader))

    def read(changed: bytes) -> None:
        number = int(reader.counts[place, 0])
        reader.counts[place, 0] = number + 1  # what is no text has been looked at, too
        with contextlib.suppress(ValueError, RecursionError):
            reader.read(place, number, content_of(name, loader, changed))

    options = [f"-runs={inputs}", f"-max_len={LONGEST}", "-seed=1", "-verbosity=0"]
    # Another process watches this one; it is to stop none itself.
    options += [f"-timeout={10 * fuzz.PATIENCE}", "-rss_limit_mb=0"]
    is_text = name in ("JSON", "a notebook") or name.endswith(TEXT)
    how = {"custom_mutator": other_text} if is_text else {}
    atheris.Setup([sys.argv[0], *options, str(seeds)], read, **how)
    atheris.Fuzz()


def guided(inputs: int) -> list[dict[str, Any]]:
    """Try so many inputs with each loader; return what came of them."""
    names = [*fuzz.models(), *fuzz.others()]
    crashes, hangs = [0] * len(names), [0] * len(names)
    with tempfile.TemporaryDirectory() as folder, Path(folder, "board").open("w+b") as file:
        counts = fuzz.new_board(file, names)
        for place in range(len(names)):
            command = ["-m", "tests.fuzz_guided", "--board", file.name, "--place", str(place)]
            code = fuzz.watched([*command, "--inputs", str(inputs)], counts)
            if code != 0:
                (hangs if code is None else crashes)[place] += 1
        return fuzz.found_on(counts, names, crashes, hangs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, help="for each loader")
    parser.add_argument("--board", type=Path, help="only for the process that reads")
    parser.add_argument("--place", type=int, help="only for the process that reads")
    args = parser.parse_args()
    if args.board:
        fuzz.limit_memory()
        work(args.place, args.inputs, args.board)
    else:
        print(json.dumps(guided(args.inputs)))


if __name__ == "__main__":
    main()
