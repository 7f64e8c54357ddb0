"""How Sphinx builds these pages; `make docs` runs it, with every warning an error."""

import sys
from pathlib import Path

import tinynet

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

from notebooks import INSTALL

project = "tinynet"
author = "tinynet developers"
copyright = author
release = version = tinynet.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",  # formulas without a network: copies MathJax into the pages
    "sphinx_gallery.gen_gallery",
    # Our own, in _ext/, each with a docstring that says what it is for.
    "accessible",
    "callables",
    "drawn",
    "gallery",
    "notebooks",
    "offline",
    "quoted",
    "slides",
]
exclude_patterns = ["_build", "generated"]  # files in the latter are included by other pages
templates_path = ["_templates"]
default_role = "py:obj"  # `Layer` in a docstring is a link where there is such a page

# Prose.
myst_enable_extensions = ["deflist", "dollarmath", "substitution"]

# The API. Docstrings follow numpydoc and give the types, so signatures need not.
add_module_names = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "GL06",  # a section that numpydoc does not know
    "GL07",  # sections in the wrong order
    "GL08",  # no docstring
    "PR02",  # a parameter that the signature does not have
    "PR10",  # no space before the colon
    "SS01",  # no summary
}
# An activation's signature is that of the function that chooses its kernels: without x.
numpydoc_validation_exclude = {r"^tinynet\.activations\.", r"^tinynet\.kernels\."}

# The examples are not run here: `make gallery` does, for hours, and keeps what they put out.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "first_notebook_cell": INSTALL,
    "plot_gallery": False,
    "within_subsection_order": "gallery.place",
    "write_computation_times": False,
}

# The look. Furo includes everything it needs; nothing is fetched when a page is opened.
html_theme = "furo"
html_title = f"tinynet {release}"
html_static_path = ["_static"]
html_css_files = ["tinynet.css"]
html_js_files = [("scroll.js", {"defer": "defer"})]
html_search_scorer = str(DOCS / "_ext" / "scorer.js")
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"code-font-size": "78%"},
    "dark_css_variables": {"code-font-size": "78%"},
}
pygments_style = "a11y-light"  # accessible: contrasts above 4.5 to 1
pygments_dark_style = "github-dark"

# What the copy button copies of a block with prompts: the input, not the output.
copybutton_prompt_text = r">>> |\.\.\. ?|\$ "
copybutton_prompt_is_regexp = True


def setup(app):
    """Choose the MathJax that draws outlines: one file, and no fonts to fetch."""
    app.config.mathjax_path = "mathjax/tex-svg.js"
