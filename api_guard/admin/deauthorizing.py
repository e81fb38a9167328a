"""The page that takes authorities back, after it has said what that changes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api_guard import grants
from api_guard.admin.forms import ReasonForm
from api_guard.admin.managers import person_of
from api_guard.admin.pages import as_fieldset, show_page
from api_guard.models import GrantAuthority

_CONFIRMED = "post"


class TakeBackForm(ReasonForm):
    """Ask for a reason before authorities are taken back."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["reason"].widget.attrs["autofocus"] = True


def take_back(
    model_admin: Any, request: HttpRequest, rows: QuerySet[GrantAuthority]
) -> HttpResponse:
    """Show the authorities and what ends; after it is confirmed, take all of them back."""
    if not model_admin.has_delete_permission(request):
        raise PermissionDenied
    found = list(rows.select_related("group"))
    if not found:
        messages.warning(request, _("This authority was taken back already."))
        return HttpResponseRedirect(_list_url(model_admin))
    form = TakeBackForm(request.POST if _CONFIRMED in request.POST else None)
    if form.is_valid():
        try:
            with transaction.atomic(using=grants.database()):
                model_admin.log_deletions(request, found)
                for row in found:
                    grants.deauthorize(
                        row, by=person_of(request), reason=form.cleaned_data["reason"]
                    )
        except grants.GrantError as error:
            form.add_error(None, forms.ValidationError(error.detail, error.code))
        else:
            text = ngettext(
                "%d authority was taken back.", "%d authorities were taken back.", len(found)
            )
            messages.success(request, text % len(found))
            return HttpResponseRedirect(_list_url(model_admin))
    members = grants.members(row.group for row in found)
    return show_page(
        model_admin,
        request,
        "take_back.html",
        _("Take authorities back"),
        {
            "original": _("Take authorities back"),
            "lines": [(row, model_admin.scopes(row), members[row.group_id]) for row in found],
            "adminform": as_fieldset(form, model_admin),
            "errors": form.errors,
            "back_url": _list_url(model_admin),
            "media": model_admin.media + form.media,
        },
    )


def _list_url(model_admin: Any) -> str:
    return reverse(f"{model_admin.admin_site.name}:api_guard_grantauthority_changelist")
