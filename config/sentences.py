"""The sentences that our Python says with values in them, read from its source: `f"The file has {n} streams."` is one.

The engine knows no catalogue and says English. What it says travels as text (through a child's pipe, a row, an answer) and is
translated where a person reads it, by `converter.sentences`, which knows a sentence again by its shape. Here the shapes are
gathered for the catalogue, so that none can be forgotten: each value becomes a named placeholder, and a choice between words
(`{'is' if n == 1 else 'are'}`) becomes one shape for each word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product

from converter.sentences import PREFIX

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
_SENTENCE = re.compile(r"(?:[A-Z“]|%\(\w+\)s|\w+: |[a-z])[^\n{}<>]* [^\n{}<>]*[.]")
_FRAGMENT = re.compile(r"(?!.*\b(?:IS|IN)\b)[^\n{}<>]*[a-z]{2,}[^\n{}<>]*")
"""A part of a sentence; a condition in SQL is none."""
_OPENING = re.compile(rf"(?:%\(\w+\)s)?{PREFIX.pattern}|%\((?!why)\w+\)s(?:\.\w+)?: (?=[a-z%])")
_UNSEEN = frozenset({"log", "help", "title", "summary", "description", "help_text"})
"""Keyword arguments that hold no sentence of their own here: for the log, or gathered from the registry."""
_CARRIED = frozenset({"why", "sentence", "reason", "what", "faults", "sides", "who", "which", "when", "how"})
"""Parameters of our own functions that are put into a sentence."""


def sentences(source: str) -> Iterator[str]:
    """Every sentence of a module that somebody may read, without the name of a field before it; in no order, and more than once."""
    tree = ast.parse(source)
    unseen = set(_unseen(tree))
    for node in ast.walk(tree):
        if id(node) not in unseen and (isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))):
            yield from (_bare(shape) for shape in shapes(node) if _SENTENCE.fullmatch(shape) and _says_something(shape))
    for node in _fragments(tree):
        yield from (_bare(shape) for shape in shapes(node) if _FRAGMENT.fullmatch(shape) and _says_something(shape))


def shapes(node: ast.expr) -> list[str]:
    """What an expression may say, with placeholders for its values; nothing where it is not written out there."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return shapes(node.body) + shapes(node.orelse)
    if not isinstance(node, ast.JoinedStr):
        return []
    tests = {ast.dump(part.value.test) for part in node.values if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp)}
    found: list[str] = []
    for chosen in product((True, False), repeat=len(tests)):
        found += _written(node, dict(zip(sorted(tests), chosen, strict=True)))
    return found


def _bare(shape: str) -> str:
    opening = _OPENING.match(shape)
    return shape[opening.end() :] if opening else shape


def _says_something(shape: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", _PLACEHOLDER.sub("", _bare(shape)))) > 1


def _written(node: ast.JoinedStr, chosen: dict[str, bool]) -> list[str]:
    names: list[str] = []
    texts = [""]
    for part in node.values:
        value = part.value if isinstance(part, ast.FormattedValue) else part
        if isinstance(value, ast.Constant):
            said = [str(value.value)]
        elif isinstance(value, ast.IfExp):
            branch = value.body if chosen[ast.dump(value.test)] else value.orelse
            said = shapes(branch) or [_placeholder(branch, names)]
        else:
            said = [_placeholder(value, names)]
        texts = [text + more for text in texts for more in said]
    return texts


def _placeholder(value: ast.expr, names: list[str]) -> str:
    while isinstance(value, ast.Call) and value.args:
        value = value.args[0]
    named = [each.attr if isinstance(each, ast.Attribute) else each.id for each in ast.walk(value) if isinstance(each, (ast.Attribute, ast.Name))]
    name = (named[0] if named else "value").strip("_").lower()
    count = sum(other.rstrip("0123456789") == name for other in names)
    names.append(name if not count else f"{name}{count + 1}")
    return f"%({names[-1]})s"


def _unseen(tree: ast.Module) -> Iterator[int]:
    """Docstrings, what is for the log only, and the insides of f-strings, which are read as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from (id(each.value) for each in node.body if isinstance(each, ast.Expr))
        if isinstance(node, ast.JoinedStr):
            yield from (id(inner) for part in node.values for inner in ast.walk(part))
        if isinstance(node, ast.Call):
            yield from (id(inner) for word in node.keywords if word.arg in _UNSEEN for inner in ast.walk(word.value))
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "logger":
                yield from (id(inner) for inner in ast.walk(node))


def _fragments(tree: ast.Module) -> Iterator[ast.expr]:
    """What becomes a part of a sentence: handed to a function of the module (`_bad(spec, f"{value} is not a number")`), or named so first."""
    carriers: dict[str, int] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for place, each in enumerate(function.args.args):
                if each.arg in _CARRIED:
                    carriers[function.name] = place
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > carriers.get(node.func.id, 99):
            yield node.args[carriers[node.func.id]]
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id in _CARRIED | {"text"} for target in node.targets):
            yield node.value
