"""Pages of the admin without a table: each is a model, so that it has a permission of its own."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _


class NoRows(models.Manager):  # type: ignore[type-arg]  # generic in the stubs alone
    """Finds nothing and asks no database, so that `dumpdata` works without a table."""

    def get_queryset(self) -> QuerySet[Any]:
        """Return an empty queryset."""
        return super().get_queryset().none()


class Page(models.Model):
    """A page that the admin lists like a model. It has no rows."""

    objects = NoRows()

    class Meta:
        abstract = True
        managed = False
        default_permissions = ("view",)
        base_manager_name = "objects"

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Access(Page):
    """What a user, a group or a client may do."""

    class Meta(Page.Meta):
        verbose_name = _("access")
        verbose_name_plural = _("access")


class Scope(Page):
    """The declared scopes, and who holds them."""

    class Meta(Page.Meta):
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")


class Endpoint(Page):
    """What each endpoint of the API requires."""

    class Meta(Page.Meta):
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")


class Explanation(Page):
    """Why a request is allowed or refused."""

    class Meta(Page.Meta):
        verbose_name = _("explanation")
        verbose_name_plural = _("explanations")


class Block(Page):
    """Accounts and addresses that are blocked after failed credentials."""

    class Meta(Page.Meta):
        verbose_name = _("block")
        verbose_name_plural = _("blocks of failed credentials")
        permissions = [("lift_block", "Can lift a block of failed credentials")]


class Client(Page):
    """The clients: their owners, secrets, grants and tokens."""

    class Meta(Page.Meta):
        verbose_name = _("client")
        verbose_name_plural = _("clients and tokens")


class Matrix(Page):
    """Which grantees hold which scopes of a group."""

    class Meta(Page.Meta):
        verbose_name = _("matrix of scopes")
        verbose_name_plural = _("matrix of scopes")
