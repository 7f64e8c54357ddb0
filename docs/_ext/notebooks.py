"""Notebooks of the pages: every page with examples can be run in Jupyter or Colab.

The examples become cells without prompts, and without what they put out: running them shows it.
What only the site can do becomes text. A link to another page keeps its words, a figure its
description; code of the package and solutions, which are folded, are there to be read. In the place
of a training step in a frame there is a cell that makes and shows the same step.

A page without examples has none: there is nothing in it to run (the start page, the glossary, the
list of Keras's names, the tables of parity). What stays a fragment on a page with examples, because
it needs Keras, a cluster, a debugger or an hour, is text of its notebook.

Written to docs/generated/notebooks/ before the pages are read. With them goes tinynet.zip, the
package to be installed where there is no copy of the repository.
"""

import ast
import doctest
import io
import re
import textwrap
import zipfile
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.config import Config
from sphinx.directives.code import LiteralIncludeReader

import tinynet

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
NOTEBOOKS = DOCS / "generated" / "notebooks"
STEPS = DOCS / "_ext" / "steps.py"
TO_FIND = "bug"  # a step with a mistake, which its code would give away

NOTE = f"""# {{title}}

A page of the documentation of tinynet {tinynet.__version__}, as a notebook. Run its cells from top
to bottom, and guess what each shows before you do. Some raise an error on purpose, and say so;
where that stops the notebook, go on with the next cell. Figures, and links to other pages, are on
the page itself."""
INSTALL = """\
# Where tinynet is not installed yet, as in Colab: put tinynet.zip (its link is on the page of the
# exercises, "In a notebook") beside this notebook, take away the # before %pip, and run this cell.
# %pip install --quiet "./tinynet.zip[plots,report,search]"\
"""
RAISES = "# Raises an error, on purpose.\n"
ANSWER = "# Your answer:"
SHOWS_A_STEP = "# The step that the page shows here. Change a number, and run it again.\n"

BELOW_TITLE = """
```{{container}} notebook
{{download}}`Notebook </generated/notebooks/{}.ipynb>` of this page, for [Jupyter or
Colab](#notebooks)
```
"""

