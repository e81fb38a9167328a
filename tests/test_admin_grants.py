"""The pages of grants in the admin: who sees what, and what they say."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import Application

from api_guard import grants
from api_guard.admin.expiries import ExpiryForm, most_days
from api_guard.admin.forms import ReasonForm
from api_guard.admin.grant_columns import GrantColumns
from api_guard.admin.granting import moment, name_of
from api_guard.grants import System
from api_guard.models import Access, GrantRequest, LedgerRecord, ScopeGrant, ScopeUse, recorded
from api_guard.templatetags.api_guard_admin import in_words
from tests.admin_forms import ADD, LIST, choose, extend, giving, link, messages, revoke

pytestmark = pytest.mark.django_db

CODE = System("a test")
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "notes:write": {"description": "Change notes", "group": "Notes", "max_days": 30},
    "pay:read": {"description": "Read payments", "group": "Pay"},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
    "audit:read": "Read the audit",
}


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "EVERYONE_GROUP": "everyone"}


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def staff_with(client):
    """Sign in somebody with some of Django's permissions on grants."""

    def make(*actions):
        user = get_user_model().objects.create_user("sam", is_staff=True)
        names = [f"{action}_scopegrant" for action in actions]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)
        return user

    return make


@pytest.fixture
def nora(client):
    """Sign in a manager with nothing but an authority over the notes."""
    group = Group.objects.create(name="managers")
    grants.authorize(group, "Notes", by=CODE)
    user = get_user_model().objects.create_user("nora", is_staff=True)
    user.groups.add(group)
    client.force_login(user)
    return user


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def errors(response):
    return str(text_of(response) and response.context["errors"])


def rows_of(response):
    return {str(row) for row in response.context["cl"].result_list}


# Who may do what


def test_a_manager_with_nothing_but_an_authority_gives_and_takes_what_it_manages(
    nora, client, alice, application
):
    other = grants.grant("pay:read", alice, by=CODE)
    assert "Scope grants" in text_of(client.get("/admin/"))
    found = client.get(f"{LIST}grantees/", {"field_name": "grantees", "term": "al"}).json()
    assert found["results"] == [
        {"text": "Users", "children": [{"id": f"user:{alice.pk}", "text": "alice"}]}
    ]
    sent = giving(alice, application, scopes=["notes:read"], expiry="week")
    [said] = messages(client.post(ADD, sent, follow=True))
    assert said.startswith("Given until ")
    assert said.endswith(": notes:read to user alice, client app")
    page = client.get(LIST)
    assert rows_of(page) == {"notes:read for user alice", "notes:read for client app"}
    assert client.get(f"{LIST}{other.pk}/change/").status_code == 302  # no such grant for her
    assert "None of these grants" in text_of(client.get(choose(client, "revoke", [other.pk])))
    mine = grants.held(alice).get(scope="notes:read")
    assert "/revoke/?" in text_of(client.get(f"{LIST}{mine.pk}/change/"))
    assert messages(revoke(client, [mine.pk, other.pk])) == ["1 grant was revoked."]
    assert other in grants.held(alice)
    for url in ("/admin/auth/user/", "/admin/api_guard/grantauthority/"):
        assert client.get(url).status_code == 403


def test_an_authority_over_everything_shows_also_what_is_no_longer_declared(
    nora, client, alice, settings
):
    grants.authorize(nora.groups.get(), "*", by=CODE)
    row = grants.grant("pay:read", alice, by=CODE)
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": "Read"}}
    assert rows_of(client.get(LIST)) == {"pay:read for user alice"}
    assert messages(revoke(client, [row.pk])) == ["1 grant was revoked."]


def test_staff_that_may_only_view_see_everything_and_change_nothing(staff_with, client, alice):
    staff_with("view")
    row = grants.grant("notes:read", alice, by=CODE)
    page = text_of(client.get(LIST))
    assert "alice" in page
    for words in ('name="action"', "Give access", "End access of"):
        assert words not in page
    assert "/revoke/?" not in text_of(client.get(f"{LIST}{row.pk}/change/"))
    for url in (ADD, f"{LIST}revoke/", f"{LIST}extend/", f"{LIST}grantees/"):
        assert client.get(url).status_code == 403


