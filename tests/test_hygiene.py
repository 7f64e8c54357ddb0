"""What the package never does: unpickle, run text as code, start a shell, fetch without a checksum.

The source is read, not run. What looks like one of these and stands for a good reason is listed
here with the reason, and with how often it may occur.
"""

import ast
import importlib
import pkgutil
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinynet
from tinynet import datasets
from tinynet.datasets.sources import Source

PACKAGE = Path(tinynet.__file__).parent
ROOT = Path(__file__).parents[1]

# Modules that make objects, or run code, out of what they are given; those that open connections.
MODULES = {"_pickle", "builtins", "cloudpickle", "code", "dill", "joblib", "marshal", "pickle"}
MODULES |= {"runpy", "shelve", "subprocess", "yaml"}
NETWORK = {"ftplib", "http", "pooch", "requests", "smtplib", "socket", "urllib", "urllib3"}
TEXT_AS_CODE = {"__builtins__", "__import__", "eval", "exec"}
SHELLS = {"getoutput", "getstatusoutput", "popen", "system"}
UNPACKS = {"extract", "extractall", "unpack_archive"}
# Modules, and code of the machine, found under a name that is not written in the source.
BY_NAME = {"find_spec", "import_module", "run_module", "run_path", "spec_from_file_location"}
LIBRARIES = {"CDLL", "LoadLibrary", "PyDLL", "load_library"}

ALLOWED = {
    # python -m tinynet run SCRIPT: the script is what the user wants to run.
    ("scripts/running.py", "exec"): 2,
    ("scripts/running.py", "eval"): 1,  # the last line of a notebook's cell, whose value is shown
    ("scripts/running.py", "compile"): 2,
    # CIFAR-10 is published as pickles. Each file's SHA-256 is verified before, and a subclass of
    # Unpickler makes nothing but arrays (tests/test_more_datasets.py).
    ("datasets/cifar10.py", "import pickle"): 1,
    # plot_model has Graphviz's dot draw, if it is installed, without a shell.
    ("diagram.py", "import subprocess"): 1,
    # Downloads of data sets; the folder that they are kept in.
    ("datasets/sources.py", "import pooch"): 2,
    # The parts of tinynet itself, from a table in the same file.
    ("__init__.py", "import_module by a name"): 1,
    ("scripts/modules.py", "import_module by a name"): 1,
    ("scripts/modules.py", "find_spec by a name"): 1,
    # keras.layers and the like, from a table in the same file, to compare a class with.
    ("interop/configs.py", "import_module by a name"): 1,
    # Whether pyarrow and Pillow are installed; where rich.style is, which is being imported.
    ("datasets/hugging_face.py", "find_spec by a name"): 1,
    ("quiet_imports.py", "find_spec by a name"): 1,
    # Functions of NumPy's OpenBLAS and of the C library, which the process has loaded already.
    ("kernels/threads.py", "CDLL"): 1,
    ("kernels/team.py", "CDLL"): 1,
}


