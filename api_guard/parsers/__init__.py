"""Parsers for JSON, forms and uploads with limits, which replace DRF's parsers."""

from api_guard.parsers.django_form import DjangoFormParser
from api_guard.parsers.forms import FormParser
from api_guard.parsers.json_body import JSONParser
from api_guard.parsers.parsed import refuse_parsed, watch_form
from api_guard.parsers.uploads import MultiPartParser

__all__ = [
    "DjangoFormParser",
    "FormParser",
    "JSONParser",
    "MultiPartParser",
    "refuse_parsed",
    "watch_form",
]
