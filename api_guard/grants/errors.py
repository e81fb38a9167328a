"""The error of a grant that cannot be made, changed or revoked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from api_guard.models import ScopeGrant

# No database can store these in a text column.
_NOT_STORED = {
    "null_character": (re.compile("\x00"), _("It contains a null character.")),
    "surrogate": (re.compile("[\ud800-\udfff]"), _("It contains a lone surrogate.")),
}


class GrantError(ValueError):
    """A grant cannot be made, changed or revoked. `code` says why. Nothing was changed.

    `str()` is English, for logs and the command line. `names` fill the placeholders of the text.
    """

    def __init__(self, code: str, text: str, names: Mapping[str, object] | None = None) -> None:
        super().__init__(text if names is None else text % names)
        self.code, self._text, self._names = code, text, names

    @property
    def detail(self) -> str:
        """The same in the active language, for a page or an API."""
        text = gettext(self._text)
        return text if self._names is None else text % self._names


def meanwhile() -> GrantError:
    """Return the error of a grant that the database refused, after everything was checked."""
    return GrantError(
        "meanwhile",
        _(
            "Nothing was granted: at the same time, somebody granted the same, or deleted a "
            "grantee. Try again."
        ),
    )


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
        raise _invalid(str(error.error_list[0].code), " ".join(error.messages)) from None
    for code, (pattern, why) in _NOT_STORED.items():
        if pattern.search(text):
            raise _invalid(code, gettext(why))


def _invalid(code: str, why: str) -> GrantError:
    return GrantError(code, _("The reason is not valid. %(why)s"), {"why": why})
