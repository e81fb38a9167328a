"""The form of the access page, which gives scopes to one grantee."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy as _

from api_guard.admin.expiries import ExpiryForm, most_days
from api_guard.admin.forms import ReasonForm
from api_guard.admin.scope_choices import ScopesField
from api_guard.grants import Authority


class GiveForm(ReasonForm, ExpiryForm):
    """Choose scopes that the grantee has not yet, when they end, and why."""

    scopes = ScopesField(label=_("May do"), error_messages={"required": _("Choose a scope.")})
    field_order = ("scopes", "expiry", "expires_on", "reason")

    def __init__(
        self, authority: Authority, held: Collection[str], data: Any, wanted: Collection[str]
    ) -> None:
        super().__init__(data)
        scopes: Any = self.fields["scopes"]
        scopes.offer(authority, held)
        offered = scopes.offered
        scopes.initial = [name for name in wanted if name in offered]
        self.limit(most_days(offered, of_all=False))
