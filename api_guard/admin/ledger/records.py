"""The read-only admin of the ledger: a list that is asked for, and the page of one record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from api_guard import ledger
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.ledger.asking import AskForm
from api_guard.admin.ledger.exporting import TYPES, export
from api_guard.admin.ledger.lines import detail_of, lines_of
from api_guard.admin.ledger.verification import is_short, verify
from api_guard.admin.ledger.wording import content_of, event_in_words, facts_of, known_in_words
from api_guard.admin.lists import MOST_ROWS
from api_guard.admin.pages import Listed, show_page
from api_guard.models import LedgerRecord


@admin.register(LedgerRecord)
class LedgerRecordAdmin(WrittenAdmin):
    """Seen with `view_ledgerrecord`; exported with `export_ledgerrecord` as well."""

    search_help_text = ""
    fields = (
        *("sequence", "at", "what", "about", "changes", "who", "known", "whom", "reason"),
        *("address", "facts", "id", "event", "key_id", "mac", "previous", "digest"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may add a record."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody may change a record."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody may delete a record."""
        del request, obj
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the export and the verification."""
        wrap, name = self.admin_site.admin_view, "api_guard_ledgerrecord"
        return [
            path("export/<str:kind>/", wrap(self.export_view), name=f"{name}_export"),
            path("verify/", wrap(self.verify_view), name=f"{name}_verify"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the records that are asked for."""
        del extra_context
        self._refuse_strangers(request)
        form = AskForm(request.GET)
        listed = Listed(self, request, form.rows())
        head, start = ledger.head(), ledger.start()
        place = f"{self.admin_site.name}:api_guard_ledgerrecord"
        exports = {kind: reverse(f"{place}_export", args=(kind,)) for kind in TYPES}
        return show_page(
            self,
            request,
            "ledger.html",
            _("Ledger"),
            {
                "cl": listed,
                "lines": lines_of(self.admin_site, request, listed.result_list),
                "form": form,
                "is_asked": any(request.GET.get(name) for name in form.fields),
                "is_capped": listed.result_count >= MOST_ROWS,
                "verified": ledger.last_verified(),
                "count": 0 if head is None else head.place.sequence,
                "pruned": 0 if start is None else start.place.sequence,
                "may_verify": is_short(),
                "verify_url": reverse(f"{place}_verify"),
                "exports": exports if _may_export(request) else {},
            },
        )

    def export_view(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """Export the records that are asked for."""
        self._refuse_strangers(request)
        if not _may_export(request):
            raise PermissionDenied
        form = AskForm(request.GET)
        if kind not in TYPES or not form.is_valid():
            raise Http404(f"There is no such export: {kind!r}.")
        return export(request, form.rows(), kind)

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Verify a short ledger, as `guard_ledger verify` does."""
        self._refuse_strangers(request)
        if request.method == "POST" and is_short():
            verify(request)
        place = f"{self.admin_site.name}:api_guard_ledgerrecord_changelist"
        return HttpResponseRedirect(reverse(place))

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    @admin.display(description=_("what"))
    def what(self, obj: LedgerRecord) -> Any:
        """What was done, in words."""
        return event_in_words(obj.event)

    @admin.display(description=_("scope"))
    def about(self, obj: LedgerRecord) -> str:
        """The scope that was granted or revoked. The column `scope` may be shorter."""
        return str(content_of(obj.content).get("scope", ""))

    @admin.display(description=_("known"))
    def known(self, obj: LedgerRecord) -> Any:
        """How the ledger knows who acted."""
        return known_in_words(str(content_of(obj.content).get("known", "")))

    @admin.display(description=_("old and new"))
    def changes(self, obj: LedgerRecord) -> str:
        """The old and the new values."""
        return "; ".join(map(str, facts_of(obj.event, content_of(obj.content))))

    @admin.display(description=_("facts"))
    def facts(self, obj: LedgerRecord) -> str:
        """All facts of the record, as they are signed."""
        facts: Any = content_of(obj.content).get("facts", {})
        if not isinstance(facts, dict):
            return str(facts)
        return ", ".join(f"{name}: {value}" for name, value in facts.items())

    @admin.display(description=_("who"))
    def who(self, obj: LedgerRecord) -> Any:
        """The user or the code that acted."""
        return detail_of(obj, "who")

    @admin.display(description=_("whom"))
    def whom(self, obj: LedgerRecord) -> Any:
        """The grantee that the event is about."""
        return detail_of(obj, "whom")

    @admin.display(description=_("reason"))
    def reason(self, obj: LedgerRecord) -> Any:
        """The reason that was given."""
        return detail_of(obj, "reason")

    @admin.display(description=_("address"))
    def address(self, obj: LedgerRecord) -> Any:
        """The IP address of the request."""
        return detail_of(obj, "address")


def _may_export(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.has_perm("api_guard.export_ledgerrecord"))
