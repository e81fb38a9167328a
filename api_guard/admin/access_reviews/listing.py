"""The admin of AccessReview: the list, and who sees what of it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import grants, reviews
from api_guard.admin.access_reviews.deciding import decide_page
from api_guard.admin.access_reviews.ending import close_page, evidence
from api_guard.admin.access_reviews.filters import StandingFilter
from api_guard.admin.access_reviews.opening import open_page
from api_guard.admin.access_reviews.seeing import Reader, covers, is_overdue
from api_guard.admin.access_reviews.showing import review_page
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.grantees import display_name, find_grantees
from api_guard.admin.lists import MOST_ROWS, IndexedAdmin
from api_guard.admin.managers import authority_of, manages
from api_guard.admin.matters import Matter, findings
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import AccessReview
from api_guard.templatetags.api_guard_admin import in_words

_DONE = "api_guard_progress"


@admin.register(AccessReview)
class AccessReviewAdmin(IndexedAdmin, WrittenAdmin):
    """An authority is enough for the reviews that a person decides, and those of its scopes.

    Who has Django's view permission sees all of them.
    """

    list_display = ("title", "covered", "decided_by", "due", "progress")
    list_filter = (StandingFilter,)
    list_select_related = ("reviewer", "opened_by")
    actions = None
    list_per_page = 20

    class Media:
        css = {"all": ["api_guard/admin.css", "api_guard/grants.css"]}
        js = ("api_guard/grants.js",)

    def reader(self, request: HttpRequest) -> Reader:
        """Return the person who looks at reviews."""
        return Reader.of(request, may_view=super().has_view_permission(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessReview]:
        """Return the reviews that this user may see."""
        rows: QuerySet[AccessReview] = super().get_queryset(request)
        return self.reader(request).seen(rows.select_related(*self.list_select_related))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. One query counts the decisions of all its rows."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        done = reviews.progress_of([row.pk for row in changes.result_list])
        for row in changes.result_list:
            setattr(row, _DONE, done[row.pk])
        return changes

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that decide and close, the evidence, and the search for reviewers."""
        pages = {"decide": decide_page, "close": close_page}
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"<int:pk>/{name}/",
                wrap(partial(self._page, page)),
                name=f"api_guard_accessreview_{name}",
            )
            for name, page in pages.items()
        ]
        name = "api_guard_accessreview_evidence"
        return [
            path("reviewers/", wrap(self._reviewers), name="api_guard_accessreview_reviewers"),
            path("<int:pk>/evidence.<str:form>", wrap(self._evidence), name=name),
            *own,
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this user may open a review: of the scopes that it may give."""
        return manages(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No: a review is decided on its own pages."""
        del request, obj
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this user may see reviews, all of them or some."""
        return super().has_view_permission(request, obj) or manages(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is listed for this user."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: close the review instead. It stays in the list, with its evidence."""
        del request, obj
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, and what to do next if it is empty."""
        context = {
            "title": _("Access reviews"),
            "findings": self._findings(request),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def _findings(self, request: HttpRequest) -> list[Matter]:
        """Return what to look at without a review, if this user may see grants."""
        user: Any = request.user
        authority = authority_of(request)
        sees_all = user.has_perm("api_guard.view_scopegrant") or authority.is_over(EVERY_SCOPE)
        if not (sees_all or manages(request)):
            return []
        scopes = None if sees_all else authority.scopes()
        found = findings(self.admin_site, request, grants.attention(scopes, MOST_ROWS))
        return [each for each in found if each.count]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Open a review."""
        del form_url, extra_context
        name = f"{self.admin_site.name}:api_guard_accessreview_changelist"
        return open_page(self, request, reverse(name))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a review."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        return review_page(self, request, row, self.reader(request))

    def _page(self, page: Any, request: HttpRequest, pk: int) -> HttpResponse:
        response: HttpResponse = page(self, request, self._one(request, pk), self.reader(request))
        return response

    def _evidence(self, request: HttpRequest, pk: int, form: str) -> Any:
        return evidence(request, self._one(request, pk), self.reader(request), form)

    def _reviewers(self, request: HttpRequest) -> HttpResponse:
        return find_grantees(self, request)

    def _one(self, request: HttpRequest, pk: int) -> AccessReview:
        row = None
        if self.has_view_permission(request):
            row = self.get_queryset(request).filter(pk=pk).first()
        if row is None:
            raise Http404(f"There is no review {pk}.")
        return row

    @admin.display(description=gettext_lazy("covers"))
    def covered(self, obj: AccessReview) -> str:
        """What it covers."""
        return covers(obj)

    @admin.display(description=gettext_lazy("reviewer"))
    def decided_by(self, obj: AccessReview) -> str:
        """Who decides."""
        return "—" if obj.reviewer is None else display_name(obj.reviewer)

    @admin.display(description=gettext_lazy("due"))
    def due(self, obj: AccessReview) -> Any:
        """When it is due, and whether that is over."""
        if obj.closed_at is not None:
            return format_html("{} {}", _("closed"), in_words(obj.closed_at))
        if not is_overdue(obj):
            return in_words(obj.due_at)
        said = '<span class="api-guard-badge api-guard-bad">{}</span> {}'
        return format_html(said, _("overdue"), in_words(obj.due_at))

    @admin.display(description=gettext_lazy("decided"))
    def progress(self, obj: AccessReview) -> str:
        """How many of its grants are decided, or need no decision any more."""
        done: reviews.Progress = getattr(obj, _DONE)
        values = {"count": done.total - done.left, "total": done.total}
        return _("%(count)d of %(total)d") % values
