"""The read-only admin of the ledger."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from api_guard import ledger
from api_guard.admin.databases import WrittenAdmin
from api_guard.admin.lists import MOST_ROWS, IndexedAdmin, grantees_named
from api_guard.core.ledger import Event
from api_guard.core.records import key_of_party
from api_guard.models import LedgerDetail, LedgerRecord


class EventFilter(admin.SimpleListFilter):
    """Filter by event. The query uses an index."""

    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the events."""
        del request, model_admin
        return [(event.value, event.value.replace("_", " ")) for event in Event]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LedgerRecord]
    ) -> QuerySet[LedgerRecord]:
        """Keep the records of the chosen event."""
        del request
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(LedgerRecord)
class LedgerRecordAdmin(IndexedAdmin, WrittenAdmin):
    """Shows the records. Search by number, id, user, group or client.

    Write a user as its name, or as `user:7`, which also finds a deleted user.
    """

    list_display = ("at", "sequence", "event", "scope", "who", "known", "whom", "reason")
    list_filter = (EventFilter,)
    search_fields = ("id",)
    fields = (
        *("sequence", "at", "event", "scope", "who", "known", "whom", "reason", "address"),
        *("facts", "id", "key_id", "mac", "previous", "digest"),
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

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list. One query reads the details of all its rows."""
        changes: Any = super().get_changelist_instance(request)
        changes.result_list = list(changes.result_list)
        found = ledger.details([row.pk for row in changes.result_list])
        for row in changes.result_list:
            row.known_details = found.get(row.pk, [])
        return changes

    def _named(self, word: str) -> Q:
        if word.isdecimal():
            return Q(sequence=int(word)) if len(word) < len(str(2**63)) else Q(pk=word)
        keys = (
            [word]
            if ":" in word
            else [
                key_of_party(kind, str(pk))
                for kind, pks in grantees_named(word).items()
                for pk in pks
            ]
        )
        rows = LedgerDetail.objects.using(ledger.database()).filter(key__in=keys)
        ids = rows.order_by("-record").values_list("record", flat=True).distinct()[:MOST_ROWS]
        return Q(pk__in=list(ids)) if keys else Q(pk=word)

    @admin.display(description=_("scope"))
    def scope(self, obj: LedgerRecord) -> str:
        """The scope that was granted or revoked."""
        return str(_content(obj).get("scope", ""))

    @admin.display(description=_("known"))
    def known(self, obj: LedgerRecord) -> str:
        """How the ledger knows who acted."""
        return str(_content(obj).get("known", ""))

    @admin.display(description=_("facts"))
    def facts(self, obj: LedgerRecord) -> str:
        """All other facts of the record."""
        facts: dict[str, str | None] = _content(obj).get("facts", {})
        return ", ".join(f"{name}: {value}" for name, value in facts.items())

    @admin.display(description=_("who"))
    def who(self, obj: LedgerRecord) -> Any:
        """The user or the code that acted."""
        return _detail(obj, "who")

    @admin.display(description=_("whom"))
    def whom(self, obj: LedgerRecord) -> Any:
        """The grantee that the event is about."""
        return _detail(obj, "whom")

    @admin.display(description=_("reason"))
    def reason(self, obj: LedgerRecord) -> Any:
        """The reason that was given."""
        return _detail(obj, "reason")

    @admin.display(description=_("address"))
    def address(self, obj: LedgerRecord) -> Any:
        """The IP address of the request."""
        return _detail(obj, "address")


def _content(obj: LedgerRecord) -> dict[str, Any]:
    """Return the content of a record, or an empty dict if somebody made it unreadable."""
    try:
        said = json.loads(obj.content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _detail(obj: LedgerRecord, part: str) -> Any:
    found = getattr(obj, "known_details", None)
    if found is None:
        found = obj.known_details = ledger.details([obj.pk]).get(obj.pk, [])  # type: ignore[attr-defined]
    for detail in found:
        if detail.part == part:
            said = f"{detail.text} ({detail.key})" if detail.key else detail.text
            return _("erased") if detail.forgotten else said
    return ""
