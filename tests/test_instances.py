"""What the guard reads with a token is what Django would have made of it."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.contrib.auth import get_user_model
from django.db.models.signals import post_init, pre_init
from oauth2_provider.models import AccessToken, Application

from api_guard import tokens
from api_guard.tokens.rows import Columns, relate

pytestmark = pytest.mark.django_db


def by_django(token):
    return AccessToken.objects.select_related("user", "application").get(pk=token.pk)


def values(instance):
    return {field.attname: getattr(instance, field.attname) for field in instance._meta.fields}


def test_an_instance_is_that_of_a_query(alice, issue, django_assert_num_queries):
    token = issue("notes:read", user=alice, resource=["https://a"])
    with django_assert_num_queries(1):
        found = tokens.find(token.token)
        assert (found.user.username, found.application.name) == ("alice", "app")
    wanted = by_django(token)
    for one, other in (
        (found, wanted),
        (found.user, wanted.user),
        (found.application, wanted.application),
    ):
        assert type(one) is type(other)
        assert values(one) == values(other)
        assert (one._state.adding, one._state.db) == (other._state.adding, other._state.db)
        assert one == other
        assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == one
    found.user.first_name = "Alice"
    found.user.save()
    assert get_user_model().objects.get().first_name == "Alice"
    found.user_id = None
    assert found.user is None


def test_a_token_of_a_client_has_no_user(issue, django_assert_num_queries):
    token = issue("notes:read")
    with django_assert_num_queries(1):
        assert tokens.find(token.token).user is None


@pytest.mark.parametrize("signal", [pre_init, post_init])
def test_who_listens_to_instances_is_told(alice, issue, signal):
    token, seen = issue("notes:read", user=alice), []

    def listen(sender, **_):
        seen.append(sender)

    for model in (AccessToken, get_user_model()):
        signal.connect(listen, sender=model)
    try:
        found = tokens.find(token.token)
    finally:
        for model in (AccessToken, get_user_model()):
            signal.disconnect(listen, sender=model)
    assert seen == [AccessToken, get_user_model()]
    assert found.user == alice


def with_own(name, method):
    return type(
        name,
        (get_user_model(),),
        {
            "__module__": __name__,
            "Meta": type("Meta", (), {"proxy": True, "app_label": "tests"}),
            **method,
        },
    )


def test_a_model_with_ways_of_its_own_goes_them(alice):
    seen = []

    def own_init(self, *args, **kwargs):
        seen.append("init")
        super(watched, self).__init__(*args, **kwargs)

    def own_from_db(cls, db, names, row, **kwargs):
        seen.append("from_db")
        return super(loaded, cls).from_db(db, names, row, **kwargs)

    watched = with_own("Watched", {"__init__": own_init})
    loaded = with_own("Loaded", {"from_db": classmethod(own_from_db)})
    row = list(get_user_model().objects.values_list().get())
    for model, way in ((watched, "init"), (loaded, "from_db")):
        found = Columns(model, 0).instance(row)
        assert (type(found), found.pk, seen.pop()) == (model, alice.pk, way)
    assert not seen


def test_a_relation_of_another_kind_is_set_as_django_does(alice, monkeypatch):
    class OneOfItsOwn:
        pass

    token = AccessToken(application=Application())
    monkeypatch.setattr(AccessToken._meta, "get_field", lambda name: OneOfItsOwn())
    relate(token, "user", alice)
    assert (token.user, token.user_id) == (alice, alice.pk)
