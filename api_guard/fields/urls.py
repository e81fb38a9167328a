"""URLs whose host is the same for every program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.validators import URLValidator
from rest_framework.fields import URLField

from api_guard.core.formats import MAX_URL_LENGTH, WebAddress
from api_guard.fields.text import FormattedField


class SafeURLField(FormattedField, URLField):
    """A URL without credentials, with its host in lower-case ASCII. The default length is 2000.

    `public_only` refuses hosts that are not on the public internet. The IP address of a host name
    is known only when you connect: see `api_guard.connections`.
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
        # URLValidator knows only four schemes, and treats hosts differently from browsers.
        self.validators = [v for v in self.validators if not isinstance(v, URLValidator)]
