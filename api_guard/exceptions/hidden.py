"""An object that is not the caller's: for the caller, there is none."""

from __future__ import annotations

from django.http import Http404
from rest_framework.exceptions import NotFound


class HiddenObject(Http404, NotFound):
    """The object rule does not leave this object to the caller: 404, as where there is none.

    Django's and DRF's exception at once, for whoever catches one of them.
    """
