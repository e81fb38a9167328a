"""The forms to grant, extend and revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from api_guard import conf, grants
from api_guard.models import GRANTEES, GrantRequest, ScopeGrant

# The form field that shows each error of grants.py. All other errors appear above the form.
_FIELD_OF = {"past": "expires_at", "unknown_scope": "scopes", "already_granted": "scopes"}
_FIELD_OF |= dict.fromkeys(("no_authority", "already_asked", "sensitive_to_everyone"), "scopes")
_FIELD_OF |= dict.fromkeys(("too_long", "self_grant"), "expires_at")


def declared_choices() -> list[tuple[str, str]]:
    """Return the declared scopes, each with its description."""
    return [(name, f"{text} ({name})") for name, text in conf.scopes().items()]


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Grant one or several declared scopes to one grantee. `by` is the user who grants."""

    by: models.Model

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=declared_choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ScopeGrant
        fields = (*GRANTEES, "expires_at", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managed = frozenset(grants.managed_scopes(self.by))
        field: Any = self.fields["scopes"]
        # Show only the scopes that this user may grant. grants.py refuses and logs all others.
        field.widget.choices = [each for each in declared_choices() if each[0] in managed]

    def clean(self) -> dict[str, Any]:
        """Grant in a transaction and roll it back, to show every error of grants.py on the form."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if sum(cleaned.get(name) is not None for name in GRANTEES) != 1:
            raise forms.ValidationError(
                _("Choose exactly one grantee: a user, a group or a client."), code="one_grantee"
            )
        try:
            with transaction.atomic(using=grants.database()):
                self.grant(cleaned)
                transaction.set_rollback(True, using=grants.database())
        except grants.GrantError as error:
            self.add_error(_FIELD_OF.get(error.code), forms.ValidationError(str(error), error.code))
        return cleaned

    def grant(self, cleaned: dict[str, Any]) -> list[ScopeGrant | GrantRequest]:
        """Grant the chosen scopes, or request them. Raises GrantError."""
        grantee = next(cleaned[name] for name in GRANTEES if cleaned.get(name) is not None)
        expires_at: datetime | None = cleaned["expires_at"]
        return [
            grants.grant(
                scope, grantee, by=self.by, reason=cleaned["reason"], expires_at=expires_at
            )
            for scope in cleaned["scopes"]
        ]

    def _post_clean(self) -> None:
        # ModelForm would validate the instance without its scope. clean() validated each grant.
        for name in GRANTEES:
            setattr(self.instance, name, self.cleaned_data.get(name))


class ExtendForm(forms.ModelForm):  # type: ignore[type-arg]
    """Change the expiry of a live grant. `by` is the user who changes it."""

    by: models.Model

    class Meta:
        model = ScopeGrant
        fields = ("expires_at",)

    def clean(self) -> dict[str, Any]:
        """Extend in a transaction and roll it back, to show every error of grants.py here."""
        cleaned = super().clean() or {}
        try:
            with transaction.atomic(using=grants.database()):
                grants.extend(self.stored(), cleaned.get("expires_at"), by=self.by)
                transaction.set_rollback(True, using=grants.database())
        except grants.GrantError as error:
            self.add_error("expires_at", forms.ValidationError(str(error), error.code))
        return cleaned

    def stored(self) -> ScopeGrant:
        """Return the grant as the database has it."""
        return grants.get(self.instance.pk)

    def _post_clean(self) -> None:
        self.instance.expires_at = self.cleaned_data.get("expires_at")


class RevokeForm(forms.Form):
    """Ask for a reason before revoking."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
