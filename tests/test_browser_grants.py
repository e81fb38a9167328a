"""The pages of grants in a real browser: give, use, extend, revoke, by hand and by keyboard."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from api_guard import grants, guard
from api_guard.models import ScopeGrant
from tests.browser import CHROMIUM
from tests.browser.admin import PHONE, browsing, shot, sign_in
from tests.urls import urlpatterns as admin_urls

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.urls(__name__),
    pytest.mark.django_db(transaction=True),
]

LIST = "/admin/api_guard/scopegrant/"
CODE = grants.System("a test")


class Notes(APIView):
    def get(self, request):
        return Response("notes")


urlpatterns = [*admin_urls, path("notes/", guard(read="notes:read")(Notes).as_view())]


@pytest.fixture
def site(live_server, settings, monkeypatch, admin_user):
    # Playwright runs an event loop in this thread.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.admin.with_policy"]
    groups = {"Notes": 14, "Audit": 8, "Payments": 10}
    settings.API_GUARD = {
        "SCOPES": {
            "notes:read": {"description": "Read notes", "group": "Notes"},
            "notes:write": {"description": "Change notes", "group": "Notes"},
            "pay:refund": {"description": "Refund", "group": "Payments", "sensitive": True},
            **{
                f"{name.lower()}:{number}": {"description": f"{name} {number}", "group": name}
                for name, count in groups.items()
                for number in range(count)
            },
        }
    }
    client = Client()
    client.force_login(admin_user)
    return live_server.url, client


def has_focus(page, selector):
    """Wait until a part of the page has the focus."""
    is_there = f"document.activeElement && document.activeElement.matches('{selector}')"
    page.wait_for_function(is_there)


def pick(page, term, *names):
    for name in names:
        page.locator(".field-grantees .select2-search__field").fill(term)
        page.locator(".select2-results__option[role=option]", has_text=name).first.click()


def test_access_is_given_used_extended_and_revoked(site, alice, bob, application, issue, api):
    url, client = site
    Group.objects.create(name="alice's friends").user_set.add(alice, bob)
    asked = api.by_token(issue("notes:read", user=alice))
    with browsing() as (page, said):
        sign_in(page, client, url)
        page.goto(f"{url}{LIST}")
        shot(page, "empty")
        page.get_by_role("link", name="Give access").first.click()
        has_focus(page, ".select2-search__field")
        shot(page, "give")
        pick(page, "ali", "alice")
        page.get_by_placeholder("Search scopes").fill("read notes")
        assert page.locator(".grants-scopes li:visible").count() == 1
        page.get_by_label("Read notes").check()
        page.get_by_label("Last day").wait_for(state="hidden")
        page.get_by_label("Reason").fill("asked by Bob")
        shot(page, "giving")
        page.locator("input[name=_save]").last.click()
        assert "notes:read to user alice" in page.locator(".messagelist").inner_text()
        shot(page, "given")
        row = grants.held(alice).get()
        grants.grant("notes:read", application, by=CODE)
        assert asked.get("/notes/").status_code == 200
        page.locator("tr:has-text('alice') >> text=Read notes").click()
        shot(page, "grant")
        page.get_by_role("link", name="Change the end").click()
        page.get_by_label("Until a date").check()
        page.get_by_label("Last day").fill("2999-12-31")
        shot(page, "extend")
        page.get_by_role("button", name="Change the end").click()
        row.refresh_from_db()
        assert row.expires_at.year in (2999, 3000)
        page.locator("tr:has-text('alice') .action-select").check()
        page.locator("select[name=action]").select_option("revoke")
        page.locator(".actions button[type=submit]").first.click()
        has_focus(page, "[name=reason]")
        shot(page, "revoke")
        page.get_by_label("Reason").fill("left")
        page.keyboard.press("Enter")
        assert "1 grant was revoked" in page.locator(".messagelist").inner_text()
        assert asked.get("/notes/").status_code == 403
        shot(page, "revoked")
    assert said == []


@pytest.mark.parametrize(
    ("name", "size", "dark"), [("dark", (1280, 900), True), ("phone", PHONE, False)]
)
def test_the_pages_fit(site, alice, bob, name, size, dark, give):
    url, client = site
    give(alice, "notes:read", "notes:write")
    readers = Group.objects.create(name="readers")
    readers.user_set.add(alice, bob)
    give(readers, "notes:read", "audit:1")
    bob.is_active = False
    bob.save()
    give(bob, "notes:write")
    grants.revoke(grants.held(alice).get(scope="notes:write"), by=CODE, reason="left")
    keys = list(ScopeGrant.objects.values_list("pk", flat=True))
    sent = client.post(LIST, {"action": "revoke", "_selected_action": keys})
    with browsing(size=size, dark=dark) as (page, said):
        sign_in(page, client, url)
        for which, where in (
            ("list", LIST),
            ("give", f"{LIST}add/?user={alice.pk}&scopes=notes:read"),
            ("grant", f"{LIST}{keys[0]}/change/"),
            ("revoke", sent["Location"]),
            ("extend", sent["Location"].replace("/revoke/", "/extend/")),
        ):
            page.goto(f"{url}{where}")
            page.wait_for_load_state("networkidle")
            shot(page, f"{name}-{which}")
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0 or which == "list", which
    assert said == []


def test_the_form_gives_without_javascript(site, alice):
    url, client = site
    with browsing(scripts=False) as (page, said):
        sign_in(page, client, url)
        page.goto(f"{url}{LIST}add/?user={alice.pk}")
        page.locator("summary", has_text="Notes").click()
        page.get_by_label("Read notes").check()
        page.locator("input[name=_save]").last.click()
        page.get_by_text("notes:read to user alice").first.wait_for()
    assert [line for line in said if "Security Policy" in line] == []


def test_the_main_button_is_a_dozen_tabs_away(site, alice):
    url, client = site
    with browsing() as (page, _said):
        sign_in(page, client, url)
        page.goto(f"{url}{LIST}add/?user={alice.pk}")
        page.wait_for_load_state("networkidle")
        tabs = 0
        while page.evaluate("document.activeElement.name") != "_save":
            page.keyboard.press("Tab")
            tabs += 1
            assert tabs <= 12
