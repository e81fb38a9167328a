"""A validator that knows the serializer field with the same rules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from api_guard.core.flaws import FlawError


class Validator:
    """Refuses values that its serializer field would refuse or change.

    A strict serializer uses that field for a column with this validator.
    """

    field: ClassVar[str]
    options: dict[str, Any]

    def __call__(self, value: Any) -> None:
        """Raise ValidationError for a value that the field would refuse or change."""
        try:
            self.refuse(value)
        except FlawError as error:
            raise ValidationError(error.flaw.message, code=error.flaw.code) from error

    def __eq__(self, other: object) -> bool:
        # Without this, makemigrations would find a change every time.
        return isinstance(other, Validator) and (self.field, self.options) == (
            other.field,
            other.options,
        )

    def __hash__(self) -> int:
        return hash(self.field)

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        raise NotImplementedError
