"""What is asked of the ledger: the form above its list, and the query, which follows an index."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api_guard import ledger
from api_guard.admin.ledger.wording import EVENTS
from api_guard.admin.lists import grantees_named
from api_guard.core.records import key_of_party
from api_guard.models import LedgerDetail, LedgerRecord
from api_guard.models.ledger import LONGEST_SCOPE

_ANY = ("", _("anything"))
# The id of a record begins with its time in microseconds, in so many hexadecimal digits.
_DIGITS = 14
_LENGTH = 64


class AskForm(forms.Form):
    """Each field narrows the list. Empty ones do not."""

    event = forms.ChoiceField(label=_("What"), required=False)
    who = forms.CharField(label=_("Who did it"), required=False, max_length=200)
    whom = forms.CharField(label=_("For whom"), required=False, max_length=200)
    scope = forms.CharField(label=_("Scope"), required=False, max_length=500)
    since = forms.DateField(label=_("From"), required=False)
    until = forms.DateField(label=_("Until"), required=False)
    q = forms.CharField(label=_("Number or anybody"), required=False, max_length=200)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        event: Any = self.fields["event"]
        event.choices = [_ANY, *((each.value, said) for each, said in EVENTS.items())]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        for name in ("who", "whom", "scope", "q"):
            self.fields[name].widget.attrs["class"] = "vTextField"

    def rows(self) -> QuerySet[LedgerRecord]:
        """Return the records that are asked for; none if something in the form is wrong."""
        found: QuerySet[LedgerRecord] = LedgerRecord.objects.using(ledger.database())
        if not self.is_valid():
            return found.none()
        asked = self.cleaned_data
        if asked["event"]:
            found = found.filter(event=asked["event"])
        if asked["scope"]:
            found = found.filter(scope=_as_written(asked["scope"]))
        when = _between(asked["since"], asked["until"])
        for part, said in (("who", asked["who"]), ("whom", asked["whom"])):
            if said:
                found = found.filter(_of_party(said, (part,), when))
        if asked["q"]:
            found = found.filter(_named(asked["q"], when))
        return found.filter(**{f"pk__{name}": limit for name, limit in when.items()})


def _as_written(scope: str) -> str:
    """Return a scope as it stands in the content of a record."""
    return json.dumps(scope)[1:-1][:LONGEST_SCOPE]


def _between(since: date | None, until: date | None) -> dict[str, str]:
    """Return the limits of the ids of these days: ids are sorted by time."""
    when = {}
    if since is not None:
        when["gte"] = _first_id(since)
    if until is not None and until < date.max:
        when["lt"] = _first_id(until + timedelta(days=1))
    return when


def _first_id(day: date) -> str:
    start = datetime.combine(day, time.min)
    moment = timezone.make_aware(start) if settings.USE_TZ else start
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, ValueError, OSError):
        seconds = 0  # the year 1 in a zone east of Greenwich
    return f"{min(max(seconds, 0) * 10**6, 16**_DIGITS - 1):0{_DIGITS}x}"


def _named(word: str, when: dict[str, str]) -> Q:
    """Return the condition for a number, an id, or somebody who did something or got something."""
    if word.isascii() and word.isdecimal():
        return Q(sequence=int(word)) if len(word) < len(str(2**63)) else Q(pk=word)
    # Without an OR, which no index follows: a name may be as long as an id, but is not like it.
    is_id = len(word) == _LENGTH and set(word) <= set("0123456789abcdef")
    return Q(pk=word) if is_id else _of_party(word, ("who", "whom"), when)


def _of_party(word: str, parts: tuple[str, ...], when: dict[str, str]) -> Q:
    """Return the condition for the records of a name, or of a key such as `user:7`."""
    if ":" in word:
        keys = [word]
    else:
        found = grantees_named(word) or grantees_named(word, is_part=True)
        keys = [key_of_party(kind, str(pk)) for kind, pks in found.items() for pk in pks]
    limits = {f"record__{name}": limit for name, limit in when.items()}
    details = LedgerDetail.objects.using(ledger.database())
    return Q(pk__in=details.filter(key__in=keys, part__in=parts, **limits).values("record"))
