"""The documentation: its numbers, its map, its lists; and pages load nothing from elsewhere."""

import ast
import codeop
import doctest
import inspect
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from docutils import nodes

import tinynet
from tinynet.activations import ACTIVATIONS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if ">>> " in page.read_text(encoding="utf-8")]


def load(path):
    """Import a file of docs/, which is no package."""
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_give_what_the_page_says(page, kernel_form):
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    failures = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    with np.printoptions():  # what a page sets ends with the page
        runner.run(test, out=failures.append)
    assert not failures, "".join(failures)


def test_examples_can_be_pasted_into_python():
    # There a block such as a loop ends with an empty line: "..." and nothing else on the page.
    statement = re.compile(r"^( *)>>> .*(?:\n\1\.\.\..*)*", re.MULTILINE)
    examples, unfinished = 0, []
    for path in [*PAGES, *sorted(Path(tinynet.__file__).parent.rglob("*.py"))]:
        for found in statement.finditer(path.read_text(encoding="utf-8")):
            lines = [line[len(found[1]) + 4 :] for line in found[0].split("\n")]
            examples += 1
            if codeop.compile_command("\n".join(lines)) is None:
                unfinished.append(f"{path.name}: {lines[0]}")
    assert examples > 200
    assert unfinished == []


def test_how_a_figure_is_drawn_is_no_part_of_its_caption():
    pages = [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    told = re.compile(r"[Dd]rawn[\w\s]*by\s+`python")
    assert [name for name, text in texts.items() if told.search(text)] == []
    said = re.findall(r"^% python (docs/figures/\w+\.py)$", "\n".join(texts.values()), re.MULTILINE)
    assert "docs/figures/adam.py" in said
    assert [script for script in said if not (DOCS.parent / script).exists()] == []


def test_map_has_every_part_and_every_import_leads_down():
    modules = load(DOCS / "_ext" / "modules.py")
    graph = modules.import_graph()
    floor_of = {
        name: number for number, floor in enumerate(modules.FLOORS.values()) for name in floor
    }
    assert sorted(floor_of) == sorted(graph)
    level_or_up = {
        (name, other)
        for name, imported in graph.items()
        for other in imported
        if floor_of[other] <= floor_of[name]
    }
    assert not level_or_up


def test_the_readmes_table_has_every_part_and_every_import_leads_down():
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| folder or file |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`(?:tinynet/)?(\w+)(?:\.py|/)`", line) for line in table.split("\n")]
    row_of = {name: number for number, names in enumerate(rows) for name in names}
    graph = load(DOCS / "_ext" / "modules.py").import_graph()
    assert not graph.keys() - row_of.keys()
    up = {(a, b) for a, imported in graph.items() for b in imported if row_of[b] < row_of[a]}
    assert not up


def test_pages_name_files_that_exist():
    root = DOCS.parent
    named = re.compile(r"(?<![\w/.-])(?:tinynet|docs|examples|tests)/[\w/]*[\w/](?:\.\w+)?")
    found = {name for page in DOCS.rglob("*.md") for name in named.findall(page.read_text("utf-8"))}
    assert {"tinynet/training.py", "tinynet/kernels/", "docs/figures/adam.py"} <= found
    assert [name for name in sorted(found) if not (root / name).exists()] == []


def public_names():
    """Return the names that the reference has to list."""
    names = set(ACTIVATIONS)
    for part in tinynet.__all__:
        module = getattr(tinynet, part)
        if not inspect.ismodule(module):
            continue
        declared = getattr(module, "__all__", ())
        for name, value in vars(module).items():
            is_own = inspect.isclass(value) and value.__module__ == module.__name__
            if (name in declared and callable(value)) or (is_own and value.__name__ == name):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def test_reference_lists_every_public_name():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.rst"))
    entries = re.findall(r"^(?:   |\.\. auto\w+:: )([\w.]+)$", pages, flags=re.MULTILINE)
    listed = {entry.rpartition(".")[2] for entry in entries}
    assert public_names() >= {"Dense", "relu", "Adam", "confusion_matrix", "ReduceLROnPlateau"}
    assert not public_names() - listed


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<script async src="//cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="http://fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="https://example.org/badge.svg">',
        '<img src="a.png" srcset="a.png 1x, https://example.org/b.png 2x">',
        "<style>@import 'https://fonts.example/css';</style>",
        '<p style="background: url(//example.org/a.png)">text</p>',
        '<iframe src="https://example.org"></iframe>',
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(html):
    found = load(DOCS / "_ext" / "offline.py").loads_from_elsewhere(f"<p>{html}</p>", ".html")
    assert len(found) == 1
    assert "//" in found[0]


def test_links_to_follow_and_local_files_are_no_loads():
    html = """
        <a href="https://example.org">text</a> <img src="../_images/a.svg">
        <script src="_static/a.js"></script> <link rel="next" href="https://example.org/next">
        <style>@import "local.css"; p { background: url(data:image/svg+xml;utf8,x) }</style>
        <p>@import "https://example.org" is only text here</p>
    """
    assert load(DOCS / "_ext" / "offline.py").loads_from_elsewhere(html, ".html") == []


def test_loads_in_style_sheets_are_found():
    css = "@font-face { src: url('https://fonts.example/a.woff2') } a { background: url(a.png) }"
    found = load(DOCS / "_ext" / "offline.py").loads_from_elsewhere(css, ".css")
    assert found == ["https://fonts.example/a.woff2"]


def test_the_evening_names_the_files_that_a_step_runs_through() -> None:
    evening = load(DOCS / "_ext" / "evening.py")
    assert sorted(evening.ORDER) == sorted({ran.file for ran in evening.dense_step()})


def test_the_evening_tells_who_calls_whom() -> None:
    begin, first, *_, end = lines = load(DOCS / "_ext" / "evening.py").calls()
    assert (begin, end) == ("```text", "```")
    assert first.split() == ["Trainer.train_step", "training.py"]
    lines = [line for line in lines if not line.lstrip().startswith("(")]  # named before
    names = [line.split()[0] for line in lines]
    path = ["Dense.forward", "Loss.value", "Loss.gradient", "Dense.backward", "Adam.update"]
    assert [name for name in names if name in path] == path
    (forward,) = (line for line in lines if "Stack.forward" in line)
    assert forward.startswith("  S"), "it is called by train_step itself"
    assert max(map(len, lines)) <= 88


def test_an_evening_is_enough() -> None:
    rows = load(DOCS / "_ext" / "evening.py").rows()
    assert sum(whole for _, _, whole, _ in rows) <= 4_000


def test_the_readme_says_how_much_there_is_to_read() -> None:
    rows = load(DOCS / "_ext" / "evening.py").rows()
    whole, run = (round(sum(row[i] for row in rows), -2) for i in (2, 3))
    readme = " ".join((DOCS.parent / "README.md").read_text(encoding="utf-8").split())
    assert f"{len(rows)} files with about {whole:,} lines, of which some {run} run" in readme


QUOTATION = re.compile(r"^```\{(literalinclude|beside)\} (\S+)\n((?:^:.*\n)*)```$", re.MULTILINE)


def lines_of(path, name):
    """Return the lines of a class, function or method of a file."""
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text).body
    for part in name.split("."):
        (node,) = (each for each in body if getattr(each, "name", None) == part)
        body = node.body
    return text.split("\n")[node.lineno - 1 : node.end_lineno]


