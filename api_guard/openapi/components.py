"""The parts of the schema that all operations share: the refusal and the headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

Component = ResolvedComponent


def _component(name: str, kind: str, schema: dict[str, Any]) -> Component:
    made: Any = ResolvedComponent
    return cast("Component", made(name=name, type=kind, schema=schema, object=name))


def _header(name: str, kind: str, description: str) -> Component:
    schema = {"description": description, "schema": {"type": kind}}
    return _component(name, ResolvedComponent.HEADER, schema)


_TEXT = {"type": "string"}
REFUSAL = _component(
    "Refusal",
    ResolvedComponent.SCHEMA,
    {
        "type": "object",
        "description": "Why a request is refused.",
        "properties": {
            "detail": {**_TEXT, "description": "For people; it may be translated."},
            "code": {**_TEXT, "description": "For programs; it is stable. It may be missing."},
            "wait": {"type": "integer", "description": "With 429: seconds to wait."},
            "rate": {**_TEXT, "description": "With 429: the exceeded rate."},
            "decision": {**_TEXT, "description": "The id of the line in the log."},
        },
        "required": ["detail"],
    },
)
INVALID = _component(
    "InvalidFields",
    ResolvedComponent.SCHEMA,
    {
        "description": "What is wrong with each field, or with each item of a list.",
        "oneOf": [
            {"type": "object", "additionalProperties": {}},
            {"type": "array", "items": {}},
        ],
    },
)
HEADERS: Mapping[str, Component] = {
    "WWW-Authenticate": _header("WWW-Authenticate", "string", "How to authenticate (RFC 6750)."),
    "Retry-After": _header("Retry-After", "integer", "Seconds to wait."),
    "RateLimit-Policy": _header(
        "RateLimit-Policy", "string", 'The rates, as in `"100/m";q=100;w=60`.'
    ),
    "RateLimit": _header(
        "RateLimit", "string", 'What is left of each rate, as in `"100/m";r=99;t=60`.'
    ),
}


def reference(component: Component) -> dict[str, Any]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{component.type}/{component.name}"}


def register(registry: ComponentRegistry) -> None:
    """Add the components to the schema that is being made."""
    for component in (REFUSAL, INVALID, *HEADERS.values()):
        registry.register_on_missing(component)
