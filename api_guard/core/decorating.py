"""Finds the lines of a Python file where decorators and an import belong."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from api_guard.core.patches import MARK, Insertion, lines_of

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_INDENTATION = b" \t\f"

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class CannotDecorateError(Exception):
    """The definition cannot be decorated by inserting a line. The message says why."""


@dataclass(frozen=True)
class PythonFile:
    """A parsed file. Raises SyntaxError or ValueError if Python cannot read it."""

    data: bytes
    tree: ast.Module = field(init=False)
    lines: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.data))
        object.__setattr__(self, "lines", lines_of(self.data))
        if b"\r" in self.data.replace(b"\r\n", b""):
            raise ValueError("its lines end with a lone carriage return")

    @property
    def end(self) -> bytes:
        """What ends a line."""
        return b"\r\n" if self.lines and self.lines[0].endswith(b"\r\n") else b"\n"

    def names(self) -> frozenset[str]:
        """Return every name that the file uses or binds."""
        return frozenset(_names(self.tree))

    def imported(self, module: str) -> dict[str, str]:
        """Return the names that the top level imports from `module`, and what they are here."""
        return {
            alias.name: alias.asname or alias.name
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and node.module == module and not node.level
            for alias in node.names
        }


def definitions_of(tree: ast.Module, qualname: str) -> list[Definition]:
    """Return the definitions of a class or function, of all branches of an `if` or a `try`.

    Raises CannotDecorateError if it is not defined once for all, or not in this file.
    """
    found = list(_defined(tree.body, qualname.split("."), is_in_loop=False))
    if "<locals>" in qualname or not found:
        raise CannotDecorateError("it is not defined at the top level of its file")
    if any(is_in_loop for _, is_in_loop in found):
        raise CannotDecorateError("it is defined in a loop")
    return [node for node, _ in found]


def decorator_at(source: PythonFile, node: Definition, line: str) -> Insertion:
    """Return the insertion of a decorator above all others of `node`.

    Raises CannotDecorateError if the definition shares its first line with other code.
    """
    first = _first_line(node) - 1
    # The @ may stand on a line above the expression.
    while node.decorator_list and not _bare(source.lines[first]).startswith(b"@"):
        first -= 1
    bare = _bare(source.lines[first])
    if not bare.startswith((b"@", b"class", b"def", b"async")):
        raise CannotDecorateError("it shares its line with other code")
    text = source.lines[first].removeprefix(MARK)
    indentation = text[: len(text) - len(text.lstrip(_INDENTATION))]
    return Insertion(first, (indentation + line.encode() + source.end,))


def import_at(source: PythonFile, before: int, line: str) -> Insertion:
    """Return the insertion of an import before the line `before`, counted from 0.

    It comes after the docstring and the last import of the top level above that line.
    """
    body = source.tree.body
    imports = [
        node
        for index, node in enumerate(body)
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (not index and _is_text(node))
    ]
    ends = [node.end_lineno or node.lineno for node in imports if node.lineno <= before]
    at = max(ends, default=0)
    # Another statement may begin on the line where the import ends.
    for node in body:
        if node.lineno == at:
            at = max(at, node.end_lineno or at)
    if not ends:
        at = min(map(_first_line, body), default=len(source.lines) + 1) - 1
    return Insertion(at, (line.encode() + source.end,))


def import_line(
    module: str, names: Iterable[str], taken: frozenset[str]
) -> tuple[str, Mapping[str, str]]:
    """Return the line that imports `names`, and what each is called after it.

    A name that is taken gets an underscore, as PEP 8 recommends.
    """
    called = {name: _free(name, taken) for name in sorted(names)}
    parts = (name if name == new else f"{name} as {new}" for name, new in called.items())
    return f"from {module} import {', '.join(parts)}", called


def changes_only(before: PythonFile, after: bytes, added: Iterable[str]) -> bool:
    """Whether `after` is the same program, but for these decorators and imports."""
    wanted = {_normal(line) for line in added}
    try:
        return _without(ast.parse(after), wanted) == _without(ast.parse(before.data), wanted)
    except (SyntaxError, ValueError):
        return False


def _normal(line: str) -> str:
    is_decorator = line.startswith("@")
    return line[:1] * is_decorator + ast.unparse(ast.parse(line[is_decorator:]))


def _without(tree: ast.Module, lines: set[str]) -> str:
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
            node.decorator_list = [
                each for each in node.decorator_list if f"@{ast.unparse(each)}" not in lines
            ]
    tree.body = [node for node in tree.body if ast.unparse(node) not in lines]
    return ast.dump(tree)


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _bare(line: bytes) -> bytes:
    return line.removeprefix(MARK).lstrip(_INDENTATION)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _defined(
    body: Iterable[ast.stmt], names: list[str], *, is_in_loop: bool
) -> Iterator[tuple[Definition, bool]]:
    for node in body:
        if isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
            if node.name == names[0] and len(names) == 1:
                yield node, is_in_loop
            elif node.name == names[0] and isinstance(node, ast.ClassDef):
                yield from _defined(node.body, names[1:], is_in_loop=is_in_loop)
            continue
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, part, None) or []
            for each in inner:
                statements = (
                    each.body if isinstance(each, (ast.ExceptHandler, ast.match_case)) else [each]
                )
                yield from _defined(
                    statements, names, is_in_loop=is_in_loop or isinstance(node, _LOOPS)
                )


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, (ast.ClassDef, *_FUNCTIONS)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
