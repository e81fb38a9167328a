"""Temporary refusals: too many requests, or no way to decide."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import Throttled

from api_guard.core.rates import Usage
from api_guard.exceptions.refusal import Refusal


class RateLimited(Refusal, Throttled):
    """The caller exceeded a rate."""

    status_code = 429
    default_detail = _("Too many requests.")
    default_code = "rate_limited"

    def __init__(self, wait: int, usages: tuple[Usage, ...]) -> None:
        Refusal.__init__(self)
        self.wait = wait
        self.usages = usages
        # The exceeded rate with the longest wait.
        exceeded = max(usages, key=lambda usage: usage.wait)
        self.extend(rate=exceeded.rate.name, wait=wait)


class GuardUnavailable(Refusal):
    """A service that the decision needs is down, so the guard cannot decide."""

    status_code = 503
    default_detail = _("Access cannot be decided at the moment.")
    default_code = "guard_unavailable"
    wait = 5


class TooManyFailures(Refusal, Throttled):
    """Too many failed credentials of this account or from this address."""

    status_code = 429
    default_detail = _("Too many failed attempts.")
    default_code = "too_many_failures"

    def __init__(self, wait: int) -> None:
        Refusal.__init__(self)
        self.wait = wait
        self.extend(wait=wait)
