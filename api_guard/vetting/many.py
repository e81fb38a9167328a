"""Has several objects of one serializer stored together, or refused together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import router, transaction
from django.db.models import Model
from rest_framework.exceptions import APIException
from rest_framework.serializers import ListSerializer

from api_guard.exceptions import OutsideYourObjects
from api_guard.vetting.judging import is_decided_by_sets
from api_guard.vetting.keeping import Written, may_be_left
from api_guard.vetting.record import Vetting, link_fields


@contextmanager
def whole_or_refused(
    vetting: Vetting, serializer: Any, values: Mapping[str, Any]
) -> Iterator[None]:
    """Refuse a list before its first row is stored; where memory cannot tell, undo it.

    A refusal alone undoes: an exception of the project's own leaves what it meant to keep.
    """
    model, keep = vetting.model, vetting.keep
    rows = serializer.validated_data if isinstance(serializer, ListSerializer) else []
    if keep is None or model is None or (len(rows) < 2 and not is_decided_by_sets(vetting)):
        yield
        return
    using = router.db_for_write(model)
    verdicts = {
        may_be_left(_as_written(model, {**row, **values}, using), keep, None, model, _user(vetting))
        for row in rows
        if isinstance(row, Mapping)
    }
    if serializer.instance is None and False in verdicts:
        raise OutsideYourObjects
    if verdicts == {True} and len(rows) > 1:
        yield
        return
    failure: Exception | None = None
    with transaction.atomic(using=using):
        try:
            yield
        except APIException as refusal:
            if isinstance(refusal, OutsideYourObjects):
                raise
            failure = refusal
        except Exception as error:  # noqa: BLE001  # raised again below
            failure = error
    if failure is not None:
        raise failure


def _user(vetting: Vetting) -> object:
    return vetting.caller.user_id


def _as_written(model: type[Model], values: Mapping[str, Any], using: str) -> Written:
    """Return what one row will be, as far as its foreign keys go."""
    instance = model()
    for field in link_fields(model):
        if field.attname in values:
            setattr(instance, field.attname, values[field.attname])
        elif isinstance(values.get(field.name), Model):
            setattr(instance, field.name, values[field.name])
    return Written(instance, None, None, using, may_exist=False)
