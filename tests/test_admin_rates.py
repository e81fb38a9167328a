"""Rate overrides in the admin: rates by endpoint and in words, no past expiry, one walk a list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import PUBLIC, guard
from api_guard.admin import rate_overrides, rate_words
from api_guard.core.rates import Rate, budget
from api_guard.models import RateOverride, recorded

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

RATES = "/admin/api_guard/rateoverride/"


@guard(read=PUBLIC, write="notes:write", throttle={"read": ("100/15m", "5/s"), "write": "9/d"})
class Answered(APIView):
    def get(self, request):
        return Response({})


@guard(read=PUBLIC, throttle=(*budget("search", "20/m"), "7/2h"))
class Searched(APIView):
    def get(self, request):
        return Response({})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("answers/", Answered.as_view()),
    path("search/", Searched.as_view()),
    path("search/again/", Searched.as_view()),
    path("search/more/", Searched.as_view()),
]
READ, WRITE = f"view:{__name__}.Answered:read", f"view:{__name__}.Answered:write"


@pytest.fixture(autouse=True)
def _declared(settings):
    ceiling = {"user": "1000/h", "client": "2000/h", "address": "30/m"}
    settings.API_GUARD = {"SCOPES": {"notes:write": "Write"}, "CEILING": ceiling}


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


def text(page, status=200):
    assert page.status_code == status
    return page.content.decode()


def form(**values):
    none = {"user": "", "group": "", "client": "", "expires_at_0": "", "expires_at_1": ""}
    return {**none, "name": f"{READ}/15m", "limit": "500", "reason": "", **values}


def test_rates_are_chosen_by_endpoint_and_in_words(root):
    page = text(root.get(f"{RATES}add/"))
    for said in (
        "The whole API",
        "the whole API: 1000 per hour, 2000 per hour",
        "the whole API: 30 per minute",
        "search: 20 per minute",
        "/answers/ (reading): 100 per 15 minutes",
        "/answers/ (reading): 5 per second",
        "/answers/ (writing): 9 per day",
        "/search/, /search/again/ and 1 more: 7 per 2 hours",
    ):
        assert said in page
    assert page.count("<optgroup") == 3
    assert f">{READ}" not in page


def test_an_override_ends_later_or_never(root, alice):
    past = timezone.localtime(timezone.now() - timedelta(minutes=1))
    day = {"expires_at_0": f"{past:%Y-%m-%d}", "expires_at_1": f"{past:%H:%M:%S}"}
    page = root.post(f"{RATES}add/", form(user=alice.pk, **day))
    assert "This time is in the past." in text(page)
    assert root.post(f"{RATES}add/", form(user=alice.pk)).status_code == 302
    row = RateOverride.objects.get()
    assert (row.limit, row.expires_at) == (500, None)
    assert "greater than or equal to 1" in text(
        root.post(f"{RATES}{row.pk}/change/", form(user=alice.pk, limit="0"))
    )
    with recorded():
        RateOverride.objects.filter(pk=row.pk).update(expires_at=past.replace(microsecond=0))
    page = root.post(f"{RATES}{row.pk}/change/", form(user=alice.pk, reason="kept", **day))
    assert page.status_code == 302
    row.refresh_from_db()
    assert row.reason == "kept"
    later = {"expires_at_0": "2999-12-31", "expires_at_1": "23:59:59"}
    page = root.post(f"{RATES}{row.pk}/change/", form(user=alice.pk, **later))
    assert page.status_code == 302


def test_the_list_is_in_words_and_walks_the_urlconf_once(root, alice, bob, monkeypatch):
    soon = timezone.now() + timedelta(days=3)
    RateOverride(name=f"{READ}/15m", limit=500, user=alice, expires_at=soon).save()
    RateOverride(name=f"{WRITE}/d", limit=10, user=alice).save()
    RateOverride(name="budget:gone/m", limit=3, user=bob).save()
    RateOverride(name="budget:search/m", limit=90, user=bob).save()
    with recorded():
        RateOverride.objects.filter(name="budget:search/m").update(expires_at=timezone.now())
    walks = []
    whole = rate_overrides.rates_in_words
    monkeypatch.setattr(rate_overrides, "rates_in_words", lambda: walks.append(1) or whole())
    page = text(root.get(RATES))
    assert len(walks) == 1
    for said in (
        "/answers/ (reading): 100 per 15 minutes",
        "500 per 15 minutes",
        "in 3",
        "never",
        "no such rate",
        "expired",
        "budget:gone/m",
    ):
        assert said in page
    with CaptureQueriesContext(connection) as few:
        root.get(RATES)
    for number in range(9):
        RateOverride(name=f"budget:gone/{number + 1}m", limit=3, user=bob).save()
    with CaptureQueriesContext(connection) as many:
        root.get(RATES)
    assert len(few) == len(many)


@pytest.mark.parametrize(
    ("asked", "count"), [("answers", 1), ("SEARCH", 1), ("bob", 1), ("zebra", 0), ("gone/m", 0)]
)
def test_overrides_are_found_by_path_budget_and_grantee(root, alice, bob, asked, count):
    RateOverride(name=f"{READ}/15m", limit=500, user=alice).save()
    RateOverride(name="budget:search/m", limit=90, user=bob).save()
    page = root.get(RATES, {"q": asked})
    assert page.context["cl"].result_count == count


def test_the_page_of_a_grantee_shows_them_in_words(root, alice, group_of_alice):
    RateOverride(name=f"{READ}/15m", limit=500, user=alice).save()
    RateOverride(name="budget:gone/m", limit=3, group=group_of_alice).save()
    page = text(root.get(f"/admin/api_guard/access/user/{alice.pk}/"))
    assert "/answers/ (reading): 500 per 15 minutes" in page
    assert "budget:gone/m: 3 per minute (friends)" in page


@pytest.fixture
def group_of_alice(alice):
    return alice.groups.create(name="friends")


def test_a_rate_that_the_code_no_longer_has_stays_in_its_form(root, alice):
    row = RateOverride(name="budget:gone/m", limit=3, user=alice)
    row.save()
    page = text(root.get(f"{RATES}{row.pk}/change/"))
    assert '<option value="budget:gone/m" selected>' in page
    assert rate_overrides.RateOverrideAdmin(RateOverride, admin.site).rate(row) == "budget:gone/m"


def test_periods_in_words():
    said = {
        text: rate_words.in_words(Rate.parse(text))
        for text in ("1/s", "1/90s", "2/m", "3/60m", "4/36h", "5/2d")
    }
    assert said == {
        "1/s": "1 per second",
        "1/90s": "1 per 90 seconds",
        "2/m": "2 per minute",
        "3/60m": "3 per hour",
        "4/36h": "4 per 36 hours",
        "5/2d": "5 per 2 days",
    }
    assert rate_words.limit_in_words("odd", 3) == "3/odd"
