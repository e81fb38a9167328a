"""Reads a file of grants: who should hold which scopes, and which groups may grant them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api_guard.core.names import did_you_mean, is_storable

VERSION = 1
KINDS = ("user", "group", "client")
# `apart` is what `guard_suggest` proposes nothing for.
_TOP = ("version", "grants", "authorities", "apart")
_GRANT = (*KINDS, "scopes", "until", "reason")
_AUTHORITY = ("group", "scope_groups", "reason")


class SyncFileError(ValueError):
    """The file cannot be used. `problems` lists everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class WantedGrant:
    """A grantee, by its kind and its natural key, and a scope that it should hold."""

    kind: str
    name: str
    scope: str
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class WantedAuthority:
    """A Django group, and a group of scopes that its members should be able to grant."""

    group: str
    scope_group: str
    reason: str = ""


@dataclass(frozen=True)
class SyncFile:
    """What a file wants.

    `grantees` are all that the file names as (kind, name), and `managers` all groups of its
    authorities: also those for which it lists nothing. `digest` is the SHA-256 of the file.
    """

    grants: tuple[WantedGrant, ...]
    authorities: tuple[WantedAuthority, ...]
    grantees: frozenset[tuple[str, str]]
    managers: frozenset[str]
    digest: str


def parse(content: bytes, *, is_toml: bool = False) -> SyncFile:
    """Read a file of JSON or TOML. Raises SyncFileError."""
    said = _read(content, is_toml=is_toml)
    problems = [*_flaws_of_keys(said, _TOP, "the file")]
    if said.get("version", VERSION) != VERSION:
        problems.append(f"the file: version {said['version']!r} is not known. Write {VERSION}.")
    grants, grantees = _grants(said, problems)
    authorities, managers = _authorities(said, problems)
    if problems:
        raise SyncFileError(problems)
    digest = hashlib.sha256(content).hexdigest()
    return SyncFile(grants, authorities, frozenset(grantees), frozenset(managers), digest)


def _grants(
    said: Mapping[str, Any], problems: list[str]
) -> tuple[tuple[WantedGrant, ...], set[tuple[str, str]]]:
    found: dict[tuple[str, str, str], WantedGrant] = {}
    grantees: set[tuple[str, str]] = set()
    for place, entry in _entries(said, "grants", problems):
        named = _of_grant(entry, place, problems)
        if named is None:
            continue
        kind, name, until = named
        grantees.add((kind, name))
        for scope in _texts(entry, "scopes", place, problems):
            if (kind, name, scope) in found:
                problems.append(f"{place}: {scope!r} for {kind} {name!r} is there twice")
            wanted = WantedGrant(kind, name, scope, until, entry.get("reason", ""))
            found[kind, name, scope] = wanted
    return tuple(found.values()), grantees


def _authorities(
    said: Mapping[str, Any], problems: list[str]
) -> tuple[tuple[WantedAuthority, ...], set[str]]:
    found: dict[tuple[str, str], WantedAuthority] = {}
    managers: set[str] = set()
    for place, entry in _entries(said, "authorities", problems):
        flaws = [*_flaws_of_keys(entry, _AUTHORITY, place), *_flaws_of_texts(entry, place)]
        if "group" not in entry:
            flaws.append(f"{place}: needs 'group'")
        problems += flaws
        if flaws:
            continue
        group = entry["group"]
        managers.add(group)
        for scope_group in _texts(entry, "scope_groups", place, problems):
            if (group, scope_group) in found:
                problems.append(f"{place}: {scope_group!r} for group {group!r} is there twice")
            found[group, scope_group] = WantedAuthority(group, scope_group, entry.get("reason", ""))
    return tuple(found.values()), managers


def _read(content: bytes, *, is_toml: bool) -> Mapping[str, Any]:
    try:
        text = content.decode("utf-8-sig")
        said = tomllib.loads(text) if is_toml else json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise SyncFileError([f"It is not {'TOML' if is_toml else 'JSON'}: {error}"]) from None
    if not isinstance(said, dict):
        raise SyncFileError([f"It must be an object with the keys {', '.join(_TOP)}."])
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return found


def _entries(
    said: Mapping[str, Any], key: str, problems: list[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = said.get(key, [])
    if not isinstance(entries, list):
        problems.append(f"{key} must be a list")
        return
    for number, entry in enumerate(entries):
        place = f"{key}[{number}]"
        if isinstance(entry, dict):
            yield place, entry
        else:
            problems.append(f"{place} must be an object")


def _of_grant(
    entry: Mapping[str, Any], place: str, problems: list[str]
) -> tuple[str, str, datetime | None] | None:
    flaws = [*_flaws_of_keys(entry, _GRANT, place), *_flaws_of_texts(entry, place)]
    kinds = [kind for kind in KINDS if kind in entry]
    if len(kinds) != 1:
        flaws.append(f"{place}: needs exactly one of {', '.join(KINDS)}")
    until: datetime | None = None
    try:
        if entry.get("until") is not None:
            until = _moment(entry["until"])
    except (ValueError, OverflowError):
        flaws.append(
            f"{place}: {str(entry['until'])!r} is not a time with a zone, as 2027-01-31T12:00:00Z"
        )
    problems += flaws
    return None if flaws else (kinds[0], entry[kinds[0]], until)


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)  # which no database could do beyond the year 9999


def _flaws_of_keys(said: Mapping[str, Any], known: tuple[str, ...], place: str) -> Iterator[str]:
    for key in said:
        if key not in known:
            yield f"{place}: the key {key!r} is not known.{did_you_mean(key, known)}"


def _flaws_of_texts(entry: Mapping[str, Any], place: str) -> Iterator[str]:
    for key in (*KINDS, "reason"):
        if key in entry and not isinstance(entry[key], str):
            yield f"{place}: {key!r} must be a text"
        elif key in KINDS and not is_storable(entry.get(key, "")):
            yield f"{place}: {entry[key]!r} has a character that no database can store"


def _texts(entry: Mapping[str, Any], key: str, place: str, problems: list[str]) -> list[str]:
    found = entry.get(key)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        problems.append(f"{place}: needs {key!r}, a list of texts")
        return []
    return found
