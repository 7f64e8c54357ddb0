"""Pages that work without a network: nothing on them may be fetched from elsewhere.

A link that a reader follows may lead anywhere. What a browser loads by itself (scripts, style
sheets, fonts, images, frames) has to be stored with the pages; the build warns where it is not,
and a warning is an error.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

# What makes a browser load something, and the attribute that says from where.
LOADING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# <link rel=...> that only informs, and loads nothing.
TELLING = {"alternate", "author", "canonical", "help", "license", "next", "prev", "search"}
ELSEWHERE = re.compile(r"(?:^|[\s,])(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s;]+)", re.IGNORECASE)


class _Loads(HTMLParser):
    """Collects the outside addresses that one page would load from."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.in_style = False

    def handle_starttag(self, tag, attributes):
        values = {name: value or "" for name, value in attributes}
        self.in_style = tag == "style"
        self.found += IN_STYLES.findall(values.get("style", ""))
        if tag == "link" and set(values.get("rel", "").split()) <= TELLING:
            return
        self.found += [
            values[name]
            for name in LOADING.get(tag, ())
            if name in values and ELSEWHERE.search(values[name])
        ]

    def handle_data(self, data):
        if self.in_style:
            self.found += IN_STYLES.findall(data)

    def handle_endtag(self, tag):
        self.in_style = False


def loads_from_elsewhere(text: str, suffix: str) -> list[str]:
    """Return the outside addresses that a page (.html, .svg) or a style sheet (.css) loads from."""
    if suffix == ".css":
        return IN_STYLES.findall(text)
    page = _Loads()
    page.feed(text)
    return page.found


def check(app, exception):
    """Warn of every file of the built pages that loads something from elsewhere."""
    from sphinx.util import logging

    if exception is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        if path.suffix in (".html", ".css", ".svg"):
            for address in loads_from_elsewhere(path.read_text(encoding="utf-8"), path.suffix):
                page = path.relative_to(app.outdir)
                logging.getLogger(__name__).warning("%s loads %s over a network", page, address)


def setup(app):
    """Run the check when everything is written."""
    app.connect("build-finished", check, priority=900)  # after the others have copied their files
    return {"parallel_read_safe": True}
