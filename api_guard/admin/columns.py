"""A column for the grantee of a row."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from api_guard.models import RateOverride


class GranteeColumn:
    """For rows that belong to a user, a group or a client."""

    @admin.display(description=_("grantee"))
    def held_by(self, obj: RateOverride) -> str:
        """The kind of grantee and its name."""
        return f"{obj.grantee_kind} {obj.grantee}"
