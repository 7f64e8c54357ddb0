"""Pictures and lists made from the code itself, before the pages that show them are read."""

import ast
import runpy
import sys
from pathlib import Path

import digits
import evening
import modules
import steps
from sphinx.ext.autosummary.generate import find_autosummary_in_files
from sphinx.util import logging

import tinynet as tn
from tinynet.kernels import KERNELS
from tinynet.tracing.page import framed

DOCS = Path(__file__).parents[1]
FIGURES, GENERATED = DOCS / "figures", DOCS / "generated"
# Scripts in figures/ that need nothing but the code.
DRAWN = (
    "activations",
    "adam",
    "augmentation",
    "batch_norm",
    "chain",
    "code_map",
    "convolution",
    "dense",
    "diagnose",
    "dropout",
    "graph",
    "initialization",
    "layer_norm",
    "losses",
    "one_neuron",
    "optimizers",
    "patches",
    "plots",
    "pooling",
    "regularization",
    "schedules",
    "softmax_cross_entropy",
    "tiles",
    "training_step",
)
logger = logging.getLogger(__name__)


def draw_figures(app):
    """Run the scripts whose picture is missing or older than the code it shows."""
    shared = [*modules.PACKAGE.rglob("*.py"), FIGURES / "drawing.py", Path(modules.__file__)]
    newest = max(path.stat().st_mtime for path in shared)
    sys.path.insert(0, str(FIGURES))
    for name in DRAWN:
        script = FIGURES / f"{name}.py"
        pictures = [*GENERATED.glob(f"{name}.svg"), *GENERATED.glob(f"{name}_*.svg")]
        made = min((picture.stat().st_mtime for picture in pictures), default=0)
        if made < max(newest, script.stat().st_mtime):
            logger.info("drawing %s", name)
            tn.utils.clear_session()  # so that names do not count on from another figure
            runpy.run_path(str(script), run_name="__main__")
    sys.path.remove(str(FIGURES))


def list_parts(app):
    """Write the table of the code map: every part with its purpose, its size and its imports."""
    rows = ["| part | what it is | lines | imports |", "|---|---|--:|---|"]
    files, graph = modules.parts(), modules.import_graph()
    for name, own in files.items():
        texts = [path.read_text(encoding="utf-8") for path in own]
        about = ast.get_docstring(ast.parse(texts[0])).split("\n")[0].replace("`", "")
        lines = sum(text.count("\n") for text in texts)
        page = DOCS / "api" / f"{name}.rst"
        shown = f"[{name}](api/{name}.rst)" if page.exists() else name
        imported = ", ".join(sorted(graph[name])) or "—"
        rows.append(f"| {shown} | {about} | {lines:,} | {imported} |")
    _write("parts.md", rows)


def list_evening(app):
    """Write the table of the files that a training step runs through."""
    _write("evening.md", evening.table())
    _write("evening_calls.md", evening.calls())


def list_steps(app):
    """Write the lines of a step of the full network, and of a small one for images."""
    layers = tn.layers
    dense = [
        each
        for units in (256, 128, 64)
        for each in (
            lambda units=units: layers.Dense(units, activation="relu"),
            layers.BatchNormalization,
            lambda: layers.Dropout(0.3),
        )
    ]
    images = [
        lambda: layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D,
        layers.Flatten,
    ]
    for name, batch_size, shape, inner in (
        ("ann", 128, (784,), dense),
        ("cnn", 64, (28, 28, 1), images),
    ):
        tn.utils.clear_session()  # so that names do not count on from an earlier model
        last = layers.Dense(10, activation="softmax")
        model = tn.Sequential([tn.Input(shape), *(make() for make in inner), last])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        _write(f"step_{name}.md", ["```text", str(model.step(batch_size)), "```"])


def make_traces(app):
    """Make the pages of some training steps, in the frames that pages of these docs show."""
    files = (path for path in modules.PACKAGE.rglob("*") if path.is_file())
    newest = max(path.stat().st_mtime for path in (*files, Path(__file__), Path(steps.__file__)))
    before = tn.config.kernels()
    tn.config.use_kernels("numpy")  # nothing here is worth compiling
    for name, (make, height, opened) in steps.STEPS.items():
        frame = GENERATED / f"trace_{name}.html"
        if not frame.exists() or frame.stat().st_mtime < newest:
            tn.utils.clear_session()  # so that names do not count on from an earlier model
            frame.unlink(missing_ok=True)  # so that the new one has a new date
            _write(frame.name, [framed(make(), height, opened)])
    tn.config.use_kernels(before)


def write_digits(app):
    """Write the images of docs/playground.md."""
    _write("digits.html", [digits.frame()])


def list_exercises(app):
    """Write the table of all exercises: where each is derived, how it is called, what to write."""
    rows = ["| exercise | how it is called | what to write |", "|---|---|---|"]
    for each in tn.exercises.list():
        page = f"{each.page}.md"
        shown = f"[{each.name}]({page})" if (DOCS / page).exists() else each.name
        rows.append(f"| {shown} | `{each.signature}` | {each.task} |")
    _write("exercises.md", rows)


def list_kernels(app):
    """Write an entry for every kernel, under the file that holds its two forms."""
    lines, home = [], None
    for name, kernel in sorted(KERNELS.items(), key=lambda item: item[1].__module__):
        if kernel.__module__ != home:
            home = kernel.__module__
            title = f"{home.rpartition('.')[2]}.py"
            lines += [title, "-" * len(title), "", f".. automodule:: {home}", ""]
        lines += [f".. autofunction:: {home}.{name}", ""]
    _write("kernels.rst", lines)


def forget_old_pages(app):
    """Remove the pages that autosummary wrote for names that are no longer listed."""
    pages = sorted(str(page) for page in (DOCS / "api").glob("*.rst"))
    listed = {entry.name for entry in find_autosummary_in_files(pages)}
    for stub in (DOCS / "api" / "generated").glob("*.rst"):
        if stub.stem not in listed:
            stub.unlink()


def _write(name, lines):
    """Write a file unless it holds the same text: with an old date, pages are not read again."""
    GENERATED.mkdir(exist_ok=True)
    path, text = GENERATED / name, "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app):
    """Make everything when a build begins."""
    lists = list_parts, list_evening, list_steps, list_exercises, list_kernels
    for make in (draw_figures, make_traces, write_digits, *lists, forget_old_pages):
        app.connect("builder-inited", make, priority=100)  # before autosummary looks for pages
    return {"parallel_read_safe": True}
