"""Judges changes of many grants by one person: each error is found once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from api_guard import conf
from api_guard.grants.authority import Authority, refuse, refuse_own
from api_guard.grants.errors import GrantError
from api_guard.grants.finding import grantee_of
from api_guard.grants.reading import database
from api_guard.grants.terms import is_everyone, is_longer, refuse_terms, terms_of
from api_guard.grants.who import By, user_of
from api_guard.models import ScopeGrant
from api_guard.models.memberships import groups_in


class Judge:
    """The errors of one person, each found once for many grants."""

    def __init__(self, by: By) -> None:
        self._by, self._authority = by, Authority.of(by)
        name = conf.everyone_group()
        groups = Group.objects.using(database()).filter(name=name or "")
        self._everyone = set() if name is None else set(groups.values_list("pk", flat=True))
        self._errors: dict[object, str] = {}
        self._own_groups = self._groups_of(user_of(by))

    def error_of(self, scope: str, group: object) -> str:
        """Return why a grant may not be changed by this person, or ""."""
        to_everyone = group in self._everyone
        return self._once(
            (scope, to_everyone),
            lambda: self._authority.refuse_without(scope, to_everyone=to_everyone),
        )

    def refuse_without_authority(self, row: ScopeGrant) -> None:
        """Raise GrantError `no_authority` if a grant may not be changed by this person."""
        to_everyone = is_everyone(grantee_of(row))
        self._authority.refuse_without(row.scope, to_everyone=to_everyone)

    def refuse_own(self, row: ScopeGrant) -> None:
        """Raise GrantError `own_grant` if this person would decide about a grant of its own."""
        if self._is_own(row):
            refuse_own(self._by, grantee_of(row))

    def error_of_move(self, row: ScopeGrant, expires_at: datetime | None, now: datetime) -> str:
        """Return why a locked grant may not expire then, or ""."""
        if not row.is_live(now):
            return gettext("It has expired. Grant the scope again.")
        if not is_longer(row.expires_at, expires_at):
            return ""
        if row.is_break_glass or self._is_own(row):
            return self._once(
                "self",
                lambda: refuse(self._by, _("You cannot extend a grant of your own."), "self_grant"),
            )
        grantee = grantee_of(row)
        key = ("move", row.scope, is_everyone(grantee))
        return self._once(key, lambda: self._refuse_move(row.scope, grantee, expires_at))

    def error_of_keep(self, row: ScopeGrant, now: datetime) -> str:
        """Return why this person may not keep a locked grant although it is unused, or ""."""
        if not row.is_live(now):
            return gettext("It has expired. Grant the scope again.")
        if not self._is_own(row):
            return ""
        grantee = grantee_of(row)
        return self._once(
            ("own", row.grantee_kind, grantee.pk), lambda: refuse_own(self._by, grantee)
        )

    def _refuse_move(self, scope: str, grantee: models.Model, expires_at: datetime | None) -> None:
        refuse_terms(scope, grantee, expires_at)
        if terms_of(scope).is_sensitive:
            raise GrantError(
                "needs_approval",
                _("%(scope)r is sensitive. To extend it, grant it again."),
                {"scope": scope},
            )

    def _is_own(self, row: ScopeGrant) -> bool:
        """Whether it is a grant to the person, or, without full rights, to its group or client."""
        user = user_of(self._by)
        if user is None or user is not self._by:
            return False
        if row.user_id is not None or self._authority.gives_any:
            return bool(row.user_id == user.pk)
        if row.group_id is not None:
            return row.group_id in self._own_groups
        return bool(getattr(row.grantee, "user_id", None) == user.pk)

    def _groups_of(self, user: Any) -> set[object]:
        groups: Any = groups_in(user)
        if groups is None:
            return set()
        return set(groups.using(database()).order_by().values_list("pk", flat=True))

    def _once(self, key: object, judge: Callable[[], None]) -> str:
        if key not in self._errors:
            try:
                judge()
            except GrantError as error:
                self._errors[key] = error.detail
            else:
                self._errors[key] = ""
        return self._errors[key]
