"""The form that keeps grants until a date, although nobody uses them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard.admin.expiries import NOT_TOO_LATE, ON_DATE, end_of
from api_guard.admin.forms import ReasonForm

_KEEP = (
    (90, gettext_lazy("90 days")),
    (180, gettext_lazy("180 days")),
    (365, gettext_lazy("A year")),
)


class KeepForm(ReasonForm):
    """Say until when the grants are kept, and why. Its script knows the names of the fields."""

    expiry = forms.ChoiceField(
        label=gettext_lazy("Keep for"),
        widget=forms.RadioSelect(attrs={"class": "radiolist"}),
        initial=str(_KEEP[0][0]),
        choices=[(str(days), said) for days, said in _KEEP]
        + [(ON_DATE, gettext_lazy("Until a date"))],
        help_text=gettext_lazy(
            "Nobody is asked about them before. A grant still ends when it expires."
        ),
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        validators=[NOT_TOO_LATE],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("Only for “until a date”."),
    )
    field_order = ("expiry", "expires_on", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["reason"]
        field.required, field.help_text = True, gettext_lazy("For the evidence.")

    def clean(self) -> dict[str, Any]:
        """Put the date into `keep_until`."""
        cleaned: dict[str, Any] = super().clean() or {}
        lasts = cleaned.get("expiry", "")
        if lasts == ON_DATE and cleaned.get("expires_on") is None:
            if "expires_on" not in self.errors:
                self.add_error("expires_on", _("Choose the last day."))
        elif lasts == ON_DATE:
            cleaned["keep_until"] = end_of(cleaned["expires_on"])
        elif lasts:
            cleaned["keep_until"] = timezone.now() + timedelta(days=int(lasts))
        return cleaned

    @property
    def keep_until(self) -> datetime:
        """Until when they are kept."""
        found: datetime = self.cleaned_data["keep_until"]
        return found


class KeepSelectedForm(KeepForm):
    """For grants that were selected in the list. `seen` is how many the page has shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
