"""The matrix: who holds which scopes of a group, and through what; a cell leads to give or take."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from api_guard import grants
from api_guard.admin import MatrixAdmin
from api_guard.grants import System, across
from api_guard.models import GrantAuthority, Matrix, ScopeGrant, recorded

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]
alone = admin.AdminSite("alone_with_the_matrix")
alone.register(Matrix, MatrixAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("alone/", alone.urls)]

MATRIX = "/admin/api_guard/matrix/"
CODE = System("a test")
TERMS = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes"},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True, "max_days": 7},
    "audit:read": "Read the audit",
}


@pytest.fixture(autouse=True)
def _declared(settings):
    bundles = {"editors": {"description": "Edit", "scopes": ["notes:read", "notes:write"]}}
    settings.API_GUARD = {"SCOPES": TERMS, "BUNDLES": bundles, "EVERYONE_GROUP": "everyone"}


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


def text(page, status=200):
    assert page.status_code == status
    return page.content.decode()


def said(page):
    """Return the ways of each grantee, by its name and the scope."""
    return {
        line.found.name: {
            cell.scope: [
                (way.through, str(way.row.group or ""), way.bundle, way.row.expires_at is not None)
                for way in cell.ways
            ]
            for cell in line.cells
        }
        for line in page.context["lines"]
    }


def urls(page, name, scope):
    [line] = [line for line in page.context["lines"] if line.found.name == name]
    return next(cell.url for cell in line.cells if cell.scope == scope)


def test_each_cell_says_how(root, alice, bob, application):
    soon = timezone.now() + timedelta(days=3)
    readers, everyone = (Group.objects.create(name=name) for name in ("readers", "everyone"))
    alice.groups.add(readers)
    grants.grant("notes:read", alice, by=CODE, expires_at=soon)
    grants.grant("notes:read", readers, by=CODE)
    grants.pin("@editors", by=CODE)
    grants.grant("@editors", bob, by=CODE)
    page = root.get(MATRIX)
    own, group = ("user", "", "", True), ("group", "readers", "", False)
    bundle = ("user", "", "@editors", False)
    assert said(page) == {
        "alice": {"notes:read": [own, group], "notes:write": []},
        "bob": {"notes:read": [bundle], "notes:write": [bundle]},
    }
    for words in ("group readers", "bundle @editors", "in 3", "Read notes", "give"):
        assert words in text(page)
    grants.grant("notes:write", everyone, by=CODE)
    shared = ("everyone", "everyone", "", False)
    assert said(root.get(MATRIX))["alice"]["notes:write"] == [shared]
    assert said(root.get(MATRIX, {"kind": "group"}))["readers"]["notes:read"] == [
        ("group", "readers", "", False)
    ]
    grants.grant("audit:read", application, by=CODE)
    page = root.get(MATRIX, {"kind": "client", "group": "-"})
    assert said(page) == {"app": {"audit:read": [("client", "", "", False)]}}


def test_a_sensitive_scope_of_everyones_group_is_that_of_its_members(root, alice, bob):
    everyone = Group.objects.create(name="everyone")
    alice.groups.add(everyone)
    with recorded():
        everyone.scope_grants.create(scope="pay:refund")
    page = root.get(MATRIX, {"group": "Pay", "q": "b"})
    assert "bob" in said(page)
    page = said(root.get(MATRIX, {"group": "Pay", "q": "alice"}))
    assert page["alice"]["pay:refund"] == [("group", "everyone", "", False)]
    assert said(root.get(MATRIX, {"group": "Pay", "q": "bob"}))["bob"]["pay:refund"] == []


def test_a_cell_leads_to_give_or_to_take(root, alice, bob):
    grants.grant("notes:read", alice, by=CODE)
    page = root.get(MATRIX)
    base = f"/admin/api_guard/access/user/{alice.pk}/"
    assert urls(page, "alice", "notes:read") == f"{base}?scope=notes%3Aread"
    assert urls(page, "alice", "notes:write") == f"{base}?scopes=notes%3Awrite#give"
    for scope in ("notes:read", "notes:write"):
        assert root.get(urls(page, "alice", scope)).status_code == 200
    bob.is_active = False
    bob.save()
    found = root.get(MATRIX, {"q": "bob"})
    assert said(found) == {"bob": {"notes:read": [], "notes:write": []}}
    assert "not active" in text(found)


def test_many_ways_and_many_scopes_come_in_parts(root, alice, settings):
    for number in range(5):
        group = Group.objects.create(name=f"g{number}")
        alice.groups.add(group)
        grants.grant("notes:read", group, by=CODE)
    assert "and 2 more ways" in text(root.get(MATRIX))
    many = {f"many:{n:02}": {"description": "One", "group": "Many"} for n in range(25)}
    settings.API_GUARD = {"SCOPES": {**TERMS, **many}}
    asked = {"group": "Many", "q": "alice"}
    assert len(said(root.get(MATRIX, asked))["alice"]) == 10
    page = root.get(MATRIX, {**asked, "columns": "3"})
    assert list(said(page)["alice"]) == [f"many:{n}" for n in range(20, 25)]
    assert "Scopes, page 3" in text(page)
    assert list(said(root.get(MATRIX, {**asked, "scope": " Many:07"}))["alice"]) == ["many:07"]
    assert "No scope matches" in text(root.get(MATRIX, {**asked, "scope": "zebra"}))


def test_empty_pages_say_what_to_do(root, alice, settings):
    assert "Search for somebody by name" in text(root.get(MATRIX))
    assert "Nobody found" in text(root.get(MATRIX, {"q": "zebra"}))
    settings.API_GUARD = {}
    assert "no scope here" in text(root.get(MATRIX))


def test_who_sees_what(client, staff, alice):
    grants.grant("notes:read", alice, by=CODE)
    client.force_login(staff)
    text(client.get(MATRIX), 403)
    staff.user_permissions.add(Permission.objects.get(codename="view_matrix"))
    client.force_login(get_user_model().objects.get(pk=staff.pk))
    page = client.get(MATRIX)
    assert urls(page, "alice", "notes:read") == urls(page, "alice", "notes:write") == ""
    assert "give</a>" not in text(page)


def test_a_manager_sees_only_the_scopes_of_its_group(client, staff, alice):
    group = Group.objects.create(name="managers")
    with recorded():
        GrantAuthority.objects.create(group=group, scope_group="Notes")
    staff.groups.add(group)
    alice.email = "alice@example.org"
    alice.save()
    grants.grant("notes:read", alice, by=CODE)
    grants.grant("audit:read", alice, by=CODE)
    client.force_login(staff)
    page = client.get(MATRIX, {"group": "-"})
    assert said(page)["alice"].keys() == {"notes:read", "notes:write"}
    assert "audit" not in text(page)
    assert "alice@example.org" not in text(page)
    assert urls(page, "alice", "notes:write").endswith("#give")


def test_a_site_may_have_this_page_alone(root, alice):
    grants.grant("notes:read", alice, by=CODE)
    page = root.get("/alone/api_guard/matrix/")
    assert urls(page, "alice", "notes:read") == ""
    assert "href=" not in text(page).split('id="result_list"')[1].split("</table>")[0]


def test_the_page_takes_the_same_number_of_queries_however_much_there_is(root, alice, bob):
    grants.grant("notes:read", alice, by=CODE)
    grants.grant("@editors", alice, by=CODE)
    alice.groups.add(Group.objects.create(name="one"))
    root.get(MATRIX)
    with CaptureQueriesContext(connection) as few:
        root.get(MATRIX)
    for number in range(20):
        user = get_user_model().objects.create_user(f"user{number}")
        group = Group.objects.create(name=f"g{number}")
        user.groups.add(group)
        grants.grant("notes:read", group, by=CODE)
        grants.grant("notes:write", user, by=CODE)
    with CaptureQueriesContext(connection) as many:
        assert len(said(root.get(MATRIX))) == 21
    assert len(many) == len(few)


def test_users_without_groups_hold_what_they_were_given(alice, monkeypatch):
    monkeypatch.setattr(across, "membership_of", lambda model: None)
    grants.grant("notes:read", alice, by=CODE)
    held = across.held_across("user", [alice], ["notes:read"])
    assert len(held[alice.pk]["notes:read"]) == 1


def test_the_matrix_says_what_a_request_reads(db):
    """Compare with the live grants of each user, in a world that chance has made."""
    chance = random.Random(7)
    grants.pin("@editors", by=CODE)
    everyone = Group.objects.create(name="everyone")
    groups = [everyone, *(Group.objects.create(name=f"g{n}") for n in range(3))]
    users = [get_user_model().objects.create_user(f"user{n}") for n in range(12)]
    for user in users:
        user.groups.set(chance.sample(groups, chance.randrange(3)))
    past = timezone.now() - timedelta(days=1)
    for grantee in (*users, *groups):
        for scope in chance.sample([*TERMS, "@editors"], chance.randrange(4)):
            kind = "group" if isinstance(grantee, Group) else "user"
            ends = chance.choice([None, None, past])
            with recorded():
                ScopeGrant.objects.bulk_create(
                    [ScopeGrant(scope=scope, expires_at=ends, **{kind: grantee})]
                )
    held = across.held_across("user", users, list(TERMS))
    for user in users:
        # Without repeats: a member of everyone's group has its grants twice.
        expected = {(row.scope, row.pk) for row in grants.live_grants(user, None)}
        cells = held.get(user.pk, {})
        assert {(s, w.row.pk) for s, ways in cells.items() for w in ways} == expected
