"""The notebooks of the pages: each runs from top to bottom and shows what its page says."""

import ast
import contextlib
import doctest
import io
import re
import shlex
import traceback
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest

import tinynet as tn
from benchmarks import gallery

DOCS = Path(__file__).parents[1] / "docs"


def load(path: Path) -> ModuleType:
    """Import a file of docs/, which is no package."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


notebooks = load(DOCS / "_ext" / "notebooks.py")
PAGES = notebooks.pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
SOLUTION = re.compile(r"^````\{admonition\}.*?^````$", re.MULTILINE | re.DOTALL)
TRACEBACK = "Traceback (most recent call last):\n"
ANY_ERROR = contextlib.suppress(Exception)
NOTHING = contextlib.nullcontext()
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Do without the lists and pictures that only a build of the documentation makes."""
    real = notebooks.included

    def included(path: Path, options: dict[str, str]) -> str:
        return "" if path.parent.name == "generated" else real(path, options)

    monkeypatch.setattr(notebooks, "included", included)


def run(source: str, names: dict[str, Any]) -> str:
    """Run a cell as Jupyter does, and return what it shows: what it prints, its last value."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
            if value is not None:
                print(repr(value))
    return shown.getvalue()


@pytest.mark.usefixtures("generated")
@each_page
def test_its_cells_run_in_order_and_show_what_the_page_says(page: Path) -> None:
    tn.config.use_kernels("numpy")
    # The solutions are text of the notebook; what they define is used by later solutions only.
    text = re.sub(r"^```.*$", "", SOLUTION.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    said = [e for e in doctest.DocTestParser().get_examples(text) if e.want]
    names: dict[str, Any] = {"__name__": "__main__"}
    same = doctest.OutputChecker().check_output
    shown = []
    with np.printoptions():
        for cell in notebooks.notebook(page).cells:
            if cell.cell_type != "code":
                continue
            if cell.source.startswith(notebooks.SHOWS_A_STEP):
                assert "tracing.traced.Trace object" in run(cell.source, names)
                continue
            if "raises-exception" not in cell.metadata.get("tags", ()):
                shown.append((cell.source, run(cell.source, names)))
                continue
            with pytest.raises(Exception) as raised:  # noqa: PT011 - which one, the page says
                run(cell.source, names)
            assert cell.source.startswith(notebooks.RAISES)
            error = "".join(traceback.format_exception_only(raised.value))
            shown.append((cell.source, f"{TRACEBACK}    ...\n{error}"))
    shown = [(source, text) for source, text in shown if text]
    assert len(shown) == len(said)
    for (source, got), example in zip(shown, said, strict=True):
        assert same(example.want, got, doctest.ELLIPSIS), (source, got, example.want)


@pytest.mark.usefixtures("generated")
@each_page
def test_so_do_its_solutions_pasted_one_after_the_other(page: Path) -> None:
    tn.config.use_kernels("numpy")
    names: dict[str, Any] = {"__name__": "__main__"}
    with np.printoptions():
        for cell in notebooks.notebook(page).cells:
            if cell.cell_type == "code":
                with contextlib.suppress(Exception):  # of those, the test above takes care
                    run(cell.source, names)
            elif re.search(r"^<summary>(Solution|Answer)</summary>", cell.source, re.MULTILINE):
                for code in CODE.findall(cell.source):
                    with ANY_ERROR if "\n# Traceback" in code else NOTHING:
                        run(code, names)


@pytest.mark.usefixtures("generated")
@each_page
def test_nothing_in_it_needs_the_site(page: Path) -> None:
    book = notebooks.notebook(page)
    assert book == notebooks.notebook(page)  # the same page is the same file
    for cell in book.cells:
        if cell.cell_type == "code":
            assert not re.search(r"^(>>>|\.\.\.)", cell.source, re.MULTILINE)
            continue
        prose = re.sub(r"^(`{3,}).*?^\1$", "", cell.source, flags=re.MULTILINE | re.DOTALL)
        assert cell.source.count("<details>") == cell.source.count("</details>")
        assert "```" not in prose
        assert not re.search(r"^%|^\(.+\)=$|\]\((?!http)|\{\w+\}`", prose, re.MULTILINE), prose
        assert not re.search(r'href="(?!http)', prose), prose


def test_there_is_one_for_every_page_with_examples() -> None:
    names = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert {"backprop/dense.md", "exercises.md", "questions.md"} <= names
    without = {page.relative_to(DOCS).as_posix() for page in DOCS.glob("*.md")} - names
    # docs/exercises.md says why.
    assert without == {"glossary.md", "index.md", "keras_names.md", "parity.md"}


TINY = """# Tiny

% a comment
(tiny-label)=
## A heading

