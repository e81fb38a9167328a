"""Whether a token can outlive the client that it was issued to."""

from __future__ import annotations

from typing import Any

from django.db import models
from oauth2_provider.models import get_access_token_model

_KEPT = ("CASCADE", "PROTECT", "RESTRICT", "DB_CASCADE")


def keep_their_client() -> bool:
    """Whether no access token is left without its client when that client is deleted.

    A token that has lost its client would look like one that a user made.
    """
    field: Any = get_access_token_model()._meta.get_field("application")
    on_delete = field.remote_field.on_delete
    return any(on_delete is getattr(models, name, None) for name in _KEPT)
