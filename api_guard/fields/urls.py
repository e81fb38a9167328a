"""URLs in which every program finds the same host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.validators import URLValidator
from rest_framework.fields import URLField

from api_guard.core.formats import MAX_URL_LENGTH, WebAddress
from api_guard.fields.text import FormattedField


class SafeURLField(FormattedField, URLField):
    """A URL without credentials, its host in lower-case ASCII; of 2000 characters by default.

    `public_only` refuses hosts that are not on the public internet. What a name resolves to is
    only known when it is connected to: see `api_guard.connections`.
    """

    def __init__(
        self,
        *,
        max_length: int | None = None,
        schemes: Iterable[str] = ("http", "https"),
        public_only: bool = False,
        **kwargs: Any,
    ) -> None:
        length = MAX_URL_LENGTH if max_length is None else max_length
        self.format = WebAddress(length, frozenset(schemes), public_only)
        super().__init__(max_length=length, **kwargs)
        # It knows four schemes, and other hosts than browsers do.
        self.validators = [v for v in self.validators if not isinstance(v, URLValidator)]
