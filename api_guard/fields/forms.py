"""Distinguishes form input, which is always text, from JSON."""

from __future__ import annotations

from typing import Any

from rest_framework.fields import Field
from rest_framework.utils.html import is_html_input


def is_from_form(field: Field[Any, Any, Any, Any]) -> bool:
    """Whether the input of `field` comes from an HTML form."""
    return bool(is_html_input(getattr(field.root, "initial_data", None)))
