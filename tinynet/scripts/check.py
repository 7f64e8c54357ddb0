"""Which names of Keras and TensorFlow a script uses and the stand-in lacks; nothing is run.

The script's syntax tree is read from top to bottom, and with it what each variable stands for, as
far as that can be said without running: modules, their classes and functions, and the models,
layers and the like that are made of them.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import tinynet
from tinynet.by_function import ByFunction
from tinynet.old_names import ATTRIBUTES, hint
from tinynet.scripts.modules import (
    TOPS,
    MissingError,
    StandIn,
    canonical,
    explained,
    find,
    look_up,
    names_in,
)
from tinynet.scripts.running import Source, sources

# Arguments that take the name of something in a string, and what finds it.
NAMED: dict[str, Callable[[object], object]] = {
    "activation": lambda name: tinynet.activations.get(name),
    "optimizer": lambda name: tinynet.optimizers.get(name),
    "loss": lambda name: tinynet.losses.get(name),
    "metrics": lambda name: tinynet.metrics.get(name),
    "weighted_metrics": lambda name: tinynet.metrics.get(name),
    **{
        f"{what}_initializer": lambda name: tinynet.initializers.get(name)
        for what in ("kernel", "bias", "beta", "gamma", "depthwise", "pointwise")
    },
    **{
        f"{what}_regularizer": lambda name: tinynet.regularizers.get(name)
        for what in ("kernel", "bias", "activity", "depthwise", "pointwise")
    },
}

# A name of a file that is written with h5py.
KERAS_FILE = re.compile(r"\S*\.(keras|h5)")

UNKNOWN: Any = object()  # what a variable stands for, where that cannot be said


class Finding(NamedTuple):
    """A name that is missing, and where the script asks for it."""

    place: str
    line: int
    text: str


class Instance(NamedTuple):
    """An object of a class of tinynet's."""

    kind: type


class Method(NamedTuple):
    """A method of such an object."""

    function: Callable[..., Any]


class Returns(NamedTuple):
    """A function of the script's, and what it returns."""

    value: Any


def report(path: str) -> int:
    """Print what a script or a notebook will miss; return 1 if there is anything, else 0."""
    found = missing(sources(path))
    for place, line, text in found:
        print(f"{place}, line {line}: {text}")
    if not found:
        print(f"{path}: every name of Keras and TensorFlow that it uses is there")
    return int(bool(found))


def missing(pieces: Sequence[Source]) -> list[Finding]:
    """Return what is missing in the pieces of a file, in the order of its lines.

    Raises
    ------
    ValueError
        If a piece is no Python.
    """
    names: dict[str, Any] = {}
    found = []
    for piece in pieces:
        try:
            tree = ast.parse(piece.text, piece.name)
        except SyntaxError as error:
            raise ValueError(f"{piece.name}, line {error.lineno}: {error.msg}") from None
        reader = _Reader(piece.name, names)
        reader.visit(tree)
        found += sorted(dict.fromkeys(reader.found), key=lambda each: each.line)
    return found


