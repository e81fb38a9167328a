"""The page that ends all access of a user who leaves: first a preview, then the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from api_guard import grants, offboarding
from api_guard.admin.finding import grantee_at
from api_guard.admin.grantees import display_name
from api_guard.admin.pages import as_fieldset
from api_guard.admin.viewing import access_url

_FLAGS = {"is_active": _("active"), "is_staff": _("staff"), "is_superuser": _("superuser")}


class OffboardForm(forms.Form):
    """Say why, and who owns the user's clients from now on."""

    new_owner = forms.CharField(
        label=_("New owner of the clients"),
        max_length=254,
        help_text=_("The login name of an active user."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def __init__(self, data: Any, *, has_clients: bool) -> None:
        super().__init__(data)
        if not has_clients:
            del self.fields["new_owner"]

    def clean_new_owner(self) -> models.Model:
        """Return the user with this login name."""
        model: Any = get_user_model()
        users = model._default_manager.db_manager(grants.database())
        try:
            found: models.Model = users.get_by_natural_key(self.cleaned_data["new_owner"])
        except ObjectDoesNotExist:
            raise forms.ValidationError(_("There is no such user."), code="no_user") from None
        return found


def offboard_page(model_admin: Any, request: HttpRequest, key: str) -> HttpResponse:
    """Show what ends; after a POST, end it."""
    by = cast("models.Model", request.user)
    if not grants.may_give_any(by):
        raise PermissionDenied
    user = grantee_at("user", key)
    had = offboarding.leaving(user)
    data = request.POST if request.method == "POST" else None
    form = OffboardForm(data, has_clients=bool(had.clients))
    if form.is_valid():
        try:
            offboarding.offboard(
                user,
                by=by,
                reason=form.cleaned_data["reason"],
                new_owner=form.cleaned_data.get("new_owner"),
            )
        except grants.GrantError as error:
            form.add_error(None, forms.ValidationError(error.detail, error.code))
        else:
            _tell(request, user, had)
            model_admin.log_change(request, user, "Offboarded.")
            return HttpResponseRedirect(access_url(model_admin.admin_site, "user", user.pk))
    page: HttpResponse = model_admin.show(
        request,
        "offboard.html",
        _("End all access of %(name)s") % {"name": display_name(user)},
        original=display_name(user),
        adminform=as_fieldset(form, model_admin),
        errors=form.errors,
        media=form.media,
        ends=list(_ends(had)),
        is_nothing=had.is_nothing,
        back_url=access_url(model_admin.admin_site, "user", user.pk),
    )
    return page


def _ends(had: offboarding.Leaving) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each kind of thing that ends, with its names."""
    found: tuple[tuple[Any, list[Any]], ...] = (
        (_("Grants"), [row.scope for row in had.grants]),
        (_("Membership of groups"), [str(group) for group in had.groups]),
        (_("Open requests"), [str(row) for row in had.requests]),
        (_("Rate overrides"), [str(row) for row in had.overrides]),
        (_("Subjects of another server"), [str(row) for row in had.subjects]),
        (_("Ownership of clients"), [f"{each} ({each.client_id})" for each in had.clients]),
        (_("Tokens and codes"), [had.tokens] if had.tokens else []),
        (_("Status of the account"), [_FLAGS[name] for name in had.flags]),
        (_("Sign-in"), [_("the password, and all sessions")] if had.has_password else []),
        (_("Open reviews, left to users who may grant every scope"), list(map(str, had.reviews))),
    )
    yield from ((title, names) for title, names in found if names)


def _tell(request: HttpRequest, user: models.Model, had: offboarding.Leaving) -> None:
    count = len(had.grants)
    said = ngettext(
        "All access of %(name)s has ended: %(count)d grant. Tokens and codes: %(tokens)d.",
        "All access of %(name)s has ended: %(count)d grants. Tokens and codes: %(tokens)d.",
        count,
    )
    names = {"name": display_name(user), "count": count, "tokens": had.tokens}
    messages.success(request, said % names)
    for client in had.clients:
        warned = _("Change the secret of %(client)s: %(name)s may know it.")
        messages.warning(request, warned % {"client": client.client_id, "name": user})
