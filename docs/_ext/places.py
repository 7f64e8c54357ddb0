"""Where a derivation is used: its entries in the reference, its source, its tests, its examples.

All four are found, not listed: an entry of the reference names the page in its docstring, the page
quotes the source, the tests of a part are called after it, and an example uses an entry's name.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tinynet"
DOCS = ROOT / "docs"
DERIVATIONS = DOCS / "backprop"
GALLERY = DOCS / "_ext" / "gallery.py"  # lists the examples from the first steps on
DERIVED = re.compile(r":doc:`/backprop/(\w+)`")
LED_TO = re.compile(r":doc:`/(?:backprop/\w+|graphs)`")  # where layers meet has its page elsewhere
QUOTED = re.compile(r"^`{3,}\{(?:literalinclude|beside)\} \S*?(tinynet/\S+\.py)$", re.MULTILINE)


def derived_on() -> dict[str, dict[str, Path]]:
    """Return, for each page, the classes and modules whose docstrings name it, and their files."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        part = ".".join(own.split(".")[:2])  # from which its classes can be imported
        module = ast.parse(path.read_text(encoding="utf-8"))
        classes = {f"{part}.{node.name}": node for node in module.body if _is_public_class(node)}
        for name, node in {own: module, **classes}.items():
            for page in DERIVED.findall(ast.get_docstring(node) or ""):
                found.setdefault(page, {})[name] = path
    return found


def _is_public_class(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and not node.name.startswith("_")


def page_of(obj: type) -> str | None:
    """Return the link to where a class is derived, one that it comes from, or its module."""
    for origin in (*obj.__mro__, sys.modules[obj.__module__]):
        page = LED_TO.search(origin.__doc__ or "")
        if page:
            return page[0]
    return None


def quoted_files() -> list[str]:
    """Return the files that are quoted on any page of docs/."""
    pages = (path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    return sorted({path for page in pages for path in QUOTED.findall(page)})


def places(page: str) -> dict[str, list[str]]:
    """Return the four lists for a page of docs/backprop/, named without its ending."""
    text = (DERIVATIONS / f"{page}.md").read_text(encoding="utf-8")
    entries = derived_on().get(page, {})
    sources = {*QUOTED.findall(text), *(str(path.relative_to(ROOT)) for path in entries.values())}
    parts = {Path(path).parts[1].removesuffix(".py") for path in sources}
    tests = [f"tests/test_{part}.py" for part in sorted(parts)]
    return {
        "reference": sorted(entries),
        "source": sorted(sources),
        "tests": [test for test in tests if (ROOT / test).exists()],
        "examples": _examples(entries),
    }


def _examples(entries: dict[str, Path]) -> list[str]:
    """Return the first three examples of the gallery that use an entry, by name or as a word."""
    names = {name.rpartition(".")[2] for name in entries}
    words = names | {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names}
    words |= {name.removesuffix("s") for name in names}  # "activation" of tinynet.activations
    if not words:
        return []
    used = re.compile(rf"\b(?:{'|'.join(sorted(words))})\b")
    listed = re.findall(r'^    "(\w+)": "\w+",$', GALLERY.read_text("utf-8"), re.MULTILINE)
    texts = {name: (ROOT / "examples" / f"{name}.py").read_text("utf-8") for name in listed}
    return [name for name, text in texts.items() if used.search(text)][:3]


def section(page: str) -> str:
    """Return the last section of a page, as Markdown."""
    found = places(page)
    links = {
        "Reference": [
            f"{{py:mod}}`{name}`" if name.islower() else f"{{py:obj}}`~{name}`"
            for name in found["reference"]
        ],
        "Source": [f"{{source}}`{path}`" for path in found["source"]],
        "Tests": [f"{{download}}`{path} <../../{path}>`" for path in found["tests"]],
        "Examples": [f"{{doc}}`/auto_examples/{name}`" for name in found["examples"]],
    }
    shown = [f"- {kind}: {', '.join(each)}" for kind, each in links.items() if each]
    return "\n".join(["", "", "## In the library", "", *shown, ""])
