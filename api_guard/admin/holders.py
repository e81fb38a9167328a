"""Who holds a scope: users with their groups, groups, and clients; a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import Group
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.admin.finding import Found, as_found, matching
from api_guard.admin.grantees import model_of
from api_guard.admin.viewing import access_url
from api_guard.models import ScopeGrant
from api_guard.models.memberships import membership_of

SHOWN = (
    ("user", _("users, also through groups")),
    ("group", _("groups")),
    ("client", _("clients")),
)


@dataclass(frozen=True)
class Holder:
    """A user, a group or a client that holds a scope; its own grant, or the groups that give it."""

    found: Found
    url: str
    row: ScopeGrant | None
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def last_used_at(self) -> Any:
        """When the grantee's own grant was last used."""
        return None if self.row is None else self.row.last_used_at


def holders(scopes: Sequence[str], kind: str, term: str, *, by_mail: bool) -> QuerySet[Any]:
    """Return the users, groups or clients that hold one of these scopes, and match the words."""
    rows = matching(kind, term, by_mail=by_mail).order_by("pk")
    own = Q(pk__in=grants.rows_of_scopes(scopes, kind).order_by().values(kind))
    if kind != "user":
        return rows.filter(own)
    if membership_of(model_of("user")) is not None:
        members = rows.model._default_manager.filter(groups__in=_groups(scopes)).order_by()
        own |= Q(pk__in=members.values("pk"))
        given = Group.objects.using(grants.database()).filter(pk__in=_groups(scopes))
        rows = rows.prefetch_related(Prefetch("groups", given, "giving_groups"))
    return grants.active(rows.filter(own))


def lines_of(
    site: AdminSite, scope: str, kind: str, page: Sequence[Any], *, by_mail: bool
) -> list[Holder]:
    """Describe each of a page of holders."""
    rows = grants.rows_of_scope(scope, kind).filter(**{f"{kind}__in": [row.pk for row in page]})
    own = {getattr(row, f"{kind}_id"): row for row in rows}
    return [
        Holder(
            as_found(kind, row, by_mail=by_mail),
            access_url(site, kind, row.pk),
            own.get(row.pk),
            tuple(
                (str(group), access_url(site, "group", group.pk))
                for group in getattr(row, "giving_groups", ())
            ),
        )
        for row in page
    ]


def _groups(scopes: Sequence[str]) -> QuerySet[Any]:
    return grants.rows_of_scopes(scopes, "group").order_by().values("group")
