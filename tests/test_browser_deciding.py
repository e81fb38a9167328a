"""The pages of requests and reviews in a real browser, for people with an authority alone."""

from __future__ import annotations

import csv
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, reviews
from api_guard.models import ScopeGrant, ScopeUse, ScopeUseTracking, recorded
from tests.browser import CHROMIUM
from tests.browser.admin import PHONE, browsing, shot, sign_in
from tests.urls import urlpatterns as admin_urls

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.urls(__name__),
    pytest.mark.django_db(transaction=True),
]

CODE = grants.System("a test")
REQUESTS = "/admin/api_guard/grantrequest/"
REVIEWS = "/admin/api_guard/accessreview/"
# axe-core, where it is installed: what it finds is printed.
AXE = os.environ.get("AXE")


class Reports(APIView):
    def get(self, request):
        return Response("reports")


urlpatterns = [*admin_urls, path("reports/", guard(read="notes:read")(Reports).as_view())]


@pytest.fixture
def site(live_server, settings, monkeypatch):
    # Playwright runs an event loop in this thread.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.admin.with_policy"]
    asked = {"requestable": True, "group": "Notes"}
    settings.API_GUARD = {
        "SCOPES": {
            "notes:read": {"description": "Read notes", **asked},
            "notes:write": {"description": "Change notes", **asked},
            "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
        },
        "REQUEST_RATE": "1000/d",
    }
    return live_server.url


@pytest.fixture
def person(db):
    """Return a member of staff with an authority and nothing else, and a client of its own."""

    def person(name, *scope_groups):
        user = get_user_model().objects.create_user(name, is_staff=True)
        group = Group.objects.create(name=f"leads of {name}")
        user.groups.add(group)
        for scope_group in scope_groups:
            grants.authorize(group, scope_group, by=CODE)
        client = Client()
        client.force_login(user)
        return user, client

    return person


def soon(days=30):
    return timezone.now() + timedelta(days=days)


def look(page, name):
    """Keep a picture, and print what axe-core finds, where it is installed."""
    page.wait_for_load_state("load")
    page.locator("#footer, #content").first.wait_for(state="attached")
    shot(page, name)
    if AXE:
        found = page.evaluate(
            f"{Path(AXE).read_text()}; axe.run({{ include: [['#content']] }})",
        )
        for each in found["violations"]:
            print(name, each["impact"], each["id"], [node["html"] for node in each["nodes"]][:3])


def told(page):
    return page.locator("ul.messagelist").inner_text()


def test_a_request_is_approved_with_an_earlier_end_and_works(site, person, alice, issue, api):
    _nora, client = person("nora", "Notes")
    crew = Group.objects.create(name="crew")
    alice.groups.add(crew)
    grants.grant("notes:write", crew, by=CODE)
    grants.request("notes:read", by=alice, reason="the yearly report", expires_at=soon())
    token = issue("notes:read", user=alice)
    grants.grant("notes:read", token.application, by=CODE)
    asked = api.by_token(token)
    assert asked.get("/reports/").status_code == 403
    with browsing() as (page, said):
        sign_in(page, client, site)
        page.goto(f"{site}/admin/api_guard/")
        look(page, "overview")
        page.get_by_role("link", name="request waits to be approved").click()
        look(page, "requests")
        page.get_by_role("link", name="Read notes").click()
        page.wait_for_load_state("load")
        for words in ("the yearly report", "/reports/", "leads of nora", "notes:write"):
            assert words in page.locator("#content").inner_text()
        page.get_by_label("Last day").wait_for(state="hidden")  # a script hides it
        look(page, "request")
        page.get_by_label("A week").check()
        page.get_by_role("button", name="Approve").click()
        assert "notes:read to user alice" in told(page)
        look(page, "approved")
    assert asked.get("/reports/").status_code == 200
    assert grants.held(alice).get().expires_at < soon(8)
    assert said == []


def test_a_request_is_declined_with_a_reason(site, person, alice, bob):
    _nora, client = person("nora", "Notes")
    for user in (alice, bob):
        grants.request("notes:read", by=user, reason="the report", expires_at=soon())
    with browsing() as (page, said):
        sign_in(page, client, site)
        page.goto(f"{site}{REQUESTS}")
        page.locator("tr:has-text('alice') .action-select").check()
        page.locator("tr:has-text('bob') .action-select").check()
        page.locator("select[name=action]").select_option("decline")
        page.locator(".actions button[type=submit]").first.click()
        look(page, "decline")
        page.get_by_label("Reason").fill("the project is over")
        page.keyboard.press("Enter")
        assert "user alice" in told(page)
        assert "user bob" in told(page)
        page.get_by_text("No request waits").first.wait_for()
    assert said == []


