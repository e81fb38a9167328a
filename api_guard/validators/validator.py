"""A validator that knows the serializer field that holds the same rules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from api_guard.core.flaws import FlawError


class Validator:
    """Refuses what its field would refuse or change; a strict serializer makes that field of it."""

    field: ClassVar[str]
    options: dict[str, Any]

    def __call__(self, value: Any) -> None:
        """Raise ValidationError for a value that the field would not have let through as it is."""
        try:
            self.refuse(value)
        except FlawError as error:
            raise ValidationError(error.flaw.message, code=error.flaw.code) from error

    def __eq__(self, other: object) -> bool:
        # Migrations compare, and would else find a change every time.
        return isinstance(other, Validator) and (self.field, self.options) == (
            other.field,
            other.options,
        )

    def __hash__(self) -> int:
        return hash(self.field)

    def refuse(self, value: Any) -> None:
        """Raise FlawError."""
        raise NotImplementedError
