"""The page that opens a review."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api_guard import grants, reviews
from api_guard.admin.access_reviews.forms import OpenForm
from api_guard.admin.expiries import end_of
from api_guard.admin.managers import authority_of, person_of
from api_guard.admin.pages import as_fieldset, show_page
from api_guard.admin.viewing import change_url
from api_guard.models import AccessReview

# The field that shows each error of `open_review`. All other errors appear above the form.
_FIELD_OF = {"past": "due_on", "no_reviewer": "reviewer", "no_authority": "covers"}


def open_page(model_admin: Any, request: HttpRequest, list_url: str) -> HttpResponse:
    """Ask what is reviewed; after a POST, open the review."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    authority, data = authority_of(request), request.POST if request.method == "POST" else None
    initial = {"reviewer": request.user.pk}
    form = OpenForm(authority, model_admin.admin_site, data, None, "id_%s", None, initial)
    if form.is_valid():
        row = _opened(request, form)
        if row is not None:
            model_admin.log_addition(request, row, [{"added": {}}])
            count = row.grants
            said = ngettext(
                "The review is open, with %(count)d grant. %(name)s decides about it.",
                "The review is open, with %(count)d grants. %(name)s decides about them.",
                count,
            )
            messages.success(request, said % {"count": count, "name": row.reviewer})
            seen = model_admin.get_queryset(request).filter(pk=row.pk).exists()
            site = model_admin.admin_site
            return HttpResponseRedirect(change_url(site, row, request) if seen else list_url)
    return show_page(
        model_admin,
        request,
        "open_review.html",
        _("Open a review"),
        {
            "original": _("Open a review"),  # for the breadcrumbs of Django's template
            "adminform": as_fieldset(form, model_admin),
            "errors": form.errors,
            "list_url": list_url,
            "media": model_admin.media + form.media,
        },
    )


def _opened(request: HttpRequest, form: OpenForm) -> AccessReview | None:
    """Open it. An error is shown on the form; then nothing is returned."""
    said = form.cleaned_data
    try:
        return reviews.open_review(
            said["title"],
            reviewer=said["reviewer"],
            due_at=end_of(said["due_on"]),
            by=person_of(request),
            grantee_kind=said["kind"],
            scope=form.covered["scope"],
            scope_group=form.covered["scope_group"],
        )
    except grants.GrantError as error:
        flaw = forms.ValidationError(error.detail, error.code)
        form.add_error(_FIELD_OF.get(error.code), flaw)
    return None
