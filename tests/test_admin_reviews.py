"""The pages of access reviews in the admin: open, decide, close, keep the evidence."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard import grants, reviews
from api_guard.admin import AccessReviewAdmin
from api_guard.admin.access_reviews import deciding, showing
from api_guard.models import (
    AccessReview,
    LedgerRecord,
    ScopeGrant,
    ScopeUse,
    ScopeUseTracking,
    recorded,
)
from tests.admin_forms import change

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

CODE = grants.System("a test")
LIST = "/admin/api_guard/accessreview/"
HOSTILE = "<script>alert('x')</script>"
TERMS = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes"},
    "audit:read": {"description": "Read the audit", "group": "Audit"},
}
bare = admin.AdminSite("bare")
bare.register(AccessReview, AccessReviewAdmin)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("bare/", bare.urls),
    path("o/", include("api_guard.oauth2.urls")),
]


@pytest.fixture(autouse=True)
def _terms(settings):
    settings.API_GUARD = {"SCOPES": TERMS}


@pytest.fixture
def managing(db):
    """Return a member of staff with an authority over a group of scopes, and nothing else."""

    def managing(name, scope_group, *codenames):
        user = get_user_model().objects.create_user(name, is_staff=True)
        if scope_group:
            group = Group.objects.create(name=f"group of {name}")
            grants.authorize(group, scope_group, by=CODE)
            user.groups.add(group)
        user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        return user

    return managing


@pytest.fixture
def nora(managing, client):
    user = managing("nora", "Notes")
    client.force_login(user)
    return user


@pytest.fixture
def crew(db):
    return Group.objects.create(name="crew")


@pytest.fixture
def held(alice, bob, crew, give):
    return {
        "alice": give(alice, "notes:read")[0],
        "bob": give(bob, "notes:write")[0],
        "crew": give(crew, "notes:read")[0],
        "audit": give(alice, "audit:read")[0],
    }


@pytest.fixture
def review(held, nora):
    return opened(nora)


def opened(reviewer, *, scope_group="Notes", days=30, title="Notes, autumn", **covers):
    covers = covers or {"scope_group": scope_group}
    return reviews.open_review(title, reviewer=reviewer, due_at=soon(days), by=CODE, **covers)


def soon(days=30):
    return timezone.now() + timedelta(days=days)


def page_of(review):
    return f"{LIST}{review.pk}/change/"


def item(review, row):
    return review.items.get(grant=row).pk


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def messages(response):
    return [str(message) for message in response.context["messages"]]


def whole(response):
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def decide(client, review, decision, keys, **values):
    """Decide about some grants of a review, as its page does. Returns the page after it."""
    url = f"{LIST}{review.pk}/decide/?decision={decision}"
    keys = ",".join(map(str, keys))
    values = {"items": keys, "reason": "looked at", "expiry": "90", "expires_on": "", **values}
    return client.post(url, values, follow=True)


def tracked(days=100):
    """Say that uses are recorded for so long."""
    ScopeUseTracking.objects.update_or_create(pk=1, defaults={"since": soon(-days)})


def aged(row, days=100):
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(granted_at=soon(-days))


# The list


def test_the_list_shows_what_is_open_with_its_reviewer_and_progress(client, nora, review, held):
    page = text(client.get(LIST))
    for said in ("Notes, autumn", "the scopes of Notes", "nora", "0 of 3", "Open a review"):
        assert said in page, said
    reviews.decide(review, [item(review, held["bob"])], "revoke", by=nora)
    assert "1 of 3" in text(client.get(LIST))
    reviews.close_review(review, by=nora)
    page = text(client.get(LIST))
    assert "Notes, autumn" not in page
    assert "No review is open" in page
    assert "closed" in text(client.get(f"{LIST}?state=closed"))
    assert "Notes, autumn" in text(client.get(f"{LIST}?state=all"))
    assert "No review matches" in text(client.get(f"{LIST}?state=overdue"))


def test_an_overdue_review_stands_out_and_mine_are_found(client, nora, managing, held):
    late, other = opened(nora), opened(managing("ole", "Notes"), title="of Ole")
    with recorded():
        AccessReview.objects.filter(pk=late.pk).update(due_at=soon(-1))
    page = text(client.get(f"{LIST}?state=overdue"))
    assert "overdue" in page
    assert "of Ole" not in page
    assert "of Ole" not in text(client.get(f"{LIST}?state=mine"))
    assert ">overdue</span>" in text(client.get(page_of(late)))
    assert ">open</span>" in text(client.get(page_of(other)))


def test_the_list_tells_what_to_look_at_without_a_review(client, nora, admin_user, held, settings):
    for row in held.values():
        aged(row)
    assert "not used for 90 days" not in text(client.get(LIST))
    tracked()
    ScopeUse.objects.create(grant=held["bob"], last_used_at=timezone.now())
    page = text(client.get(LIST))
    url = "/admin/api_guard/scopegrant/?use=unused"
    assert f'>2</span> <a href="{url}">grants were not used for 90 days' in page
    grants.keep(held["crew"], until=soon(), by=CODE)
    page = text(client.get(LIST))
    assert f'>1</span> <a href="{url}">grant was not used for 90 days' in page
    assert "1 scope grant" in text(client.get(url))
    client.force_login(admin_user)
    settings.API_GUARD = {"SCOPES": {"notes:read": TERMS["notes:read"]}}
    page = text(client.get(LIST))
    assert "2</span> <a" in page
    assert "grants are without effect: their scopes are not declared" in page


def test_only_the_oldest_of_many_unused_are_counted(client, nora, held, monkeypatch):
    monkeypatch.setattr(import_module("api_guard.grants.attention"), "_MOST_OLD", 2)
    tracked()
    for row in held.values():
        aged(row)
    assert ">2+</span>" in text(client.get(LIST))


OVERVIEW = "/admin/api_guard/"


def test_the_overview_counts_reviews_and_what_nobody_uses(client, nora, managing, held, bob):
    late = opened(nora)
    opened(nora, title="Winter")
    with recorded():
        AccessReview.objects.filter(pk=late.pk).update(due_at=soon(-1))
    tracked()
    aged(held["bob"])
    bob.is_active = False
    bob.save()
    page = text(client.get(OVERVIEW))
    for said in (
        f'1</span> <a href="{LIST}?state=overdue">access review is overdue',
        f'1</span> <a href="{LIST}?state=mine">access review waits for you',
        '?use=unused">grant was not used for 90 days',
        '?state=inactive">grant is without effect: its user is inactive',
    ):
        assert said in page, said
    client.force_login(managing("vera", None, "view_accessreview"))
    page = text(client.get(OVERVIEW))
    assert "access review is overdue" in page
    assert "not used" not in page
    client.force_login(managing("olga", "Audit"))
    page = text(client.get(OVERVIEW))
    assert "access review is" not in page
    assert "Nothing. No request waits" in page


def test_the_overview_asks_a_fixed_number_of_queries(client, nora, held):
    def count():
        with CaptureQueriesContext(connection) as asked:
            text(client.get(OVERVIEW))
        return len(asked)

    tracked()
    aged(held["bob"])
    opened(nora)
    count()
    few = count()
    for number in range(12):
        user = get_user_model().objects.create(username=f"user{number}", is_active=number > 3)
        aged(grants.grant("notes:read", user, by=CODE))
        opened(nora, title=f"another {number}")
    assert count() == few
    assert few <= 20, few


# Who sees and does what


def test_a_reviewer_a_manager_of_the_scopes_and_a_viewer_see_a_review(
    client, nora, managing, review, held
):
    urls = [page_of(review), f"{LIST}{review.pk}/evidence.csv", f"{LIST}{review.pk}/evidence.json"]
    acts = [f"{LIST}{review.pk}/decide/", f"{LIST}{review.pk}/close/"]
    ole = managing("ole", "Notes")
    vera = managing("vera", None, "view_accessreview")
    strangers = managing("otto", "Audit"), managing("olga", None, "view_scopegrant")
    for user in (nora, ole, vera):
        client.force_login(user)
        for url in urls:
            assert client.get(url).status_code == 200, (user, url)
        for url in acts:
            status = 200 if user == nora else 403
            assert client.get(url).status_code == status, (user, url)
            if user != nora:
                assert (
                    client.post(url, {"items": str(item(review, held["bob"]))}).status_code == 403
                )
        page = text(client.get(page_of(review)))
        assert ("Revoke…" in page) is (user == nora)
        assert ("You do not decide in this review" in page) is (user != nora)
        assert ("Close the review" in page) is (user == nora)
    for user in strangers:
        client.force_login(user)
        for url in (*urls, *acts):
            assert client.get(url).status_code in (302, 403, 404), (user, url)
            assert client.post(url).status_code in (302, 403, 404), (user, url)
        status = 200 if user.username == "otto" else 403
        assert client.get(LIST).status_code == status
        assert client.get(f"{LIST}add/").status_code == status
    assert not review.items.exclude(decision="").exists()


def test_who_may_only_view_opens_nothing_and_deletes_nothing(client, managing, review, admin_user):
    client.force_login(managing("vera", None, "view_accessreview"))
    page = text(client.get(LIST))
    assert "Notes, autumn" in page
    assert "Open a review" not in page
    assert "To look at without a review" not in page
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}reviewers/?field_name=user&term=no").status_code == 403
    client.force_login(admin_user)
    assert client.post(f"{LIST}{review.pk}/delete/", {"post": "yes"}).status_code == 403


def test_who_manages_a_part_sees_that_part_and_no_evidence(client, managing, held, manager):
    review = opened(manager, scope="")
    ole = managing("ole", "Notes")
    client.force_login(ole)
    assert client.get(page_of(review)).status_code == 302
    with recorded():
        AccessReview.objects.filter(pk=review.pk).update(reviewer=ole)
    page = text(client.get(page_of(review)))
    assert "notes:read" in page
    assert "audit:read" not in page
    assert "You see only the scopes that you may give" in page
    assert "evidence.csv" not in page
    for form in ("csv", "json"):
        assert client.get(f"{LIST}{review.pk}/evidence.{form}").status_code == 403
    audit = item(review, held["audit"])
    assert "Nothing is selected" in text(client.get(f"{LIST}{review.pk}/decide/?item={audit}"))
    decide(client, review, "revoke", [audit])
    assert ScopeGrant.objects.get(pk=held["audit"].pk).is_live()


def test_a_reviewer_who_lost_the_authority_decides_nothing(
    client, managing, review, held, admin_user
):
    nora = review.reviewer
    nora.groups.clear()
    assert client.get(page_of(review)).status_code == 403
    other = managing("other", "Audit")
    nora.groups.set(other.groups.all())
    page = text(client.get(page_of(review)))
    assert "No grant here" in page
    decide(client, review, "revoke", [item(review, held["bob"])])
    nora.user_permissions.add(Permission.objects.get(codename="view_accessreview"))
    page = text(client.get(page_of(review)))
    assert "You may not grant this scope." in page
    said = text(decide(client, review, "revoke", [item(review, held["bob"])]))
    assert "There is nothing here that you can decide" in said
    assert ScopeGrant.objects.get(pk=held["bob"].pk).is_live()


def test_who_may_grant_every_scope_decides_where_nobody_else_does(client, review, held, manager):
    review.reviewer.delete()
    client.force_login(manager)
    assert "without a reviewer" in text(client.get(page_of(review)))
    assert "—" in text(client.get(LIST))
    said = messages(decide(client, review, "revoke", [item(review, held["bob"])]))
    assert said == ["1 grant was revoked."]


def test_a_form_needs_its_token(nora, review, held):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(nora)
    for name in ("decide", "close"):
        url = f"{LIST}{review.pk}/{name}/?decision=revoke"
        values = {"items": item(review, held["bob"]), "reason": "x"}
        assert strict.post(url, values).status_code == 403
    assert strict.post(f"{LIST}add/", {}).status_code == 403
    assert ScopeGrant.objects.get(pk=held["bob"].pk).is_live()


# Opening


def opening(nora, **values):
    day = timezone.localdate(soon()).isoformat()
    covers = {"covers": "group:Notes", "kind": "", "reviewer": nora.pk, "due_on": day}
    return {"title": "Notes, winter", **covers, **values}


def test_a_review_is_opened_on_its_page(client, nora, held, alice):
    page = text(client.get(f"{LIST}add/"))
    for said in ("Groups of scopes", "notes:read — Read notes", 'value="group:Notes"'):
        assert said in page, said
    assert "audit:read" not in page
    assert "All scopes" not in page
    said = messages(client.post(f"{LIST}add/", opening(nora, kind="user"), follow=True))
    assert said == ["The review is open, with 2 grants. nora decides about them."]
    row = AccessReview.objects.get()
    assert (row.scope_group, row.grantee_kind, row.opened_by) == ("Notes", "user", nora)
    assert timezone.localdate(row.due_at) == timezone.localdate(soon())
    assert LogEntry.objects.get().object_id == str(row.pk)
    said = messages(
        client.post(f"{LIST}add/", opening(nora, covers="scope:notes:write"), follow=True)
    )
    assert said == ["The review is open, with 1 grant. nora decides about it."]
    found = client.get(f"{LIST}reviewers/?field_name=user&term=ali").json()
    assert [each["text"] for each in found["results"]] == ["alice"]


def test_what_is_wrong_with_it_is_said_on_the_form(client, nora, held, alice):
    past = timezone.localdate(soon(-2)).isoformat()
    for values, said in (
        ({"reviewer": alice.pk}, "may not revoke"),
        ({"due_on": past}, "in the past"),
        ({"covers": "group:Audit"}, "Select a valid choice"),
        ({"covers": "all"}, "Select a valid choice"),
        ({"title": "x\x00"}, "Null characters"),
        ({"title": ""}, "This field is required"),
    ):
        assert said in text(client.post(f"{LIST}add/", opening(nora, **values))), said
    assert not AccessReview.objects.exists()


def test_an_error_of_the_settings_is_said_above_the_form(client, nora, held, monkeypatch):
    def refuse(*args, **kwargs):
        raise grants.GrantError("unknown_scope", "It is gone.")

    monkeypatch.setattr(reviews, "open_review", refuse)
    assert "It is gone." in text(client.post(f"{LIST}add/", opening(nora)))

    def invalid(reason):
        raise grants.GrantError("surrogate", "It contains a lone surrogate.")

    monkeypatch.setattr(grants, "refuse_reason", invalid)
    assert "lone surrogate" in text(client.post(f"{LIST}add/", opening(nora)))


def test_who_may_grant_every_scope_reviews_all_of_them(client, manager, held, settings):
    client.force_login(manager)
    answer = client.post(f"{LIST}add/", opening(manager, covers="all"), follow=True)
    assert "with 4 grants" in messages(answer)[0]
    assert "all scopes" in text(answer)
    settings.API_GUARD = {"SCOPES": {"notes:read": "Read notes"}}
    page = text(client.get(f"{LIST}add/"))
    assert "Groups of scopes" not in page
    settings.API_GUARD = {"SCOPES": {}}
    assert "<optgroup" not in text(client.get(f"{LIST}add/"))


def test_a_review_that_its_opener_may_not_see_leads_to_the_list(
    client, managing, held, monkeypatch
):
    nora = managing("nora", "Notes")
    client.force_login(nora)
    from api_guard.admin.access_reviews.seeing import Reader

    monkeypatch.setattr(Reader, "seen", lambda self, rows: rows.none())
    answer = client.post(f"{LIST}add/", opening(nora))
    assert answer["Location"] == LIST


def test_what_a_review_covers_is_said_in_words(client, nora, held):
    kinds = {"user": "of users", "group": "of groups", "client": "of clients"}
    for kind, said in kinds.items():
        opened(nora, scope="notes:read", grantee_kind=kind, title=kind)
        assert f"notes:read, {said}" in text(client.get(LIST))
    empty = AccessReview.objects.get(title="client")
    assert "There was no live grant of this" in text(client.get(page_of(empty)))


# The page of a review


def test_the_page_shows_each_grant_and_what_stands_out(client, nora, review, held, bob, settings):
    tracked()
    for name in ("alice", "bob"):
        aged(held[name])
    ScopeUse.objects.create(grant=held["alice"], last_used_at=soon(-5))
    bob.is_active = False
    bob.save()
    page = text(client.get(page_of(review)))
    for said in (
        "user alice",
        "Change notes",
        "group crew",
        "0 active members",
        "without effect",
        ">unused</span>",
        "to decide (3)",
        "0 of 3 are done",
        "decided by nora",
        "5\xa0days ago",
    ):
        assert said in page, said
    assert page.count(">unused</span>") == 1
    assert "audit:read" not in page
    assert "style=" not in page
    assert "Uses are not recorded" not in page
    for query, names in (
        ("?find=unused", {"bob"}),
        ("?find=without", {"bob"}),
        ("?find=ending", set()),
        ("?find=bogus&show=bogus", {"alice", "bob", "crew"}),
        ("?q=crew", {"crew"}),
        ("?q=ali", {"alice"}),
        ("?q=write", {"bob"}),
        ("?q=ali+write", set()),
        ("?q=x", set()),
        ("?show=keep", set()),
        ("?show=all", {"alice", "bob", "crew"}),
    ):
        page = text(client.get(f"{page_of(review)}{query}"))
        found = {each for each in ("alice", "bob", "crew") if f"{each}</a>" in page}
        assert found == names, query
    assert "No grant here" in text(client.get(f"{page_of(review)}?show=keep"))
    assert "No grant matches" in text(client.get(f"{page_of(review)}?q=x"))


def test_what_ends_soon_is_found(client, nora, alice, held):
    grants.extend(held["alice"], soon(20), by=CODE)
    review = opened(nora)
    page = text(client.get(f"{page_of(review)}?find=ending"))
    assert "user alice" in page
    assert "user bob" not in page


def test_without_a_record_of_uses_nothing_is_called_unused(client, nora, review, held):
    aged(held["bob"])
    page = text(client.get(page_of(review)))
    assert "Uses are not recorded for 90 days yet" in page
    assert ">unused</span>" not in page


def test_names_reasons_and_titles_are_escaped(client, manager):
    user = get_user_model().objects.create(username=HOSTILE)
    grants.grant("notes:read", user, by=CODE, reason=HOSTILE)
    client.force_login(manager)
    review = opened(manager, title=HOSTILE)
    one = review.items.get().pk
    decide_url = f"{LIST}{review.pk}/decide/?item={one}"
    for url in (LIST, page_of(review), decide_url, f"{LIST}{review.pk}/close/"):
        assert "<script>alert" not in text(client.get(url))
    decide(client, review, "keep", [one], reason=HOSTILE)
    assert "<script>alert" not in text(client.get(f"{page_of(review)}?show=all"))


def test_many_grants_come_a_page_at_a_time(client, nora, django_user_model, monkeypatch):
    for number in range(5):
        user = django_user_model.objects.create(username=f"user{number}")
        grants.grant("notes:read", user, by=CODE)
    review = opened(nora)
    monkeypatch.setattr(showing, "_PER_PAGE", 2)
    page = text(client.get(f"{page_of(review)}?p=2"))
    assert "All that match" in page
    assert "user2" in page
    assert "user0" not in page


# Deciding


def test_grants_are_kept_until_a_date_with_a_reason(client, nora, review, held):
    keys = [item(review, held["alice"]), item(review, held["crew"])]
    url = f"{LIST}{review.pk}/decide/?decision=keep&item={keys[0]}&item={keys[1]}"
    page = text(client.get(url))
    for said in ("user alice", "group crew", "Keep 2 grants", f'value="{keys[0]},{keys[1]}"'):
        assert said in page, said
    assert "This field is required" in text(decide(client, review, "keep", keys, reason=""))
    assert "Choose the last day" in text(decide(client, review, "keep", keys, expiry="date"))
    assert "Enter a valid date" in text(
        decide(client, review, "keep", keys, expiry="date", expires_on="soon")
    )
    past = timezone.localdate(soon(-3)).isoformat()
    assert "is in the past" in text(
        decide(client, review, "keep", keys, expiry="date", expires_on=past)
    )
    assert "Select a valid choice" in text(decide(client, review, "keep", keys, expiry="7"))
    [said] = messages(decide(client, review, "keep", keys[:1]))
    assert said.startswith("Kept until ")
    assert said.endswith(": 1 grant")
    day = timezone.localdate(soon(40))
    [said] = messages(
        decide(client, review, "keep", keys[1:], expiry="date", expires_on=day.isoformat())
    )
    held["crew"].refresh_from_db()
    held["alice"].refresh_from_db()
    assert timezone.localdate(held["crew"].kept_until) == day
    assert abs(held["alice"].kept_until - soon(90)) < timedelta(minutes=1)
    page = text(client.get(f"{page_of(review)}?show=keep"))
    assert "kept, ask again" in page
    assert "by nora: looked at" in page
    assert LogEntry.objects.first().change_message == "keep: 1. looked at"


def test_grants_are_revoked_and_the_page_says_so(client, nora, review, held):
    keys = [item(review, held[name]) for name in ("alice", "bob")]
    page = text(client.get(f"{LIST}{review.pk}/decide/?decision=revoke&item={keys[0]}"))
    assert "You cannot undo this" in page
    assert "Revoke 1 grant" in page
    said = messages(decide(client, review, "revoke", keys, reason="left the team"))
    assert said == ["2 grants were revoked."]
    held["alice"].refresh_from_db()
    assert (held["alice"].revoked_by, held["alice"].revoked_reason) == (nora, "left the team")
    page = text(client.get(f"{page_of(review)}?show=revoke"))
    assert "It is decided already" not in page
    assert "by nora: left the team" in page
    assert "revoked (2)" in page


def test_all_that_match_are_shown_before_and_exactly_these_are_decided(
    client, nora, django_user_model, monkeypatch
):
    users = [django_user_model.objects.create(username=f"user{n}") for n in range(4)]
    rows = [grants.grant("notes:read", user, by=CODE) for user in users]
    grants.grant("notes:write", users[0], by=CODE)
    review = opened(nora)
    url = f"{LIST}{review.pk}/decide/?decision=revoke&all=1&q=read&find="
    page = text(client.get(url))
    assert "Revoke 4 grants" in page
    monkeypatch.setattr(deciding, "MOST_AT_ONCE", 3)
    page = text(client.get(url))
    assert "Revoke 3 grants" in page
    assert "These are the first 3" in page
    keys = ",".join(str(item(review, row)) for row in rows[:3])
    assert f'value="{keys}"' in page
    said = messages(client.post(url, {"items": keys, "reason": "x"}, follow=True))
    assert said == ["3 grants were revoked."]
    assert "Revoke 1 grant" in text(client.get(url))


def test_ones_own_is_left_to_others_and_the_rest_is_decided(client, nora, alice, managing, give):
    own_client = Application.objects.create(
        name="own", user=nora, client_type="confidential", authorization_grant_type="password"
    )
    mine = [give(row, "notes:read")[0] for row in (nora, nora.groups.get(), own_client)]
    other = give(alice, "notes:read")[0]
    review = opened(nora)
    page = text(client.get(page_of(review)))
    assert page.count("It is your own") == 3
    keys = [item(review, row) for row in (*mine, other)]
    said = messages(decide(client, review, "revoke", keys))
    assert said[0] == "1 grant was revoked."
    assert said[1].startswith("Nothing was changed for 3 grants: It is your own")


def test_what_is_over_meanwhile_is_said(client, nora, review, held, monkeypatch):
    keys = [item(review, held[name]) for name in ("alice", "bob", "crew")]
    grants.revoke(held["alice"], by=CODE)
    page = text(client.get(f"{LIST}{review.pk}/decide/?item={keys[0]}"))
    assert "It has ended: there is nothing to decide" in page
    assert "There is nothing here that you can decide" in page
    assert "ended before (1)" in text(client.get(page_of(review)))
    assert "user alice" in text(client.get(f"{page_of(review)}?show=ended"))
    own, done = reviews.decide, []

    def slow(*args, **kwargs):
        if not done:
            grants.revoke(held["bob"], by=CODE)
            done.append(1)
        return own(*args, **kwargs)

    monkeypatch.setattr(reviews, "decide", slow)
    said = messages(decide(client, review, "revoke", keys[1:]))
    assert said == [
        "1 grant was revoked.",
        "1 grant had ended meanwhile: there was nothing to decide.",
    ]


def test_a_decision_of_somebody_else_is_a_conflict(
    client, nora, review, held, manager, monkeypatch
):
    keys = [item(review, held["alice"]), item(review, held["bob"])]
    own = reviews.decide

    def slow(found, items, decision, **values):
        own(found, items[:1], "keep", by=manager, until=soon(), reason="faster")
        return own(found, items, decision, **values)

    monkeypatch.setattr(reviews, "decide", slow)
    page = text(decide(client, review, "revoke", keys))
    assert "Somebody has decided about one of them meanwhile" in page
    assert ScopeGrant.objects.get(pk=held["bob"].pk).is_live()
    monkeypatch.setattr(reviews, "decide", own)
    assert "It is decided already" in text(
        client.get(f"{LIST}{review.pk}/decide/?item={keys[0]}&item={keys[1]}")
    )

    def close(found, items, decision, **values):
        reviews.close_review(found, by=manager)
        return own(found, items, decision, **values)

    monkeypatch.setattr(reviews, "decide", close)
    page = decide(client, review, "keep", keys[1:])
    assert "The review was closed meanwhile" in text(page)
    assert decide(client, review, "keep", keys[1:]).status_code == 403


def test_only_what_has_ended_says_so_alone(client, nora, review, held, monkeypatch):
    key = item(review, held["bob"])
    own = reviews.decide

    def slow(*args, **kwargs):
        grants.revoke(held["bob"], by=CODE)
        return own(*args, **kwargs)

    monkeypatch.setattr(reviews, "decide", slow)
    said = messages(decide(client, review, "keep", [key]))
    assert said == ["1 grant had ended meanwhile: there was nothing to decide."]
    assert not LogEntry.objects.exists()


def test_keys_that_name_nothing_are_ignored(client, nora, review):
    for query in ("", "?item=abc", "?item=999999", f"?item={'9' * 30}"):
        assert "Nothing is selected" in text(client.get(f"{LIST}{review.pk}/decide/{query}"))
    assert "Nothing is selected" in text(decide(client, review, "keep", []))
    assert client.get(f"{LIST}9999/decide/").status_code == 404
    assert client.get(f"{LIST}9999/change/").status_code == 302


# Without a review


def test_unused_grants_are_kept_from_the_list(client, nora, held, managing):
    tracked()
    for row in held.values():
        aged(row)
    mine = grants.grant("notes:read", nora.groups.get(), by=CODE)
    gone = grants.grant("notes:write", held["alice"].user, by=CODE)
    with recorded():
        ScopeGrant.objects.filter(pk=gone.pk).update(expires_at=soon(-1))
    keys = [held["alice"].pk, held["bob"].pk, mine.pk, gone.pk]
    values = {"reason": "", "expiry": "90", "expires_on": ""}
    page = text(change(client, "keep", keys, **values))
    assert "This field is required" in page
    assert "nobody is told that they are unused" in page
    past = timezone.localdate(soon(-2)).isoformat()
    values["reason"] = "for the yearly report"
    dated = {**values, "expiry": "date", "expires_on": past}
    assert "is in the past" in text(change(client, "keep", keys, **dated))
    said = messages(change(client, "keep", keys, **values))
    assert said[0].startswith("Kept until ")
    assert said[0].endswith(": 2 grants")
    assert any("1 grant was not kept: It has expired" in each for each in said)
    assert any("is you, or your own group or client" in each for each in said)
    held["bob"].refresh_from_db()
    assert abs(held["bob"].kept_until - soon(90)) < timedelta(minutes=1)
    assert "0 scope grants" in text(client.get("/admin/api_guard/scopegrant/?use=unused&q=bob"))
    records = LedgerRecord.objects.filter(event="keep")
    assert records.count() == 2
    entry = LogEntry.objects.filter(object_id=str(held["bob"].pk)).first()
    assert entry.change_message.endswith("for the yearly report")
    found = [each for each in grants.differences() if each.row != f"grant {gone.pk}"]
    assert found == []


# The end


def test_a_review_is_closed_after_the_page_said_what_is_left(client, nora, review, held, manager):
    decide(client, review, "revoke", [item(review, held["bob"])])
    page = text(client.get(f"{LIST}{review.pk}/close/"))
    assert "Nothing was decided about 2 grants" in page
    assert "Kept: 0. Revoked: 1. Ended before: 0." in page
    answer = client.post(f"{LIST}{review.pk}/close/", follow=True)
    assert messages(answer) == ["The review is closed. Download its evidence."]
    page = text(client.get(page_of(review)))
    assert "Revoke…" not in page
    assert ">closed</span>" in page
    assert client.post(f"{LIST}{review.pk}/close/").status_code == 403


def test_when_all_is_decided_the_page_says_what_to_do_next(client, nora, review):
    keys = list(review.items.values_list("pk", flat=True))
    page = text(decide(client, review, "keep", keys))
    assert "Everything is decided. Close the review" in page
    assert "Nothing was decided" not in text(client.get(f"{LIST}{review.pk}/close/"))


def test_a_review_that_is_closed_meanwhile_is_said(client, nora, review, monkeypatch):
    own = reviews.close_review

    def twice(found, *, by):
        own(found, by=by)
        return own(found, by=by)

    monkeypatch.setattr(reviews, "close_review", twice)
    [said] = messages(client.post(f"{LIST}{review.pk}/close/", follow=True))
    assert "is closed" in said


def test_the_evidence_is_streamed_and_holds_no_formula(client, nora, review, held):
    user = get_user_model().objects.create(username="=1+2")
    grants.grant("notes:read", user, by=CODE, reason="@SUM(A1)")
    found = opened(nora, title="Formulas")
    decide(client, found, "revoke", [found.items.last().pk], reason="+1")
    answer = client.get(f"{LIST}{found.pk}/evidence.csv")
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="review-{found.pk}.csv"'
    rows = list(csv.DictReader(io.StringIO(whole(answer))))
    assert len(rows) == 4
    assert (rows[-1]["grantee"], rows[-1]["granted_reason"]) == ("'=1+2", "'@SUM(A1)")
    assert (rows[-1]["reason"], rows[-1]["decided_by"]) == ("'+1", "nora")
    answer = client.get(f"{LIST}{found.pk}/evidence.json")
    assert answer["Content-Type"] == "application/json"
    said = json.loads(whole(answer))
    assert (said["title"], said["revoked"], len(said["grants"])) == ("Formulas", 1, 4)
    assert client.get(f"{LIST}{found.pk}/evidence.xml").status_code == 404


def test_the_evidence_streams_under_asgi_too(nora, review, caplog):
    @async_to_sync
    async def ask():
        browser = AsyncClient()
        await browser.aforce_login(nora)
        page = await browser.get(f"{LIST}{review.pk}/evidence.csv")
        assert page.is_async
        return b"".join([piece async for piece in page.streaming_content])

    with caplog.at_level("INFO", "api_guard.grants"):
        assert ask().decode().count("notes:") == 3
    said = f"The evidence of review {review.pk} was read as csv by user {nora.pk}."
    assert said in caplog.messages


def test_a_deleted_grant_stays_in_the_list(client, nora, review, held, alice):
    alice.delete()
    page = text(client.get(f"{page_of(review)}?show=ended"))
    assert f"user:{held['alice'].user_id}" in page
    assert "deleted" in page


# Everywhere


def test_the_pages_work_on_a_site_without_the_others(client, admin_user, held, manager):
    review = opened(manager)
    client.force_login(admin_user)
    for url in ("", "add/", f"{review.pk}/change/", f"{review.pk}/close/"):
        page = text(client.get(f"/bare/api_guard/accessreview/{url}"))
        assert 'href="/admin/' not in page
    one = review.items.first().pk
    page = text(client.get(f"/bare/api_guard/accessreview/{review.pk}/decide/?item={one}"))
    assert 'href="/admin/' not in page
    grants.extend(held["alice"], soon(2), by=CODE)
    page = text(client.get("/bare/api_guard/accessreview/"))
    assert "grant expires within 7 days" in page


def test_keys_are_written_plainly_with_a_thousands_separator(client, nora, review, held, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    from api_guard.models import ReviewedGrant

    key = item(review, held["bob"])
    with recorded():
        ReviewedGrant.objects.filter(pk=key).update(id=1234567)
    page = text(client.get(page_of(review)))
    assert 'value="1234567"' in page
    assert "item=1234567" in page
    page = text(client.get(f"{LIST}{review.pk}/decide/?item=1234567"))
    assert 'value="1234567"' in page
    assert messages(decide(client, review, "revoke", [1234567])) == ["1 grant was revoked."]


def test_the_number_of_queries_does_not_grow_with_the_rows(client, nora, managing, held, alice):
    def counts(review):
        keys = "&".join(f"item={each.pk}" for each in review.items.all())
        urls = [LIST, f"{LIST}add/", page_of(review), f"{page_of(review)}?q=a&find=unused"]
        urls += [f"{LIST}{review.pk}/decide/?{keys}", f"{LIST}{review.pk}/close/"]
        urls += [f"{LIST}{review.pk}/evidence.json"]
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(url)
                _ = whole(answer) if answer.streaming else text(answer)
            found.append(len(asked))
        return found

    few = opened(nora)
    counts(few)
    one = counts(few)
    for number in range(15):
        user = get_user_model().objects.create(username=f"user{number}")
        group = Group.objects.create(name=f"crew {number}")
        grants.grant("notes:read", user, by=CODE)
        grants.grant("notes:write", group, by=CODE)
        if number < 5:
            opened(nora, title=f"another {number}")
    assert counts(opened(nora)) == one
    assert max(one) <= 22, one
