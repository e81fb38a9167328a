"""Settings of bundles: named sets of scopes that are granted as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from api_guard.conf.scopes import is_sensitive, scope_terms, scopes
from api_guard.conf.values import Rule, read, strings
from api_guard.core.names import alike, did_you_mean
from api_guard.core.scopes import BUNDLE_MARK, MAX_SCOPE_LENGTH, is_scope_name

_KEYS = ("description", "scopes")


@dataclass(frozen=True)
class Bundle:
    """A named set of scopes."""

    description: str
    scopes: frozenset[str]


def bundles() -> dict[str, Bundle]:
    """The bundles by the name under which they are granted: `@editor`.

    Scopes that are not declared, and sensitive ones, are left out: a bundle never opens them. A
    bundle with a wrong value is left out.
    """
    declared = {name for name, terms in scope_terms().items() if not terms.is_sensitive}
    found = _written()
    unclear = {name for names in alike(found) for name in names}
    return {
        name: Bundle(str(said.get("description", "")), frozenset(_listed(said)) & declared)
        for name, said in found.items()
        if name not in unclear
    }


def bundles_with(wanted: Iterable[str]) -> tuple[str, ...]:
    """The bundles that contain one of these scopes. Requests read it, so it checks little.

    What it returns too much is not pinned, and opens nothing.
    """
    value = read("BUNDLES")
    if not isinstance(value, Mapping):
        return ()
    asked = tuple(wanted)
    return tuple(
        f"{BUNDLE_MARK}{name}"
        for name, said in value.items()
        if isinstance(said, Mapping) and _has_one(said.get("scopes"), asked)
    )


def opened_by_bundle(name: str, pinned: Iterable[str]) -> tuple[str, ...]:
    """The scopes among `pinned` that a bundle, such as `@editor`, lists. Requests read it too."""
    value = read("BUNDLES")
    said = value.get(name.removeprefix(BUNDLE_MARK)) if isinstance(value, Mapping) else None
    if not isinstance(said, Mapping):
        return ()
    listed = _listed(said)
    return tuple(scope for scope in pinned if scope in listed and not is_sensitive(scope))


def has_bundles() -> bool:
    """Whether there may be a bundle."""
    return bool(read("BUNDLES"))


def grantable() -> dict[str, str]:
    """Everything that can be granted, each with its description: scopes and bundles."""
    return {**scopes(), **{name: each.description for name, each in bundles().items()}}


def flaws_of_bundles() -> Iterator[tuple[str, str]]:
    """The mistakes in the bundles, each with what to do."""
    terms = scope_terms()
    for name, said in _written().items():
        for key in said:
            if key not in _KEYS:
                yield (
                    f"{name!r} has an unknown key {key!r}.{did_you_mean(key, _KEYS)}",
                    "Remove it.",
                )
        for scope in _listed(said):
            if scope not in terms:
                yield (
                    f"{name!r} contains {scope!r}, which is not declared in SCOPES."
                    f"{did_you_mean(scope, terms)}",
                    "Declare it, or remove it from the bundle.",
                )
            elif terms[scope].is_sensitive:
                yield (
                    f"{name!r} contains {scope!r}, which is sensitive: two people have to approve "
                    "it, so a bundle does not open it.",
                    "Remove it from the bundle, and grant it by itself.",
                )
    for names in alike(_written()):
        yield (
            f"{' and '.join(map(repr, names))} differ only in case, so they cannot be granted.",
            "Keep one of them.",
        )


def _written() -> dict[str, Mapping[object, object]]:
    value = read("BUNDLES")
    if not isinstance(value, Mapping):
        return {}
    return {
        f"{BUNDLE_MARK}{name}": said
        for name, said in value.items()
        if _is_name(name) and isinstance(said, Mapping) and _listed(said)
    }


def _has_one(listed: object, asked: tuple[str, ...]) -> bool:
    if not isinstance(listed, (list, tuple, set, frozenset)):
        return False
    return any(name in listed for name in asked)


def _listed(said: Mapping[object, object]) -> tuple[str, ...]:
    return strings(said.get("scopes")) or ()


def _is_name(name: object) -> bool:
    is_name = is_scope_name(name) and isinstance(name, str)
    return is_name and not str(name).startswith(BUNDLE_MARK) and len(str(name)) < MAX_SCOPE_LENGTH


def _is_right(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_name(name)
        and isinstance(said, Mapping)
        and bool(_listed(said))
        and bool(str(said.get("description", "")).strip())
        for name, said in value.items()
    )


RULES: dict[str, Rule] = {
    "BUNDLES": (
        _is_right,
        "must map each bundle's name, without @, to a mapping with a description and scopes",
        '{"editor": {"description": "Edit notes", "scopes": ["notes:read", "notes:write"]}}',
    ),
}