def test_quoted_code_is_in_the_package() -> None:
    beside = 0
    for page in DOCS.rglob("*.md"):
        for kind, file, told in QUOTATION.findall(page.read_text(encoding="utf-8")):
            options = dict(re.findall(r"^:([\w-]+): ?(.*)$", told, re.MULTILINE))
            lines = lines_of(page.parent / file, options["pyobject"])
            if kind == "literalinclude":
                assert "lines" not in options
                continue
            # Found by their text, which no other line of the function has.
            ends = [options["start-at"], options.get("end-at", options["start-at"])]
            first, last = ([i for i, line in enumerate(lines) if end in line] for end in ends)
            assert len(first) == 1, f"{page.name}: {options['start-at']} is in lines {first}"
            shown = next((i + 1 for i in last if i >= first[0]), 0) - first[0]
            assert 1 <= shown <= 3, f"{page.name}: {ends} are {shown} lines"
            beside += 1
    assert beside >= 40


def test_every_step_of_a_derivation_has_code_beside_it() -> None:
    # A step ends with the next one, or with its section; exercises are numbered, too.
    step = re.compile(r"^\*\*(\d+)\. (.*?)(?=^\*\*\d+\. |^## |\Z)", re.MULTILINE | re.DOTALL)
    steps, without = 0, []
    for page in sorted((DOCS / "backprop").glob("*.md")):
        found = step.findall(page.read_text("utf-8").partition("## Exercises")[0])
        assert found
        steps += len(found)
        without += [f"{page.stem} {n}" for n, text in found if "```{beside}" not in text]
    assert steps > 60
    assert without == []


