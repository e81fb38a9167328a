"""What a manager with less than full rights can do in the admin, by every way there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.urls import clear_url_caches, path
from django.utils import timezone

from api_guard import grants
from api_guard.admin.grantees import _has, display_name
from api_guard.grants import System
from api_guard.models import (
    GrantAuthority,
    GrantRequest,
    LedgerRecord,
    RateOverride,
    ScopeGrant,
    recorded,
)

CODE = System("a test")
LIST = "/admin/api_guard/scopegrant/"
ADD = f"{LIST}add/"
REQUESTS = "/admin/api_guard/grantrequest/"
AUTHORITIES = "/admin/api_guard/grantauthority/"
SCOPES = {
    "notes:read": {"description": "Read notes", "group": "Notes"},
    "pay:read": {"description": "Read payments", "group": "Pay"},
    "pay:refund": {"description": "Refund", "group": "Pay", "sensitive": True},
}


class GrantInline(admin.TabularInline):
    model = ScopeGrant
    fk_name = "user"
    fields = ("scope",)
    extra = 1


class UserWithGrants(UserAdmin):
    inlines = [GrantInline]


other = admin.AdminSite("other")
other.register(get_user_model(), UserWithGrants)
urlpatterns = [path("admin/", admin.site.urls), path("other/", other.urls)]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _scopes(settings):
    settings.API_GUARD = {**settings.API_GUARD, "SCOPES": SCOPES, "EVERYONE_GROUP": "everyone"}
    clear_url_caches()


@pytest.fixture
def managing(db):
    def make(name, scope_group, *others):
        group = Group.objects.create(name=f"group of {name}")
        grants.authorize(group, scope_group, by=CODE)
        user = get_user_model().objects.create_user(name, is_staff=True)
        user.groups.add(group)
        names = [f"{action}_scopegrant" for action in ("add", "change", "view")]
        user.user_permissions.set(Permission.objects.filter(codename__in=[*names, *others]))
        return user

    return make


@pytest.fixture
def nora(managing, client):
    user = managing("nora", "Notes")
    client.force_login(user)
    return user


def form(**values):
    empty = {"user": "", "group": "", "client": "", "expires_at_0": "", "expires_at_1": ""}
    return {**empty, "reason": "", **values}


def errors(response):
    assert response.status_code == 200
    return str(response.context["errors"])


def messages(response):
    return [str(message) for message in response.context["messages"]]


def test_a_manager_is_offered_and_gives_what_it_manages(nora, client, alice):
    page = client.get(ADD).content.decode()
    assert "Read notes (notes:read)" in page
    assert "pay:read" not in page
    assert client.post(ADD, form(scopes=["notes:read"], user=alice.pk)).status_code == 302
    assert grants.held(alice).get().granted_by == nora


def test_a_crafted_form_gives_nothing_else_and_is_logged(nora, client, alice, caplog):
    everyone = Group.objects.create(name="everyone")
    for values, said in (
        ({"scopes": ["pay:read"], "user": alice.pk}, "You may not grant or revoke"),
        ({"scopes": ["notes:read", "pay:read"], "user": alice.pk}, "You may not grant or revoke"),
        ({"scopes": ["notes:read"], "group": everyone.pk}, "to everyone"),
        ({"scopes": ["notes:read"], "user": nora.pk}, "to yourself"),
        ({"scopes": ["notes:read"], "group": nora.groups.get().pk}, "is your own group"),
    ):
        assert said in errors(client.post(ADD, form(**values)))
    assert not ScopeGrant.objects.exists()
    assert caplog.text.count(f"Refused to user {nora.pk}") == 5


def test_a_grant_of_another_s_scopes_is_neither_extended_nor_revoked(nora, client, alice):
    row = grants.grant("pay:read", alice, by=CODE)
    page = f"{LIST}{row.pk}/change/"
    assert "Save" not in client.get(page).content.decode()
    assert client.post(page, form(expires_at_0="2999-01-01")).status_code == 403
    chosen = {"action": "revoke", "_selected_action": [row.pk], "confirmed": "yes", "reason": ""}
    said = messages(client.post(f"{LIST}?state=live", chosen, follow=True))
    assert said == ["You may not grant or revoke 'pay:read'."]
    ending = {"user": alice.pk, "client": "", "reason": "", "revoke_grants": "on"}
    ended = client.post(f"{LIST}end-access/", {**ending, "revoke_tokens": "on"})
    assert "You may not grant or revoke" in ended.content.decode()
    assert grants.held(alice).get() == row
    assert not LedgerRecord.objects.filter(event="end_access").exists()


def test_an_inline_gives_nothing(admin_user, client, alice):
    client.force_login(admin_user)
    page = f"/other/auth/user/{alice.pk}/change/"
    fields = client.get(page).context["adminform"].form.initial
    rows = {
        "username": "alice",
        "date_joined_0": fields["date_joined"].date(),
        "date_joined_1": fields["date_joined"].time().replace(microsecond=0),
        "scope_grants-TOTAL_FORMS": 1,
        "scope_grants-INITIAL_FORMS": 0,
        "scope_grants-0-scope": "pay:read",
        "scope_grants-0-user": alice.pk,
    }
    answer = client.post(page, rows)
    assert "Use api_guard.grants" in answer.content.decode()
    assert not ScopeGrant.objects.exists()


def test_a_membership_gives_nothing_by_the_page_of_users(managing, client, alice):
    nora = managing("nora", "Notes", "change_user", "view_user")
    payers = Group.objects.create(name="payers")
    grants.grant("pay:read", payers, by=CODE)
    client.force_login(nora)
    page = f"/admin/auth/user/{alice.pk}/change/"
    joined = alice.date_joined
    values = {
        "username": "alice",
        "groups": [payers.pk],
        "date_joined_0": joined.date(),
        "date_joined_1": joined.time().replace(microsecond=0),
    }
    assert client.post(page, values).status_code == 403
    assert not alice.groups.exists()


def test_break_glass_in_the_admin_takes_a_reason_and_an_hour(nora, client):
    soon = timezone.localtime(timezone.now() + timedelta(minutes=50))
    moment = {"expires_at_0": soon.date(), "expires_at_1": soon.time().replace(microsecond=0)}
    values = form(scopes=["notes:read"], user=nora.pk, reason="fire", **moment)
    assert client.post(ADD, values).status_code == 302
    assert grants.held(nora).get().is_break_glass


# Requests


def test_a_sensitive_scope_is_asked_for_and_approved_in_the_admin(managing, client, alice):
    asks, first, second, nora = (
        managing(name, group)
        for name, group in (("a", "Pay"), ("b", "Pay"), ("c", "Pay"), ("nora", "Notes"))
    )
    client.force_login(asks)
    chosen = form(scopes=["pay:refund"], user=alice.pk, reason="a case")
    said = messages(client.post(ADD, chosen, follow=True))
    assert said == ["Requested. Two other users have to approve it: pay:refund for user alice."]
    assert "already" in errors(client.post(ADD, chosen))
    row = GrantRequest.objects.get()
    approve = {"action": "approve", "_selected_action": [row.pk]}
    for user, outcome in (
        (asks, "You cannot approve a request by you"),
        (nora, "You may not grant or revoke"),
        (first, "Approved. One more approval is needed"),
        (second, "Granted: pay:refund for user alice"),
        (second, "is already decided"),
    ):
        client.force_login(user)
        [said] = messages(client.post(REQUESTS, approve, follow=True))
        assert outcome in said
    assert grants.held(alice).get().granted_by == second
    assert "Refund" in client.get(REQUESTS).content.decode()
    assert client.get(f"{REQUESTS}{row.pk}/change/").status_code == 200


def test_a_request_shows_who_asked_who_approved_and_how_it_stands(managing, client, alice):
    one, two = managing("one", "Pay"), managing("two", "Pay")
    later = timezone.now() + timedelta(days=1)
    asked = grants.grant("pay:refund", alice, by=one, expires_at=later, reason="month end")
    grants.approve(asked, by=two)
    client.force_login(one)
    for url in (REQUESTS, f"{REQUESTS}{asked.pk}/change/"):
        page = client.get(url).content.decode()
        for said in ("month end", "user alice", ">two<", ">one<", ">open<"):
            assert said in page, (url, said)
    assert ">Refund<" in page
    ages_ago = timezone.now() - timedelta(days=15)
    with recorded():
        GrantRequest.objects.update(asked_at=ages_ago)
    assert "too old" in client.get(REQUESTS).content.decode()
    grants.decline(grants.grant("pay:refund", alice, by=one, expires_at=later), by=one)
    page = client.get(REQUESTS).content.decode()
    assert ">declined<" in page
    assert "—" in page


def test_break_glass_is_flagged_in_the_list(nora, client):
    soon = timezone.now() + timedelta(minutes=30)
    grants.grant("notes:read", nora, by=nora, expires_at=soon, reason="incident")
    assert "live, break-glass" in client.get(LIST).content.decode()
    with recorded():
        ScopeGrant.objects.update(expires_at=timezone.now())
    page = client.get(LIST).content.decode()
    assert "live, break-glass" not in page
    assert ">expired<" in page


def test_a_mixed_form_gives_what_it_may_and_asks_for_the_rest(managing, client, alice):
    client.force_login(managing("a", "Pay"))
    chosen = form(scopes=["pay:refund", "pay:read"], user=alice.pk)
    said = messages(client.post(ADD, chosen, follow=True))
    assert len(said) == 2
    assert [row.scope for row in grants.held(alice)] == ["pay:read"]
    assert GrantRequest.objects.get().scope == "pay:refund"


def test_a_request_is_declined_in_the_admin_and_never_deleted(managing, client, alice, staff):
    asks = managing("a", "Pay")
    asked = grants.grant("pay:refund", alice, by=asks)
    client.force_login(asks)
    decline = {"action": "decline", "_selected_action": [asked.pk]}
    assert messages(client.post(REQUESTS, decline, follow=True)) == [
        "Declined: pay:refund for user alice."
    ]
    assert client.post(f"{REQUESTS}{asked.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{REQUESTS}add/").status_code == 403
    client.force_login(staff)
    assert client.get(REQUESTS).status_code == 403


# Authorities


def test_who_gives_any_scope_says_who_manages_which(manager, client):
    client.force_login(manager)
    readers = Group.objects.create(name="readers")
    values = {"group": readers.pk, "scope_group": "Notes", "reason": "asked"}
    assert client.post(f"{AUTHORITIES}add/", values).status_code == 302
    row = GrantAuthority.objects.get()
    assert "already" in errors(client.post(f"{AUTHORITIES}add/", values))
    assert "valid choice" in errors(
        client.post(f"{AUTHORITIES}add/", {**values, "scope_group": "x"})
    )
    assert client.get(f"{AUTHORITIES}{row.pk}/change/").status_code == 200
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    assert client.post(AUTHORITIES, chosen).status_code == 302
    assert not GrantAuthority.objects.exists()
    events = LedgerRecord.objects.values_list("event", flat=True)
    assert {"authorize", "deauthorize"} <= set(events)
    client.post(f"{AUTHORITIES}add/", values)
    row = GrantAuthority.objects.get()
    assert client.post(f"{AUTHORITIES}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not GrantAuthority.objects.exists()


def test_nobody_else_does(managing, client):
    names = [f"{action}_grantauthority" for action in ("add", "change", "view", "delete")]
    nora = managing("nora", "Notes", *names)
    client.force_login(nora)
    row = GrantAuthority.objects.get()
    for url in ("", "add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert client.get(f"{AUTHORITIES}{url}").status_code == 403
    values = {"group": nora.groups.get().pk, "scope_group": "*", "reason": ""}
    assert client.post(f"{AUTHORITIES}add/", values).status_code == 403
    assert GrantAuthority.objects.get() == row


def test_another_limit_is_given_by_who_manages_every_scope(managing, client, alice):
    names = [f"{action}_rateoverride" for action in ("add", "change", "view", "delete")]
    override = RateOverride.objects.create(name="budget:api/h", limit=5, user=alice)
    pages = [f"/admin/api_guard/rateoverride/{url}" for url in ("add/", f"{override.pk}/delete/")]
    for name, group, status in (("nora", "Notes", 403), ("boss", "*", 200)):
        client.force_login(managing(name, group, *names))
        assert [client.get(page).status_code for page in pages] == [status, status]


# Whom to give it to


def found(client, kind, term, **query):
    answer = client.get(f"{LIST}grantees/", {"field_name": kind, "term": term, **query})
    return [row["text"] for row in answer.json()["results"]]


def test_a_manager_finds_users_groups_and_clients_by_two_letters_and_sees_names_alone(
    nora, client, alice, application
):
    alice.first_name, alice.last_name, alice.email = "Alice", "Liddell", "secret@example.com"
    alice.save()
    assert found(client, "user", "li") == ["Alice Liddell (alice)"]
    assert found(client, "user", "lid ali") == ["Alice Liddell (alice)"]
    assert found(client, "user", "secret") == []
    assert found(client, "group", "of nora") == ["group of nora"]
    assert found(client, "client", "app") == ["app"]
    for kind, term in (("user", "a"), ("user", " "), ("owner", "alice"), ("user", "al\x00")):
        assert found(client, kind, term) == []
    page = client.get(ADD).content.decode()
    assert page.count("data-minimum-input-length") == 3
    assert page.count(f'data-ajax--url="{LIST}grantees/"') == 3


def test_what_a_person_calls_somebody_tells_no_address_of_mail():
    class Mailed(get_user_model()):
        USERNAME_FIELD = "email"

        class Meta:
            proxy = True
            app_label = "tests"

    named = Mailed(email="secret@example.com", first_name="Alice")
    assert display_name(named) == "Alice"
    assert display_name(get_user_model()(username="bob")) == "bob"


def test_a_user_is_found_by_the_columns_that_there_are():
    assert _has(get_user_model(), "first_name")
    assert not _has(Group, "first_name")


def test_many_are_found_page_by_page(nora, client):
    get_user_model().objects.bulk_create(
        get_user_model()(username=f"user{number:02}") for number in range(25)
    )
    assert len(found(client, "user", "user")) == 20
    assert found(client, "user", "user", page="2")[-1] == "user24"
    for page in ("x", "-1", "9" * 30, "²"):
        assert len(found(client, "user", "user", page=page)) == 20


def test_who_gives_nothing_finds_nobody(client, staff):
    client.force_login(staff)
    assert (
        client.get(f"{LIST}grantees/", {"field_name": "user", "term": "alice"}).status_code == 403
    )
