"""All that touches django-oauth-toolkit's server side."""

from api_guard.oauth2.scopes import GrantedScopes

__all__ = ["GrantedScopes"]
