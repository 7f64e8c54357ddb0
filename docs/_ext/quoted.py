"""Code of the package on the pages: each quotation leads to its place in the source.

``literalinclude`` is as in Sphinx, but the file that its caption names is a link. ``beside`` quotes
the lines of a function that do one numbered step of a derivation, and is shown beside that step:

    ```{beside} ../../tinynet/layers/dense.py
    :pyobject: Dense.backward
    :start-at: product(x.T
    ```

The lines are found by their text. They end at the one with the text ``end-at``; without it, there
is one line. Where no line of the package does a step, ``beside`` without a file holds examples that
show it. ``{source}`tinynet/layers/dense.py` `` is a link to a file.
"""

import re
from functools import partial

import places
from docutils import nodes
from sphinx.directives.code import LiteralInclude
from sphinx.ext.viewcode import OUTPUT_DIRNAME
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

NAMED = re.compile(r"tinynet/[\w/]+\.py")
STEP = re.compile(r"\d+\. ")
BACK = re.compile(r'(<a class="viewcode-back" href="(?:\.\./)*([\w./]+)\.html)#([\w.]+)"')
logger = logging.getLogger(__name__)


def as_module(path):
    """Return the name of the module in a file such as tinynet/layers/dense.py."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def link_to(path, line=None, text=None):
    """Return a link to a file of the package; its address depends on the page that shows it."""
    anchor = f"#line-{line}" if line else ""
    return nodes.reference("", text or path, internal=True, module=as_module(path), anchor=anchor)


def source(role, rawtext, text, lineno, inliner, options=None, content=None):
    """Make the link for ``{source}`tinynet/...` ``."""
    return [link_to(text)], []


class Quotation(LiteralInclude):
    """A literalinclude whose caption leads to the first line that it shows."""

    def run(self):
        """Let Sphinx find the lines and tell where they begin, but not number them."""
        self.options["lineno-match"] = None
        made = super().run()
        for block in made[0].findall(nodes.literal_block):
            block["linenos"] = False
            self.line = block["highlight_args"].pop("linenostart", None)
        for caption in made[0].findall(nodes.caption):
            self.link(caption)
        return made

    def link(self, caption):
        """Turn the name of the file in the caption into a link."""
        text = caption.astext()
        name = NAMED.match(text)
        if name:
            rest = nodes.Text(text[name.end() :])
            caption[:] = [link_to(name[0], self.line), rest]


class Beside(Quotation):
    """The lines that do one step of a derivation, or examples of it."""

    required_arguments, optional_arguments, has_content = 0, 1, True

    def run(self):
        """Quote the lines under the name of their function."""
        if not self.arguments:
            text = "\n".join(self.content)
            examples = nodes.literal_block(text, text, language="python")
            self.set_source_info(examples)
            return [nodes.container("", examples, classes=["beside"])]
        self.options.setdefault("end-at", self.options.get("start-at"))
        self.options.setdefault("caption", self.options["pyobject"])
        self.options["dedent"] = None
        made = super().run()
        made[0]["classes"].append("beside")
        return made

    def link(self, caption):
        """Make the name of the function the link."""
        path = self.arguments[0].removeprefix("../../")
        caption[:] = [link_to(path, self.line, self.options["pyobject"])]


def starts_step(node):
    """Tell whether a paragraph begins with a bold number, as in "**2. The kernel.**"."""
    if not isinstance(node, nodes.paragraph):
        return False
    first = next(child for child in node if child.astext())  # MyST may put an empty text before it
    return isinstance(first, nodes.strong) and bool(STEP.match(first.astext()))


def is_beside(node):
    """Tell whether a node was made by `Beside`."""
    return isinstance(node, nodes.container) and "beside" in node["classes"]


def lay_out(app, doctree):
    """Put each step and the code after it into a container with two columns; see tinynet.css."""
    for code in list(doctree.findall(is_beside)):
        if "step-code" in code.parent["classes"]:
            continue  # the one before it has taken it along
        section, first = code.parent, code.parent.index(code)
        last = first + 1
        while last < len(section) and is_beside(section[last]):
            last += 1
        begin = next((i for i in range(first, -1, -1) if starts_step(section[i])), None)
        if begin is None:
            logger.warning("no numbered step above it", location=code)
            continue
        text = nodes.container("", *section[begin:first], classes=["step-text"])
        codes = nodes.container("", *section[first:last], classes=["step-code"])
        section[begin:last] = [nodes.container("", text, codes, classes=["step"])]


def add_places(app, docname, source):
    """Add a section to a derivation: where to find it in the library."""
    folder, _, page = docname.rpartition("/")
    if folder == "backprop":
        source[0] += places.section(page)


def link_derivation(app, what, name, obj, options, lines):
    """Add to the entry of a class where a class that it comes from is derived, or its module."""
    if what == "class" and not places.LED_TO.search(obj.__doc__ or ""):
        page = places.page_of(obj)
        if page:
            lines += ["", f"Derived on the page {page}.", ""]


def show_sources(app, env):
    """Have viewcode make a page of each quoted file, also of those without an entry."""
    for path in places.quoted_files():
        module = as_module(path)
        if not env._viewcode_modules.get(module):
            analyzer = ModuleAnalyzer.for_file(places.ROOT / path, module)
            analyzer.find_tags()
            env._viewcode_modules[module] = (analyzer.code, analyzer.tags, {}, module)


def resolve(app, doctree, docname):
    """Give each link to the source its address."""
    for link in list(doctree.findall(nodes.reference)):
        if "module" in link and app.builder.format == "html":
            page = f"{OUTPUT_DIRNAME}/{link['module'].replace('.', '/')}"
            link["refuri"] = app.builder.get_relative_uri(docname, page) + link["anchor"]
        elif "module" in link:
            link.replace_self(link.children)


def mark_lines(app, pagename, templatename, context, doctree):
    """Give every line of a source page a name that a link can lead to."""
    if not pagename.startswith(f"{OUTPUT_DIRNAME}/tinynet"):
        return
    before, pre, code = context["body"].partition("<pre>")
    marked, number, closed = [], 0, False
    for line in code.removeprefix("\n").split("\n"):
        # viewcode puts a block around each function: lines of its own before and after the code.
        after_code = closed and line in ("", "</div>")
        if not after_code and not line.startswith(('<div class="view', '<a class="viewcode-back')):
            number += 1
            line = f'<span id="line-{number}"></span>{line}'
        marked.append(line)
        closed = line.endswith("</div>")
    entries = app.env.domains["py"].objects
    context["body"] = before + pre + BACK.sub(partial(_lead_back, entries), "\n".join(marked))


def _lead_back(entries, link):
    """Name the entry that the link has in mind: viewcode takes all names of a file from one module.

    A class of tinynet.callbacks.monitors, say, is an entry of tinynet.callbacks, its base is not.
    """
    start, docname, anchor = link.groups()
    for parts in (2, 1):
        ending = "." + ".".join(anchor.split(".")[-parts:])
        for name, entry in entries.items():
            if entry.docname == docname and name.endswith(ending):
                return f'{start}#{entry.node_id}"'
    return f'{start}"'


def setup(app):
    """Replace literalinclude, add the others, and connect to Sphinx."""
    app.add_directive("literalinclude", Quotation, override=True)
    app.add_directive("beside", Beside)
    app.add_role("source", source)
    app.connect("source-read", add_places)
    app.connect("doctree-read", lay_out)
    app.connect("autodoc-process-docstring", link_derivation, priority=900)  # after numpydoc
    app.connect("env-updated", show_sources)
    app.connect("doctree-resolved", resolve)
    app.connect("html-page-context", mark_lines)
    return {"parallel_read_safe": True}
