"""The grantee of a grant or an override: exactly one user, group or client."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import ForeignKey, Q, QuerySet
from django.utils.translation import gettext_lazy as _

GRANTEES = ("user", "group", "client")


def of_one_grantee() -> Q:
    """Match a row that names exactly one grantee."""
    one = Q()
    for grantee in GRANTEES:
        one |= Q(**{f"{name}__isnull": name != grantee for name in GRANTEES})
    return one


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

    def _named(self, key: ForeignKey[Any, Any]) -> QuerySet[Any]:
        """Return the row that a foreign key points to, from the database that it is written to."""
        model: Any = key.related_model
        rows: QuerySet[Any] = model._base_manager.using(router.db_for_write(model, instance=self))
        return rows.filter(**{key.target_field.name: getattr(self, key.attname)})
