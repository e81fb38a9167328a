"""Verifies a short ledger on its page, as `guard_ledger verify` does."""

from __future__ import annotations

from itertools import islice

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from api_guard import grants, ledger
from api_guard.exceptions import GuardError

# A page verifies a ledger of so many records. A longer one takes the command.
MOST_VERIFIED = 5000
_MOST_ERRORS = 5


def is_short() -> bool:
    """Whether a page may verify the ledger: it has few records, and there are few grants."""
    head, start = ledger.head(), ledger.start()
    first = 0 if start is None else start.place.sequence
    if head is None or head.place.sequence - first > MOST_VERIFIED:
        return False
    # Many grants may be older than the ledger, and all are compared with it.
    return grants.live().order_by()[: MOST_VERIFIED + 1].count() <= MOST_VERIFIED


def verify(request: HttpRequest) -> None:
    """Verify the ledger, and say what was found."""
    tally = ledger.Tally()
    try:
        ledger.chain()
        errors = grants.verify(tally)
        shown = list(islice(errors, _MOST_ERRORS))
        count = len(shown) + sum(1 for _ in errors)
    except GuardError as error:
        messages.error(request, str(error))
        return
    for each in shown:
        messages.error(request, str(each))
    if count:
        said = ngettext("It found %(count)d error.", "It found %(count)d errors.", count)
        messages.error(request, said % {"count": count})
    else:
        messages.success(request, _("The ledger verifies."))