def test_every_frame_shows_a_step_and_every_step_has_a_frame() -> None:
    texts = (page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    shown = re.findall(r"^:file: (?:\.\./)?generated/trace_(\w+)\.html$", "\n".join(texts), re.M)
    assert set(shown) == set(load(DOCS / "_ext" / "steps.py").STEPS)


def test_frames_open_at_a_line_that_their_page_names() -> None:
    steps = load(DOCS / "_ext" / "steps.py").STEPS
    for page in (DOCS / "backprop").glob("*.md"):
        text, done = page.read_text(encoding="utf-8"), 0
        for frame in re.finditer(r"generated/trace_(\w+)\.html$", text, re.M):
            make, _, opened = steps[frame[1]]
            writing = [x for x in make().lines if opened in [each.name for each in x.writes]]
            names = (f"`{opened}`", f"`{writing[-1].title}`")
            assert any(name in text[done : frame.start()] for name in names), page.stem
            done = frame.end()


# What the page says, with the name that the step has for it.
ON_THE_PAGE = [
    ("dense", "d dense/kernel", [[1, 0], [1, 0.5], [-4, 1.5]]),
    ("one_neuron", "d neuron/kernel", [[-0.6488]]),
    ("losses", "top.dz", [[0.5, 0], [-1, 1.5]]),
    ("softmax", "top.dz", [[0.3527, -0.3703, 0.0176], [0.1667, 0.1667, -0.3333]]),
    ("regularization", "d top/kernel", [[1.4], [-1.2]]),
    ("adam", "momentum top/kernel", [[500], [-0.05], [0.005]]),
    ("momentum", "top/kernel", [[0.42]]),
    (
        "batch_norm",
        "norm.dx",
        [[0.2482, 0.0354], [-0.2099, 0.0354], [-0.1336, -0.0354], [0.0954, -0.0354]],
    ),
    (
        "layer_norm",
        "norm.dx",
        [[0.2864, -0.0572, -0.4008, 0.1716], [0.0354, 0.0354, -0.0354, -0.0354]],
    ),
    ("dropout", "dropout.out", [[0, 2.5, 0, 5], [6.25, 0, 8.75, 10]]),
    ("dropout", "dropout.dx", [[0, 2.5, 0, 5], [5, 0, 2.5, -3.75]]),
    ("convolution", "window.dx", [[1, -1, -1, 1], [0, 4, -2, -2], [0, 0, 4, 0]]),
    ("convolution", "d window/kernel", [[5, 1], [1, 3]]),
    ("pooling", "pool.dx", [[0, 0, -4, 0], [2, 0, 0, 0]]),
]


@pytest.mark.parametrize(("step", "array", "numbers"), ON_THE_PAGE)
def test_steps_in_frames_have_the_numbers_of_their_pages(step, array, numbers) -> None:
    make, *_ = load(DOCS / "_ext" / "steps.py").STEPS[step]
    found = make()[array]
    assert np.squeeze(found).shape == np.squeeze(numbers).shape
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(numbers), rtol=0, atol=6e-5)


GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|Gamma|delta|epsilon|theta|kappa|lambda|mu|xi|pi|rho|sigma|tau|phi|Phi|ell)(?![a-z])"
)
NAMES = re.compile(  # words of the code
    "out|dout|lr|d?rows|softmax|elu|decay|rate|steps?|share|factor|power|min|new|end"
    "|loss|best|target|delta"
)


def letters_in(text: str) -> set[str]:
    """Return the letters in the formulas of a page, without names and the d of a gradient."""
    text = re.sub(
        r"^(`{3,})\{?(?:python|beside|literalinclude|raw).*?^\1$", "", text, flags=re.M | re.S
    )
    found = set()
    for formula in re.findall(r"\$\$.+?\$\$|\$[^$]+?\$", text, re.S):
        formula = re.sub(r"\\(?:text|mathrm|operatorname|begin|end)\{[^}]*\}|\[1ex\]", " ", formula)
        words = re.findall(r"[A-Za-z]+", re.sub(r"\\[A-Za-z]+", " ", formula))
        letters = [re.sub(r"^d(?=.)", "", word) for word in words if not NAMES.fullmatch(word)]
        found |= {*GREEK.findall(formula), *"".join(letters)}  # the indices of z_ij are two letters
    return found - {"d"}


def test_the_glossary_has_one_meaning_for_every_letter_of_a_derivation() -> None:
    table = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("## Letters")[2]
    rows = re.findall(r"^\| \$(.+?)\$ \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    listed = [
        (page, x) for x, _, pages in rows for page in re.findall(r"backprop/(\w+)\.md", pages)
    ]
    assert len(rows) > 100 and len(listed) == len(set(listed))
    pages = {page.stem: page for page in (DOCS / "backprop").glob("*.md")}
    used = {(name, x) for name, page in pages.items() for x in letters_in(page.read_text("utf-8"))}
    assert used - set(listed) == set(), "letters that the table does not explain"
    assert set(listed) - used == set(), "letters that their page does not have"


