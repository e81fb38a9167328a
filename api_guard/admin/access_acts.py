"""Gives and takes on the access page, and says what was done and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from api_guard import grants
from api_guard.admin.access_forms import GiveForm
from api_guard.admin.grantees import display_name
from api_guard.admin.lists import MOST_ROWS
from api_guard.admin.selections import is_key
from api_guard.admin.viewing import viewer_of
from api_guard.grants.finding import kind_of
from api_guard.models import GrantRequest, ScopeGrant


def give(model_admin: Any, request: HttpRequest, form: GiveForm, grantee: models.Model) -> None:
    """Give the chosen scopes to a grantee."""
    by = cast("models.Model", request.user)  # the admin requires a sign-in
    given: list[str] = []
    asked: list[str] = []
    for scope in form.cleaned_data["scopes"]:
        try:
            made = grants.grant(
                scope,
                grantee,
                by=by,
                reason=form.cleaned_data["reason"],
                expires_at=form.cleaned_data["expires_at"],
            )
        except grants.GrantError as error:
            said = _("%(scope)s was not given: %(why)s") % {"scope": scope, "why": error.detail}
            messages.error(request, said)
            continue
        if isinstance(made, GrantRequest):
            asked.append(scope)
        else:
            given.append(scope)
            model_admin.log_addition(request, made, [{"added": {}}])
    name = display_name(grantee)
    if given:
        said = _("Given to %(name)s: %(scopes)s.") % {"name": name, "scopes": ", ".join(given)}
        messages.success(request, said)
    if asked:
        said = _("Asked for %(name)s: %(scopes)s. Two other people have to approve it.")
        messages.warning(request, said % {"name": name, "scopes": ", ".join(asked)})


def take(model_admin: Any, request: HttpRequest, grantee: models.Model) -> None:
    """Revoke the chosen grants of a grantee."""
    by = cast("models.Model", request.user)
    reason = request.POST.get("take_reason", "").strip()
    said = request.POST.getlist("grant")[:MOST_ROWS]
    keys = [int(key) for key in said if is_key(key)]
    taken: list[str] = []
    is_told = False
    viewer = viewer_of(request)
    for row in grants.held(grantee).filter(pk__in=keys).order_by("scope", "pk"):
        if not viewer.may_give(row.scope):
            continue  # without a word: not even the name of the scope is shown
        try:
            grants.revoke(row, by=by, reason=reason)
        except grants.GrantError as error:
            why = _("%(scope)s was not taken: %(why)s") % {"scope": row.scope, "why": error.detail}
            messages.error(request, why)
            is_told = True
            continue
        taken.append(row.scope)
        model_admin.log_change(request, row, f"Revoked. {reason}".strip())
    if taken:
        done = _("Taken from %(name)s: %(scopes)s. The next request is refused.")
        names = {"name": display_name(grantee), "scopes": ", ".join(taken)}
        messages.success(request, done % names)
    elif not keys:
        messages.warning(request, _("Select what to take."))
    elif not is_told and any(map(viewer.may_give, _ended(grantee, keys))):
        messages.warning(request, _("Nothing was taken: it has ended meanwhile."))


def _ended(grantee: models.Model, keys: Sequence[int]) -> Iterable[str]:
    """Return the scopes of those of these grants that a grantee holds no more."""
    chosen = {"pk__in": keys, "live": None, kind_of(grantee): grantee}
    rows = ScopeGrant.objects.using(grants.database()).filter(**chosen)
    scopes: Iterable[str] = rows.values_list("scope", flat=True)
    return scopes
