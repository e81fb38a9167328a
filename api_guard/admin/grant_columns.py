"""The columns of the list of grants, in words: who, what, since when, until when, last use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from api_guard import conf
from api_guard.admin.grantees import KINDS, display_name
from api_guard.admin.viewing import access_url
from api_guard.grants import effects
from api_guard.grants.effects import Effect
from api_guard.models import ScopeGrant
from api_guard.templatetags.api_guard_admin import in_words

_EFFECTS = {
    Effect.LIVE: _("live"),
    Effect.ENDING: _("expiring soon"),
    Effect.EXPIRED: _("expired"),
    Effect.REVOKED: _("revoked"),
    Effect.INACTIVE: _("without effect"),
    Effect.UNDECLARED: _("without effect"),
}
_WHY = {
    Effect.INACTIVE: _("the user is inactive"),
    Effect.UNDECLARED: _("the scope is not declared"),
}


def badge(effect: Effect, *, is_break_glass: bool = False) -> Any:
    """Return an effect in words and in colour."""
    said = format_html(
        '<span class="grants-state grants-{}">{}</span>', effect.value, _EFFECTS[effect]
    )
    if effect in _WHY:
        return format_html('{} <span class="grants-quiet">{}</span>', said, _WHY[effect])
    if not is_break_glass or effect not in (Effect.LIVE, Effect.ENDING):
        return said
    own = _("break-glass")
    return format_html('{} <span class="grants-state grants-ending">{}</span>', said, own)


_KEPT = "_api_guard_meanings"


def keep_meanings(rows: Iterable[ScopeGrant]) -> None:
    """Read the settings once for the rows of a list: with many scopes, that takes a while."""
    meanings = conf.grantable()
    for row in rows:
        setattr(row, _KEPT, meanings)


def _meanings(row: ScopeGrant) -> Mapping[str, str]:
    kept: Mapping[str, str] | None = getattr(row, _KEPT, None)
    return conf.grantable() if kept is None else kept


class GrantColumns:
    """Columns, and the fields of a grant's own page."""

    admin_site: Any

    @admin.display(description=_("who"))
    def held_by(self, obj: ScopeGrant) -> Any:
        """The kind of grantee, and its name, with a link to all that it may do."""
        if obj.grantee is None:
            return "—"
        kind, name = obj.grantee_kind, display_name(obj.grantee)
        shown = format_html("{} <strong>{}</strong>", KINDS[kind], name)
        url = access_url(self.admin_site, kind, obj.grantee.pk)
        return format_html('<a href="{}">{}</a>', url, shown) if url else shown

    @admin.display(description=_("may do"))
    def scope_in_words(self, obj: ScopeGrant) -> Any:
        """The scope, and what it means."""
        meaning = _meanings(obj).get(obj.scope, "")
        return (
            format_html('{} <span class="grants-quiet">{}</span>', meaning or obj.scope, obj.scope)
            if meaning
            else obj.scope
        )

    @admin.display(description=_("state"))
    def state(self, obj: ScopeGrant) -> Any:
        """Live, expiring soon, expired, revoked or without effect."""
        effect = effects.effect_of(obj, _meanings(obj))
        return badge(effect, is_break_glass=obj.is_break_glass)

    @admin.display(description=_("ends"))
    def ends(self, obj: ScopeGrant) -> Any:
        """When it ends or has ended."""
        return in_words(obj.revoked_at or obj.expires_at, str(_("never")))

    @admin.display(description=_("given"))
    def given(self, obj: ScopeGrant) -> Any:
        """When it was given, and by whom."""
        by = _("by %s") % display_name(obj.granted_by) if obj.granted_by else ""
        return format_html('{} <span class="grants-quiet">{}</span>', in_words(obj.granted_at), by)

    @admin.display(description=_("last used"))
    def used(self, obj: ScopeGrant) -> Any:
        """When it last let a request in."""
        return in_words(effects.last_use(obj), str(_("never")))

    @admin.display(description=_("revoked"))
    def revoked(self, obj: ScopeGrant) -> Any:
        """When it was revoked, and by whom."""
        by = _("by %s") % display_name(obj.revoked_by) if obj.revoked_by else ""
        return format_html("{} {}", in_words(obj.revoked_at), by)