OPTION = re.compile(r":([\w-]+):[ ]*(.*)\n")
QUOTES = re.compile(r'^"(.*)"$')
HEADING = re.compile(r"^(?=#+ )", re.MULTILINE)
# Comments of Markdown, and the labels that links lead to.
UNSEEN = re.compile(r"^(?:%.*|\([\w-]+\)=)\n", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\((?!https?:)[^()\s]+\)")
ANCHOR = re.compile(r'<a href="(?!https?:)[^"]*">([^<]*)</a>')
FRAME = re.compile(r"generated/trace_(\w+)\.html$")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]*?)\s*(?:<[^`]*>)?`")


def cells_of(examples):
    """Yield the source of each cell, and what it puts out; a cell ends where something is shown."""
    lines = []
    for example in examples:
        lines.append(example.source)
        if example.want:
            yield "".join(lines).rstrip("\n"), example.want
            lines = []
    if lines:
        yield "".join(lines).rstrip("\n"), ""


def transcript(examples):
    """Return examples as code that can be pasted, with what they put out in comments."""
    lines = []
    for example in examples:
        shown = (f"# {line}".rstrip() for line in example.want.splitlines())
        lines += [example.source.removesuffix("\n"), *shown]
    return "\n".join(["```python", *lines, "```"])


def included(path, options):
    """Return a file, or the part of it that the options choose."""
    chosen = {name: QUOTES.sub(r"\1", value) or None for name, value in options.items()}
    return LiteralIncludeReader(str(path), chosen, Config()).read()[0]


def step(frame):
    """Return code that makes and shows the training step of a frame: what steps.py has for it."""
    text = STEPS.read_text(encoding="utf-8")
    body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    defined = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined[node.targets[0].id] = node
    table = defined.pop("STEPS").value
    functions = {
        key.value: row.elts[0].id for key, row in zip(table.keys, table.values, strict=True)
    }
    used, new = set(), {functions[frame]}
    while new:
        used |= new
        inside = (name for each in new for name in ast.walk(defined[each]))
        new = {name.id for name in inside if isinstance(name, ast.Name)} & defined.keys() - used
    # In a function of its own, so that no name of the notebook changes its meaning.
    parts = [node for name, node in defined.items() if name in used]
    lines = "\n".join(ast.get_source_segment(text, node) for node in imports)
    code = "\n\n".join([lines, *(ast.get_source_segment(text, node) for node in parts)])
    code += f"\n\nreturn {functions[frame]}()"
    return f"{SHOWS_A_STEP}def the_step():\n{textwrap.indent(code, '    ')}\n\nthe_step()"


def said(text):
    """Return prose without what only the site understands."""
    text = UNSEEN.sub("", text)
    for only_here in (LINK, ANCHOR, ROLE):
        text = only_here.sub(r"\1", text)
    return text.strip("\n")


def parts(text, folder):
    """Yield the parts of a page in order: prose as text, a block of examples as a list of them."""
    lines, done = text.splitlines(keepends=True), 0
    for token in MarkdownIt().parse(text):
        if token.type == "fence":
            start, end = token.map
            yield said("".join(lines[done:start]))
            yield from block(token.info, token.content, folder)
            done = end
    yield said("".join(lines[done:]))


def block(info, content, folder):
    """Yield the parts of a fenced block: code, or one of the directives that the pages use."""
    kind, _, argument = info.partition(" ")
    if kind in ("python", "{beside}") and content.startswith(">>> "):
        yield doctest.DocTestParser().get_examples(content)
        return
    if not kind.startswith("{"):
        yield f"```{info}\n{content}```"
        return
    options = {}
    while found := OPTION.match(content):
        options[found[1]] = found[2]
        content = content[found.end() :]
    alt, caption = options.pop("alt", ""), options.pop("caption", "")
    match kind:
        case "{admonition}":
            folded = as_text(content, folder)
            yield f"<details>\n<summary>{argument}</summary>\n\n{folded}\n\n</details>"
        case "{beside}":  # see quoted.py
            ends = {"end-at": options.get("start-at", ""), **options, "dedent": ""}
            name, code = options["pyobject"], included(folder / argument, ends)
            yield f"`{name}`, in {Path(argument).name}:\n\n```python\n{code.rstrip()}\n```"
        case "{container}":
            yield from parts(content, folder)
        case "{figure}" | "{image}":
            yield f"*A figure on the page: {alt}.* {said(content)}".rstrip()
        case "{include}":
            yield from parts(included(folder / argument, options), folder)
        case "{literalinclude}":
            if caption:
                yield f"{caption}:"
            yield f"```python\n{included(folder / argument, options).rstrip()}\n```"
        case "{raw}" if (frame := FRAME.search(options.get("file", ""))) and frame[1] != TO_FIND:
            yield [doctest.Example(step(frame[1]), "")]
        case "{raw}":
            yield "*Here the page has something to try out.*"
        case "{toctree}":
            pass
        case _:
            raise ValueError(f"no notebook can show the directive {info!r} yet")


def as_text(text, folder):
    """Return a part of a page as Markdown, its examples included."""
    found = (each if isinstance(each, str) else transcript(each) for each in parts(text, folder))
    return "\n\n".join(filter(None, found))


def code_cell(source, want):
    """Return the cell of some code, marked if it is meant to fail, so that "run all" goes on."""
    if want.startswith("Traceback"):
        return new_code_cell(RAISES + source, metadata={"tags": ["raises-exception"]})
    return new_code_cell(source)


def notebook(page):
    """Return a page as a notebook."""
    heading, _, text = page.read_text(encoding="utf-8").partition("\n")
    title = heading.removeprefix("# ")
    cells = [new_markdown_cell(NOTE.format(title=title)), new_code_cell(INSTALL)]
    prose = []

    def put_prose():
        if together := "\n\n".join(filter(None, prose)):
            cells.append(new_markdown_cell(together))
        prose.clear()

    for part in parts(text, page.parent):
        if not isinstance(part, str):
            put_prose()
            cells += [code_cell(source, want) for source, want in cells_of(part)]
        elif part.startswith("<details>"):
            put_prose()
            cells += [new_code_cell(ANSWER)] * ("<summary>Solution<" in part)
            cells.append(new_markdown_cell(part))
        elif part.startswith("```"):
            prose.append(part)
        else:
            first, *others = HEADING.split(part)
            prose.append(first.strip("\n"))
            for section in others:  # each begins a cell
                put_prose()
                prose.append(section.strip("\n"))
    put_prose()
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # not drawn: the same page is the same file
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(made)
    return made


def pages():
    """Return the pages with examples to run."""
    made = "_build", "generated"
    return [
        page
        for page in sorted(DOCS.rglob("*.md"))
        if page.relative_to(DOCS).parts[0] not in made and "\n>>> " in page.read_text("utf-8")
    ]


def archive(files):
    """Return a zip of files: where they are, by their names in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, path in files.items():
            made.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def write(path, content):
    """Write a file unless it holds the same: with an old date, pages are not read again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def make_notebooks(app):
    """Write the notebook of each page, a zip of all of them, and one of the package."""
    made = {}
    for page in pages():
        path = NOTEBOOKS / page.relative_to(DOCS).with_suffix(".ipynb")
        write(path, nbformat.writes(notebook(page)).encode())
        made[f"tinynet_notebooks/{path.relative_to(NOTEBOOKS)}"] = path
    write(NOTEBOOKS / "tinynet_notebooks.zip", archive(made))
    code = (path for path in sorted(Path(tinynet.__file__).parent.rglob("*")) if path.is_file())
    package = [ROOT / name for name in ("LICENSE", "README.md", "pyproject.toml")]
    package += [path for path in code if "__pycache__" not in path.parts]
    named = {f"tinynet/{path.relative_to(ROOT)}": path for path in package}
    write(NOTEBOOKS / "tinynet.zip", archive(named))


def link_notebook(app, docname, source):
    """Put the link to its notebook below the title of a page."""
    if (NOTEBOOKS / f"{docname}.ipynb").exists():
        title, _, text = source[0].partition("\n")
        source[0] = "\n".join([title, BELOW_TITLE.format(docname), text])


def setup(app):
    """Make the notebooks after the lists that some of them include, before the pages are read."""
    app.connect("builder-inited", make_notebooks, priority=200)
    app.connect("source-read", link_notebook)
    return {"parallel_read_safe": True}
