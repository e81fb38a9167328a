"""Imports from django-oauth-toolkit, whose modules differ between versions."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

# Version 4.0 has new module names, and warns about the old ones.
_IS_SORTED = find_spec("oauth2_provider.core") is not None


def _part(before: str, since_4: str) -> Any:
    return import_module(f"oauth2_provider.{since_4 if _IS_SORTED else before}")


BaseScopes = _part("scopes", "core.scopes").BaseScopes
InvalidOIDCClientError = _part("exceptions", "core.exceptions").InvalidOIDCClientError
OAuthToolkitError = _part("exceptions", "core.exceptions").OAuthToolkitError
FatalClientError = _part("exceptions", "core.exceptions").FatalClientError
bcp_checks = _part("checks", "core.checks").validate_bcp_configuration
protected_resource = _part("decorators", "resource_server.decorators").protected_resource
rw_protected_resource = _part("decorators", "resource_server.decorators").rw_protected_resource

# Version 4.0 turns these settings on by default (RFC 9700). Before that, a project sets them.
BCP_GATES = (
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT",
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT",
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD",
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT",
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS",
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE",
)
