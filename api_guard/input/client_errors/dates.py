"""Decides if DRF's `unique_for_date` failed because the client sent no date."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType

from rest_framework.serializers import BaseSerializer, HiddenField

from api_guard.input.client_errors.frames import local, module_of


def is_date_missing(frames: list[FrameType]) -> bool:
    """Whether the validator reads a date of a field that a client can write, but there is none."""
    if not frames or module_of(frames[-1]) != "rest_framework.validators":
        return False
    attrs = local(frames[-1], "attrs")
    name = getattr(local(frames[-1], "self"), "date_field", None)
    if not isinstance(attrs, Mapping) or attrs.get(name, name) is not None:
        return False
    serializers = [local(frame, "serializer") for frame in frames]
    fields = [each.fields.get(name) for each in serializers if isinstance(each, BaseSerializer)]  # type: ignore[attr-defined]
    return any(not each.read_only and not isinstance(each, HiddenField) for each in fields if each)
