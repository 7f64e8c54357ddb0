"""Mutants: small changes to a source file, made by rule. A good test notices each of them.

The rules: another comparison, another operator, a number plus one, a condition negated, ``and``
for ``or``, ``min`` for ``max``, ``any`` for ``all``, a statement left out, ``return None``. What is
only said is left alone: docstrings, annotations, decorators, strings, errors' messages, warnings,
what is printed, ``__repr__``, and methods that only subclasses have. A mutant has as many lines as
its source, each at its place.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
NEGATIONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
NAMES = {"min": "max", "any": "all", "minimum": "maximum", "floor": "ceil", "zeros": "ones"}
NAMES |= {new: old for old, new in NAMES.items()}
ONLY_SAYS = {"__repr__", "__str__", "print", "warn", "_say"}


class Mutant(NamedTuple):
    """One change: the text from `start` to `end` (offsets into the file's bytes) becomes `new`."""

    path: str
    line: int
    rule: str
    start: int
    end: int
    new: str
    old_line: str
    new_line: str
    number: int  # which one, among those of this file that read the same
    function: str  # the outermost function around it, "" for a class or a module
    first_line: int  # that function's, with its decorators
    body: range  # the lines of its body
    statement: int  # the line in which the statement begins

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What stays when other lines change."""
        return self.path, self.old_line, self.new_line, self.number

    def apply(self, source: bytes) -> bytes:
        """Return the changed file."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def changed(node: ast.AST, **fields: object) -> ast.AST:
    """Return a copy of a node with other fields."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def name_called(node: ast.AST) -> str:
    """Return the last part of the name that is called, or ""."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", getattr(function, "id", ""))


def expressions(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what an expression may become."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                other = (COMPARISONS | NEGATIONS).get(type(op))
                if other is not None:
                    yield "comparison", changed(node, ops=[*ops[:i], other(), *ops[i + 1 :]])
        case ast.BinOp(op=op, left=left) if type(op) in OPERATORS:
            if not (isinstance(left, ast.Constant) and isinstance(left.value, str)):
                yield "operator", changed(node, op=OPERATORS[type(op)]())
        case ast.BoolOp(op=op):
            yield "and, or", changed(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "sign, not", operand
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield "constant", ast.Constant(value + 1)
        case ast.Name(id=name) if name in NAMES:
            yield "min, max", changed(node, id=NAMES[name])
        case ast.Attribute(attr=name) if name in NAMES:
            yield "min, max", changed(node, attr=NAMES[name])


def conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the conditions of a node that no other rule negates."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        tests = [node.test]
    else:
        tests = node.ifs if isinstance(node, ast.comprehension) else []
    for test in tests:
        alone = isinstance(test, ast.Compare) and len(test.ops) == 1
        if not (alone and type(test.ops[0]) in NEGATIONS) and not (
            isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        ):
            yield test


def statements(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what a statement may become."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Delete() | ast.Raise():
            yield "left out", "pass"
        case ast.Assign(targets=targets):
            if all(isinstance(target, ast.Attribute | ast.Subscript) for target in targets):
                yield "left out", "pass"
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield "return None", "return None"
        case ast.Break():
            yield "break, continue", "continue"
        case ast.Continue():
            yield "break, continue", "break"
    if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        yield "operator", ast.unparse(changed(node, op=OPERATORS[type(node.op)]()))


def only_says(node: ast.AST) -> bool:
    """Say whether a node is for the reader's eyes only, with all that is in it."""
    match node:
        case ast.FunctionDef(name=name):
            return name in ONLY_SAYS
        case ast.Call():
            return name_called(node) in ONLY_SAYS
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.JoinedStr() | ast.Match():
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError")):
            return True  # a method that every subclass has
    return False


def walk(
    node: ast.AST, function: ast.FunctionDef | None, name: str, statement: int
) -> Iterator[tuple]:
    """Yield (rule, node, its new text, function around it, the function's name, the statement)."""
    if isinstance(node, ast.stmt):
        statement = node.lineno
    if only_says(node) or (isinstance(node, ast.Expr) and only_says(node.value)):
        return
    for rule, text in statements(node):
        yield rule, node, text, function, name, statement
    if isinstance(node, ast.Raise):
        return  # the rest is its message
    for rule, new in expressions(node):
        whole = isinstance(new, ast.Constant | ast.Name | ast.Attribute)
        alone = whole and node.lineno == node.end_lineno
        text = ast.unparse(new) if alone else f"({ast.unparse(new)})"
        yield rule, node, text, function, name, statement
    for test in conditions(node):
        yield "negated", test, f"(not ({ast.unparse(test)}))", function, name, statement
    skipped = {"annotation", "returns", "decorator_list", "type_comment"}
    for field, value in ast.iter_fields(node):
        inside, inside_name = function, name
        if isinstance(node, ast.ClassDef) and function is None and field == "body":
            inside_name = f"{name}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef) and function is None and field in ("body", "args"):
            inside, inside_name = node, f"{name}.{node.name}".lstrip(".")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in skipped:
                yield from walk(child, inside, inside_name, statement)


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return all mutants of one file."""
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    found: list[Mutant] = []
    times: dict[tuple[str, str], int] = {}
    for rule, node, text, function, name, statement in walk(tree, None, "", 0):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        missing = "\n" * source[start:end].count(b"\n")
        is_statement = isinstance(node, ast.stmt)
        new = text + missing if is_statement else text[:-1] + missing + text[-1]
        last = lines[node.end_lineno - 1][node.end_col_offset :]
        old_line = lines[node.lineno - 1].decode().strip()
        new_line = (lines[node.lineno - 1][: node.col_offset] + text.encode() + last).decode()
        both = (old_line, new_line.strip())
        times[both] = times.get(both, 0) + 1
        if function is None:
            place = ("", 0, range(0))
        else:
            first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
            place = (name, first, range(function.body[0].lineno, function.end_lineno + 1))
        found.append(
            Mutant(path, node.lineno, rule, start, end, new, *both, times[both], *place, statement)
        )
    return found
