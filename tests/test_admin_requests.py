"""The pages of requests in the admin: what a person sees of them, and how it decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import Application
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import grants, guard
from api_guard.admin import GrantRequestAdmin
from api_guard.admin.grant_requests import bulk
from api_guard.admin.own import Own
from api_guard.models import GrantApproval, GrantRequest, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

CODE = grants.System("a test")
LIST = "/admin/api_guard/grantrequest/"
HOSTILE = "<script>alert('x')</script>"
TERMS = {
    "notes:read": {"description": "Read notes", "group": "Notes", "requestable": True},
    "notes:write": {"description": "Change notes", "group": "Notes", "requestable": True},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
    "audit:read": {"description": "Read the audit", "requestable": True},
}


@guard(read="notes:read", write="notes:write")
@api_view(["GET", "POST"])
def notes(request):
    return Response({})


bare = admin.AdminSite("bare")
bare.register(GrantRequest, GrantRequestAdmin)
urlpatterns = [
    path("admin/", admin.site.urls),
    path("bare/", bare.urls),
    path("o/", include("api_guard.oauth2.urls")),
    path("notes/", notes),
    *(path(f"notes/{number}/", notes) for number in range(12)),
]


@pytest.fixture(autouse=True)
def _terms(settings):
    settings.API_GUARD = {"SCOPES": TERMS, "REQUEST_RATE": "1000/d"}


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


def soon(**time):
    return timezone.now() + timedelta(**(time or {"days": 30}))


def ask(user, scope="notes:read", reason="the report", **time):
    return grants.request(scope, by=user, reason=reason, expires_at=soon(**time))


def page_of(row):
    return f"{LIST}{row.pk}/change/"


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def messages(response):
    return [str(message) for message in response.context["messages"]]


def approve(client, row, **values):
    values = {"_approve": "Approve", "expiry": "asked", "expires_on": "", **values}
    return client.post(page_of(row), values, follow=True)


def decline(client, row, reason="not your project"):
    return client.post(page_of(row), {"_decline": "Decline", "reason": reason}, follow=True)


def choose(client, action, rows, *, query="", across=False):
    """Select requests in the list, and return the address of the page that shows them."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    chosen |= {"select_across": "1"} if across else {}
    answer = client.post(f"{LIST}{query}", chosen)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


# What is shown


def test_the_list_shows_what_waits_and_by_choice_the_others(nora, client, alice, bob):
    waits, other = ask(alice), ask(bob, "notes:write")
    grants.decline(other, by=nora, reason="no")
    page = text(client.get(LIST))
    for said in ("alice</strong>", "Read notes", "notes:read", "waiting", "the report", "by alice"):
        assert said in page, said
    assert "bob</strong>" not in page
    page = text(client.get(f"{LIST}?state=declined"))
    assert "bob</strong>" in page
    assert "alice</strong>" not in page
    page = text(client.get(f"{LIST}?state=all"))
    assert "bob</strong>" in page
    assert "alice</strong>" in page
    assert "alice</strong>" in text(client.get(f"{LIST}?state=bogus"))
    assert "bob</strong>" in text(client.get(f"{LIST}?state=all&q=bob"))
    assert "No request matches" in text(client.get(f"{LIST}?state=all&q=zebra"))
    with recorded():
        GrantRequest.objects.filter(pk=waits.pk).update(asked_at=soon(days=-15))
    assert "No request waits" in text(client.get(LIST))
    assert "too old" in text(client.get(f"{LIST}?state=expired"))
    assert "It is too old: nobody can approve it" in text(client.get(page_of(waits)))


def test_what_waits_for_me_is_neither_mine_nor_approved_by_me(managing, client, alice):
    one, two = managing("one", "Pay"), managing("two", "Pay")
    mine = grants.grant("pay:refund", alice, by=one, expires_at=soon())
    client.force_login(one)
    assert "No request matches" in text(client.get(f"{LIST}?state=mine"))
    client.force_login(two)
    assert "alice</strong>" in text(client.get(f"{LIST}?state=mine"))
    grants.approve(mine, by=two)
    assert "No request matches" in text(client.get(f"{LIST}?state=mine"))
    assert "1 of 2: two" in text(client.get(LIST))


