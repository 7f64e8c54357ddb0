"""Slides made from the figures of the pages: slides.html, one file that needs no network.

A slide has the title of the section in which the figure stands, the figure, one sentence, and a
link to that section. The sentence is the question of the page, if the page begins with one and with
this figure; otherwise it is the first one of the caption. The slides come in the order of the
pages. How they are shown is in _templates/slides.html.
"""

import base64
import mimetypes
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.nodes import clean_astext

# A sentence ends where the next one begins. A call alone is none.
SENTENCE = re.compile(r"(?:\w+\([^.]*\)\.\s)?.+?[.?](?=\s+[A-Z]|\s*$)", re.DOTALL)


def below(app, page):
    """Yield the names of the pages below one, in the order of the tables of contents."""
    for name in app.env.toctree_includes.get(page, ()):
        yield name
        yield from below(app, name)


def sentences(element):
    """Return the sentences of a paragraph or a caption."""
    return [" ".join(each.split()) for each in SENTENCE.findall(element.astext())]


def sentence(section, figure):
    """Return what to say about a figure in one sentence."""
    asked = (each for each in section.children if each.astext().startswith("The question. "))
    if figure is section.next_node(nodes.figure) and (question := next(asked, None)):
        return sentences(question)[-1]
    return sentences(next(figure.findall(nodes.caption)))[0]


def slide(app, page, figure):
    """Return what is on the slide of a figure."""
    section, image = figure.parent, next(figure.findall(nodes.image))
    while not isinstance(section, nodes.section):
        section = section.parent
    path = Path(app.srcdir, image["uri"])
    data = base64.b64encode(path.read_bytes()).decode()
    return {
        "name": path.stem,
        "title": clean_astext(next(section.findall(nodes.title))),
        "page": clean_astext(app.env.titles[page]),
        "link": f"{app.builder.get_target_uri(page)}#{section['ids'][0]}",
        "alt": image["alt"],
        "sentence": sentence(section, figure),
        "picture": f"data:{mimetypes.guess_type(path.name)[0]};base64,{data}",
    }


def make_slides(app):
    """Yield the page of the slides: its name, what is on it, and its template."""
    slides = [
        slide(app, page, figure)
        for page in below(app, app.config.root_doc)
        for figure in app.env.get_doctree(page).findall(nodes.figure)
    ]
    yield "slides", {"slides": slides}, "slides.html"


def name_slides(app, env, _):
    """Let pages link to the slides, which no source describes, by the label ``slides``."""
    labels = env.get_domain("std")
    labels.labels["slides"] = ("slides", "", "Slides")
    labels.anonlabels["slides"] = ("slides", "")


def setup(app):
    """Add a page to those that are written."""
    app.connect("env-before-read-docs", name_slides)
    app.connect("html-collect-pages", make_slides)
    return {"parallel_read_safe": True}
