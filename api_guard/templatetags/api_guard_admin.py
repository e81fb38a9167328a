"""`{{ row.expires_at|in_words }}` writes a time as "in 3 days", with the exact time behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def in_words(moment: datetime | None, never: str = "") -> SafeString | str:
    """Return a time in words, in an element with the exact time in Django's current zone.

    Without a time, return `never`.
    """
    if moment is None:
        return never
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    exact = f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname() or ''}".strip()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, _said(moment)
    )


def _said(moment: datetime) -> str:
    now = timezone.now()
    if timezone.is_aware(moment) and timezone.is_naive(now):
        # The ledger has times with a zone, also in a project without USE_TZ.
        moment = timezone.make_naive(moment)
    if abs(moment - now) < timedelta(minutes=1):
        return _("now")
    if moment > now:
        return _("in %(time)s") % {"time": timeuntil(_rounded(moment, now), now, depth=1)}
    return _("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


def _rounded(moment: datetime, now: datetime) -> datetime:
    """Return a time half a unit later. What was given for a week just now ends in a week."""
    left = moment - now
    if left < timedelta(hours=1):
        return moment + timedelta(seconds=30)
    return moment + (timedelta(minutes=30) if left < timedelta(days=1) else timedelta(hours=12))
