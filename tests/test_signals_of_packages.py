"""Packages send Django's signals themselves, as for a soft delete, and say less than Django."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import router
from django.db.models import Q
from django.db.models.signals import m2m_changed, pre_delete, pre_save
from django.urls import path
from oauth2_provider.models import Application
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from api_guard import ANY_OBJECT, guard
from tests.models import Note

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
User = get_user_model()


class Softly(GenericAPIView):
    queryset = Note.objects.all()

    def delete(self, request, pk):
        note = Note.objects.get(pk=pk)
        pre_delete.send(Note, instance=note, **SAID)
        note.title = "deleted"
        note.save(update_fields=["title"])
        return Response(status=204)


@guard(write="notes:write", objects=lambda caller: Q(pk=caller.user_id))
class Members(GenericAPIView):
    queryset = User.objects.all()

    def post(self, request, pk):
        group = Group.objects.get()
        m2m_changed.send(
            User.groups.through,
            instance=User.objects.get(pk=pk),
            action="pre_add",
            reverse=False,
            model=Group,
            pk_set={group.pk},
        )
        return Response()


class InBulk(GenericAPIView):
    queryset = Note.objects.all()

    def post(self, request, pk):
        note = self.get_object()
        pre_save.send(Note, instance=note, **SAID)
        note.save()
        return Response()


SAID = {}
owned = guard(write="notes:write", owner="author")(Softly)
any_object = guard(write="notes:write", objects=ANY_OBJECT)(type("Any", (Softly,), {}))
in_bulk = guard(write="notes:write", owner="author")(InBulk)
urlpatterns = [
    path("owned/<int:pk>/", owned.as_view()),
    path("any/<int:pk>/", any_object.as_view()),
    path("bulk/<int:pk>/", in_bulk.as_view()),
    path("users/<int:pk>/", Members.as_view()),
]


@pytest.fixture(params=[{}, {"using": None}, {"using": "default"}], ids=str)
def said(request):
    SAID.update(request.param)
    yield
    SAID.clear()


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("where", "of_caller", "status"),
    [("owned", True, 204), ("owned", False, 403), ("any", False, 204)],
)
def test_a_soft_delete_is_judged_like_any_other(api, alice, bob, give, where, of_caller, status):
    give(alice, "notes:write")
    note = Note.objects.create(author=alice if of_caller else bob, title="kept")
    answer = api.by_session(alice).delete(f"/{where}/{note.pk}/")
    assert answer.status_code == status
    assert Note.objects.get().title == ("deleted" if status == 204 else "kept")


@pytest.mark.usefixtures("said")
def test_a_save_that_was_announced_before_is_judged(api, alice, give):
    give(alice, "notes:write")
    note = Note.objects.create(author=alice, title="kept")
    assert api.by_session(alice).post(f"/bulk/{note.pk}/").status_code == 200


@pytest.mark.parametrize(("of_caller", "status"), [(True, 200), (False, 403)])
def test_a_set_that_changes_without_a_database_is_judged(api, alice, bob, give, of_caller, status):
    give(alice, "notes:write")
    Group.objects.create(name="editors")
    answer = api.by_session(alice).post(f"/users/{(alice if of_caller else bob).pk}/")
    assert answer.status_code == status


@pytest.mark.parametrize("model", [Note, User, Group, Application])
def test_a_signal_that_says_only_what_is_saved_fails_nothing(settings, model):
    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    user = User.objects.create(username="ann")
    for row in (
        Note.objects.create(title="A note"),
        user,
        Group.objects.create(name="everyone"),
        Application.objects.create(name="app"),
    ):
        if isinstance(row, model):
            pre_save.send(type(row), instance=row)


def test_what_no_signal_says_is_read_where_it_is_written(settings, monkeypatch, give):
    """A replica may be behind, and would say that a user was active before."""

    def db_for_read(*args, **hints):
        raise AssertionError("it is read from a replica")

    settings.API_GUARD = {**settings.API_GUARD, "EVERYONE_GROUP": "everyone"}
    user, group = User.objects.create(username="ann"), Group.objects.create(name="everyone")
    client = Application.objects.create(name="app")
    give(group, "notes:read")
    group.name = "nobody"
    monkeypatch.setattr(router, "db_for_read", db_for_read)
    for row in (user, group, client):
        pre_save.send(type(row), instance=row)
    for instance, pk_set in ((user, None), (group, None), (user, {group.pk})):
        is_reverse = instance is group
        m2m_changed.send(
            User.groups.through,
            instance=instance,
            action="pre_clear" if pk_set is None else "pre_add",
            reverse=is_reverse,
            model=User if is_reverse else Group,
            pk_set=pk_set,
        )


def test_memberships_that_are_announced_without_a_database_are_recorded(give):
    user, group = User.objects.create(username="ann"), Group.objects.create(name="editors")
    give(group, "notes:read")
    for instance, pk_set in ((user, None), (user, {group.pk}), (group, {user.pk})):
        m2m_changed.send(
            User.groups.through,
            instance=instance,
            action="pre_clear" if pk_set is None else "pre_add",
            reverse=instance is group,
            model=User if instance is group else Group,
            pk_set=pk_set,
        )