def test_an_empty_list_says_why(nora, client, settings):
    assert "No request waits" in text(client.get(LIST))
    settings.API_GUARD = {"SCOPES": {"notes:read": {"description": "Read", "group": "Notes"}}}
    assert "Nobody can ask for anything" in text(client.get(LIST))


def test_a_request_shows_all_that_a_person_has_to_know(nora, client, alice):
    alice.first_name, alice.last_name = "Alice", "Liddell"
    alice.save()
    friends = Group.objects.create(name="friends")
    alice.groups.add(friends)
    grants.grant("notes:write", friends, by=CODE)
    grants.grant("notes:read", alice, by=CODE, expires_at=soon(days=3))
    grants.grant("audit:read", alice, by=CODE)
    page = text(client.get(page_of(ask(alice, days=30))))
    for said in (
        "What is asked for",
        f'href="/admin/api_guard/access/user/{alice.pk}/"',
        "Alice Liddell (alice)",
        "Read notes",
        "the report",
        "One person with the authority",
        "group group of nora",
        "<code>/notes/</code>",
        "and 3 other endpoints",
        "It holds this scope already, and loses it",
        "notes:write",
        ">friends</a>",
        "You see only the scopes that you may give",
    ):
        assert said in page, said
    assert "audit:read" not in page
    assert "<style" not in page
    assert "style=" not in page


def test_a_grant_without_end_is_said_and_a_scope_that_opens_nothing(client, admin_user, alice):
    client.force_login(admin_user)
    asked = grants.grant("pay:refund", alice, by=CODE)
    page = text(client.get(page_of(asked)))
    assert "No endpoint requires it" in page
    assert "Nothing." in page
    assert "without end" in page
    assert "No group has the authority over it" in page
    assert "Two people have to approve it" in page
    assert "Nobody has approved it yet" in page
    first, second = ask(alice, days=20), ask(alice, "audit:read")
    grants.grant("notes:read", alice, by=CODE)
    page = text(client.get(page_of(first)))
    assert "It holds this scope already, without end" in page
    grants.revoke(grants.held(alice).get(), by=CODE)
    for number in range(25):
        group = Group.objects.create(name=f"group {number}")
        alice.groups.add(group)
        grants.grant("notes:read", group, by=CODE)
    assert "and 5 other grants" in text(client.get(page_of(second)))


def test_a_sensitive_request_says_who_has_approved_it_and_until_when(managing, client, alice):
    one, two, three = (managing(name, "Pay") for name in ("one", "two", "three"))
    asked = grants.grant("pay:refund", alice, by=one, expires_at=soon(), reason="month end")
    grants.approve(asked, by=two, expires_at=soon(days=3))
    client.force_login(three)
    page = text(client.get(page_of(asked)))
    assert "two has approved it" in page
    assert "at the latest" in page
    assert 'name="_approve"' in page
    client.force_login(two)
    page = text(client.get(page_of(asked)))
    assert "You have approved it already" in page
    assert 'name="_approve"' not in page
    assert 'name="_decline"' in page
    client.force_login(one)
    page = text(client.get(page_of(asked)))
    assert "You have asked for it" in page
    assert 'value="Withdraw"' in page


def test_what_cannot_be_granted_any_more_is_said(nora, client, alice, settings):
    asked = ask(alice)
    alice.is_active = False
    alice.save()
    assert "This user is not active" in text(client.get(page_of(asked)))
    said = messages(approve(client, asked))
    assert said == [
        "Nothing was changed for notes:read to user alice: The user alice is not active."
    ]
    group = Group.objects.create(name="gone")
    group.user_set.add(nora)
    grants.authorize(group, "*", by=CODE)
    settings.API_GUARD = {"SCOPES": {"other": "Another"}}
    assert "no longer declared" in text(client.get(page_of(asked)))


def test_names_and_reasons_are_escaped(client, admin_user):
    client.force_login(admin_user)
    user = get_user_model().objects.create(username=HOSTILE)
    asked = ask(user, reason=HOSTILE)
    for url in (LIST, page_of(asked), bulk.bulk_url(_admin(), "approve", [asked.pk])):
        assert "<script>alert" not in text(client.get(url))
    said = decline(client, asked, HOSTILE)
    assert "<script>alert" not in text(said)


def _admin():
    return admin.site._registry[GrantRequest]


# Who sees and does what


