"""The page that decides about several requests of the list, after it has shown each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from api_guard import conf, grants
from api_guard.admin.grant_requests.acts import approve, decline, tell
from api_guard.admin.grant_requests.forms import FIELD_OF, ApproveForm, DeclineForm
from api_guard.admin.grant_requests.standing import badge, may_decline, obstacle
from api_guard.admin.grantees import display_name
from api_guard.admin.granting import name_of
from api_guard.admin.own import Own
from api_guard.admin.pages import as_fieldset, show_page
from api_guard.admin.selections import is_key
from api_guard.admin.viewing import access_url, change_url
from api_guard.models import GrantRequest

# Each is read before it is decided.
MOST_AT_ONCE = 100
APPROVE, DECLINE = "approve", "decline"
_REQUEST, _DECISION = "request", "decision"


def bulk_url(model_admin: Any, decision: str, keys: Sequence[Any]) -> str:
    """Return the address of the page for some requests."""
    query = urlencode({_DECISION: decision, _REQUEST: keys}, doseq=True)
    name = f"{model_admin.admin_site.name}:api_guard_grantrequest_decide"
    return f"{reverse(name)}?{query}"


def bulk_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the selected requests, and decide about those that can be decided."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    is_approval = request.GET.get(_DECISION) != DECLINE
    rows = _chosen(model_admin, request)
    lines = list(_lines(model_admin, request, rows, is_approval=is_approval))
    able = [line["row"] for line in lines if not line["why_not"]]
    data = request.POST if request.method == "POST" else None
    form = ApproveForm(able, data) if is_approval else DeclineForm(data)
    url = reverse(f"{model_admin.admin_site.name}:api_guard_grantrequest_changelist")
    if form.is_valid() and _decided(model_admin, request, able, form):
        for line in lines:
            if line["why_not"]:
                said = _("Nothing was changed for %(what)s: %(why)s")
                messages.warning(request, said % {"what": line["row"], "why": line["why_not"]})
        return HttpResponseRedirect(url)
    title = _("Approve requests") if is_approval else _("Decline requests")
    return show_page(
        model_admin,
        request,
        "decide_requests.html",
        title,
        {
            "original": title,  # for the breadcrumbs of Django's template
            "is_approval": is_approval,
            "lines": lines,
            "count": len(able),
            "adminform": as_fieldset(form, model_admin),
            "errors": form.errors,
            "list_url": url,
            "media": model_admin.media + form.media,
        },
    )


def _chosen(model_admin: Any, request: HttpRequest) -> list[GrantRequest]:
    keys = [key for key in request.GET.getlist(_REQUEST)[:MOST_AT_ONCE] if is_key(key)]
    return list(model_admin.get_queryset(request).filter(pk__in=keys))


def _lines(
    model_admin: Any, request: HttpRequest, rows: Sequence[GrantRequest], *, is_approval: bool
) -> Iterator[dict[str, Any]]:
    """Yield what to show of each request, and why it cannot be decided here."""
    meanings, own, site = conf.grantable(), Own.of(request), model_admin.admin_site
    members = grants.members([row.group for row in rows if row.group is not None])
    for row in rows:
        why_not = obstacle(request, row, own)
        if not why_not and grants.approvals_needed(row.scope) > 1:
            why_not = _("It is sensitive: approve it on its own page.")
        if not is_approval:
            why_not = "" if may_decline(request, row) else why_not or _("You may not decline it.")
        yield {
            "row": row,
            "url": change_url(site, row, request),
            "whom": name_of(row.grantee),
            "whom_url": access_url(site, row.grantee_kind, getattr(row.grantee, "pk", "")),
            "members": members.get(row.group_id),
            "meaning": meanings.get(row.scope, ""),
            "asked_by": "" if row.asked_by is None else display_name(row.asked_by),
            "badge": badge(row),
            "why_not": why_not,
        }


def _decided(
    model_admin: Any,
    request: HttpRequest,
    rows: Sequence[GrantRequest],
    form: ApproveForm | DeclineForm,
) -> bool:
    """Decide, and tell. If the end fits none of them, that is said on the form."""
    if isinstance(form, DeclineForm):
        done = decline(model_admin, request, rows, form.cleaned_data["reason"])
    else:
        done = approve(model_admin, request, rows, form.cleaned_data["expires_at"])
    errors = [error for error in done.errors if error.code in FIELD_OF]
    if errors and len(errors) == len(rows):
        said = errors[0]
        form.add_error(FIELD_OF[said.code], forms.ValidationError(said.detail, said.code))
        return False
    tell(request, done)
    return True
