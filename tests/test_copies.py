"""What a receiver of `pre_save` copies is an instance like any other afterwards."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.db.models.signals import pre_save
from django.urls import path
from rest_framework import generics
from rest_framework.response import Response

from api_guard import guard, unheld
from tests.models import Note

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@guard(write="notes:write", owner="author")
class Notes(generics.GenericAPIView):
    queryset = Note.objects.all()

    def post(self, request, pk):
        note = self.get_object()
        note.title = "saved"
        note.save()
        SAVED[:] = [note]
        with unheld(Note, why="the copies are the test's"):
            for kept in KEPT:
                kept.title = "copy"
                kept.save()
        return Response()


KEPT = []
SAVED = []
urlpatterns = [path("notes/<int:pk>/", Notes.as_view())]


def pickled(note):
    return pickle.loads(pickle.dumps(note))


@pytest.fixture
def save(api, alice, give):
    give(alice, "notes:write")
    note = Note.objects.create(title="note", author=alice)

    def save(how):
        def keep(sender, instance, **kwargs):
            KEPT[:] = [how(instance)]

        pre_save.connect(keep, sender=Note)
        try:
            return api.by_session(alice).post(f"/notes/{note.pk}/").status_code
        finally:
            pre_save.disconnect(keep, sender=Note)

    return save


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_saves_itself(save, how):
    assert save(how) == 200
    assert Note.objects.get().title == "copy"


def test_what_was_saved_is_as_it_was_before(save):
    save(copy.copy)
    assert vars(SAVED.pop()).keys() == vars(Note.objects.get()).keys()