def test_an_authority_is_enough_for_its_scopes_and_opens_no_others(nora, client, alice, bob):
    mine, other = ask(alice), ask(bob, "audit:read")
    page = text(client.get(LIST))
    assert "alice</strong>" in page
    assert "bob</strong>" not in page
    assert client.get(page_of(mine)).status_code == 200
    assert client.get(page_of(other)).status_code == 302
    assert approve(client, other).redirect_chain[0][0] == "/admin/"
    both = bulk.bulk_url(_admin(), "approve", [mine.pk, other.pk])
    page = text(client.get(both))
    assert "bob" not in page
    client.post(both, {"expiry": "asked"})
    other.refresh_from_db()
    assert (grants.state_of(other), grants.held(alice).count()) == ("open", 1)


def test_who_may_only_view_sees_all_and_decides_nothing(managing, client, alice):
    client.force_login(managing("vera", None, "view_grantrequest"))
    asked = ask(alice, "audit:read")
    assert "alice</strong>" in text(client.get(LIST))
    page = text(client.get(page_of(asked)))
    assert "You may not grant this scope" in page
    assert "_approve" not in page
    assert "_decline" not in page
    for values in ({"_approve": "1", "expiry": "asked"}, {"_decline": "1", "reason": "no"}):
        assert client.post(page_of(asked), values).status_code == 403
    assert client.get(bulk.bulk_url(_admin(), "approve", [asked.pk])).status_code == 403
    assert "action-select" not in text(client.get(LIST))


def test_nobody_else_sees_or_adds_or_deletes_a_request(client, staff, admin_user, alice):
    asked = ask(alice)
    client.force_login(staff)
    for url in (LIST, page_of(asked), bulk.bulk_url(_admin(), "decline", [asked.pk])):
        assert client.get(url).status_code in (302, 403)
        assert client.post(url, {}).status_code in (302, 403)
    assert "grantrequest" not in text(client.get("/admin/"))
    client.force_login(admin_user)
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{asked.pk}/delete/", {"post": "yes"}).status_code == 403
    assert GrantRequest.objects.count() == 1


def test_a_form_needs_its_token(nora, alice):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(nora)
    asked = ask(alice)
    for url in (page_of(asked), bulk.bulk_url(_admin(), "approve", [asked.pk])):
        values = {"_approve": "1", "expiry": "asked"}
        assert strict.post(url, values).status_code == 403
    assert not grants.held(alice).exists()


# One request


def test_a_request_is_approved_as_asked(nora, client, alice):
    asked = ask(alice)
    [said] = messages(approve(client, asked))
    assert said.startswith("Granted until ")
    assert said.endswith("notes:read to user alice")
    row = grants.held(alice).get()
    assert (row.expires_at, row.granted_by) == (asked.expires_at, nora)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(asked.pk), "Approved.")
    page = text(client.get(page_of(asked)))
    assert "nora has approved it." in page
    assert "_approve" not in page


def test_a_request_is_approved_with_an_earlier_end(nora, client, alice, bob):
    asked = ask(alice, days=20)
    page = text(client.get(page_of(asked)))
    form = client.get(page_of(asked)).context["approving"].form
    assert form["expiry"].value() == "asked"
    assert 'value="week"' in page
    assert 'value="month"' not in page
    assert 'value="never"' not in page
    approve(client, asked, expiry="week")
    ends = grants.held(alice).get().expires_at
    assert abs(ends - soon(days=7)) < timedelta(minutes=1)
    day = (timezone.localtime(soon(days=3))).date()
    approve(client, ask(bob), expiry="date", expires_on=day.isoformat())
    assert timezone.localtime(grants.held(bob).get().expires_at).date() == day


def test_an_end_that_is_not_earlier_is_said_on_the_form(nora, client, alice):
    asked = ask(alice, days=20)
    late, past = soon(days=40).date(), soon(days=-2).date()
    for values, said in (
        ({"expiry": "date", "expires_on": late.isoformat()}, "The request asks for less"),
        ({"expiry": "date", "expires_on": past.isoformat()}, "is in the past"),
        ({"expiry": "date"}, "Choose the last day"),
        ({"expiry": "month"}, "Select a valid choice"),
    ):
        page = text(approve(client, asked, **values))
        assert said in page, values
        assert "Please correct the errors below" in page
    assert not grants.held(alice).exists()
    asked.refresh_from_db()
    assert grants.is_open(asked)


