"""The page that keeps or revokes grants of a review, after it has shown what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from api_guard import grants, reviews
from api_guard.admin.access_reviews.forms import RevokeForm
from api_guard.admin.access_reviews.lines import Line, lines_of
from api_guard.admin.access_reviews.seeing import Reader
from api_guard.admin.access_reviews.showing import FIND, chosen_rows
from api_guard.admin.granting import moment
from api_guard.admin.keeping import KeepForm
from api_guard.admin.managers import person_of
from api_guard.admin.pages import as_fieldset, show_page, term_of
from api_guard.admin.selections import is_key
from api_guard.admin.viewing import change_url
from api_guard.models import AccessReview, ReviewedGrant
from api_guard.reviews import Standing

# So many a person can look at on one page.
MOST_AT_ONCE = 100
REVOKE = "revoke"
_WHY = {
    "closed": gettext_lazy("The review was closed meanwhile. Nothing was changed."),
    "already_decided": gettext_lazy(
        "Somebody has decided about one of them meanwhile. Nothing was changed. Select again."
    ),
}


def decide_page(
    model_admin: Any, request: HttpRequest, review: AccessReview, reader: Reader
) -> HttpResponse:
    """Show the selected grants; after a POST, decide about those that wait for this person."""
    if not reader.decides(review):
        raise PermissionDenied
    is_revoked = request.GET.get("decision") == REVOKE
    data = request.POST if request.method == "POST" else None
    form: RevokeForm | KeepForm = RevokeForm(data) if is_revoked else KeepForm(data)
    page = _selected(request, review, reader)
    lines = list(lines_of(model_admin.admin_site, request, review, reader, page[:MOST_AT_ONCE]))
    able = [line for line in lines if not line.why_not]
    url = change_url(model_admin.admin_site, review, request)
    if able and form.is_valid() and _decided(model_admin, request, review, able, form):
        for why, count in _left(lines).items():
            said = ngettext(
                "Nothing was changed for %(count)d grant: %(why)s",
                "Nothing was changed for %(count)d grants: %(why)s",
                count,
            )
            messages.warning(request, said % {"count": count, "why": why})
        return HttpResponseRedirect(url)
    return show_page(
        model_admin,
        request,
        "decide_reviewed.html",
        _("Revoke grants") if is_revoked else _("Keep grants"),
        {
            "original": review,
            "is_revoked": is_revoked,
            "lines": lines,
            "count": len(able),
            "is_more": len(page) > MOST_AT_ONCE,
            "most": MOST_AT_ONCE,
            "items": ",".join(str(line.item.pk) for line in able),
            "adminform": as_fieldset(form, model_admin),
            "errors": form.errors,
            "back_url": url,
            "media": model_admin.media + form.media,
        },
    )


def _selected(
    request: HttpRequest, review: AccessReview, reader: Reader
) -> Sequence[ReviewedGrant]:
    """Return what was selected: after a POST, exactly what the page has shown."""
    if request.method != "POST" and request.GET.get("all"):
        find = request.GET.get(FIND, "")
        found = chosen_rows(review, reader, Standing.WAITING, find, term_of(request))
        return list(found[: MOST_AT_ONCE + 1])
    said = request.GET.getlist("item")
    if request.method == "POST":
        said = request.POST.get("items", "").split(",")
    keys = [key for key in said[: MOST_AT_ONCE + 1] if is_key(key)]
    return list(reader.items(review).filter(pk__in=keys))


def _left(lines: Sequence[Line]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        if line.why_not:
            found[line.why_not] = found.get(line.why_not, 0) + 1
    return found


def _decided(
    model_admin: Any,
    request: HttpRequest,
    review: AccessReview,
    able: Sequence[Line],
    form: RevokeForm | KeepForm,
) -> bool:
    """Decide about all of them or none, and tell."""
    until = form.keep_until if isinstance(form, KeepForm) else None
    reason: str = form.cleaned_data["reason"]
    decision = REVOKE if until is None else "keep"
    items = [line.item.pk for line in able]
    try:
        done = reviews.decide(
            review, items, decision, by=person_of(request), until=until, reason=reason
        )
    except grants.GrantError as error:
        field = "expires_on" if error.code == "past" else None
        said = _WHY.get(error.code, error.detail)
        form.add_error(field, forms.ValidationError(said, error.code))
        return False
    count = done.count
    if count and until is not None:
        text = ngettext(
            "Kept until %(until)s: %(count)d grant",
            "Kept until %(until)s: %(count)d grants",
            count,
        )
        messages.success(request, text % {"count": count, "until": moment(until)})
    elif count:
        text = ngettext("%d grant was revoked.", "%d grants were revoked.", count)
        messages.success(request, text % count)
    if done.ended:
        text = ngettext(
            "%d grant had ended meanwhile: there was nothing to decide.",
            "%d grants had ended meanwhile: there was nothing to decide.",
            len(done.ended),
        )
        messages.warning(request, text % len(done.ended))
    if count:
        model_admin.log_change(request, review, f"{decision}: {count}. {reason}")
    return True
