"""The page of one request: everything about it, and the forms to decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from api_guard.admin.grant_requests.acts import approve, decline, tell
from api_guard.admin.grant_requests.forms import FIELD_OF, ApproveForm, DeclineForm
from api_guard.admin.grant_requests.showing import facts_of
from api_guard.admin.grant_requests.standing import may_decline
from api_guard.admin.managers import authority_of
from api_guard.admin.pages import as_fieldset, show_page
from api_guard.models import GrantRequest


def decide_page(model_admin: Any, request: HttpRequest, row: GrantRequest) -> HttpResponse:
    """Show a request; after a POST, approve or decline it."""
    data = request.POST if request.method == "POST" else None
    is_approved = data is not None and "_approve" in data
    approving = ApproveForm([row], data if is_approved else None)
    is_mine = row.asked_by_id is not None and row.asked_by_id == request.user.pk
    declining = DeclineForm(None if is_approved else data, is_withdrawal=is_mine)
    if data is not None:
        if not (authority_of(request).is_over(row.scope) or may_decline(request, row)):
            raise PermissionDenied
        form = approving if is_approved else declining
        if form.is_valid() and _decided(model_admin, request, row, form):
            return HttpResponseRedirect(request.path)
    facts = facts_of(model_admin.admin_site, request, row)
    return show_page(
        model_admin,
        request,
        "grant_request.html",
        _("%(scope)s for %(whom)s") % {"scope": row.scope, "whom": facts["whom"]},
        {
            **facts,
            "original": row,
            "is_mine": is_mine,
            "approving": as_fieldset(approving, model_admin),
            "declining": as_fieldset(declining, model_admin),
            "errors": [*approving.errors, *declining.errors],
            "media": model_admin.media + approving.media,
        },
    )


def _decided(
    model_admin: Any, request: HttpRequest, row: GrantRequest, form: ApproveForm | DeclineForm
) -> bool:
    """Approve or decline, and tell. An error about the end is shown on the form instead."""
    if isinstance(form, DeclineForm):
        done = decline(model_admin, request, [row], form.cleaned_data["reason"])
    else:
        done = approve(model_admin, request, [row], form.cleaned_data["expires_at"])
    for error in done.errors:
        if error.code in FIELD_OF:
            form.add_error(FIELD_OF[error.code], forms.ValidationError(error.detail, error.code))
            return False
    tell(request, done)
    return True
