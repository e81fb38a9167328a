"""Settings of scopes: what each scope allows, and the rules for granting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api_guard.conf.values import Rule, is_count, read
from api_guard.core.names import alike, did_you_mean
from api_guard.core.scopes import (
    BUNDLE_MARK,
    EVERY_SCOPE,
    PROTOCOL_SCOPES,
    ScopeTerms,
    is_scope_name,
)

_DESCRIPTION = "description"
_KEYS = (_DESCRIPTION, "group", "sensitive", "max_days", "requestable")


def scopes() -> dict[str, str]:
    """The declared scopes, each with its description.

    Invalid names are left out, and so are names that differ only in case: they cannot be granted.
    """
    return {name: terms.description for name, terms in scope_terms().items()}


def scope_terms() -> dict[str, ScopeTerms]:
    """The declared scopes, each with the rules for granting it.

    A wrong value has its strictest meaning.
    """
    declared = _declarable()
    unclear = {name for names in alike(declared) for name in names}
    return {name: _terms(value) for name, value in declared.items() if name not in unclear}


def sensitive_scopes() -> tuple[str, ...]:
    """The scopes that are sensitive. Requests read it: it reads only the scopes that are mappings.

    A name that is declared in two spellings is included, although it cannot be granted.
    """
    value = read("SCOPES")
    if not isinstance(value, Mapping):
        return ()
    return tuple(
        name
        for name, said in value.items()
        if isinstance(said, Mapping) and _is_sensitive(said) and is_declarable(name)
    )


def is_sensitive(name: str) -> bool:
    """Whether a scope is sensitive. Requests read it."""
    value = read("SCOPES")
    said = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(said, Mapping) and _is_sensitive(said)


def scope_groups() -> tuple[str, ...]:
    """The groups that the declared scopes are in, by name."""
    return tuple(sorted({terms.group for terms in scope_terms().values() if terms.group}))


def scopes_alike() -> list[tuple[str, ...]]:
    """The declared scopes whose names differ only in case, grouped."""
    return alike(_declarable())


def flaws_of_scopes() -> list[tuple[str, str]]:
    """The mistakes in the scopes written as mappings, each with a right value."""
    found = []
    for name, value in _declarable().items():
        if isinstance(value, Mapping):
            found += [(f"{name!r} {flaw}", fix) for flaw, fix in _flaws(value)]
    return found


def _declarable() -> dict[str, object]:
    value = read("SCOPES")
    if not isinstance(value, Mapping):
        return {}
    return {name: said for name, said in value.items() if is_declarable(name)}


def is_declarable(name: object) -> bool:
    """Whether a scope can have this name."""
    if not is_scope_name(name) or name in PROTOCOL_SCOPES:
        return False
    return not str(name).startswith(BUNDLE_MARK)


def _terms(value: object) -> ScopeTerms:
    if not isinstance(value, Mapping):
        return ScopeTerms(str(value))
    group, days = value.get("group", ""), value.get("max_days")
    return ScopeTerms(
        description=str(value.get(_DESCRIPTION, "")),
        # In no group, so that only an authority over all scopes can grant it.
        group=group if _is_group(group) else "",
        is_sensitive=_is_sensitive(value),
        max_days=days if days is None or (is_count(days) and days > 0) else 1,
        is_requestable=value.get("requestable", False) is True,
    )


def _is_sensitive(value: Mapping[Any, Any]) -> bool:
    return value.get("sensitive", False) is not False


def _is_group(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value != EVERY_SCOPE


def _flaws(value: Mapping[Any, Any]) -> list[tuple[str, str]]:
    found = [
        (f"has an unknown key {key!r}.{did_you_mean(key, _KEYS)}", ", ".join(_KEYS))
        for key in value
        if key not in _KEYS
    ]
    if "group" in value and not _is_group(value["group"]):
        found.append(("needs a text other than '*' as its group", '"Notes"'))
    found += [
        (f"needs True or False as {key!r}", "True")
        for key in ("sensitive", "requestable")
        if not isinstance(value.get(key, False), bool)
    ]
    days = value.get("max_days")
    if days is not None and not (is_count(days) and days > 0):
        found.append(("needs a whole number of days as max_days", "30"))
    return found


def _is_right(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        is_declarable(name)
        and bool(str(said.get(_DESCRIPTION, "") if isinstance(said, Mapping) else said).strip())
        for name, said in value.items()
    )


RULES: dict[str, Rule] = {
    "SCOPES": (
        _is_right,
        "must map each scope's name (RFC 6749 §3.3; not one of OpenID Connect's, no @ first) to a "
        "description "
        "or to a mapping with one",
        '{"notes:read": "Read notes"}',
    ),
}