def test_staff_that_may_only_add_see_the_form_alone_and_why_it_is_empty(staff_with, client):
    staff_with("add")
    page = text_of(client.get(ADD))
    assert "There is nothing that you may give" in page
    assert "You manage no scopes" in page
    assert client.get(LIST).status_code == 403


def test_staff_that_may_only_add_and_have_an_authority_for_it_give(staff_with, client, alice):
    user = staff_with("add")
    group = Group.objects.create(name="managers")
    grants.authorize(group, "Notes", by=CODE)
    user.groups.add(group)
    assert client.post(ADD, giving(alice, scopes=["notes:read"])).status_code == 302
    assert grants.held(alice).exists()


def test_staff_that_may_only_change_revoke_nothing_without_an_authority(staff_with, client, alice):
    staff_with("change")
    row = grants.grant("notes:read", alice, by=CODE)
    assert "alice" in text_of(client.get(LIST))
    assert client.get(ADD).status_code == 403
    assert messages(revoke(client, [row.pk])) == [
        "1 grant was not revoked: You may not grant or revoke 'notes:read'."
    ]
    assert grants.held(alice).get() == row


# The list


def test_the_list_says_in_words_who_may_do_what(root, alice, bob, application, admin_user):
    alice.first_name, alice.last_name = "Alice", "Liddell"
    alice.save()
    soon = timezone.now() + timedelta(days=2, minutes=1)
    grants.grant("notes:read", alice, by=admin_user, expires_at=soon, reason="a ticket")
    grants.grant("pay:read", bob, by=CODE)
    bob.is_active = False
    bob.save()
    page = text_of(root.get(LIST))
    for words in (
        "user <strong>Alice Liddell (alice)</strong>",
        'Read notes <span class="grants-quiet">notes:read</span>',
        '<span class="grants-state grants-ending">expiring soon</span>',
        ">in 2\xa0days</time>",
        "by root",
        "a ticket",
        '<span class="grants-state grants-inactive">without effect</span>',
        "the user is inactive",
        ">never<",
    ):
        assert words in page, words


def test_a_scope_that_is_not_declared_is_shown_by_its_name(root, alice, settings):
    grants.grant("pay:read", alice, by=CODE)
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": "Read"}}
    page = text_of(root.get(LIST))
    assert "the scope is not declared" in page
    assert rows_of(root.get(f"{LIST}?state=undeclared")) == {"pay:read for user alice"}


def test_the_list_is_filtered_by_state_use_and_kind(root, alice, bob, application):
    now = timezone.now()
    readers = Group.objects.create(name="readers")
    rows = {
        name: grants.grant(scope, grantee, by=CODE)
        for name, scope, grantee in (
            ("week", "notes:read", alice),
            ("month", "pay:read", alice),
            ("inactive", "notes:read", bob),
            ("used", "notes:read", application),
            ("unused", "notes:read", readers),
        )
    }
    bob.is_active = False
    bob.save()
    old = now - timedelta(days=100)
    with recorded():
        for name, values in (
            ("week", {"expires_at": now + timedelta(days=6)}),
            ("month", {"expires_at": now + timedelta(days=29)}),
            ("used", {"granted_at": old}),
            ("unused", {"granted_at": old}),
        ):
            ScopeGrant.objects.filter(pk=rows[name].pk).update(**values)
    ScopeUse.objects.create(grant=rows["used"], last_used_at=now)
    ScopeUse.objects.create(grant=rows["unused"], last_used_at=old)
    shown = {
        "state=live": set(rows),
        "state=week": {"week"},
        "state=month": {"week", "month"},
        "state=inactive": {"inactive"},
        "state=undeclared": set(),
        "state=nonsense": set(rows),
        "use=never": {"week", "month", "inactive"},
        "use=unused": {"unused"},
        "kind=user": {"week", "month", "inactive"},
        "kind=group": {"unused"},
        "kind=client": {"used"},
        "kind=nonsense": set(rows),
        "kind=user&use=never&state=month": {"week", "month"},
    }
    for query, names in shown.items():
        found = root.get(f"{LIST}?{query}").context["cl"].result_list
        assert set(found) == {rows[name] for name in names}, query


