"""Grants and revokes by requests at once, to several processes and with ATOMIC_REQUESTS."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import AccessToken
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, ledger
from api_guard.models import LedgerRecord, ScopeGrant
from tests.deployed.servers import ask, environment, served

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        settings.DATABASES["default"]["NAME"] == ":memory:",
        reason="it is in the memory of this process",
    ),
]

CODE = grants.System("a test")
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
# As many as are quick; docs/ledger.md has the figures of 200.
REQUESTS = int(os.environ.get("LEDGER_REQUESTS", "25"))
CLIENTS = 8
GIVEN, TAKEN, TOO_LATE = 201, 204, 409


@guard(write="notes:write")
class GrantView(APIView):
    """Gives a user a scope and takes it back, as the user of the request."""

    def post(self, request, name):
        to = get_user_model().objects.get(username=name)
        try:
            grants.grant("notes:read", to, by=request.user)
        except grants.GrantError:
            return Response(status=TOO_LATE)
        return Response(status=GIVEN)

    def delete(self, request, name):
        to = get_user_model().objects.get(username=name)
        try:
            row = grants.held(to).get(scope="notes:read")
            grants.revoke(row, by=request.user, reason="it was enough")
        except (ScopeGrant.DoesNotExist, grants.GrantError):
            return Response(status=TOO_LATE)
        return Response(status=TAKEN)


urlpatterns = [path("grants/<str:name>", GrantView.as_view())]


@pytest.fixture
def site(application):
    """Return the port of a site with ATOMIC_REQUESTS, whose managers may give every scope."""
    managers = Group.objects.create(name="managers")
    grants.authorize(managers, "*", by=CODE)
    grants.grant("notes:write", managers, by=CODE)
    grants.grant("notes:write", application, by=CODE)
    ends = timezone.now() + timedelta(hours=1)
    for number in range(CLIENTS):
        get_user_model().objects.create_user(f"grantee{number}")
        user = get_user_model().objects.create_user(f"manager{number}")
        user.groups.add(managers)
        AccessToken.objects.create(
            token=f"token{number}",
            user=user,
            application=application,
            scope="notes:write",
            expires=ends,
        )
    database = {**connection.settings_dict, "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60}
    with served("gunicorn", environment(database, LOCAL, __name__)) as port:
        yield port


@pytest.mark.parametrize("whom", ["a user of its own", "the same user"])
def test_what_requests_at_once_gave_and_took_is_recorded_once(site, whom, record_property):
    def send(number):
        grantee = "grantee0" if whom == "the same user" else f"grantee{number}"
        url, token = f"/grants/{grantee}", f"token{number}"
        methods = ["POST", "DELETE"] * (REQUESTS // 2) + ["POST"] * (REQUESTS % 2)
        return [ask(site, url, token, method) for method in methods]

    written = Counter(LedgerRecord.objects.values_list("event", flat=True))
    rows = ScopeGrant.objects.count()
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(
            status for answers in pool.map(send, range(CLIENTS)) for status in answers
        )
    rate = CLIENTS * REQUESTS / (time.monotonic() - began)
    record_property("ledger", f"{rate:.0f} requests a second")
    print(f"{whom}: {dict(statuses)}, {rate:.0f} requests a second")

    expected = {GIVEN, TAKEN, TOO_LATE} if whom == "the same user" else {GIVEN, TAKEN}
    assert set(statuses) == expected
    if whom == "a user of its own":
        assert statuses[GIVEN] == CLIENTS * (REQUESTS - REQUESTS // 2)
    ledger.chain()
    tally = ledger.Tally()
    assert list(ledger.verify(tally)) == []
    assert tally.unchained == 0
    assert list(grants.differences()) == []
    events = Counter(LedgerRecord.objects.values_list("event", flat=True))
    assert events - written == {"grant": statuses[GIVEN], "revoke": statuses[TAKEN]}
    known = LedgerRecord.objects.filter(content__contains='"known":"authenticated"')
    assert known.count() == statuses[GIVEN] + statuses[TAKEN]
    assert ScopeGrant.objects.count() == rows + statuses[GIVEN]
    assert ScopeGrant.objects.filter(live=1).count() == rows + statuses[GIVEN] - statuses[TAKEN]
