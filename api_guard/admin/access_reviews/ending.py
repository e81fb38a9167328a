"""The page that closes a review, and its evidence as a file."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.translation import gettext as _

from api_guard import grants, reviews
from api_guard.admin.access_reviews.seeing import Reader
from api_guard.admin.files import file_of
from api_guard.admin.managers import person_of
from api_guard.admin.pages import show_page
from api_guard.admin.viewing import change_url
from api_guard.models import AccessReview

logger = logging.getLogger("api_guard.grants")

_FORMS = {"csv": reviews.as_csv, "json": reviews.as_json}


def close_page(
    model_admin: Any, request: HttpRequest, review: AccessReview, reader: Reader
) -> HttpResponse:
    """Say what stays undecided; after a POST, close the review."""
    if not reader.decides(review):
        raise PermissionDenied
    url = change_url(model_admin.admin_site, review, request)
    if request.method == "POST":
        try:
            reviews.close_review(review, by=person_of(request))
        except grants.GrantError as error:
            messages.warning(request, error.detail)
        else:
            messages.success(request, _("The review is closed. Download its evidence."))
            model_admin.log_change(request, review, "Closed.")
        return HttpResponseRedirect(url)
    context = {"original": review, "done": reviews.progress(review), "back_url": url}
    return show_page(model_admin, request, "close_review.html", _("Close the review"), context)


def evidence(
    request: HttpRequest, review: AccessReview, reader: Reader, form: str
) -> StreamingHttpResponse:
    """Return the evidence of a review, piece by piece, to who may see the whole of it."""
    if form not in _FORMS:
        raise Http404(f"There is no evidence as {form!r}.")
    if not reader.sees_whole(review):
        raise PermissionDenied
    user = person_of(request)
    logger.info("The evidence of review %s was read as %s by user %s.", review.pk, form, user.pk)
    response = file_of(request, _FORMS[form](review), f"review-{review.pk}.{form}")
    response["Cache-Control"] = "no-store"
    return response
