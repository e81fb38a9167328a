"""The columns of the list of requests: who gets what, until when, why, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import conf, grants
from api_guard.admin.grant_requests.standing import badge
from api_guard.admin.grantees import KINDS, display_name
from api_guard.admin.viewing import access_url
from api_guard.models import GrantRequest
from api_guard.templatetags.api_guard_admin import in_words

# The meanings of the scopes, read once for all rows of a list.
KEPT = "api_guard_meanings"


class RequestColumns:
    """Columns of the list."""

    admin_site: Any

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: GrantRequest) -> Any:
        """Waiting, granted, declined, withdrawn or too old."""
        return badge(obj)

    @admin.display(description=gettext_lazy("for"))
    def whom(self, obj: GrantRequest) -> Any:
        """Who gets the scope, with a link to all that it may do."""
        kind = obj.grantee_kind
        grantee: Any = obj.grantee
        shown = format_html("{} <strong>{}</strong>", KINDS[kind], display_name(grantee))
        url = access_url(self.admin_site, kind, grantee.pk)
        return format_html('<a href="{}">{}</a>', url, shown) if url else shown

    @admin.display(description=gettext_lazy("may do"))
    def scope_in_words(self, obj: GrantRequest) -> Any:
        """The scope, and what it means."""
        kept: Mapping[str, str] = getattr(obj, KEPT, None) or conf.grantable()
        meaning = kept.get(obj.scope, "")
        quiet = '{} <span class="api-guard-quiet">{}</span>'
        return format_html(quiet, meaning, obj.scope) if meaning else obj.scope

    @admin.display(description=gettext_lazy("until"))
    def until(self, obj: GrantRequest) -> Any:
        """When the grant would end."""
        return in_words(obj.expires_at, _("without end"))

    @admin.display(description=gettext_lazy("asked"))
    def asked(self, obj: GrantRequest) -> Any:
        """When it was asked for, and by whom."""
        by = _("by %s") % display_name(obj.asked_by) if obj.asked_by else ""
        quiet = '{} <span class="api-guard-quiet">{}</span>'
        return format_html(quiet, in_words(obj.asked_at), by)

    @admin.display(description=gettext_lazy("approved by"))
    def approved_by(self, obj: GrantRequest) -> str:
        """Who has said yes so far, and how many have to."""
        names = ", ".join(sorted(display_name(each.by) for each in obj.approvals.all())) or "—"
        needed = grants.approvals_needed(obj.scope)
        if needed < 2 or not grants.is_open(obj):
            return names
        count = len(obj.approvals.all())
        said = _("%(count)d of %(needed)d: %(names)s")
        return said % {"count": count, "needed": needed, "names": names}
