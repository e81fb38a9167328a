"""Deletes rows together with their grantee."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.deletion import Collector


def cascade(
    collector: Collector, field: models.ForeignKey[Any, Any], sub_objs: Any, using: str
) -> None:
    """Delete the rows as CASCADE does, but never set their grantee to null first.

    On MySQL and MariaDB, which do not defer constraints, CASCADE first sets a nullable key to null.
    The constraint forbids a row without a grantee.
    """
    del using
    collector.collect(
        sub_objs,
        source=field.remote_field.model,
        source_attr=field.name,
        nullable=False,  # so that the rows are deleted before their grantee
        fail_on_restricted=False,
    )
