"""A choice field that checks the type of the choice."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.fields import ChoiceField

from api_guard.core.names import did_you_mean
from api_guard.fields.flaws import echoed
from api_guard.fields.forms import is_from_form

_LONGEST_GUESS = 50


class StrictChoiceField(ChoiceField):
    """One of the choices, with the same type: "1" is not 1, and true is not 1.

    Only a form may send a number as text, because a form contains only text.
    """

    default_error_messages = {"invalid_choice": _("This is not one of the choices.{hint}")}

    def to_internal_value(self, data: Any) -> Any:
        """Return the choice. Raises ValidationError."""
        if data == "" and self.allow_blank:
            return ""
        if is_from_form(self) and isinstance(data, str) and data in self.choice_strings_to_values:
            return self.choice_strings_to_values[data]
        for choice in self.choices:
            if type(choice) is type(data) and choice == data:
                return choice
        raise self._refusal(data)

    def _refusal(self, data: object) -> ValidationError:
        known = [choice for choice in self.choices if isinstance(choice, str)]
        short = isinstance(data, str) and len(data) <= _LONGEST_GUESS
        hint = did_you_mean(data, known) if short else ""
        message = self.error_messages["invalid_choice"].format(input=echoed(data), hint=hint)
        return ValidationError(message, code="invalid_choice")
