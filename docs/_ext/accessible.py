"""Pages for screen readers: what Sphinx and its theme leave out is put in when pages are written.

Held by docs/browser/, which lets axe-core look at every page.
"""

import re

# A signature with a line for each parameter is a list of definitions that define nothing.
PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def _as_lines(found):
    lines = found[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">\n{lines}</span>'


def repair(app, pagename, templatename, context, doctree):
    """Give the sidebar's captions their level, and let no list have the wrong children."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    context["body"] = PARAMETERS.sub(_as_lines, context.get("body", ""))
    if pagename == "_modules/index":  # its inner lists stand between the items, not in them
        *inner, rest = context["body"].replace("</li>\n<ul>", "\n<ul>").split("</ul>")
        context["body"] = "</ul></li>".join(inner) + "</ul>" + rest


def setup(app):
    """Run behind the theme, which makes the sidebar."""
    app.connect("html-page-context", repair, priority=900)
    return {"parallel_read_safe": True}
