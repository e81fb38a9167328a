"""Checks of the fields and the serializers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.http.request import validate_host
from rest_framework.serializers import BaseSerializer, ListSerializer

from api_guard import conf
from api_guard.access.endpoints import dotted_path, routes
from api_guard.checks.grouping import by_module
from api_guard.exceptions import GuardError
from api_guard.input.sanitizers import OLDEST, allow_lists, find_fault, is_too_old
from api_guard.serializers import StrictModelSerializer, StrictSerializer

_STRICT = (StrictSerializer, StrictModelSerializer)


def check_engine(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E060, E061: the HTML engine works as expected with every AllowList."""
    del app_configs
    engine = conf.sanitizer()
    found: list[CheckMessage] = [
        Error(
            f"{engine} and the AllowList of {', '.join(sorted(allowed.tags))} do not work "
            f"together: {fault}.",
            hint='Write: RichTextField(max_length=10_000, preset="comment"), or remove the '
            "named part from the AllowList.",
            id="api_guard.E060",
        )
        for allowed in allow_lists()
        if (fault := find_fault(allowed, engine)) is not None
    ]
    if is_too_old(engine):
        oldest = ".".join(map(str, OLDEST[engine]))
        text = (
            f"{engine} is older than {oldest}: it lets through scripts that later versions remove."
        )
        hint = f'pip install "{engine}>={oldest}"'
        found.append(Error(text, hint=hint, id="api_guard.E061"))
    return found


def check_frames(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E065: no frame shows a page of this site, because it could remove its sandbox."""
    del app_configs
    own = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    shown = sorted({host for allowed in allow_lists() for host in allowed.frames})
    return [
        Error(
            f"An AllowList shows frames of {host}, a host of this site: a page of the same origin "
            "can remove its own sandbox.",
            hint=f"Remove {host!r} from frames, and serve the framed pages from another host.",
            id="api_guard.E065",
        )
        for host in shown
        if validate_host(host, own)
    ]


def check_serializers(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W062, E063, W064: the serializers of routed views accept only declared fields."""
    del app_configs
    found: dict[tuple[str, str], CheckMessage] = {}
    of_all: dict[str, list[str]] = {}
    for serializer_class in _routed():
        try:
            serializers = list(_with_nested(serializer_class()))
        except GuardError as error:
            name = dotted_path(serializer_class)
            message = Error(f"{name} cannot be built: {error}", id="api_guard.E063")
            found["E063", name] = message
            continue
        except Exception:  # noqa: BLE001, S112  # DRF reports it when it is used
            continue
        for serializer in serializers:
            name = dotted_path(type(serializer))
            if getattr(getattr(serializer, "Meta", None), "fields", None) == "__all__":
                of_all[name] = list(serializer.fields)
        for outer, inner in _loose(serializers):
            found["W064", f"{outer} {inner}"] = _nested(outer, inner)
    return [*(_all_fields(of_all) if of_all else []), *found.values()]


def _routed() -> Iterator[type[BaseSerializer[Any]]]:
    """Yield the `serializer_class` of every routed view, each once."""
    seen: dict[type[BaseSerializer[Any]], None] = {}
    for route in routes():
        cls = getattr(route.view_class, "serializer_class", None)
        if isinstance(cls, type) and issubclass(cls, BaseSerializer):
            seen[cls] = None
    yield from seen


def _with_nested(serializer: Any) -> Iterator[Any]:
    if isinstance(serializer, ListSerializer):
        yield from _with_nested(serializer.child)
        return
    yield serializer
    for field in getattr(serializer, "fields", {}).values():
        if isinstance(field, BaseSerializer):
            yield from _with_nested(field)


def _loose(serializers: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield each strict serializer with each writable nested one that is not strict."""
    for serializer in serializers:
        for field in serializer.fields.values() if isinstance(serializer, _STRICT) else ():
            inner = field.child if isinstance(field, ListSerializer) else field
            is_serializer = isinstance(inner, BaseSerializer)
            if is_serializer and not field.read_only and not isinstance(inner, _STRICT):
                yield dotted_path(type(serializer)), dotted_path(type(inner))


def _all_fields(found: Mapping[str, list[str]]) -> list[CheckMessage]:
    first, fields = next(iter(found.items()))
    line = f"fields = [{', '.join(map(json.dumps, fields))}]"
    risk = "clients can read and write each new column of the model at once."
    if len(found) == 1:
        text, hint = f'{first} has fields = "__all__": {risk}', line
    else:
        text = f'{len(found)} serializers have fields = "__all__": {risk}{by_module(found)}'
        hint = f"Name the fields of each. In {first.rpartition('.')[2]}: {line}"
    return [checks.Warning(text, hint=hint, id="api_guard.W062")]


def _nested(outer: str, inner: str) -> CheckMessage:
    return checks.Warning(
        f"{outer} is strict, and its nested {inner} is not: unknown fields pass there.",
        hint=f"class {inner.rpartition('.')[2]}(StrictSerializer): ...",
        id="api_guard.W064",
    )
