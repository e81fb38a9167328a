"""Run by tests/test_other_users.py, once for each user model, in a process of its own."""

import os

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.response import Response

from api_guard import grants, guard
from api_guard.checks.granting import check_permissions_of_users
from tests.other_users.models import Role, User

pytestmark = pytest.mark.django_db
KIND = os.environ["USER_MODEL"]
SYSTEM = grants.System("a test")


@guard(read="notes:read")
@api_view(["GET"])
def notes(request):
    return Response(str(request.user.pk))


urlpatterns = [path("notes", notes)]


@pytest.fixture
def token():
    user = User.objects.create_user("ada@example.org")
    return make_token(user)


def make_token(user):
    from datetime import timedelta

    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application

    app = Application.objects.create(client_type="public", authorization_grant_type="password")
    grants.grant("notes:read", app, by=SYSTEM)
    return AccessToken.objects.create(
        user=user,
        application=app,
        scope="notes:read",
        token="ada",
        expires=timezone.now() + timedelta(hours=1),
    )


def call(client):
    return client.get("/notes", HTTP_AUTHORIZATION="Bearer ada").status_code


def test_the_checks_run_with_the_database():
    call_command("check", databases=["default"])


def test_a_user_has_what_it_was_granted(client, token):
    closed = 401 if KIND == "unflagged" else 403  # who has no `is_active` is not active
    assert call(client) == closed
    grants.grant("notes:read", token.user, by=SYSTEM)
    assert call(client) == (401 if KIND == "unflagged" else 200)
    token.user.save()
    assert grants.revoke_all(token.user, by=SYSTEM) == 1
    assert call(client) == closed


def test_the_key_of_something_else_is_not_that_of_a_group(client, token):
    group = Group.objects.create(name="readers")
    grants.grant("notes:read", group, by=SYSTEM)
    user = token.user
    if KIND == "renamed":
        user.groups.add(group)
        assert call(client) == 200
        assert grants.groups_of(user).get() == group
        return
    if KIND == "roles":
        role = Role.objects.create(pk=group.pk, name="reader")
        user.groups.add(role)
        role.holders.clear()
        role.holders.add(user)
    elif KIND == "names":
        user.groups = [group.pk]
        user.save()
    elif KIND == "teams":
        user.groups.create(pk=group.pk)
    assert call(client) in (401, 403)
    assert not grants.groups_of(user)
    call_command("guard_who", "notes:read")
    call_command("guard_who", "GET", "/notes")


def test_who_may_change_users_is_warned_of():
    assert check_permissions_of_users(databases=["default"]) == []
    if KIND == "renamed":
        may = Permission.objects.get(codename="change_user")
        User.objects.create_user("bob@example.org").user_permissions.add(may)
        assert len(check_permissions_of_users(databases=["default"])) == 1
