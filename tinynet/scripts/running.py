"""A script or a notebook, run as Python runs it, with tinynet standing in for Keras."""

from __future__ import annotations

import ast
import json
import linecache
import os
import re
import sys
import tokenize
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple

from tinynet.scripts.modules import standin

# What IPython takes for a command: of its own, of the shell, or a question about a name.
COMMAND = re.compile(r"\s*(%{1,2}[A-Za-z]|!|\?|[\w.]+\?{1,2}\s*$|[\w, ]+=\s*[!%])")
# Commands for a whole cell after which the rest of it is Python nevertheless.
OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")


class Source(NamedTuple):
    """A piece of a file, and the name under which a traceback shows it."""

    name: str
    text: str


def run(path: str, arguments: Sequence[str] = (), figures: str | None = None) -> int:
    """Run a script, or a notebook's cells from top to bottom, with tinynet as Keras.

    Parameters
    ----------
    path : str
        A script, or a notebook if it ends in ``.ipynb``.
    arguments : sequence of str
        What the script finds in ``sys.argv`` after its own name.
    figures : str, optional
        Folder for the figures that the script shows.

    Returns
    -------
    int
        The exit status: 1 if the script has failed, and its traceback has been printed.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is no notebook.
    """
    standin()
    _prepare_figures(figures)
    return run_file(path, arguments)


def run_file(path: str, arguments: Sequence[str] = ()) -> int:
    """Run a file as Python runs a script, whatever ``import keras`` means; see `run`."""
    cells = sources(path)
    module = ModuleType("__main__")
    module.__file__ = os.path.abspath(path)
    sys.modules["__main__"] = module
    sys.argv = [path, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    names = vars(module)
    is_notebook = path.endswith(".ipynb")
    if is_notebook:
        names["display"] = print
    for cell in cells:
        lines = cell.text.splitlines(keepends=True)
        linecache.cache[cell.name] = len(cell.text), None, lines, cell.name
        try:
            if is_notebook:
                _run_cell(cell, names)
            else:
                exec(compile(cell.text, cell.name, "exec", dont_inherit=True), names)
        except Exception as error:
            shown = _of_the_script(error.__traceback__, {each.name for each in cells})
            traceback.print_exception(error.with_traceback(shown))
            return 1
    return 0


def sources(path: str) -> list[Source]:
    """Return a script as one piece, a notebook as one for every cell of code.

    Commands of IPython and of the shell are left out of the cells, and a line on standard error
    says which. The other lines keep their numbers.

    Raises
    ------
    OSError
        If the file cannot be read.
    SyntaxError
        If a script names an encoding that there is not.
    ValueError
        If a notebook is not one.
    """
    if not path.endswith(".ipynb"):
        with tokenize.open(path) as file:
            return [Source(path, file.read())]
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))
        cells = cells["cells"] if "cells" in cells else cells["worksheets"][0]["cells"]
        texts = [
            "".join(each.get("source", each.get("input", "")))
            for each in cells
            if each["cell_type"] == "code"
        ]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a notebook: {type(error).__name__}: {error}") from None
    found = []
    for number, text in enumerate(texts, 1):
        name = f"{path}, cell {number}"
        python, left_out = without_commands(text)
        for line in left_out:
            print(f"tinynet: {name}: left out: {line}", file=sys.stderr)
        found.append(Source(name, python))
    return found


def without_commands(cell: str) -> tuple[str, list[str]]:
    """Return a cell with ``pass`` for what only IPython understands, and those lines.

    A cell that is Python as it stands is not changed.
    """
    try:
        ast.parse(cell)
    except SyntaxError:
        pass
    else:
        return cell, []
    lines = cell.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(OF_PYTHON):
        return "", [f"{first} (the whole cell)"]
    kept, left_out = [], []
    goes_on = False
    for line in lines:
        if not goes_on and not COMMAND.match(line):
            kept.append(line)
            continue
        left_out.append(line.strip())
        kept.append("" if goes_on else line[: len(line) - len(line.lstrip())] + "pass")
        goes_on = line.rstrip().endswith("\\")
    return "\n".join(kept), left_out


def _run_cell(cell: Source, names: dict[str, Any]) -> None:
    """Run a cell, print the value of its last line, and show the figures that it has drawn."""
    tree = ast.parse(cell.text, cell.name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(_compiled(tree, cell.name), names)
    if isinstance(last, ast.Expr):
        value = eval(_compiled(ast.Expression(last.value), cell.name), names)
        if value is not None and not cell.text.rstrip().endswith(";"):
            print(repr(value))
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_fignums():
        pyplot.show()


def _compiled(tree: ast.Module | ast.Expression, name: str) -> CodeType:
    mode = "exec" if isinstance(tree, ast.Module) else "eval"
    code: CodeType = compile(tree, name, mode, dont_inherit=True)
    return code


def _prepare_figures(folder: str | None) -> None:
    """Choose where figures go: into a folder, or nowhere where there is no screen."""
    if folder is not None:
        os.environ["TINYNET_FIGURES"] = os.path.abspath(folder)
    elif "MPLBACKEND" in os.environ or _has_screen():
        return
    os.environ["MPLBACKEND"] = "module://tinynet.scripts.figures"


def _has_screen() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _of_the_script(trace: TracebackType | None, names: set[str]) -> TracebackType | None:
    """Return a traceback from the script's first line on; the stand-in's own frames are left out.

    A name that is missing ends at the line of the script that asks for it.
    """
    frames = list(_frames(trace))
    begin = next((i for i, each in enumerate(frames) if _file(each) in names), len(frames))
    end = len(frames)
    while end > begin + 1 and _module(frames[end - 1]).startswith(("tinynet.scripts", "importlib")):
        end -= 1
    kept: TracebackType | None = None
    for each in reversed(frames[begin:end]):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _file(trace: TracebackType) -> str:
    return trace.tb_frame.f_code.co_filename


def _module(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", ""))