def test_the_settings_of_this_moment_count(nora, client, alice, settings):
    asked = ask(alice, days=60)
    terms = {**TERMS, "notes:read": {**TERMS["notes:read"], "max_days": 7}}
    settings.API_GUARD = {"SCOPES": terms}
    assert "at most 7 days" in text(approve(client, asked))
    assert messages(approve(client, asked, expiry="day"))[0].startswith("Granted until")


def test_without_time_zones_the_form_works_too(client, admin_user, alice, settings):
    settings.USE_TZ = False
    client.force_login(admin_user)
    asked = GrantRequest(scope="notes:read", expires_at=timezone.now() + timedelta(days=9))
    from api_guard.admin.grant_requests.forms import ApproveForm

    form = ApproveForm([asked])
    assert [name for name, _said in form.fields["expiry"].choices][-1] == "date"


def test_a_request_without_end_can_get_one(managing, client, alice):
    one, two = managing("one", "Pay"), managing("two", "Pay")
    asked = grants.grant("pay:refund", alice, by=CODE)
    client.force_login(one)
    assert "As asked: never" in text(client.get(page_of(asked)))
    [said] = messages(approve(client, asked, expiry="month"))
    assert said == "Approved. Others have to approve it too: pay:refund to user alice"
    client.force_login(two)
    assert messages(approve(client, asked))[0].startswith("Granted until ")
    assert grants.held(alice).get().expires_at is not None
    again = grants.grant("pay:refund", Group.objects.create(name="crew"), by=CODE)
    approve(client, again)
    client.force_login(one)
    assert messages(approve(client, again)) == ["Granted: pay:refund to group crew"]


def test_a_request_is_declined_with_a_reason(nora, client, alice):
    asked = ask(alice)
    page = text(decline(client, asked, ""))
    assert "This field is required" in page
    assert messages(decline(client, asked)) == ["Declined: notes:read to user alice"]
    asked.refresh_from_db()
    assert (asked.outcome, asked.decision_reason) == ("declined", "not your project")
    page = text(client.get(page_of(asked)))
    assert "nora has declined it. not your project" in page
    assert LogEntry.objects.get().change_message == "Declined. not your project"


def test_a_reason_that_no_database_stores_is_refused(nora, client, alice):
    asked = ask(alice)
    assert "correct the errors" in text(decline(client, asked, "no\x00"))
    asked.refresh_from_db()
    assert grants.is_open(asked)


def test_who_has_asked_withdraws_without_a_reason(managing, client, alice):
    one = managing("one", "Pay")
    asked = grants.grant("pay:refund", alice, by=one, expires_at=soon())
    client.force_login(one)
    assert messages(decline(client, asked, "")) == ["Withdrawn: pay:refund to user alice"]
    asked.refresh_from_db()
    assert asked.outcome == "withdrawn"
    assert "one has withdrawn it." in text(client.get(page_of(asked)))


def test_what_was_decided_meanwhile_is_said(nora, client, managing, alice):
    other = managing("other", "Notes")
    asked = ask(alice)
    grants.decline(asked, by=other, reason="no")
    for act in (approve, decline):
        [said] = messages(act(client, asked))
        assert said == (
            "Nothing was changed for notes:read to user alice: Meanwhile: other has declined it. no"
        )
    other.delete()
    assert "somebody has declined it" in text(client.get(page_of(asked)))
    assert not grants.held(alice).exists()


def test_what_was_deleted_meanwhile_is_said(nora, client, alice, monkeypatch):
    asked = ask(alice)
    own = grants.approve

    def slow(row, **values):
        get_user_model().objects.get(pk=alice.pk).delete()
        return own(row, **values)

    monkeypatch.setattr(grants, "approve", slow)
    answer = client.post(page_of(asked), {"_approve": "1", "expiry": "asked"})
    assert answer.status_code == 302
    said = messages(client.get("/admin/"))
    assert "already decided, or older than" in said[0]


