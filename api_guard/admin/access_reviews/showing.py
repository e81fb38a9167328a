"""The page of one review: how far it is, its grants, and what leads to the decisions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import reviews
from api_guard.admin.access_reviews.lines import knows_unused, lines_of, matching
from api_guard.admin.access_reviews.seeing import Reader, covers, is_overdue
from api_guard.admin.grantees import display_name
from api_guard.admin.pages import Choices, Listed, Noun, show_page, term_of
from api_guard.models import AccessReview
from api_guard.reviews import Finding, Progress, Standing

_GRANTS = Noun(gettext_lazy("grant"), gettext_lazy("grants"))
_PER_PAGE = 50
SHOW, FIND, ALL = "show", "find", "all"
_FINDINGS = {
    Finding.UNUSED: gettext_lazy("unused for 90 days"),
    Finding.ENDING: gettext_lazy("expiring within 30 days"),
    Finding.WITHOUT_EFFECT: gettext_lazy("without effect"),
}


def review_page(
    model_admin: Any, request: HttpRequest, review: AccessReview, reader: Reader
) -> HttpResponse:
    """Show a review, a page of its grants at a time."""
    done = reviews.progress(review)
    tabs = Choices.of(request, _("decision"), SHOW, _tabs(done))
    finds = Choices.of(request, _("finding"), FIND, [("", _("all")), *_found()])
    rows = chosen_rows(review, reader, tabs.chosen, finds.chosen, term_of(request))
    listed = Listed(model_admin, request, rows, [tabs, finds], _PER_PAGE, _GRANTS)
    lines = list(lines_of(model_admin.admin_site, request, review, reader, listed.result_list))
    sees_whole = reader.sees_whole(review)
    decided = done.total - done.left
    return show_page(
        model_admin,
        request,
        "access_review.html",
        review.title,
        {
            "original": review,
            "review": review,
            "covers": covers(review),
            "is_overdue": is_overdue(review),
            "reviewer": "" if review.reviewer is None else display_name(review.reviewer),
            "opened_by": "" if review.opened_by is None else display_name(review.opened_by),
            "done": done,
            "decided": decided,
            "cl": listed,
            "tabs": list(tabs.choices(listed)),
            "finds": list(finds.choices(listed)),
            "show": tabs.chosen,
            "find": finds.chosen,
            "lines": lines,
            "decides": reader.decides(review),
            "may_decide": any(not line.why_not for line in lines),
            "sees_whole": sees_whole,
            "knows_unused": knows_unused(),
            "media": model_admin.media,
        },
    )


def chosen_rows(review: AccessReview, reader: Reader, show: str, find: str, term: str) -> Any:
    """Return the grants of a review that a tab, a finding and a search choose."""
    rows = reader.items(review)
    if show != ALL:
        known = show in list(Standing)
        rows = reviews.standing(rows, Standing(show) if known else Standing.WAITING)
    if find in list(Finding):
        rows = reviews.found(rows, Finding(find))
    return matching(rows, term)


def _tabs(done: Progress) -> list[tuple[str, str]]:
    return [
        ("", _("to decide (%d)") % done.left),
        (Standing.KEPT.value, _("kept (%d)") % done.kept),
        (Standing.REVOKED.value, _("revoked (%d)") % done.revoked),
        (Standing.ENDED.value, _("ended before (%d)") % done.ended),
        (ALL, _("all (%d)") % done.total),
    ]


def _found() -> list[tuple[str, Any]]:
    return [(each.value, said) for each, said in _FINDINGS.items()]