def test_loops_are_folded() -> None:
    for page in (DOCS / "backprop").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        unfolded = re.sub(r"^````\{admonition\}.*?^````$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not re.findall(r"^:pyobject: \w+_loops$", unfolded, re.MULTILINE), page.name


def test_every_derivation_leads_to_the_next_one_of_the_list() -> None:
    index = (DOCS / "backprop" / "index.md").read_text(encoding="utf-8")
    listed = index.partition(":maxdepth: 1\n\n")[2].partition("\n```")[0].split("\n")
    assert {"index", *listed} == {page.stem for page in (DOCS / "backprop").glob("*.md")}
    for page, following in zip(["index", *listed], [*listed, "../diagnose"], strict=True):
        text = (DOCS / "backprop" / f"{page}.md").read_text(encoding="utf-8")
        told = re.findall(r"\bNext: \[[^]]*\]\(([\w./]+)\.md\)", text)
        assert told == [following], page
    # The table of all exercises says that it has this order.
    order = [listed.index(each.page.removeprefix("backprop/")) for each in tinynet.exercises.list()]
    assert order == sorted(order)


def test_every_derivation_leads_to_its_entries_source_and_tests() -> None:
    places = load(DOCS / "_ext" / "places.py")
    pages = {page.stem for page in (DOCS / "backprop").glob("*.md")}
    assert places.derived_on().keys() == pages
    for page in pages:
        found = places.places(page)
        assert found["reference"] and found["source"] and found["tests"], page
        for path in (*found["source"], *found["tests"]):
            assert (DOCS.parent / path).exists()
    assert places.places("dense")["tests"] == ["tests/test_kernels.py", "tests/test_layers.py"]
    assert "xor" in places.places("losses")["examples"]
    falling = {"tinynet.optimizers.schedules", "tinynet.callbacks.ReduceLROnPlateau"}
    assert set(places.places("schedules")["reference"]) == falling


@pytest.mark.parametrize(
    "base",
    [
        tinynet.losses.Loss,
        tinynet.optimizers.Optimizer,
        tinynet.regularizers.Regularizer,
        tinynet.initializers.VarianceScaling,
        tinynet.layers.Activation,
        tinynet.layers.MaxPooling2D.__base__,
    ],
    ids=lambda base: base.__name__,
)
def test_reference_leads_to_the_derivation(base: type) -> None:
    places = load(DOCS / "_ext" / "places.py")
    public = public_names()
    derived = [each for each in all_subclasses(base) if each.__name__ in public]
    without = {
        each.__name__
        for each in derived
        if not any(places.DERIVED.search(origin.__doc__ or "") for origin in each.__mro__)
    }
    assert without <= {"LossFunctionWrapper"}  # for losses of your own
    assert len(derived) >= 2


def test_reference_leads_to_a_derivation_from_layers_without_relatives() -> None:
    places, layers = load(DOCS / "_ext" / "places.py"), tinynet.layers
    for layer, page in {
        layers.PReLU: "/backprop/activations",
        layers.UnitNormalization: "/backprop/layer_norm",
        layers.UpSampling2D: "/backprop/pooling",
        layers.AlphaDropout: "/backprop/dropout",
        layers.GaussianNoise: "/backprop/dropout",
        layers.Multiply: "/graphs",
        layers.Concatenate: "/graphs",
    }.items():
        assert places.page_of(layer) == f":doc:`{page}`", layer


def all_subclasses(base: type) -> set[type]:
    """Return the classes of tinynet that come from another one."""
    direct = {each for each in base.__subclasses__() if each.__module__.startswith("tinynet.")}
    return direct.union(*(all_subclasses(each) for each in direct))


@pytest.mark.parametrize(
    ("caption", "sentences"),
    [
        ("Top: a rate of 0.1, as\nin Adam. Bottom: the same.", 2),
        ("What is wrong? Where is the 1/n, and why?", 2),
        ("confusion_matrix(counts, names). Every row is a true class.", 1),
    ],
)
def test_a_slide_says_one_sentence(caption, sentences):
    slides = load(DOCS / "_ext" / "slides.py")
    found = slides.sentences(nodes.caption(text=caption))
    assert len(found) == sentences
    assert " ".join(found) == " ".join(caption.split())
