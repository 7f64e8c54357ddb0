"""What the examples print and draw, recorded for the gallery in the documentation.

make gallery
python -m benchmarks.gallery --only xor three_models

Turns each example into the notebook that the gallery offers, runs it from start to finish in an
empty folder, on Fashion-MNIST and with its default options, and saves the printed lines of every
cell and its pictures in docs/gallery/<example>/, with a digest of the script: an example is run
again only if its code has changed since. docs/_ext/gallery.py shows the records on the pages.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from sphinx_gallery import gen_gallery, notebook, py_source_parser

from benchmarks.accuracy import ROOT, digest, script_of

RECORDS = ROOT / "docs" / "gallery"
COLORS = 256  # in a picture: a third of the size, with no visible difference


def as_notebook(script: Path) -> nbformat.NotebookNode:
    """Return a script as the notebook that the gallery makes from it."""
    _, cells = py_source_parser.split_code_and_text_blocks(script)
    made = notebook.jupyter_notebook(cells, gen_gallery.DEFAULT_GALLERY_CONF, script.parent)
    return nbformat.reads(json.dumps(made), as_version=4)


def run(book: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """Write a notebook, run it in its folder, and return it with the outputs of its cells.

    Raises
    ------
    CalledProcessError
        If a cell fails; the error is in the attribute ``stderr``.
    """
    nbformat.write(book, path)
    # Python finds the installed package and nothing else, and figures appear in the notebook.
    env = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "PYTHONPATH")}
    execute = "from nbclient.cli import main; main()"  # jupyter execute, of this environment
    command = [sys.executable, "-c", execute, "--inplace", path.name]
    subprocess.run(command, cwd=path.parent, env=env, check=True, capture_output=True, text=True)
    return nbformat.read(path, as_version=4)


def as_on_a_terminal(text: str) -> str:
    """Return the text that a terminal shows in the end: a progress bar overwrites its line."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for written in line.split("\r"):
            shown = written + shown[len(written) :]
        lines.append(shown.rstrip())
    return "\n".join(lines)


def outputs(book: nbformat.NotebookNode) -> list[tuple[str, list[bytes]]]:
    """Return the printed text of every code cell, and its pictures as PNG.

    Raises
    ------
    ValueError
        If there is any other output, such as a warning.
    """
    found = []
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        text, pictures = "", []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stdout":
                text += output.text
            elif output.output_type == "display_data" and "image/png" in output.data:
                pictures.append(base64.b64decode(output.data["image/png"]))
            else:
                raise ValueError(f"a cell has the output {output}:\n{cell.source}")
        found.append((as_on_a_terminal(text).strip("\n"), pictures))
    return found


def small(picture: bytes) -> bytes:
    """Return a picture reduced to a palette."""
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLORS).save(out, "PNG", optimize=True)
    return out.getvalue()


def record(example: str, folder: Path) -> dict[str, Any]:
    """Run an example in an empty folder, and replace its record."""
    made_by = digest(example)
    start = time.perf_counter()
    book = run(as_notebook(script_of(example)), folder / f"{example}.ipynb")
    seconds = time.perf_counter() - start
    results = folder / "runs" / example
    said = json.loads((results / "results.json").read_text())
    if said["data"] == "drawn_apparel":
        raise ValueError(f"{example}: ran on drawn garments, because Fashion-MNIST was not found")
    # Every figure is saved to a file and shown in the notebook, in the same order.
    saved = sorted(results.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
    names = [path.name for path in saved]
    cells, pictures = [], {}
    for text, shown in outputs(book):
        own, names = names[: len(shown)], names[len(shown) :]
        pictures |= {name: small(each) for name, each in zip(own, shown, strict=True)}
        cells.append({"text": text, "pictures": own})
    if names:
        raise ValueError(f"{example}: saved, but not shown: {names}")
    kept = {
        "script": made_by,
        "data": said["data"],
        "date": f"{dt.date.today()}",
        "seconds": round(seconds),
        "machine": said["machine"],
        "versions": said["versions"],
        "cells": cells,
    }
    RECORDS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RECORDS) as beside:
        fresh = Path(beside, example)
        fresh.mkdir()
        for name, picture in pictures.items():
            (fresh / name).write_bytes(picture)
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        (fresh / "record.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(RECORDS / example, ignore_errors=True)
        fresh.replace(RECORDS / example)
    return kept


def recorded(example: str) -> dict[str, Any]:
    """Return the record of an example, or an empty dict."""
    path = RECORDS / example / "record.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> None:
    """Record the examples whose code has changed: those named, or all."""
    every = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="EXAMPLE", choices=every, default=every)
    parser.add_argument("--again", action="store_true", help="even if the code has not changed")
    args = parser.parse_args()
    failed = []
    for example in args.only:
        if recorded(example).get("script") == digest(example) and not args.again:
            print(f"{example}: unchanged since it was recorded")
            continue
        print(f"{example}: ", end="", flush=True)
        try:
            with tempfile.TemporaryDirectory() as folder:
                print(f"recorded in {record(example, Path(folder))['seconds']:,} s", flush=True)
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"{error}\n{getattr(error, 'stderr', '')}", flush=True)
            failed.append(example)
    sys.exit(f"not recorded: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
