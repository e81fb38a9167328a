"""The admin of ScopeGrant, through its own views."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from api_guard import grants
from api_guard.models import RemoteSubject, ScopeGrant, recorded
from tests.admin_forms import ADD, LIST, choose, extend, giving, messages, revoke

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


def errors(response):
    assert response.status_code == 200
    return str(response.context["errors"])


def test_scopes_are_chosen_by_description_and_grantees_by_search(root):
    page = root.get(ADD).content.decode()
    assert "Read notes <code>notes:read</code>" in page
    assert page.count("data-ajax--url") == 1


def test_several_scopes_are_granted_at_once(root, alice, admin_user):
    chosen = giving(alice, scopes=["notes:read", "notes:write"], reason="asked")
    assert root.post(ADD, chosen).status_code == 302
    rows = ScopeGrant.objects.all()
    assert {row.scope for row in rows} == {"notes:read", "notes:write"}
    assert {(row.user, row.granted_by, row.reason) for row in rows} == {
        (alice, admin_user, "asked")
    }


def test_what_cannot_be_granted_is_said_on_the_form_and_nothing_is_lost(root, alice):
    grants.grant("notes:read", alice, by=grants.System("a test"))
    yesterday = str(timezone.localdate() - timedelta(days=1))
    for sent, said in [
        (giving(alice, scopes=["bogus"]), "not one of the available choices"),
        (giving(scopes=["notes:write"]), "Choose who gets access"),
        (giving("user:0", scopes=["notes:write"]), "does not exist any more"),
        (giving("owner:1", scopes=["notes:write"]), "does not exist any more"),
        (giving("user:x", scopes=["notes:write"]), "does not exist any more"),
        (giving(f"user:{10**30}", scopes=["notes:write"]), "does not exist any more"),
        (giving(alice, scopes=["notes:write"], expiry="date"), "Choose the last day"),
        (giving(alice, scopes=["notes:write"], expiry="date", expires_on="x"), "valid date"),
        (giving(alice, scopes=["notes:write"], expiry="date", expires_on=yesterday), "in the past"),
        (giving(alice, scopes=["notes:write"], expiry="for ever"), "available choices"),
        (giving(alice, scopes=["notes:read"]), "already"),
        (giving(alice), "Choose a scope"),
    ]:
        assert said in errors(root.post(ADD, sent))
    assert ScopeGrant.objects.count() == 1


def test_a_live_grant_is_extended_and_nothing_else_of_it_changes(root, alice):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    page = root.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Read notes" in page
    tomorrow = timezone.localdate() + timedelta(days=1)
    sent = {"expiry": "date", "expires_on": str(tomorrow), "scope": "notes:write"}
    [said] = messages(extend(root, [row.pk], **sent))
    assert said.startswith("The new end of 1 grant: ")
    row.refresh_from_db()
    ends = timezone.localtime(row.expires_at)
    assert (row.scope, ends.date(), ends.hour) == ("notes:read", tomorrow, 23)
    past = extend(root, [row.pk], expiry="date", expires_on="2001-01-01")
    assert "is in the past" in errors(past)
    assert messages(extend(root, [row.pk], expiry="never")) == ["1 grant no longer expires."]
    row.refresh_from_db()
    assert row.expires_at is None


def test_what_is_over_is_shown_and_not_changed(root, alice):
    row = grants.revoke(
        grants.grant("notes:read", alice, by=grants.System("a test")),
        reason="left",
        by=grants.System("a test"),
    )
    url = f"{LIST}{row.pk}/change/"
    page = root.get(url).content.decode()
    assert "left" in page
    assert "/revoke/?" not in page
    assert root.post(url, {"expires_at_0": "", "expires_at_1": ""}).status_code == 403
    said = messages(extend(root, [row.pk], expiry="day"))
    assert said == ["1 grant was not changed: It was already revoked."]


def test_grants_are_revoked_by_an_action_that_asks_for_a_reason(root, alice, admin_user):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    over = grants.revoke(
        grants.grant("notes:write", alice, by=grants.System("a test")), by=grants.System("a test")
    )
    keys = [row.pk, over.pk]
    assert "Revoke access" in root.get(choose(root, "revoke", keys)).content.decode()
    assert row.is_live()
    said = messages(revoke(root, keys, reason="left"))
    row.refresh_from_db()
    assert (row.revoked_by, row.revoked_reason) == (admin_user, "left")
    assert said == ["1 grant was revoked.", "1 grant was not revoked: It was already revoked."]
    assert admin_user.logentry_set.count() == 1


def test_a_reason_that_is_too_long_is_asked_for_again(root, alice):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    page = revoke(root, [row.pk], reason="x" * 501)
    assert "at most 500" in page.content.decode()
    row.refresh_from_db()
    assert row.is_live()


def test_revoking_only_what_is_over_says_so_alone(root, alice):
    over = grants.revoke(
        grants.grant("notes:write", alice, by=grants.System("a test")), by=grants.System("a test")
    )
    assert len(messages(revoke(root, [over.pk]))) == 1


def test_the_list_filters_by_state(root, alice, application):
    live = grants.grant("notes:read", alice, by=grants.System("a test"))
    expired = grants.grant("notes:write", alice, by=grants.System("a test"))
    with recorded():
        ScopeGrant.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    revoked = grants.revoke(
        grants.grant("notes:read", application, by=grants.System("a test")),
        by=grants.System("a test"),
    )

    def shown(state):
        return set(root.get(LIST, {"state": state}).context["cl"].queryset)

    assert shown("live") == {live}
    assert shown("expired") == {expired}
    assert shown("revoked") == {revoked}
    page = root.get(LIST).content.decode()
    assert all(
        state in page for state in ("live", "expired", "revoked", "user <strong>alice</strong>")
    )


def test_nothing_is_deleted_here(root, alice):
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    assert root.get(f"{LIST}{row.pk}/delete/").status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    root.post(LIST, chosen)
    assert ScopeGrant.objects.exists()


def test_a_grantee_that_is_deleted_takes_its_grants_along(root, alice):
    grants.grant("notes:read", alice, by=grants.System("a test"))
    response = root.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert not ScopeGrant.objects.exists()


def test_who_may_only_view_neither_grants_nor_revokes(client, staff, alice):
    staff.user_permissions.add(Permission.objects.get(codename="view_scopegrant"))
    client.force_login(staff)
    row = grants.grant("notes:read", alice, by=grants.System("a test"))
    assert client.get(LIST).status_code == 200
    assert client.get(ADD).status_code == 403
    client.post(LIST, {"action": "revoke", "_selected_action": [row.pk]})
    assert client.get(f"{LIST}revoke/").status_code == 403
    row.refresh_from_db()
    assert row.is_live()


@pytest.mark.parametrize(
    ("codename", "sees"),
    [
        ("view_scopegrant", True),
        ("change_scopegrant", True),
        ("view_scope", False),
        ("delete_scopegrant", False),
    ],
)
def test_the_grants_are_listed_with_a_link_or_not_at_all(client, staff, codename, sees):
    staff.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(staff)
    for page in ("/admin/", "/admin/api_guard/"):
        answer = client.get(page)
        shown = answer.content.decode() if answer.status_code == 200 else ""
        assert ("Scope grants" in shown, f'href="{LIST}"' in shown) == (sees, sees)
    assert client.get(LIST).status_code == (200 if sees else 403)


def test_a_remote_subject_is_told_which_user_it_is(root, alice, settings):
    page = "/admin/api_guard/remotesubject/add/"
    assert 'name="issuer"' in root.get(page).content.decode()
    settings.API_GUARD = {
        **settings.API_GUARD,
        "INTROSPECTION": {
            "URL": "https://auth.example/introspect",
            "CLIENT_ID": "api",
            "CLIENT_SECRET": "s",
            "ISSUER": "https://auth.example",
        },
    }
    assert 'value="https://auth.example"' in root.get(page).content.decode()
    subject = {"issuer": "https://auth.example", "subject": "42", "user": alice.pk}
    assert root.post(page, subject).status_code == 302
    [row] = RemoteSubject.objects.all()
    assert (row.user, str(row)) == (alice, "42 of https://auth.example")
    again = root.post(page, {**subject, "user": alice.pk})
    assert "This subject already belongs to a user." in errors(again)
    assert "42" in root.get("/admin/api_guard/remotesubject/?q=42").content.decode()


def test_a_user_without_a_searchable_admin_is_chosen_from_a_list_there_too(root, monkeypatch):
    root.get(LIST)
    monkeypatch.delitem(admin.site._registry, get_user_model())
    assert "data-ajax--url" not in root.get("/admin/api_guard/remotesubject/add/").content.decode()


# Lists that do not grow with the table


def shown(client, url, **query):
    return {str(row) for row in client.get(url, query).context["cl"].result_list}


def test_a_search_names_a_grantee_or_a_scope_in_full(root, alice, bob, application):
    readers = Group.objects.create(name="the readers")
    for grantee in (alice, bob, readers, application):
        grants.grant("notes:read", grantee, by=grants.System("a test"))
    grants.grant("notes:write", alice, by=grants.System("a test"))
    of_alice = {"notes:read for user alice", "notes:write for user alice"}
    of_app = {"notes:read for client app"}
    for said, rows in [
        ("alice", of_alice),
        ("alice notes:read", {"notes:read for user alice"}),
        ("notes:write", {"notes:write for user alice"}),
        ("'the readers'", {"notes:read for group the readers"}),
        ('"the readers"', {"notes:read for group the readers"}),
        ("app", of_app),
        (application.client_id, of_app),
        ("ali", of_alice),
        ("a", set()),
        ("lic not", of_alice),
        (
            "notes:",
            {
                "notes:read for user alice",
                "notes:write for user alice",
                "notes:read for user bob",
                "notes:read for client app",
                "notes:read for group the readers",
            },
        ),
        ("aud", set()),
        ("alice bob", set()),
    ]:
        assert shown(root, LIST, q=said) == rows, said
    assert shown(root, LIST, scope="notes:write") == {"notes:write for user alice"}


def test_a_long_list_leads_to_its_first_rows_and_says_so(root, alice, monkeypatch):
    monkeypatch.setattr("api_guard.admin.lists.MOST_ROWS", 3)
    monkeypatch.setattr(type(admin.site._registry[ScopeGrant]), "list_per_page", 2)
    scopes = ("notes:read", "notes:write", "notes:publish", "audit:read")
    rows = [grants.grant(scope, alice, by=grants.System("a test")) for scope in scopes]
    page = root.get(LIST)
    assert page.context["cl"].result_count == 3
    assert "The first 3. Search or filter to see others." in page.content.decode()
    assert shown(root, LIST) == {str(row) for row in rows[2:]}
    assert shown(root, LIST, p=2) == {str(rows[1])}
    assert "Select all 3 scope grants, and all others that match" in page.content.decode()
    confirmed = root.get(choose(root, "revoke", [rows[0].pk], across=True)).content.decode()
    assert "<strong>4 grants</strong>" in confirmed
    assert "The first" not in root.get(LIST, {"q": "notes:read"}).content.decode()


def test_a_page_is_the_same_however_its_rows_are_found(root, alice, monkeypatch):
    monkeypatch.setattr(type(admin.site._registry[ScopeGrant]), "list_per_page", 2)
    for scope in ("notes:read", "notes:write", "notes:publish"):
        grants.grant(scope, alice, by=grants.System("a test"))
    pages = []
    for by_keys in (True, False):
        monkeypatch.setattr("api_guard.admin.lists._sorts_rows", lambda using, said=by_keys: said)
        pages.append([list(root.get(LIST, {"p": p}).context["cl"].result_list) for p in (1, 2)])
    assert pages[0] == pages[1]
    assert [len(rows) for rows in pages[0]] == [2, 1]


def test_a_list_without_a_column_to_search_finds_grantees_alone(root):
    assert shown(root, "/admin/api_guard/grantrequest/", q="nobody") == set()


def test_a_list_has_one_order_in_each_state(root, alice):
    first = grants.grant("notes:read", alice, by=grants.System("a test"))
    second = grants.grant("notes:write", alice, by=grants.System("a test"))
    rows = root.get(LIST, {"o": "1"}).context["cl"].result_list
    assert list(rows) == [second, first]
    for row, days in ((first, 1), (second, 2)):
        past = timezone.now() - timedelta(days=days)
        with recorded():
            ScopeGrant.objects.filter(pk=row.pk).update(expires_at=past)
    assert list(root.get(LIST, {"state": "expired"}).context["cl"].result_list) == [first, second]
    grants.revoke(second, by=grants.System("a test"))
    grants.revoke(first, by=grants.System("a test"))
    assert list(root.get(LIST, {"state": "revoked"}).context["cl"].result_list) == [first, second]


def test_subjects_are_filtered_by_the_issuer_that_is_asked(root, alice, bob, settings):
    page = "/admin/api_guard/remotesubject/"
    for issuer, user in (("https://a", alice), ("https://b", bob)):
        RemoteSubject.objects.create(issuer=issuer, subject="7", user=user)
    asked = {"URL": "https://a/i", "CLIENT_ID": "api", "CLIENT_SECRET": "s", "ISSUER": "https://a"}
    settings.API_GUARD = {**settings.API_GUARD, "INTROSPECTION": asked}
    assert "By issuer" in root.get(page).content.decode()
    assert shown(root, page, issuer="https://a") == {"7 of https://a"}
    assert shown(root, page, q="bob") == {"7 of https://b"}
    assert len(shown(root, page, q="7")) == 2
