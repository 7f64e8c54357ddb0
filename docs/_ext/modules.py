"""The parts of tinynet, the floors they are on, and what each imports, read from the source."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "tinynet"

# From the top floor down, with the place of every part in the drawing, in percent of its width.
# tests/test_docs.py compares this with the source: all parts are here, and every import leads to
# a lower floor.
FLOORS = {
    "examples": {"exercises": 42, "lessons": 65, "scripts": 85},
    "looking at models": {
        "interop": 8,
        "gradcheck": 24,
        "diagnosis": 41,
        "plots": 57,
        "backend": 75,
        "tracing": 91,
    },
    "the model": {"models": 31},
    "around the model": {"summary": 11, "evaluation": 31, "saving": 51, "utils": 75},
    "training": {"training": 31, "graph": 12, "again": 50},
    "what training is given": {
        "wiring": 10,
        "preparing": 29,
        "feeding": 48,
        "output_figures": 68,
        "interrupts": 92.5,
    },
    "the parts of training": {
        "stack": 8,
        "freezing": 23.5,
        "reach": 39,
        "repeat": 54.5,
        "figures": 70,
        "preprocessing": 87.5,
    },
    "what is shown and measured": {
        "described": 10,
        "diagram": 28,
        "several": 44,
        "streams": 60,
        "metrics": 76,
        "written": 91,
    },
    "the parts of a step": {
        "layers": 16,
        "losses": 34,
        "optimizers": 53,
        "data": 72,
        "callbacks": 91,
    },
    "the parts of a layer": {
        "initializers": 9,
        "regularizers": 25,
        "activations": 41,
        "constraints": 57,
    },
    "what users write": {"settings": 22, "overriding": 44, "user_functions": 66},
    "tools": {
        "random": 8,
        "quiet_imports": 25,
        "variables": 42,
        "measured": 58,
        "array_files": 75,
        "datasets": 92,
    },
    "settings": {"config": 42, "configurable": 64},
    "the list": {"step": 28},
    "the arithmetic": {"kernels": 28},
    "names": {"by_function": 42, "old_names": 60, "scope": 78},
    "the ground": {
        "symbolic": 8,
        "arrays": 24,
        "files": 39,
        "checks": 54,
        "terminal": 71,
        "custom_objects": 90,
    },
}


def parts() -> dict[str, list[Path]]:
    """Return the files of every part: a module, or a folder of modules."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name not in ("__init__", "__main__"):
            found.setdefault(name, []).append(path)
    return found


def imports(files: list[Path], names: set[str]) -> set[str]:
    """Return which of the parts `names` are imported by some files when these are imported.

    Imports inside functions happen later, so they are left out; those under ``if TYPE_CHECKING``
    count: to read the file, one has to know what they name.
    """
    found: set[str] = set()
    for path in files:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        under_if = [each for node in body if isinstance(node, ast.If) for each in node.body]
        for node in [*body, *under_if]:
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            found |= {m.split(".")[1] for m in modules if m.startswith("tinynet.")} & names
    return found


def import_graph() -> dict[str, set[str]]:
    """Return the other parts that every part imports."""
    files = parts()
    return {name: imports(own, set(files)) - {name} for name, own in files.items()}
