"""The pages of clients: owner, age of the secret, grants, live tokens, and revoke all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from api_guard import grants, ledger
from api_guard.admin import ClientAdmin
from api_guard.grants import System
from api_guard.models import Client, GrantAuthority, LedgerRecord, recorded

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

# A site with this page only.
alone = admin.AdminSite("alone_with_clients")
alone.register(Client, ClientAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("alone/", alone.urls)]

CLIENTS = "/admin/api_guard/client/"
TERMS = {
    "notes:read": {"description": "Read", "group": "Notes"},
    "pay:read": {"description": "Pay", "group": "Pay"},
}


def may(user, *codenames):
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture(autouse=True)
def _declared(settings):
    settings.API_GUARD = {"SCOPES": TERMS}


@pytest.fixture
def auditor(client, staff):
    client.force_login(may(staff, "view_client"))
    return client


@pytest.fixture
def managing(client, staff):
    """Sign in as somebody who sees clients and manages the scopes of Notes."""
    group = Group.objects.create(name="managers")
    with recorded():
        GrantAuthority.objects.create(group=group, scope_group="Notes")
    staff.groups.add(group)
    client.force_login(may(staff, "view_client"))
    return client


def text(page, status=200):
    assert page.status_code == status
    return page.content.decode()


def messages(page):
    return [str(message) for message in page.context["messages"]]


def test_the_list_says_whose_a_client_is_and_what_it_has(auditor, application, alice, issue):
    application.user = alice
    application.save()
    kind = {"client_type": "public", "authorization_grant_type": "authorization-code"}
    nameless = Application.objects.create(client_id="nameless", client_secret="", **kind)
    grants.grant("notes:read", application, by=System("a test"))
    issue(user=alice)
    issue(seconds=-1)
    page = text(auditor.get(CLIENTS))
    for said in ("alice", "nobody", "unknown", "Confidential", application.client_id):
        assert said in page
    [first, second] = auditor.get(CLIENTS).context["lines"]
    assert (first.row, first.has_secret) == (nameless, False)
    assert (second.row, second.grants, second.share.count) == (application, 1, 1)
    assert "No client matches" in text(auditor.get(CLIENTS, {"q": "zebra"}))
    Application.objects.all().delete()
    assert "There is no client" in text(auditor.get(CLIENTS))


def test_the_age_of_a_secret_is_known_once_it_was_changed(auditor, application, alice):
    url = f"{CLIENTS}{application.pk}/"
    assert "the client was made" in text(auditor.get(url))
    application.client_secret = "another"
    application.save()
    page = text(auditor.get(url))
    assert "the client was made" not in page
    [line] = auditor.get(CLIENTS).context["lines"]
    assert abs(line.changed_at - timezone.now()) < timedelta(minutes=1)
    alice.is_active = False
    alice.save()
    application.user = alice
    application.save()
    assert "not active" in text(auditor.get(CLIENTS))
    assert "not active" in text(auditor.get(url))


def test_the_page_of_a_client_shows_its_tokens_by_user(auditor, application, alice, bob, issue):
    for user, seconds in ((alice, 300), (alice, 900), (bob, 60), (None, 30)):
        issue(user=user, seconds=seconds)
    page = auditor.get(f"{CLIENTS}{application.pk}/")
    assert "4 access tokens are alive." in text(page)
    assert "may give everything" in text(page)
    shares = {found.name: share for found, _url, share in page.context["users"]}
    assert {name: share.count for name, share in shares.items()} == {"alice": 2, "bob": 1}
    assert shares["alice"].until - timezone.now() > timedelta(minutes=10)
    assert page.context["alive"].share.until == shares["alice"].until
    assert "/access/" not in text(page)
    assert "No live" not in text(auditor.get("/admin/api_guard/client/none/"), 404)


def test_all_tokens_are_revoked_with_a_reason_by_who_manages_what_the_client_holds(
    managing, application, alice, issue
):
    url = f"{CLIENTS}{application.pk}/"
    grants.grant("notes:read", application, by=System("a test"))
    issue(user=alice)
    page = managing.get(url)
    assert "Revoke all tokens" in text(page)
    assert f"/admin/api_guard/access/client/{application.pk}/" in text(page)
    assert messages(managing.post(url, {"reason": " "}, follow=True)) == ["Write a reason."]
    [said] = messages(managing.post(url, {"reason": "x" * 501}, follow=True))
    assert "at most 500" in said
    assert AccessToken.objects.count() == 1
    page = managing.post(url, {"reason": "leaked"}, follow=True)
    assert messages(page) == ["Revoked 1 token."]
    assert not AccessToken.objects.exists()
    record = LedgerRecord.objects.get(event="end_access")
    found = {each.part: each.text for each in ledger.details([record.pk])[record.pk]}
    assert (found["who"], found["reason"]) == ("sue", "leaked")


def test_who_does_not_manage_everything_of_a_client_revokes_nothing(managing, application, issue):
    url = f"{CLIENTS}{application.pk}/"
    grants.grant("pay:read", application, by=System("a test"))
    issue()
    assert "Revoke all tokens" not in text(managing.get(url))
    page = managing.post(url, {"reason": "leaked"}, follow=True)
    assert messages(page) == ["You may not end the tokens of this client."]
    assert AccessToken.objects.count() == 1


def test_each_page_needs_its_permission(client, staff, application):
    client.force_login(staff)
    text(client.get(CLIENTS), 403)
    text(client.get(f"{CLIENTS}{application.pk}/"), 403)
    text(client.post(f"{CLIENTS}{application.pk}/", {"reason": "x"}), 403)
    client.force_login(may(staff, "view_access"))
    url = f"/admin/api_guard/access/client/{application.pk}/"
    assert "Owner, secret and tokens" not in text(client.get(url))
    client.force_login(may(type(staff).objects.get(pk=staff.pk), "view_client"))
    assert "Owner, secret and tokens" in text(client.get(url))


def test_a_site_may_have_this_page_alone(client, admin_user, application, issue, alice):
    issue(user=alice)
    client.force_login(admin_user)
    page = text(client.get(f"/alone/api_guard/client/{application.pk}/"))
    assert "alice" in page
    assert "/access/" not in page
    assert "/alone/api_guard/client/" in text(client.get("/alone/api_guard/client/"))


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(auditor, application, alice):
    auditor.get(CLIENTS)
    with CaptureQueriesContext(connection) as few:
        auditor.get(CLIENTS)
    for number in range(30):
        Application.objects.create(name=f"app {number}", user=alice, client_type="confidential")
    with CaptureQueriesContext(connection) as many:
        assert len(auditor.get(CLIENTS).context["lines"]) == 31
    assert len(many) == len(few)
