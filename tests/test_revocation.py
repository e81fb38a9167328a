"""A revoke ends access on the next request, whoever revokes, what, and from where."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import AsyncClient
from django.urls import include, path
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Application,
    DeviceGrant,
    Grant,
    IDToken,
    RefreshToken,
)
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import grants, guard, tokens
from tests.urls import urlpatterns as base

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

PAGE = "/admin/api_guard/scopegrant/end-access/"


@guard(read="notes:read")
@api_view(["GET"])
def notes(request):
    return Response("notes")


urlpatterns = [path("notes", notes), path("", include(base))]


@pytest.fixture
def access(alice, application, give):
    """A pair of tokens, a code, an ID token and a device code of alice and her client."""
    for grantee in (alice, application):
        give(grantee, "notes:read")
    later = timezone.now() + timedelta(hours=1)
    own = {"user": alice, "application": application}
    token = AccessToken.objects.create(token="access", scope="notes:read", expires=later, **own)
    RefreshToken.objects.create(
        token="refresh", access_token=token, token_family=uuid.uuid4(), **own
    )
    Grant.objects.create(code="code", expires=later, redirect_uri="", scope="notes:read", **own)
    IDToken.objects.create(jti=uuid.uuid4(), expires=later, scope="openid", **own)
    DeviceGrant.objects.create(
        user=alice,
        client_id=application.client_id,
        device_code="device",
        user_code="user",
        scope="notes:read",
        expires=later,
    )
    return "access"


def is_over():
    """Whether nothing is left that is a token or could become one."""
    live = RefreshToken.objects.filter(revoked__isnull=True)
    rest = (model.objects.all() for model in (AccessToken, Grant, IDToken, DeviceGrant))
    return not any(rows.exists() for rows in (live, *rest))


def test_every_token_of_a_user_or_a_client_ends(api, alice, application, access):
    api.by_token(access)
    assert api.get("/notes").status_code == 200
    assert tokens.revoke_tokens(application, reason="stolen") == 5
    assert is_over()
    assert api.get("/notes").status_code == 401
    assert tokens.revoke_tokens(alice) == 0
    with pytest.raises(TypeError):
        tokens.revoke_tokens(Group.objects.create(name="writers"))


def test_the_tokens_of_others_live_on(api, bob, access, application, issue):
    other = Application.objects.create(
        client_id="other", client_type="public", authorization_grant_type="authorization-code"
    )
    tokens.revoke_tokens(bob)
    tokens.revoke_tokens(other)
    assert api.by_token(access).get("/notes").status_code == 200
    assert not is_over()


def test_every_grant_of_a_grantee_ends(api, alice, application, access, manager):
    group = Group.objects.create(name="readers")
    grants.grant("audit:read", group, by=grants.System("a test"))
    api.by_token(access)
    assert grants.revoke_all(alice, by=manager, reason="left") == 1
    assert api.get("/notes").json()["code"] == "insufficient_scope"
    assert grants.revoke_all(alice, by=grants.System("a test")) == 0
    assert grants.revoke_all(group, by=grants.System("a test")) == 1
    row = alice.scope_grants.get()
    assert (row.revoked_by, row.revoked_reason) == (manager, "left")
    assert grants.held(application).count() == 1
    with pytest.raises(grants.GrantError):
        grants.revoke_all(Group(name="not saved"), by=grants.System("a test"))


@pytest.mark.skipif(
    RefreshToken._meta.get_field("token_checksum").unique, reason="version 4.0 forbids them"
)
def test_two_rows_of_one_checksum_end_too(access, alice, application):
    """Nothing forbids them while they live, and one moment cannot end both."""
    RefreshToken.objects.create(token="refresh", user=alice, application=application)
    assert RefreshToken.objects.filter(revoked=None).count() == 2
    tokens.revoke_tokens(alice)
    assert is_over()


def test_what_comes_to_be_while_it_is_revoked_ends_as_well(alice, access, application):
    """As a refresh does that was under way."""
    seen = []
    later = timezone.now() + timedelta(hours=1)
    rounds = tokens.revoking._revoke_once

    def and_meanwhile(filters):
        found = rounds(filters)
        if len(seen) < 2:
            seen.append(found)
            AccessToken.objects.create(
                user=alice, application=application, token=f"new {len(seen)}", expires=later
            )
        return found

    with patch("api_guard.tokens.revoking._revoke_once", and_meanwhile):
        assert tokens.revoke_tokens(alice) == 7
    assert is_over()


def test_revoking_ends_even_where_tokens_come_without_end(alice):
    with patch("api_guard.tokens.revoking._revoke_once", return_value=1):
        assert tokens.revoke_tokens(alice) == tokens.revoking._MOST_ROUNDS


# With its owner


def test_a_changed_password_ends_every_token(api, alice, access):
    alice.set_password("looking glass")
    alice.save()
    assert is_over()
    assert api.by_token(access).get("/notes").status_code == 401


def test_a_password_that_is_set_by_its_hash_ends_every_token(alice, access):
    alice.password = make_password("looking glass")
    alice.save()
    assert is_over()


@pytest.mark.parametrize("fields", [["password"], ["password", "email"], None])
def test_a_changed_password_is_seen_whatever_else_is_saved(alice, access, fields):
    alice.set_password("looking glass")
    alice.save(update_fields=fields)
    assert is_over()


def test_a_hash_that_becomes_stronger_at_sign_in_ends_nothing(client, alice, access, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    before = alice.password
    assert client.login(username="alice", password="wonderland")
    alice.refresh_from_db()
    assert alice.password != before
    assert not is_over()
    # The same field by itself, from a hash that is as strong as any, is a new password.
    alice.password = make_password("looking glass")
    alice.save(update_fields=["password"])
    assert is_over()


def test_a_first_password_ends_what_came_before_it(alice, access):
    get_user_model().objects.update(password="!no password")
    alice.refresh_from_db()
    alice.password = make_password("looking glass")
    # As after a sign-in that made a hash stronger: what no hasher knows was not made stronger.
    alice._password = None
    alice.save(update_fields=["password"])
    assert is_over()


def test_a_deactivated_user_s_tokens_do_not_come_back_with_it(api, alice, access):
    alice.is_active = False
    alice.save()
    assert is_over()
    alice.is_active = True
    alice.save()
    assert api.by_token(access).get("/notes").status_code == 401


def test_a_proxy_of_the_user_model_is_the_user(alice, access):
    class Person(get_user_model()):
        class Meta:
            proxy = True
            app_label = "tests"

    person = Person.objects.get(pk=alice.pk)
    person.set_password("looking glass")
    person.save()
    assert is_over()


@pytest.mark.parametrize("change", [{"last_name": "Liddell"}, {"is_staff": True}])
def test_any_other_change_of_a_user_ends_nothing(alice, access, change):
    for name, value in change.items():
        setattr(alice, name, value)
    alice.save()
    alice.save(update_fields=list(change))
    assert not is_over()


def test_a_sign_in_costs_no_query_more(alice, access, django_assert_num_queries):
    alice.last_login = timezone.now()
    with django_assert_num_queries(1):
        alice.save(update_fields=["last_login"])


def test_a_user_that_is_saved_after_its_row_went_away_is_a_new_one(alice):
    copy = get_user_model().objects.get(pk=alice.pk)
    alice.delete()
    copy.set_password("looking glass")
    copy.save()
    assert get_user_model().objects.filter(username="alice").exists()


def test_a_deleted_client_or_user_leaves_nothing_behind(api, alice, application, access):
    application.delete()
    assert not DeviceGrant.objects.exists()
    assert is_over()
    assert api.by_token(access).get("/notes").status_code == 401
    alice.delete()


# Exposed tokens


@pytest.fixture
def revoking(settings):
    settings.API_GUARD = {**settings.API_GUARD, "REVOKE_EXPOSED_TOKENS": True}
    return settings


def test_a_token_that_came_in_clear_is_revoked(api, access, revoking, caplog):
    revoking.SECURE_SSL_REDIRECT = True
    refused = api.by_token(access).get("/notes")
    assert (refused.status_code, refused.json()["code"]) == (403, "insecure_transport")
    assert refused["Cache-Control"] == "no-store"
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()
    assert "was revoked" in caplog.text
    assert "access" not in caplog.text.replace("access token", "")
    assert api.get("/notes", secure=True).status_code == 401


def test_a_token_in_the_query_string_is_revoked(api, access, revoking):
    refused = api.get("/notes", {"access_token": [access, "other"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "token_in_query")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("header", ["", "Basic access", "Bearer é", "Bearer unknown"])
def test_nothing_else_is_revoked(api, access, revoking, header):
    revoking.SECURE_SSL_REDIRECT = True
    assert api.get("/notes", HTTP_AUTHORIZATION=header).status_code == 403
    assert AccessToken.objects.exists()


def test_nothing_is_revoked_unless_the_project_says_so(api, access, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert api.by_token(access).get("/notes").status_code == 403
    assert api.get("/notes", {"access_token": access}, secure=True).status_code == 400
    assert api.get("/notes", secure=True).status_code == 200


def test_a_token_that_cannot_be_revoked_is_refused_all_the_same(api, access, revoking, caplog):
    revoking.SECURE_SSL_REDIRECT = True
    api.by_token(access)
    with patch("api_guard.tokens.revoking._revoke_pairs", side_effect=DatabaseError("down")):
        assert api.get("/notes").status_code == 403
    assert "could not be revoked" in caplog.text
    bug = patch("api_guard.tokens.revoking._revoke_pairs", side_effect=ZeroDivisionError)
    with bug, pytest.raises(ZeroDivisionError):
        api.get("/notes")


def test_a_token_is_revoked_under_asgi_too(access, revoking):
    revoking.SECURE_SSL_REDIRECT = True
    get = async_to_sync(AsyncClient().get)
    assert get("/notes", headers={"Authorization": f"Bearer {access}"}).status_code == 403
    assert not AccessToken.objects.exists()


# From the command line


def revoke(*arguments):
    out = StringIO()
    call_command("guard_revoke", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_revokes_everything_of_a_user(api, alice, access, staff):
    said = revoke("--user", "alice", "--by", "sue", "--reason", "left")
    assert said == "Revoked 1 grant and 5 tokens of alice.\n"
    assert alice.scope_grants.get().revoked_by == staff
    assert api.by_token(access).get("/notes").status_code == 401


def test_the_command_revokes_what_it_is_told(application, access):
    client = ["--client", application.client_id]
    assert revoke(*client, "--scope", "notes:read") == "Revoked 1 grant of app.\n"
    assert not is_over()
    assert revoke(*client, "--grants") == "Revoked 0 grants of app.\n"
    assert not is_over()
    assert revoke(*client, "--tokens") == "Revoked 5 tokens of app.\n"
    assert is_over()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--user", "nobody"], "no user 'nobody'"),
        (["--client", "nothing"], "no client 'nothing'"),
        (["--user", "alice", "--by", "nobody"], "no user 'nobody'"),
        (["--user", "alice", "--scope", "audit:read"], "holds no grant"),
        (["--user", "alice", "--scope", "notes:read", "--grants"], "remove --scope"),
        (["--user", "alice", "--reason", "x" * 501], "it has 501.*Nothing was revoked"),
        (["--user", "alice", "--tokens", "--reason", "\0"], "null character.*Nothing was revoked"),
        ([], "required"),
        (["--user", "alice", "--client", "demo"], "not allowed with"),
    ],
)
def test_the_command_says_what_is_wrong_and_revokes_nothing(access, arguments, problem):
    with pytest.raises(CommandError, match=problem):
        revoke(*arguments)
    assert not is_over()
    assert grants.live().count() == 2


@pytest.mark.parametrize(
    ("scopes", "said", "problems"),
    [
        (["audit:read"], "Revoked 0 grants and 5 tokens of alice.\n", 1),
        (["audit:read", "notes:read", "notes"], "Revoked 1 grant and 5 tokens of alice.\n", 2),
        (["notes:read", "notes:read"], "Revoked 1 grant and 5 tokens of alice.\n", 0),
        (["NOTES:READ"], "Revoked 0 grants and 5 tokens of alice.\n", 1),
    ],
)
def test_the_command_does_what_it_can_and_fails_in_the_end(alice, access, scopes, said, problems):
    out = StringIO()
    options = [f"--scope={scope}" for scope in scopes]
    fails = pytest.raises(CommandError, match="alice holds no grant of ") if problems else None
    with fails or nullcontext() as caught:
        call_command("guard_revoke", "--user", "alice", "--tokens", *options, stdout=out)
    assert (out.getvalue(), is_over()) == (said, True)
    assert caught is None or len(str(caught.value).splitlines()) == problems


@pytest.mark.parametrize(
    "arguments",
    [
        ["--user", "alice", "notes:read"],
        ["notes:read", "--user", "alice"],
        ["--user", "alice", "--scope", "notes:read"],
        ["--reason", "it is done", "notes:read", "notes:read", "--user", "alice"],
    ],
)
def test_a_scope_is_named_as_guard_grant_takes_it(alice, give, arguments):
    give(alice, "notes:read", "notes:write")
    assert revoke(*arguments) == "Revoked 1 grant of alice.\n"
    assert [row.scope for row in grants.live()] == ["notes:write"]


def test_scopes_of_both_kinds_are_revoked_and_none_beside_all(alice, give):
    give(alice, "notes:read", "notes:write", "audit:read")
    with pytest.raises(CommandError, match="--grants means all grants: remove"):
        revoke("--user", "alice", "--grants", "notes:read")
    assert revoke("--user", "alice", "notes:read", "--scope", "audit:read").startswith("Revoked 2")
    assert [row.scope for row in grants.live()] == ["notes:write"]


def test_tokens_are_revoked_though_grants_cannot_be(alice, access):
    out, down = StringIO(), DatabaseError("the table is locked")
    for arguments in ([], ["--scope", "notes:read", "--tokens"]):
        out.truncate(0)
        with (
            patch("api_guard.grants.writing.close", side_effect=down),
            pytest.raises(CommandError, match="the table is locked"),
        ):
            call_command("guard_revoke", "--user", "alice", *arguments, stdout=out)
        assert is_over()
    assert out.getvalue().endswith("Revoked 0 grants and 0 tokens of alice.\n")
    assert grants.live().count() == 2


# In the admin


@pytest.fixture
def root(client, admin_user):
    client.force_login(admin_user)
    return client


def test_the_list_of_grants_leads_to_the_page(root, client, staff, access):
    assert PAGE in root.get("/admin/api_guard/scopegrant/").content.decode()
    assert "All tokens" in root.get(PAGE).content.decode()


def test_the_page_ends_the_access_of_a_grantee(root, api, alice, admin_user, access):
    chosen = {"user": alice.pk, "client": "", "reason": "left"}
    done = root.post(PAGE, {**chosen, "revoke_grants": "on", "revoke_tokens": "on"}, follow=True)
    assert "Revoked 1 grant and 5 tokens of alice." in done.content.decode()
    row = alice.scope_grants.get()
    assert (row.revoked_by, row.revoked_reason) == (admin_user, "left")
    assert api.by_token(access).get("/notes").status_code == 401


@pytest.mark.parametrize(
    ("part", "grants_left", "tokens_left"),
    [("revoke_grants", 1, True), ("revoke_tokens", 2, False)],
)
def test_the_page_ends_what_was_chosen(root, application, access, part, grants_left, tokens_left):
    root.post(PAGE, {"user": "", "client": application.pk, "reason": "", part: "on"})
    assert grants.live().count() == grants_left
    assert is_over() is not tokens_left


def test_the_page_asks_for_one_grantee_and_for_something_to_revoke(
    root, alice, application, access
):
    both = {"user": alice.pk, "client": application.pk, "revoke_tokens": "on", "reason": ""}
    for chosen in (both, {"user": alice.pk, "client": "", "reason": ""}):
        answer = root.post(PAGE, chosen)
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode()
    assert not is_over()


def test_the_page_is_for_those_who_may_revoke(client, staff, access):
    client.force_login(staff)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {}).status_code == 403


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
def test_a_refresh_under_way_is_waited_for_and_ends_too(alice, application, access):
    """A rotation holds its refresh token; what it makes is found by the next round."""
    import threading

    from django.db import connections

    locked, go_on = threading.Event(), threading.Event()
    later = timezone.now() + timedelta(hours=1)

    def rotate():
        try:
            with transaction.atomic():
                RefreshToken.objects.select_for_update().get(token="refresh")
                locked.set()
                go_on.wait(60)
                RefreshToken.objects.create(
                    token="rotated", user=alice, application=application, token_family=None
                )
                AccessToken.objects.create(
                    token="new", user=alice, application=application, expires=later
                )
        finally:
            connections.close_all()

    thread = threading.Thread(target=rotate)
    thread.start()
    locked.wait(60)
    threading.Timer(0.3, go_on.set).start()
    tokens.revoke_tokens(alice)
    thread.join()
    assert is_over()


def test_a_password_that_is_set_by_its_hash_ends_them_though_the_old_hash_is_outdated(
    alice, access, settings
):
    md5 = "django.contrib.auth.hashers.MD5PasswordHasher"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", md5]
    user = get_user_model().objects.get(pk=alice.pk)
    user.password = make_password("another")
    user.save(update_fields=["password"])
    assert is_over()