class _Reader(ast.NodeVisitor):
    """Reads one piece; `names` is what its variables stand for, and is added to."""

    def __init__(self, place: str, names: dict[str, Any]) -> None:
        self.place = place
        self.scopes = [names]
        self.returned: list[Any] = []
        self.found: list[Finding] = []

    def miss(self, node: ast.AST, text: object) -> None:
        self.found.append(Finding(self.place, getattr(node, "lineno", 0), str(text)))

    def name(self, name: str, value: Any) -> None:
        self.scopes[-1][name] = value

    # Imports.

    def visit_Import(self, node: ast.Import) -> None:
        """Check each module, and name it, or the package that it is in."""
        for alias in node.names:
            top = alias.name.partition(".")[0]
            if top not in TOPS:
                self.name(alias.asname or top, UNKNOWN)
                continue
            module = self.found_at(node, alias.name)
            if alias.asname:
                self.name(alias.asname, module)
            else:
                self.name(top, self.found_at(node, top))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Check each name that is imported from a module."""
        module = node.module or ""
        known = not node.level and module.partition(".")[0] in TOPS
        home = self.found_at(node, module) if known else UNKNOWN
        for alias in node.names:
            if alias.name == "*" and isinstance(home, StandIn):
                for name in names_in(home.__name__):
                    self.name(name, look_up(home.__name__, name))
                continue
            value = self.attribute(node, home, alias.name)
            self.name(alias.asname or alias.name, value)

    def found_at(self, node: ast.AST, name: str) -> Any:
        path = canonical(name)
        try:
            found = find(path)
        except (MissingError, AttributeError):
            self.miss(node, explained(path))
            return UNKNOWN
        return found

    # What an expression stands for.

    def value(self, node: ast.expr | None) -> Any:
        """Return what an expression stands for, and check it on the way."""
        if isinstance(node, ast.Name):
            return next((each[node.id] for each in self.scopes[::-1] if node.id in each), UNKNOWN)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, self.value(node.value), node.attr)
        if isinstance(node, ast.Call):
            return self.call(node)
        if node is not None:
            self.visit(node)
        return UNKNOWN

    def attribute(self, node: ast.AST, home: Any, name: str) -> Any:
        """Return what a name in a module or an object stands for."""
        if isinstance(home, StandIn):
            if name.startswith("__"):
                return UNKNOWN
            try:
                return look_up(home.__name__, name)
            except MissingError as error:
                self.miss(node, error)
        elif isinstance(home, Instance):
            if name not in names_of(home.kind):
                now = f"; {ATTRIBUTES[name]}" if name in ATTRIBUTES else ""
                self.miss(node, f"{home.kind.__name__} has no {name}{now}")
            found = getattr(home.kind, name, UNKNOWN)
            return Method(found) if inspect.isfunction(found) else UNKNOWN
        return UNKNOWN

    def call(self, node: ast.Call) -> Any:
        """Check the arguments of a call, and return what it makes."""
        called = self.value(node.func)
        for argument in (*node.args, *(each.value for each in node.keywords)):
            self.value(argument)
        if isinstance(called, Returns):
            return called.value
        if called is UNKNOWN or isinstance(called, (StandIn, Instance)):
            return UNKNOWN
        self.check_arguments(node, called)
        return Instance(called) if inspect.isclass(called) else UNKNOWN

    def check_arguments(self, node: ast.Call, called: Any) -> None:
        """Check the names of arguments, and of things named in strings."""
        function = called.function if isinstance(called, Method) else called
        name = getattr(function, "__name__", "")
        taken, open_ended = arguments_of(function)
        if isinstance(called, Method):
            taken = taken[1:]
        given = list(zip(taken, node.args, strict=False))
        given += [(each.arg, each.value) for each in node.keywords if each.arg]
        for argument, value in given:
            if argument not in taken and not open_ended:
                self.miss(value, f"{name} has no argument {argument}{hint(argument)}")
            if argument in NAMED:
                self.check_named(argument, value)

    def check_named(self, argument: str, value: ast.expr) -> None:
        each = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
        for node in each:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                try:
                    NAMED[argument](node.value)
                except (TypeError, ValueError) as error:
                    self.miss(node, error)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Check it, whatever it stands in."""
        self.value(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Check it, whatever it stands in."""
        self.value(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Say which files will need a package that is not there, rather than after the training."""
        name = node.value
        if isinstance(name, str) and KERAS_FILE.fullmatch(name) and not _has_h5py():
            self.miss(
                node,
                f"the file {name!r} needs the package h5py: pip install 'tinynet[keras-files]'",
            )

    # What gives names to values.

    def visit_Name(self, node: ast.Name) -> None:
        """Forget what a variable stood for that gets another value."""
        if not isinstance(node.ctx, ast.Load):
            self.name(node.id, UNKNOWN)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Keep what a variable stands for."""
        value = self.value(node.value)
        for target in node.targets:
            self.visit(target)
            if isinstance(target, ast.Name):
                self.name(target.id, value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Read a function in a scope of its own, and keep what it returns."""
        for each in (*node.decorator_list, *node.args.defaults):
            self.value(each)
        arguments = node.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        rest = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        outer, self.returned = self.returned, []
        self.scopes.append({each.arg: UNKNOWN for each in (*every, *rest)})
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()
        returned, self.returned = self.returned, outer
        self.name(node.name, Returns(returned[-1] if returned else UNKNOWN))

    def visit_Return(self, node: ast.Return) -> None:
        """Keep what the function returns."""
        self.returned.append(self.value(node.value))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Read its body with its arguments unknown."""
        self.scopes.append({each.arg: UNKNOWN for each in node.args.args})
        self.value(node.body)
        self.scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Read a class in a scope of its own."""
        for each in (*node.bases, *node.decorator_list):
            self.value(each)
        self.scopes.append({})
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()
        self.name(node.name, UNKNOWN)


def _has_h5py() -> bool:
    return importlib.util.find_spec("h5py") is not None


@cache
def names_of(kind: type) -> frozenset[str]:
    """Return the attributes of a class's objects: of the class, and those set on ``self``.

    Where attributes are looked up when they are asked for, names in quotes count as well.
    """
    names = set(dir(kind))
    for each in kind.__mro__:
        names |= set(getattr(each, "__annotations__", ()))
        if each.__module__.startswith("tinynet."):
            code = inspect.getsource(each)
            names |= set(re.findall(r"\bself\.(\w+)\b", code))
            if hasattr(kind, "__getattr__"):  # weights, by the names that they have in a dict
                names |= set(re.findall(r"\"(\w+)\"", code))
    return frozenset(names)


@cache
def arguments_of(function: Callable[..., Any]) -> tuple[list[str], bool]:
    """Return the names of a function's or a class's arguments, and whether it takes any others.

    What a class passes on as ``**kwargs`` are the arguments of the one that it is derived from.
    """
    if isinstance(function, ByFunction):
        kind: Any = function.kind
        names, others = arguments_of(kind)
        return ["y_true", "y_pred", *names], others
    kinds = [
        vars(each)["__init__"]
        for each in (function.__mro__ if inspect.isclass(function) else ())
        if "__init__" in vars(each) and each is not object
    ]
    names = []
    for each in kinds or [function]:
        try:
            taken = list(inspect.signature(each).parameters.values())[bool(kinds) :]
        except (TypeError, ValueError):
            return names, True
        names += [one.name for one in taken if one.kind is not one.VAR_KEYWORD]
        if all(one.kind is not one.VAR_KEYWORD for one in taken):
            return names, False
        code = inspect.getsource(each) if each.__module__.startswith("tinynet.") else ""
        if "old_names.refuse(" in code:  # it takes others only to say how they are called now
            return names + re.findall(r"kwargs\.pop\(\"(\w+)\"", code), False
    return names, True
