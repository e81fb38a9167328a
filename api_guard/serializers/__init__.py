"""Serializers that take what they declare, and nothing else."""

from api_guard.serializers.lists import BoundedListSerializer
from api_guard.serializers.strict import StrictModelSerializer, StrictSerializer

__all__ = ["BoundedListSerializer", "StrictModelSerializer", "StrictSerializer"]