def test_a_review_is_opened_decided_and_closed_with_its_evidence(
    site, person, alice, bob, issue, api, give
):
    nora, client = person("nora", "Notes")
    crew = Group.objects.create(name="crew")
    for grantee in (alice, bob, crew):
        give(grantee, "notes:read")
    token = issue("notes:read", user=alice)
    grants.grant("notes:write", token.application, by=CODE)
    give(token.application, "notes:read")
    asked = api.by_token(token)
    assert asked.get("/reports/").status_code == 200
    with browsing() as (page, said):
        sign_in(page, client, site)
        page.goto(f"{site}{REVIEWS}")
        look(page, "reviews-empty")
        page.get_by_role("link", name="Open a review").first.click()
        page.get_by_label("Title").fill("Notes, autumn")
        page.get_by_label("Grants of").select_option("scope:notes:read")
        page.get_by_label("Due").fill(timezone.localdate(soon()).isoformat())
        look(page, "open")
        page.get_by_role("button", name="Open the review").click()
        assert "with 4 grants" in told(page)
        look(page, "review")
        page.locator("tr:has-text('alice') >> text=Revoke…").click()
        look(page, "review-revoke")
        page.get_by_label("Reason").fill("left the team")
        page.keyboard.press("Enter")
        assert "1 grant was revoked" in told(page)
        assert asked.get("/reports/").status_code == 403
        page.get_by_label("Select all on this page").check()
        page.get_by_role("button", name="Keep…").click()
        page.get_by_label("Last day").wait_for(state="hidden")  # a script hides it
        page.get_by_label("180 days").check()
        page.get_by_label("Reason").fill("still needed")
        look(page, "review-keep")
        page.get_by_role("button", name="Keep 3 grants").click()
        assert ": 3 grants" in told(page)
        look(page, "review-decided")
        page.get_by_role("link", name="Close the review…").click()
        look(page, "review-close")
        page.get_by_role("button", name="Close the review").click()
        look(page, "review-closed")
        # Only now: a download stops what the page still loads.
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
        page.goto(f"{site}{REVIEWS}?state=closed")
        assert "4 of 4" in page.locator("#result_list").inner_text()
    assert sorted(row["decision"] for row in rows) == ["keep", "keep", "keep", "revoke"]
    assert {row["decided_by"] for row in rows} == {str(nora)}
    assert said == []


@pytest.mark.parametrize(
    ("name", "size", "dark"), [("dark", (1280, 900), True), ("phone", PHONE, False)]
)
def test_the_pages_fit(site, person, alice, bob, name, size, dark, give):
    nora, client = person("nora", "Notes", "Pay")
    ole, _ = person("ole", "Pay")
    asked = grants.request("notes:read", by=alice, reason="a report", expires_at=soon())
    other = grants.request("notes:write", by=bob, reason="typing mistakes", expires_at=soon(7))
    refund = grants.grant("pay:refund", alice, by=ole, expires_at=soon(5), reason="case 17")
    grants.approve(grants.grant("pay:refund", bob, by=nora, expires_at=soon(3)), by=ole)
    ScopeUseTracking.objects.update_or_create(pk=1, defaults={"since": soon(-100)})
    for number in range(8):
        user = get_user_model().objects.create_user(f"user{number}", is_active=number != 3)
        [row] = give(user, "notes:write")
        with recorded():
            ScopeGrant.objects.filter(pk=row.pk).update(
                granted_at=soon(-120), reason="moved from the old system"
            )
        if number % 2:
            ScopeUse.objects.create(grant=row, last_used_at=soon(-number))
    grants.grant("notes:read", alice, by=CODE, expires_at=soon(2))
    [review] = [
        reviews.open_review("Notes, autumn", reviewer=nora, due_at=soon(), by=CODE, scope=scope)
        for scope in ("notes:write",)
    ]
    items = list(review.items.values_list("pk", flat=True))
    reviews.decide(review, items[:2], "keep", by=nora, until=soon(90), reason="still needed")
    with recorded():
        type(review).objects.update(due_at=soon(-1))
    chosen = "&".join(f"item={pk}" for pk in items[2:5])
    with browsing(size=size, dark=dark) as (page, said):
        sign_in(page, client, site)
        for which, where in (
            ("overview", "/admin/api_guard/"),
            ("requests", REQUESTS),
            ("request", f"{REQUESTS}{asked.pk}/change/"),
            ("sensitive", f"{REQUESTS}{refund.pk}/change/"),
            ("approve", f"{REQUESTS}decide/?request={asked.pk}&request={other.pk}"),
            ("reviews", REVIEWS),
            ("open", f"{REVIEWS}add/"),
            ("review", f"{REVIEWS}{review.pk}/change/"),
            ("review-all", f"{REVIEWS}{review.pk}/change/?show=all"),
            ("review-keep", f"{REVIEWS}{review.pk}/decide/?{chosen}&decision=keep"),
            ("review-revoke", f"{REVIEWS}{review.pk}/decide/?{chosen}&decision=revoke"),
            ("review-close", f"{REVIEWS}{review.pk}/close/"),
        ):
            page.goto(f"{site}{where}")
            page.wait_for_load_state("networkidle")
            look(page, f"{name}-{which}")
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0 or which in ("requests", "reviews"), which
    assert said == []