def test_nobody_approves_what_is_for_oneself_or_for_ones_own(managing, client, alice):
    nora = managing("nora", "Notes")
    client.force_login(nora)
    own_client = Application.objects.create(
        name="own", user=nora, client_type="confidential", authorization_grant_type="password"
    )
    someone = managing("someone", "*")
    terms = {"notes:read": {**TERMS["notes:read"], "sensitive": True}}
    from django.test import override_settings

    with override_settings(API_GUARD={"SCOPES": terms}):
        for grantee in (nora, nora.groups.get(), own_client):
            asked = grants.grant("notes:read", grantee, by=someone, expires_at=soon())
            page = text(client.get(page_of(asked)))
            assert "It is for you, or for your own group or client" in page
            assert "_approve" not in page
            [said] = messages(approve(client, asked))
            assert said.startswith("Nothing was changed")
        client.force_login(someone)
        others = Group.objects.create(name="others")
        others.user_set.add(someone)
        asked = grants.grant("notes:read", others, by=nora, expires_at=soon())
        assert "It is for you" in text(client.get(page_of(asked)))
        someone.user_permissions.add(Permission.objects.get(codename="grant_any_scope"))
        assert "It is for you" not in text(client.get(page_of(asked)))
        other = grants.grant("notes:read", alice, by=nora, expires_at=soon())
        assert "It is for you" not in text(client.get(page_of(other)))
        app = Application.objects.create(
            name="app", client_type="confidential", authorization_grant_type="password"
        )
        asked = grants.grant("notes:read", app, by=nora, expires_at=soon())
        client.force_login(managing("third", "Notes"))
        assert "It is for you" not in text(client.get(page_of(asked)))


# Several


def test_several_are_approved_after_they_were_shown(nora, client, alice, bob, managing):
    rows = [ask(alice), ask(bob, "notes:write")]
    mine = ask(nora)
    url = choose(client, "approve", [*rows, mine])
    page = text(client.get(url))
    for said in ("Read notes", "Change notes", "the report", "Approve 2 requests"):
        assert said in page, said
    assert "You have asked for it: others approve it." in page
    done = client.post(url, {"expiry": "week"}, follow=True)
    said = messages(done)
    assert any("notes:read to user alice" in each and "Granted until" in each for each in said)
    assert any("Nothing was changed for notes:read for user nora" in each for each in said)
    assert grants.held(alice).get().granted_by == nora
    assert LogEntry.objects.count() == 2
    assert "There is nothing here that you can decide" in text(client.get(url))
    assert client.post(url, {"expiry": "asked"}).status_code == 302


def test_several_are_declined_with_one_reason(nora, client, alice, bob, managing):
    rows = [ask(alice), ask(bob, "notes:write")]
    url = choose(client, "decline", rows)
    assert "This field is required" in text(client.post(url, {"reason": ""}))
    assert "Decline 2 requests" in text(client.get(url))
    said = messages(client.post(url, {"reason": "the project is over"}, follow=True))
    assert said == ["Declined: notes:write to user bob; notes:read to user alice"]
    rows[0].refresh_from_db()
    assert rows[0].decision_reason == "the project is over"
    page = text(client.get(url))
    assert "nora has declined it. the project is over" in page


def test_a_sensitive_request_is_approved_on_its_own_page_only(managing, client, alice):
    asked = grants.grant("pay:refund", alice, by=CODE, expires_at=soon())
    client.force_login(managing("one", "Pay"))
    url = choose(client, "approve", [asked])
    assert "It is sensitive: approve it on its own page." in text(client.get(url))
    client.post(url, {"expiry": "asked"})
    assert not GrantApproval.objects.exists()
    url = choose(client, "decline", [asked])
    assert "Decline 1 request" in text(client.get(url))


def test_what_was_decided_between_is_left_and_said(nora, client, alice, bob, managing, monkeypatch):
    other = managing("other", "Notes")
    first, second = ask(alice), ask(bob)
    url = choose(client, "approve", [first, second])
    own, done = bulk.approve, []

    def slow(*args):
        if not done:
            done.append(grants.decline(first, by=other, reason="no"))
        return own(*args)

    monkeypatch.setattr(bulk, "approve", slow)
    said = messages(client.post(url, {"expiry": "asked"}, follow=True))
    assert said[0].endswith("notes:read to user bob")
    assert said[1] == (
        "Nothing was changed for notes:read to user alice: Meanwhile: other has declined it. no"
    )
    # And in the list, one that waits no longer is not left out in silence.
    assert "other has declined it. no" in text(client.get(choose(client, "approve", [first])))


