"""When a grant ends, as a form asks for it: a day, a week, a date, never."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api_guard import grants

ON_DATE, NEVER = "date", "never"
# In another zone, the last day of all would be in a year that Python does not have.
NOT_TOO_LATE = MaxValueValidator(date(9998, 12, 31))
_PRESETS = {
    "hour": (timedelta(hours=1), gettext_lazy("An hour")),
    "day": (timedelta(days=1), gettext_lazy("A day")),
    "week": (timedelta(days=7), gettext_lazy("A week")),
    "month": (timedelta(days=30), gettext_lazy("30 days")),
}


def most_days(scopes: Iterable[str], *, of_all: bool) -> int | None:
    """Return for how many days the settings allow these scopes: all of them, or at least one."""
    limits = [grants.most_days(scope) for scope in scopes]
    known = [each for each in limits if each is not None]
    if of_all:
        return min(known, default=None)
    return max(known, default=None) if len(known) == len(limits) else None


class ExpiryForm(forms.Form):
    """The fields that choose an expiry. `limit()` takes away what the settings do not allow."""

    expiry = forms.ChoiceField(
        label=gettext_lazy("Access ends after"),
        widget=forms.RadioSelect(attrs={"class": "radiolist"}),
        initial="week",
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        validators=[NOT_TOO_LATE],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("Only for “until a date”. Access ends when this day is over."),
    )

    def limit(self, days: int | None) -> None:
        """Offer only what ends within so many days. With None, offer to never end."""
        now = timezone.now()
        choices = [
            (name, _until(label, now + lasting))
            for name, (lasting, label) in _PRESETS.items()
            if days is None or lasting <= timedelta(days=days)
        ]
        choices.append((ON_DATE, _("Until a date")))
        if days is None:
            choices.append((NEVER, _("Never")))
        field: Any = self.fields["expiry"]
        field.choices = choices
        if field.initial not in dict(choices):
            field.initial = choices[0][0]
        first = today()
        picker: Any = self.fields["expires_on"].widget
        picker.attrs["min"] = first.isoformat()
        if days is not None:
            picker.attrs["max"] = (first + timedelta(days=days - 1)).isoformat()
            said = _("The settings allow at most %(days)d days.") % {"days": days}
            field.help_text = said

    def ends_before(self, name: str, end: datetime) -> bool:
        """Whether a choice may end before a moment: a date, or a time from now that does."""
        if name not in _PRESETS:
            return name == ON_DATE
        return timezone.now() + _PRESETS[name][0] < end

    def clean(self) -> dict[str, Any]:
        """Put the moment of the expiry into `expires_at`; None means never."""
        cleaned: dict[str, Any] = super().clean() or {}
        match cleaned.get("expiry"):
            case "date":
                day: date | None = cleaned.get("expires_on")
                if day is not None:
                    cleaned["expires_at"] = end_of(day)
                elif "expires_on" not in self.errors:
                    self.add_error("expires_on", _("Choose the last day."))
            case "never" | None:
                cleaned["expires_at"] = None
            case preset:
                cleaned["expires_at"] = timezone.now() + _PRESETS[preset][0]
        return cleaned


def _until(label: Any, moment: datetime) -> str:
    said = date_format(_local(moment), "SHORT_DATETIME_FORMAT")
    return _("%(time)s, until %(moment)s") % {"time": label, "moment": said}


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def today() -> date:
    """Return the day in Django's current zone."""
    return _local(timezone.now()).date()


def end_of(day: date) -> datetime:
    """Return the last second of a day in Django's current zone."""
    end = datetime.combine(day, time(23, 59, 59))
    return timezone.make_aware(end) if timezone.is_aware(timezone.now()) else end