def findings(text: str) -> Iterator[str]:
    """Yield what a source does that has to be allowed."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        else:
            names = []
        for module in names:
            if module.partition(".")[0] in MODULES | NETWORK:
                yield f"import {module}"
        name = getattr(node, "id", getattr(node, "attr", ""))  # of a variable, of an attribute
        if name in TEXT_AS_CODE:
            yield name
        if isinstance(node, ast.Call):
            yield from _of_call(node)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings and re.search(r"\b(http|ftp)://", node.value):
            yield "an address without encryption"


def _of_call(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {each.arg: each.value for each in call.keywords}
    if isinstance(call.func, ast.Name) and name == "compile":  # not a model's, nor that of re
        yield name
    if name in SHELLS | UNPACKS | LIBRARIES:
        yield name
    if name in BY_NAME and not (call.args and isinstance(call.args[0], ast.Constant)):
        yield f"{name} by a name"
    if "shell" in given and not _is_false(given["shell"]):
        yield "a shell"
    unpickles = ast.unparse(call.func) in ("np.load", "numpy.load")  # unless it is told not to
    if not _is_false(given.get("allow_pickle", ast.Constant(unpickles))):
        yield "allow_pickle"


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_nothing_in_the_package_runs_what_it_reads() -> None:
    found = Counter(
        (path.relative_to(PACKAGE).as_posix(), what)
        for path in sorted(PACKAGE.rglob("*.py"))
        for what in findings(path.read_text(encoding="utf-8"))
    )
    assert found == ALLOWED


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import pickle", "import pickle"),
        ("import marshal as numbers", "import marshal"),
        ("from shelve import open", "import shelve"),
        ("def f():\n    import dill.source", "import dill.source"),
        ("from builtins import eval as f", "import builtins"),
        ("import yaml", "import yaml"),
        ("import urllib.request", "import urllib.request"),
        ("eval('1')", "eval"),
        ("f = exec", "exec"),
        ("f = builtins.exec", "exec"),
        ("compile('1', 'a', 'eval')", "compile"),
        ("__import__('os')", "__import__"),
        ("__builtins__['eval']", "__builtins__"),
        ("importlib.import_module(config['module'])", "import_module by a name"),
        ("util.find_spec(name)", "find_spec by a name"),
        ("ctypes.CDLL(path)", "CDLL"),
        ("np.load(path)", "allow_pickle"),
        ("np.load(path, allow_pickle=True)", "allow_pickle"),
        ("read_array(file, allow_pickle=flag)", "allow_pickle"),
        ("subprocess.run(text, shell=True)", "a shell"),
        ("os.system(text)", "system"),
        ("tarfile.open(path).extractall()", "extractall"),
        ("archive.extract('a')", "extract"),
        ("shutil.unpack_archive(path)", "unpack_archive"),
        ("URL = 'http://example.org/'", "an address without encryption"),
    ],
)
def test_this_test_would_see(text: str, what: str) -> None:
    assert list(findings(text)) == [what]


@pytest.mark.parametrize(
    "text",
    [
        "'''See http://example.org/.'''",
        "model.compile('adam', 'mse'); re.compile('a'); load_model(path, compile=True)",
        "np.load(path, allow_pickle=False); json.load(file)",
        "subprocess.run([program], shell=False); import_module('keras'); find_spec('h5py')",
        "from .code import a; URL = 'https://example.org/'",
    ],
)
def test_this_test_does_not_mind(text: str) -> None:
    assert list(findings(text)) == []


def sources() -> dict[str, Source]:
    """Return where each data set comes from, by the name of its module."""
    modules = {
        name: importlib.import_module(f"{datasets.__name__}.{name}")
        for _, name, _ in pkgutil.iter_modules(datasets.__path__)
    }
    return {name: module.SOURCE for name, module in modules.items() if hasattr(module, "SOURCE")}


def test_every_data_set_that_is_downloaded_is_looked_at() -> None:
    assert set(sources()) == {"cifar10", "fashion_mnist", "kmnist", "mnist"}


@pytest.mark.parametrize("name", sources())
def test_downloads_are_encrypted_and_have_checksums(name: str) -> None:
    source = sources()[name]
    assert source.addresses
    for address in source.addresses:
        assert re.fullmatch(r"https://[a-z0-9.-]+/([\w.~-]+/)*", address)
    for file in (source.archive,) if source.archive else source.files:
        assert re.fullmatch("[0-9a-f]{64}", file.packed_sha256)
    for file in source.files:
        # Where there is no checksum of the content, the published file alone is accepted.
        assert re.fullmatch("[0-9a-f]{64}", file.sha256 or file.packed_sha256)
        assert re.fullmatch(r"[\w-]+(\.gz)?", file.name)  # stays in its folder


def lines_of(file: str) -> list[str]:
    """Return the lines of a file of requirements, with those that go on joined; no comments."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def normal(name: str) -> str:
    """Return the name of a package as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    """Return the version of each package that a file pins."""
    found = (re.match(r"([\w.-]+)==([\w.]+)", line) for line in lines_of(file))
    return {normal(match[1]): match[2] for match in found if match}


def test_what_a_learner_installs_is_pinned_with_checksums() -> None:
    for line in lines_of("requirements.txt"):
        assert re.fullmatch(r"\S+==\S+( ; [^;#]+?)?( +--hash=sha256:[0-9a-f]{64})+", line)
    learner, all_pins = pins("requirements.txt"), pins("constraints.txt")
    assert len(learner) == len(lines_of("requirements.txt"))
    differ = {name for name in learner.keys() & all_pins if learner[name] != all_pins[name]}
    assert not differ
    assert learner.keys() - all_pins.keys() <= {"colorama"}  # only on Windows


def test_every_package_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    name = re.compile(r"[\w.-]+")
    learner = ("images", "keras-files", "plots", "report", "sklearn")
    needed = [*project["dependencies"], *(each for extra in learner for each in optional[extra])]
    assert {normal(name.match(each)[0]) for each in needed} <= pins("requirements.txt").keys()
    tools = {normal(name.match(each)[0]) for extra in optional.values() for each in extra}
    assert tools - {"tinynet"} <= pins("constraints.txt").keys()
