"""Tells drf-spectacular what each operation requires, and how it refuses.

Needs drf-spectacular: `REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "api_guard.openapi.AutoSchema"}`.
"""

from api_guard.openapi.requests import RequestViews
from api_guard.openapi.schema import AutoSchema
from api_guard.openapi.security import AccessTokenScheme, IntrospectedTokenScheme

__all__ = ["AccessTokenScheme", "AutoSchema", "IntrospectedTokenScheme", "RequestViews"]
