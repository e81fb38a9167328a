"""What a manager with less than full rights can do in the admin, by every way there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.urls import clear_url_caches, path
from django.utils import timezone

from api_guard import grants
from api_guard.admin.grantees import display_name, has_column
from api_guard.grants import System
from api_guard.models import (
    GrantAuthority,
    GrantRequest,
    LedgerDetail,
    LedgerRecord,
    RateOverride,
    ScopeGrant,
    recorded,
)
from tests.admin_forms import ADD, LIST, choose, extend, giving, messages, revoke

CODE = System("a test")
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


def errors(response):
    assert response.status_code == 200
    return str(response.context["errors"])


def test_a_manager_is_offered_and_gives_what_it_manages(nora, client, alice):
    page = client.get(ADD).content.decode()
    assert "Read notes <code>notes:read</code>" in page
    assert "pay:read" not in page
    assert client.post(ADD, giving(alice, scopes=["notes:read"])).status_code == 302
    assert grants.held(alice).get().granted_by == nora


def test_a_crafted_form_gives_nothing_else_and_is_logged(nora, client, alice, caplog):
    everyone = Group.objects.create(name="everyone")
    for values, said in (
        (giving(alice, scopes=["pay:read"]), "You may not grant or revoke"),
        (giving(alice, scopes=["notes:read", "pay:read"]), "You may not grant or revoke"),
        (giving(everyone, scopes=["notes:read"]), "to everyone"),
        (giving(nora, scopes=["notes:read"]), "to yourself"),
        (giving(nora.groups.get(), scopes=["notes:read"]), "is your own group"),
    ):
        assert said in errors(client.post(ADD, values))
    assert not ScopeGrant.objects.exists()
    assert caplog.text.count(f"Refused to user {nora.pk}") == 5


def test_a_grant_of_another_s_scopes_is_neither_extended_nor_revoked(nora, client, alice):
    row = grants.grant("pay:read", alice, by=CODE)
    page = f"{LIST}{row.pk}/change/"
    shown = client.get(page).content.decode()
    assert "Save" not in shown
    assert "/revoke/?" not in shown
    assert client.post(page, {}).status_code == 403
    said = messages(revoke(client, [row.pk], query="?state=live"))
    assert said == ["1 grant was not revoked: You may not grant or revoke 'pay:read'."]
    said = messages(extend(client, [row.pk], expiry="day"))
    assert said == ["1 grant was not changed: You may not grant or revoke 'pay:read'."]
    assert (
        "You may not change this one"
        in client.get(choose(client, "revoke", [row.pk])).content.decode()
    )
    ending = {"user": alice.pk, "client": "", "reason": "", "revoke_grants": "on"}
    ended = client.post(f"{LIST}end-access/", {**ending, "revoke_tokens": "on"})
    assert "You may not grant or revoke" in ended.content.decode()
    assert grants.held(alice).get() == row
    assert not LedgerRecord.objects.filter(event="end_access").exists()


@pytest.mark.parametrize("query", ["", "?state=live", "?q=alice", "?scope__exact=pay:read", "?e=1"])
def test_an_action_on_a_filtered_list_takes_nothing_of_another_s(
    nora, client, alice, bob, query, caplog
):
    mine, other = (grants.grant(scope, alice, by=CODE) for scope in ("notes:read", "pay:read"))
    for across in (False, True):
        revoke(client, [mine.pk, other.pk], query=query, across=across)
    assert other in grants.held(alice)
    refused = f"Refused to user {nora.pk}: You may not grant or revoke 'pay:read'."
    assert caplog.text.count(refused) == 2
    assert not LedgerRecord.objects.filter(event="revoke", content__contains="pay:read").exists()
    chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    client.post(f"{LIST}{query}", chosen)
    assert ScopeGrant.objects.count() == 2
    assert list(grants.differences()) == []


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
    values = giving(nora, scopes=["notes:read"], reason="fire", expiry="hour")
    assert client.post(ADD, values).status_code == 302
    assert grants.held(nora).get().is_break_glass


def test_break_glass_is_flagged_in_the_list(nora, client):
    soon = timezone.now() + timedelta(minutes=30)
    grants.grant("notes:read", nora, by=nora, expires_at=soon, reason="incident")
    assert ">break-glass<" in client.get(LIST).content.decode()
    with recorded():
        ScopeGrant.objects.update(expires_at=timezone.now())
    page = client.get(LIST).content.decode()
    assert ">break-glass<" not in page
    assert ">expired<" in page


def test_a_mixed_form_gives_what_it_may_and_asks_for_the_rest(managing, client, alice):
    client.force_login(managing("a", "Pay"))
    chosen = giving(alice, scopes=["pay:refund", "pay:read"])
    said = messages(client.post(ADD, chosen, follow=True))
    assert len(said) == 2
    assert [row.scope for row in grants.held(alice)] == ["pay:read"]
    assert GrantRequest.objects.get().scope == "pay:refund"


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


@pytest.mark.parametrize("way", ["list", "row"])
def test_an_authority_is_taken_back_after_a_page_that_asks_why(managing, manager, client, way):
    managing("nora", "Notes")
    row = GrantAuthority.objects.get()
    client.force_login(manager)
    url, values = f"{AUTHORITIES}{row.pk}/delete/", {}
    if way == "list":
        url, values = AUTHORITIES, {"action": "delete_selected", "_selected_action": [row.pk]}
        assert "Take the selected authorities back" in client.get(AUTHORITIES).content.decode()
    page = (client.post(url, values) if values else client.get(url)).content.decode()
    for said in ("group of nora", "notes:read", 'name="reason"', "What they gave stays"):
        assert said in page
    values["post"] = "yes"
    for reason in ("\0", "x" * 501):
        assert "reason" in errors(client.post(url, {**values, "reason": reason}))
    assert GrantAuthority.objects.get() == row
    done = client.post(url, {**values, "reason": "the team is gone"}, follow=True)
    assert messages(done) == ["1 authority was taken back."]
    assert not GrantAuthority.objects.exists()
    record = LedgerRecord.objects.get(event="deauthorize")
    said = LedgerDetail.objects.get(record=record.pk, part="reason")
    assert said.text == "the team is gone"
    entry = LogEntry.objects.get()
    assert (entry.action_flag, entry.object_id) == (DELETION, str(row.pk))
    # Somebody else was faster.
    done = client.get(f"{AUTHORITIES}{row.pk}/delete/", follow=True)
    assert messages(done) == ["This authority was taken back already."]


def test_what_was_taken_back_meanwhile_is_said(managing, manager, client, monkeypatch):
    managing("nora", "Notes")
    row = GrantAuthority.objects.get()
    client.force_login(manager)
    own = grants.deauthorize

    def twice(authority, **said):
        own(authority, **said)
        own(authority, **said)

    monkeypatch.setattr(grants, "deauthorize", twice)
    page = client.post(f"{AUTHORITIES}{row.pk}/delete/", {"post": "yes", "reason": ""})
    assert "This authority does not exist" in page.content.decode()
    # All or nothing.
    assert GrantAuthority.objects.get() == row
    assert not LogEntry.objects.exists()


def test_nobody_else_does(managing, client):
    names = [f"{action}_grantauthority" for action in ("add", "change", "view", "delete")]
    nora = managing("nora", "Notes", *names)
    client.force_login(nora)
    row = GrantAuthority.objects.get()
    for url in ("add/", f"{row.pk}/delete/"):
        assert client.get(f"{AUTHORITIES}{url}").status_code == 403
    values = {"group": nora.groups.get().pk, "scope_group": "*", "reason": ""}
    assert client.post(f"{AUTHORITIES}add/", values).status_code == 403
    assert client.post(f"{AUTHORITIES}{row.pk}/change/", values).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(AUTHORITIES, chosen)
    assert GrantAuthority.objects.get() == row


def test_who_may_view_authorities_sees_them_in_words_and_others_do_not(managing, client, staff):
    nora = managing("nora", "Notes")
    with recorded():
        group = nora.groups.get()
        GrantAuthority.objects.create(group=group, scope_group="*")
        gone = GrantAuthority(group=group, scope_group="Gone")
        GrantAuthority.objects.bulk_create([gone])  # its group of scopes is no longer declared
    client.force_login(nora)
    assert client.get(AUTHORITIES).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_grantauthority"))
    client.force_login(staff)
    page = client.get(AUTHORITIES).content.decode()
    for said in ("group of nora", "notes:read", "every scope", "no scope now"):
        assert said in page
    assert page.count('<td class="field-members">1</td>') == 3
    row = GrantAuthority.objects.first()
    page = client.get(f"{AUTHORITIES}{row.pk}/change/").content.decode()
    assert "_save" not in page


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
    assert page.count("data-minimum-input-length") == 1
    assert page.count(f'data-ajax--url="{LIST}grantees/"') == 1


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
    assert has_column(get_user_model(), "first_name")
    assert not has_column(Group, "first_name")


def test_of_a_very_long_search_only_the_first_words_count(nora, client, alice):
    assert found(client, "user", "al " * 1500) == ["alice"]


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


# The page that ends access


@pytest.fixture
def lena(client):
    """Sign in a manager with nothing but an authority over the notes."""
    group = Group.objects.create(name="managers")
    grants.authorize(group, "Notes", by=CODE)
    user = get_user_model().objects.create_user("lena", is_staff=True)
    user.groups.add(group)
    client.force_login(user)
    return user


def ended(client, user, **what):
    form = {"user": user.pk, "client": "", "reason": "", **dict.fromkeys(what, "on")}
    return client.post(f"{LIST}end-access/", form, follow=True)


def test_a_manager_ends_no_tokens_of_who_holds_more_than_it_manages(
    lena, client, alice, admin_user, issue
):
    token = issue("notes:read", user=alice)
    grants.grant("notes:read", alice, by=CODE)
    team = Group.objects.create(name="team")
    alice.groups.add(team)
    row = grants.grant("pay:read", team, by=CODE)
    for user in (alice, admin_user):  # the other one holds nothing
        page = ended(client, user, revoke_tokens="on").content.decode()
        assert "You may not end all access of this user or client." in page
    assert type(token).objects.filter(pk=token.pk).exists()
    assert not LedgerRecord.objects.filter(event="end_access").exists()
    grants.revoke(row, by=CODE)
    assert messages(ended(client, alice, revoke_tokens="on")) == ["Revoked 1 token of alice."]


def test_a_manager_does_not_learn_what_else_somebody_holds(lena, client, alice):
    grants.grant("notes:read", alice, by=CODE)
    grants.grant("pay:read", alice, by=CODE)
    page = ended(client, alice, revoke_grants="on").content.decode()
    assert "You may not end all access of this user or client." in page
    assert "pay:read" not in page
    assert grants.held(alice).count() == 2


def test_who_gives_every_scope_ends_the_tokens_of_who_holds_none(admin_user, client, alice, issue):
    issue("notes:read", user=alice)
    client.force_login(admin_user)
    assert messages(ended(client, alice, revoke_tokens="on")) == ["Revoked 1 token of alice."]
