"""The error of a grant that cannot be made, changed or revoked."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError

from api_guard.models import ScopeGrant

# No database can store these in a text column.
_NOT_STORED = {
    "null_character": (re.compile("\x00"), "a null character"),
    "surrogate": (re.compile("[\ud800-\udfff]"), "a lone surrogate"),
}


class GrantError(ValueError):
    """A grant cannot be made, changed or revoked. `code` says why. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def from_validation(error: ValidationError) -> GrantError:
    """Return the errors of the model as one GrantError, with the code of the first."""
    flaws = [flaw for flaws in error.error_dict.values() for flaw in flaws]
    code = next((flaw.code for flaw in flaws if flaw.code), "invalid")
    return GrantError(str(code), " ".join(message for flaw in flaws for message in flaw.messages))


def refuse_reason(reason: str) -> None:
    """Raise GrantError for a reason that the database cannot store, before anything is written.

    The code comes from Django's validators (`max_length`), or is `null_character` or `surrogate`.
    """
    field: Any = ScopeGrant._meta.get_field("reason")
    try:
        text = field.clean(reason, None)
    except ValidationError as error:
        raise GrantError(str(error.error_list[0].code), _said(error.messages)) from None
    for code, (pattern, name) in _NOT_STORED.items():
        if pattern.search(text):
            raise GrantError(code, _said([f"It contains {name}."]))


def _said(messages: list[str]) -> str:
    return f"The reason is not valid. {' '.join(messages)}"
