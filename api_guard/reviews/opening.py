"""Opens a review, which fixes its grants, and closes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from api_guard import conf, grants
from api_guard.core.ledger import Event
from api_guard.core.records import key_of_party
from api_guard.models import GRANTEES, AccessReview, ReviewedGrant, ScopeGrant, is_past, recorded
from api_guard.models.transactions import in_transaction

_PAGE = 1000


def open_review(
    title: str,
    *,
    reviewer: models.Model,
    due_at: datetime,
    by: grants.By,
    scope: str = "",
    scope_group: str = "",
    grantee_kind: str = "",
) -> AccessReview:
    """Open a review of the live grants of a scope, of a group of scopes, or of all scopes.

    `grantee_kind` limits it to the grants of users, groups or clients. Its grants do not change
    afterwards. Raises GrantError: `no_authority` if `by` may not grant what it covers,
    `no_reviewer` if the reviewer may not, `past`, `unknown_scope`, `unknown_scope_group`,
    `no_grantee`, `nobody`, or the code of an invalid title.
    """
    who = grants.who_of(by)
    covered = _covered(scope, scope_group, grantee_kind)
    if scope or scope_group:
        for name in covered:
            grants.refuse_without_authority(by, name)
    else:
        grants.refuse_without_any(by, _("You may not open a review of all scopes."))
    _refuse_reviewer(reviewer, covered)
    if is_past(due_at, timezone.now()):
        raise grants.GrantError("past", f"The date {due_at} is in the past.")
    using = grants.database()
    row = AccessReview(
        title=title,
        scope=scope,
        scope_group=scope_group,
        grantee_kind=grantee_kind,
        due_at=due_at,
        grants=0,
    )
    for name, value in (("reviewer", reviewer), ("opened_by", grants.user_of(by))):
        setattr(row, name, value)
    try:
        row.clean_fields(exclude=["digest", "reviewer", "opened_by"])
    except ValidationError as error:
        raise grants.from_validation(error) from None
    grants.refuse_reason(title)

    def write() -> None:
        row.pk, row._state.adding = None, True
        with recorded():
            row.save(using=using)
            _fix(row, covered if scope or scope_group else None)
            found = grants.digest_of(row.pk)
            row.grants, row.digest = int(found.split()[0]), found.split()[1]
            row.save(using=using)
        facts = {
            "review": row.pk,
            "due_at": due_at,
            "covers": row.covers,
            "grants": found,
        }
        grants.note(Event.OPEN_REVIEW, who, reviewer, scope or scope_group, title, facts)

    in_transaction(write, using)
    return row


def close_review(review: AccessReview, *, by: grants.By) -> AccessReview:
    """Close a review: nothing more is decided. What is not decided stays as it is.

    Raises GrantError: `not_reviewer`, `closed`, `nobody`.
    """
    who = grants.who_of(by)
    refuse_others(review, by)
    using = grants.database()

    def write() -> None:
        kept = refuse_closed(review)
        with recorded():
            _rows(kept).update(closed_at=timezone.now())
        undecided = kept.items.using(using).filter(decision="").count()
        facts = {"review": kept.pk, "undecided": undecided}
        grants.note(Event.CLOSE_REVIEW, who, kept.reviewer, kept.scope, "", facts)

    in_transaction(write, using)
    review.refresh_from_db(using=using)
    return review


def refuse_closed(review: AccessReview) -> AccessReview:
    """Lock a review in the open transaction, and return its row. Raises GrantError `closed`."""
    with recorded():
        # Write first: this locks the row, on SQLite too.
        _rows(review).update(closed_at=models.F("closed_at"))
    kept = _rows(review).select_for_update().filter(closed_at__isnull=True).first()
    if kept is None:
        raise grants.GrantError("closed", f"The review {review.pk} is closed.")
    return kept


def refuse_others(review: AccessReview, by: grants.By) -> None:
    """Raise GrantError `not_reviewer` unless `by` is the reviewer, or may grant every scope."""
    if isinstance(by, (grants.System, grants.Claimed)):
        return
    is_active = getattr(by, "is_active", False) is True
    if not (is_active and by.pk == review.reviewer_id) and not grants.may_give_any(by):
        grants.refuse(by, f"Only the reviewer decides in {review.title!r}.", "not_reviewer")


def _rows(review: AccessReview) -> QuerySet[AccessReview]:
    rows: QuerySet[Any] = AccessReview.objects.using(grants.database()).order_by()
    return rows.filter(pk=review.pk)


def _covered(scope: str, scope_group: str, kind: str) -> tuple[str, ...]:
    terms = conf.scope_terms()
    if scope and scope_group:
        raise grants.GrantError("invalid", "Write either a scope or a group of scopes.")
    if kind and kind not in GRANTEES:
        raise grants.GrantError("no_grantee", f"{kind!r} is not one of: {', '.join(GRANTEES)}.")
    if scope and scope not in conf.grantable():
        raise grants.GrantError("unknown_scope", f"{scope!r} is not declared.")
    if scope:
        # A bundle gives the scope as well.
        return (scope, *conf.bundles_with([scope]))
    names = tuple(
        name for name, said in terms.items() if not scope_group or said.group == scope_group
    )
    if scope_group and not names:
        raise grants.GrantError("unknown_scope_group", f"No scope has the group {scope_group!r}.")
    return (*names, *conf.bundles_with(names))


def _refuse_reviewer(reviewer: models.Model, covered: Iterable[str]) -> None:
    missing = set(covered) - set(grants.managed_scopes(reviewer))
    if missing or reviewer.pk is None or not grants.manages(reviewer):
        raise grants.GrantError(
            "no_reviewer",
            f"{reviewer} may not revoke {min(missing, default='a scope')!r}, so cannot review it.",
        )


def _fix(review: AccessReview, covered: tuple[str, ...] | None) -> None:
    """Copy the list of the live grants, page by page."""
    rows = grants.live().order_by("pk")
    if covered is not None:
        rows = rows.filter(scope__in=covered)
    if review.grantee_kind:
        rows = rows.filter(**{f"{review.grantee_kind}__isnull": False})
    last, using = -(2**63), grants.database()
    with transaction.atomic(using=using):
        while page := list(rows.filter(pk__gt=last)[:_PAGE]):
            ReviewedGrant.objects.using(using).bulk_create(
                ReviewedGrant(review=review, grant_id=row.pk, scope=row.scope, grantee=_key(row))
                for row in page
            )
            last = page[-1].pk


def _key(row: ScopeGrant) -> str:
    return key_of_party(row.grantee_kind, str(getattr(row, f"{row.grantee_kind}_id")))
