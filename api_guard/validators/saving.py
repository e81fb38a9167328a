"""Runs a model's validators in `save()`. Django runs them only in forms."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.db.models.signals import pre_save

from api_guard.validators.validator import Validator

AnyModel = TypeVar("AnyModel", bound=type[Model])


def validate_on_save(model: AnyModel) -> AnyModel:
    """Class decorator: run api_guard's validators at every `save()` of `model`, also in a shell.

    `bulk_create()` and `QuerySet.update()` do not run them, because they send no signal.
    """
    pre_save.connect(_validate, sender=model, dispatch_uid=f"api_guard {model._meta.label}")
    return model


def _validate(sender: type[Model], instance: Model, raw: bool = False, **_: Any) -> None:
    if raw:  # a fixture is loaded unchanged
        return
    errors: dict[str, list[ValidationError]] = {}
    for column in sender._meta.concrete_fields:
        value = getattr(instance, column.attname)
        for validator in column.validators if value not in column.empty_values else ():
            if isinstance(validator, Validator):
                try:
                    validator(value)
                except ValidationError as error:
                    errors.setdefault(column.name, []).append(error)
    if errors:
        raise ValidationError(errors)
