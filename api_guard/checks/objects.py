"""Checks of object rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from api_guard.access.endpoints import (
    Endpoint,
    attribute_of,
    dotted_path,
    endpoints,
    model_of,
    policy_of,
    routes,
)
from api_guard.access.ownership import leads_to_user
from api_guard.checks.grouping import by_module
from api_guard.checks.parameters import names_object
from api_guard.core.names import did_you_mean
from api_guard.decorators.plain import PlainView


def check_owners(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """E016: `owner=` leads from the view's model to a user."""
    del app_configs
    return [
        Error(
            f"{view} has owner={lookup!r}, which leads from {model._meta.label} to no user."
            f"{did_you_mean(lookup, [field.name for field in model._meta.get_fields()])}",
            hint='Write the field that leads to the user, such as owner="author" or '
            'owner="notebook__owner".',
            id="api_guard.E016",
        )
        for view, model, lookup in _owners()
        if leads_to_user(model, lookup) is None
    ]


def check_subjects(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W029: the model of every object rule is known."""
    del app_configs
    unknown = {
        dotted_path(route.view_class): None
        for route in routes()
        if route.view_class is not None
        and (policy := policy_of(route.view_class)) is not None
        and policy.hides_objects
        and model_of(route.view_class, getattr(route.callback, "initkwargs", {})) is None
    }
    return [
        checks.Warning(
            f"{view} has an object rule, but not for a known model: related fields of other views "
            "accept every object of that model.",
            hint="Write queryset = TheModel.objects.all() in the class.",
            id="api_guard.W029",
        )
        for view in unknown
    ]


def _owners() -> Iterator[tuple[str, type[Model], str]]:
    for cls in {route.view_class: None for route in routes() if route.view_class}:
        policy, model = policy_of(cls), model_of(cls)
        if policy is not None and model is not None:
            yield from ((dotted_path(cls), model, lookup) for lookup in set(policy.owner.values()))


def check_detail_routes(app_configs: object = None, **_: object) -> list[CheckMessage]:
    """W018: a route to one object has an object rule."""
    del app_configs
    # Of views of DRF, and of plain ones.
    open_to_all: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for endpoint in endpoints():
        if (
            endpoint.requirement is not None
            and endpoint.policy is not None
            and endpoint.policy.object_rule_for(endpoint.operation) is None
            and leads_to_object(endpoint)
        ):
            is_plain = issubclass(endpoint.view_class or object, PlainView)
            open_to_all[is_plain].setdefault(endpoint.view, endpoint.route)
    return [
        _without_rule(views, hint)
        for views, hint in zip(open_to_all, (_RULE, _NO_RULE), strict=True)
        if views
    ]


def leads_to_object(endpoint: Endpoint) -> bool:
    """Whether its route names one object."""
    return names_object(endpoint.route) or bool(
        (lookup := _lookup_of(endpoint.view_class)) and lookup.search(endpoint.route)
    )


def _lookup_of(cls: type | None) -> re.Pattern[str] | None:
    if not hasattr(cls, "get_object"):
        return None
    name = attribute_of(cls, "lookup_url_kwarg") or attribute_of(cls, "lookup_field", "pk")
    return re.compile(rf"<(\w+:)?{re.escape(str(name))}>")


_RULE = 'Add owner="author", objects=function, or objects=ANY_OBJECT if you want that.'
_NO_RULE = (
    "A plain Django view cannot have an object rule: check in the view whose object it is, and say "
    "so with objects=ANY_OBJECT. Or derive it from APIView, and give its guard a rule."
)


def _without_rule(open_to_all: dict[str, str], hint: str) -> CheckMessage:
    if len(open_to_all) == 1:
        [(view, route)] = open_to_all.items()
        text = (
            f"{view} leads to single objects at {route}, and its guard has no object rule: "
            "every caller with the scopes can reach every object."
        )
    else:
        text = (
            f"{len(open_to_all)} views lead to single objects, and their guards have no object "
            "rule: every caller with the scopes can reach every object."
            f"{by_module(open_to_all)}"
        )
    return checks.Warning(text, hint=hint, id="api_guard.W018")
