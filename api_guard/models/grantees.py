"""The grantee of a grant or an override: exactly one user, group or client."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import ForeignKey, Q, QuerySet
from django.utils.translation import gettext_lazy as _

GRANTEES = ("user", "group", "client")
_FOR = {
    "user": _("%(what)s for user %(name)s"),
    "group": _("%(what)s for group %(name)s"),
    "client": _("%(what)s for client %(name)s"),
    "nobody": _("%(what)s for nobody"),
}


def user_model() -> Any:
    """Return the user model of the settings. The cache saves a dozen calls of the registry."""
    return _model(settings.AUTH_USER_MODEL)


@cache
def _model(name: str) -> Any:
    return apps.get_model(name)


def one_grantee(name: str) -> models.CheckConstraint:
    """Return the constraint that each row has exactly one grantee."""
    one = Q()
    for grantee in GRANTEES:
        one |= Q(**{f"{kind}__isnull": kind != grantee for kind in GRANTEES})
    return models.CheckConstraint(
        condition=one,
        name=name,
        violation_error_code="one_grantee",
        violation_error_message=_("Choose exactly one grantee: a user, a group or a client."),
    )


class Held(models.Model):
    """A row that belongs to one grantee. It has a foreign key for each kind of grantee."""

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: QuerySet[Self] | None = None,
    ) -> None:
        """Read the row again, with deferred fields, from the database that it is written to."""
        if using is None and from_queryset is None:
            using = router.db_for_write(type(self), instance=self)
        super().refresh_from_db(using, fields, from_queryset)

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Validate each field. Look foreign keys up in the database that rows are written to.

        Django would ask a replica, which may not have a new user yet.
        """
        left_out = set(exclude or ())
        keys = {f.name: f for f in self._meta.concrete_fields if isinstance(f, ForeignKey)}
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().clean_fields({*left_out, *keys})
        except ValidationError as error:
            errors = error.error_dict
        for name in keys.keys() - left_out:
            if getattr(self, keys[name].attname) is not None and not self._named(keys[name]):
                flaw = ValidationError(
                    _("This %(name)s does not exist."), "invalid", {"name": name}
                )
                errors[name] = [flaw]
        if errors:
            raise ValidationError(errors)

    @property
    def grantee_kind(self) -> str:
        """`user`, `group` or `client`."""
        return next(
            (name for name in GRANTEES if getattr(self, f"{name}_id") is not None), "nobody"
        )

    @property
    def grantee(self) -> models.Model | None:
        """The user, the group or the client that the row belongs to."""
        if self.grantee_kind == "nobody":
            return None
        key: Any = self._meta.get_field(self.grantee_kind)
        if not key.is_cached(self):
            key.set_cached_value(self, self._named(key).get())
        grantee: models.Model = key.get_cached_value(self)
        return grantee

    def for_grantee(self, what: str) -> str:
        """Say for whom `what` is."""
        return str(_FOR[self.grantee_kind] % {"what": what, "name": self.grantee})

    def _named(self, key: ForeignKey[Any, Any]) -> QuerySet[Any]:
        """Return the row that a foreign key points to, from the database that it is written to."""
        model: Any = key.related_model
        rows: QuerySet[Any] = model._base_manager.using(router.db_for_write(model, instance=self))
        return rows.filter(**{key.target_field.name: getattr(self, key.attname)})
