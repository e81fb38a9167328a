"""The forms to approve, perhaps with an earlier end, and to decline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard.admin.expiries import NEVER, ExpiryForm, most_days
from api_guard.admin.forms import ReasonForm
from api_guard.admin.granting import moment
from api_guard.models import GrantRequest

AS_ASKED = "asked"


class ApproveForm(ExpiryForm):
    """Choose when the grants end: as asked, or earlier."""

    def __init__(self, rows: Sequence[GrantRequest], data: Any = None) -> None:
        super().__init__(data)
        field: Any = self.fields["expiry"]
        self.limit(most_days((row.scope for row in rows), of_all=True))
        ends = [row.expires_at for row in rows if row.expires_at is not None]
        earliest = min(ends, default=None)
        # What ends later than one of them asks for would be refused.
        shorter = [
            (name, said)
            for name, said in field.choices
            if name != NEVER and (earliest is None or self.ends_before(name, earliest))
        ]
        field.choices = [(AS_ASKED, _as_asked(rows)), *shorter]
        field.label, field.initial = gettext_lazy("Access ends"), AS_ASKED
        self.fields["expires_on"].help_text = _(
            "Only for “until a date”, which must be earlier than the end that was asked for."
        )
        if earliest is not None:
            local = timezone.localtime(earliest) if timezone.is_aware(earliest) else earliest
            picker: Any = self.fields["expires_on"].widget
            last = picker.attrs.get("max", local.date().isoformat())
            picker.attrs["max"] = min(last, local.date().isoformat())

    def clean(self) -> dict[str, Any]:
        """Put the end into `expires_at`; None means as asked."""
        if self.cleaned_data.get("expiry") == AS_ASKED:
            return {**self.cleaned_data, "expires_at": None}
        return super().clean()


class DeclineForm(ReasonForm):
    """Say why. Who has asked reads it, and need not say why it withdraws."""

    def __init__(self, data: Any = None, *, is_withdrawal: bool = False) -> None:
        super().__init__(data)
        field: Any = self.fields["reason"]
        if is_withdrawal:
            return
        field.required = True
        field.help_text = _("The person who has asked can read it.")


def _as_asked(rows: Sequence[GrantRequest]) -> str:
    if len(rows) != 1:
        return _("As each of them asks for")
    end: datetime | None = rows[0].expires_at
    return _("As asked: %(until)s") % {"until": moment(end)}


FIELD_OF: dict[str, str] = dict.fromkeys(("past", "too_long", "not_shorter"), "expiry")