def test_an_end_that_fits_none_of_them_is_said_on_the_form(nora, client, alice, bob):
    rows = [ask(alice, days=10), ask(bob, days=20)]
    url = choose(client, "approve", rows)
    day = timezone.localtime(soon(days=25)).date().isoformat()
    assert "The request asks for less" in text(
        client.post(url, {"expiry": "date", "expires_on": day})
    )
    day = timezone.localtime(soon(days=15)).date().isoformat()
    said = messages(client.post(url, {"expiry": "date", "expires_on": day}, follow=True))
    assert said[0].endswith("notes:read to user bob")
    assert "The request asks for less" in said[1]


def test_all_that_match_are_selected_up_to_a_limit(nora, client, alice, bob, monkeypatch):
    rows = [ask(alice), ask(bob), ask(alice, "notes:write")]
    url = choose(client, "decline", rows[:1], query="?q=alice", across=True)
    assert "Decline 2 requests" in text(client.get(url))
    from api_guard.admin.grant_requests import listing

    monkeypatch.setattr(listing, "MOST_AT_ONCE", 2)
    answer = client.post(
        LIST,
        {"action": "decline", "_selected_action": [rows[0].pk], "select_across": "1"},
        follow=True,
    )
    assert messages(answer) == ["Select at most 2 requests."]


def test_an_address_that_names_nothing_says_so(nora, client):
    page = text(client.get(f"{LIST}decide/?request=abc&request=999999&request={'9' * 40}"))
    assert "None of these requests exists any more" in page
    assert client.get(f"{LIST}7777/change/").status_code == 302


# Everywhere


def test_the_pages_work_on_a_site_without_the_others(client, admin_user, alice):
    client.force_login(admin_user)
    asked = ask(alice)
    for url in (
        "/bare/api_guard/grantrequest/",
        f"/bare/api_guard/grantrequest/{asked.pk}/change/",
        f"/bare/api_guard/grantrequest/decide/?request={asked.pk}",
    ):
        page = text(client.get(url))
        assert "alice" in page
        assert 'href="/admin/' not in page
    for number in range(12):
        grants.grant("notes:read", Group.objects.create(name=f"{number}"), by=CODE)
    assert "and 3 other endpoints" in text(
        client.get(f"/bare/api_guard/grantrequest/{asked.pk}/change/")
    )


def test_keys_are_written_plainly_with_a_thousands_separator(nora, client, alice, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    asked = ask(alice)
    with recorded():
        GrantRequest.objects.filter(pk=asked.pk).update(id=1234567)
    asked.pk = 1234567
    assert f'href="{page_of(asked)}' in text(client.get(LIST))
    url = choose(client, "approve", [asked])
    assert page_of(asked) in text(client.get(url))
    assert "Granted until" in messages(client.post(url, {"expiry": "asked"}, follow=True))[0]


def test_users_without_groups_decide_too(alice):
    class Person:
        pk, is_active = 7, True

        def has_perm(self, name):
            return False

    class Request:
        user = Person()

    own = Own.of(Request())
    assert own.groups == frozenset()
    crew = GrantRequest(group=Group.objects.create(name="crew"))
    assert not own.has(crew)
    assert not own.has(GrantRequest(user=alice))


def test_the_number_of_queries_does_not_grow_with_the_rows(nora, client, alice, managing):
    def counts(rows):
        urls = [LIST, page_of(rows[0]), bulk.bulk_url(_admin(), "approve", [r.pk for r in rows])]
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as asked:
                text(client.get(url))
            found.append(len(asked))
        return found

    others = [managing(f"other {number}", "Notes") for number in range(3)]
    crew = Group.objects.create(name="crew")
    own = [ask(alice), ask(others[0], "notes:write")]
    grants.grant("notes:write", alice, by=CODE)
    grants.grant("notes:write", crew, by=CODE)
    alice.groups.add(crew)
    counts(own)
    few = counts(own)
    users = [get_user_model().objects.create(username=f"user{n:02}") for n in range(15)]
    for number, user in enumerate(users):
        own.append(ask(user))
        group = Group.objects.create(name=f"crew {number}")
        alice.groups.add(group)
        grants.grant("notes:write", group, by=CODE)
        grants.authorize(group, "Notes", by=CODE)
    many = counts(own)
    assert many == few
    assert max(many) <= 20, many
