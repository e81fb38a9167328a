"""An object that the caller must not see: it answers as if it did not exist."""

from __future__ import annotations

from django.http import Http404
from rest_framework.exceptions import NotFound


class HiddenObject(Http404, NotFound):
    """The object rule hides this object from the caller: 404, as for a missing object.

    Both Django's and DRF's exception, for code that catches either.
    """
