"""Puts the guards and the settings of a project into one patch, and says what it leaves alone."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from django.conf import settings

from api_guard.adoption.definitions import nodes_of
from api_guard.adoption.places import file_of, is_own, root_of
from api_guard.adoption.setting_lines import missing_lines, uses_oauth2
from api_guard.adoption.token_scopes import described
from api_guard.adoption.views import Choice, Undeclared, choice_for, undeclared
from api_guard.core.decorating import (
    CannotDecorateError,
    Definition,
    PythonFile,
    changes_only,
    decorator_at,
    import_at,
    import_line,
)
from api_guard.core.patches import Insertion, inserted, patch_of


@dataclass
class Proposal:
    """A patch for `git apply` at `root`, and what it leaves alone, each with the reason."""

    root: Path
    patch: bytes = b""
    guarded: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    settings: str = ""


@dataclass(frozen=True)
class _Decorated:
    choice: Choice
    nodes: list[Definition]


def propose(*, with_oauth2: bool | None = None) -> Proposal:
    """Return what makes the project closed by default.

    `with_oauth2` says whether clients get access tokens; by default, whether the project has a
    sign of it.
    """
    module = _settings_module()
    path = file_of(module)
    proposal = Proposal(root_of(path or Path.cwd() / "manage.py"))
    scopes: dict[str, str] = {}
    exempt: dict[str, str] = {}
    by_file: dict[Path, list[Undeclared]] = {}
    for view in undeclared():
        found = file_of(sys.modules.get(view.module))
        if found is None or not is_own(found, proposal.root):
            exempt[view.name] = view.route
        else:
            by_file.setdefault(found, []).append(view)
    patches = {each: _guards_in(each, by_file[each], proposal, scopes) for each in sorted(by_file)}
    lines = missing_lines(
        module, scopes, exempt, with_oauth2=uses_oauth2() if with_oauth2 is None else with_oauth2
    )
    if lines:
        _write_settings(module, lines, patches, proposal)
    proposal.patch = b"".join(
        patch_of(each.relative_to(proposal.root).as_posix(), source.lines, insertions)
        for each, (source, insertions) in sorted(patches.items())
        if insertions
    )
    return proposal


def _guards_in(
    path: Path, views: list[Undeclared], proposal: Proposal, scopes: dict[str, str]
) -> tuple[PythonFile, list[Insertion]]:
    source = PythonFile(b"")
    try:
        source = PythonFile(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        proposal.left += [f"{view.name}: {path.name} cannot be read: {error}" for view in views]
        return source, []
    decorated: dict[str, _Decorated] = {}
    for view in views:
        try:
            nodes = nodes_of(source, view)
        except CannotDecorateError as error:
            proposal.left.append(f"{view.name}, at {view.route}: {error}")
        else:
            decorated[view.name] = _Decorated(choice_for(view, nodes), nodes)
    insertions, added = _insertions(source, list(decorated.values()))
    if not changes_only(source, b"".join(inserted(source.lines, insertions)), added):
        proposal.left += [f"{name}: its file has an unusual form" for name in decorated]
        return source, []
    for name, each in decorated.items():
        proposal.guarded.append(name)
        for scope in each.choice.scopes:
            label, _, slot = scope.partition(":")
            text = f"{'Read' if slot == 'read' else 'Change'} {label.replace('_', ' ')}"
            scopes[scope] = described().get(scope, text)
    return source, insertions


def _insertions(
    source: PythonFile, decorated: list[_Decorated]
) -> tuple[list[Insertion], list[str]]:
    """Return the decorators of a file and their import, and both as code."""
    here = source.imported("api_guard")
    wanted = {"guard"}.union(*(each.choice.standings for each in decorated))
    line, called = import_line("api_guard", wanted - here.keys(), source.names())
    names = {**here, **called}
    written = [(each, each.choice.decorator(names)) for each in decorated]
    insertions = [
        decorator_at(source, node, decorator + each.choice.comment())
        for each, decorator in written
        for node in each.nodes
    ]
    added = [decorator for _, decorator in written]
    if insertions and called:
        first = min(insertion.at for insertion in insertions)
        return [import_at(source, first, line), *insertions], [line, *added]
    return insertions, added


def _settings_module() -> ModuleType:
    """Return the module where the project installs api_guard: of its settings or a base of them."""
    named: str | None = settings.SETTINGS_MODULE
    if named is None:
        # settings.configure(): there is no file to change.
        module = ModuleType("settings")
        names = (name for name in dir(settings) if name.isupper() and hasattr(settings, name))
        vars(module).update({name: getattr(settings, name) for name in names})
        return module
    module = importlib.import_module(named)
    package = named.partition(".")[0]
    for name, each in sorted(sys.modules.items()):
        path = file_of(each) if name.partition(".")[0] == package else None
        if path is None or not hasattr(each, "INSTALLED_APPS"):
            continue
        if b"api_guard" in path.read_bytes():
            return each
    return module


def _write_settings(
    module: ModuleType,
    lines: list[str],
    patches: dict[Path, tuple[PythonFile, list[Insertion]]],
    proposal: Proposal,
) -> None:
    path = file_of(module)
    text = "\n".join(lines)
    if path is None or not is_own(path, proposal.root) or not hasattr(module, "INSTALLED_APPS"):
        proposal.settings = text
        return
    try:
        source = PythonFile(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        proposal.settings = text
        return
    written = tuple(line.encode() + source.end for line in lines)
    patches[path] = (
        source,
        [*patches.get(path, (source, []))[1], Insertion(len(source.lines), written)],
    )
