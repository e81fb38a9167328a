"""Hammers a site whose standby lags while a grant and tokens are revoked, and counts.

`python -m tests.replica` prints, as JSON, how many requests were admitted before the revoke
and how many of those that began after its commit, for each way in; and for how many seconds the
standby still showed what was revoked.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import ProgrammingError, connections
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken
from rest_framework.test import APIClient

from api_guard import grants, tokens
from api_guard.models import ScopeGrant

PER_WAY = 2


def issue(name, user, client):
    expires = timezone.now() + timedelta(hours=1)
    return AccessToken.objects.create(
        token=name, user=user, application=client, scope="notes:read", expires=expires
    )


def people():
    """Make whose grant, whose client's grant, and whose tokens will be revoked."""
    for name in ("granted", "of_client", "signed_out"):
        user = get_user_model().objects.create_user(name)
        client = Application.objects.create(
            name=name,
            client_id=name,
            client_type="public",
            authorization_grant_type="authorization-code",
        )
        for grantee in (user, client):
            grants.grant("notes:read", grantee, by=grants.System("a test"))
        access = issue(name, user, client)
        RefreshToken.objects.create(
            token=f"refresh-{name}", user=user, application=client, access_token=access
        )
        yield user, client


def by_token(url, name):
    def ask(web):
        return web.get(url, HTTP_AUTHORIZATION=f"Bearer {name}").status_code == 200

    return ask


def refresh(web):
    data = {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-signed_out",
        "client_id": "signed_out",
    }
    return web.post("/o/token/", data).status_code == 200


WAYS = {
    "a grant of the user": by_token("/notes", "granted"),
    "a grant of the client": by_token("/notes", "of_client"),
    "a token": by_token("/notes", "signed_out"),
    "a token, at a view of the toolkit": by_token("/plain", "signed_out"),
}


def is_on_the_standby():
    try:
        return RefreshToken.objects.count() == 3
    except ProgrammingError:
        return False  # not even the tables


class Hammer(threading.Thread):
    """Asks as fast as it can, and remembers when the requests began that were admitted."""

    def __init__(self, way, ask, until):
        super().__init__(daemon=True)
        self.way, self.ask, self.until = way, ask, until
        self.admitted, self.asked = [], 0

    def run(self):
        web = APIClient()
        while not self.until.is_set():
            began = time.monotonic()
            self.asked += 1
            if self.ask(web):
                self.admitted.append(began)
        connections.close_all()


def main():
    call_command("migrate", verbosity=0)
    (user, _), (_, client), (signed_out, _) = people()
    while not is_on_the_standby():
        time.sleep(0.1)
    until = threading.Event()
    hammers = [Hammer(way, ask, until) for way, ask in WAYS.items() for _ in range(PER_WAY)]
    for hammer in hammers:
        hammer.start()
    time.sleep(1)
    grants.revoke_all(user, by=grants.System("a test"))
    grants.revoke(grants.held(client).get(), by=grants.System("a test"))
    # The standby counts from the commit of the grants; a busy machine takes long over the tokens.
    revoked = time.monotonic()
    tokens.revoke_tokens(signed_out)
    committed = time.monotonic()
    refreshed = 0
    while ScopeGrant.objects.filter(live=1).count() > 4:
        refreshed += refresh(APIClient())
        time.sleep(0.1)
    lag = time.monotonic() - revoked
    time.sleep(0.3)
    until.set()
    for hammer in hammers:
        hammer.join(10)
    told = {way: [0, 0, 0] for way in WAYS}
    for hammer in hammers:
        after = sum(began > committed for began in hammer.admitted)
        told[hammer.way][0] += len(hammer.admitted) - after
        told[hammer.way][1] += after
        told[hammer.way][2] += hammer.asked
    print(json.dumps({"lag": lag, "refreshed": refreshed, "ways": told}))
