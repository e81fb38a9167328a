"""Who may hold a grant or an override: a user, a group or a client, and one of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

HOLDERS = ("user", "group", "client")


def of_one_holder() -> Q:
    """Match a row that names exactly one holder."""
    one = Q()
    for holder in HOLDERS:
        one |= Q(**{f"{name}__isnull": name != holder for name in HOLDERS})
    return one


class Held(models.Model):
    """A row that one holder has, by a foreign key for each kind."""

    class Meta:
        abstract = True

    @property
    def holder_kind(self) -> str:
        """`user`, `group` or `client`."""
        return next((name for name in HOLDERS if getattr(self, f"{name}_id") is not None), "nobody")

    @property
    def holder(self) -> models.Model | None:
        """The user, the group or the client that holds it."""
        return getattr(self, self.holder_kind, None)
