"""Every example runs alone, as a script and as a notebook, and is the same run in both."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from benchmarks import accuracy, gallery

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
OPTIONS = ["--quick", "--seed", "1"]
# MPICH's launcher for one machine. Unlike its mpiexec it listens to no network.
LAUNCHER = shutil.which("mpiexec.gforker", path=str(Path(sys.executable).parent))
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def load(path: Path) -> ModuleType:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = load(ROOT / "docs" / "_ext" / "gallery.py")


def start(example: Path, folder: Path, options: list[str]) -> subprocess.Popen[str]:
    """Start a copy of a script in a folder of its own."""
    shutil.copy(example, folder)
    return subprocess.Popen(
        [sys.executable, example.name, *options],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"MPLBACKEND": "Agg"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def notebook(example: Path, folder: Path, options: list[str]) -> nbformat.NotebookNode:
    """Run the notebook of a script in a folder of its own, its options beside the kernel's."""
    book = gallery.as_notebook(example)
    first = next(cell for cell in book.cells if cell.cell_type == "code")
    first.source = f"import sys\nsys.argv += {options}\n{first.source}"
    return gallery.run(book, folder / f"{example.stem}.ipynb")


def without_times(results: Any) -> Any:
    """Leave out what differs between two equal runs."""
    if isinstance(results, list):
        return [without_times(each) for each in results]
    if not isinstance(results, dict):
        return results
    return {k: without_times(v) for k, v in results.items() if k not in ("seconds", "megabytes")}


@each_example
def test_runs_alone_as_a_script_and_as_a_notebook(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = OPTIONS
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("TINYNET_DATA", os.devnull)  # --quick must not even look
    if example.stem == "data_parallel":
        pytest.importorskip("mpi4py", reason="without mpi4py no processes train together")
        assert LAUNCHER, f"no mpiexec.gforker of the package mpich beside {sys.executable}"
        options = [*OPTIONS, "--mpiexec", shlex.quote(LAUNCHER)]
        monkeypatch.setenv("MPIR_CVAR_CH4_NETMOD", "ofi")  # shared memory alone, no ports
        monkeypatch.setenv("FI_PROVIDER", "shm")
    folders = {form: tmp_path / form for form in ("script", "notebook")}
    for folder in folders.values():
        folder.mkdir()
    with start(example, folders["script"], options) as process:
        try:
            book = notebook(example, folders["notebook"], options)
        except subprocess.CalledProcessError as error:
            pytest.fail(error.stderr)
        printed, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "Warning" not in errors

    cells = gallery.outputs(book)  # an error if any cell put out a warning
    texts = {"script": printed, "notebook": "\n".join(text for text, _ in cells)}
    results, pictures = {}, {}
    for form, folder in folders.items():
        out = folder / "runs" / example.stem
        results[form] = without_times(json.loads((out / "results.json").read_text()))
        pictures[form] = {path.name for path in out.glob("*.png")}
        if results[form]["data"] == "drawn_apparel":
            assert texts[form].count("NOT FASHION-MNIST") == 2  # at the start and at the end
    assert results["script"] == results["notebook"]
    assert results["script"]["seed"] == 1 and results["script"]["data"] != "fashion_mnist"
    assert pictures["script"] == pictures["notebook"]
    assert sum(len(shown) for _, shown in cells) == len(pictures["notebook"]) > 0


@each_example
def test_is_listed_and_has_a_thumbnail(example: Path) -> None:
    text = example.read_text()
    assert f"(examples/{example.name})" in (ROOT / "README.md").read_text()
    assert f"python examples/{example.name} " in text
    assert text.count("parser = lessons.options(") == text.count("= lessons.begin(parser)\n") == 1
    assert (gallery.RECORDS / example.stem / f"{pages.THUMBNAILS[example.stem]}.png").exists()


@each_example
def test_the_record_is_that_of_the_script(example: Path) -> None:
    """If this fails: make gallery ARGS="--only ..."."""
    record = gallery.recorded(example.stem)
    assert record, "never recorded"
    assert record["script"] == gallery.digest(example.stem), "the code has changed since"
    assert record["data"] != "drawn_apparel"
    book = gallery.as_notebook(example)
    assert len(record["cells"]) == sum(cell.cell_type == "code" for cell in book.cells)
    named = [name for cell in record["cells"] for name in cell["pictures"]]
    there = [path.name for path in (gallery.RECORDS / example.stem).glob("*.png")]
    assert sorted(named) == sorted(there) != []
    for name in named:
        assert (gallery.RECORDS / example.stem / name).stat().st_size < 200_000
    assert any(cell["text"] for cell in record["cells"])


TINY = """
'''
Tiny
====

A lesson.
'''

# %%
# A picture.

import matplotlib.pyplot as plt

from tinynet import lessons

args = lessons.begin(lessons.options("Draw.", "tiny"))
print("drawn\\rDRAW")
plt.subplots(figsize=(2, 1))
lessons.keep_figure(args, "line")

# %%
# What is kept

lessons.keep_results(args, "nothing", {})
"""


def test_an_example_is_recorded_cell_by_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "examples" / "tiny.py").write_text(TINY.lstrip().replace("'''", '"""'))
    monkeypatch.setattr(accuracy, "ROOT", tmp_path)
    monkeypatch.setattr(gallery, "RECORDS", tmp_path / "records")
    made = gallery.record("tiny", tmp_path / "run")
    assert made == gallery.recorded("tiny") and made["data"] == "nothing"
    assert [cell["pictures"] for cell in made["cells"]] == [["line.png"], []]
    assert [cell["text"] for cell in made["cells"]] == ["DRAWn", "results in runs/tiny/"]
    kept = tmp_path / "records" / "tiny"
    assert sorted(path.name for path in kept.iterdir()) == ["line.png", "record.json"]
    assert (kept / "line.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in kept.parent.iterdir()] == ["tiny"]  # nothing is left beside it


def test_what_a_bar_overwrites_is_not_recorded() -> None:
    bar = "Epoch 1/2\n\r 1/10 |#   |\r 9/10 |####|\r               \r10/10 - done\nEpoch 2/2\n"
    assert gallery.as_on_a_terminal(bar) == "Epoch 1/2\n10/10 - done\nEpoch 2/2\n"
    assert gallery.as_on_a_terminal("abcdef\rxy\n") == "xycdef\n"


def test_what_is_no_text_and_no_picture_is_not_recorded() -> None:
    warning = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    cell = nbformat.v4.new_code_cell("1 / 0", outputs=[warning])
    with pytest.raises(ValueError, match="a warning"):
        gallery.outputs(nbformat.v4.new_notebook(cells=[cell]))


def test_outputs_stand_below_their_cells() -> None:
    above = ".. GENERATED FROM PYTHON SOURCE LINES 1-2\n\n"
    text, code = f"{above}Text.\n", f"{above}\n.. code-block:: Python\n\n    x = 1\n"
    page = f"Title\n{text}{code}{text}{code}{pages.BELOW_CELLS}links"
    shown = pages.with_outputs(page, ["one\n", "two\n"], "run\n")
    assert shown == f"Title\n{text}{code}one\n{text}{code}two\nrun\n{pages.BELOW_CELLS}links"
    for wrong in (["one"], ["one", "two", "three"]):
        with pytest.raises(ValueError, match="zip"):
            pages.with_outputs(page, wrong, "run")
