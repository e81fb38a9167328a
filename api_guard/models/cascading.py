"""Deletes a row with the one that it belongs to."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.deletion import Collector


def cascade(
    collector: Collector, field: models.ForeignKey[Any, Any], sub_objs: Any, using: str
) -> None:
    """Delete the rows as CASCADE does, and never take their grantee away before that.

    On MySQL and MariaDB, where constraints are not deferred, CASCADE sets a key that may be null to
    null first; and a row without a grantee is what its constraint forbids.
    """
    del using
    collector.collect(
        sub_objs,
        source=field.remote_field.model,
        source_attr=field.name,
        nullable=False,  # so that they are deleted before their grantee is
        fail_on_restricted=False,
    )