def test_a_grantee_is_found_by_every_name_it_has(root, alice, application):
    alice.first_name, alice.last_name, alice.email = "Alice", "Liddell", "al@example.com"
    alice.save()
    for grantee in (alice, application, Group.objects.create(name="the readers")):
        grants.grant("notes:read", grantee, by=CODE)
    of_alice = {"notes:read for user alice"}
    for said, found in (
        ("Liddell", of_alice),
        ("AL@example.com", of_alice),
        ("example.com", set()),
        ("readers", {"notes:read for group the readers"}),
        (application.client_id, {"notes:read for client app"}),
        (application.client_id[:9], set()),
    ):
        assert rows_of(root.get(LIST, {"q": said})) == found, said


def test_an_empty_list_says_what_to_do_next(root, client, alice, settings, staff_with):
    page = text_of(root.get(LIST))
    assert "Nobody has access yet" in page
    assert f'<a href="{ADD}">Give access</a>' in page
    page = text_of(root.get(f"{LIST}?q=nobody"))
    assert "No grant matches" in page
    assert f'<a href="{LIST}">Show all grants</a>' in page
    staff_with("add", "view")
    assert "You manage no scopes" in text_of(client.get(LIST))
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {}}
    assert "No scope is declared yet" in text_of(client.get(LIST))
    assert "nothing to give" in text_of(client.get(ADD))


def test_staff_that_may_only_view_an_empty_list_are_not_sent_to_a_form(staff_with, client):
    staff_with("view")
    page = text_of(client.get(LIST))
    assert "Nobody has access yet" in page
    assert "You manage no scopes" not in page


def test_the_number_of_queries_does_not_grow_with_the_rows(root, django_user_model):
    scopes = ("notes:read", "pay:read")
    counts = []
    for number in (1, 30):
        users = [django_user_model.objects.create_user(f"u{number}x{n}") for n in range(number)]
        grants.grant_many(grants.Offer(scopes, tuple(users), CODE))
        keys = list(ScopeGrant.objects.values_list("pk", flat=True))
        page = choose(root, "revoke", keys)
        urls = (LIST, f"{LIST}?q=u{number}", page, f"{LIST}{keys[0]}/change/", ADD)
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as asked:
                assert root.get(url).status_code == 200
            found.append(len(asked))
        counts.append(found)
    assert counts[0] == counts[1]
    assert max(counts[0]) < 16


# Giving


def test_the_form_names_what_is_special_about_a_scope(root):
    page = text_of(root.get(ADD))
    assert "<summary>Notes" in page
    assert "<summary>In no group" in page
    assert "two other users have to approve it" in page
    assert "at most 30 days" in page


