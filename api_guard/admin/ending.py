"""The page that ends all access of a user or a client at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from api_guard import grants, tokens
from api_guard.admin.grantees import GranteeSelect, display_name
from api_guard.admin.managers import ManagedAdmin
from api_guard.models import ScopeGrant

_GRANTEES = ("user", "client")


class EndingForm(forms.Form):
    """Choose whose access ends, and whether grants, tokens or both are revoked."""

    user: Any = forms.ModelChoiceField(None, required=False, label=_("User"))
    client: Any = forms.ModelChoiceField(None, required=False, label=_("Client"))
    revoke_grants = forms.BooleanField(
        label=_("All grants"),
        required=False,
        initial=True,
        help_text=_("Grants of the user's groups are not revoked."),
    )
    revoke_tokens = forms.BooleanField(
        label=_("All tokens"),
        required=False,
        initial=True,
        help_text=_("Access, refresh and ID tokens, authorization codes and device codes."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def __init__(self, model_admin: ManagedAdmin, *args: Any) -> None:
        super().__init__(*args)
        # A replica may not have a new user yet.
        using = grants.database()
        for name in _GRANTEES:
            column: Any = ScopeGrant._meta.get_field(name)
            field: Any = self.fields[name]
            field.widget = GranteeSelect(name, model_admin.admin_site)
            field.queryset = column.related_model._default_manager.using(using)

    def clean(self) -> dict[str, Any]:
        """Require one grantee, and grants or tokens to revoke."""
        cleaned = super().clean() or {}
        if sum(cleaned.get(name) is not None for name in _GRANTEES) != 1:
            raise forms.ValidationError(
                _("Choose either a user or a client, not both."), code="one_grantee"
            )
        if not cleaned.get("revoke_grants") and not cleaned.get("revoke_tokens"):
            raise forms.ValidationError(_("Choose what to revoke."), code="nothing")
        return cleaned


def end_access(model_admin: ManagedAdmin, request: HttpRequest) -> HttpResponse:
    """Show the form, and end the access of the chosen user or client."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    form = EndingForm(model_admin, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            with transaction.atomic(using=grants.database()):
                _end(model_admin, request, form.cleaned_data)
            return HttpResponseRedirect("../")
        except grants.GrantError as error:
            said = error.detail
            if error.code == "no_authority" and not model_admin.sees_all(request):
                # The error may name a scope whose grants this user may not see.
                said = str(_("You may not end all access of this user or client."))
            form.add_error(None, forms.ValidationError(said, error.code))
    request.current_app = model_admin.admin_site.name  # for {% url %}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("End the access of a user or a client"),
        "opts": model_admin.opts,
        "form": form,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/api_guard/end_access.html", context)


def _end(model_admin: ManagedAdmin, request: HttpRequest, chosen: dict[str, Any]) -> None:
    grantee: models.Model = chosen["user"] or chosen["client"]
    by: Any = request.user
    said: list[str] = []
    if chosen["revoke_grants"]:
        rows = list(grants.held(grantee))
        count = grants.revoke_all(grantee, by=by, reason=chosen["reason"])
        said.append(ngettext("%d grant", "%d grants", count) % count)
        for row in rows:
            model_admin.log_change(request, row, f"Revoked. {chosen['reason']}".strip())
    if chosen["revoke_tokens"]:
        count = end_tokens(grantee, by, chosen["reason"])
        said.append(ngettext("%d token", "%d tokens", count) % count)
    what = _(" and ").join(said)
    messages.success(
        request,
        _("Revoked %(what)s of %(grantee)s.") % {"grantee": display_name(grantee), "what": what},
    )


def end_tokens(grantee: models.Model, by: models.Model, reason: str) -> int:
    """Revoke all tokens and codes of a user or a client, record it, and return their number.

    The caller has opened the transaction. Raises GrantError.
    """
    grants.refuse_to_end_tokens(grantee, by=by)
    count = tokens.revoke_tokens(grantee, by=by, reason=reason)
    grants.note_end_of_access(grantee, count, by=by, reason=reason)
    return count