Prose with [a link
to a page](other.md#there), [another site](https://example.org) and {class}`Dense <x.Dense>`.

```{figure} tiny.svg
:alt: A curve

It falls.
```

```python
>>> a = 1
>>> a
1
>>> for i in range(2):
...     print(i)
...
0
1
>>> a[0]
Traceback (most recent call last):
    ...
TypeError: 'int' object is not subscriptable
```

```python
### a comment
```

**1. Predict.** What is $a + 1$?

````{admonition} Solution
:collapsible: closed

Look:

```python
>>> b = a + 1
>>> b
2
```
````
"""


def test_what_becomes_of_each_part_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "tiny.md"
    page.write_text(TINY)
    cells = notebooks.notebook(page).cells
    nbformat.validate(nbformat.from_dict({**notebooks.notebook(page)}))
    assert cells[0].source.startswith("# Tiny\n")
    assert "%pip install" in cells[1].source
    assert [(cell.cell_type, cell.source) for cell in cells[2:]] == [
        (
            "markdown",
            "## A heading\n\nProse with a link\nto a page, [another site](https://example.org) and "
            "Dense.\n\n*A figure on the page: A curve.* It falls.",
        ),
        ("code", "a = 1\na"),
        ("code", "for i in range(2):\n    print(i)"),
        ("code", "# Raises an error, on purpose.\na[0]"),
        (
            "markdown",
            "```python\n### a comment\n```\n\n**1. Predict.** What is $a + 1$?",
        ),
        ("code", "# Your answer:"),
        (
            "markdown",
            "<details>\n<summary>Solution</summary>\n\nLook:\n\n"
            "```python\nb = a + 1\nb\n# 2\n```\n\n</details>",
        ),
    ]


def test_a_directive_that_no_notebook_can_show_is_named(tmp_path: Path) -> None:
    page = tmp_path / "odd.md"
    page.write_text("# Odd\n\n```{video} a.mp4\n```\n")
    with pytest.raises(ValueError, match=r"the directive '\{video\} a\.mp4'"):
        notebooks.notebook(page)


def test_jupyter_runs_one_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYNET_KERNELS", "numpy")
    book = gallery.run(notebooks.notebook(DOCS / "teaching.md"), tmp_path / "teaching.ipynb")
    errors = {
        output.ename
        for cell in book.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    }
    assert errors == {"AssertionError", "GradientError"}  # both on purpose
    shown = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert "{'a': True, 'b': False, 'c': False}" in str(shown)


def test_the_command_that_installs_it_is_whole() -> None:
    command = notebooks.INSTALL.split("\n")[-1].removeprefix("# %pip ")
    assert shlex.split(command) == ["install", "--quiet", "./tinynet.zip[plots,report,search]"]


def test_the_package_for_colab_holds_all_that_pip_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(notebooks, "pages", list)
    notebooks.make_notebooks(None)
    package = Path(tn.__file__).parent
    with zipfile.ZipFile(tmp_path / "tinynet.zip") as packed:
        names = set(packed.namelist())
        assert packed.read("tinynet/tinynet/__init__.py") == (package / "__init__.py").read_bytes()
    code = {f"tinynet/{path.relative_to(package.parent)}" for path in package.rglob("*.py")}
    assert code <= names
    assert {f"tinynet/{name}" for name in ("pyproject.toml", "README.md", "LICENSE")} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_code_beside_a_step_stands_below_it() -> None:
    (steps,) = (
        cell.source
        for cell in notebooks.notebook(DOCS / "backprop" / "dense.md").cells
        if cell.source.startswith("## Backward, step by step")
    )
    bias = steps.partition("**3. The bias.**")[2].partition("**4.")[0]
    assert "```python\nlinear.column_sum(dz," in bias and "product" not in bias


def test_examples_beside_a_step_are_cells_below_it() -> None:
    cells = notebooks.notebook(DOCS / "backprop" / "one_neuron.md").cells
    (number,) = (i for i, cell in enumerate(cells) if cell.source == "dL = 1.0")
    assert cells[number].cell_type == "code"
    assert "**1. The start.**" in cells[number - 1].source
    assert cells[number + 1].source.startswith("**2. Through the logarithm.**")


def test_a_step_in_a_frame_becomes_a_cell_that_makes_it_but_the_bug_is_not_given_away() -> None:
    def steps(page: str) -> list[str]:
        cells = notebooks.notebook(DOCS / page).cells
        return [c.source for c in cells if c.source.startswith(notebooks.SHOWS_A_STEP)]

    (dense,) = steps("backprop/dense.md")
    assert "return dense()" in dense and "def _above" not in dense  # only what it needs
    names: dict[str, Any] = {}
    run(dense, names)
    assert set(names) == {"the_step", "__builtins__"}
    assert names["the_step"]()["d dense/kernel"].tolist() == [[1, 0], [1, 0.5], [-4, 1.5]]
    assert steps("museum.md") == []
