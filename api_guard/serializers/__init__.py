"""Serializers that accept only the fields that they declare."""

from api_guard.serializers.lists import BoundedListSerializer
from api_guard.serializers.strict import StrictModelSerializer, StrictSerializer

__all__ = ["BoundedListSerializer", "StrictModelSerializer", "StrictSerializer"]