def test_scopes_without_groups_and_many_scopes(root, settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": {"notes:read": "Read"}}
    page = text_of(root.get(ADD))
    assert "<details open>\n<summary>Scopes" in page
    assert "data-search" not in page
    groups = {f"s:{n}": {"description": "x", "group": f"Group {n % 3}"} for n in range(500)}
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": groups}
    page = text_of(root.get(link(scopes=["s:1", "s:4"])))
    assert page.count("<details>") == 2
    assert page.count("<details open>") == 1
    assert len(re.findall(r'name="scopes"[^>]* checked>', page)) == 2
    assert "<span data-picked>2</span>" in page
    assert "data-search" in page
    assert "s:7" not in text_of(root.get(LIST)).split("By scope")[0]


def test_a_link_to_the_form_chooses_whom_and_what(root, alice, bob, application):
    everyone = Group.objects.create(name="everyone")
    bob.is_active = False
    bob.save()
    page = text_of(
        root.get(link(user=[alice.pk, bob.pk], group=everyone.pk, client=application.pk))
    )
    for words in (
        f'<option value="user:{alice.pk}" selected>alice</option>',
        f'<option value="user:{bob.pk}" selected>bob (inactive)</option>',
        f'<option value="group:{everyone.pk}" selected>everyone (every active user)</option>',
        f'<option value="client:{application.pk}" selected>app</option>',
    ):
        assert words in page
    assert " selected>" not in text_of(root.get(link(user="nobody"))).split("id_scopes")[0]


def test_the_message_names_all_that_was_done_and_what_was_not(root, alice, bob, admin_user):
    later = timezone.now() + timedelta(days=3)
    grants.grant("notes:read", alice, by=CODE, expires_at=later)
    grants.grant("pay:read", bob, by=CODE)
    sent = giving(alice, bob, scopes=["notes:read", "pay:read", "pay:refund"], reason="x")
    said = messages(root.post(ADD, sent, follow=True))
    assert said == [
        "Given: pay:read to user alice; notes:read to user bob",
        "Requested. Two other users have to approve it: pay:refund to user alice, user bob",
        "Not given, because the grantee has it already, until "
        f"{moment(later)} (you can extend that): notes:read to user alice",
        "Not given, because the grantee has it already, and it does not expire: "
        "pay:read to user bob",
    ]
    assert admin_user.logentry_set.count() == 2
    assert GrantRequest.objects.count() == 2
    sent = giving(alice, bob, scopes=["pay:refund", "audit:read"], reason="x")
    said = messages(root.post(ADD, {**sent, "_addanother": "1"}, follow=True))
    assert said[0] == "Given: audit:read to user alice, user bob"
    assert "a request for it is open already" in said[1]


def test_an_error_names_the_scope_and_nothing_is_given(root, alice):
    sent = giving(alice, scopes=["notes:read", "notes:write"], expiry="never")
    assert "notes:write&#x27; can be granted for at most 30 days" in errors(root.post(ADD, sent))
    assert not ScopeGrant.objects.exists()
    assert root.post(ADD, {**sent, "expiry": "month"}).status_code == 302


def test_what_somebody_else_gives_at_the_same_moment_is_said(root, alice, monkeypatch):
    def fail(offer):
        raise grants.GrantError("meanwhile", "Nothing was granted: try again.")

    monkeypatch.setattr("api_guard.grants.grant_many", fail)
    response = root.post(ADD, giving(alice, scopes=["notes:read"]), follow=True)
    assert messages(response) == ["Nothing was granted: try again."]
    assert not ScopeGrant.objects.exists()


def test_an_end_is_offered_only_where_the_settings_allow_it(root, settings):
    page = text_of(root.get(ADD))
    assert 'value="never"' in page
    settings.API_GUARD = {**settings.API_GUARD, "MAX_GRANT_DAYS": 10}
    page = text_of(root.get(ADD))
    assert 'value="week"' in page
    for name in ("month", "never"):
        assert f'value="{name}"' not in page
    assert "at most 10 days" in page
    assert re.search(r'name="expires_on"[^>]* max="', page)
    limited = {"a": {"description": "A", "max_days": 3}, "b": {"description": "B", "max_days": 1}}
    settings.API_GUARD = {"SCOPES": limited}
    assert most_days(["a", "b"], of_all=False) == 3
    assert most_days(["a", "b"], of_all=True) == 1
    assert most_days([], of_all=True) is None
    form = ExpiryForm()
    form.limit(1)
    assert [value for value, _label in form.fields["expiry"].choices] == ["hour", "day", "date"]
    assert form.fields["expiry"].initial == "hour"


def test_a_date_ends_when_the_day_is_over_in_the_current_zone(root, alice, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    with timezone.override("Pacific/Auckland"):
        sent = giving(alice, scopes=["notes:read"], expiry="date", expires_on="2999-05-01")
        assert root.post(ADD, sent).status_code == 302
        end = grants.held(alice).get().expires_at
        auckland = ZoneInfo("Pacific/Auckland")
        assert end == datetime(2999, 5, 1, 23, 59, 59, tzinfo=auckland)
        assert "NZST" in in_words(end)
        assert moment(end).startswith("May 1, 2999")


def test_without_time_zones_it_ends_at_the_end_of_the_day_too(settings):
    settings.USE_TZ = False
    form = ExpiryForm({"expiry": "date", "expires_on": "2999-05-01"})
    form.limit(None)
    assert form.is_valid()
    assert form.cleaned_data["expires_at"] == datetime(2999, 5, 1, 23, 59, 59)  # noqa: DTZ001
    assert moment(form.cleaned_data["expires_at"]).startswith("May 1")
    assert "May 1, 2999" in in_words(form.cleaned_data["expires_at"])


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_a_day_that_another_zone_cannot_show_is_refused(root, alice, zone):
    row = grants.grant("pay:read", alice, by=CODE)
    with timezone.override(zone):
        for day in ("9999-12-31", "0001-01-01"):
            sent = giving(alice, scopes=["notes:read"], expiry="date", expires_on=day)
            assert root.post(ADD, sent).status_code == 200
            extend(root, [row.pk], expiry="date", expires_on=day)
    assert grants.held(alice).get().expires_at is None


# A grant's own page


def test_a_grant_shows_its_history_and_leads_to_what_can_be_done(root, alice, admin_user):
    row = grants.grant("notes:read", alice, by=admin_user, reason="a ticket")
    page = text_of(root.get(f"{LIST}{row.pk}/change/"))
    for words in ("notes:read for user alice", "/revoke/?", "/extend/?", "by root", "a ticket"):
        assert words in page, words
    assert 'name="_save"' not in page
    with recorded():
        ScopeGrant.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    page = text_of(root.get(f"{LIST}{row.pk}/change/"))
    assert ("/revoke/?" in page, "/extend/?" in page) == (True, False)
    grants.revoke(row, by=admin_user, reason="left")
    page = text_of(root.get(f"{LIST}{row.pk}/change/"))
    for words in (">revoked<", "left", "by root"):
        assert words in page
    assert "/revoke/?" not in page
    assert root.get(f"{LIST}999999/change/").status_code == 302


def test_the_history_has_an_entry_of_each_change(root, alice, admin_user):
    row = grants.grant("notes:read", alice, by=CODE)
    extend(root, [row.pk], expiry="day", reason="longer")
    extend(root, [row.pk], expiry="never")
    revoke(root, [row.pk], reason="left")
    page = text_of(root.get(f"{LIST}{row.pk}/history/"))
    for words in ("Expires at", "longer", "Never expires.", "Revoked. left"):
        assert words in page
    events = list(LedgerRecord.objects.order_by("id").values_list("event", flat=True))
    assert events == ["grant", "extend", "extend", "revoke"]


# Revoking and extending


def test_the_confirmation_says_what_stops_for_whom_and_when_it_was_used(
    root, alice, bob, application
):
    readers, everyone = (Group.objects.create(name=name) for name in ("readers", "everyone"))
    readers.user_set.add(alice, bob)
    for grantee in (alice, readers, everyone, application):
        grants.grant("notes:read", grantee, by=CODE)
    used = timezone.now() - timedelta(days=3, minutes=1)
    ScopeUse.objects.create(grant=ScopeGrant.objects.get(user=alice), last_used_at=used)
    keys = list(ScopeGrant.objects.values_list("pk", flat=True))
    page = text_of(root.get(choose(root, "revoke", keys)))
    for words in (
        "<strong>4 grants</strong> (1 of a user, 2 of groups, 1 of a client)",
        "Read notes",
        "2 active members",
        "every active user: 3",
        "3\xa0days ago",
        "The user has it also through: readers, everyone.",
        "autofocus",
    ):
        assert words in page, words


def test_many_are_counted_by_scope(root, alice, bob, monkeypatch):
    monkeypatch.setattr("api_guard.admin.changing.MOST_LISTED", 2)
    monkeypatch.setattr("api_guard.grants.summing._MOST_SCOPES", 2)
    scopes = ("notes:read", "pay:read", "audit:read")
    grants.grant_many(grants.Offer(scopes, (alice, bob), CODE))
    for row in ScopeGrant.objects.filter(scope="audit:read"):
        ScopeUse.objects.create(grant=row, last_used_at=timezone.now())
    page = text_of(root.get(choose(root, "revoke", [1], across=True)))
    for words in (
        "… and 4 more",
        "audit:read (Read the audit): 2, last used",
        "notes:read (Read notes): 2, never used",
        "and 1 other scope",
    ):
        assert words in page, words


def test_all_that_match_are_selected_however_many_and_none_that_come_later(root, alice, bob):
    grants.grant_many(grants.Offer(("notes:read", "pay:read"), (alice, bob), CODE))
    page = choose(root, "revoke", [1], query="?q=notes:read", across=True)
    late = grants.grant("notes:read", Group.objects.create(name="late"), by=CODE)
    assert messages(root.post(page, {"reason": "", "seen": 2}, follow=True)) == [
        "2 grants were revoked."
    ]
    assert set(ScopeGrant.objects.filter(live=1)) == {
        late,
        *ScopeGrant.objects.filter(scope="pay:read"),
    }


def test_a_selection_on_the_last_page_is_revoked_if_there_are_fewer_pages(root, monkeypatch):
    monkeypatch.setattr(site._registry[ScopeGrant], "list_per_page", 1)
    for name in ("first", "second", "third"):
        grants.grant("notes:read", Group.objects.create(name=name), by=CODE)
    page = choose(root, "revoke", [1], query="?state=live&p=3", across=True)
    grants.revoke(ScopeGrant.objects.get(group__name="first"), by=CODE)
    said = messages(root.post(page, {"reason": "", "seen": 3}, follow=True))
    assert said == ["2 grants were revoked."]


def test_what_comes_into_a_selection_meanwhile_is_shown_first(root, alice, bob):
    for user in (alice, bob):
        grants.grant("notes:read", user, by=CODE)
    bob.is_active = False
    bob.save()
    page = choose(root, "revoke", [1], query="?state=inactive", across=True)
    alice.is_active = False
    alice.save()
    again = text_of(root.post(page, {"reason": "left", "seen": 1}))
    assert "Meanwhile, there are more grants in this selection" in again
    assert 'name="seen" value="2"' in again
    assert grants.live().count() == 2
    for unseen in ({}, {"seen": "x"}):
        assert root.post(page, {"reason": "left", **unseen}).status_code == 200
    assert root.post(page, {"reason": "left", "seen": 2}).status_code == 302
    assert not grants.live().exists()


def test_a_selection_is_not_forged_old_or_of_somebody_else(root, client, alice, manager):
    row = grants.grant("notes:read", alice, by=CODE)
    page = choose(root, "revoke", [row.pk])
    forged = f"{LIST}revoke/?selection={signing.dumps(['1', [row.pk], '', 0])}"
    said = ["This selection is no longer valid. Select the grants again."]
    for url in (forged, f"{LIST}revoke/", f"{page}x"):
        assert messages(root.get(url, follow=True)) == said
    client.force_login(manager)
    assert messages(client.post(page, {"seen": 1}, follow=True)) == said
    assert grants.held(alice).exists()


def test_an_error_of_grants_is_shown_on_the_page(root, alice, monkeypatch):
    row = grants.grant("notes:read", alice, by=CODE)

    def fail(*args, **kwargs):
        raise grants.GrantError("nobody", "nobody acts")

    monkeypatch.setattr("api_guard.grants.revoke_many", fail)
    assert "nobody acts" in text_of(revoke(root, [row.pk]))


def test_nothing_is_changed_if_the_history_cannot_be_written(root, alice, monkeypatch):
    row = grants.grant("notes:read", alice, by=CODE)

    def fail(*args, **kwargs):
        raise RuntimeError("the history is full")

    monkeypatch.setattr("api_guard.admin.granting.LogEntry.objects.log_actions", fail)
    with pytest.raises(RuntimeError):
        revoke(root, [row.pk])
    assert grants.get(row.pk).is_live()
    assert not LedgerRecord.objects.filter(event="revoke").exists()


def test_a_thousands_separator_breaks_nothing(root, alice, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    with recorded():
        ScopeGrant.objects.create(pk=1234567, scope="notes:read", user=alice)
        ScopeGrant.objects.create(pk=1234568, scope="pay:read", user=alice)
    assert 'value="1234567"' in text_of(root.get(LIST))
    for query in ("", "?use=never"):
        page = choose(root, "extend", [1234567, 1234568], across=bool(query), query=query)
        assert 'name="seen" value="2"' in text_of(root.get(page))
    assert "/1234567/history/" in text_of(root.get(f"{LIST}1234567/change/"))
    assert messages(revoke(root, [1234567, 1234568])) == ["2 grants were revoked."]


def test_a_list_of_more_than_a_thousand_is_revoked_at_once(root, alice):
    names = [f"user{number:04}" for number in range(1100)]
    users = get_user_model().objects.bulk_create(get_user_model()(username=n) for n in names)
    with recorded():
        ScopeGrant.objects.bulk_create(ScopeGrant(scope="notes:read", user=u) for u in users)
    page = text_of(root.get(LIST))
    assert "Select all 1000 scope grants, and all others that match" in page
    assert messages(revoke(root, [1], across=True, seen=1100)) == ["1100 grants were revoked."]
    assert LedgerRecord.objects.filter(event="revoke").count() == 1100


# Parts


def test_a_grant_leads_to_the_page_of_its_grantee_where_there_is_one(root, alice, monkeypatch):
    grants.grant("notes:read", alice, by=CODE)
    found = f"/admin/api_guard/access/user/{alice.pk}/"
    assert f'<a href="{found}">user <strong>alice' in text_of(root.get(LIST))
    page = text_of(root.get(choose(root, "revoke", [grants.held(alice).get().pk])))
    assert f'<a href="{found}">user alice</a>' in page
    assert '<a href="/admin/api_guard/scope/notes_3Aread/">notes:read</a>' in page
    monkeypatch.delitem(site._registry, Access)
    assert f'href="{found}"' not in text_of(root.get(LIST))


def test_what_has_no_name_is_said(alice):
    assert name_of(None) == "nobody"
    assert moment(None) == "never"
    assert GrantColumns().held_by(ScopeGrant(scope="x")) == "—"


def test_times_are_told_in_words():
    now = timezone.now()
    assert ">now</time>" in in_words(now)
    assert ">in 3\xa0days</time>" in in_words(now + timedelta(days=3, minutes=5))
    assert ">3\xa0days ago</time>" in in_words(now - timedelta(days=3, minutes=5))
    # What was given a moment ago lasts as long as was chosen.
    second = timedelta(seconds=5)
    assert ">in 1\xa0hour</time>" in in_words(now + timedelta(hours=1) - second)
    assert ">in 1\xa0day</time>" in in_words(now + timedelta(days=1) - second)
    assert ">in 1\xa0week</time>" in in_words(now + timedelta(days=7) - second)
    assert in_words(None, "never") == "never"


def test_grantees_of_all_kinds_are_found_at_once(root, alice):
    Group.objects.create(name="all of us")
    Application.objects.create(name="alarm", client_id="known-id")
    found = root.get(f"{LIST}grantees/", {"field_name": "grantees", "term": "al"}).json()
    assert [(each["text"], len(each["children"])) for each in found["results"]] == [
        ("Users", 1),
        ("Groups", 1),
        ("Clients", 1),
    ]
    found = root.get(f"{LIST}grantees/", {"field_name": "grantees", "term": "known-id"}).json()
    assert [each["children"][0]["text"] for each in found["results"]] == ["alarm"]
    get_user_model().objects.bulk_create(
        get_user_model()(username=f"albert{number:02}") for number in range(25)
    )
    asked = {"field_name": "grantees", "term": "albert"}
    pages = [root.get(f"{LIST}grantees/", {**asked, "page": n}).json() for n in (1, 2)]
    assert [page["pagination"]["more"] for page in pages] == [True, False]


def test_a_reason_that_no_database_stores_is_refused():
    form = ReasonForm({"reason": "\ud800"})
    assert form.errors.as_data()["reason"][0].code == "surrogate"
