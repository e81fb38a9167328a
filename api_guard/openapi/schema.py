"""drf-spectacular's AutoSchema, with what the guard of the view says."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema as _AutoSchema

from api_guard.access.endpoints import is_exempt, policy_of
from api_guard.core.requirements import Requirement
from api_guard.openapi.components import HEADERS, reference, register
from api_guard.openapi.refusals import RATE_HEADERS, Described, responses_of
from api_guard.openapi.security import operation_of, rates_of, requirement_of
from api_guard.parsers.reading import limits_of
from api_guard.permissions import Guarded


class AutoSchema(_AutoSchema):
    """Adds to each guarded operation its scopes, its refusals and its rates.

    A view without a guard or HasScopes is described as before.
    """

    def get_auth(self) -> list[Any]:
        """Return the security of the operation. Only a PUBLIC one works without a credential."""
        requirement = requirement_of(self)
        found: list[Any] = super().get_auth()
        is_open = self._is_exempt() if requirement is None else requirement.is_public
        if requirement is None and not is_open:
            return found
        needed = [each for each in found if each]
        return [*needed, {}] if is_open else needed

    def _is_exempt(self) -> bool:
        """Whether nothing but `Guarded`, which lets exempt views pass, is asked."""
        is_asked = any(each is not Guarded for each in self.view.permission_classes)
        return is_exempt(type(self.view)) and not is_asked

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation, with the responses that the guard gives."""
        operation: Any = super().get_operation(*args, **kwargs)
        requirement = requirement_of(self)
        if operation is None or requirement is None:
            return operation
        register(self.registry)
        for parameter in operation.get("parameters", ()):
            self._bound(parameter)
        told = self._described(requirement, has_body="requestBody" in operation)
        responses = operation["responses"]
        if told.rates:
            operation["x-rates"] = [str(rate) for rate in told.rates]
        if told.rates and told.policy is not None:
            headers = {name: reference(HEADERS[name]) for name in RATE_HEADERS}
            for status, response in responses.items():
                if status.startswith("2"):
                    response["headers"] = {**response.get("headers", {}), **headers}
        # What the project documents itself stays.
        operation["responses"] = responses | {
            status: said for status, said in responses_of(told).items() if status not in responses
        }
        return operation

    def _bound(self, parameter: dict[str, Any]) -> None:
        """Tell that Django's `<int:pk>` takes no negative number."""
        told = parameter.get("schema", {})
        is_number = parameter.get("in") == "path" and told.get("type") == "integer"
        if is_number and "<int:" in self.path_regex:
            told.setdefault("minimum", 0)

    def _described(self, requirement: Requirement, *, has_body: bool) -> Described:
        view_class = type(self.view)
        find_paginator: Any = self._get_paginator
        is_paged = self._is_list_view() and find_paginator() is not None
        return Described(
            operation_of(self),
            requirement,
            policy_of(view_class),
            rates_of(self),
            limits_of(view_class),
            has_authenticators=bool(self.view.get_authenticators()),
            has_body=has_body,
            may_miss="{" in self.path or is_paged,
        )
