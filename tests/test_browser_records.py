"""The ledger, blocks, clients, matrix and rates in a browser, for an auditor and for managers."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard, ledger
from api_guard.admin.rate_words import rates_in_words
from api_guard.limits import credentials
from api_guard.models import GrantAuthority, RateOverride, recorded
from tests.browser import CHROMIUM
from tests.browser.admin import PHONE, browsing, sign_in
from tests.urls import urlpatterns as admin_urls

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.urls(__name__),
    pytest.mark.django_db(transaction=True),
]

APP = "/admin/api_guard/"
CODE = grants.System("a test")
PAGES = ("ledgerrecord", "block", "client", "matrix", "rateoverride", "grantauthority")
SEEN = [f"view_{page}" for page in PAGES]


class Notes(APIView):
    def get(self, request):
        return Response("notes")


view = guard(read="notes:read", throttle="100/m")(Notes).as_view()
urlpatterns = [*admin_urls, path("notes/", view)]


@pytest.fixture
def world(live_server, settings, monkeypatch, alice, bob, application, issue, rf):
    # Playwright runs an event loop in this thread.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.admin.with_policy"]
    settings.API_GUARD = {
        "SCOPES": {
            "notes:read": {"description": "Read notes", "group": "Notes"},
            "notes:write": {"description": "Change notes", "group": "Notes"},
            "notes:publish": {"description": "Publish notes", "group": "Notes"},
            "pay:refund": {"description": "Refund", "group": "Payments", "sensitive": True},
        },
        "FAILED_CREDENTIALS": {"account_at_address": "2/h", "token": "2/h"},
    }
    readers = Group.objects.create(name="readers")
    readers.user_set.add(alice, bob)
    row = grants.grant("notes:read", alice, by=CODE, reason="asked by Bob")
    grants.extend(row, timezone.now() + timedelta(days=3), by=CODE, reason="for the audit")
    grants.grant("notes:read", readers, by=grants.Claimed(bob))
    grants.grant("notes:write", bob, by=grants.Claimed(alice))
    grants.revoke(grants.held(bob).get(), by=grants.Claimed(alice), reason="left the team")
    grants.grant("notes:read", application, by=CODE)
    RateOverride(name=next(iter(rates_in_words())), limit=500, user=alice, reason="a batch").save()
    for number in range(2):
        issue("notes:read", user=alice)
        for account in ("alice", "bob"):
            request = rf.get("/", REMOTE_ADDR=f"203.0.113.{number}")
            for _ in range(2):
                credentials.begin(request, "user", account).failed()
    ledger.chain()
    return live_server.url


@pytest.fixture
def person(db):
    """Sign in as a member of staff with exactly these permissions, or an authority."""

    def person(name, *codenames, scope_group=""):
        user = get_user_model().objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        if scope_group:
            group = Group.objects.create(name=f"managers of {scope_group}")
            user.groups.add(group)
            with recorded():
                GrantAuthority.objects.create(group=group, scope_group=scope_group)
        client = Client()
        client.force_login(user)
        return client

    return person


def shot(page, name):
    """Keep a picture, for whoever looks at the pages."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def press(page, name):
    """Press a button that sends a form, and wait for all of the next page."""
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name=name).click()


