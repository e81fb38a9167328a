"""The forms to grant, extend and revoke."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.admin.expiries import ExpiryForm, most_days
from api_guard.admin.grantee_choices import GranteesField, GranteesSelect
from api_guard.admin.scope_choices import ScopesField
from api_guard.grants import ALREADY, Authority, Offer, Unmade
from api_guard.models import ScopeGrant

# The form field that shows each error of grants. All other errors appear above the form.
_FIELD_OF = dict.fromkeys(("past", "too_long"), "expiry")
_FIELD_OF |= dict.fromkeys(("no_authority", "unknown_scope", "sensitive_to_everyone"), "scopes")
_FIELD_OF |= {"self_grant": "grantees"} | dict.fromkeys(ALREADY, "scopes")


class ReasonForm(forms.Form):
    """Ask for a reason."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("For the history: a ticket, or who asked for it."),
    )

    def clean_reason(self) -> str:
        """Refuse what a database cannot store."""
        reason: str = self.cleaned_data["reason"]
        try:
            grants.refuse_reason(reason)
        except grants.GrantError as error:
            raise forms.ValidationError(error.detail, error.code) from None
        return reason


class GrantForm(ReasonForm, ExpiryForm, forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """Grant several scopes to several grantees. `authority` is that of the user who grants."""

    authority: Authority
    admin_site: AdminSite

    grantees = GranteesField(
        label=_("Who"), help_text=_("Users, groups and clients. Write two letters of a name.")
    )
    scopes = ScopesField(label=_("May do"), error_messages={"required": _("Choose a scope.")})
    field_order = ("grantees", "scopes", "expiry", "expires_on", "reason")

    class Meta:
        model = ScopeGrant
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes: Any = self.fields["scopes"]
        scopes.offer(self.authority)
        grantees: Any = self.fields["grantees"]
        grantees.widget = GranteesSelect(self.admin_site)
        grantees.widget.attrs["required"] = True  # the focus is put by grants.js
        self.limit(most_days(self.authority.scopes(), of_all=False))

    def clean(self) -> dict[str, Any]:
        """Show every error of grants on the form. It is no error if a grantee has a scope already.

        If nothing else would be granted, it is.
        """
        cleaned = super().clean()
        if self.errors:
            return cleaned
        offer = self.offer(cleaned)
        unmade = offer.unmade()
        is_all = len(unmade) == len(offer.scopes) * len(offer.grantees)
        said: dict[tuple[str | None, str], None] = {}
        for each in unmade:
            if is_all or each.error.code not in ALREADY:
                said[_FIELD_OF.get(each.error.code), _error(each)] = None
        for field, text in said:
            self.add_error(field, text)
        return cleaned

    def offer(self, cleaned: dict[str, Any]) -> Offer:
        """Return what was chosen."""
        return Offer(
            tuple(cleaned["scopes"]),
            tuple(cleaned["grantees"]),
            self.authority.by,
            cleaned["reason"],
            cleaned["expires_at"],
        )

    def _post_clean(self) -> None:
        pass  # clean() validated each grant; the instance of ModelForm is not saved


def _error(unmade: Unmade) -> str:
    text = unmade.error.detail
    return text if unmade.error.code not in ALREADY else f"{unmade.scope}: {text}"


class RevokeForm(ReasonForm):
    """Ask for a reason before revoking. `seen` is the number of grants that the page has shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs["autofocus"] = True


class ExtendForm(ReasonForm, ExpiryForm):
    """Ask for another expiry, and for a reason."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expiry"].widget.attrs["autofocus"] = True

    field_order = ("expiry", "expires_on", "reason")
