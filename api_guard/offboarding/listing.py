"""Lists what a user has that gives access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import models, router
from django.db.models import Q, QuerySet

from api_guard import grants, tokens
from api_guard.models import AccessReview, GrantRequest, RateOverride, RemoteSubject, ScopeGrant
from api_guard.models.memberships import groups_in

# What a user may be to Django's admin.
FLAGS = ("is_active", "is_staff", "is_superuser")


@dataclass(frozen=True)
class Leaving:
    """What a user has that gives access, as rows of the database; and the number of tokens.

    `groups` are those that hold a grant or may grant scopes. `flags` are the fields of the user
    that are true, such as `is_active`. `has_password` is true if a password lets the user sign in.
    `reviews` are the open reviews of the user. They give no access, and stay for users who may
    grant every scope.
    """

    user: models.Model
    grants: tuple[ScopeGrant, ...]
    groups: tuple[Group, ...]
    requests: tuple[GrantRequest, ...]
    overrides: tuple[RateOverride, ...]
    subjects: tuple[RemoteSubject, ...]
    clients: tuple[Any, ...]
    tokens: int
    flags: tuple[str, ...]
    has_password: bool
    reviews: tuple[AccessReview, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is left that gives access."""
        return not list(self._ending())

    def lines(self) -> Iterator[str]:
        """Yield a line for each thing that ends, and for each review that stays."""
        yield from self._ending()
        yield from (
            f"review {row.pk}: {row.title}, which is left to users who may grant every scope"
            for row in self.reviews
        )

    def _ending(self) -> Iterator[str]:
        yield from (f"grant {row.scope}" for row in self.grants)
        yield from (f"group {group.name}" for group in self.groups)
        yield from (f"request {row.pk}: {row}" for row in self.requests)
        yield from (f"rate override {row.name}" for row in self.overrides)
        yield from (f"remote subject {row}" for row in self.subjects)
        yield from (
            f"client {client.client_id}, which needs a new owner" for client in self.clients
        )
        if self.tokens:
            yield f"{self.tokens} tokens and codes"
        yield from self.flags
        if self.has_password:
            yield "the password, and all sessions"


def leaving(user: models.Model) -> Leaving:
    """Return what `user` has that gives access. It changes nothing."""
    using = grants.database()
    of_requests = grants.open_requests().filter(Q(user=user.pk) | Q(asked_by=user.pk))
    reviews: QuerySet[Any] = AccessReview.objects.using(using)
    account: Any = user
    return Leaving(
        user,
        tuple(grants.held(user).order_by("scope")),
        tuple(_groups(user)),
        tuple(of_requests.order_by("pk")),
        tuple(RateOverride.objects.using(using).filter(user=user.pk).order_by("pk")),
        tuple(RemoteSubject.objects.using(using).filter(user=user.pk).order_by("pk")),
        tuple(clients_of(user)),
        tokens.count_tokens(user),
        tuple(name for name in flags_of(user) if getattr(user, name)),
        account.has_usable_password(),
        tuple(reviews.filter(reviewer=user.pk, closed_at__isnull=True).order_by("pk")),
    )


def clients_of(user: models.Model) -> QuerySet[Any]:
    """Return the clients that a user owns."""
    model: Any = ScopeGrant._meta.get_field("client").related_model
    rows: QuerySet[Any] = model._base_manager.using(router.db_for_write(model))
    return rows.filter(user=user.pk).order_by("client_id")


def flags_of(user: models.Model) -> list[str]:
    """Return the names of the flags that the user model has as fields."""
    names = {field.name for field in user._meta.concrete_fields}
    return [name for name in FLAGS if name in names]


def _groups(user: models.Model) -> QuerySet[Group]:
    """Return the groups of a user that hold an unrevoked grant or may grant scopes."""
    using = grants.database()
    groups: Any = groups_in(user)
    if groups is None:
        return Group.objects.none()
    giving = Q(pk__in=ScopeGrant.objects.filter(live=1, group__isnull=False).values("group"))
    giving |= Q(pk__in=grants.authorities().values("group"))
    found: QuerySet[Group] = groups.using(using).filter(giving).order_by("name")
    return found
