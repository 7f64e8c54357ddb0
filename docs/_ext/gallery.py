"""The gallery of examples: their order, their thumbnails, and what they print and draw.

The pages are made by sphinx-gallery, which would have to run the examples, hours of training, to
show their output. `make gallery` runs them and saves the output in gallery/; here it is put on the
pages where sphinx-gallery would put it.
"""

import datetime as dt
import json
import re
from pathlib import Path

from PIL import Image, ImageOps
from sphinx_gallery.gen_rst import CODE_OUTPUT

DOCS = Path(__file__).parents[1]
RECORDS = DOCS / "gallery"

# From the first steps to the best networks, each with the picture for its thumbnail.
THUMBNAILS = {
    "xor": "surfaces",
    "another_dataset": "samples",
    "three_models": "predictions",
    "dropout_ann": "optimizers",
    "fashion_mnist_ann": "learning_curves",
    "multi_label": "predictions",
    "write_your_own_layer": "curves",
    "tune_ann": "parallel_coordinates",
    "ann_vs_cnn": "confusion_matrices",
    "augmentation": "changed",
    "best_mlp": "mixed",
    "best_cnn": "misclassified",
    "data_parallel": "losses",
}
THUMBNAIL = (480, 300)

# sphinx-gallery writes this above every cell, and the download links below the last one.
ABOVE_CELL = re.compile(r"(?=^\.\. GENERATED FROM PYTHON SOURCE LINES )", re.MULTILINE)
BELOW_CELLS = "\n.. _sphx_glr_download_"
CODE = "\n.. code-block:: Python\n"

# As in sphinx-gallery, but wide pictures scroll on a phone; see tinynet.css.
PICTURE = """
.. container:: {kind}

   .. image:: /gallery/{example}/{name}
      :alt: {alt}
      :class: sphx-glr-single-img
"""
WIDE = 800  # pixels

MADE_BY = """
.. rst-class:: sphx-glr-timing

   The output and the pictures are from a run on {day}, with tinynet {tinynet}, Python {python},
   NumPy {numpy} and Numba {numba}. It took {minutes} on {machine}. ``make gallery
   ARGS="--only {example} --again"`` makes them again.

"""


def place(filename):
    """Return an example's position; one that is not in the list comes last."""
    name = str(filename).removesuffix(".py")
    order = list(THUMBNAILS)
    return (order.index(name) if name in order else len(order)), name


def with_outputs(page, outputs, made_by):
    """Return the source of a page with output below every code cell, and a final paragraph."""
    body, below = page.rsplit(BELOW_CELLS, 1)
    cells = ABOVE_CELL.split(body)
    of_code = [i for i, cell in enumerate(cells) if CODE in cell]
    for i, output in zip(of_code, outputs, strict=True):
        cells[i] += output
    return "".join(cells) + made_by + BELOW_CELLS + below


def as_rst(example, cell):
    """Return the source that shows the pictures and the text of one cell."""
    shown = []
    for name in cell["pictures"]:
        with Image.open(RECORDS / example / name) as picture:
            kind = "scrolls" if picture.width > WIDE else "small"
        alt = Path(name).stem.replace("_", " ")
        shown.append(PICTURE.format(kind=kind, example=example, name=name, alt=alt))
    if cell["text"]:
        lines = cell["text"].splitlines()
        shown.append(CODE_OUTPUT.format("\n".join(f"     {line}" for line in lines)))
    return "\n".join(["", *shown, ""])


def show_record(app, docname, source):
    """Put the output of an example on its page."""
    example = docname.removeprefix("auto_examples/")
    path = RECORDS / example / "record.json"
    if docname == example or not path.exists():
        return
    app.env.note_dependency(str(path))
    record = json.loads(path.read_text(encoding="utf-8"))
    day = dt.date.fromisoformat(record["date"])
    seconds = record["seconds"]
    made_by = MADE_BY.format(
        example=example,
        day=f"{day:%B} {day.day}, {day.year}",
        minutes=f"{seconds} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes",
        machine=record["machine"].replace(", ", " with "),
        **record["versions"],
    )
    source[0] = with_outputs(source[0], [as_rst(example, c) for c in record["cells"]], made_by)


def make_thumbnails(app):
    """Replace the thumbnails of sphinx-gallery, which are all the same."""
    thumbnails = DOCS / "auto_examples" / "images" / "thumb"
    for example, name in THUMBNAILS.items():
        path = RECORDS / example / f"{name}.png"
        if path.exists():
            picture = Image.open(path).convert("RGB")  # colors can be mixed, palette entries cannot
            picture = ImageOps.pad(picture, THUMBNAIL, color="white")
            picture.save(thumbnails / f"sphx_glr_{example}_thumb.png")


def setup(app):
    """Make thumbnails after sphinx-gallery has written the pages; add output as each is read."""
    app.connect("builder-inited", make_thumbnails, priority=600)
    app.connect("source-read", show_record)
    return {"parallel_read_safe": True}
