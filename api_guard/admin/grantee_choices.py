"""The form field that chooses users, groups and clients, several at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from api_guard import grants
from api_guard.admin.grantees import ANY_KIND, GranteeSelect, model_of, shown_name
from api_guard.models import GRANTEES


class GranteesSelect(GranteeSelect):
    """One select for users, groups and clients, several at once."""

    allow_multiple_selected = True

    def __init__(self, admin_site: AdminSite) -> None:
        super().__init__("user", admin_site)

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> Any:
        """Ask for all kinds. Without a placeholder, Django's would be a chosen empty value."""
        attrs = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-field-name": ANY_KIND, "multiple": True, "data-allow-clear": "false"}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return all chosen values."""
        del files
        return data.getlist(name) if hasattr(data, "getlist") else data.get(name)

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return the chosen grantees only: the others are searched."""
        del attrs
        try:
            chosen = parsed(each for each in value if each)
        except ValidationError:
            chosen = []
        options = [
            self.create_option(name, key_of(row), shown_name(row), True, index)
            for index, row in enumerate(chosen)
        ]
        return [(None, options, 0)]


class GranteesField(forms.Field):
    """The users, groups and clients that were chosen."""

    default_error_messages = {"required": _("Choose who gets access.")}

    def to_python(self, value: Any) -> Any:
        """Return the rows. Raises ValidationError."""
        return parsed(value or ())


def key_of(grantee: models.Model) -> str:
    """Return the value of a grantee in the form."""
    kind = next(kind for kind in GRANTEES if isinstance(grantee, model_of(kind)))
    return f"{kind}:{grantee.pk}"


def parsed(texts: Iterable[str]) -> list[models.Model]:
    """Return the grantees that were chosen, such as `user:7`. Raises ValidationError."""
    keys: dict[str, list[object]] = {}
    for text in dict.fromkeys(texts):
        kind, _colon, key = text.partition(":")
        if kind not in GRANTEES:
            raise _unknown()
        try:
            keys.setdefault(kind, []).append(model_of(kind)._meta.pk.to_python(key))
        except ValidationError:
            raise _unknown() from None
    found: list[models.Model] = []
    for kind, pks in keys.items():
        try:
            rows = model_of(kind)._default_manager.using(grants.database()).in_bulk(pks)
        except OverflowError:
            raise _unknown() from None
        found += [rows[pk] for pk in pks if pk in rows]
    if len(found) < sum(map(len, keys.values())):
        raise _unknown()
    return found


def _unknown() -> ValidationError:
    return ValidationError(
        _("A user, group or client that you chose does not exist any more."), code="invalid"
    )
