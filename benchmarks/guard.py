"""What a guarded request costs, beside django-oauth-toolkit's TokenHasScope with a DRF throttle.

    python -m benchmarks.guard [requests]

Both run in one process, in turns, on the same tables and the same cache; the lowest time of
several rounds is kept, because whatever else the machine does only ever adds.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.contrib.rest_framework import OAuth2Authentication as ToolkitAuthentication
from oauth2_provider.contrib.rest_framework import TokenHasScope
from oauth2_provider.models import AccessToken, Application
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from api_guard import grants, guard
from api_guard.core.caller import Caller
from api_guard.core.decision import decide
from api_guard.core.demands import Demand
from api_guard.core.scopes import Credential, Granted

RATE = "1000000/h"
ROUNDS = 5


class Answer(APIView):
    def get(self, request):
        return Response("answer")


@guard(read="notes:read")
class Guarded(Answer):
    pass


@guard(read="notes:read", throttle=RATE)
class GuardedWithRate(Answer):
    pass


class Million(UserRateThrottle):
    rate = RATE


class Toolkit(Answer):
    authentication_classes = [ToolkitAuthentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["notes:read"]


class ToolkitWithThrottle(Toolkit):
    throttle_classes = [Million]


class Bare(Answer):
    authentication_classes = []
    permission_classes = []


VIEWS = (Bare, Toolkit, Guarded, ToolkitWithThrottle, GuardedWithRate)


def seed() -> str:
    call_command("migrate", verbosity=0, run_syncdb=True)
    get_user_model().objects.filter(username="bench").delete()
    user = get_user_model().objects.create_user("bench")
    client = Application.objects.create(
        user=user, client_type="public", authorization_grant_type="authorization-code"
    )
    for holder in (user, client):
        for scope in ("notes:read", "notes:write"):
            grants.grant(scope, holder)
    AccessToken.objects.create(
        user=user,
        application=client,
        scope="notes:read notes:write read",
        token="bench",
        expires=timezone.now() + timedelta(hours=1),
    )
    return "bench"


def call(view, token):
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    response = view(request)
    assert response.status_code == 200, response.data
    return response


def measure(views, token, requests):
    best = dict.fromkeys(views, float("inf"))
    for _ in range(ROUNDS):
        for name, view in views.items():
            started = time.perf_counter()
            for _ in range(requests):
                call(view, token)
            best[name] = min(best[name], (time.perf_counter() - started) / requests)
    return best


def queries(view, token):
    with CaptureQueriesContext(connection) as captured:
        call(view, token)
    return len(captured)


def decision() -> float:
    demand = Demand.parse(("notes:read", "notes:write"))
    caller = Caller(
        user_id=1,
        client_id=1,
        credential=Credential.TOKEN,
        carried=frozenset({"notes:read", "notes:write"}),
        look_up=lambda: Granted(
            frozenset({"notes:read", "notes:write"}), frozenset({"notes:read", "notes:write"})
        ),
    )
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(100_000):
            decide(demand, caller)
        best = min(best, (time.perf_counter() - started) / 100_000)
    return best


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    # What is compared with has no guard.
    settings.API_GUARD = {**settings.API_GUARD, "EXEMPT": {__name__: "what is compared with"}}
    token = seed()
    views = {cls.__name__: cls.as_view() for cls in VIEWS}
    for view in views.values():
        call(view, token)  # warm, and record the first use
    print(f"decide(): {decision() * 1e6:.2f} µs")
    best = measure(views, token, requests)
    backend = type(cache._connections[cache._alias]).__name__
    print(f"{connection.vendor}, {backend}, {requests} requests a round, best of {ROUNDS} rounds")
    for name, seconds in best.items():
        more = (seconds - best["Bare"]) * 1e6
        print(
            f"{name:22} {seconds * 1e6:8.0f} µs  {more:+8.0f} µs  "
            f"{queries(views[name], token)} queries"
        )


if __name__ == "__main__":
    main()
