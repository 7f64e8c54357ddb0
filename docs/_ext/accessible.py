"""Pages for screen readers: what Sphinx and its theme leave out is put in when pages are written.

Held by docs/browser/, which lets axe-core look at every page.
"""


def repair(app, pagename, templatename, context, doctree):
    """Give the captions of the sidebar their level, and close the items of a nested list."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    if pagename == "_modules/index":  # its inner lists stand between the items, not in them
        *inner, rest = context["body"].replace("</li>\n<ul>", "\n<ul>").split("</ul>")
        context["body"] = "</ul></li>".join(inner) + "</ul>" + rest


def setup(app):
    """Run behind the theme, which makes the sidebar."""
    app.connect("html-page-context", repair, priority=900)
    return {"parallel_read_safe": True}