def test_an_auditor_finds_who_extended_what_and_exports_it(world, person, tmp_path):
    with browsing() as (page, said):
        sign_in(page, person("olga", *SEEN, "export_ledgerrecord"), world)
        page.goto(f"{world}{APP}ledgerrecord/")
        press(page, "Verify now")
        assert "The ledger verifies." in page.locator(".messagelist").inner_text()
        assert "Verified up to record" in page.locator("#verified").inner_text()
        page.get_by_label("What").select_option("extend")
        page.get_by_label("For whom").fill("alice")
        press(page, "Search")
        rows = page.locator("#result_list tbody tr")
        assert rows.count() == 1
        told = rows.first.inner_text()
        for words in ("changed the end", "never → ", "for the audit", "notes:read", "alice"):
            assert words in told
        shot(page, "ledger-asked")
        with page.expect_download() as started:
            page.get_by_role("link", name="Export as CSV").click()
        started.value.save_as(tmp_path / "ledger.csv")
        assert len((tmp_path / "ledger.csv").read_text().splitlines()) == 2
        rows.first.get_by_role("link").first.click()
        assert "never → " in page.locator(".field-changes").inner_text()
        shot(page, "ledger-record")
        for each in ("block", "client", "matrix", "rateoverride", "grantauthority"):
            answer = page.goto(f"{world}{APP}{each}/")
            assert answer.status == 200
            assert page.locator("input[type=submit]:not([value=Search])").count() == (
                1 if each == "block" else 0
            )
    assert said == []


def test_somebody_on_the_phone_desk_lifts_a_block(world, person):
    with browsing() as (page, said):
        sign_in(page, person("hanna", "view_block", "lift_block"), world)
        page.goto(f"{world}{APP}block/")
        page.get_by_label("Lift user:alice 203.0.113.0").check()
        page.get_by_label("Reason").fill("she called")
        press(page, "Lift the selected blocks")
        assert "Lifted: user:alice 203.0.113.0." in page.locator(".messagelist").inner_text()
        assert page.locator("#result_list tbody tr").count() == 3
        page.get_by_text("Look up one account or address").click()
        page.get_by_label("Login name or client id").fill("alice")
        page.locator("#id_address").fill("203.0.113.0")
        press(page, "Look up")
        page.get_by_text("Neither is blocked").wait_for()
        shot(page, "blocks-looked-up")
        assert page.goto(f"{world}{APP}ledgerrecord/").status == 403
    assert [line for line in said if "403" not in line] == []
    assert len(credentials.blocks()) == 3


def test_a_manager_gives_from_a_cell_and_revokes_the_tokens_of_a_client(
    world, person, alice, application
):
    with browsing() as (page, said):
        sign_in(page, person("mara", "view_client", scope_group="Notes"), world)
        page.goto(f"{world}{APP}matrix/")
        assert "pay:refund" not in page.content()
        page.get_by_label("Give notes:publish to alice").click()
        page.wait_for_load_state("networkidle")
        page.locator("#api-guard-give input[name=_give]").click()
        assert "Given to alice: notes:publish." in page.locator(".messagelist").inner_text()
        page.goto(f"{world}{APP}matrix/?q=alice")
        assert page.locator("#result_list td", has_text="directly").count() == 2
        page.goto(f"{world}{APP}client/")
        page.get_by_role("link", name="app", exact=True).click()
        shot(page, "client-before")
        page.get_by_label("Reason").fill("leaked")
        press(page, "Revoke all tokens")
        assert "Revoked 2 tokens" in page.locator(".messagelist").inner_text()
        assert page.goto(f"{world}{APP}block/").status == 403
    assert [line for line in said if "403" not in line] == []


@pytest.mark.parametrize(
    ("name", "size", "dark"),
    [("light", (1280, 900), False), ("dark", (1280, 900), True), ("phone", PHONE, False)],
)
def test_the_pages_fit(world, admin_user, application, name, size, dark):
    client = Client()
    client.force_login(admin_user)
    pages = {each: f"{each}/" for each in PAGES}
    pages |= {"rate-form": "rateoverride/add/", "one-client": f"client/{application.pk}/"}
    with browsing(size=size, dark=dark) as (page, said):
        sign_in(page, client, world)
        for each, where in pages.items():
            page.goto(f"{world}{APP}{where}")
            page.wait_for_load_state("networkidle")
            shot(page, f"{name}-{each}")
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            # Django's own lists are as wide as their rows.
            assert wide <= 0 or each in ("rateoverride", "grantauthority"), each
    assert said == []
